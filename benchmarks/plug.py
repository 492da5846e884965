"""Stable-Baselines3 on a reward that is learned from 100 answers, against the same agent on the true reward.

    python -m benchmarks.plug                      # all cells, three seeds; the table
    python -m benchmarks.plug --tasks reacher      # some
    python -m benchmarks.plug --table              # train nothing
    python -m benchmarks.plug --imitation PYTHON   # besides, the library imitation (benchmarks/plug_imitation.py)

Each finished cell is appended to benchmarks/results/plug.jsonl, and is not run again. Needs what `make test-plug`
installs. Each cell is a process of its own; torch and JAX have one thread each, and two cells run side by side.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "results" / "plug.jsonl"
EPISODES = 32


@dataclass(frozen=True)
class Task:
    """What is trained, and how: the same for both rewards."""

    env_id: str
    steps: int
    random: float
    """Mean return of uniform random actions."""
    target: float
    """Least score that is wanted."""
    algorithm: str = "PPO"
    num_envs: int = 64
    norm_reward: bool = True
    """Whether VecNormalize scales rewards too; without, PPO learns the true reward of our Hopper better."""


TASKS = {
    "hopper": Task("rl_teacher/Hopper-v1", 200_000, 166.0, 0.95, num_envs=16, norm_reward=False),
    "hopper-v5": Task("Hopper-v5", 500_000, 18.5, 0.9),
    "lander": Task("LunarLander-v3", 500_000, -184.0, 0.9),
    "reacher": Task("rl_teacher/Reacher-v1", 20_000, -8.85, 0.95, "SAC", 8),
}
MODES = ("true", "learned")
COMPARED = {"learned": "rl-teacher", "imitation": "imitation 1.0.1", "true": "true reward"}
"""Modes of the second table, which is of the task hopper alone."""
ROLLOUT_STEPS = 4096
"""Of PPO, over all environments."""
PPO_SETTINGS: dict[str, Any] = {
    "batch_size": 512, "n_epochs": 6, "gamma": 0.995, "policy_kwargs": {"net_arch": [64, 64]}
}  # fmt: skip


def step_size(left: float) -> float:
    """Of PPO, where so much of the training is left."""
    return 3e-4 + (3e-3 - 3e-4) * left


def train(name: str, mode: str, seed: int) -> dict[str, Any]:
    """One cell, in this process."""
    import torch
    from stable_baselines3 import PPO, SAC
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import VecNormalize

    import rl_teacher.envs.register  # noqa: F401  # our ids
    from rl_teacher.integrations.sb3 import PreferenceReward

    torch.set_num_threads(1)
    task, began = TASKS[name], time.perf_counter()
    venv, taught = make_vec_env(task.env_id, task.num_envs, seed=seed), None
    if mode == "learned":
        folder = tempfile.mkdtemp()
        taught = PreferenceReward(
            name, venv, labels=100, steps=task.steps, seed=seed, log=lambda line: None,
            runs_dir=f"{folder}/runs", tb_dir=f"{folder}/tb",
        )  # fmt: skip
    inner = venv if taught is None else taught.venv
    pretrain_seconds, began = time.perf_counter() - began, time.perf_counter()
    model: Any
    env: Any = inner
    if task.algorithm == "PPO":
        env = VecNormalize(inner, gamma=PPO_SETTINGS["gamma"], norm_reward=task.norm_reward)
        num_steps = ROLLOUT_STEPS // task.num_envs
        model = PPO("MlpPolicy", env, seed=seed, learning_rate=step_size, n_steps=num_steps, **PPO_SETTINGS)
    else:
        model = SAC("MlpPolicy", inner, train_freq=1, gradient_steps=4, learning_starts=1000, seed=seed)
    model.learn(task.steps, callback=None if taught is None else taught.callback)
    learn_seconds = time.perf_counter() - began
    row = {"task": name, "mode": mode, "seed": seed, **asdict(task), **judged(model, task, seed, env)}
    row |= {"pretrain_seconds": round(pretrain_seconds, 1), "learn_seconds": round(learn_seconds, 1)}
    if taught is not None:
        row["inside_share"] = round(taught.training.seconds_inside / learn_seconds, 4)
        taught.close()
        row["labels"] = taught.training.learner.dataset.num_labels
    return row


def judged(model: Any, task: Task, seed: int, env: Any) -> dict[str, float]:
    """Mean true returns of the most likely actions, and of sampled ones; `env` is what the model trained in."""
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.vec_env import VecNormalize

    judge: Any = make_vec_env(task.env_id, 8, seed=1000 + seed)
    if task.algorithm == "PPO":
        judge = VecNormalize(judge, training=False, norm_reward=False)
        judge.obs_rms = env.obs_rms
    likely, _ = evaluate_policy(model, judge, EPISODES, deterministic=True)
    sampled, _ = evaluate_policy(model, judge, EPISODES, deterministic=False)
    return {"likely": likely, "sampled": sampled}


def cell(key: tuple[str, str, int], imitation: str = "") -> None:
    """One cell in a process of its own (`imitation` is the interpreter of that mode); its row is appended."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.plug", "--cell", *map(str, key)]
    if key[1] == "imitation":
        command = [imitation, "-W", "ignore", "-m", "benchmarks.plug_imitation", "--seed", str(key[2])]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(f"{key}: {done.stderr[-2000:]}", file=sys.stderr)
        return
    line = done.stdout.strip().splitlines()[-1]
    with RESULTS.open("a") as results:
        results.write(line + "\n")
    print(line, flush=True)


