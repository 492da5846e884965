"""The labeling page's side of the API."""

import json
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from rl_teacher.server.models import AgentVideo, Assignment, Clip, Comparison, Experiment, MetricPoint, Response
from rl_teacher.server.transactions import overview, upload

TAB = str(uuid.UUID(int=1))


class Screen:
    """A signed-in labeler."""

    def __init__(self, world, member, csrf=False):
        self.client = world.browser(member, csrf=csrf)

    def call(self, method, path, body=None, **headers):
        return self.client.generic(
            method, f"/api/v1{path}", json.dumps(body or {}), "application/json", headers=headers
        )

    def claim(self, want=1, have=(), tab=TAB, slug="one"):
        return self.call("POST", f"/experiments/{slug}/queue:claim", {"want": want, "have": list(have), "tab": tab})

    def answer(self, assignment, side="left", response=None, refill=None, **more):
        body = {"answer": {"assignment": assignment, "side": side, **more}, "refill": refill}
        return self.call("PUT", f"/responses/{response or uuid.uuid4()}", body)


@pytest.fixture
def screen(world):
    experiment = world.experiment(labels_wanted=10)
    world.comparisons(experiment, 4)
    return Screen(world, world.member(experiment, "ann"))


def slug_of(response):
    return response.json()["type"].removeprefix("/problems/")


def test_a_run_without_a_limit_counts_up_once_its_first_labels_are_there(world):
    experiment = world.experiment(labels_wanted=2)
    world.comparisons(experiment, 4)
    screen = Screen(world, world.member(experiment, "ann"))
    seen = []
    for row in screen.claim(want=3).json()["assignments"]:
        progress = screen.answer(row["assignment"]).json()["progress"]
        seen.append((progress["answered"], progress["labels_wanted"]))
    assert seen == [(1, 2), (2, 2), (3, 0)]


def test_claim_then_answer_with_refill(world, screen):
    claimed = screen.claim(want=2).json()
    first, second = claimed["assignments"]
    progress = {"answered": 0, "cant_tell": 0, "labels_wanted": 10, "mine": 0, "open": 2, "has_begun": True}
    assert claimed["progress"] == progress
    refill = {"want": 1, "have": [second["assignment"]], "tab": TAB}
    taken = screen.answer(first["assignment"], rt_ms=800, refill=refill)
    assert taken.status_code == 201
    body = taken.json()
    assert (body["extra"], len(body["refill"]), body["progress"]["answered"], body["progress"]["mine"]) == (
        False,
        1,
        1,
        1,
    )


def test_the_same_answer_with_another_refill_is_a_retry(world, screen):
    (row,) = screen.claim().json()["assignments"]
    response = uuid.uuid4()
    assert screen.answer(row["assignment"], response=response).status_code == 201
    again = screen.answer(row["assignment"], response=response, refill={"want": 1, "have": [], "tab": TAB})
    assert again.status_code == 200
    assert len(again.json()["refill"]) == 1


def test_the_agent_is_shown_without_step_or_number(world, screen):
    experiment = Experiment.objects.get()
    assert screen.call("GET", "/experiments/one/agent").json() == {"video": None, "curve": []}
    blob = world.blob(experiment, b"film", "video/mp4")
    AgentVideo.objects.create(experiment=experiment, step=123456, blob=blob)
    for step in range(90):
        MetricPoint.objects.create(experiment=experiment, name="true_return", step=step, t=0, value=100.0 + step)
    told = screen.call("GET", "/experiments/one/agent")
    assert blob.sha256 in told.json()["video"]
    assert b"123456" not in told.content
    # 90 points in 30 groups of 3, means 101, 104, ... 188: evenly from 0 to 1.
    assert told.json()["curve"] == [round(i / 29, 3) for i in range(30)]


def test_the_queue_says_when_clips_come_and_whether_the_trainer_is_gone(world, screen):
    def told(age_s, **fields):
        at = timezone.now() - timedelta(seconds=age_s)
        Experiment.objects.update(heartbeat_at=at, **fields)
        found = screen.call("GET", "/experiments/one/queue").json()
        return found["next_clips_s"], found["trainer_gone"]

    def left(age_s, seconds):
        Experiment.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=age_s), training_left_s=seconds)
        return screen.call("GET", "/experiments/one/queue").json()["training_left_s"]

    assert screen.call("GET", "/experiments/one/queue").json()["trainer_gone"] is False
    assert told(5, next_clips_s=12.0)[0] == pytest.approx(7, abs=1)
    assert told(30, next_clips_s=12.0) == (0.0, False)
    assert told(61, next_clips_s=None) == (None, True)
    assert told(61, state="done") == (None, False)
    assert left(5, 90.0) == pytest.approx(85, abs=1)
    assert left(5, None) is None


