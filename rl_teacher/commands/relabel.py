"""`rl-teacher relabel REWARD DATASET --to NEW`: a data set with the rewards that people's answers taught."""

import time
from pathlib import Path

from rl_teacher.config.flags import Parser
from rl_teacher.data.relabel import relabel as write_relabeled
from rl_teacher.files import user_path
from rl_teacher.rewards.portable import load_reward
from rl_teacher.storage.names import CONFIG, REWARD, RUNS_DIR, is_there


def relabel(argv: list[str]) -> int:
    """Read, score, write, and say what came of it; the exit code."""
    parser = Parser("rl-teacher relabel", description="Write a data set again with the rewards of a learned reward.")
    parser.add_argument("reward", metavar="REWARD", help="name of a run, or folder of a learned reward")
    parser.add_argument("dataset", metavar="DATASET", help="id or folder of a Minari set, or a file .hdf5 or .parquet")
    parser.add_argument("--to", metavar="NEW", required=True, help="the new one: an id if DATASET is one, else a path")
    parser.add_argument(
        "--with-true-reward", action="store_true", help="keep the environment's rewards beside them, as true_reward"
    )
    parser.add_argument("--runs-dir", "--runs_dir", default=RUNS_DIR, help="folder of the run folders (%(default)s)")
    given = parser.parse_args(argv)
    reward = load_reward(_folder(given.reward, given.runs_dir))
    start = time.perf_counter()
    done = write_relabeled(reward, given.dataset, given.to, keep_reward=given.with_true_reward)
    seconds = time.perf_counter() - start
    if done.env_id and done.env_id.rpartition("/")[2] != reward.env_id.rpartition("/")[2]:
        print(f"Mind: the reward was learned in {reward.env_id}, and the data set is of {done.env_id}.")
    alike = "" if done.correlation is None else f"; correlation with the rewards before: {done.correlation:.2f}"
    print(f"{done.to}: {done.steps:,} steps of {done.episodes:,} episodes in {seconds:.1f} s.")
    print(f"New rewards: mean {done.mean:.3g}, standard deviation {done.std:.3g}{alike}.")
    return 0


def _folder(reward: str, runs_dir: str) -> Path:
    """Where a reward is: in the folder of this name, or in that of the run of this name."""
    path = Path(reward).expanduser()
    if is_there(path):
        return path / REWARD if is_there(path / CONFIG) else path
    run = user_path(runs_dir) / reward
    return run / REWARD if is_there(run / CONFIG) else path
