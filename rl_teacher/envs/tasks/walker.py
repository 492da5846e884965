"""Walker: a two-legged robot in the plane that walks forward."""

from functools import partial

from rl_teacher.envs.camera import Camera
from rl_teacher.envs.tasks.planar import PlanarReadout
from rl_teacher.envs.tasks.starts import uniform_start
from rl_teacher.envs.tasks.task import Task, entries

MAX_SPEED = 10.0
"""Velocities are observed clipped to this [m/s, rad/s]."""
JOINTS = ("thigh", "leg", "foot", "left thigh", "left leg", "left foot")


TASK = Task(
    name="Walker",
    aim="A robot with two legs in the plane: walk forward as fast as possible, and stand tall.",
    sentence="Walk upright to the right, as fast as you can",
    reward_text="(x′ − x)/dt + z′ − 1, with x = qpos[0] and z = qpos[1], the position of the torso",
    start_text="standing; every entry of qpos and qvel ± uniform(0.005)",
    model_file="walker2d.xml",
    frame_skip=4,
    timestep=0.002,
    horizon=1000,
    short_horizon=300,
    clip_fps=30,
    camera=Camera("torso", lookat=(0.0, 0.0, 0.8), distance=4.0, elevation=-10.0),
    observation=entries("m", "height of the torso")
    + entries("rad", "angle of the torso", turns=True)
    + entries("rad", *(f"angle of the {joint}" for joint in JOINTS))
    + entries("m/s", "forward velocity of the torso", "upward velocity of the torso", limit=MAX_SPEED)
    + entries(
        "rad/s",
        "angular velocity of the torso",
        *(f"angular velocity of the {joint}" for joint in JOINTS),
        limit=MAX_SPEED,
    ),
    action=entries("x 100 N m", *(f"torque at the {joint}" for joint in JOINTS), limit=1.0),
    start=partial(uniform_start, scale=0.005),
    read=partial(PlanarReadout, height_offset=1.0, max_speed=MAX_SPEED),
)
