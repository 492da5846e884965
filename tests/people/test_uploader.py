"""Clips before comparisons, each segment drawn once, failures named; whatever died in between."""

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rl_teacher.core.segment import Segment
from rl_teacher.errors import ServerFault, VideoFault
from rl_teacher.people.uploader import ClipUploader, RenderRequest, SentIds, packed, render_request
from rl_teacher.records import Comparison
from rl_teacher.video.encode import EncodedClip
from rl_teacher.video.jobs import ClipJob, ClipResult, Frames


def segment(number: int, reward: float | None = None) -> Segment:
    """Five steps that all say their number; the reward of each is the number too, unless another is given."""
    return Segment(
        obs=np.full((5, 2), number, np.float32), reward_action=np.full((5, 1), 0.5), env_action=np.full((5, 1), 9.0),
        true_reward=np.full(5, float(number) if reward is None else reward), sim_state=np.zeros((5, 4)),
        env=3, episode=1, start=20, iteration=7,
    )  # fmt: skip


class Workers:
    """Draws when the test says so."""

    def __init__(self) -> None:
        self.jobs: list[str] = []
        self.done: list[ClipResult] = []

    def submit(self, job: ClipJob) -> None:
        self.jobs.append(job.id)

    def poll(self, timeout_seconds: float) -> list[ClipResult]:
        done, self.done = self.done, []
        return done

    def finish(self, *names: str, webm: bytes | None = None) -> None:
        clips = {name: EncodedClip(name.encode(), webm, 20, 8, 3, 320, 320) for name in names}
        self.done += [ClipResult(name, clip, "") for name, clip in clips.items()]


class Outbox:
    """Says in which order things were put."""

    def __init__(self) -> None:
        self.put: list[tuple[str, Any]] = []

    def put_blob(self, sha256: str, data: bytes, content_type: str) -> None:
        self.put.append((content_type, sha256))

    def put_clip(self, clip_id: str, clip: Any) -> None:
        self.put.append(("clip", clip_id))

    def put_comparisons(self, rows: Sequence[Comparison], *, priority: float) -> None:
        self.put.append(("comparison", rows[0].id))

    def put_video(self, step: int, sha256: str) -> None:
        self.put.append(("video", step))

    @property
    def names(self) -> list[tuple[str, Any]]:
        return [one for one in self.put if one[0] in ("clip", "comparison", "video")]


SEGMENTS = {name: segment(i) for i, name in enumerate("abcd")}
AB, BC = Comparison("ab", "a", "b", 100), Comparison("bc", "b", "c", 200)


def content(one: Segment) -> Frames:
    return Frames(np.zeros((5, 4, 4, 3), np.uint8))


def requests(draw: Any = content, **segments: Segment) -> dict[str, RenderRequest]:
    return {name: render_request(one, draw) for name, one in (SEGMENTS | segments).items()}


def uploader_in(folder: Path) -> tuple[ClipUploader, Workers, Outbox]:
    workers, outbox = Workers(), Outbox()
    return ClipUploader(workers, outbox, SentIds(folder / "sent.jsonl"), 20, False), workers, outbox  # type: ignore[arg-type]


def test_a_comparison_goes_out_after_both_of_its_clips(tmp_path: Path):
    uploader, workers, outbox = uploader_in(tmp_path)
    uploader.upload([AB], requests())
    assert workers.jobs == ["a", "b"]
    workers.finish("b")
    assert uploader.send_ready(0.0) == []
    assert outbox.names == [("clip", "b")]
    workers.finish("a")
    uploader.send_ready(0.0)
    assert outbox.names == [("clip", "b"), ("clip", "a"), ("comparison", "ab")]
    assert uploader.num_waiting == 0
    # a clip's video and arrays are there before it is named
    assert [kind for kind, _ in outbox.put][:3] == ["video/mp4", "application/x-npz", "clip"]


