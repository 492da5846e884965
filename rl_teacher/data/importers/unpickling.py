"""Pickles of strangers: NumPy arrays and plain containers are read, and nothing in them is run."""

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rl_teacher.errors import DataDamaged, DataRefused

MOST_BYTES = 2**32
"""Of a pickle [byte]."""
ARRAYS = {
    (module, name)
    for package in ("numpy.core", "numpy._core")
    for module, name in (
        (f"{package}.multiarray", "_reconstruct"), (f"{package}.multiarray", "scalar"),
        (f"{package}.numeric", "_frombuffer"),
    )
} | {("numpy", "ndarray"), ("numpy", "dtype")}  # fmt: skip
"""How pickles name what makes an array, in NumPy 1 and in NumPy 2."""
CODECS = ("_codecs", "encode")
"""How Python 2 and old protocols spell bytes."""

NO_BYTES = {("__builtin__", "bytes"), ("builtins", "bytes")}
"""How old protocols spell that there are none."""


class Record:
    """Stands in for an object of somebody else's class: its attributes, and no code."""

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
            raise pickle.UnpicklingError(f"the state of an object is a {type(state).__name__}")
        self.__dict__.update(state)


def load_pickle(path: Path, records: Mapping[tuple[str, str], type[Record]] | None = None) -> Any:
    """What a pickle holds.

    Args:
        path: of the file.
        records: module and name of classes that are read as their attributes alone.

    Raises:
        DataRefused: it holds anything but arrays of numbers, plain containers and `records`; its class is named.
        DataDamaged: it is no pickle, or is cut off.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataDamaged(f"{path}: cannot be read ({error.strerror}). Get the file anew.") from error
    if len(data) > MOST_BYTES:
        raise DataRefused(f"{path}: {len(data):,} bytes, expected at most {MOST_BYTES:,} in a pickle.")
    try:
        return _Unpickler(io.BytesIO(data), records or {}).load()
    except DataRefused as error:
        raise DataRefused(f"{path}: {error}") from error
    except Exception as error:  # whatever bytes that are none make of the machine that reads them
        told = " ".join(str(error).split())[:120]
        raise DataDamaged(f"{path}: is no pickle, or is cut off ({type(error).__name__}: {told}).") from error


class _Unpickler(pickle.Unpickler):
    """Knows how arrays are made, and nothing else."""

    def __init__(self, file: io.BytesIO, records: Mapping[tuple[str, str], type[Record]]) -> None:
        super().__init__(file)
        self._records = records

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle may call by its name."""
        if (module, name) in self._records:
            return self._records[module, name]
        if (module, name) == ("numpy", "dtype"):
            return _dtype
        if (module, name) in ARRAYS:
            return _ARRAY_PARTS[name]
        if (module, name) == CODECS:
            return _encode
        if (module, name) in NO_BYTES:
            return _no_bytes
        raise DataRefused(
            f"holds {module}.{name}, expected arrays, numbers, texts, lists, tuples and dicts. It was "
            "not opened: what is in a pickle can run any program."
        )

    def persistent_load(self, pid: Any) -> Any:
        """Nothing lies elsewhere."""
        raise DataRefused("names something outside of itself, expected a whole pickle.")


def _dtype(*given: Any) -> Any:
    """A dtype of numbers, flags or texts: one of objects would hold anything."""
    found = np.dtype(*given)
    if found.hasobject:
        raise DataRefused(f"holds an array of {found}, objects of Python, expected numbers.")
    return found


def _reconstruct(kind: Any, shape: Any, dtype: Any) -> Any:
    if kind is not np.ndarray:
        raise pickle.UnpicklingError(f"an array of the class {kind!r}")
    return np.ndarray.__new__(np.ndarray, (0,), "b")


def _scalar(dtype: Any, data: Any = None) -> Any:
    if not isinstance(dtype, np.dtype) or not isinstance(data, bytes | str):
        raise pickle.UnpicklingError("a number of NumPy without its bytes")
    return np.frombuffer(data.encode("latin1") if isinstance(data, str) else data, dtype)[0]


def _frombuffer(buffer: Any, dtype: Any, shape: Any, order: Any, *axes: Any) -> Any:
    return np.frombuffer(buffer, dtype=dtype).reshape(shape, order="F" if order == "F" else "C")


def _encode(text: Any, coding: Any) -> bytes:
    if not isinstance(text, str) or coding != "latin1":
        raise pickle.UnpicklingError(f"bytes in the coding {coding!r}")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    return b""


_ARRAY_PARTS = {"_reconstruct": _reconstruct, "scalar": _scalar, "_frombuffer": _frombuffer, "ndarray": np.ndarray}
