"""What clips of a data set are drawn from: its videos, its pictures, its simulator states, or its actions once more."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from gymnasium.envs.registration import registry

from rl_teacher.commands.label.described import Described
from rl_teacher.commands.label.rollouts import as_seen
from rl_teacher.commands.obs_clips import drawn_from_obs, num_lived, picture_like
from rl_teacher.core.segment import Segment
from rl_teacher.data.episodes import Episode, EpisodeSet
from rl_teacher.data.sample import Sample
from rl_teacher.envs.catalog import NAMESPACE
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.envs.tasks.task import MODELS, Task
from rl_teacher.errors import DataRefused
from rl_teacher.training.clip_content import ENDING_HOLD_SECONDS, content_of, num_still
from rl_teacher.video.backend import choose_backend
from rl_teacher.video.decode import pictures_of
from rl_teacher.video.encode import HOLD_SECONDS
from rl_teacher.video.jobs import ClipJob, Content, Frames, Replay
from rl_teacher.video.model_files import load_model
from rl_teacher.video.workers import ClipWorkers

TRY_SECONDS = 60.0
"""After which a clip that is not there yet is given up [s]."""
MADE_BY_PLAY = ("render_mode", "task_id")
"""Arguments of an environment that its id, or whoever draws, decides."""


class Source(NamedTuple):
    """Where clips come from."""

    content: Callable[[Segment], Content]
    """What a clip worker draws a segment from."""
    backend: str | None
    """What draws simulator states; None where nothing has to be drawn, or an environment draws itself."""
    told: str
    """One line for the user."""


def clip_source(
    found: EpisodeSet, sample: Sample, what: Described, *, videos: Path | None, px: int | None, segment_steps: int
) -> Source:  # fmt: skip
    """The first that works, of: videos beside the set, its pictures, its states, its actions from its seeds.

    Args:
        found: the data set.
        sample: of it.
        what: is known of its environment.
        videos: folder with a video of each episode, NUMBER.mp4, a picture a step.
        px: width and height of what is drawn from states; None: as this machine can.
        segment_steps: of a segment.

    Raises:
        DataRefused: none works; the line says what is missing for each.
    """
    if videos is not None:
        return _from_videos(videos, sample)
    missing = []
    if picture_like(found.obs_shape, sample.obs_dtype):
        return Source(drawn_from_obs, None, "Clips show the observations, which are pictures.")
    missing.append(f"observations of shape {found.obs_shape} are no pictures")
    why = _lacks_states(sample, what.task)
    if not why:
        assert what.task is not None, "it has a model"
        spec = dataclasses.replace(what.spec, canonical_id=f"{what.task.name}-v1")
        told = f"Clips are drawn from the states of the simulator, with the model of {what.task.name}."
        return Source(content_of(spec, None, px), choose_backend(), told)
    missing.append(why)
    spec, why = _replayed(found, sample, what)
    if not why:
        content = _replayer(spec, sample)
        why = _leads_elsewhere(content, sample, what, segment_steps)
    if not why:
        told = f"Clips are drawn by {spec.canonical_id}, which plays the same actions from the same seeds."
        return Source(content, None, told)
    raise DataRefused(
        f"{found.place}: there is nothing to show people: {'; '.join((*missing, why))}. Store one of these, give "
        "--videos DIR with NUMBER.mp4 of each episode, or let a program answer: --teacher oracle."
    )


# -- videos --------------------------------------------------------------------------------------------------------


def _from_videos(folder: Path, sample: Sample) -> Source:
    absent = [number for number in sample.episodes if not (folder / f"{number}.mp4").is_file()]
    if absent:
        raise DataRefused(
            f"--videos {folder}: has no {absent[0]}.mp4, expected a video of each episode, numbered from 0 in the "
            f"order of the data set, with a picture for each step ({len(absent)} are missing)."
        )

    def content(segment: Segment) -> Content:
        pictures = pictures_of(folder / f"{segment.episode}.mp4", segment.start, num_lived(segment))
        return Frames(pictures, num_still(segment), ENDING_HOLD_SECONDS)

    return Source(content, None, f"Clips are cut from the videos in {folder}.")


# -- states --------------------------------------------------------------------------------------------------------


def _lacks_states(sample: Sample, task: Task | None) -> str:
    """Why clips cannot be drawn from states; empty if they can."""
    states = [episode.sim_state for episode in sample.episodes.values()]
    if any(one is None for one in states):
        return "no simulator states (infos/qpos and infos/qvel)"
    if task is None:
        return "simulator states, but of none of our nine robots (name one by -e)"
    model, width = load_model(MODELS / task.model_file), states[0].shape[1]  # type: ignore[union-attr]  # all are there
    if width != model.nq + model.nv:
        return f"simulator states of {width} numbers, where the model of {task.name} has {model.nq + model.nv}"
    return ""


# -- replay --------------------------------------------------------------------------------------------------------


def _replayed(found: EpisodeSet, sample: Sample, what: Described) -> tuple[EnvSpec, str]:
    """The environment that plays episodes again, as Gymnasium makes it; and why there is none, empty if there is."""
    spec = dataclasses.replace(what.spec, is_task=False, kind="gymnasium")
    if any(episode.seed is None for episode in sample.episodes.values()):
        return spec, "no seeds of the resets, from which episodes could be played again"
    if what.spec.is_task:
        own = f"rl_teacher.envs.register:{NAMESPACE}/{spec.canonical_id}"
        return dataclasses.replace(spec, canonical_id=own), ""
    registered = registry.get(spec.canonical_id.rpartition(":")[2])
    if registered is None:
        return spec, f"seeds, but this machine cannot make {spec.env_id}"
    if more := [one for one in found.env_changes if one not in registered.kwargs and one not in MADE_BY_PLAY]:
        return spec, f"seeds, but of an environment that was made with arguments of its own ({', '.join(more)})"
    return spec, ""


def _replayer(spec: EnvSpec, sample: Sample) -> Callable[[Segment], Content]:
    def content(segment: Segment) -> Content:
        episode = sample.episodes[segment.episode]
        assert episode.seed is not None, "all have one"
        end = segment.start + num_lived(segment)
        hold = HOLD_SECONDS if spec.is_fixed_horizon else ENDING_HOLD_SECONDS
        return Replay(spec, episode.seed, episode.action[:end], segment.start, segment.obs[0], num_still(segment), hold)

    return content


def _leads_elsewhere(content: Callable[[Segment], Content], sample: Sample, what: Described, segment_steps: int) -> str:
    """Let a clip worker play the last segment of the first episode again; why that did not work, empty if it did."""
    episode = next(iter(sample.episodes.values()))
    start = max(0, len(episode) - segment_steps)
    job = ClipJob("again", content(_end_of(episode, start)), what.spec.clip_fps, with_webm=False)
    with ClipWorkers(1, backend=None, job_seconds=TRY_SECONDS) as workers:
        workers.submit(job)
        while not (results := workers.poll(1.0)):
            pass
    return "" if results[0].clip is not None else f"seeds, but {results[0].reason.rstrip('.')}"


def _end_of(episode: Episode, start: int) -> Segment:
    """The steps of an episode from `start` on, as far as a replay asks for them."""
    empty: Any = np.zeros((len(episode) - start, 0))
    return Segment(
        obs=as_seen(episode.obs[start:]), reward_action=empty, env_action=episode.action[start:],
        true_reward=episode.reward[start:], sim_state=empty, env=0, episode=episode.number, start=start, iteration=0,
    )  # fmt: skip
