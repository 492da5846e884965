"""The ranking page by HTTP: what it shows, who may see it, and that a moved clip is answers like all others."""

import itertools
import uuid
from datetime import UTC, datetime

import pytest

from rl_teacher.ranking.ranking import rank
from rl_teacher.server.models import Assignment, Comparison, Experiment, LabelEvent, Response
from rl_teacher.server.transactions.answer import Answer, submit, withdraw
from rl_teacher.server.transactions.claim import ClaimRequest, claim
from rl_teacher.server.transactions.ranking import answers_of


@pytest.fixture
def owner(world):
    experiment = world.experiment(labels_wanted=100)
    return world.browser(world.member(experiment, "olga", "owner"))


def sorted_clips(world, count: int = 8, wrong: tuple[int, int] | None = None):
    """Clips of which every pair was answered: the later one is better, but for one pair."""
    experiment = Experiment.objects.get()
    clips = [world.clip(experiment) for _ in range(count)]
    for worse, better in itertools.combinations(range(count), 2):
        said_better = worse if (worse, better) == wrong else better
        pair(world, clips[worse], clips[better], "a" if said_better == worse else "b")
    return clips


def pair(world, a, b, preferred: str):
    """A comparison, answered as olga answers it."""
    experiment = Experiment.objects.get()
    member = experiment.members.get(pseudonym="p-olga")
    comparison = world.comparison(experiment, a=a, b=b)
    (row,) = claim(experiment, member, ClaimRequest(1, [], uuid.uuid4()))
    assert row.comparison_id == comparison.id
    if preferred in ("a", "b"):
        side = "left" if (preferred == "a") != row.swapped else "right"
    else:
        side = preferred
    return submit(member.user_id, uuid.uuid4(), Answer(row.id, side)).response


def order(client, query: str = ""):
    found = client.get(f"/e/one/ranking{query}").context["ranking"]
    return [clip["id"] for group in found["groups"] for clip in group["clips"]]


def move(client, clip, below=None, above=None, move_id=None, **headers):
    form = {"clip": str(clip.pk), "move": (move_id or uuid.uuid4()).hex}
    form |= {name: str(one.pk) for name, one in (("below", below), ("above", above)) if one is not None}
    return client.post("/e/one/ranking/move", form, headers=headers)


def test_clips_stand_from_worst_to_best(world, owner):
    clips = sorted_clips(world)
    assert order(owner) == [str(clip.pk) for clip in clips]
    found = owner.get("/e/one/ranking").context["ranking"]
    assert (found["num_clips"], found["num_answers"], found["doubtful"]) == (8, 28, [])
    assert all(clip["low"] <= clip["number"] <= clip["high"] for group in found["groups"] for clip in group["clips"])


def test_an_experiment_without_answers_says_so(world, owner):
    page = owner.get("/e/one/ranking")
    assert b"No ranking yet" in page.content
    world.comparison(Experiment.objects.get())
    assert len(owner.get("/e/one/ranking").context["waiting"]) == 2


def test_the_page_is_the_pure_function_of_the_answers(world, owner):
    sorted_clips(world, wrong=(0, 7))
    (found,) = rank(answers_of(Experiment.objects.get()))
    assert order(owner) == found.clips
    doubtful = owner.get("/e/one/ranking").context["ranking"]["doubtful"]
    assert [one["comparison"] for one in doubtful] == [one.comparison for one in found.doubtful]
    assert len(doubtful) == 1


def test_random_pairs_are_a_guess_and_the_page_says_so(world, owner):
    experiment = Experiment.objects.get()
    for _ in range(5):
        pair(world, world.clip(experiment), world.clip(experiment), "a")
    page = owner.get("/e/one/ranking")
    groups = page.context["ranking"]["groups"]
    assert [len(group["clips"]) for group in groups] == [5, 5]
    assert b"their order is a guess" in page.content


def test_only_what_stands_and_trains_counts(world, owner):
    clips = sorted_clips(world)
    last = Response.objects.latest("answered_at")
    withdraw(last.labeler.user_id, last.id)
    assert len(answers_of(Experiment.objects.get())) == 27
    pair(world, clips[0], clips[7], "cant_tell")
    assert owner.get("/e/one/ranking").context["ranking"]["num_answers"] == 27


