"""What a run measured: one JSON line per iteration in metrics.jsonl, and the same for TensorBoard."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboardX import SummaryWriter

from rl_teacher.errors import FolderUnwritable
from rl_teacher.files import write_whole
from rl_teacher.storage.names import METRICS


class MetricsWriter:
    """Appends metrics of a run; both files have environment steps as their x axis.

    Args:
        run_folder: where metrics.jsonl is.
        tb_folder: where TensorBoard looks.
        resume_step: step of the checkpoint that the run resumes from: what was written after it is dropped, as it
            will be written again. None for a new run, which drops everything.

    Raises:
        FolderUnwritable: one of the folders cannot be written.
    """

    def __init__(self, run_folder: Path, tb_folder: Path, resume_step: int | None) -> None:
        try:
            run_folder.mkdir(parents=True, exist_ok=True)
            keep_until(run_folder / METRICS, -1 if resume_step is None else resume_step)
            self._file = (run_folder / METRICS).open("a", encoding="utf-8")
        except OSError as error:
            raise FolderUnwritable(f"run folder {str(run_folder)!r}: cannot be written: {error.strerror}.") from error
        purge_step = None if resume_step is None else resume_step + 1
        try:
            tb_folder.mkdir(parents=True, exist_ok=True)
            self._tensorboard: Any = SummaryWriter(logdir=str(tb_folder), purge_step=purge_step, flush_secs=10)
        except OSError as error:
            self._file.close()
            raise FolderUnwritable(
                f"TensorBoard folder {str(tb_folder)!r}: cannot be written: {error.strerror}."
            ) from error

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Write the metrics of one iteration; what is not finite is null in the file and left out of TensorBoard.

        Args:
            step: environment steps so far.
            values: by tag, e.g. "agent/true_reward_per_episode".
        """
        finite = {tag: float(value) if math.isfinite(value) else None for tag, value in values.items()}
        self._file.write(json.dumps({"step": int(step)} | finite, allow_nan=False) + "\n")
        self._file.flush()
        for tag, value in finite.items():
            if value is not None:
                self._tensorboard.add_scalar(tag, value, global_step=int(step))

    def close(self) -> None:
        """Write out what is buffered, and close both; closing twice is fine."""
        if not self._file.closed:
            self._file.close()
            self._tensorboard.close()


def keep_until(path: Path, last_step: int) -> None:
    """Drop the lines of a metrics file after `last_step`, and a last line that a crash cut short."""
    if not path.exists():
        return
    kept = [json.dumps(line) for line in read_metrics(path) if line["step"] <= last_step]
    write_whole(path, "".join(line + "\n" for line in kept).encode())


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics file in order: {"step": int, tag: float or None, ...}; none if there is no file.

    Lines that are no metrics, such as the last one of a run that is writing or was killed, are left out.
    """
    lines = []
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    for raw in text.splitlines():
        try:
            line = json.loads(raw)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            lines.append(line)
    return lines
