"""Sixteen numbers at a time, or eight times as many, for compiled loops that the compiler would not vectorize.

It cannot show that their arrays do not overlap. `load` makes a vector of neighbors in an array; arithmetic and comparisons go lane by
lane, with a number or another vector; `choose` takes lanes by a comparison, and `bits` has them as the bits of an integer. Processors
with narrower instructions take several for each.
"""

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core.registry import cpu_target
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

LANES = 16


class Vector(types.Type):
    """A numba type: lanes of one type of numbers, or of truth."""

    def __init__(self, dtype: Any, lanes: int = LANES):
        self.dtype, self.lanes = dtype, lanes
        super().__init__(f"Vector({dtype}, {lanes})")


@register_model(Vector)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Vector):
        super().__init__(manager, kind, ir.VectorType(manager.lookup(kind.dtype).get_value_type(), kind.lanes))


INT = ir.IntType(32)


def _int(number):
    return ir.Constant(INT, number)


def _ints(numbers):
    numbers = list(numbers)
    return ir.Constant(ir.VectorType(INT, len(numbers)), numbers)


def _call(builder, name, result, *values):
    """The result of one of LLVM's own functions."""
    kind = ir.FunctionType(result, [value.type for value in values])
    return builder.call(builder.module.declare_intrinsic("llvm." + name, fnty=kind), values)


def _everywhere(builder, value, lanes=LANES):
    """A number in all lanes."""
    one = builder.insert_element(ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined), value, _int(0))
    return builder.shuffle_vector(one, one, _ints([0] * lanes))


def _alike(context, builder, kinds, values):
    """Vectors as they are, and numbers in as many lanes."""
    like = next(k for k in kinds if isinstance(k, Vector))
    return [
        v if isinstance(k, Vector) else _everywhere(builder, context.cast(builder, v, k, like.dtype), like.lanes)
        for k, v in zip(kinds, values, strict=True)
    ]


def _operator(function, instruction, truth=False):
    """Let vectors have an operator."""

    @infer_global(function)
    class _Template(AbstractTemplate):
        def generic(self, arguments, keywords):
            vectors = [a for a in arguments if isinstance(a, Vector)]
            if not vectors or not all(isinstance(a, (Vector, types.Number)) for a in arguments):
                return None
            return signature(Vector(types.boolean, vectors[0].lanes) if truth else vectors[0], *arguments)

    def lower(context, builder, sig, values):
        return instruction(builder, *_alike(context, builder, sig.args, values))

    for kinds in ((Vector, Vector), (Vector, types.Number), (types.Number, Vector)):
        lower_builtin(function, *kinds)(lower)


for _function, _name in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul"), (operator.truediv, "fdiv")):
    _operator(_function, lambda builder, a, b, name=_name: getattr(builder, name)(a, b))
for _function, _sign in ((operator.gt, ">"), (operator.ge, ">="), (operator.le, "<="), (operator.lt, "<"), (operator.eq, "==")):
    _operator(_function, lambda builder, a, b, sign=_sign: builder.fcmp_ordered(sign, a, b), True)
_operator(operator.ne, lambda builder, a, b: builder.fcmp_unordered("!=", a, b), True)
_operator(operator.and_, lambda builder, a, b: builder.and_(a, b))


@intrinsic
def at(typing_context, array, index):
    """Pointer to a number of a contiguous array, or to one so many further on: no view, no count of references, no check."""
    kind = types.CPointer(array.dtype)

    def generate(context, builder, sig, arguments):
        data, index = arguments
        if isinstance(sig.args[0], types.Array):
            data = context.make_array(sig.args[0])(context, builder, data).data
        return builder.gep(data, [index])

    return kind(array, types.intp), generate


def _place(builder, pointer, index, lanes=LANES):
    """Pointer to the vector at an index, and what it is aligned to."""
    number = pointer.type.pointee
    return builder.bitcast(builder.gep(pointer, [index]), ir.VectorType(number, lanes).as_pointer()), 8 if number == ir.DoubleType() else 4


def _lanes(builder, count):
    """Which lanes are below a number."""
    return builder.icmp_signed("<", _ints(range(LANES)), _everywhere(builder, builder.trunc(count, INT)))


def _load(lanes):
    @intrinsic
    def load(typing_context, pointer, index):
        """The vector at an index."""

        def generate(context, builder, sig, arguments):
            place, align = _place(builder, *arguments, lanes)
            return builder.load(place, align=align)

        return Vector(pointer.dtype, lanes)(pointer, types.intp), generate

    return load


WIDE = 8 * LANES
load, load_wide = _load(LANES), _load(WIDE)


@intrinsic
def store(typing_context, pointer, index, value):
    """Write a vector at an index."""

    def generate(context, builder, sig, arguments):
        place, align = _place(builder, *arguments[:2], value.lanes)
        builder.store(arguments[2], place, align=align)
        return context.get_dummy_value()

    return types.void(pointer, types.intp, value), generate


@intrinsic
def load_some(typing_context, pointer, index, count):
    """The first ``count`` lanes at an index; the others are 0."""

    def generate(context, builder, sig, arguments):
        place, align = _place(builder, *arguments[:2])
        whole, lanes = place.type.pointee, _lanes(builder, arguments[2])
        others = ir.Constant(whole, [0.0] * LANES)
        return _call(builder, f"masked.load.v{LANES}f{8 * align}.p0", whole, place, _int(align), lanes, others)

    return Vector(pointer.dtype)(pointer, types.intp, types.intp), generate


