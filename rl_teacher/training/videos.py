"""TrainingVideos: what the agent does as it learns, as mp4 files in the run folder, made beside the training."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from rl_teacher.core.segment import Segment
from rl_teacher.errors import RlTeacherError
from rl_teacher.files import make_folder, write_whole

if TYPE_CHECKING:
    from rl_teacher.video.jobs import Content
    from rl_teacher.video.workers import ClipWorkers

FOLDER = "videos"
CLOSE_S = 10.0
"""How long the end of a run waits for videos that are being made [s]."""


class TrainingVideos:
    """A thread and one process of low priority, both started by the first video.

    Args:
        folder: of the run.
        content: what a worker draws an episode from.
        fps: frames per second of a video, one frame per step.
        log: hears why there are no videos, once.
    """

    def __init__(
        self, folder: Path, content: Callable[[Segment], "Content"], fps: int, log: Callable[[str], None]
    ) -> None:
        self._folder, self._content, self._fps, self._log = folder / FOLDER, content, fps, log
        self._episodes: SimpleQueue[tuple[int, Segment]] = SimpleQueue()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def send_video(self, step: int, episode: Segment) -> None:
        """Draw what the agent did after `step` environment steps; returns at once."""
        self._episodes.put((step, episode))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="videos", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Finish what is being made, within reason."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        from rl_teacher.video.backend import choose_backend  # here, so that a run without videos never loads FFmpeg
        from rl_teacher.video.workers import ClipWorkers

        try:
            with ClipWorkers(1, backend=choose_backend()) as workers:
                self._make(workers)
        except (RlTeacherError, OSError) as fault:  # no renderer, a full disk: training goes on
            self._log(f"No videos of the training: {fault}")

    def _make(self, workers: "ClipWorkers") -> None:
        from rl_teacher.video.jobs import ClipJob

        deadline = float("inf")
        while True:
            is_last = self._stop.is_set() and not workers.num_unfinished  # all results are there, before they are read
            for result in workers.poll():
                if result.clip is None:
                    self._log(f"A video of the training could not be made: {result.error}")
                else:
                    make_folder(self._folder)
                    write_whole(self._folder / f"{result.id}.mp4", result.clip.mp4)
            if self._stop.is_set():
                deadline = min(deadline, time.monotonic() + CLOSE_S)
            if time.monotonic() > deadline:
                return
            try:
                step, episode = self._episodes.get(timeout=0.2)
                workers.submit(ClipJob(f"step-{step:09d}", self._content(episode), self._fps, with_webm=False))
            except Empty:
                if is_last:
                    return
