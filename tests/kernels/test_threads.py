import threading

import pytest

from snncore.kernels.threads import in_parts


@pytest.mark.parametrize(("samples", "count", "expected"), [(10, 3, [(0, 0, 3), (1, 3, 6), (2, 6, 10)]), (2, 5, [(0, 0, 1), (1, 1, 2)])])
def test_each_part_is_done_once(library, samples, count, expected):
    done = []
    in_parts(lambda *part: done.append(part), samples, count)
    assert sorted(done) == expected


def test_an_error_in_any_part_is_raised(library):
    def fail(part, first, last):
        if part == 1:
            raise ZeroDivisionError("part 1")

    with pytest.raises(ZeroDivisionError, match="part 1"):
        in_parts(fail, 8, 2)


def test_parts_run_side_by_side(library):
    both = threading.Barrier(2)
    in_parts(lambda *part: both.wait(timeout=30), 2, 2)
