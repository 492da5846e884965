"""How fast a learned reward is as NumPy alone, and as the JAX model that it comes from, in microseconds.

    python -m benchmarks.portable

Trains briefly with 100 labels of an oracle, so that the reward is what a run has, and scores random frames of normal
size. Where episodes can end early, `next_obs` and `terminated` are shown too. Exports and loads are timed as well. One
line for each number of rows: the median of many calls.
"""

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in a program that steps environments beside it

import numpy as np

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.config.run import RunConfig
from rl_teacher.core.arrays import LAST, LIVED, RewardInput
from rl_teacher.envs.catalog import find_env
from rl_teacher.rewards.export import FrameSpec, to_portable
from rl_teacher.rewards.portable import PortableReward, load_reward
from rl_teacher.storage.folder import open_run
from rl_teacher.teach import teach
from rl_teacher.training.build import build_agent, build_run
from rl_teacher.training.complete import complete
from rl_teacher.training.interrupt import Interrupt
from rl_teacher.training.parts import build_teacher
from rl_teacher.training.run import Run
from rl_teacher.training.segment_length import with_clip_length
from rl_teacher.training.state import TeachState
from rl_teacher.training.world import open_world

ROWS = (1, 8, 64, 4096)
ENVS = ("Hopper-v1", "Hopper-v5")


def taught(env_id: str, steps: int, model: str, folder: Path) -> Run:
    """A run of so many steps with 100 labels."""
    spec, reward = find_env(env_id), RewardModelConfig(model=model)
    config, _ = complete(
        RunConfig(
            env_id=env_id, predictor="synth", name=f"{env_id}-{model}".lower(), n_labels=100, num_timesteps=steps,
            no_videos=True, runs_dir=str(folder), tb_dir=str(folder / "tb"), reward=reward, workers=1,
        ),
        spec,
    )  # fmt: skip
    config = with_clip_length(config, spec)
    world = open_world(config, spec)
    place, lock = open_run(config)
    run = build_run(config, world, place, build_teacher(config, spec), Interrupt(silent), log=silent)
    run.reporter.start(None)
    teach(run, TeachState(0, 0, build_agent(config, world)))
    run.reporter.close()
    lock.close()
    world.collector.close()
    return run


def silent(line: str) -> None:
    """Lines of a run are not shown."""


def microseconds(call: Callable[[], Any], seconds: float = 1.0) -> float:
    """The median duration of a call, after some that warm up."""
    for _ in range(3):
        call()
    times: list[float] = []
    while sum(times) < seconds:
        begin = perf_counter()
        call()
        times.append(perf_counter() - begin)
    return 1e6 * statistics.median(times)


def frames(run: Run, rows: int) -> tuple[dict[str, Any], RewardInput]:
    """Random steps for the portable reward, and the same for the model; one row has no batch axis."""
    rng, actions = np.random.default_rng(0), run.world.actions
    obs = rng.normal(size=(rows, *run.world.collector.obs_shape)).astype(np.float32)
    clamped = rng.uniform(-1, 1, (rows, actions.size)).astype(np.float32)
    shown: dict[str, Any] = {"obs": obs, "action": actions.to_env(clamped)}
    x = RewardInput(obs, clamped)
    if not run.world.spec.is_fixed_horizon:
        ended, after = rng.random(rows) < 0.1, obs + np.float32(0.1)
        shown |= {"next_obs": after, "terminated": ended}
        x = RewardInput(obs, clamped, None, np.where(ended, LAST, LIVED).astype(np.int8), after)
    return ({name: array[0] for name, array in shown.items()} if rows == 1 else shown), x


def measure(run: Run) -> None:
    """Print how fast its reward is."""
    assert run.learner is not None
    model, world = run.learner.reward, run.world
    spec = FrameSpec(world.spec.canonical_id, world.collector.obs_shape, world.actions, world.input_names)

    def export() -> PortableReward:
        reward = to_portable(model, spec, 100)
        assert reward is not None
        return reward

    reward = export()
    print(reward)
    print("  arrays: " + ", ".join(f"{name} {array.shape}" for name, array in sorted(reward.arrays.items())))
    for rows in ROWS:
        shown, x = frames(run, rows)
        difference = np.abs(reward(**shown) - np.asarray(model(x)).reshape(reward(**shown).shape)).max()
        of_numpy = microseconds(lambda shown=shown: reward(**shown))
        of_jax = microseconds(lambda x=x: np.asarray(model(x)))
        print(f"  {rows:5} rows: NumPy {of_numpy:8.1f} us, JAX {of_jax:8.1f} us, differ by {difference:.1e}")
    with tempfile.TemporaryDirectory() as folder:
        reward.save(folder)
        print(f"  export {microseconds(export):.0f} us, load {microseconds(lambda: load_reward(folder)):.0f} us")


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m benchmarks.portable", description=__doc__.splitlines()[0])
    parser.add_argument("--envs", nargs="+", default=ENVS, help="(%(default)s)")
    parser.add_argument("--steps", type=int, default=30_000, help="of the training before (%(default)s)")
    parser.add_argument("--models", nargs="+", default=["gp", "ensemble"], help="(%(default)s)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        for env in given.envs:
            for kind in given.models:
                measure(taught(env, given.steps, kind, Path(place)))
