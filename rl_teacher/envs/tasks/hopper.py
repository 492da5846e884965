"""Hopper: a one-legged robot that hops forward."""

from functools import partial

from rl_teacher.envs.camera import Camera
from rl_teacher.envs.tasks.planar import PlanarReadout
from rl_teacher.envs.tasks.starts import uniform_start
from rl_teacher.envs.tasks.task import Task, entries

MAX_SPEED = 10.0
"""Velocities are observed clipped to this [m/s, rad/s]."""


TASK = Task(
    name="Hopper",
    aim="A one-legged robot: hop forward as fast as possible, and stand tall.",
    sentence="Hop to the right without falling, as fast as you can",
    reward_text="(x′ − x)/dt + z′, with x = qpos[0] and z = qpos[1], the position of the torso",
    start_text="standing; every entry of qpos and qvel ± uniform(0.005)",
    model_file="hopper.xml",
    frame_skip=4,
    timestep=0.002,
    horizon=1000,
    short_horizon=300,
    clip_fps=40,
    camera=Camera("torso", lookat=(0.0, 0.0, 0.8), distance=4.0, elevation=-10.0),
    observation=entries("m", "height of the torso")
    + entries("rad", "angle of the torso", turns=True)
    + entries("rad", "angle of the thigh", "angle of the leg", "angle of the foot")
    + entries("m/s", "forward velocity of the torso", "upward velocity of the torso", limit=MAX_SPEED)
    + entries(
        "rad/s",
        "angular velocity of the torso",
        "angular velocity of the thigh",
        "angular velocity of the leg",
        "angular velocity of the foot",
        limit=MAX_SPEED,
    ),
    action=entries("x 200 N m", "torque at the thigh", "torque at the leg", "torque at the foot", limit=1.0),
    start=partial(uniform_start, scale=0.005),
    read=partial(PlanarReadout, height_offset=0.0, max_speed=MAX_SPEED),
)
