"""Join a run with the people who teach it; imported only with `-p human`, as it needs the client and the renderer."""

import uuid
from collections.abc import Callable
from pathlib import Path

from rl_teacher.envs.tasks.starts import reset_seed
from rl_teacher.people.connection import Line, connect, open_desk
from rl_teacher.people.download import download
from rl_teacher.people.restore import as_segments
from rl_teacher.rollouts.action_history import ActionTape
from rl_teacher.storage.label_log import LabelLog
from rl_teacher.storage.names import COMPARISONS, slug
from rl_teacher.teachers.human import HumanTeacher
from rl_teacher.training.build import Run
from rl_teacher.training.clip_content import content_of
from rl_teacher.video.backend import choose_backend


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
    run.teacher, run.filmer = HumanTeacher(run.desk, run.config.human), run.desk
    run.label_link, run.life = line.label_link, uuid.uuid4().hex


def _fetch(line: Line, folder: Path, say: Callable[[str], None]) -> None:
    """A run that is resumed where its folder is not: the server has all that was answered.

    What was only asked is taken back first: nobody here knows these pairs, and their answers would teach nothing.
    """
    if left_open := line.client.open_comparisons():
        line.client.cancel(left_open)
        say(f"Took back {len(left_open)} comparisons that nobody had answered.")
    found = download(line.client, say)
    if found.comparisons:
        log = LabelLog(folder)
        log.write_comparisons(0, found.comparisons, *as_segments(found))
        log.write_labels(found.labels)
        say(f"Fetched {len(found.comparisons)} answered comparisons from {line.client.url}.")


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