def test_a_segment_of_two_comparisons_is_drawn_once(tmp_path: Path):
    uploader, workers, outbox = uploader_in(tmp_path)
    uploader.upload([AB, BC], requests())
    assert workers.jobs == ["a", "b", "c"]
    workers.finish("b", "c")
    uploader.send_ready(0.0)
    assert outbox.names == [("clip", "b"), ("clip", "c"), ("comparison", "bc")]


def test_a_clip_that_cannot_be_made_names_the_comparisons_that_nobody_will_see(tmp_path: Path):
    uploader, workers, outbox = uploader_in(tmp_path)
    uploader.upload([AB, BC], requests())
    workers.done = [ClipResult("b", None, "no light")]
    workers.finish("a", "c")
    (failure,) = uploader.send_ready(0.0)
    assert (failure.reason, failure.comparisons) == ("no light", ("ab", "bc"))
    assert ("comparison", "ab") not in outbox.names
    assert uploader.num_waiting == 0


def test_a_clip_that_the_disk_has_no_room_for_fails_and_the_others_go_out(tmp_path: Path):
    uploader, workers, outbox = uploader_in(tmp_path)

    def put_clip(clip_id: str, clip: Any) -> None:
        if clip_id == "a":
            raise OSError(28, "No space left on device")
        outbox.put.append(("clip", clip_id))

    outbox.put_clip = put_clip  # type: ignore[method-assign]
    uploader.upload([AB, BC], requests())
    workers.finish("a", "b", "c")
    (failure,) = uploader.send_ready(0.0)
    assert (failure.reason, failure.comparisons) == ("[Errno 28] No space left on device", ("ab",))
    assert outbox.names == [("clip", "b"), ("clip", "c"), ("comparison", "bc")]
    assert uploader.num_waiting == 0


def test_a_comparison_that_the_outbox_has_no_room_for_fails_also_when_its_clips_are_there(tmp_path: Path):
    uploader, workers, outbox = uploader_in(tmp_path)
    uploader.upload([AB], requests())
    workers.finish("a", "b")
    uploader.send_ready(0.0)

    def full(rows: Sequence[Comparison], *, priority: float) -> None:
        raise ServerFault("outbox: full")

    outbox.put_comparisons = full  # type: ignore[method-assign]
    uploader.upload([Comparison("ba", "b", "a", 300)], requests())
    assert [failure.comparisons for failure in uploader.send_ready(0.0)] == [("ba",)]


def test_a_video_that_the_outbox_has_no_room_for_stops_nothing_after_it(tmp_path: Path):
    uploader, workers, outbox = uploader_in(tmp_path)

    def full(step: int, sha256: str) -> None:
        raise ServerFault("outbox: full")

    outbox.put_video = full  # type: ignore[method-assign]
    uploader.upload_video(5000, content(SEGMENTS["a"]))
    uploader.upload([AB], requests())
    workers.finish("video-5000", "a", "b")
    assert [(failure.reason, failure.comparisons) for failure in uploader.send_ready(0.0)] == [("outbox: full", ())]
    assert outbox.names[-1] == ("comparison", "ab")


def test_a_segment_that_no_worker_can_be_given_fails_like_any_other(tmp_path: Path):
    def refuse(one: Segment) -> Frames:
        raise VideoFault("its start is not known any more")

    uploader, workers, _ = uploader_in(tmp_path)
    uploader.upload([AB], requests(refuse))
    failures = uploader.send_ready(0.0)
    assert [failure.comparisons for failure in failures] == [("ab",), ()]
    assert workers.jobs == []


def test_after_a_restart_nothing_that_went_out_is_drawn_again(tmp_path: Path):
    uploader, workers, _ = uploader_in(tmp_path)
    uploader.upload([AB], requests())
    workers.finish("a", "b")
    uploader.send_ready(0.0)
    with (tmp_path / "sent.jsonl").open("ab") as file:
        file.write(b'"c')  # a crash in the middle of a line
    uploader, workers, outbox = uploader_in(tmp_path)
    uploader.upload([AB, BC], requests())
    assert workers.jobs == ["c"]
    workers.finish("c")
    uploader.send_ready(0.0)
    assert outbox.names == [("clip", "c"), ("comparison", "bc")]
    assert "c" in SentIds(tmp_path / "sent.jsonl")


