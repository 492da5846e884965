"""Clips of a run's segments, which no run keeps: drawn once more, each when it is wanted."""

from collections.abc import Callable
from pathlib import Path

from rl_teacher.commands.obs_clips import drawn_from_obs, picture_like
from rl_teacher.core.segment import Segment
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import DataMismatch
from rl_teacher.records import SegmentId
from rl_teacher.storage.label_files import comparisons_in
from rl_teacher.storage.label_log import segments_of
from rl_teacher.storage.segment_files import SegmentFiles, SegmentReader
from rl_teacher.training.clip_content import content_of
from rl_teacher.video.backend import choose_backend
from rl_teacher.video.clip_size import SMALL_PX
from rl_teacher.video.jobs import ClipJob, ClipMaker, Content


class RunClips:
    """Draws the segments of a run from the simulator states, or the pictures, that are kept with them.

    Args:
        folder: of the run.
        spec: of its environment.

    Raises:
        DataMismatch: it kept neither; the line says where its clips may be.
        VideoFault: this machine cannot draw.
    """

    def __init__(self, folder: Path, spec: EnvSpec) -> None:
        self._spec, self._reader = spec, SegmentReader(SegmentFiles(folder))
        backend: str | None = None
        self._content: Callable[[Segment], Content] = drawn_from_obs
        first = self._segment(next(comparisons_in(folder)).left)
        if not picture_like(first.obs.shape[1:], first.obs.dtype):
            if not spec.is_task or not first.sim_state.size:
                raise DataMismatch(_nothing_to_draw(folder, spec))
            self._content, backend = content_of(spec, None, SMALL_PX), choose_backend()
        self._maker = ClipMaker(backend)

    def mp4(self, one: SegmentId) -> bytes:
        """The clip of a segment, the same bytes each time."""
        job = ClipJob(one, self._content(self._segment(one)), self._spec.clip_fps, with_webm=False)
        return self._maker.make(job).mp4

    def close(self) -> None:
        """Free what draws."""
        self._maker.close()

    def _segment(self, one: SegmentId) -> Segment:
        (part,) = self._reader.read([one])
        return segments_of(part).row(0)


def _nothing_to_draw(folder: Path, spec: EnvSpec) -> str:
    return (
        f"--with-clips: the run {folder.name!r} kept neither pictures nor states of one of our robots, from which "
        f"clips of {spec.env_id} could be drawn. If people taught it, the feedback server has its clips: name the "
        "experiment there, with --data-dir ~/rl-teacher/feedback or --server. Else leave the flag out."
    )