def test_the_queue_says_whether_anything_was_asked_and_who_holds_pairs(world):
    experiment = world.experiment()
    ann = Screen(world, world.member(experiment, "ann"))
    bob = Screen(world, world.member(experiment, "bob"))

    def told(one):
        found = one.call("GET", "/experiments/one/queue").json()
        return found["was_asked"], found["held_by_others"], found["seen"]

    before = told(ann)
    assert before[:2] == (False, False)
    world.comparisons(experiment, 2)
    assert told(ann)[:2] == (True, False)
    ann.claim()
    assert told(ann)[:2] == (True, False)  # her own pair
    assert told(bob)[:2] == (True, True)
    assert len({before[2], told(ann)[2], told(bob)[2]}) == 3  # each is news for whoever waits
    type(experiment).objects.update(has_begun=True)
    assert told(bob)[:2] == (True, False)  # it learns, and waits for nobody, whatever the last heartbeat said


def test_answered_counts_what_was_answered_whether_taken_back_or_not(world):
    experiment = world.experiment(labels_wanted=10)
    mine, stale, unasked, _ = world.comparisons(experiment, 4)
    screen = Screen(world, world.member(experiment, "ann"))
    rows = screen.claim(want=4).json()["assignments"]
    by_pair = {str(one.comparison_id): str(one.pk) for one in Assignment.objects.all()}
    assert len(rows) == 4
    upload.cancel(experiment, [stale.pk, unasked.pk])  # the trainer takes two questions back while they are on screen
    response = uuid.uuid4()
    screen.answer(by_pair[str(mine.pk)], response=response)
    answered = screen.answer(by_pair[str(stale.pk)]).json()["progress"]
    assert (answered["mine"], answered["answered"]) == (2, 2)
    assert screen.call("POST", f"/responses/{response}:withdraw").status_code == 200
    told = screen.call("GET", "/experiments/one/queue").json()["progress"]
    assert (told["mine"], told["answered"]) == (2, 1)  # she has answered two, one of which trains
    counts = overview.queue_counts(experiment)
    assert (counts["done"], counts["cancelled"], counts["open"]) == (2, 1, 2)


def test_the_screen_learns_nothing_about_the_pair(world, screen):
    (row,) = screen.claim().json()["assignments"]
    assert set(row) == {
        "assignment",
        "left",
        "right",
        "fps",
        "n_frames",
        "hold_frames",
        "end_frames",
        "size",
        "lease_until",
        "guideline_version",
        "min_view_ms",
    }
    shown = Assignment.objects.select_related("comparison__a__mp4", "comparison__b__mp4").get()
    left = shown.comparison.b if shown.swapped else shown.comparison.a
    assert row["left"]["mp4"].startswith(f"/media/{left.mp4.sha256}.mp4?")
    for word in ("swapped", "step", "gold", "kind", "comparison"):
        assert word not in json.dumps(row)


@pytest.mark.parametrize(
    ("meta", "told"),
    [
        ({"end": 12}, 12),
        ({"end": 30}, 30),  # with the last of its frames
        ({}, None),
        ({"end": -1}, None),
        ({"end": 31}, None),
        ({"end": True}, None),
        ({"end": "soon"}, None),
    ],
)
def test_the_screen_is_told_when_an_episode_ends(world, screen, meta, told):
    Clip.objects.filter(pk__in=Comparison.objects.values("a")).update(meta=meta)
    (row,) = screen.claim().json()["assignments"]
    side, other = ("right", "left") if Assignment.objects.get().swapped else ("left", "right")
    assert (row["end_frames"][side], row["end_frames"][other]) == (told, None)


@pytest.mark.parametrize("swapped", [False, True])
def test_left_is_the_clip_that_was_left(world, screen, swapped):
    (row,) = screen.claim().json()["assignments"]
    Assignment.objects.update(swapped=swapped)
    screen.answer(row["assignment"], "left")
    assert Response.objects.get().preferred == ("b" if swapped else "a")


def test_undo_after_a_reload(world, screen):
    (row,) = screen.claim().json()["assignments"]
    response = uuid.uuid4()
    screen.answer(row["assignment"], "left", response)
    (mine,) = screen.client.get("/api/v1/experiments/one/responses?mine=1").json()["responses"]
    assert (mine["response"], mine["side"]) == (str(response), "left")
    assert screen.answer(row["assignment"], "right", supersedes=str(response)).status_code == 201
    assert slug_of(screen.answer(row["assignment"], "tie", supersedes=str(response))) == "superseded"
    assert slug_of(screen.answer(row["assignment"], "tie")) == "already-answered"


def test_withdraw(world, screen):
    (row,) = screen.claim().json()["assignments"]
    response = uuid.uuid4()
    screen.answer(row["assignment"], "left", response)
    assert screen.call("POST", f"/responses/{response}:withdraw").status_code == 200
    assert Experiment.objects.get().answered == 0


