"""A session hands on every question, and takes in every answer once."""

import base64
import json
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from session_rig import AB, BC, CD, PREDICTION, SEGMENTS, Rig, collect, said, taken_back
from small_server import frames, segment, wait_for

from rl_teacher.core.segment import Segment
from rl_teacher.errors import VideoFault
from rl_teacher.people.client.messages import Outlook, Prediction
from rl_teacher.people.feedback_session import ROOM_BYTES
from rl_teacher.records import Comparison, Preference
from rl_teacher.video.jobs import Content


def test_questions_go_out_in_the_order_asked_each_after_its_clips_and_no_clip_twice(rig: Rig):
    session = rig.session()
    session.ask([AB], SEGMENTS)
    session.ask([BC, CD], SEGMENTS)
    wait_for(lambda: len(rig.server.comparisons) == 3)  # it refuses one whose clips are not there
    assert [one for one in rig.server.uploads if len(one) == 2] == ["ab", "bc", "cd"]
    assert sorted(one for one in rig.server.uploads if len(one) == 1) == ["a", "b", "c", "d"]
    assert [row["priority"] for row in rig.server.comparisons.values()] == [100.0, 101.0, 102.0]


def test_asking_again_sends_nothing_again_in_the_next_process_too(rig: Rig):
    session = rig.session()
    rig.ask(session, AB)
    session.ask([AB], SEGMENTS)
    session.close(is_done=True)
    rig.ask(rig.session(), AB, BC)  # resumed
    assert sorted(rig.server.uploads) == ["a", "ab", "b", "bc", "c"]


def test_what_a_clip_is_drawn_from_is_decided_when_it_is_asked(rig: Rig):
    threads: list[str] = []

    def content(one: Segment) -> Content:
        threads.append(threading.current_thread().name)
        return frames(one)

    rig.ask(rig.session(content=content), AB)
    assert threads == [threading.current_thread().name] * 2


def test_a_clip_that_cannot_be_drawn_takes_its_comparisons_back_and_the_owner_is_told(rig: Rig):
    rig.workers.broken = {"a"}
    session = rig.session()
    session.ask([AB, BC], SEGMENTS)
    assert said(collect(session, 1)) == taken_back("ab")
    wait_for(lambda: "bc" in rig.server.comparisons)
    assert "ab" not in rig.server.comparisons
    notice = rig.beat(session, "training")["notice"]
    assert notice == "1 clips could not be made or kept. Their pairs are replaced. no light"


def test_six_clips_that_fail_before_any_was_made_stop_the_run(rig: Rig):
    many = {name: segment(i) for i, name in enumerate("abcdefg")}
    rig.workers.broken = set("abcdef")
    session = rig.session()
    session.ask([Comparison("ab", "a", "b", 1), Comparison("cd", "c", "d", 2)], many)
    assert said(collect(session, 2)) == taken_back("ab", "cd")  # four failed
    session.ask([Comparison("ef", "e", "f", 3)], many)
    with pytest.raises(VideoFault, match=r"^6 clips were tried and none could be made: no light .*--resume"):
        wait_for(lambda: session.answers(timeout_s=0.1) and None)


def test_six_clips_that_fail_after_one_was_made_do_not(rig: Rig):
    many = {name: segment(i) for i, name in enumerate("abcdefgh")}
    rig.workers.broken = set("bcdefgh")
    session = rig.session()
    pairs = [Comparison(left + right, left, right, 1) for left, right in ("ab", "cd", "ef", "gh")]
    session.ask(pairs, many)
    assert len(collect(session, 4)) == 4
    assert session.answers() == []


@pytest.mark.parametrize("thread", ["uploader", "heartbeat"])
def test_an_error_that_nobody_foresaw_stops_the_run_and_not_only_the_people(rig: Rig, thread: str, monkeypatch):
    def fails(*_: object, **__: object) -> None:
        raise TypeError("not foreseen")

    session = rig.session()
    rig.ask(session, AB)
    if thread == "uploader":
        session._work.put(fails)
    else:
        monkeypatch.setattr(session._client, thread, fails)
        session.report("learning", 1, {})  # a heartbeat at once
    with pytest.raises(TypeError, match="not foreseen"):
        wait_for(lambda: session.answers(0.05) is None)


def test_segments_that_nobody_could_try_to_draw_do_not_stop_the_run(rig: Rig):
    def forgotten(one: Segment) -> Content:
        raise VideoFault("the start of a segment's episode is not known any more")

    many = {name: segment(i) for i, name in enumerate("abcdefgh")}
    session = rig.session(content=forgotten)
    session.ask([Comparison(left + right, left, right, 1) for left, right in ("ab", "cd", "ef", "gh")], many)
    assert len(collect(session, 4)) == 4
    assert session.answers() == []


