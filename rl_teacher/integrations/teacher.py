"""Who answers in somebody's training script: a program, a function of theirs, or people and what they are shown."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rl_teacher.config.run import RunConfig
from rl_teacher.device import require_people
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import ConfigError
from rl_teacher.integrations.pictures import Draw, PictureWindows, drawn
from rl_teacher.integrations.replays import Replays
from rl_teacher.integrations.settings import name_of
from rl_teacher.protocols import Teacher
from rl_teacher.teachers.scripted import Script, ScriptedTeacher
from rl_teacher.training.clip_content import content_of
from rl_teacher.training.parts import build_teacher
from rl_teacher.video.backend import choose_backend

if TYPE_CHECKING:
    from rl_teacher.integrations.people import People
    from rl_teacher.people.audience import Audience


def find_people(config: RunConfig, log: Callable[[str], None], *, has_pictures: bool) -> "People | None":
    """The server where people answer; None if nobody is asked.

    Args:
        config: complete.
        log: gets lines for people.
        has_pictures: whether there is anything to show them.

    Raises:
        ConfigError: there is not.
        MissingExtra: the feedback server is not installed.
    """
    if config.predictor != "human":
        return None
    if not has_pictures:
        raise ConfigError(
            "teacher='people': environments of this library are not drawn here. Pass draw=, a function of "
            "an observation that returns a picture of it, RGB of uint8, (height, width, 3)."
        )
    require_people("teacher='people'")
    from rl_teacher.integrations.people import People  # here, as it needs the extra `people`

    return People(config, log)


def teacher_at_once(config: RunConfig, spec: EnvSpec, script: Script | None) -> Teacher:
    """A program that answers."""
    if script is not None:
        path, step_seconds = inspect.getsourcefile(inspect.unwrap(script)), spec.dt or 1 / spec.clip_fps
        return ScriptedTeacher(script, Path(path or "a function"), name_of(script), step_seconds)
    teacher = build_teacher(config, spec)
    assert teacher is not None, "settings() leaves no other predictor"
    return teacher


def attached(
    people: "People", folder: Path, spec: EnvSpec, windows: PictureWindows | None, replays: Replays | None,
    draw: Draw | None, log: Callable[[str], None],
) -> "tuple[Teacher, Audience]":  # fmt: skip
    """People as the teacher, and whom to tell how the lesson goes. What clips show is decided here, once.

    Args:
        people: from `find_people`.
        folder: of the run.
        spec: of the environment.
        windows: where the environments draw themselves: of which steps.
        replays: where episodes are played again: their seeds and actions.
        draw: a function of the user's that draws observations; it comes before what the environments would draw.
        log: told what clips show.
    """
    backend, content = None, content_of(spec, None, people.clip_px)
    if draw is not None:
        content = lambda segment: drawn(draw, segment)  # noqa: E731
        log("Clips show what your function draws of the observations.")
    elif replays is not None:
        content = replays.content
        log("Clips are drawn beside the training, by environments that play the same actions from the same seeds.")
    elif windows is not None:
        content = windows.content
        log("Clips show what render() draws, in windows that are chosen before they are played.")
    else:
        backend = choose_backend()
        log("Clips are drawn from the states of the simulator.")
    return people.attach(folder, content, spec.clip_fps, backend)
