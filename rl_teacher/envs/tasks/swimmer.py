"""Swimmer: three links in a viscous fluid that swim."""

from functools import partial

from rl_teacher.envs.camera import Camera
from rl_teacher.envs.tasks.planar import PlanarReadout
from rl_teacher.envs.tasks.starts import uniform_start
from rl_teacher.envs.tasks.task import Task, entries

TASK = Task(
    name="Swimmer",
    aim="Three links in a viscous fluid, seen from above: swim to the right as fast as possible.",
    sentence="Swim to the right, as fast as you can",
    reward_text="(x′ − x)/dt, with x = qpos[0], the position of the front link",
    start_text="stretched out; every entry of qpos and qvel ± uniform(0.1)",
    model_file="swimmer.xml",
    frame_skip=4,
    timestep=0.01,
    horizon=1000,
    short_horizon=300,
    clip_fps=40,
    camera=Camera("torso", lookat=(0.0, 0.0, 0.0), distance=6.0, elevation=-60.0),
    observation=(
        *entries("rad", "angle of the front link", turns=True),
        *entries("rad", "angle of the first joint", "angle of the second joint"),
        *entries("m/s", "velocity of the front link along x", "velocity of the front link along y"),
        *entries("rad/s", "angular velocity of the front link", "angular velocity of the first joint"),
        *entries("rad/s", "angular velocity of the second joint"),
    ),
    action=entries("x 150 N m", "torque at the first joint", "torque at the second joint", limit=1.0),
    start=partial(uniform_start, scale=0.1),
    read=partial(PlanarReadout, first_position=2),
)
