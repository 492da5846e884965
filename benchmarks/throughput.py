"""End-to-end environment steps per second, as a share of raw mujoco.batch stepping of the same model, in one run.

    python -m benchmarks.throughput --steps 2e6 --repeats 3

Raw stepping is measured before and after each training, on the same threads, with uniform random controls and a
reset of all simulations every 300 steps; the share is against the mean of the two. Also printed: seconds from the
start of the program to the first environment step of the agent, and peak memory.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from rl_teacher.envs.catalog import find_task
from rl_teacher.envs.tasks.model_files import load_model

MODES = {"rl": ["-p", "rl"], "synth-350": ["-p", "synth", "-l", "350"]}


def raw_rate(env_id: str, num_envs: int, seconds: float) -> float:
    """Environment steps per second of mujoco.batch alone."""
    from mujoco.batch import Batch

    task = find_task(env_id)
    batch = Batch(load_model(task.model_file), num_envs)
    ctrl, generator = batch.bind("ctrl"), np.random.default_rng(0)
    limit, done, started = task.short_horizon, 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        batch.reset()
        for _ in range(limit):
            ctrl[:] = generator.uniform(-1, 1, ctrl.shape)
            batch.step(nstep=task.frame_skip)
        done += limit * num_envs
    return done / (time.perf_counter() - started)


def training(env_id: str, words: list[str], steps: int) -> dict[str, float]:
    """Summary of a training in a process of its own, with its time to the first step and its peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable, "-m", "rl_teacher", "teach", "-e", env_id, "-n", "bench", "-t", str(steps),
            "--runs-dir", folder, "--tb-dir", f"{folder}/tb", *words,
        ]  # fmt: skip
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        first_step, peak_mb = float("nan"), 0.0
        assert process.stdout is not None, "a pipe was asked for"
        for line in process.stdout:
            if "Starting joint training" in line or "Training starts" in line:
                first_step = time.perf_counter() - started
            peak_mb = max(peak_mb, _memory_mb(process.pid))
        if process.wait() != 0:
            raise SystemExit(f"the training failed: {' '.join(command)}")
        summary = json.loads((Path(folder) / "bench" / "summary.json").read_text())
        whole = time.perf_counter() - started
        return summary | {"first_step_seconds": first_step, "peak_mb": peak_mb, "whole_seconds": whole}


def _memory_mb(pid: int) -> float:
    """Peak resident memory of a process so far [MB]."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1e3 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-e", "--env", default="ShortHopper-v1")
    parser.add_argument("--steps", type=lambda text: int(float(text)), default=2_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--modes", default=",".join(MODES))
    given = parser.parse_args()
    for mode in given.modes.split(","):
        rows = []
        for _ in range(given.repeats):
            before = raw_rate(given.env, 64, 4.0)
            summary = training(given.env, MODES[mode], given.steps)
            raw = (before + raw_rate(given.env, 64, 4.0)) / 2
            rows.append(summary | {"raw": raw, "share": summary["env_steps_per_second"] / raw})
            print(
                f"{given.env} {mode}: {summary['env_steps_per_second']:,.0f} of {raw:,.0f} steps/s = "
                f"{rows[-1]['share']:.3f}; return {summary['final_true_return']:.0f}; "
                f"{summary['whole_seconds']:.1f} s in all, first step after {summary['first_step_seconds']:.1f} s; "
                f"{summary['peak_mb']:.0f} MB",
                flush=True,
            )
        share = statistics.median(row["share"] for row in rows)
        print(f"{given.env} {mode}: median share {share:.3f} of {given.repeats} runs of {given.steps:,} steps")


if __name__ == "__main__":
    main()
