"""What a run measured: one JSON line per iteration in metrics.jsonl, and the same for TensorBoard."""

import json
import math
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.record_writer import RecordWriter
from tensorboardX.summary import scalar

from rl_teacher.files import make_folder, write_whole, writing
from rl_teacher.storage.names import METRICS, is_there

FLUSH_SECONDS = 10.0
"""TensorBoard sees what is newer than this [s]."""


class MetricsWriter:
    """Appends metrics of a run; both files have environment steps as their x axis.

    Args:
        run_folder: where metrics.jsonl is.
        tb_folder: where TensorBoard looks.
        resume_step: step of the checkpoint that the run resumes from: what was written after it is dropped, as it
            will be written again. None for a new run, which drops everything.

    Raises:
        FolderUnwritable: one of the folders cannot be written, or is full; also from `write` and `close`.
    """

    def __init__(self, run_folder: Path, tb_folder: Path, resume_step: int | None) -> None:
        self._path, self._tb_folder = run_folder / METRICS, tb_folder
        make_folder(run_folder)
        keep_until(self._path, -1 if resume_step is None else resume_step)
        with writing(self._path):
            self._file = self._path.open("a", encoding="utf-8")
        try:
            self._tensorboard = _open_events(tb_folder, None if resume_step is None else resume_step + 1)
        except BaseException:
            self._file.close()
            raise
        self._flushed_at = time.monotonic()

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Write the metrics of one iteration; what is not finite is null in the file and left out of TensorBoard.

        Args:
            step: environment steps so far.
            values: by tag, e.g. "agent/true_reward_per_episode".
        """
        finite = {tag: float(value) if math.isfinite(value) else None for tag, value in values.items()}
        with writing(self._path):
            self._file.write(json.dumps({"step": int(step)} | finite, allow_nan=False) + "\n")
            self._file.flush()
        event = Event(wall_time=time.time(), step=int(step))
        for tag, value in finite.items():
            if value is not None:
                event.summary.value.extend(scalar(tag, value).value)
        with writing(self._tb_folder, "--tb-dir"):
            self._tensorboard.write(event.SerializeToString())
            if time.monotonic() - self._flushed_at > FLUSH_SECONDS:
                self._tensorboard.flush()
                self._flushed_at = time.monotonic()

    def close(self) -> None:
        """Write out what is buffered, and close both; closing twice is fine."""
        if not self._file.closed:
            try:
                with writing(self._path):
                    self._file.close()
            finally:
                with writing(self._tb_folder, "--tb-dir"):
                    self._tensorboard.close()


def _open_events(tb_folder: Path, purge_step: int | None) -> RecordWriter:
    """TensorBoard's file of this process; what an earlier one wrote from `purge_step` on is hidden.

    Written by whoever calls, and not by a thread of tensorboardX, which would die of a full disk unheard.
    """
    make_folder(tb_folder, "--tb-dir")
    number = len(list(tb_folder.glob("events.*")))
    name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{number}"
    with writing(tb_folder, "--tb-dir"):
        events = RecordWriter(str(tb_folder / name))
        events.write(Event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString())
        if purge_step is not None:
            start = Event(step=purge_step, session_log=SessionLog(status=SessionLog.START))
            events.write(start.SerializeToString())
        events.flush()
    return events


def keep_until(path: Path, last_step: int) -> None:
    """Drop the lines of a metrics file after `last_step`, and a last line that a crash cut short."""
    if not is_there(path):
        return
    with writing(path):
        kept = [json.dumps(line) for line in read_metrics(path) if line["step"] <= last_step]
    write_whole(path, "".join(line + "\n" for line in kept).encode())


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics file in order: {"step": int, tag: float or None, ...}; none if there is no file.

    Lines that are no metrics, such as the last one of a run that is writing or was killed, are left out.
    """
    lines = []
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return []
    for raw in text.splitlines():
        try:
            line = json.loads(raw)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            lines.append(line)
    return lines
