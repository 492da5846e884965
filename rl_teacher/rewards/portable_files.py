"""The two files of a learned reward: what it is as JSON, and its arrays. NumPy alone: see portable.py.

Files may come from anybody. Nothing in them is executed, and the size of everything is known before it is read.
"""

import hashlib
import io
import json
import math
import re
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rl_teacher.errors import RewardFileError
from rl_teacher.files import make_folder, write_whole
from rl_teacher.rewards.portable_actions import Space, space_as_json, space_from_json

SCHEMA = 1
"""Raised with every change of what the files hold."""
HEAD, ARRAYS = "reward.json", "reward.npz"
MOST_HEAD_BYTES = 1_000_000
MOST_ARRAY_BYTES = 1_000_000_000
"""Of all arrays together [byte]."""
MOST_HEADER_BYTES = 4096
"""In front of the numbers of an array, and beside them in the archive [byte]."""
MOST_NUMBERS = 100_000_000
"""Of an observation."""
DTYPES = {"float32": "<f4", "int32": "<i4"}
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
KEYS = {
    "schema", "kind", "env_id", "observation", "action", "ends", "names", "labels", "looks_at", "arrays", "sha256",
}  # fmt: skip
DAMAGED = "Copy the folder again, or write it anew with rl-teacher fit."
UNREADABLE = (
    OSError, ValueError, KeyError, EOFError, RecursionError, NotImplementedError, RuntimeError, SyntaxError,
    struct.error, zipfile.BadZipFile,
)  # fmt: skip
"""What reading a file that was cut off or made up may raise."""

AnyArray = npt.NDArray[Any]
Arrays = Mapping[str, AnyArray]


@dataclass(frozen=True, slots=True)
class RewardAbout:
    """What is known of a learned reward beside its numbers."""

    kind: str
    """A word of `--reward.model`: gp, cnn, ensemble, constant, untrained."""
    env_id: str
    obs_shape: tuple[int, ...]
    obs_dtype: str
    """Of observations when it was learned; others are converted."""
    action: Space
    ends: bool
    """Whether it depends on how a step ended, or on what was observed after it."""
    names: tuple[str, ...]
    """Of each number of a frame: of the observation, then of the action."""
    labels: int
    """How many it was learned from."""
    looks_at: tuple[tuple[str, float], ...]
    """What it depends on most, and to which share [1]."""


def head_of(about: RewardAbout, arrays: Arrays) -> dict[str, Any]:
    """All that reward.json says, in a fixed order; `sha256` is of everything else and of the arrays."""
    head = {
        "schema": SCHEMA, "kind": about.kind, "env_id": about.env_id,
        "observation": {"shape": list(about.obs_shape), "dtype": about.obs_dtype},
        "action": space_as_json(about.action), "ends": about.ends, "names": list(about.names), "labels": about.labels,
        "looks_at": [[what, share] for what, share in about.looks_at],
        "arrays": {
            name: {"dtype": str(array.dtype), "shape": list(array.shape)} for name, array in sorted(arrays.items())
        },
    }  # fmt: skip
    return head | {"sha256": _hash(head, arrays)}


def _hash(head: Mapping[str, Any], arrays: Arrays) -> str:
    made = hashlib.sha256(json.dumps(head, sort_keys=True, allow_nan=False).encode())
    for name in sorted(arrays):
        made.update(np.ascontiguousarray(arrays[name], arrays[name].dtype.newbyteorder("<")).tobytes())
    return made.hexdigest()


def write_files(folder: Path, about: RewardAbout, arrays: Arrays) -> None:
    """Write both files, reward.json last; the same reward makes the same bytes.

    Raises:
        FolderUnwritable: no room, or no right to.
    """
    make_folder(folder)
    text = json.dumps(head_of(about, arrays), indent=1, allow_nan=False) + "\n"
    write_whole(folder / ARRAYS, _npz(arrays))
    write_whole(folder / HEAD, text.encode())