@intrinsic
def store_some(typing_context, pointer, index, value, count):
    """Write the first ``count`` lanes at an index."""

    def generate(context, builder, sig, arguments):
        place, align = _place(builder, *arguments[:2])
        name, lanes = f"masked.store.v{LANES}f{8 * align}.p0", _lanes(builder, arguments[3])
        _call(builder, name, ir.VoidType(), arguments[2], place, _int(align), lanes)
        return context.get_dummy_value()

    return types.void(pointer, types.intp, value, types.intp), generate


def _prefetch(write):
    @intrinsic
    def prefetch(typing_context, pointer, index):
        def generate(context, builder, sig, arguments):
            place = builder.gep(arguments[0], [arguments[1]])
            _call(builder, "prefetch.p0", ir.VoidType(), place, _int(write), _int(3), _int(1))
            return context.get_dummy_value()

        return types.void(pointer, types.intp), generate

    return prefetch


will_read, will_write = _prefetch(0), _prefetch(1)


def _parts(builder, vector):
    """A vector cut into those of `LANES`."""
    return [builder.shuffle_vector(vector, vector, _ints(range(k, k + LANES))) for k in range(0, vector.type.count, LANES)]


def _joined(builder, parts):
    while len(parts) > 1:
        every = _ints(range(2 * parts[0].type.count))
        parts = [builder.shuffle_vector(a, b, every) for a, b in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


def has_tables() -> bool:
    """Whether processors that numba compiles for can `look_up` (AVX-512)."""
    return "+avx512f" in cpu_target.target_context.codegen().magic_tuple()[2]


@intrinsic
def look_up(typing_context, low, high, index):
    """The number at each index, of one (``high`` is None) or two tables with `LANES` float32 each; higher bits of it do not matter."""
    one = isinstance(high, types.NoneType)
    name = "x86.avx512." + ("permvar.sf.512" if one else "vpermi2var.ps.512")

    def generate(context, builder, sig, arguments):
        first, second, index = arguments
        others = [] if one else [second]
        return _joined(builder, [_call(builder, name, first.type, first, part, *others) for part in _parts(builder, index)])

    return Vector(low.dtype, index.lanes)(low, high, index), generate


@intrinsic
def marked(typing_context, index, condition, bit):
    """The index, with a bit set where the condition holds; the index may be the number 0."""

    def generate(context, builder, sig, arguments):
        index, bit = (
            a if isinstance(k, Vector) else _everywhere(builder, context.cast(builder, a, k, types.int32), condition.lanes)
            for k, a in zip((sig.args[0], sig.args[2]), (arguments[0], arguments[2]), strict=True)
        )
        return builder.select(arguments[1], builder.or_(index, bit), index)

    return Vector(types.int32, condition.lanes)(index, condition, bit), generate


@intrinsic
def choose(typing_context, condition, yes, no):
    """``yes`` where the condition holds, else ``no``, without a branch."""
    kind = next((a for a in (yes, no) if isinstance(a, Vector)), Vector(yes, condition.lanes))

    def generate(context, builder, sig, arguments):
        values = zip(sig.args[1:], arguments[1:], strict=True)
        wide = [
            v if isinstance(k, Vector) else _everywhere(builder, context.cast(builder, v, k, kind.dtype), kind.lanes) for k, v in values
        ]
        return builder.select(arguments[0], *wide)

    return kind(condition, yes, no), generate


@intrinsic
def bits(typing_context, condition):
    """The lanes of a comparison, as bits."""

    def generate(context, builder, sig, arguments):
        return builder.zext(builder.bitcast(arguments[0], ir.IntType(LANES)), ir.IntType(64))

    return types.uint64(condition), generate


@intrinsic
def lanes(typing_context, word):
    """The comparison whose lanes are the bits of an integer."""

    def generate(context, builder, sig, arguments):
        return builder.bitcast(arguments[0], ir.VectorType(ir.IntType(1), LANES))

    return Vector(types.boolean)(word), generate


@intrinsic
def absolute(typing_context, x):
    """Without its sign."""

    def generate(context, builder, sig, arguments):
        return _call(builder, f"fabs.v{LANES}f{sig.args[0].dtype.bitwidth}", arguments[0].type, arguments[0])

    return x(x), generate


@intrinsic
def fma(typing_context, a, b, c):
    """a b + c, rounded once."""

    def generate(context, builder, sig, arguments):
        wide = _alike(context, builder, sig.args, arguments)
        return _call(builder, f"fma.v{c.lanes}f{c.dtype.bitwidth}", wide[2].type, *wide)

    return c(a, b, c), generate


@intrinsic
def total(typing_context, x):
    """The sum of the lanes."""

    def generate(context, builder, sig, arguments):
        parts, half = arguments[0], LANES // 2
        while half:
            low, high = (builder.shuffle_vector(parts, parts, _ints(range(k, k + half))) for k in (0, half))
            parts, half = builder.fadd(low, high), half // 2
        return builder.extract_element(parts, _int(0))

    return x.dtype(x), generate


@intrinsic
def lowest(typing_context, word):
    """The place of the lowest bit that is set, of a word that is not 0."""

    def generate(context, builder, sig, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@njit(cache=True, nogil=True)
def indices(word, first, where, count):
    """Write ``first`` plus the place of each bit that is set from where[count] on; return how many are there now."""
    while word:
        where[count] = first + lowest(word)
        word &= word - np.uint64(1)
        count += 1
    return count