def test_renew_release_flag_and_media_error(world, screen):
    one, two, three = screen.claim(want=3).json()["assignments"]
    leases = screen.call("POST", "/assignments:renew", {"tab": TAB, "ids": [one["assignment"]]}).json()["leases"]
    assert leases[one["assignment"]] > one["lease_until"]
    seen = {one["assignment"]: one["lease_until"], two["assignment"]: two["lease_until"]}
    released = screen.call("POST", "/assignments:release", {"tab": TAB, "leases": seen}).json()["released"]
    assert released == [two["assignment"]]
    assert (
        screen.call("POST", f"/assignments/{three['assignment']}:media_error", {"detail": "decode"}).status_code == 200
    )
    assert screen.call("POST", f"/assignments/{one['assignment']}:flag", {"reason": "black"}).status_code == 200
    assert Assignment.objects.get(pk=three["assignment"]).state == "failed"
    assert screen.client.get(f"/api/v1/assignments/{one['assignment']}").json()["assignment"] == one["assignment"]


def test_what_a_claim_or_an_answer_renewed_can_be_given_back(world, screen):
    """Else a page that leaves keeps its pairs until their leases run out, and its person gets no others meanwhile."""
    one, two, three = screen.claim(want=3).json()["assignments"]
    held = [two["assignment"], three["assignment"]]
    until = screen.answer(one["assignment"], refill={"want": 1, "have": held, "tab": TAB}).json()["held_until"]
    assert until > two["lease_until"]
    released = screen.call("POST", "/assignments:release", {"tab": TAB, "leases": dict.fromkeys(held, until)}).json()
    assert set(released["released"]) == set(held)
    again = screen.claim(want=3)
    assert len(again.json()["assignments"]) == 3
    until, held = again.json()["held_until"], [row["assignment"] for row in again.json()["assignments"]]
    released = screen.call("POST", "/assignments:release", {"tab": TAB, "leases": dict.fromkeys(held, until)}).json()
    assert set(released["released"]) == set(held)


def test_an_answer_that_asks_for_no_pairs_renews_nothing(world, screen):
    one, two = screen.claim(want=2).json()["assignments"]
    assert screen.answer(one["assignment"]).json()["held_until"] is None
    leases = {two["assignment"]: two["lease_until"]}
    released = screen.call("POST", "/assignments:release", {"tab": TAB, "leases": leases}).json()
    assert released["released"] == [two["assignment"]]


def test_unsafe_calls_need_the_csrf_token(world):
    experiment = world.experiment()
    world.comparison(experiment)
    screen = Screen(world, world.member(experiment, "ann"), csrf=True)
    refused = screen.claim()
    assert (refused.status_code, slug_of(refused)) == (403, "csrf")
    token = screen.client.get("/api/v1/me").json()["csrf_token"]
    body = {"want": 1, "have": [], "tab": TAB}
    assert screen.call("POST", "/experiments/one/queue:claim", body, **{"x-csrftoken": token}).status_code == 200


def test_outsiders_and_viewers(world, screen):
    outsider = Screen(world, world.user("eve"))
    assert slug_of(outsider.claim()) == "not-found"
    viewer = Screen(world, world.member(Experiment.objects.get(), "vic", "viewer"))
    assert slug_of(viewer.claim()) == "scope"
    (row,) = screen.claim().json()["assignments"]
    assert slug_of(outsider.answer(row["assignment"])) == "not-found"
    assert outsider.client.get(f"/api/v1/assignments/{row['assignment']}").status_code == 404
    stranger = world.browser()
    assert (
        stranger.post("/api/v1/experiments/one/queue:claim", "{}", content_type="application/json").status_code == 401
    )


def test_an_admin_becomes_a_member_by_answering(world):
    world.comparison(world.experiment())
    screen = Screen(world, world.user("root", admin=True))
    (row,) = screen.claim().json()["assignments"]
    assert screen.answer(row["assignment"]).status_code == 201


def test_the_queue_tells_of_new_pairs(world, screen):
    assert screen.client.get("/api/v1/experiments/one/queue").json()["available"] is True
    screen.claim(want=4)
    state = screen.client.get("/api/v1/experiments/one/queue?wait=0").json()
    assert (state["available"], state["state"]) == (False, "training")


@pytest.mark.parametrize(
    "answer",
    [
        {"side": "up"},
        {"rt_ms": -1},
        {"rt_ms": 2**40},
        {"loops": "NaN"},
        {"pressed_at": "0001-01-01T00:00:00+14:00"},
        {"pressed_at": "2026-01-01T00:00:00"},
        {"supersedes": "x"},
        {"swapped": True},
        {"preferred": "a"},
    ],
)
def test_mistyped_answers_are_refused(world, screen, answer):
    (row,) = screen.claim().json()["assignments"]
    refused = screen.answer(row["assignment"], **answer)
    assert (refused.status_code, slug_of(refused)) == (422, "invalid")
    assert Response.objects.count() == 0


def test_claim_and_answer_cost_a_bounded_number_of_queries(world, screen):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    (row,) = screen.claim().json()["assignments"]
    with CaptureQueriesContext(
        connection,
    ) as found:
        screen.answer(row["assignment"], refill={"want": 1, "have": [], "tab": TAB})
    assert len(found) <= 24
