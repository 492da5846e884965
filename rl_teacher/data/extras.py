"""Libraries of the extra `data`, loaded when something needs them; where one is missing a line says what to install."""

import importlib
from typing import Any

from rl_teacher.errors import MissingExtra


def load_pyarrow(what: str) -> Any:
    """PyArrow, with its parts for Parquet and for computing.

    Args:
        what: what needs it, as the user wrote it.

    Raises:
        MissingExtra: it is not installed.
    """
    library = _load("pyarrow", what)
    for part in ("pyarrow.compute", "pyarrow.parquet"):
        _load(part, what)
    return library


def load_h5py(what: str) -> Any:
    """h5py.

    Raises:
        MissingExtra: it is not installed.
    """
    return _load("h5py", what)


def _load(name: str, what: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        library = name.split(".")[0]
        raise MissingExtra(
            f"{what}: needs {library}, which is not installed. Do: pip install 'rl-teacher[data]'."
        ) from error
