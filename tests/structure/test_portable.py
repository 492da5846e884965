"""A portable reward needs NumPy and nothing else: a Python that has no JAX, and no environments, loads and calls it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.actions import BoxActions
from rl_teacher.rewards.baselines import ConstantReward
from rl_teacher.rewards.export import FrameSpec, write_reward
from tests.rewards.test_portable import SHAPE, SPACES, frames_of, random_ensemble, random_process, steps

ROOT = Path(__file__).parents[2]
BLOCKED = (
    "jax", "jaxlib", "equinox", "optax", "jaxtyping", "gymnasium", "mujoco", "django", "ninja", "scipy",
    "threadpoolctl", "av", "rich", "matplotlib", "httpx", "beartype",
)  # fmt: skip
PROGRAM = """
import pickle, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked}:
            raise ImportError(f"{{name}} is blocked")

sys.meta_path.insert(0, Blocked())
sys.path.insert(0, {root!r})
import rl_teacher
import numpy as np
reward = rl_teacher.load_reward({folder!r})
given = np.load({steps!r})
print(*reward(**given).tolist())
assert pickle.loads(pickle.dumps(reward)).version == reward.version
allowed = sys.stdlib_module_names | {{"numpy", "rl_teacher"}}
others = {{name.split(".")[0] for name in sys.modules}} - allowed - {before}
assert not {{name for name in others if not name.startswith("_")}}, others
"""


@pytest.mark.parametrize("kind", ["gp", "ensemble"])
def test_a_program_without_jax_uses_a_reward(tmp_path: Path, kind: str) -> None:
    actions = SPACES["box"]
    model = (
        random_process(actions, 1, center=False, pessimism=0.5)
        if kind == "gp"
        else random_ensemble(actions, 1, center=False)
    )
    reward = write_reward(tmp_path / "reward", model, frames_of(actions, SHAPE), 100)
    assert reward is not None
    obs, action, after, terminated = steps(actions, 4).values()
    given = {"obs": obs, "action": action, "next_obs": after, "terminated": terminated}
    np.savez(tmp_path / "steps.npz", **given)
    plain = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], check=True, capture_output=True, text=True
    )
    before = {name.split(".")[0] for name in plain.stdout.split()}  # what site packages load into each Python
    code = PROGRAM.format(
        blocked=set(BLOCKED), root=str(ROOT), folder=str(tmp_path / "reward"), steps=str(tmp_path / "steps.npz"),
        before=before,
    )  # fmt: skip
    found = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    np.testing.assert_allclose([float(word) for word in found.stdout.split()], reward(**given), rtol=1e-6)


def test_the_program_of_the_page_runs(tmp_path: Path) -> None:
    """As it stands, in a folder that has the reward it names."""
    frames = FrameSpec("Hopper-v5", (11,), BoxActions((-1.0,) * 3, (1.0,) * 3), [f"number {i}" for i in range(14)])
    page = (ROOT / "docs" / "rewards.md").read_text()
    section = page[page.index("## Taking the reward elsewhere") :]
    code = section.split("```python\n")[1].split("```")[0]
    write_reward(tmp_path / "hop" / "reward", ConstantReward.build(RewardModelConfig()), frames, 100)
    code = code.replace("~/rl-teacher/runs", str(tmp_path))
    found = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert "PortableReward constant of 'Hopper-v5'" in found.stdout