def test_a_moved_clip_is_two_answers_in_the_feed(world, owner):
    clips = sorted_clips(world)
    before = Experiment.objects.get()
    assert move(owner, clips[0], below=clips[5], above=clips[6]).status_code == 303
    after = Experiment.objects.get()
    assert (after.next_seq, after.answered) == (before.next_seq + 2, before.answered + 2)
    events = list(LabelEvent.objects.order_by("seq"))[-2:]
    said = []
    for event in events:
        comparison, response = event.response.assignment.comparison, event.response
        better, worse = (comparison.a, comparison.b) if response.preferred == "a" else (comparison.b, comparison.a)
        said.append((better.pk, worse.pk))
        assert (comparison.state, comparison.done, comparison.open_slots) == ("done", 1, 0)
        assert (response.assignment.kind, response.extra, response.assignment.state) == ("normal", False, "answered")
        assert comparison.note == "placed by hand"
    assert said == [(clips[0].pk, clips[5].pk), (clips[6].pk, clips[0].pk)]
    assert len({event.response.assignment.comparison_id for event in events}) == 2


def test_the_trainer_hears_of_a_moved_clip(world, owner):
    clips = sorted_clips(world)
    seq = Experiment.objects.get().next_seq
    move(owner, clips[0], below=clips[7])
    (event,) = world.trainer().get(f"/api/v1/experiments/one/labels?after={seq}").json()["events"]
    assert {event["a"], event["b"]} == {str(clips[0].pk), str(clips[7].pk)}
    assert event["target"] == (1.0 if event["a"] == str(clips[0].pk) else 0.0)
    assert event["assignment_kind"] == "normal"


def test_moving_often_enough_changes_the_place(world, owner):
    clips = sorted_clips(world)
    for below in clips[1:]:
        for _ in range(2):
            move(owner, clips[0], below=below)
    assert order(owner)[-1] == str(clips[0].pk)


def test_at_an_end_a_move_is_one_answer(world, owner):
    clips = sorted_clips(world)
    before = Response.objects.count()
    move(owner, clips[3], above=clips[0])
    assert Response.objects.count() == before + 1


def test_the_same_move_twice_is_one_move(world, owner):
    clips, move_id = sorted_clips(world), uuid.uuid4()
    for _ in range(2):
        assert move(owner, clips[0], clips[3], clips[4], move_id).status_code == 303
    assert Comparison.objects.filter(note="placed by hand").count() == 2
    assert move(owner, clips[0], clips[5], clips[6], move_id).status_code == 409, "another content under the same id"


def test_a_moved_clip_can_be_taken_back_like_any_answer(world, owner):
    clips = sorted_clips(world)
    before = order(owner)
    move(owner, clips[0], below=clips[7])
    response = Response.objects.latest("answered_at")
    withdraw(response.labeler.user_id, response.id)
    assert order(owner) == before
    assert Comparison.objects.get(pk=response.assignment.comparison_id).state == "open"


def test_a_script_gets_the_list_alone(world, owner):
    clips = sorted_clips(world)
    found = move(owner, clips[0], below=clips[7], **{"hx-request": "true"})
    assert found.status_code == 200
    assert b"<html" not in found.content
    assert f'data-head="{Experiment.objects.get().next_seq}"'.encode() in found.content


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"clip": "nonsense"}, 422),
        ({"move": ""}, 422),
        ({"below": "nonsense"}, 422),
        ({"below": str(uuid.uuid4())}, 404),
        ({"below": "", "above": ""}, 422),
        ({"below": "SELF"}, 422),
        ({"above": "BELOW"}, 422),
    ],
)
def test_a_move_that_makes_no_sense_stores_nothing(world, owner, change, status):
    clips = sorted_clips(world, 3)
    names = {"SELF": str(clips[0].pk), "BELOW": str(clips[1].pk)}
    form = {"clip": str(clips[0].pk), "below": str(clips[1].pk), "above": "", "move": uuid.uuid4().hex}
    before = (Comparison.objects.count(), Assignment.objects.count(), Response.objects.count())
    form |= {key: names.get(value, value) for key, value in change.items()}
    assert owner.post("/e/one/ranking/move", form).status_code == status
    assert (Comparison.objects.count(), Assignment.objects.count(), Response.objects.count()) == before