def test_a_segment_whose_episode_is_forgotten_takes_its_comparisons_back(rig: Rig):
    def content(one: Segment) -> Content:
        if one.env == 2:  # segment c
            raise VideoFault("its start is not known any more")
        return frames(one)

    session = rig.session(content=content)
    session.ask([AB, BC, CD], SEGMENTS)
    assert sorted(said(collect(session, 2))) == taken_back("bc", "cd")
    wait_for(lambda: list(rig.server.comparisons) == ["ab"])


def test_vp9_copies_are_sent_once_somebody_needs_them(rig: Rig):
    session = rig.session()
    rig.ask(session, AB)
    assert [clip["webm"] for clip in rig.server.clips.values()] == [None, None]
    rig.server.needs_webm = True
    session.report("training", 1, {})
    wait_for(lambda: all(clip["webm"] for clip in rig.server.clips.values()))
    rig.ask(session, CD)
    assert all(clip["webm"] for clip in rig.server.clips.values())


def test_answers_come_in_once_and_in_order(rig: Rig):
    session = rig.session()
    assert session.answers() == []
    rig.ask(session, AB, BC, CD)
    rig.server.answer("cd", "a")
    rig.server.answer("ab", "tie")
    assert said(collect(session, 2)) == [("cd", Preference.LEFT, "ann"), ("ab", Preference.TIE, "ann")]
    rig.server.answer("bc", "b")
    rig.server.answer("cd", "cant_tell")
    assert said(collect(session, 2)) == [("bc", Preference.RIGHT, "ann"), ("cd", Preference.CANT_TELL, "ann")]
    assert session.answers() == []


def test_a_new_process_hears_all_answers_again_from_the_first_one(rig: Rig):
    session = rig.session()
    rig.ask(session, AB, BC)
    rig.server.answer("ab", "a")
    first = collect(session, 1)
    session.close(is_done=False)
    rig.server.answer("bc", "b")
    assert collect(rig.session(), 2)[:1] == first


def test_checks_of_people_and_answers_that_came_too_late_teach_nothing(rig: Rig):
    session = rig.session()
    rig.ask(session, AB, BC, CD)
    rig.server.answer("ab", "a", assignment_kind="gold")
    rig.server.answer("bc", "a", extra=True)
    rig.server.answer("cd", "a")
    assert said(collect(session, 1)) == [("cd", Preference.LEFT, "ann")]


def test_a_withdrawn_answer_comes_as_a_label_without_a_preference(rig: Rig):
    session = rig.session()
    rig.ask(session, AB)
    rig.server.answer("ab", "b")
    rig.server.answer("ab", None)
    assert said(collect(session, 2)) == [("ab", Preference.RIGHT, "ann"), ("ab", None, "ann")]


def test_a_feed_with_a_gap_is_not_taken_in_and_is_read_again(rig: Rig):
    session = rig.session()
    rig.ask(session, AB, BC)
    rig.server.answer("ab", "a", seq=9)
    rig.server.answer("bc", "b")
    assert session.answers(timeout_s=0.2) == []
    rig.server.events[0]["seq"] = 1
    assert said(collect(session, 2)) == [("ab", Preference.LEFT, "ann"), ("bc", Preference.RIGHT, "ann")]


def test_what_is_taken_back_is_cancelled_and_comes_as_a_label_unless_it_was_answered(rig: Rig):
    session = rig.session()
    rig.ask(session, AB, BC, CD)
    rig.server.answer("bc", "a")
    collect(session, 1)
    session.take_back(["ab", "bc"])
    assert said(collect(session, 1)) == taken_back("ab")
    assert rig.server.states == {"ab": "cancelled", "bc": "answered", "cd": "open"}
    rig.beat(session, "training")  # one heartbeat later
    assert session.answers() == []


def test_what_is_taken_back_on_its_way_is_cancelled_once_it_is_there(rig: Rig):
    session = rig.session()
    session.take_back(["ab"])
    rig.beat(session, "waiting too")
    rig.ask(session, AB)
    session.report("training", 1, {})
    assert said(collect(session, 1)) == taken_back("ab")
    assert rig.server.states == {"ab": "cancelled"}


def test_a_paused_experiment_has_no_room_until_it_goes_on(rig: Rig):
    session = rig.session()
    assert session.has_room
    rig.server.is_paused = True
    session.report("training", 1, {})
    wait_for(lambda: not session.has_room)
    rig.server.is_paused = False
    session.report("waiting", 1, {})
    wait_for(lambda: session.has_room)


