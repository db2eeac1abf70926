"""Beartype as jaxtyping's pytest option wants it: a name without arguments. An int may stand for a float."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
