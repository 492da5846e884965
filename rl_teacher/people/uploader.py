"""ClipUploader: segments that were asked about become clips, and clips and comparisons go out in order."""

import hashlib
import io
import math
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rl_teacher.core.arrays import NO_END
from rl_teacher.core.segment import Segment
from rl_teacher.errors import RlTeacherError, VideoFault
from rl_teacher.files import append_lines, drop_torn_line, read_lines
from rl_teacher.people.client.messages import ClipSpec
from rl_teacher.people.client.outbox import Outbox
from rl_teacher.records import Comparison, ComparisonId, SegmentId
from rl_teacher.video.encode import EncodedClip
from rl_teacher.video.jobs import ClipJob, ClipResult, Content
from rl_teacher.video.workers import ClipWorkers

MP4 = "video/mp4"
MOST_KEPT = 1000
"""Segments that can be drawn once more, for browsers without H.264."""
VIDEO = "video-"
"""Before the step in the name of a job that shows the agent."""


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """A segment whose clip is wanted."""

    segment: Segment
    content: Content | VideoFault
    """What a clip worker draws it from; or why that is not possible."""


@dataclass(slots=True)
class _Waiting:
    """A comparison whose clips are not all there yet."""

    comparison: Comparison
    missing: set[SegmentId]


@dataclass(frozen=True, slots=True)
class Failure:
    """A clip that could not be made or kept, and the comparisons that nobody will see because of it."""

    reason: str
    comparisons: tuple[ComparisonId, ...]
    was_drawn: bool = True
    """Whether there was a clip: not, where a worker tried to draw one in vain."""


