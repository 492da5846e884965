"""The tree of errors in the docstring of errors.py is the tree of its classes."""

import re

import pytest

from rl_teacher import errors
from rl_teacher.errors import ConfigError, RlTeacherError, require

CLASSES = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]


def drawn() -> dict[str, str]:
    """Class -> parent, as drawn."""
    parents, path = {}, ["RlTeacherError"]
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^((?:[│ ] {3})*)[├└]── (\w+) {2,}\S", line)
        if found:
            depth = len(found[1]) // 4 + 1
            path = [*path[:depth], found[2]]
            parents[found[2]] = path[depth - 1]
    return parents


def test_every_class_is_drawn_below_its_parent():
    actual = {cls.__name__: cls.__bases__[0].__name__ for cls in CLASSES if cls is not RlTeacherError}
    assert drawn() == actual


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_class_says_what_it_means(cls: type):
    assert (cls.__doc__ or "").endswith(".")


def test_require_names_the_setting_its_value_and_what_was_expected():
    require(True, "-w/--workers", -1, "at least 0")
    with pytest.raises(ConfigError, match=r"^-w/--workers: got -1, expected at least 0\.$"):
        require(False, "-w/--workers", -1, "at least 0")
