"""HalfCheetah: a two-legged cheetah in the plane that runs."""

from functools import partial

from rl_teacher.envs.camera import Camera
from rl_teacher.envs.tasks.planar import PlanarReadout
from rl_teacher.envs.tasks.starts import normal_start
from rl_teacher.envs.tasks.task import Entry, Task, entries

GEARS = {"back thigh": 120, "back shin": 90, "back foot": 60, "front thigh": 120, "front shin": 60, "front foot": 30}
"""Joint -> torque of a full action [N m]."""


TASK = Task(
    name="HalfCheetah",
    aim="Half a cheetah, in the plane: run forward as fast as possible.",
    sentence="Run to the right, as fast as you can",
    reward_text="(x′ − x)/dt, with x = qpos[0], the position of the torso",
    start_text="standing; every entry of qpos ± uniform(0.1), of qvel normal with standard deviation 0.1",
    model_file="half_cheetah.xml",
    frame_skip=5,
    timestep=0.01,
    horizon=1000,
    short_horizon=300,
    clip_fps=20,
    camera=Camera("torso", lookat=(0.0, 0.0, 0.5), distance=4.0, elevation=-10.0),
    observation=entries("m", "height of the torso")
    + entries("rad", "angle of the torso", turns=True)
    + entries("rad", *(f"angle of the {joint}" for joint in GEARS))
    + entries("m/s", "forward velocity of the torso", "upward velocity of the torso")
    + entries("rad/s", "angular velocity of the torso", *(f"angular velocity of the {joint}" for joint in GEARS)),
    action=tuple(Entry(f"torque at the {joint}", f"x {gear} N m", -1.0, 1.0) for joint, gear in GEARS.items()),
    start=partial(normal_start, scale=0.1),
    read=PlanarReadout,
)
