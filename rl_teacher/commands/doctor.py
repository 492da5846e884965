"""`rl-teacher doctor`: what works on this machine, tried and not guessed, and what to do about the rest."""

import importlib.metadata
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from rl_teacher.device import missing_for_people, require_device, require_mujoco
from rl_teacher.errors import RlTeacherError

NETWORK_DISKS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "beegfs", "ceph", "gpfs", "afs", "9p", "fuse.sshfs"}
"""File systems on which SQLite is not safe."""

_GIB = 2**30
_ENOUGH_GIB, _TOO_LITTLE_GIB = 5.0, 0.5
_WHY_NO_GPU = (
    "There is an NVIDIA GPU too, but networks this small are faster on the CPU. "
    "To use it: pip install 'rl-teacher[cuda]', and JAX_PLATFORMS=cuda rl-teacher teach ..."
)
_BALL = '<mujoco><worldbody><body name="ball"><freejoint/><geom size=".4" rgba="1 0 0 1"/></body></worldbody></mujoco>'


class Verdict(StrEnum):
    """How a check went."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    name: str
    verdict: Verdict
    found: str
    """What this machine has."""
    advice: str = ""
    """What to do; empty if nothing is to be done."""


def run_doctor(*, home: Path | None = None, backend: str | None = None) -> list[Check]:
    """Try everything that training and labeling need; nothing is raised, and nothing stays behind.

    Args:
        home: where runs, logs and the server's data would go; the user's home by default.
        backend: rendering backend to try (a value of MUJOCO_GL); the first that works by default.
    """
    folder = Path.home() if home is None else home
    checks: list[tuple[str, Callable[[], Check]]] = [
        ("Python", lambda: check_python(sys.version_info[:3])),
        ("JAX", check_jax),
        ("MuJoCo", check_mujoco),
        ("rendering", lambda: check_rendering(backend)),
        ("mp4 (H.264)", lambda: check_encoder("mp4")),
        ("webm (VP9)", lambda: check_encoder("webm")),
        ("people", check_people),
        ("SQLite", lambda: check_sqlite(sqlite3.sqlite_version_info)),
        ("file system", lambda: check_file_system(folder, Path("/proc/mounts"))),
        ("free disk", lambda: check_disk(folder, shutil.disk_usage(nearest(folder)).free / _GIB)),
        ("logs", lambda: check_logs(folder / "tb" / "rl-teacher")),
    ]
    return [_attempt(name, check) for name, check in checks]


def format_checks(checks: Sequence[Check]) -> str:
    """One line per check: verdict, name, what was found, what to do."""
    width = max((len(check.name) for check in checks), default=0)
    lines = (f"{check.verdict:4}  {check.name:{width}}  {check.found}  {check.advice}".rstrip() for check in checks)
    return "\n".join(lines)


def main() -> int:
    """Print the report. The exit code is 1 if something failed, else 0."""
    checks = run_doctor()
    print(format_checks(checks))
    return int(any(check.verdict is Verdict.FAIL for check in checks))


def check_python(version: Sequence[int]) -> Check:
    """Python 3.11 or later."""
    found = ".".join(map(str, version))
    if tuple(version) >= (3, 11):
        return Check("Python", Verdict.OK, found)
    return Check("Python", Verdict.FAIL, found, "Install Python 3.11 or later.")


def check_jax(nvidia: Path = Path("/dev/nvidia0")) -> Check:
    """JAX computes something; how to use a GPU that is not used. `nvidia` is the file that says that there is one."""
    require_device()
    import jax
    import jax.numpy as jnp

    total = float(jnp.arange(10.0).sum())
    if total != 45.0:
        return Check("JAX", Verdict.FAIL, f"0 + ... + 9 is {total} on {jax.devices()[0]}", "Reinstall jax and jaxlib.")
    kinds = [device.platform for device in jax.devices()]
    found = f"{jax.__version__}, {len(kinds)} x {kinds[0]} ({jax.devices()[0].device_kind})"
    if kinds[0] == "cpu" and nvidia.exists():
        return Check("JAX", Verdict.OK, found, _WHY_NO_GPU)
    return Check("JAX", Verdict.OK, found)


def check_mujoco() -> Check:
    """MuJoCo 4 is installed, and can be imported."""
    version = importlib.metadata.version("mujoco")
    require_mujoco()
    if int(version.split(".")[0]) >= 4:
        return Check("MuJoCo", Verdict.OK, version)
    return Check("MuJoCo", Verdict.FAIL, version, "pip install 'mujoco>=4,<5'")


def check_rendering(backend: str | None = None) -> Check:
    """A red ball is drawn, and it is red in the middle."""
    require_mujoco()
    from rl_teacher.envs.camera import Camera
    from rl_teacher.video.backend import choose_backend
    from rl_teacher.video.model_files import load_model
    from rl_teacher.video.render import StateRenderer

    chosen = choose_backend(backend)
    with tempfile.TemporaryDirectory(prefix="rl-teacher-doctor-") as folder:
        path = Path(folder) / "ball.xml"
        path.write_text(_BALL)
        model = load_model(path)
    state = np.concatenate([model.qpos0, np.zeros(model.nv)])
    with StateRenderer(model, Camera("ball", distance=2.0), backend=chosen, width=64, height=64) as renderer:
        picture = renderer.render(state[None])[0].astype(int)
    red, green, blue = picture[32, 32]
    if red < max(green, blue) + 50 or np.ptp(picture) < 50:
        found = f"{chosen} draws a red ball as RGB ({red}, {green}, {blue})"
        return Check("rendering", Verdict.FAIL, found, "Update the graphics driver, or try MUJOCO_GL=osmesa.")
    return Check("rendering", Verdict.OK, f"{chosen} draws without a display")


def check_encoder(container: str) -> Check:
    """A red clip is encoded as `container` (mp4 or webm), played back, and still red."""
    from rl_teacher.video.encode import decode_clip, encode_clip

    name = {"mp4": "mp4 (H.264)", "webm": "webm (VP9)"}[container]
    red = np.zeros((10, 64, 64, 3), np.uint8)
    red[..., 0] = 255
    clip = encode_clip(red, fps=10, with_webm=container == "webm")
    data = clip.webm if container == "webm" else clip.mp4
    pictures = decode_clip(data or b"")
    error = int(np.abs(pictures.astype(int) - [255, 0, 0]).max())
    if len(pictures) != clip.num_frames or error > 25:
        found = f"{len(pictures)} of {clip.num_frames} frames came back, colors off by {error}"
        return Check(name, Verdict.FAIL, found, "pip install --force-reinstall av")
    return Check(name, Verdict.OK, f"{len(pictures)} frames encoded and played back")


def check_people() -> Check:
    """People can teach: what the feedback server needs is installed."""
    if missing := missing_for_people():
        found = f"nobody can answer here: no {', '.join(missing)}"
        return Check("people", Verdict.WARN, found, "For -p human: pip install 'rl-teacher[people]'")
    return Check("people", Verdict.OK, f"the feedback server can start (Django {importlib.metadata.version('django')})")


def check_sqlite(version: tuple[int, ...]) -> Check:
    """Whether the feedback server may use SQLite's write-ahead log."""
    found = ".".join(map(str, version[:3]))
    if is_wal_safe(version):
        return Check("SQLite", Verdict.OK, f"{found}, write-ahead log is safe")
    return Check(
        "SQLite",
        Verdict.WARN,
        f"{found} has the WAL-reset bug",
        "Nothing to do: the server uses TRUNCATE mode, fast enough for 100 labelers. SQLite 3.51.3 or later is faster.",
    )


