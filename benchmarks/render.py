"""How many pictures of a Hopper two low-priority processes draw in a second, by look; saves one picture of each.

Run: python benchmarks/render.py [--size 320] [--seconds 4] [--model hopper] [--out build/render]
The GL driver of both processes draws in their own thread (LP_NUM_THREADS=0), as in video/workers.py.
"""

import argparse
import multiprocessing
import os
import time
from dataclasses import replace
from pathlib import Path

import gymnasium
import mujoco
import numpy as np
from PIL import Image

from rl_teacher.video.backend import choose_backend
from rl_teacher.video.camera import default_camera
from rl_teacher.video.model_files import load_model
from rl_teacher.video.render import StateRenderer
from rl_teacher.video.render_style import DEFAULT_LOOK, MUJOCO_LOOK, Look

MODELS = Path(gymnasium.__file__).parent / "envs/mujoco/assets"
LOOKS = {
    "mujoco": MUJOCO_LOOK,
    "mujoco-no-reflection": replace(MUJOCO_LOOK, has_reflections=False),
    "mujoco-shadow-1024": replace(MUJOCO_LOOK, has_reflections=False, shadow_map_px=1024),
    "mujoco-no-shadow": replace(MUJOCO_LOOK, has_reflections=False, shadow_map_px=0),
    "mujoco-no-shadow-no-samples": replace(MUJOCO_LOOK, has_reflections=False, shadow_map_px=0, num_samples=0),
    "ours-samples-4": replace(DEFAULT_LOOK, num_samples=4, supersampling=1.0),
    "ours-1.0": replace(DEFAULT_LOOK, supersampling=1.0),
    "ours-1.25": replace(DEFAULT_LOOK, supersampling=1.25),
    "ours-1.5": replace(DEFAULT_LOOK, supersampling=1.5),
    "ours-2.0": replace(DEFAULT_LOOK, supersampling=2.0),
    "ours": DEFAULT_LOOK,
}


def measure(job: tuple[str, Look, int, float, str, Path]) -> tuple[float, float]:
    """Pictures per second, and per second of processor time, which other programs disturb less."""
    name, look, size, seconds, backend, out = job
    model_name = out.name
    model = load_model(MODELS / f"{model_name}.xml")
    data = mujoco.MjData(model)
    rows = []
    for step in range(60):
        rows.append(np.concatenate([data.qpos, data.qvel]))
        data.ctrl[:] = 0.3 * np.sin(0.4 * step + np.arange(model.nu))
        mujoco.mj_step(model, data, 4)
    with StateRenderer(
        load_model(MODELS / f"{model_name}.xml"),
        default_camera(model_name, model),
        backend=backend,
        width=size,
        height=size,
        look=look,
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
    parser.add_argument("--model", default="hopper")
    parser.add_argument("--out", type=Path, default=Path("build/render"))
    arguments = parser.parse_args()
    out = arguments.out / arguments.model
    out.mkdir(parents=True, exist_ok=True)
    os.environ["LP_NUM_THREADS"] = "0"
    backend = choose_backend()
    print(
        f"{arguments.model}, {arguments.size} x {arguments.size}, backend {backend}, two processes, pictures per second"
    )
    print(f"{'look':30s} {'by the clock':>12s} {'by cpu time':>12s}")
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for name, look in LOOKS.items():
            job = (name, look, arguments.size, arguments.seconds, backend, out)
            by_clock, by_cpu = np.sum(pool.map(measure, [job, job], chunksize=1), axis=0)
            print(f"{name:30s} {by_clock:12.1f} {by_cpu:12.1f}", flush=True)


if __name__ == "__main__":
    main()
