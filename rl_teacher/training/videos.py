"""TrainingFilms: what the agent does as it learns, as mp4 files in the run folder, made beside the training."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from rl_teacher.errors import VideoFault
from rl_teacher.files import write_whole
from rl_teacher.rollouts.last_episode import Film
from rl_teacher.training.build import Run

if TYPE_CHECKING:
    from rl_teacher.video.workers import ClipWorkers

FOLDER = "videos"
CLOSE_S = 10.0
"""How long the end of a run waits for films that are being made [s]."""


class TrainingFilms:
    """A thread and one process of low priority, both started by the first film.

    Args:
        folder: of the run.
        run: whose agent is shown.
        say: hears why there are no films, once.
    """

    def __init__(self, folder: Path, run: Run, say: Callable[[str], None]) -> None:
        self._folder, self._training, self._say = folder / FOLDER, run, say
        self._films: SimpleQueue[tuple[int, Film]] = SimpleQueue()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def film(self, step: int, film: Film) -> None:
        """Draw what the agent did after `step` environment steps; returns at once."""
        self._films.put((step, film))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="films", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Finish what is being made, within reason."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        from rl_teacher.video.backend import choose_backend  # here, so that a run without films never loads FFmpeg
        from rl_teacher.video.workers import ClipWorkers

        try:
            with ClipWorkers(1, backend=choose_backend()) as workers:
                self._make(workers)
        except (VideoFault, OSError) as fault:
            self._say(f"No videos of the training: {fault}")

    def _make(self, workers: "ClipWorkers") -> None:
        from rl_teacher.training.clip_content import content_of
        from rl_teacher.video.jobs import ClipJob

        content, fps = content_of(self._training), self._training.spec.clip_fps
        deadline = float("inf")
        while True:
            is_last = self._stop.is_set() and not workers.num_unfinished  # all results are there, before they are read
            for result in workers.poll():
                if result.clip is None:
                    self._say(f"A video of the training could not be made: {result.error}")
                else:
                    self._folder.mkdir(exist_ok=True)
                    write_whole(self._folder / f"{result.id}.mp4", result.clip.mp4)
            if self._stop.is_set():
                deadline = min(deadline, time.monotonic() + CLOSE_S)
            if time.monotonic() > deadline:
                return
            try:
                step, film = self._films.get(timeout=0.2)
                workers.submit(ClipJob(f"step-{step:09d}", content(film), fps, with_webm=False))
            except Empty:
                if is_last:
                    return
