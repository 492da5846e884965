"""Checkpoints: named arrays and a JSON head in one file, replaced whole, so that a kill at any moment leaves one."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from rl_teacher.errors import CheckpointError
from rl_teacher.files import write_whole
from rl_teacher.storage.arrays import npz

VERSION = 3
"""Raised with every change of what a checkpoint holds."""
HEAD = "head.json"

T = TypeVar("T")
Arrays = dict[str, np.ndarray]


def save(path: Path, arrays: Mapping[str, np.ndarray], head: Mapping[str, Any]) -> None:
    """Write arrays and head; the old checkpoint stands until the new one is on the disk."""
    text = json.dumps({"version": VERSION, **head}).encode()
    write_whole(path, npz({HEAD: np.frombuffer(text, np.uint8), **arrays}))


def load(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """Arrays and head of a checkpoint.

    Raises:
        CheckpointError: the file is damaged, or a version with another format wrote it.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        head = json.loads(arrays.pop(HEAD).tobytes())
        if not isinstance(head, dict):
            raise ValueError(f"head is {type(head).__name__}")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, json.JSONDecodeError) as error:
        raise CheckpointError(
            f"{path}: the checkpoint is damaged ({type(error).__name__}). The labels beside it are untouched: "
            "start a new run, or restore the file from a backup."
        ) from error
    if head.get("version") != VERSION:
        raise CheckpointError(
            f"{path}: written in checkpoint format {head.get('version')}, this program reads {VERSION}. "
            "Go on with the version that began the run, which its config.json names (none: 0.1.0): "
            "pip install 'rl-teacher==...'. Or start a new run; the labels beside it stay."
        )
    return arrays, head


def pack(prefix: str, tree: Any) -> Arrays:
    """The arrays of a pytree by number."""
    leaves = jax.tree.leaves(eqx.filter(tree, eqx.is_array))
    return {f"{prefix}/{i:04d}": np.asarray(leaf) for i, leaf in enumerate(leaves)}


def unpack(prefix: str, arrays: Mapping[str, np.ndarray], like: T) -> T:
    """The pytree `like` with the arrays of a checkpoint in it."""
    parts, rest = eqx.partition(like, eqx.is_array)
    leaves, structure = jax.tree.flatten(parts)
    stored = [arrays.get(f"{prefix}/{i:04d}") for i in range(len(leaves))]
    for i, (leaf, found) in enumerate(zip(leaves, stored, strict=True)):
        if found is None or found.shape != leaf.shape or found.dtype != leaf.dtype:
            got = "nothing" if found is None else f"{found.dtype}{found.shape}"
            raise CheckpointError(
                f"checkpoint: {prefix}/{i:04d} is {got}, expected {leaf.dtype}{leaf.shape}: it is of another program "
                "or environment. Go on with those of its first start, or start a new run; the labels beside it stay."
            )
    filled: T = eqx.combine(jax.tree.unflatten(structure, [jnp.asarray(leaf) for leaf in stored]), rest)
    return filled


def nest(prefix: str, arrays: Mapping[str, np.ndarray]) -> Arrays:
    """The same arrays under a prefix."""
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


def under(prefix: str, arrays: Mapping[str, np.ndarray]) -> Arrays:
    """The arrays under a prefix, without it."""
    start = prefix + "/"
    return {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
