"""How far the lesson is reaches the server, in order and across crashes, and an older one is not bothered with it."""

from dataclasses import replace

from session_rig import AB, SEGMENTS, Rig
from small_server import wait_for

from rl_teacher.people.client.messages import Ending, Lesson

WAITS = Lesson(first_labels=6, label_budget=40)
BEGUN = replace(WAITS, has_begun=True, relevances="more speed (96 %)")
ENDED = replace(BEGUN, ending=Ending(400, 37, -10.5, None, ("rl-teacher replay x", "rl-teacher plot x")))
TOLD = {"first_labels": 6, "label_budget": 40, "has_begun": True, "relevances": "more speed (96 %)"}
ENDING = {"step": 400, "labels": 37, "before": -10.5, "after": None, "is_true": True}


def without_videos(row):
    return {name: value for name, value in row.items() if name != "num_videos"}


def test_a_lesson_is_told_in_order_and_its_last_video_is_there_before_the_end(rig: Rig):
    session = rig.session()
    rig.ask(session, AB)
    for lesson in (WAITS, BEGUN):
        session.report_lesson(lesson)
    session.send_video(400, SEGMENTS["a"])
    session.report_lesson(ENDED)
    session.close(is_done=True)
    first, second, last = map(without_videos, rig.server.lessons)
    assert first == {"first_labels": 6, "label_budget": 40, "has_begun": False, "relevances": "", "ending": None}
    assert second == TOLD | {"ending": None}
    assert last == TOLD | {"ending": ENDING | {"commands": ["rl-teacher replay x", "rl-teacher plot x"]}}
    assert [one["step"] for one in rig.server.videos] == [400]
    assert [one["state"] for one in rig.server.heartbeats][-1] == "done"


def test_a_run_that_stops_says_that_it_is_paused(rig: Rig):
    session = rig.session()
    session.report("training", 70, {})
    session.close(is_done=False)
    assert (rig.server.heartbeats[-1]["state"], rig.server.heartbeats[-1]["step"]) == ("paused", 70)


def test_an_ending_waits_on_disk_for_a_server_that_is_away(rig: Rig):
    session = rig.session()
    rig.server.is_away = True
    session.report_lesson(ENDED)
    wait_for(lambda: list((rig.folder / "outbox").glob("*-lesson.item")))
    session.close(is_done=False)
    rig.server.is_away = False
    rig.session()
    wait_for(lambda: rig.server.lessons)
    assert rig.server.lessons[0]["ending"]["commands"] == ["rl-teacher replay x", "rl-teacher plot x"]


def test_an_older_server_has_no_place_for_it_and_nothing_is_held_up_or_refused(rig: Rig):
    rig.server.is_older = True
    session = rig.session()
    session.report_lesson(BEGUN)
    rig.ask(session, AB)
    session.close(is_done=True)
    assert rig.server.lessons == []
    assert not (rig.folder / "outbox" / "refused").exists()
    with rig.server.client() as client:
        assert client.heartbeat("done", 400).ending_seen is None
