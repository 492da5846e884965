"""What a command asks for, and whether this machine has it: a processor, a renderer, what people need."""

import ctypes
import importlib
import importlib.util
import os
from collections.abc import MutableMapping

from rl_teacher.errors import MissingExtra, NoSuchDevice

_DETERMINISTIC = "xla_gpu_deterministic_ops"
_MMAP_THRESHOLD, _ARENA_MAX = -3, -8
"""Of glibc's mallopt."""
MODULES_OF_PEOPLE = ("django", "ninja", "uvicorn", "starlette", "httpx", "nh3", "markdown_it", "argon2", "segno")
"""Modules that the extra `people` brings."""


def prefer_cpu(environment: MutableMapping[str, str] = os.environ) -> None:
    """To be called before JAX is imported; what the user has set stays.

    An environment step asks the policy for one row of small matrices, and a GPU takes longer to be asked than to
    answer (docs/benchmarks.md). Where a GPU is asked for all the same its matrix products are those of float32, as its
    default of 10 bits (TF32) misses the CPU's results by 1e-3, and the same seed gives the same bytes.
    """
    if environment.setdefault("JAX_PLATFORMS", "cpu") == "cpu":
        return
    environment.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "float32")
    flags = environment.get("XLA_FLAGS", "")
    if _DETERMINISTIC not in flags:
        environment["XLA_FLAGS"] = f"{flags} --{_DETERMINISTIC}=true".strip()


def give_large_arrays_back() -> None:
    """Let what is freed of large arrays go back to the system at once, where the C library is glibc.

    Pictures come and go in arrays of 10 to 100 MB, from several threads. glibc keeps what was freed for later, in each
    thread's heap: Pong with 1,400 labels then took 1.9 GB, of which 0.3 were in use.
    """
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return  # another system, another allocator
    libc.mallopt(_MMAP_THRESHOLD, 4 << 20)
    libc.mallopt(_ARENA_MAX, 2)


def require_device() -> None:
    """Refuse a processor that JAX does not find, in one line.

    Raises:
        NoSuchDevice: JAX_PLATFORMS names a platform that is not installed, or that has no device here.
    """
    import jax

    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:  # JAX 0.10 asserts where its plugin for CUDA is missing
        reason = str(error).partition(" (set JAX_PLATFORMS")[0].rstrip(".") or "JAX has no such platform"
        raise NoSuchDevice(
            f"JAX_PLATFORMS={os.environ.get('JAX_PLATFORMS', '')}: {reason}. "
            "Do: unset it to compute on the CPU, or pip install 'rl-teacher[cuda]' for an NVIDIA GPU."
        ) from error


def require_mujoco() -> None:
    """Refuse a MUJOCO_GL that does not work here, in one line: MuJoCo loads its library even where nothing is drawn.

    Raises:
        NoSuchDevice: MuJoCo cannot be imported.
    """
    try:
        importlib.import_module("mujoco")
    except Exception as error:  # what is missing decides its class: AttributeError without libEGL
        raise NoSuchDevice(
            f"MUJOCO_GL={os.environ.get('MUJOCO_GL', '')}: MuJoCo cannot be imported: {type(error).__name__}: {error}. "
            "Do: unset it, what works is found without; or install what `rl-teacher doctor` names."
        ) from error


def missing_for_people() -> list[str]:
    """Modules of the extra `people` that are not installed; nothing is imported."""
    return [name for name in MODULES_OF_PEOPLE if importlib.util.find_spec(name) is None]


def require_people(what: str) -> None:
    """Refuse in one line what people take part in where the extra for it is not installed.

    Args:
        what: what was asked for, as the user wrote it: `-p human`, `rl-teacher serve`.

    Raises:
        MissingExtra: a module of the extra `people` is missing.
    """
    if missing := missing_for_people():
        raise MissingExtra(
            f"{what}: needs the feedback server, and {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} "
            "not installed. Do: pip install 'rl-teacher[people]'."
        )