def test_clips_of_another_experiment_cannot_be_moved(world, owner):
    clips = sorted_clips(world, 3)
    foreign = world.clip(world.experiment("two"))
    assert move(owner, clips[0], below=foreign).status_code == 404


def test_a_doubtful_pair_is_asked_again_before_all_others_and_only_once(world, owner):
    sorted_clips(world, wrong=(0, 7))
    experiment = Experiment.objects.get()
    world.comparison(experiment, priority=500.0)
    doubt = owner.get("/e/one/ranking").context["ranking"]["doubtful"][0]["comparison"]
    for _ in range(2):
        assert owner.post("/e/one/ranking/again", {"comparison": doubt, "list": "1"}).status_code == 303
    made = Comparison.objects.get(note="asked again")
    first = Comparison.objects.get(pk=doubt)
    assert {made.a_id, made.b_id} == {first.a_id, first.b_id}
    assert made.pk != first.pk
    (lent,) = claim(experiment, experiment.members.get(), ClaimRequest(1, [], uuid.uuid4()))
    assert lent.comparison_id == made.pk
    assert owner.post("/e/one/ranking/again", {"comparison": str(uuid.uuid4())}).status_code == 404


def test_who_may_only_look_moves_nothing_and_labelers_see_no_answers_of_others(world, owner):
    clips = sorted_clips(world, 3)
    experiment = Experiment.objects.get()
    viewer = world.browser(world.member(experiment, "vera", "viewer"))
    labeler = world.browser(world.member(experiment, "lars", "labeler"))
    page = viewer.get("/e/one/ranking")
    assert page.status_code == 200
    assert b"data-move" not in page.content
    assert move(viewer, clips[0], below=clips[2]).status_code == 403
    assert viewer.post("/e/one/ranking/again", {"comparison": str(uuid.uuid4())}).status_code == 403
    assert labeler.get("/e/one/ranking").status_code == 403
    assert move(labeler, clips[0], below=clips[2]).status_code == 403
    stranger = world.browser(world.user("sam"))
    assert stranger.get("/e/one/ranking").status_code == 404


def test_another_list_is_chosen_by_its_number_and_nonsense_is_the_first(world, owner):
    first = sorted_clips(world)
    second = sorted_clips(world)
    assert order(owner) == [str(clip.pk) for clip in second]
    assert order(owner, "?list=2") == [str(clip.pk) for clip in first]
    for nonsense in ("0", "99999999999", "x", "-1", "²"):
        assert owner.get(f"/e/one/ranking?list={nonsense}").status_code == 200


def test_the_page_costs_the_same_however_many_answers_there_are(world, owner):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for _ in range(2):
        sorted_clips(world, 4)
        with CaptureQueriesContext(connection) as found:
            owner.get("/e/one/ranking")
        counts.append(len(found))
    assert counts[0] == counts[1]


def test_what_was_moved_is_in_the_journal_and_comes_back_from_it(world, owner):
    from rl_teacher.server.exchange.restore import restore_lines
    from rl_teacher.server.journal import journal_line
    from rl_teacher.server.transactions.write import write

    clips = sorted_clips(world, 3)
    start = Experiment.objects.get().next_seq
    move(owner, clips[0], below=clips[2])
    line = journal_line(LabelEvent.objects.select_related("response__assignment__comparison").get(seq=start + 1))
    # A database from before the move: neither the comparison is there nor its answer.
    other = world.experiment("one-again", next_seq=start)
    a, b = world.clip(other), world.clip(other)
    line |= {"comparison": str(uuid.uuid4()), "assignment": str(uuid.uuid4()), "response": str(uuid.uuid4())}
    with write():
        assert restore_lines(other, [line | {"a": str(a.pk), "b": str(b.pk)}]) == 1
    made = Comparison.objects.get(experiment=other)
    assert ({made.a_id, made.b_id}, made.state, made.done) == ({a.pk, b.pk}, "done", 1)
    assert made.created_at <= datetime.now(UTC)
