"""examples/use_reward.py: the reward of a finished run in a program of its own."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from rl_teacher import load_reward
from rl_teacher.commands.train import train
from rl_teacher.config.run import RunConfig

EXAMPLE = Path(__file__).parents[2] / "examples" / "use_reward.py"
BLOCKED = "import sys; [sys.modules.__setitem__(name, None) for name in ('jax', 'equinox', 'gymnasium', 'mujoco')]; "


def test_a_finished_run_is_used_by_numpy_alone(tmp_path: Path) -> None:
    train(
        RunConfig(
            env_id="ShortReacher-v1", predictor="synth", name="reach", n_labels=20, num_timesteps=1000, no_videos=True,
            runs_dir=str(tmp_path / "runs"), tb_dir=str(tmp_path / "tb"),
        )
    )  # fmt: skip
    folder, rng = tmp_path / "runs" / "reach" / "reward", np.random.default_rng(0)
    obs, actions = rng.normal(size=(50, 11)).astype(np.float32), rng.uniform(-1, 1, (50, 2)).astype(np.float32)
    files = []
    for name, array in (("obs", obs), ("actions", actions)):
        files.append(str(tmp_path / f"{name}.npy"))
        np.save(files[-1], array)
    run = f"import runpy; runpy.run_path({str(EXAMPLE)!r}, run_name='__main__')"
    program = f"{BLOCKED}sys.argv[1:] = {[str(folder), *files]!r}; {run}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=EXAMPLE.parents[1])
    assert done.returncode == 0, done.stderr
    expected = load_reward(folder)(obs, actions).mean()
    assert f"50 steps are worth {expected:.3f} on average" in done.stdout
    assert "learned from 20 labels" in done.stdout
