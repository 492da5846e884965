"""Clips are made in low-priority processes, so that rendering never holds up training, and no crash of one stops it."""

import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self

from rl_teacher.errors import VideoFault
from rl_teacher.video.backend import forget_backend
from rl_teacher.video.encode import EncodedClip
from rl_teacher.video.jobs import ClipJob, ClipMaker, ClipResult

NICENESS = 10
"""Above that of training; more of it costs training less, and makes people wait: docs/benchmarks.md, People."""
MAX_TRIES = 2
_CLOSE_S = 3.0


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    job: ClipJob | None = None
    since: float = 0.0


@contextmanager
def _main_hidden() -> Iterator[None]:
    """Start processes that do not run the user's program again: one of ten lines guards nothing by its name."""
    main: Any = sys.modules["__main__"]
    hidden = {name: getattr(main, name) for name in ("__file__", "__spec__") if hasattr(main, name)}
    try:
        for name in hidden:
            setattr(main, name, None)
        yield
    finally:
        for name, value in hidden.items():
            setattr(main, name, value)


class ClipWorkers:
    """A queue of jobs and the processes that do them. Close it, or use it in a `with`.

    Args:
        num_workers: processes, >= 1.
        backend: what `choose_backend` said; None if nothing can be drawn here, and only `Frames` will come.
        job_seconds: a worker that takes longer for one job is killed and replaced [s].
    """

    def __init__(self, num_workers: int = 2, *, backend: str | None, job_seconds: float = 120.0) -> None:
        if num_workers < 1:
            raise VideoFault(f"ClipWorkers: got num_workers = {num_workers}, expected at least 1.")
        self._backend, self._job_seconds = backend, job_seconds
        self._lock = threading.Lock()
        self._waiting: deque[ClipJob] = deque()
        self._tries: dict[str, int] = {}
        self._results: SimpleQueue[ClipResult] = SimpleQueue()
        self._is_closed = False
        self._wake_reader, self._wake_writer = multiprocessing.Pipe(duplex=False)
        self._workers = [self._start() for _ in range(num_workers)]
        self._thread = threading.Thread(target=self._dispatch, name="clip-dispatch", daemon=True)
        self._thread.start()

    @property
    def num_unfinished(self) -> int:
        """Jobs whose result `poll` can't return yet."""
        with self._lock:
            return len(self._tries)

    def submit(self, job: ClipJob) -> None:
        """Queue a job; returns at once.

        Raises:
            VideoFault: the workers are closed, or a job of this id is not finished.
        """
        with self._lock:
            if self._is_closed:
                raise VideoFault(f"clip {job.id!r}: the clip workers are closed.")
            if job.id in self._tries:
                raise VideoFault(f"clip {job.id!r}: a job of this id is already queued.")
            self._tries[job.id] = 0
            self._waiting.append(job)
            self._wake_writer.send_bytes(b".")

    def poll(self, timeout_seconds: float = 0.0) -> list[ClipResult]:
        """The results since the last call; waits up to `timeout_seconds` for the first one if there is none."""
        results: list[ClipResult] = []
        try:
            results.append(
                self._results.get(timeout=timeout_seconds) if timeout_seconds > 0 else self._results.get_nowait()
            )
            while True:
                results.append(self._results.get_nowait())
        except Empty:
            return results

    def close(self) -> None:
        """End all processes; jobs without a result are dropped. Closing twice is fine."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            self._wake_writer.send_bytes(b".")
        self._thread.join()
        for worker in self._workers:
            worker.pipe.close()  # the worker reads the end of its pipe and leaves
        patience = time.monotonic() + _CLOSE_S
        for worker in self._workers:
            if worker.job is not None:
                worker.process.kill()
            worker.process.join(max(0.0, patience - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.process.close()
        self._wake_reader.close()
        self._wake_writer.close()
        self._workers, self._tries = [], {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self._backend), name="clip-worker", daemon=True)
        with _main_hidden():
            process.start()
        theirs.close()
        return _Worker(process, ours)

    def _dispatch(self) -> None:
        while True:
            with self._lock:
                if self._is_closed:
                    return
            for worker in self._workers:
                if worker.job is None:
                    self._give(worker)
            pipes = {worker.pipe: worker for worker in self._workers}
            ready = wait([self._wake_reader, *pipes], timeout=self._seconds_to_look())
            if self._wake_reader in ready:
                self._wake_reader.recv_bytes()
            for index, worker in enumerate(self._workers):
                if worker.pipe in ready:
                    self._take(index, worker)
                elif worker.job is not None and time.monotonic() - worker.since > self._job_seconds:
                    self._replace(index, worker, f"took longer than {self._job_seconds:g} s")

    def _seconds_to_look(self) -> float:
        """Until a job may have taken too long, 1 s at most: a job is not given up later than it should be."""
        deadlines = (worker.since + self._job_seconds for worker in self._workers if worker.job is not None)
        return max(0.0, min(1.0, min(deadlines, default=math.inf) - time.monotonic()))

    def _give(self, worker: _Worker) -> None:
        with self._lock:
            if not self._waiting:
                return
            job = self._waiting.popleft()
            self._tries[job.id] += 1
        worker.job, worker.since = job, time.monotonic()
        try:
            worker.pipe.send(job)
        except OSError:  # it died just now; its pipe is readable, with nothing in it, at the next turn
            return

    def _take(self, index: int, worker: _Worker) -> None:
        try:
            answer: EncodedClip | str = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(_CLOSE_S)
            self._replace(index, worker, f"the worker process died, exit code {worker.process.exitcode}")
            return
        job, worker.job = worker.job, None
        assert job is not None, "a worker answered that had no job"
        if isinstance(answer, str):
            self._retry_or_report(job, answer)
        else:
            self._report(ClipResult(job.id, answer, ""))

    def _replace(self, index: int, worker: _Worker, reason: str) -> None:
        worker.process.kill()
        worker.process.join()
        worker.process.close()
        worker.pipe.close()
        self._workers[index] = self._start()
        if worker.job is not None:
            self._retry_or_report(worker.job, reason)

    def _retry_or_report(self, job: ClipJob, reason: str) -> None:
        if self._tries[job.id] < MAX_TRIES:
            with self._lock:
                self._waiting.append(job)
        else:
            error = f"clip {job.id!r} failed {MAX_TRIES} times, the last time: {reason}"
            self._report(ClipResult(job.id, None, error, reason.removeprefix(f"{VideoFault.__name__}: ")))

    def _report(self, result: ClipResult) -> None:
        with self._lock:  # whoever sees that no job is unfinished finds all results
            del self._tries[result.id]
            self._results.put(result)


def _work(pipe: Connection, backend: str | None) -> None:
    """The life of a worker process: a job in, a clip or the text of an error out, until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    os.nice(NICENESS)
    forget_backend()
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # Gymnasium's own pictures need no display
    os.environ["LP_NUM_THREADS"] = "0"  # Mesa draws in this thread: two workers are faster than one with two threads
    maker = ClipMaker(backend)
    try:
        while True:
            job: ClipJob = pipe.recv()
            try:
                answer: EncodedClip | str = maker.make(job)
            except Exception as error:  # whatever it is, it is reported with the job
                answer = f"{type(error).__name__}: {error}"
            pipe.send(answer)
    except (EOFError, OSError):
        maker.close()
