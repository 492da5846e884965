"""FeedbackSession: the trainer's end of a feedback server. Questions go out, answers come in, no call waits."""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue

from rl_teacher.core.segment import Segment
from rl_teacher.errors import RlTeacherError, VideoFault
from rl_teacher.people.client.api import FeedbackClient, ServerAway
from rl_teacher.people.client.messages import NO_OUTLOOK, Lesson, MetricPoint, Outlook, Prediction
from rl_teacher.people.client.outbox import Outbox
from rl_teacher.people.uploader import ClipUploader, render_request
from rl_teacher.records import Comparison, ComparisonId, Label, Preference, SegmentId
from rl_teacher.video.jobs import Content

TRAINER = "trainer"
"""The labeler of labels that say that nobody was asked after all."""
UPLOADER, LISTENER, HEARTBEAT = "uploader", "listener", "heartbeat"
"""Names of the threads."""
LISTEN_S = 20.0
"""How long one request for new labels waits on the server [s]."""
HEARTBEAT_S = 5.0
METRICS_S = 3.0
"""Least time between two points of a curve [s]."""
ROOM_BYTES = 64 * 1024**2
"""Free room in the outbox without which nothing new is asked."""
MAX_BACKOFF_S = 15.0
VIDEO_S = 30.0
"""How long the end waits for the last video to be drawn [s]."""
MOST_UNDRAWN = 6
"""Clips that fail one after the other, before any was made, until the run is stopped: nobody would see any."""
CURVES = {
    "agent/true_reward_per_episode": "true_return",
    "agent/predicted_reward_per_episode": "predicted_return",
    "predictor/holdout_accuracy": "reward_accuracy",
    "predictor/disagreement": "disagreement",
    "predictor/holdout_loss": "reward_loss",
    "labels/answered": "labels",
}
"""Our metrics -> the curves of the experiment page."""
REFITS = "refits"
"""The curve that has a point for each fit of the reward model: how many labels it learned from."""
logger = logging.getLogger(__name__)


