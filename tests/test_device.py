"""JAX_PLATFORMS and MUJOCO_GL: the CPU by default, what the user says, and one line where it is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rl_teacher.device import prefer_cpu

ROOT = Path(__file__).parent.parent


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rl_teacher", *words],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_cpu_is_the_default_and_what_the_user_says_stays() -> None:
    fresh: dict[str, str] = {}
    prefer_cpu(fresh)
    assert fresh == {"JAX_PLATFORMS": "cpu"}
    chosen = {
        "JAX_PLATFORMS": "cuda,cpu", "JAX_DEFAULT_MATMUL_PRECISION": "tensorfloat32",
        "XLA_FLAGS": "--xla_gpu_deterministic_ops=false",
    }  # fmt: skip
    kept = dict(chosen)
    prefer_cpu(kept)
    assert kept == chosen


def test_a_gpu_computes_in_float32_and_the_same_bytes_twice() -> None:
    asked = {"JAX_PLATFORMS": "cuda", "XLA_FLAGS": "--xla_dump_to=/dev/null"}
    prefer_cpu(asked)
    prefer_cpu(asked)
    assert asked == {
        "JAX_PLATFORMS": "cuda", "JAX_DEFAULT_MATMUL_PRECISION": "float32",
        "XLA_FLAGS": "--xla_dump_to=/dev/null --xla_gpu_deterministic_ops=true",
    }  # fmt: skip


def test_the_command_line_chooses_before_jax_is_imported() -> None:
    script = (
        "import os, sys; from rl_teacher.cli import main; main(['--help']); "
        "print('jax' in sys.modules, os.environ['JAX_PLATFORMS'])"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("JAX_")}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "False cpu"


@pytest.mark.parametrize(
    ("command", "variable"), [("teach", "JAX_PLATFORMS"), ("teach", "MUJOCO_GL"), ("replay", "MUJOCO_GL")]
)
def test_what_this_machine_does_not_have_is_one_line(tmp_path: Path, command: str, variable: str) -> None:
    words = {
        "teach": ["teach", "-p", "rl", "-e", "ShortHopper-v1", "-n", "x", "--tb-dir", str(tmp_path / "tb")],
        "replay": ["replay", "x"],
    }[command]
    done = run(*words, "--runs-dir", str(tmp_path / "runs"), **{variable: "nonsense"})
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"NoSuchDevice: {variable}=nonsense: ")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.glob("runs/*")), "nothing is left behind"


def test_the_doctor_names_both(tmp_path: Path) -> None:
    done = run("doctor", JAX_PLATFORMS="nonsense", MUJOCO_GL="nonsense", HOME=str(tmp_path))
    failed = {line.split()[1]: line for line in done.stdout.splitlines() if line.startswith("FAIL")}
    assert done.returncode == 1
    assert "JAX_PLATFORMS=nonsense" in failed["JAX"]
    assert "MUJOCO_GL=nonsense" in failed["MuJoCo"]
    assert "Report this line" not in done.stdout


HEAPS = """
import sys
import numpy as np
from rl_teacher.device import give_large_arrays_back
if sys.argv[1] == "back":
    give_large_arrays_back()

def resident() -> int:
    return int(open("/proc/self/statm").read().split()[1]) * 4096

np.ones(30 << 20, np.uint8)  # glibc learns from the first that is freed to keep the next ones
before, pins = resident(), []
for _ in range(10):
    large = [np.ones(20 << 20, np.uint8) for _ in range(3)]
    pins.append([np.ones(100 << 10, np.uint8) for _ in range(3)])
    del large[0], large[0]
print((resident() - before) >> 20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone keeps what was freed")
def test_large_arrays_go_back_to_the_system() -> None:
    kept = {
        word: int(
            subprocess.run([sys.executable, "-c", HEAPS, word], capture_output=True, check=True, text=True).stdout
        )
        for word in ("back", "default")
    }
    assert kept["back"] < 40, kept
