"""Join a run with the people who teach it; imported only with `-p human`, as it needs the client and the renderer."""

import dataclasses
import uuid
from collections.abc import Callable
from pathlib import Path

from rl_teacher.envs.catalog import find_task
from rl_teacher.envs.model_files import MODELS
from rl_teacher.envs.starts import reset_seed
from rl_teacher.errors import VideoFault
from rl_teacher.human.connect import Line, connect, open_desk
from rl_teacher.human.download import download
from rl_teacher.human.press import Drawable
from rl_teacher.rollouts.tape import ActionTape
from rl_teacher.runs.build import Run
from rl_teacher.runs.folder import slug
from rl_teacher.runs.label_log import COMPARISONS, LabelLog
from rl_teacher.runs.stored import as_segments
from rl_teacher.teachers.human import HumanTeacher
from rl_teacher.video.backend import choose_backend
from rl_teacher.video.camera import Camera
from rl_teacher.video.jobs import Content, Replay, States


def call(run: Run, say: Callable[[str], None]) -> Line:
    """Reach the feedback server, or start one here."""
    return connect(run.config, slug(run.config.name), say)


def invite(run: Run, line: Line, folder: Path, say: Callable[[str], None]) -> None:
    """Make people the teacher of a run; from here on its desk is at work, and must be closed."""
    if not run.spec.is_task:
        run.tape = ActionTape(run.config.selection.pool_iterations + 2, reset_seeds(run))
    if run.config.resume and not line.is_new and not (folder / COMPARISONS).exists():
        _fetch(line, folder, say)
    backend = choose_backend() if run.spec.is_task else None  # Gymnasium's environments draw themselves
    run.desk = open_desk(line, folder, run.config, content_of(run), run.spec.clip_fps, backend)
    run.teacher = HumanTeacher(run.desk, run.config.human)
    run.label_link, run.life = line.label_link, uuid.uuid4().hex


def _fetch(line: Line, folder: Path, say: Callable[[str], None]) -> None:
    """A run that is resumed where its folder is not: the server has all that was answered."""
    found = download(line.client, say)
    if found.comparisons:
        log = LabelLog(folder)
        log.write_comparisons(0, found.comparisons, *as_segments(found))
        log.write_labels(found.labels)
        say(f"Fetched {len(found.comparisons)} answered comparisons from {line.client.url}.")


def content_of(run: Run) -> Callable[[Drawable], Content]:
    """What a clip worker needs to draw a segment: simulator states, or else the episode up to its end."""
    spec, tape = run.spec, run.tape
    if tape is None:
        task = find_task(spec.canonical_id)
        camera = Camera(**dataclasses.asdict(task.camera))
        return lambda segment: States(MODELS / task.model_file, camera, segment.sim_state)
    env_id = spec.canonical_id.removeprefix("gymnasium:")

    def played_again(segment: Drawable) -> Content:
        end = segment.start + len(segment.obs)
        found = tape.find(segment.iteration, segment.env, segment.episode, end)
        if found is None:
            raise VideoFault(f"env {spec.env_id!r}: the start of a segment's episode is not known any more.")
        return Replay(env_id, found.seed, found.actions, segment.start, segment.obs[0])

    return played_again


def reset_seeds(run: Run) -> Callable[[int, int, int], int]:
    """(iteration, env, number of the episode) -> the seed of its reset; as teach.py builds and restarts them."""

    def seed_of(iteration: int, env: int, episode: int) -> int:
        seed = run.config.seed
        if iteration < 0:
            attempt = -1 - iteration
            stream = run.streams.generator("pretrain restart", attempt) if attempt else None
            seed = int((stream or run.streams.generator("pretrain envs")).integers(2**31))
        return reset_seed(seed, env, episode)

    return seed_of


def dismiss(run: Run, *, is_done: bool) -> None:
    """Close the desk; when the run is over, nobody is asked any more."""
    if run.desk is not None:
        if is_done:
            run.desk.take_back([comparison.id for comparison in run.dataset.open()])
        run.desk.close(is_done=is_done)
