"""Pickles of strangers: what is harmless comes back as it was, all else is refused by its name, and nothing is run."""

import collections
import fractions
import functools
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_teacher.data.importers.unpickling import load_pickle
from rl_teacher.errors import DataDamaged, DataRefused

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
ARRAYS = [
    np.arange(6, dtype=np.int32).reshape(2, 3), np.float64([1.5, -0.0]), np.zeros((0, 4), np.float32),
    np.array([True, False]), np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.array("text"),
    np.arange(3, dtype=">i2"), np.float32(1.5), np.int64(7),
]  # fmt: skip


@given(PLAIN, st.integers(0, 5))
def test_plain_containers_come_back(tmp_path_factory: pytest.TempPathFactory, value: object, protocol: int) -> None:
    path = tmp_path_factory.mktemp("plain") / "a.pkl"
    path.write_bytes(pickle.dumps(value, protocol))
    assert load_pickle(path) == value


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("of_numpy_1", [False, True])
def test_arrays_come_back(tmp_path: Path, protocol: int, of_numpy_1: bool) -> None:
    for array in ARRAYS:
        data = pickle.dumps({"values": [array]}, protocol)
        if of_numpy_1 and protocol < 4:  # the same module under the name that it had, which has no length before it
            data = data.replace(b"numpy._core.", b"numpy.core.")
        (tmp_path / "a.pkl").write_bytes(data)
        (found,) = load_pickle(tmp_path / "a.pkl")["values"]
        np.testing.assert_array_equal(found, array)
        assert found.dtype == array.dtype.newbyteorder("=")


class Command:
    """Runs a program where it is unpickled."""

    def __init__(self, words: str) -> None:
        self.words = words

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (self.words,)


def test_a_program_in_a_pickle_is_refused_by_its_name_and_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "was-run"
    for value in (Command(f"touch {mark}"), [np.arange(3), {"a": Command(f"touch {mark}")}]):
        for protocol in range(6):
            (tmp_path / "a.pkl").write_bytes(pickle.dumps(value, protocol))
            with pytest.raises(DataRefused, match=r"a\.pkl: holds (posix|nt)\.system, expected arrays"):
                load_pickle(tmp_path / "a.pkl")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (eval, "builtins.eval"), (getattr, "builtins.getattr"), (functools.partial(print), "functools.partial"),
        (collections.OrderedDict(a=1), "collections.OrderedDict"), (fractions.Fraction(1, 2), "fractions.Fraction"),
        (Path("a"), "pathlib"), (np.load, "numpy.load"), (np.array([1, "a"], object), "an array of objects"),
        (np.zeros(1, [("a", "O")]), "an array of"), (object(), "object"), (os.path.join, "posixpath.join"),
    ],
)  # fmt: skip
def test_all_else_is_refused_by_its_name(tmp_path: Path, value: object, name: str) -> None:
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(value))
    with pytest.raises(DataRefused, match=name) as error:
        load_pickle(tmp_path / "a.pkl")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("data", [b"", b"text", b"\x80\x04", pickle.dumps(np.arange(100))[:-20], b"cos\nsystem\n"])
def test_what_is_no_pickle_or_is_cut_off_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.pkl").write_bytes(data)
    with pytest.raises((DataDamaged, DataRefused), match=r"a\.pkl"):
        load_pickle(tmp_path / "a.pkl")


@settings(max_examples=400)
@given(st.integers(0, 250), st.integers(0, 255))
def test_a_pickle_that_was_changed_does_no_harm(tmp_path_factory: pytest.TempPathFactory, at: int, byte: int) -> None:
    data = bytearray(pickle.dumps({"a": np.arange(5), "b": [1, 2.5, None]}))
    data[at % len(data)] = byte
    path = tmp_path_factory.mktemp("changed") / "a.pkl"
    path.write_bytes(bytes(data))
    told = str(path)
    try:
        load_pickle(path)
    except (DataDamaged, DataRefused) as error:
        told = str(error)
    assert str(path) in told
