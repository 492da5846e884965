"""`rl-teacher label DATASET`: answers about a data set, and the reward that they teach."""

import dataclasses
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from rl_teacher.commands.label.clips import Source, clip_source
from rl_teacher.commands.label.conversation import TURNS, ask_all
from rl_teacher.commands.label.described import Described, described
from rl_teacher.commands.label.report import LabelReport
from rl_teacher.commands.label.results import keep, next_command, require_same_set
from rl_teacher.commands.label.rollouts import EpisodeRollouts
from rl_teacher.commands.label.settings import Given, parse_label
from rl_teacher.commands.obs_clips import drawn_from_obs
from rl_teacher.config.run import NO_AGENT, RunConfig
from rl_teacher.core.streams import Streams
from rl_teacher.data.data_sets import open_episodes
from rl_teacher.data.sample import Sample, take_sample
from rl_teacher.device import require_device, require_people
from rl_teacher.interrupts import EXIT_CODE
from rl_teacher.preferences.learner import PreferenceLearner
from rl_teacher.protocols import Teacher
from rl_teacher.storage.folder import open_run, refuse_taken, require_folders, resumed_settings
from rl_teacher.storage.names import experiment_name, slug
from rl_teacher.training.build import build_learner
from rl_teacher.training.complete import complete
from rl_teacher.training.interrupt import Interrupt
from rl_teacher.training.parts import build_teacher
from rl_teacher.training.reporter import Audience
from rl_teacher.training.segment_length import steps_of_segment, with_clip_length

LEAST_REFRESH_SECONDS = 600.0
"""Questions about a data set do not grow stale as those about an agent that learns, so they may stay open so long."""


class Labeling(NamedTuple):
    """All that a conversation needs but who answers."""

    place: str
    config: RunConfig
    sample: Sample
    what: Described
    rollouts: EpisodeRollouts


def main(argv: list[str]) -> int:
    """Ask, fit, and write the reward; the exit code."""
    given = parse_label(argv)
    require_device()
    by_people = given.config.predictor == "human"
    if by_people:
        require_people("rl-teacher label")
    refuse_taken(given.config)
    found = open_episodes(given.dataset)
    sample = take_sample(found, given.config.seed)
    what = described(found, sample, given.config.env_id, given.fps)
    labeling = _completed(given, sample, what)
    config = labeling.config
    source = None
    if by_people:
        source = clip_source(
            found, sample, what, videos=given.videos, px=config.human.clip_px,
            segment_steps=labeling.rollouts.segment_steps,
        )  # fmt: skip
    _log(
        f"{given.dataset}: {sample.num_steps:,} steps of {sample.num_episodes:,} episodes, which end "
        f"{'early' if sample.ends else 'only where they are cut off'}."
    )
    with Interrupt(_log) as interrupt:
        if source is None:
            return _ask_program(labeling, interrupt)
        _log(source.told)
        return _ask_people(labeling, source, interrupt)


def _completed(given: Given, sample: Sample, what: Described) -> Labeling:
    """The settings with all that the data set decides."""
    asked = dataclasses.replace(given.config, env_id=what.spec.env_id, num_timesteps=TURNS)
    config, notes = complete(asked, what.spec)
    config = dataclasses.replace(config, agent=NO_AGENT)
    config, begun = resumed_settings(config)
    config = with_clip_length(config, what.spec)
    for line in (what.spec.description, *notes, *begun):
        _log(line)
    rollouts = EpisodeRollouts(
        sample, what.frames.actions, steps_of_segment(config, what.spec), Streams(config.seed)
    )  # fmt: skip
    return Labeling(given.dataset, config, sample, what, rollouts)


def _ask_program(labeling: Labeling, interrupt: Interrupt) -> int:
    teacher = build_teacher(labeling.config, labeling.what.spec)
    assert teacher is not None, "the predictor is synth"
    folder, lock = open_run(labeling.config)
    with closing(lock):
        require_same_set(folder, labeling.place, labeling.sample)
        learner = _learner(labeling, folder, teacher)
        return _to_its_end(labeling, folder, learner, teacher, None, interrupt)


def _ask_people(labeling: Labeling, source: Source, interrupt: Interrupt) -> int:
    """The same with people, on a feedback server, which is started here if there is none."""
    from rl_teacher.people.attach import attach, detach  # here, as it needs the extra `people`
    from rl_teacher.people.audience import Audience as Pages
    from rl_teacher.people.connection import connect
    from rl_teacher.people.stay import stay_until_seen
    from rl_teacher.teachers.human import HumanTeacher

    config = labeling.config
    human = dataclasses.replace(
        config.human, refresh_seconds=max(config.human.refresh_seconds, LEAST_REFRESH_SECONDS)
    )  # fmt: skip
    named = dataclasses.replace(config, name=slug(config.name))
    require_folders(named)
    code, learner = None, None
    name, has_pixels = experiment_name(named.name), source.content is drawn_from_obs
    with closing(connect(named, name, _log, has_pixels=has_pixels)) as connection:
        folder, lock = open_run(config)
        with closing(lock):
            require_same_set(folder, labeling.place, labeling.sample)
            session = attach(
                connection, folder, named, content=source.content, fps=labeling.what.spec.clip_fps,
                backend=source.backend, log=_log,
            )  # fmt: skip
            try:
                pages, teacher = Pages(session, connection.label_link), HumanTeacher(session, human)
                learner = _learner(labeling, folder, teacher)
                if config.resume:
                    learner.recall()
                code = _to_its_end(labeling, folder, learner, teacher, pages, interrupt)
            finally:
                still_open = learner.dataset.open() if learner is not None else []
                detach(session, [comparison.id for comparison in still_open], is_done=code == 0)
        if code == 0 and config.human.stay:
            interrupt.reply = "Stopping."
            stay_until_seen(connection, config.n_labels or 0, lambda: interrupt.is_asked, _log)
    return code


def _learner(labeling: Labeling, folder: Path, teacher: Teacher) -> PreferenceLearner:
    what = labeling.what
    return build_learner(
        labeling.config, what.spec, folder, teacher, obs_shape=what.frames.obs_shape,
        num_actions=what.frames.actions.size, segment_steps=labeling.rollouts.segment_steps, is_recorded=True,
    )  # fmt: skip


def _to_its_end(
    labeling: Labeling, folder: Path, learner: PreferenceLearner, teacher: Teacher, audience: Audience | None,
    interrupt: Interrupt,
) -> int:  # fmt: skip
    config, frames = labeling.config, labeling.what.frames
    report = LabelReport(config, learner, frames.names, audience, _log)
    should_stop: Callable[[], bool] = lambda: interrupt.is_asked  # noqa: E731
    if not ask_all(config, learner, teacher, labeling.rollouts, report, should_stop):
        _log(f"Stopped with {learner.dataset.num_labels} labels. Continue with the same command and --resume.")
        return EXIT_CODE
    for line in keep(config, folder, learner, frames, labeling.place):
        _log(line)
    report.ended([next_command(config, labeling.place)] if learner.dataset.num_labels else [])
    return 0


def _log(line: str) -> None:
    """One line to the user, at once."""
    print(line, flush=True)
