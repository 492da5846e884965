"""How many pictures of a Hopper two low-priority processes draw in a second, by style; saves one picture of each.

Run: python benchmarks/render.py [--size 320] [--seconds 4] [--task Hopper] [--out build/render]
The GL driver of both processes draws in their own thread (LP_NUM_THREADS=0), as in video/workers.py.
"""

import argparse
import multiprocessing
import os
import time
from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
from PIL import Image

from rl_teacher.envs.catalog import find_task
from rl_teacher.envs.tasks.task import MODELS
from rl_teacher.video.backend import choose_backend
from rl_teacher.video.model_files import load_model
from rl_teacher.video.render import StateRenderer
from rl_teacher.video.render_style import DEFAULT_STYLE, MUJOCO_STYLE, RenderStyle

STYLES = {
    "mujoco": MUJOCO_STYLE,
    "mujoco-no-reflection": replace(MUJOCO_STYLE, has_reflections=False),
    "mujoco-shadow-1024": replace(MUJOCO_STYLE, has_reflections=False, shadow_map_px=1024),
    "mujoco-no-shadow": replace(MUJOCO_STYLE, has_reflections=False, shadow_map_px=0),
    "mujoco-no-shadow-no-samples": replace(MUJOCO_STYLE, has_reflections=False, shadow_map_px=0, num_samples=0),
    "ours-samples-4": replace(DEFAULT_STYLE, num_samples=4, supersampling=1.0),
    "ours-1.0": replace(DEFAULT_STYLE, supersampling=1.0),
    "ours-1.25": replace(DEFAULT_STYLE, supersampling=1.25),
    "ours-1.5": replace(DEFAULT_STYLE, supersampling=1.5),
    "ours-2.0": replace(DEFAULT_STYLE, supersampling=2.0),
    "ours": DEFAULT_STYLE,
}


def measure(job: tuple[str, RenderStyle, int, float, str, Path]) -> tuple[float, float]:
    """Pictures per second, and per second of processor time, which other programs disturb less."""
    name, style, size, seconds, backend, out = job
    task = find_task(f"{out.name}-v1")
    model = load_model(MODELS / task.model_file)
    data = mujoco.MjData(model)
    rows = []
    for step in range(60):
        rows.append(np.concatenate([data.qpos, data.qvel]))
        data.ctrl[:] = 0.3 * np.sin(0.4 * step + np.arange(model.nu))
        mujoco.mj_step(model, data, 4)
    with StateRenderer(
        load_model(MODELS / task.model_file),
        task.camera,
        backend=backend,
        width=size,
        height=size,
        style=style,
    ) as renderer:
        frames = renderer.render(np.array(rows[:40]))
        Image.fromarray(frames[-1]).save(out / f"{name}.png", optimize=True)
        count, start, cpu_start = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - start < seconds:
            renderer.render(np.array(rows[:10]))
            count += 10
        return count / (time.perf_counter() - start), count / (time.process_time() - cpu_start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--task", default="Hopper")
    parser.add_argument("--out", type=Path, default=Path("build/render"))
    arguments = parser.parse_args()
    out = arguments.out / arguments.task
    out.mkdir(parents=True, exist_ok=True)
    os.environ["LP_NUM_THREADS"] = "0"
    backend = choose_backend()
    print(
        f"{arguments.task}, {arguments.size} x {arguments.size}, backend {backend}, two processes, pictures per second"
    )
    print(f"{'style':30s} {'by the clock':>12s} {'by cpu time':>12s}")
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for name, style in STYLES.items():
            job = (name, style, arguments.size, arguments.seconds, backend, out)
            by_clock, by_cpu = np.sum(pool.map(measure, [job, job], chunksize=1), axis=0)
            print(f"{name:30s} {by_clock:12.1f} {by_cpu:12.1f}", flush=True)


if __name__ == "__main__":
    main()