class FeedbackSession:
    """Three threads: the uploader hands clips to the outbox, the listener fetches labels, the heartbeat says we live.

    Args:
        client: of the experiment, which exists on the server; closed with the session.
        outbox: not started yet.
        uploader: used by the thread of that name only.
        content: what a clip worker draws a segment from.
        revive: starts the server again if it was started here and has died.
    """

    def __init__(
        self,
        client: FeedbackClient,
        outbox: Outbox,
        uploader: ClipUploader,
        content: Callable[[Segment], Content],
        revive: Callable[[], None] = lambda: None,
    ) -> None:
        self._client, self._outbox, self._uploader = client, outbox, uploader
        self._content, self._revive = content, revive
        self._labels: SimpleQueue[Label] = SimpleQueue()
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        """What the uploader's thread does next."""
        self._unwanted: set[ComparisonId] = set()
        """Taken back here, and not cancelled on the server yet."""
        self._lock = threading.Lock()
        self._stop, self._beat_now = threading.Event(), threading.Event()
        self._state, self._step, self._notice = "waiting", 0, ""
        self._next_question_at: float | None = None
        self._over_at: float | None = None
        """On the monotonic clock [s], like the other; None: not known."""
        self._num_failed = self._num_undrawn = 0
        self._fault: Exception | None = None
        """Why nobody will ever see a clip, or what ended a thread; it stops the run."""
        self._last_reason = ""
        """Why the last clip failed: logged once, however many fail for it."""
        self._is_paused = False
        self._last_point = -1e9
        self._threads = [
            threading.Thread(target=self._watched, args=(target,), name=name, daemon=True)
            for name, target in ((UPLOADER, self._upload), (LISTENER, self._listen), (HEARTBEAT, self._beat))
        ]

    def start(self) -> None:
        """Begin to work."""
        self._outbox.start()
        for thread in self._threads:
            thread.start()

    def close(self, *, is_done: bool, timeout_s: float = 10.0) -> None:
        """Stop all threads; what waits stays on disk. Closing twice is fine.

        Args:
            is_done: the run is over; else it is stopped, and may go on later. The server is told which.
            timeout_s: how long to wait for each thing that is being finished [s].
        """
        if self._stop.is_set():
            return
        if is_done:
            self._hand_on(timeout_s)
        self._stop.set()
        self._beat_now.set()
        for thread in self._threads:
            if thread.name != LISTENER:  # it may hang on the server for LISTEN_S, and writes nothing
                thread.join(timeout_s)
        self._outbox.close()
        try:
            if is_done:
                self._client.cancel(sorted(self._unwanted))
            self._client.heartbeat("done" if is_done else "paused", self._step)
        except RlTeacherError as error:
            logger.warning("feedback: the server was not told that the run has ended: %s", error)
        self._uploader.workers.close()
        self._client.close()

    def _hand_on(self, timeout_s: float) -> None:
        """Everything that waits here goes to the server, the last video too."""
        handed_on = threading.Event()
        self._work.put(handed_on.set)
        handed_on.wait(timeout_s)
        deadline = time.monotonic() + VIDEO_S
        while self._uploader.num_videos and time.monotonic() < deadline:
            self._stop.wait(0.05)
        self._outbox.flush(timeout_s)

    # -- questions and answers -----------------------------------------------------------------------------------

    def ask(self, comparisons: Sequence[Comparison], segments: Mapping[SegmentId, Segment]) -> None:
        """Put comparisons to people, once their clips are made."""
        sides = {side for comparison in comparisons for side in (comparison.left, comparison.right)}
        requests = {side: render_request(segments[side], self._content) for side in sides}  # now: a history forgets
        self._work.put(lambda: self._uploader.upload(comparisons, requests))

    def take_back(self, ids: Sequence[ComparisonId]) -> None:
        """Ask nobody else. A label TAKEN_BACK comes for each that the server has cancelled."""
        with self._lock:
            self._unwanted |= set(ids)
        self._beat_now.set()

    def answers(self, timeout_s: float = 0.0) -> list[Label]:
        """Labels since the last call, oldest first; waits up to `timeout_s` for the first.

        Raises:
            VideoFault: the first clips of the session all failed, so there is nothing to answer.
            Exception: what ended a thread, which should never happen; better no training than one without people.
        """
        if self._fault is not None:
            raise self._fault
        labels: list[Label] = []
        try:
            labels.append(self._labels.get(timeout=timeout_s) if timeout_s > 0 else self._labels.get_nowait())
            while True:
                labels.append(self._labels.get_nowait())
        except Empty:
            return labels

    @property
    def has_room(self) -> bool:
        """Whether new questions make sense: nobody paused the experiment, and the outbox is not full."""
        return not self._is_paused and self._outbox.has_room(ROOM_BYTES)

    # -- what people see -----------------------------------------------------------------------------------------

    def report(self, state: str, step: int, values: Mapping[str, float], outlook: Outlook = NO_OUTLOOK) -> None:
        """What the trainer does now, how the curves go on, and what comes when."""
        is_news, self._state, self._step = state != self._state, state, step
        self._next_question_at, self._over_at = _moment(outlook.next_question_s), _moment(outlook.left_s)
        if is_news:
            self._beat_now.set()
        now = time.monotonic()
        if values and now - self._last_point >= METRICS_S:
            self._last_point, t = now, time.time()
            points = [MetricPoint(curve, step, t, values[name]) for name, curve in CURVES.items() if name in values]
            self._work.put(lambda: self._outbox.put_metrics(points))

    def report_refit(self, step: int, num_labels: int) -> None:
        """Say that the reward model was fitted to `num_labels` labels after `step` environment steps."""
        points = [MetricPoint(REFITS, step, time.time(), float(num_labels))]
        self._work.put(lambda: self._outbox.put_metrics(points))

    def send_video(self, step: int, segment: Segment) -> None:
        """Show what the agent does after `step` environment steps."""
        try:
            content = self._content(segment)
        except VideoFault as fault:
            logger.warning("video of step %s: %s", step, fault)
        else:
            self._work.put(lambda: self._uploader.upload_video(step, content))

    def report_lesson(self, lesson: Lesson) -> None:
        """Say how far the lesson is, and at its end how it ended."""
        self._work.put(lambda: self._outbox.put_lesson(lesson))

    def send_predictions(self, predictions: Sequence[Prediction]) -> None:
        """Show what the reward model made of answered comparisons."""
        self._work.put(lambda: self._outbox.put_predictions(predictions))

    # -- threads -------------------------------------------------------------------------------------------------

    def _watched(self, work: Callable[[], None]) -> None:
        """What a thread does. An error that nobody foresaw must not end it in silence."""
        try:
            work()
        except Exception as error:
            logger.exception("feedback: the thread %s ended", threading.current_thread().name)
            self._fault = error

    def _upload(self) -> None:
        while not self._stop.is_set():
            try:
                while True:
                    try:
                        task = self._work.get_nowait()
                    except Empty:
                        break
                    task()
                for failure in self._uploader.send_ready(timeout_s=0.1):
                    self._num_failed += 1
                    self._num_undrawn += not failure.was_drawn
                    lost = f"{self._num_failed} clips could not be made or kept. Their pairs are replaced."
                    self._notice = f"{lost} {failure.reason}"
                    if failure.reason != self._last_reason:
                        logger.error("%s", failure.reason)
                    self._last_reason = failure.reason
                    for comparison in failure.comparisons:
                        self._labels.put(Label(comparison, Preference.TAKEN_BACK, TRAINER, ""))
                    if self._num_undrawn >= MOST_UNDRAWN and not self._uploader.num_drawn:
                        self._fault = VideoFault(
                            f"{self._num_undrawn} clips were tried and none could be made: {failure.reason} "
                            "Nothing was lost; mend it, then run the same command with --resume."
                        )
            except (RlTeacherError, OSError) as error:  # a full outbox, a full disk: training goes on
                logger.error("feedback: %s", error)
                self._notice = str(error)
                self._stop.wait(1.0)

    def _listen(self) -> None:
        after, failures = 0, 0  # the whole feed, after a crash too: taking in a label twice changes nothing
        while not self._stop.is_set():
            try:
                for event in (page := self._client.labels(after, wait_s=LISTEN_S)).events:
                    if event.trains:
                        self._labels.put(event.label)
                after = page.events[-1].seq if page.events else after
                failures = 0
            except RlTeacherError as error:
                failures += 1
                if not isinstance(error, ServerAway):
                    logger.error("feedback: %s", error)
                self._stop.wait(random.uniform(0.5, 1.0) * min(MAX_BACKOFF_S, 2.0**failures / 2))

    def _beat(self) -> None:
        while not self._stop.is_set():
            self._beat_now.clear()
            try:
                reply = self._client.heartbeat(
                    self._state, self._step, _left(self._next_question_at), _left(self._over_at),
                    notice=self._notice[:500] if self._notice else None,
                )  # fmt: skip
                self._is_paused = reply.paused
                if reply.needs_webm:
                    self._work.put(self._uploader.add_webm)
                with self._lock:
                    unwanted = sorted(self._unwanted)
                cancelled = self._client.cancel(unwanted) if unwanted else []
                with self._lock:
                    self._unwanted -= set(cancelled)
                for comparison in cancelled:
                    self._labels.put(Label(comparison, Preference.TAKEN_BACK, TRAINER, ""))
            except ServerAway:
                self._try_to_revive()
            except RlTeacherError as error:
                logger.error("feedback: %s", error)
            self._beat_now.wait(HEARTBEAT_S)

    def _try_to_revive(self) -> None:
        try:
            self._revive()
        except RlTeacherError as error:
            logger.error("feedback: %s", error)


def _moment(in_s: float | None) -> float | None:
    """When that is, on the monotonic clock [s]."""
    return None if in_s is None else time.monotonic() + in_s


def _left(at: float | None) -> float | None:
    """How long until then [s]."""
    return None if at is None else max(0.0, at - time.monotonic())