def test_pictures_of_where_it_looks_arrive_byte_for_byte_and_uploads_go_on(rig: Rig):
    session = rig.session()
    png = bytes(range(256))
    session.send_predictions([replace(PREDICTION, left_picture=png, right_picture=b"")])
    session.send_predictions([replace(PREDICTION, step=6)])
    wait_for(lambda: len(rig.server.predictions) == 2)
    first, second = rig.server.predictions
    assert (base64.b64decode(first["a_picture"]), first["b_picture"]) == (png, "")
    assert "a_picture" not in second


def test_a_full_outbox_has_no_room_until_the_server_took_it(rig: Rig):
    rig.server.is_away = True
    session = rig.session(max_bytes=ROOM_BYTES + 100)
    assert session.has_room
    session.send_predictions([PREDICTION])  # more than 100 bytes as JSON
    wait_for(lambda: not session.has_room)
    rig.server.is_away = False
    wait_for(lambda: session.has_room)
    assert [one["comparison"] for one in rig.server.predictions] == ["ab"]


def test_what_finds_no_room_is_dropped_and_said_and_the_rest_goes_on(rig: Rig):
    session = rig.session(max_bytes=400)
    session.send_predictions([Prediction("ab", 5, 0.75, (0.5,) * 200, (0.25,))])
    session.send_predictions([PREDICTION])
    wait_for(lambda: rig.server.predictions)
    assert [one["a"] for one in rig.server.predictions] == [[0.5]]
    assert "at most 400 may" in rig.beat(session, "training")["notice"]


def test_curves_have_the_names_of_the_page_and_no_more_points_than_it_shows(rig: Rig):
    session = rig.session()
    values = {"agent/true_reward_per_episode": 1.5, "labels/answered": 3.0, "agent/kl": 0.1}
    session.report("training", 10, values)
    session.report("training", 11, values)  # within three seconds
    session.close(is_done=True)
    assert sorted((one["name"], one["step"], one["value"]) for one in rig.server.points) == [
        ("labels", 10, 3.0),
        ("true_return", 10, 1.5),
    ]


def test_people_are_told_how_long_they_wait_counted_from_the_heartbeat(rig: Rig):
    session = rig.session()
    assert rig.beat(session, "training")["next_clips_s"] is None
    session.report("waiting", 1, {}, Outlook(40.0, 90.0))
    told = wait_for(lambda: [one for one in rig.server.heartbeats if one["state"] == "waiting" and one["step"] == 1])[0]
    assert 30 < told["next_clips_s"] <= 40
    assert 80 < told["training_left_s"] <= 90


def test_a_video_goes_out_under_its_step_and_one_that_cannot_be_drawn_stops_nothing(rig: Rig):
    def content(one: Segment) -> Content:
        if one.env == 0:  # segment a
            raise VideoFault("its start is not known any more")
        return frames(one)

    session = rig.session(content=content)
    session.send_video(1000, SEGMENTS["a"])
    session.send_video(2000, SEGMENTS["b"])
    wait_for(lambda: rig.server.videos)
    assert [one["step"] for one in rig.server.videos] == [2000]
    assert rig.server.blobs[rig.server.videos[0]["blob"]] == b"video-2000"


def test_the_server_keeps_of_a_segment_what_a_reward_model_sees(rig: Rig):
    rig.ask(rig.session(), AB)
    clip: dict[str, Any] = rig.server.clips["b"]
    assert clip["meta"] == {"env": 1, "episode": 2, "start": 3, "iteration": 4}
    assert (clip["step"], clip["ret"]) == (100, 5.0)  # five steps of reward 1
    (rig.folder / "b.npz").write_bytes(rig.server.blobs[clip["arrays"]])
    with np.load(rig.folder / "b.npz", allow_pickle=False) as arrays:
        assert arrays["actions"].tolist() == [[0.1]] * 5  # not those that the environment got
    assert json.loads((rig.folder / "sent.jsonl").read_text().splitlines()[-1]) == "ab"


def test_every_refit_reaches_the_server_however_soon_after_the_last(rig: Rig):
    session = rig.session()
    for step, num in ((0, 12), (64, 13), (128, 14)):
        session.report_refit(step, num)
    session.close(is_done=True)
    told = [(one["name"], one["step"], one["value"]) for one in rig.server.points]
    assert told == [("refits", 0, 12.0), ("refits", 64, 13.0), ("refits", 128, 14.0)]
