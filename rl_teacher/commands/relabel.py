"""`rl-teacher relabel REWARD DATASET --to NEW`: a data set with the rewards that people's answers taught."""

import time

from rl_teacher.config.flags import Parser
from rl_teacher.data.relabel import relabel as write_relabeled
from rl_teacher.rewards.portable import load_reward


def relabel(argv: list[str]) -> int:
    """Read, score, write, and say what came of it; the exit code."""
    parser = Parser("rl-teacher relabel", description="Write a data set again with the rewards of a learned reward.")
    parser.add_argument("reward", metavar="REWARD", help="folder of a learned reward: RUN/reward, or of rl-teacher fit")
    parser.add_argument("dataset", metavar="DATASET", help="id or folder of a Minari set, or a file .hdf5 or .parquet")
    parser.add_argument("--to", metavar="NEW", required=True, help="the new one: an id if DATASET is one, else a path")
    parser.add_argument(
        "--with-true-reward", action="store_true", help="keep the environment's rewards beside them, as true_reward"
    )
    given = parser.parse_args(argv)
    reward = load_reward(given.reward)
    start = time.perf_counter()
    done = write_relabeled(reward, given.dataset, given.to, keep_reward=given.with_true_reward)
    seconds = time.perf_counter() - start
    if done.env_id and done.env_id.rpartition("/")[2] != reward.env_id.rpartition("/")[2]:
        print(f"Mind: the reward was learned in {reward.env_id}, and the data set is of {done.env_id}.")
    alike = "" if done.correlation is None else f"; correlation with the rewards before: {done.correlation:.2f}"
    print(f"{done.to}: {done.steps:,} steps of {done.episodes:,} episodes in {seconds:.1f} s.")
    print(f"New rewards: mean {done.mean:.3g}, standard deviation {done.std:.3g}{alike}.")
    return 0