def test_videos_of_the_agent_go_out(tmp_path: Path):
    uploader, workers, outbox = uploader_in(tmp_path)
    uploader.upload_video(5000, content(SEGMENTS["a"]))
    workers.finish("video-5000")
    uploader.send_ready(0.0)
    assert outbox.names == [("video", 5000)]


def test_a_video_that_cannot_be_made_stops_nothing(tmp_path: Path):
    uploader, workers, outbox = uploader_in(tmp_path)
    uploader.upload_video(5000, content(SEGMENTS["a"]))
    workers.done = [ClipResult("video-5000", None, "no light")]
    assert uploader.send_ready(0.0) == []
    assert outbox.put == []


def test_arrays_are_the_same_bytes_each_time_and_can_be_read():
    assert packed(SEGMENTS["b"]) == packed(SEGMENTS["b"])
    with np.load(io.BytesIO(packed(SEGMENTS["b"])), allow_pickle=False) as arrays:
        assert set(arrays.files) == {"obs", "actions", "state", "true_reward"}
        assert arrays["obs"].tolist() == [[1.0, 1.0]] * 5
        assert arrays["actions"].tolist() == [[0.5]] * 5  # as a reward model sees them
    follows = np.full((5, 2), 7.0, np.float32)
    with np.load(io.BytesIO(packed(replace(SEGMENTS["b"], next_obs=follows))), allow_pickle=False) as arrays:
        assert arrays["next_obs"].tolist() == follows.tolist()


def test_vp9_copies_are_added_to_what_is_out_the_newest_first(tmp_path: Path):
    uploader, workers, outbox = uploader_in(tmp_path)
    sent: list[tuple[str, bool]] = []
    outbox.put_clip = lambda clip_id, clip: sent.append((clip_id, clip.webm is not None))  # type: ignore[method-assign]
    uploader.upload([AB], requests())
    workers.finish("a", "b")
    uploader.send_ready(0.0)
    uploader.upload([BC], requests())  # c is on its way
    workers.jobs.clear()
    uploader.add_webm()
    uploader.add_webm()
    assert workers.jobs == ["b", "a"]
    workers.finish("c")
    workers.finish("b", "a", webm=b"copy")
    uploader.send_ready(0.0)
    assert workers.jobs == ["b", "a", "c"]
    workers.finish("c", webm=b"copy")
    uploader.send_ready(0.0)
    assert sent == [("a", False), ("b", False), ("c", False), ("b", True), ("a", True), ("c", True)]
    assert ("comparison", "bc") in outbox.names


def test_the_end_of_an_episode_is_told_where_there_is_one(tmp_path: Path):
    uploader, workers, outbox = uploader_in(tmp_path)
    sent: dict[str, Any] = {}
    outbox.put_clip = lambda clip_id, clip: sent.update({clip_id: clip.meta})  # type: ignore[method-assign]
    uploader.upload([AB], requests(b=replace(segment(1), end=4)))
    workers.finish("a", "b")
    uploader.send_ready(0.0)
    known = {"env": 3, "episode": 1, "start": 20, "iteration": 7}
    assert sent == {"a": known, "b": known | {"end": 4}}


@pytest.mark.parametrize("returned", [float("nan"), float("inf")])
def test_a_true_return_that_is_no_number_is_left_out(tmp_path: Path, returned: float):
    uploader, workers, outbox = uploader_in(tmp_path)
    sent: list[Any] = []
    outbox.put_clip = lambda clip_id, clip: sent.append(clip.ret)  # type: ignore[method-assign]

    uploader.upload([AB], requests(a=segment(0, returned), b=segment(2)))
    workers.finish("a", "b")
    uploader.send_ready(0.0)
    assert sent == [None, 10.0]
