"""Pages: filters, keyset pages, forms, settings."""

import uuid

import pytest

from rl_teacher.server.models import Assignment, Comparison, Experiment, Guideline, Response
from rl_teacher.server.transactions.answer import Answer, submit
from rl_teacher.server.transactions.claim import ClaimRequest, claim


@pytest.fixture
def owner(world):
    experiment = world.experiment(labels_wanted=10)
    return world.browser(world.member(experiment, "olga", "owner"))


def answer(world, side="left"):
    experiment = Experiment.objects.get()
    member = experiment.members.first()
    (row,) = claim(experiment, member, ClaimRequest(1, [], uuid.uuid4()))
    return submit(member.user_id, uuid.uuid4(), Answer(row.id, side)).response


def test_the_list_goes_page_by_page_and_misses_nothing(world, owner):
    experiment = Experiment.objects.get()
    clips = {"a": world.clip(experiment), "b": world.clip(experiment)}
    ids = {world.comparison(experiment, **clips).id for _ in range(120)}
    seen, url = [], "/e/one/comparisons"
    while url:
        context = owner.get(url).context
        seen += [row["id"] for row in context["rows"]]
        url = context["next_url"]
    assert len(seen) == 120
    assert set(seen) == ids


def test_filters_find_what_they_say(world, owner):
    experiment = Experiment.objects.get()
    gold = world.comparison(experiment, wanted=0, gold_answer="a", note="sure thing")
    world.comparisons(experiment, 2)
    tie = answer(world, "tie").assignment.comparison_id

    def found(query):
        return {row["id"] for row in owner.get(f"/e/one/comparisons?{query}").context["rows"]}

    assert found("preferred=tie") == {tie}
    assert found("state=done") == {tie}
    assert found("gold=1") == {gold.id}
    assert found("note=sure") == {gold.id}
    assert found("labeler=p-olga") == {tie}
    assert len(found("state=nonsense&after=nonsense")) == 3
    partial = owner.get("/e/one/comparisons", headers={"hx-request": "true"})
    assert b"<html" not in partial.content


def test_a_guideline_is_followed_by_newer_versions(world, owner):
    for text in ("Judge *speed*.", "Judge *speed*.", "Judge height."):
        assert owner.post("/e/one/guideline", {"markdown": text}).status_code == 303
    assert list(Guideline.objects.values_list("version", "markdown")) == [(1, "Judge *speed*."), (2, "Judge height.")]
    world.comparison(Experiment.objects.get())
    answer(world)
    assert Assignment.objects.get().guideline_version == 2
    assert b"Judge height." in owner.get("/e/one/label").content


def test_overlap_changes_what_open_pairs_still_want(world, owner):
    experiment = Experiment.objects.get()
    world.comparisons(experiment, 2, wanted=1)
    answer(world)
    assert owner.post("/e/one/settings", {"overlap": "3"}).status_code == 303
    rows = {row.state: (row.wanted, row.open_slots) for row in Comparison.objects.all()}
    assert rows == {"done": (1, 0), "open": (3, 3)}
    assert owner.post("/e/one/settings", {"overlap": "many"}).status_code == 422
    assert owner.post("/e/one/settings", {"gold_rate": "nan"}).status_code == 422
    assert owner.post("/e/one/settings", {"overlap": "1"}).status_code == 303
    assert Comparison.objects.get(state="open").open_slots == 1


def test_own_answers_are_changed_and_taken_back(world, owner):
    experiment = Experiment.objects.get()
    world.comparison(experiment)
    first = answer(world)
    (row,) = owner.get("/me").context["answers"]
    assert (row["id"], row["preferred_side"]) == (first.id, "left")
    for _ in range(2):  # the same form twice is one revision
        assert owner.post(f"/me/answers/{first.id}", {"side": "tie"}).status_code == 303
    assert Response.objects.count() == 2
    second = Response.objects.get(supersedes=first)
    assert owner.post(f"/me/answers/{second.id}", {"withdraw": "1"}).status_code == 303
    assert owner.get("/me").context["answers"] == []
    assert owner.post(f"/me/answers/{uuid.uuid4()}", {"side": "tie"}).status_code == 404


def test_the_dashboard_of_an_empty_server_and_of_a_busy_one(world):
    admin = world.browser(world.user("root", admin=True))
    assert admin.get("/").context["cards"] == []
    busy, idle = world.experiment("busy"), world.experiment("idle")
    world.comparisons(busy, 3)
    world.comparisons(idle, 1)
    context = admin.get("/").context
    assert context["label_next"] == "busy"
    assert {card["slug"] for card in context["cards"]} == {"busy", "idle"}


def test_a_pair_is_cancelled_by_its_owner(world, owner):
    comparison = world.comparison(Experiment.objects.get())
    assert owner.post(f"/c/{comparison.id}/cancel").status_code == 303
    comparison.refresh_from_db()
    assert comparison.state == "cancelled"


def test_lists_cost_the_same_however_long_they_are(world, owner):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    experiment = Experiment.objects.get()
    counts = []
    for _ in range(2):
        clips = {"a": world.clip(experiment), "b": world.clip(experiment)}
        for _ in range(10):
            world.comparison(experiment, **clips)
        answer(world)
        with CaptureQueriesContext(connection) as found:
            owner.get("/e/one/comparisons")
        counts.append(len(found))
    assert counts[0] == counts[1]
