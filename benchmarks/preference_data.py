"""Memory and time of preference data: 100,000 comparisons out, checked and fitted to; a million steps relabeled.

    python -m benchmarks.preference_data [--comparisons 100000] [--steps 1000000] [--folder DIR]

Each command runs in a process of its own, whose largest resident memory is what the system says at its end.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rl_teacher.config.run import RunConfig, to_json
from rl_teacher.core.arrays import NO_END, Segments
from rl_teacher.records import Comparison, Label, Preference, make_id
from rl_teacher.rewards.portable import PortableReward
from rl_teacher.rewards.portable_actions import BoxSpace
from rl_teacher.rewards.portable_files import RewardAbout
from rl_teacher.storage.label_log import LabelLog

STEPS, OBS, ACT, ROUND = 45, 27, 3, 1000
"""Of a segment: steps, and numbers of a step; comparisons that are asked at once."""
PROGRAM = """
import resource, sys
from rl_teacher.cli import main
code = main(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=sys.stderr)
sys.exit(code)
"""


class Figure(NamedTuple):
    """What a command took."""

    command: str
    seconds: float
    peak_mb: float


def measured(*words: object) -> Figure:
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", PROGRAM, *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{words}: {done.stderr}")
    peak = float(done.stderr.split("peak ")[-1])
    found = Figure(f"{words[0]} {Path(str(words[1])).name}", time.perf_counter() - start, peak)
    print(f"{found.command}: {found.seconds:.1f} s, {found.peak_mb:.0f} MB", flush=True)
    return found


def write_run(folder: Path, num: int) -> None:
    """A run of an environment that nobody has, with random segments and the answers of a linear reward."""
    about = RewardAbout(
        "constant", "Made-v0", (OBS,), "float32", BoxSpace((-1.0,) * ACT, (1.0,) * ACT), False,
        tuple(f"number {i}" for i in range(OBS + ACT)), 0, (),
    )  # fmt: skip
    log = LabelLog(folder)
    PortableReward(about, {"constant": np.ones(1, np.float32)}).save(folder / "reward")
    config = to_json(RunConfig(env_id="Made-v0", predictor="synth", name=folder.name))
    (folder / "config.json").write_text(json.dumps(config))
    rng = np.random.default_rng(1)
    for at in range(0, num, ROUND):
        size = min(ROUND, num - at)
        left, right = (_segments(f"{side}{at}", size, rng) for side in ("left", "right"))
        asked = [Comparison(make_id("c", at, i), left.id[i], right.id[i], at) for i in range(size)]
        log.write_comparisons(at // ROUND, asked, left, right)
        gap = left.true_reward.sum(1) - right.true_reward.sum(1)
        said = [Preference.LEFT if one > 0 else Preference.RIGHT for one in gap]
        log.write_labels([Label(c.id, p, "oracle", "") for c, p in zip(asked, said, strict=True)])


def _segments(prefix: str, num: int, rng: np.random.Generator) -> Segments:
    obs = rng.standard_normal((num, STEPS, OBS), np.float32)
    action = rng.uniform(-1, 1, (num, STEPS, ACT)).astype(np.float32)
    zeros = np.zeros(num, np.int64)
    return Segments(
        id=np.array([make_id(prefix, i) for i in range(num)]), obs=obs, reward_action=action, env_action=action,
        true_reward=(obs[..., 0] - obs[..., 1] + action[..., 0]).astype(np.float64),
        sim_state=np.zeros((num, STEPS, 0)), env=zeros, episode=zeros, start=zeros, iteration=zeros,
        end=np.full(num, NO_END), next_obs=np.zeros((num, STEPS, 0)),
    )  # fmt: skip


def write_set(path: Path, num: int) -> None:
    """Random steps in the form of D4RL, episodes of 1,000 steps."""
    import h5py

    rng = np.random.default_rng(2)
    with h5py.File(path, "w") as file:
        file["observations"] = rng.standard_normal((num, OBS), np.float32)
        file["actions"] = rng.uniform(-1, 1, (num, ACT)).astype(np.float32)
        file["rewards"] = np.zeros(num, np.float32)
        file["terminals"] = np.zeros(num, bool)
        file["timeouts"] = np.arange(num) % 1000 == 999


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.preference_data", description=__doc__)
    parser.add_argument("--comparisons", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--gp-labels", type=int, default=350, help="of the Gaussian process that relabels")
    parser.add_argument("--folder", type=Path, help="where some 5 GB fit (default: the system's folder for such files)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        write_run(folder / "run", given.comparisons)
        measured("data", "export", folder / "run", "--to", folder / "d")
        measured("data", "check", folder / "d")
        measured("fit", "--data", folder / "d", "--model", "ensemble", "-o", folder / "networks")
        write_run(folder / "small", given.gp_labels)
        measured("fit", "--data", folder / "small", "-o", folder / "gp")
        write_set(folder / "old.hdf5", given.steps)
        for reward in ("gp", "networks"):
            measured("relabel", folder / reward, folder / "old.hdf5", "--to", folder / f"{reward}.hdf5")


if __name__ == "__main__":
    main()