def rows() -> list[dict[str, Any]]:
    """What has been measured."""
    return [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []


def table() -> str:
    """A line for each task: returns of the most likely actions, and what the learner takes of the time."""
    lines = [
        "| task | steps | true reward | 100 labels | score (target) | in the learner | before learn() |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, task in TASKS.items():
        found = {mode: [row for row in rows() if (row["task"], row["mode"]) == (name, mode)] for mode in MODES}
        if not all(found.values()):
            continue
        means = {mode: np.array([row["likely"] for row in found[mode]]) for mode in MODES}
        score = (means["learned"].mean() - task.random) / (means["true"].mean() - task.random)
        shown = {mode: f"{means[mode].mean():.0f} ({', '.join(f'{one:.0f}' for one in means[mode])})" for mode in MODES}
        if abs(means["true"].mean()) < 50:
            shown = {mode: f"{means[mode].mean():.2f} ({', '.join(f'{v:.2f}' for v in means[mode])})" for mode in MODES}
        share = np.median([row["inside_share"] for row in found["learned"]])
        before = np.median([row["pretrain_seconds"] for row in found["learned"]])
        lines.append(
            f"| {task.env_id}, {task.algorithm} | {task.steps:,} | {shown['true']} | {shown['learned']} | "
            f"{score:.2f} ({task.target}) | {100 * share:.1f} % | {before:.0f} s |"
        )
    return "\n".join(lines)


def comparison() -> str:
    """Returns and wall-clock of hopper: rl-teacher, imitation and the true reward; empty where one was not measured."""
    found = {mode: [row for row in rows() if (row["task"], row["mode"]) == ("hopper", mode)] for mode in COMPARED}
    if not all(found.values()):
        return ""
    lines = [f"| {TASKS['hopper'].env_id} | {' | '.join(COMPARED.values())} |", "|---|---|---|---|"]
    returns = {mode: [row["likely"] for row in found[mode]] for mode in COMPARED}
    cells = [f"{np.mean(one):.0f} ({', '.join(f'{value:.0f}' for value in one)})" for one in returns.values()]
    lines.append(f"| return | {' | '.join(cells)} |")
    for title, keys in (
        ("before learn() + learn()", ("pretrain_seconds", "learn_seconds")),
        ("of it episodes for questions alone, in learn()", ("extra_seconds",)),
    ):
        sums = [np.median([sum(row.get(key, 0) for key in keys) for row in found[mode]]) for mode in COMPARED]
        lines.append(f"| {title} | {' | '.join(f'{seconds:.0f} s' for seconds in sums)} |")
    return "\n".join(lines)


def memory() -> str:
    """Whether anything grows with steps: resident memory of a training, while no label is due any more."""
    import resource

    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env

    from rl_teacher.integrations.sb3 import PreferenceReward

    class Resident(BaseCallback):
        """Megabytes at each rollout's end."""

        def __init__(self) -> None:
            super().__init__()
            self.found: list[tuple[int, float]] = []

        def _on_step(self) -> bool:
            return True

        def _on_rollout_end(self) -> None:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.found.append((self.model.num_timesteps, pages * resource.getpagesize() / 1e6))

    torch.set_num_threads(1)
    folder, resident = tempfile.mkdtemp(), Resident()
    taught = PreferenceReward(
        "memory", make_vec_env("CartPole-v1", 32, seed=1), labels=60, steps=100_000, log=lambda line: None,
        runs_dir=f"{folder}/runs", tb_dir=f"{folder}/tb",
    )  # fmt: skip
    model = PPO("MlpPolicy", taught.venv, n_steps=128, batch_size=512, n_epochs=1, seed=1)
    model.learn(600_000, callback=[taught.callback, resident])
    taught.close()
    after = [one for one in resident.found if one[0] > 200_000]
    return f"{after[0][1]:.0f} MB at {after[0][0]:,} steps, {after[-1][1]:.0f} MB at {after[-1][0]:,}"


def main() -> None:
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default=",".join(TASKS), help="with commas (%(default)s)")
    parser.add_argument("--seeds", default="1,2,3", help="(%(default)s)")
    parser.add_argument("--parallel", type=int, default=2, help="cells side by side (%(default)s)")
    parser.add_argument("--memory", action="store_true", help="whether memory grows with steps, and nothing else")
    parser.add_argument("--table", action="store_true", help="train nothing")
    parser.add_argument("--imitation", metavar="PYTHON", default="", help="where imitation is: runs it too")
    parser.add_argument("--cell", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.memory:
        print(memory())
        return
    if given.cell:
        print(json.dumps(train(given.cell[0], given.cell[1], int(given.cell[2]))))
        return
    if not given.table:
        known = {(row["task"], row["mode"], row["seed"]) for row in rows()}
        wanted = [
            (name, mode, int(seed))
            for name in given.tasks.split(",") for seed in given.seeds.split(",") for mode in MODES
        ]  # fmt: skip
        if given.imitation and "hopper" in given.tasks.split(","):
            wanted += [("hopper", "imitation", int(seed)) for seed in given.seeds.split(",")]
        with ThreadPoolExecutor(given.parallel) as threads:
            list(threads.map(lambda key: cell(key, given.imitation), [key for key in wanted if key not in known]))
    print("\n\n".join(filter(None, (table(), comparison()))))


if __name__ == "__main__":
    main()