def _npz(arrays: Arrays) -> bytes:
    """Arrays as an .npz file that holds no time, so that the same ones make the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in sorted(arrays.items()):
            member = io.BytesIO()
            ordered = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            np.lib.format.write_array(member, ordered, (1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue())
    return buffer.getvalue()


def read_files(path: Path) -> tuple[RewardAbout, dict[str, AnyArray]]:
    """What the files hold, read only.

    Args:
        path: of the folder, or of one of the two files, whose sibling then has the same name.

    Raises:
        RewardFileError: one of them is missing or damaged, does not fit the other, or is of a newer version.
    """
    is_file = path.suffix in (".json", ".npz")
    head_path, arrays_path = (path.with_suffix(s) if is_file else path / f"reward{s}" for s in (".json", ".npz"))
    head = _read_head(head_path)
    try:
        about, declared = _about(head), _declared(head["arrays"])
    except UNREADABLE as error:
        raise RewardFileError(f"{head_path}: {_reason(error)}. {DAMAGED}") from error
    arrays = _read_arrays(arrays_path, declared)
    try:
        is_whole = _hash({key: value for key, value in head.items() if key != "sha256"}, arrays) == head["sha256"]
    except UNREADABLE as error:  # a number as 1e999 is none in strict JSON
        raise RewardFileError(f"{head_path}: {_reason(error)}. {DAMAGED}") from error
    if not is_whole:
        raise RewardFileError(f"{head_path.parent}: the files are not as they were written (sha256). {DAMAGED}")
    return about, arrays


def _read_whole(path: Path, most: int) -> bytes:
    """A file that is known to be no larger than this.

    Raises:
        RewardFileError: it is larger, is not there, or cannot be read.
    """
    try:
        if not path.is_file():
            what = "it is there, and no file" if path.exists() else "there is no such file"
            raise RewardFileError(f"{path}: {what}, expected one that rl-teacher wrote. {DAMAGED}")
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise RewardFileError(f"{path}: cannot be read ({error.strerror}). {DAMAGED}") from error
    if len(data) > most:
        raise RewardFileError(f"{path}: more than {most:,} bytes, expected no more. {DAMAGED}")
    return data


def _read_head(path: Path) -> dict[str, Any]:
    """reward.json, if it is of a version that is known."""
    data = _read_whole(path, MOST_HEAD_BYTES)
    try:
        head = json.loads(data, parse_constant=_no_constant, object_pairs_hook=_each_key_once)
    except UNREADABLE as error:
        raise RewardFileError(f"{path}: no JSON ({_reason(error)}). {DAMAGED}") from error
    schema = head.get("schema") if isinstance(head, dict) else None
    if type(schema) is not int or schema < 1:
        raise RewardFileError(f"{path}: has the schema {str(schema)[:40]!r}, expected a number. {DAMAGED}")
    if schema > SCHEMA:
        raise RewardFileError(
            f"{path}: written by a newer rl-teacher (schema {schema}, this one reads {SCHEMA}). "
            "Update this one: pip install -U rl-teacher."
        )
    if head.keys() != KEYS:
        raise RewardFileError(f"{path}: its keys differ by {sorted(head.keys() ^ KEYS)[:6]}. {DAMAGED}")
    return dict(head)


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _about(head: Mapping[str, Any]) -> RewardAbout:
    """What reward.json says beside its arrays; ValueError where it says nonsense."""
    seen, names, looks_at = head["observation"], head["names"], head["looks_at"]
    _expect(isinstance(seen, dict) and isinstance(seen.get("dtype"), str), "observation", seen, "shape and dtype")
    _expect(_is_text_list(names), "names", names, "a list of texts")
    is_told = isinstance(looks_at, list) and all(
        isinstance(one, list) and len(one) == 2 and isinstance(one[0], str) and type(one[1]) in (int, float)
        for one in looks_at
    )
    _expect(is_told, "looks_at", looks_at, "a list of texts with shares")
    for key, wanted in (("kind", str), ("env_id", str), ("ends", bool), ("labels", int), ("sha256", str)):
        _expect(type(head[key]) is wanted, key, head[key], f"a value of type {wanted.__name__}")
    obs_shape = _shape(seen.get("shape"))
    if math.prod(obs_shape) > MOST_NUMBERS:
        raise ValueError(f"its observations have {math.prod(obs_shape):,} numbers, expected at most {MOST_NUMBERS:,}")
    return RewardAbout(
        head["kind"], head["env_id"], obs_shape, seen["dtype"], space_from_json(head["action"]), head["ends"],
        tuple(names), head["labels"], tuple((what, float(share)) for what, share in looks_at),
    )  # fmt: skip


def _expect(holds: bool, key: str, value: Any, expected: str) -> None:
    if not holds:
        raise ValueError(f"its {key!r} is {str(value)[:60]!r}, expected {expected}")


def _is_text_list(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _shape(values: Any) -> tuple[int, ...]:
    if not isinstance(values, list) or len(values) > 32 or not all(type(x) is int and 0 <= x < 2**40 for x in values):
        raise ValueError(f"a shape is {str(values)[:60]!r}, expected a list of whole numbers")
    return tuple(values)


def _declared(arrays: Any) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Dtype and shape of each array that reward.json names; ValueError where there is too much of it."""
    _expect(isinstance(arrays, dict), "arrays", arrays, "an object with the dtype and shape of each")
    found: dict[str, tuple[str, tuple[int, ...]]] = {}
    for name, value in arrays.items():
        _expect(bool(NAME.fullmatch(name)), "arrays", name, "names of small letters, digits and _")
        _expect(isinstance(value, dict) and value.get("dtype") in DTYPES, name, value, f"a dtype of {list(DTYPES)}")
        found[name] = DTYPES[value["dtype"]], _shape(value.get("shape"))
    total = sum(4 * math.prod(shape) for _, shape in found.values())
    if total > MOST_ARRAY_BYTES:
        raise ValueError(f"its arrays have {total:,} bytes, expected at most {MOST_ARRAY_BYTES:,}")
    return found