@dataclass(slots=True)
class ClipUploader:
    """Has each segment drawn once, and uploads its clip before the comparisons that show it.

    Not safe for several threads: one thread calls all of it.
    """

    workers: ClipWorkers
    outbox: Outbox
    sent: "SentIds"
    fps: int
    """Frames per second of a clip, one frame per step."""
    with_webm: bool
    """Whether a VP9 copy is made for browsers without H.264."""
    num_drawn: int = 0
    """Clips of segments that were made since the start."""
    num_videos: int = 0
    """Videos of the agent that are being drawn."""
    _waiting: dict[ComparisonId, _Waiting] = field(default_factory=dict)
    _drawing: dict[SegmentId, tuple[RenderRequest, int]] = field(default_factory=dict)
    """Those that a worker draws, and their environment steps."""
    _kept: dict[SegmentId, tuple[RenderRequest, int]] = field(default_factory=dict)
    """The newest segments that were drawn without a VP9 copy, oldest first, and their environment steps."""
    _undrawn: list[ClipResult] = field(default_factory=list)
    """Segments that no worker could be given."""
    _failures: list[Failure] = field(default_factory=list)
    """Since the last `send_ready`."""

    def upload(self, comparisons: Sequence[Comparison], requests: Mapping[SegmentId, RenderRequest]) -> None:
        """Have everything drawn that is not on its way already; returns at once.

        Args:
            comparisons: to be put to people once their clips are made.
            requests: all their segments, and what each is drawn from.
        """
        for comparison in comparisons:
            if comparison.id in self._waiting or comparison.id in self.sent:
                continue
            sides = {comparison.left, comparison.right}
            missing = {side for side in sides if side not in self.sent}
            self._waiting[comparison.id] = _Waiting(comparison, missing)
            for side in sorted(missing - self._drawing.keys()):
                self._draw(side, requests[side], comparison.step)
            if not missing:
                self._send_comparison(self._waiting.pop(comparison.id))

    def add_webm(self) -> None:
        """From now on make a VP9 copy of each clip, also of those that are out already, the newest first."""
        if not self.with_webm:
            self.with_webm = True
            for side, (request, step) in reversed(self._kept.items()):
                if side not in self._drawing:
                    self._draw(side, request, step)
            self._kept.clear()

    def upload_video(self, step: int, content: Content) -> None:
        """Show what the agent does after `step` environment steps; returns at once."""
        self.num_videos += 1
        self.workers.submit(ClipJob(f"{VIDEO}{step}", content, self.fps, with_webm=False))

    def send_ready(self, timeout_s: float) -> list[Failure]:
        """Hand the outbox what is drawn by now.

        Args:
            timeout_s: how long to wait for the first clip [s].

        Returns:
            What failed since the last call.
        """
        results, self._undrawn = [*self._undrawn, *self.workers.poll(timeout_s)], []
        for result in results:
            if result.id.startswith(VIDEO):
                self._send_video(result)
            else:
                self._send_clip(result)
        failures, self._failures = self._failures, []
        return failures

    @property
    def num_waiting(self) -> int:
        """Comparisons whose clips are not made yet."""
        return len(self._waiting)

    def _draw(self, side: SegmentId, request: RenderRequest, step: int) -> None:
        self._drawing[side] = (request, step)
        if isinstance(request.content, VideoFault):
            self._undrawn.append(ClipResult(side, None, str(request.content)))
        else:
            self.workers.submit(ClipJob(side, request.content, self.fps, self.with_webm))

    def _send_video(self, video: ClipResult) -> None:
        self.num_videos -= 1
        if video.clip is None:
            return
        try:
            self.outbox.put_video(int(video.id.removeprefix(VIDEO)), self._put_blob(video.clip.mp4, MP4))
        except (RlTeacherError, OSError) as error:
            self._failures.append(Failure(str(error), ()))

    def _send_clip(self, result: ClipResult) -> None:
        """Hand on a segment's clip, and the comparisons that waited for it alone; or give all of them up."""
        request, step = self._drawing.pop(result.id)
        waiting = [one for one in self._waiting.values() if result.id in one.missing]
        try:
            if result.clip is None:
                raise VideoFault(result.reason or result.error)
            self.num_drawn += 1
            self._put_clip(result.id, result.clip, request.segment, step)
        except (RlTeacherError, OSError) as error:  # no picture, or no room on the disk for it
            for one in waiting:
                del self._waiting[one.comparison.id]
            was_drawn = result.clip is not None or isinstance(request.content, VideoFault)  # or nobody tried
            self._failures.append(Failure(str(error), tuple(one.comparison.id for one in waiting), was_drawn))
            return
        for one in waiting:
            one.missing.discard(result.id)
            if not one.missing:
                self._send_comparison(self._waiting.pop(one.comparison.id))
        if not self.with_webm:
            self._keep(result.id, request, step)
        elif result.clip.webm is None:  # it was on its way when somebody asked for copies
            self._draw(result.id, request, step)

    def _keep(self, side: SegmentId, request: RenderRequest, step: int) -> None:
        self._kept[side] = (request, step)
        while len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]

    def _send_comparison(self, waiting: _Waiting) -> None:
        comparison = waiting.comparison
        try:
            self.outbox.put_comparisons([comparison], priority=float(comparison.step))
            self.sent.add(comparison.id)
        except (RlTeacherError, OSError) as error:
            self._failures.append(Failure(str(error), (comparison.id,)))

    def _put_clip(self, clip_id: SegmentId, clip: EncodedClip, segment: Segment, step: int) -> None:
        mp4 = self._put_blob(clip.mp4, MP4)
        webm = None
        if clip.webm is not None:
            webm = self._put_blob(clip.webm, "video/webm")
        arrays = self._put_blob(packed(segment), "application/x-npz")
        true_return = float(segment.true_reward.sum())
        names = ("env", "episode", "start", "iteration", *(("end",) if segment.end != NO_END else ()))
        self.outbox.put_clip(
            clip_id,
            ClipSpec(
                mp4=mp4, webm=webm, arrays=arrays, fps=clip.fps, n_frames=clip.num_frames, width=clip.width,
                height=clip.height, hold_frames=clip.hold_frames, step=step,
                ret=true_return if math.isfinite(true_return) else None,
                meta={name: getattr(segment, name) for name in names},
            ),
        )  # fmt: skip
        self.sent.add(clip_id)

    def _put_blob(self, data: bytes, content_type: str) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        self.outbox.put_blob(sha256, data, content_type)
        return sha256


class SentIds:
    """Ids of clips and comparisons that the outbox holds or has delivered, in a file: none is drawn twice."""

    def __init__(self, path: Path) -> None:
        self._path = path
        drop_torn_line(path)
        self._ids = set(read_lines(path))

    def __contains__(self, one: str) -> bool:
        return one in self._ids

    def add(self, one: str) -> None:
        """Remember it. After a crash a forgotten one is sent again, which changes nothing."""
        self._ids.add(one)
        append_lines(self._path, [one])

    def clear(self) -> None:
        """Forget all: the server has nothing of them."""
        self._ids.clear()
        self._path.unlink(missing_ok=True)


def render_request(segment: Segment, content: Callable[[Segment], Content]) -> RenderRequest:
    """A request to draw a segment; it keeps the reason where `content` cannot say what from."""
    try:
        return RenderRequest(segment, content(segment))
    except VideoFault as fault:
        return RenderRequest(segment, fault)


def packed(segment: Segment) -> bytes:
    """The arrays of a segment as an .npz file, the same bytes each time; actions as the reward model sees them."""
    arrays = {
        "obs": segment.obs, "actions": segment.reward_action, "state": segment.sim_state,
        "true_reward": segment.true_reward,
    }  # fmt: skip
    if segment.next_obs is not None:
        arrays["next_obs"] = segment.next_obs
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.save(member, np.ascontiguousarray(array), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(info, member.getvalue(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
