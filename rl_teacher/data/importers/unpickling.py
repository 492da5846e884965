"""Pickles of strangers: NumPy arrays and plain containers are read, and nothing in them is run."""

import io
import math
import pickle
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rl_teacher.errors import DataDamaged, DataRefused

AnyArray = npt.NDArray[Any]
MOST_BYTES = 2**32
"""Of a pickle [byte]."""
NUMBERS = re.compile(r"[<>=|]?(?:[fiu][1248]|b1|[US][0-9]{1,6})")
"""Dtypes that are read: numbers, flags and texts. One of objects would hold anything."""
NUMPY = ("numpy.core", "numpy._core")
"""The same package in NumPy 1 and in NumPy 2."""


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
        return _resolved(_Unpickler(io.BytesIO(data), records or {}).load())
    except DataRefused as error:
        raise DataRefused(f"{path}: {error}") from error
    except Exception as error:  # whatever bytes that are none make of the machine that reads them
        told = " ".join(str(error).split())[:120]
        raise DataDamaged(f"{path}: is no pickle, or is cut off ({type(error).__name__}: {told}).") from error


class _Unpickler(pickle._Unpickler):
    """Knows how arrays are made, and nothing else.

    The one of Python that is written in Python: that in C takes gigabytes for a byte that says so, and can crash.
    """

    def __init__(self, file: io.BytesIO, records: Mapping[tuple[str, str], type[Record]]) -> None:
        super().__init__(file)
        self._records = records

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle may call by its name."""
        found = self._records.get((module, name)) or MAKERS.get((module, name))
        if found is None:
            raise DataRefused(
                f"holds {module}.{name}, expected arrays, numbers, texts, lists, tuples and dicts. It was not opened: "
                "what is in a pickle can run any program."
            )
        return found

    def persistent_load(self, pid: Any) -> Any:
        """Nothing lies elsewhere."""
        raise DataRefused("names something outside of itself, expected a whole pickle.")


class _Maker:
    """A function that a pickle may call, and cannot change."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *given: Any) -> Any:
        return self._make(*given)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("a function is given a state")


class _DType:
    """A dtype as a pickle describes it. NumPy's own trusts what it is told, and can be made to break out of memory."""

    __slots__ = ("_code", "_order")

    def __init__(self, code: Any, align: Any = False, copy: Any = False) -> None:
        if isinstance(code, str) and code.lstrip("<>=|").startswith("O"):
            raise DataRefused("holds an array of objects of Python, expected numbers.")
        if not isinstance(code, str) or not NUMBERS.fullmatch(code):
            raise DataRefused(f"holds an array of {str(code)[:40]!r}, expected numbers.")
        self._code = code.lstrip("<>=|")
        self._order: Literal["<", ">", "="] = ">" if code[0] == ">" else "<" if code[0] == "<" else "="

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 5 or state[1] not in ("<", ">", "=", "|"):
            raise pickle.UnpicklingError("a dtype is described in an unknown way")
        if any(one is not None for one in state[2:5]):
            raise DataRefused("holds an array of several fields, expected numbers.")
        self._order = ">" if state[1] == ">" else "<" if state[1] == "<" else "="

    def found(self) -> np.dtype[Any]:
        """The dtype."""
        return np.dtype(self._code).newbyteorder(self._order)


class _Array:
    """An array as a pickle describes it, until it is made."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: AnyArray | None = None

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[2], _DType):
            raise pickle.UnpicklingError("an array is described in an unknown way")
        _, shape, dtype, is_fortran, data = state
        self._made = _array(data, dtype, shape, "F" if is_fortran is True else "C")

    def found(self) -> AnyArray:
        """The array."""
        if self._made is None:
            raise pickle.UnpicklingError("an array without its numbers")
        return self._made


def _array(data: Any, dtype: Any, shape: Any, order: Any) -> AnyArray:
    """An array of exactly these bytes, in this machine's order."""
    is_shape = isinstance(shape, tuple) and all(type(one) is int and 0 <= one < 2**40 for one in shape)
    if not isinstance(data, bytes | bytearray) or not isinstance(dtype, _DType) or not is_shape:
        raise pickle.UnpicklingError("an array without bytes, dtype or shape")
    kind = dtype.found()
    if len(data) != math.prod(shape) * kind.itemsize:
        raise pickle.UnpicklingError(f"an array of shape {shape} has {len(data)} bytes")
    flat = np.frombuffer(bytes(data), kind) if data else np.zeros(0, kind)
    return np.array(flat.reshape(shape, order="F" if order == "F" else "C"), kind.newbyteorder("="))


def _scalar(dtype: Any, data: Any = None) -> Any:
    return _array(data, dtype, (1,), "C")[0]


def _reconstruct(kind: Any, shape: Any, code: Any) -> _Array:
    return _Array()


def _frombuffer(buffer: Any, dtype: Any, shape: Any, order: Any, *axes: Any) -> AnyArray:
    return _array(buffer, dtype, shape, order)


def _encode(text: Any, coding: Any) -> bytes:
    """How old protocols spell bytes."""
    if not isinstance(text, str) or coding != "latin1":
        raise pickle.UnpicklingError(f"bytes in the coding {coding!r}")
    return text.encode("latin1")


def _nothing(*given: Any) -> bytes:
    """How old protocols spell that there are no bytes."""
    if given:
        raise pickle.UnpicklingError("bytes made of something")
    return b""


MAKERS: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): _Maker(_DType), ("numpy", "ndarray"): _Maker(_nothing), ("_codecs", "encode"): _Maker(_encode),
    ("__builtin__", "bytes"): _Maker(_nothing), ("builtins", "bytes"): _Maker(_nothing),
    **{(f"{package}.multiarray", "_reconstruct"): _Maker(_reconstruct) for package in NUMPY},
    **{(f"{package}.multiarray", "scalar"): _Maker(_scalar) for package in NUMPY},
    **{(f"{package}.numeric", "_frombuffer"): _Maker(_frombuffer) for package in NUMPY},
}  # fmt: skip
"""Module and name in a pickle -> what is called instead."""


PLAIN = (bool, int, float, complex, str, bytes, bytearray, np.generic, np.ndarray)
"""What stands for itself."""


def _resolved(value: Any) -> Any:
    """The same with arrays in the place of their descriptions, and nothing else of ours."""
    if isinstance(value, _Array):
        return value.found()
    if isinstance(value, dict):
        return {_resolved(key): _resolved(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return type(value)(_resolved(one) for one in value)
    if isinstance(value, Record):
        for name, one in vars(value).items():
            value.__dict__[name] = _resolved(one)
        return value
    if value is None or isinstance(
        value, bool | int | float | complex | str | bytes | bytearray | np.generic | np.ndarray
    ):
        return value
    raise pickle.UnpicklingError(f"a {type(value).__name__} where a value is expected")