def is_wal_safe(version: tuple[int, ...]) -> bool:
    """Whether this SQLite is free of the bug by which 3.7.0 to 3.51.2 can corrupt a database in WAL mode.

    Fixed in 3.51.3 and 3.53.0 (3.52.0 was withdrawn), and in the back-ports 3.50.7 and 3.44.6.
    """
    release = tuple(version[:3])
    if release[:2] in {(3, 44), (3, 50)}:
        return release >= {44: (3, 44, 6), 50: (3, 50, 7)}[release[1]]
    return release >= (3, 51, 3) and release[:2] != (3, 52)


def check_file_system(folder: Path, mounts: Path) -> Check:
    """`folder` is on a disk of this machine; `mounts` is a file like /proc/mounts."""
    kind = file_system(folder, mounts)
    if kind in NETWORK_DISKS:
        advice = "SQLite is not safe there. Give the server a local disk: rl-teacher serve --data-dir PATH."
        return Check("file system", Verdict.WARN, f"{folder} is on {kind}", advice)
    return Check("file system", Verdict.OK, f"{folder} is on {kind or 'a local disk'}")


def file_system(folder: Path, mounts: Path) -> str:
    """The kind of file system that `folder` is on: of all mounts above it the longest, and of those the last."""
    try:
        lines = [line.split() for line in mounts.read_text(errors="replace").splitlines()]
    except OSError:  # not Linux
        return ""
    place = folder.resolve()
    points = [(Path(fields[1].replace("\\040", " ")), fields[2]) for fields in lines if len(fields) >= 3]
    above = [
        (len(point.parts), index, kind) for index, (point, kind) in enumerate(points) if place.is_relative_to(point)
    ]
    return max(above)[2] if above else ""


def check_disk(folder: Path, free_gib: float) -> Check:
    """There is room for runs, clips and labels."""
    found = f"{free_gib:.1f} GiB free in {folder}"
    if free_gib < _TOO_LITTLE_GIB:
        return Check(
            "free disk", Verdict.FAIL, found, f"Free at least {_TOO_LITTLE_GIB} GiB, or runs and labels are lost."
        )
    if free_gib < _ENOUGH_GIB:
        return Check("free disk", Verdict.WARN, found, f"A long run with clips may need {_ENOUGH_GIB:.0f} GiB.")
    return Check("free disk", Verdict.OK, found)


def check_logs(folder: Path) -> Check:
    """TensorBoard's folder, or the nearest above it that exists, can be written."""
    place = nearest(folder)
    try:
        with tempfile.TemporaryFile(dir=place):
            return Check("logs", Verdict.OK, f"{folder} can be written")
    except OSError as error:
        return Check("logs", Verdict.FAIL, f"{place}: {error.strerror}", "Choose another folder with --tb-dir.")


def nearest(folder: Path) -> Path:
    """`folder`, or the nearest above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _attempt(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except RlTeacherError as error:
        return Check(name, Verdict.FAIL, str(error))
    except importlib.metadata.PackageNotFoundError as error:
        return Check(name, Verdict.FAIL, f"{error.name} is not installed", "pip install rl-teacher")
    except ImportError as error:
        return Check(name, Verdict.FAIL, f"cannot import {error.name}: {error}", "pip install rl-teacher")
    except Exception as error:  # a doctor must not die of the illness; the line says what it was
        return Check(name, Verdict.FAIL, f"{type(error).__name__}: {error}", "Report this line as an issue.")


if __name__ == "__main__":
    raise SystemExit(main())