def _read_arrays(path: Path, declared: Mapping[str, tuple[str, tuple[int, ...]]]) -> dict[str, AnyArray]:
    """The arrays of reward.npz, of the dtypes and shapes that reward.json names, and no others."""
    sizes = {name: 4 * math.prod(shape) for name, (_, shape) in declared.items()}
    data = _read_whole(path, sum(sizes.values()) + MOST_HEADER_BYTES * (len(sizes) + 1))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            found, expected = sorted(one.filename for one in members), sorted(f"{name}.npy" for name in declared)
            if found != expected:
                raise ValueError(f"holds {found[:20]}, expected {expected[:20]}")
            return {one.filename[:-4]: _read_member(archive, one, *declared[one.filename[:-4]]) for one in members}
    except UNREADABLE as error:
        raise RewardFileError(f"{path}: {_reason(error)}. {DAMAGED}") from error


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, dtype: str, shape: tuple[int, ...]) -> AnyArray:
    """One array; ValueError where it is not what was declared. No more is unpacked than was declared."""
    name, size = member.filename, 4 * math.prod(shape)
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed, expected it as it was written")
    if not size < member.file_size <= size + MOST_HEADER_BYTES:
        raise ValueError(f"{name} has {member.file_size:,} bytes, expected {size:,} after its header")
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise ValueError(f"{name} is of the format {version}, expected (1, 0)")
        found = np.lib.format.read_array_header_1_0(file)
        if (found[0], found[2]) != (shape, np.dtype(dtype)) or (found[1] and len(shape) > 1):
            raise ValueError(f"{name} is {found[2]}{found[0]}, expected {np.dtype(dtype)}{shape}")
        numbers = file.read(size)
        if len(numbers) != size or file.read(1):
            raise ValueError(f"{name} has not the {size:,} bytes of its shape")
    array = np.frombuffer(numbers, dtype).reshape(shape)
    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    native.flags.writeable = False
    return native


def _reason(error: BaseException) -> str:
    """What went wrong, in one line."""
    return " ".join(str(error).split()).rstrip(".")[:300] or type(error).__name__
