"""Draws the clips of the labeling page's practice pairs, from a run that has learned to hop.

rl-teacher teach -p rl -e ShortHopper-v1 -n hops -t 1e6
python -m scripts.practice_clips ~/rl-teacher/runs/hops
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rl_teacher.commands.replay import load_actor
from rl_teacher.envs.catalog import find_task, make_envs
from rl_teacher.envs.tasks.model_files import load_model
from rl_teacher.video.backend import choose_backend
from rl_teacher.video.encode import encode_clip
from rl_teacher.video.render import StateRenderer

OUT = Path(__file__).parents[1] / "rl_teacher/server/static/feedback/practice"
SIZE, STEPS, LIE_DOWN = 224, 60, 140
TORQUES = {"lies-1": (1.0, 0.6, -0.4), "lies-2": (-0.8, -1.0, 0.6)}
"""What makes it fall; the steps LIE_DOWN and later are shown, when it is still."""


def states(run: Path, torques: tuple[float, ...] | None, first: int) -> NDArray[np.float64]:
    """Rows of simulator state from step `first` on: the run's policy, or a fall."""
    spec, actions, actor = load_actor(run)
    envs = make_envs(spec, 1, seed=3, num_threads=1)
    obs, _ = envs.reset()
    rows = []
    for step in range(first + STEPS):
        rows.append(np.array(envs.sim_state()[0]))
        push = actor.mode(obs) if torques is None else np.array([torques], np.float32) * (step < 40)
        obs, *_ = envs.step(actions.to_env(actions.clamp(push)))
    envs.close()
    return np.stack(rows[first:])


def main() -> None:
    """Write them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a run of ShortHopper-v1")
    run = parser.parse_args().run
    spec = load_actor(run)[0]
    task = find_task(spec.canonical_id)
    camera = task.camera
    scenes = {name: (camera, states(run, torques, LIE_DOWN)) for name, torques in TORQUES.items()}
    scenes["hops"] = (camera, states(run, None, 60))
    # Nobody is in this picture: the camera looks at the ground far ahead.
    scenes["away"] = (replace(camera, lookat=(9.0, 0.0, camera.lookat[2])), scenes["hops"][1])
    OUT.mkdir(exist_ok=True)
    for name, (view, rows) in scenes.items():
        model = load_model(task.model_file)  # a renderer writes into its model
        with StateRenderer(model, view, backend=choose_backend(), width=SIZE, height=SIZE) as renderer:
            clip = encode_clip(renderer.render(rows[::2], spec.clip_fps // 2), spec.clip_fps // 2)
        assert clip.webm is not None, "webm is made by default"
        for suffix, data in (("mp4", clip.mp4), ("webm", clip.webm)):
            (OUT / f"{name}.{suffix}").write_bytes(data)
        print(f"{name}: {clip.num_frames} frames at {clip.fps} per second, {len(clip.mp4)} and {len(clip.webm)} bytes")


if __name__ == "__main__":
    main()
