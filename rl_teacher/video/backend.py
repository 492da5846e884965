"""Which OpenGL draws without a display: EGL if it works here, else OSMesa; and a context of it.

Debian packages: libegl1 libegl-mesa0 libgl1-mesa-dri libosmesa6 (the last only where EGL does not work).
MuJoCo chooses by the environment variable MUJOCO_GL when it is imported; here the choice is an argument.
"""

import ctypes
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

from rl_teacher.errors import VideoFault

APT_PACKAGES = ("libegl1", "libegl-mesa0", "libgl1-mesa-dri", "libosmesa6")
"""What Debian and Ubuntu need for headless rendering."""

_CANDIDATES = {"Linux": ("egl", "osmesa", "glfw"), "Darwin": ("cgl", "glfw")}
_PROBE = """
from mujoco.{name} import GLContext
import mujoco
context = GLContext(16, 16)
context.make_current()
mujoco.MjrContext(mujoco.MjModel.from_xml_string("<mujoco/>"), 100)
print("drew", flush=True)
import os
os._exit(0)
"""
_PROBE_S = 60.0
_MARK = "PYOPENGL_PLATFORM"


def candidates() -> tuple[str, ...]:
    """The backends that this operating system may have, best first."""
    return _CANDIDATES.get(platform.system(), ("glfw",))


@cache
def probe(name: str) -> str:
    """Try the backend `name` in a process of its own, as a broken driver may crash: "" if it works, else why not."""
    environment = {key: value for key, value in os.environ.items() if key != _MARK}
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE.format(name=name)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=_PROBE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0 and "drew" in done.stdout:
        return ""
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"exit status {done.returncode}"


def choose_backend(wanted: str | None = None) -> str:
    """The first backend that works here, or `wanted` (a value of MUJOCO_GL) if that one works.

    Raises:
        VideoFault: none works; the text has each one's reason and the packages to install.
    """
    names: Sequence[str] = (wanted,) if wanted else candidates()
    if wanted and wanted not in ("egl", "osmesa", "glfw", "cgl"):
        raise VideoFault(f"rendering backend: got {wanted!r}, expected one of egl, osmesa, glfw, cgl.")
    for name in names:
        if not probe(name):
            return name
    reasons = "; ".join(f"{name}: {probe(name)}" for name in names)
    raise VideoFault(f"no rendering backend works ({reasons}). Do: apt-get install -y {' '.join(APT_PACKAGES)}")


def forget_backend() -> None:
    """Remove the mark by which MuJoCo ties a process to its backend; for a child, before it opens a context."""
    os.environ.pop(_MARK, None)


def open_context(backend: str, width: int, height: int) -> Any:
    """A current OpenGL context of `backend`. It belongs to the thread that opened it."""
    if backend == "egl":
        from mujoco.egl import GLContext
    elif backend == "osmesa":
        from mujoco.osmesa import GLContext
    elif backend == "cgl":
        from mujoco.cgl import GLContext
    else:
        from mujoco.glfw import GLContext
    context = GLContext(width, height)
    context.make_current()
    return context


def close_context(context: Any) -> None:
    """Free a context; its memory goes at the latest with the process."""
    try:
        context.free()
    except ctypes.ArgumentError:  # MuJoCo 4.0 with PyOpenGL 3.1.10: OSMesaMakeCurrent refuses None
        context._context = None
