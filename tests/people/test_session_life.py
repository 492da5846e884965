"""A session outlives whatever happens to the server, and hands on everything at its end."""

import threading
from dataclasses import replace

import pytest
from session_rig import AB, BC, PREDICTION, SEGMENTS, Rig, collect, said, taken_back
from small_server import wait_for

from rl_teacher.errors import ServerFault
from rl_teacher.people.feedback_session import HEARTBEAT, LISTENER, UPLOADER
from rl_teacher.records import Preference


def test_a_server_that_died_is_revived_and_nothing_is_lost(rig: Rig):
    revived = threading.Event()

    def revive() -> None:
        if restarts.is_set():
            rig.server.is_away = False
            revived.set()

    restarts = threading.Event()
    session = rig.session(revive=revive)
    rig.ask(session, AB)
    rig.server.is_away = True
    session.ask([BC], SEGMENTS)
    session.take_back(["ab"])
    session.report("training", 1, {"labels/answered": 3.0})
    wait_for(lambda: len(list((rig.folder / "outbox").glob("*.item"))) >= 4)  # 2 blobs, a clip and bc, or more
    assert list(rig.server.comparisons) == ["ab"]
    restarts.set()
    session.report("waiting", 2, {})
    assert revived.wait(20.0)
    wait_for(lambda: "bc" in rig.server.comparisons)
    session.report("training", 3, {})
    assert said(collect(session, 1)) == taken_back("ab")
    wait_for(lambda: [one["name"] for one in rig.server.points] == ["labels"])
    rig.server.answer("bc", "a")
    assert said(collect(session, 1)) == [("bc", Preference.LEFT, "ann")]


def test_a_server_that_cannot_be_revived_is_tried_again(rig: Rig):
    tries: list[int] = []

    def revive() -> None:
        tries.append(len(tries))
        raise ServerFault("its address is taken")

    rig.server.is_away = True
    session = rig.session(revive=revive)
    wait_for(lambda: len(tries) == 1)
    session.report("training", 1, {})
    wait_for(lambda: len(tries) == 2)
    rig.server.is_away = False
    assert rig.beat(session, "training again")["step"] == 7
    assert len(tries) == 2


def test_at_the_end_all_is_handed_on_and_the_server_is_told(rig: Rig):
    session = rig.session()
    rig.ask(session, AB, BC)
    session.report("training", 400, {})
    rig.server.seconds_per_batch = 0.05
    for step in range(5):
        session.send_predictions([replace(PREDICTION, step=step)])
    session.take_back(["ab", "bc"])
    session.close(is_done=True)
    assert [one["step"] for one in rig.server.predictions] == [0, 1, 2, 3, 4]
    assert set(rig.server.states.values()) == {"cancelled"}
    assert (rig.server.heartbeats[-1]["state"], rig.server.heartbeats[-1]["step"]) == ("done", 400)


def test_what_no_heartbeat_could_take_back_is_cancelled_at_the_end(rig: Rig):
    session = rig.session()
    rig.ask(session, AB, BC)
    rig.server.is_busy = {"PUT heartbeat"}
    session.take_back(["ab"])
    session.close(is_done=True)
    assert rig.server.states == {"ab": "cancelled", "bc": "open"}


def test_closing_twice_is_closing_once(rig: Rig):
    session = rig.session()
    session.close(is_done=True)
    session.close(is_done=True)
    assert [one["state"] for one in rig.server.heartbeats].count("done") == 1
    assert rig.workers.num_closed == 1


def test_a_run_that_is_only_stopped_says_nothing_and_leaves_what_waits_to_the_next_process(rig: Rig):
    session = rig.session()
    rig.ask(session, AB)
    rig.server.is_away = True
    session.send_predictions([PREDICTION])
    wait_for(lambda: list((rig.folder / "outbox").glob("*-predictions.item")))
    session.close(is_done=False)
    rig.server.is_away = False
    assert {one["state"] for one in rig.server.heartbeats} == {"waiting"}  # the server was away as it stopped
    assert rig.server.predictions == []
    rig.session()
    # At least once: where an answer to a request is lost it is repeated, and a repeated write is the same write.
    wait_for(lambda: {one["comparison"] for one in rig.server.predictions} == {"ab"})
    assert rig.server.states == {"ab": "open"}


@pytest.mark.parametrize("is_done", [True, False])
@pytest.mark.parametrize("is_away", [True, False])
def test_no_thread_is_left(rig: Rig, is_done: bool, is_away: bool):
    before = set(threading.enumerate())
    rig.server.is_away = is_away
    session = rig.session()
    ours = {thread.name for thread in set(threading.enumerate()) - before}
    assert ours == {UPLOADER, LISTENER, HEARTBEAT, "outbox"}
    session.close(is_done=is_done)
    assert {thread.name for thread in set(threading.enumerate()) - before} <= {LISTENER}  # it waits for the server
    wait_for(lambda: set(threading.enumerate()) <= before)
