"""What games cost: `python -m benchmarks.games`. Steps per second of processor time beside the bare emulators; clips.

The wall clock of a machine that does other work says little, so everything is counted in its processor time.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.envs.games.sheets import ATARI, MINATAR, AtariSheet
from rl_teacher.envs.tasks.starts import reset_seed
from rl_teacher.video.jobs import ClipJob, ClipMaker, Replay

NUM_ENVS, NUM_STEPS, NUM_ROUNDS = 64, 50, 3
NUM_CLIPS, CLIP_STEPS = 20, 25


def main() -> None:
    print(f"{NUM_ENVS} environments, random actions, best of {NUM_ROUNDS} times {NUM_STEPS} steps")
    print("| game | ours [steps per CPU-s] | bare emulators | ours / bare | resets in 1,000 steps |")
    print("|---|---|---|---|---|")
    for sheet in ATARI.values():
        envs, bare = opened(sheet.name), bare_step(sheet)
        num_actions = int(envs.single_action_space.n)
        pairs = [(rate(envs.step, num_actions), rate(bare, num_actions)) for _ in range(NUM_ROUNDS)]
        ours, theirs = (max(column) for column in zip(*pairs, strict=True))
        share = reset_share(sheet, ours)
        print(f"| {sheet.name} | {ours:,.0f} | {theirs:,.0f} | {ours / theirs:.2f} | {share:.0%} |", flush=True)
        envs.close()
    for small in MINATAR.values():
        envs = opened(f"MinAtar/{small.name}-v1")
        print(f"| MinAtar/{small.name} | {rate(envs.step, int(envs.single_action_space.n)):,.0f} | | | |", flush=True)
    print(f"\nClips of {CLIP_STEPS} steps as mp4 and webm, {NUM_CLIPS} at random places of an episode [CPU-s]:")
    for name in ("Pong", "Breakout", "Seaquest", "MinAtar/Breakout-v1"):
        seconds = clip_seconds(name)
        print(f"{name}: mean {np.mean(seconds):.2f}, longest {max(seconds):.2f}", flush=True)


def opened(env_id: str) -> Any:
    """Environments of a game after their first reset."""
    envs = make_envs(find_env(env_id), NUM_ENVS, seed=1, num_threads=1)
    envs.reset()
    return envs


def rate(step: Callable[[np.ndarray], object], num_actions: int) -> float:
    """Steps per second of processor time of all environments together."""
    generator = np.random.default_rng(0)
    began = time.process_time()
    for _ in range(NUM_STEPS):
        step(generator.integers(0, num_actions, NUM_ENVS))
    return NUM_ENVS * NUM_STEPS / (time.process_time() - began)


def bare_step(sheet: AtariSheet) -> Callable[[np.ndarray], object]:
    """The same game in ale-py's vector environment as it is, four frames stacked by itself."""
    from ale_py.vector_env import AtariVectorEnv

    bare = AtariVectorEnv(
        sheet.rom, NUM_ENVS, num_threads=1, img_height=42, img_width=42, autoreset_mode=AutoresetMode.SAME_STEP
    )
    bare.reset(seed=1)
    return bare.step


def reset_share(sheet: AtariSheet, steps_per_second: float) -> float:
    """Of the time of an episode of 1,000 steps, that of its reset."""
    envs = make_envs(find_env(sheet.name), 1, seed=1, num_threads=1)
    envs.reset()
    began = time.process_time()
    for _ in range(10):
        envs.reset()
    return (time.process_time() - began) / 10 / (1000 / steps_per_second)


def clip_seconds(name: str) -> list[float]:
    """Processor time of each clip, in this process."""
    spec, seed = find_env(name), 7
    envs = make_envs(spec, 1, seed=seed, num_threads=1)
    obs, _ = envs.reset()
    generator, seen, actions = np.random.default_rng(0), [], []
    for _ in range(1000):
        seen.append(obs[0].copy())
        actions.append(generator.integers(0, envs.single_action_space.n, 1))
        obs, *_ = envs.step(actions[-1])
    given, maker, seconds = np.concatenate(actions), ClipMaker(None), []
    for start in generator.integers(0, 1000 - CLIP_STEPS, NUM_CLIPS).tolist():
        job = Replay(spec, reset_seed(seed, 0, 0), given[: start + CLIP_STEPS], start, seen[start])
        began = time.process_time()
        maker.make(ClipJob("x", job, spec.clip_fps))
        seconds.append(time.process_time() - began)
    return seconds


if __name__ == "__main__":
    main()
