"""Claiming and answering, one rule at a time."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from rl_teacher.server.models import Assignment, Comparison, Experiment, LabelEvent, Response
from rl_teacher.server.problems import Problem
from rl_teacher.server.transactions.answer import Answer, preferred, submit, withdraw
from rl_teacher.server.transactions.claim import ClaimRequest, claim, expire_all, media_error, release, renew
from rl_teacher.server.transactions.feed import feed
from rl_teacher.server.transactions.upload import cancel

TAB = uuid.UUID(int=1)


def take(world, experiment, labeler, want=1, have=(), tab=TAB, now=None):
    return claim(Experiment.objects.get(pk=experiment.pk), labeler, ClaimRequest(want, list(have), tab), now)


def say(labeler, assignment, side="left", response_id=None, **fields):
    return submit(labeler.user_id, response_id or uuid.uuid4(), Answer(assignment.id, side, **fields))


@pytest.mark.parametrize(
    ("side", "swapped", "meant"),
    [
        ("left", False, "a"),
        ("left", True, "b"),
        ("right", False, "b"),
        ("right", True, "a"),
        ("tie", True, "tie"),
        ("cant_tell", False, "cant_tell"),
    ],
)
def test_a_side_means_the_clip_that_was_on_it(side, swapped, meant):
    assert preferred(side, swapped) == meant


def test_the_answer_reaches_the_feed_with_target_and_counters(world):
    experiment = world.experiment()
    labeler = world.member(experiment, "ann")
    comparison = world.comparison(experiment)
    (assignment,) = take(world, experiment, labeler)
    side = "right" if assignment.swapped else "left"  # clip a
    taken = say(labeler, assignment, side, rt_ms=900)
    assert taken.is_new
    assert not taken.response.extra
    (event,) = feed(experiment.pk, 0, 10)["events"]
    assert (event["seq"], event["preferred"], event["target"], event["labeler"]) == (1, "a", 1.0, "p-ann")
    assert (event["a"], event["b"]) == (str(comparison.a_id), str(comparison.b_id))
    comparison.refresh_from_db()
    assert (comparison.state, comparison.done, comparison.open_slots) == ("done", 1, 0)
    experiment.refresh_from_db()
    assert (experiment.answered, experiment.cant_tell) == (1, 0)


def test_cant_tell_is_stored_and_has_no_target(world):
    experiment = world.experiment()
    labeler = world.member(experiment, "ann")
    world.comparison(experiment)
    say(labeler, take(world, experiment, labeler)[0], "cant_tell")
    event = feed(experiment.pk, 0, 10)["events"][0]
    assert (event["preferred"], event["target"]) == ("cant_tell", None)
    experiment.refresh_from_db()
    assert (experiment.answered, experiment.cant_tell) == (0, 1)


def test_two_people_never_get_the_same_pair(world):
    experiment = world.experiment()
    ann, bob = world.member(experiment, "ann"), world.member(experiment, "bob")
    world.comparisons(experiment, 2)
    first = take(world, experiment, ann, want=1)
    second = take(world, experiment, bob, want=8)
    assert len(first) == len(second) == 1
    assert first[0].comparison_id != second[0].comparison_id


def test_a_pair_wanted_twice_goes_to_two_people_not_twice_to_one(world):
    experiment = world.experiment()
    ann, bob = world.member(experiment, "ann"), world.member(experiment, "bob")
    world.comparison(experiment, wanted=2)
    assert [row.slot for row in take(world, experiment, ann, want=8)] == [0]
    assert take(world, experiment, ann, want=8, have=Assignment.objects.values_list("id", flat=True)) == []
    assert [row.slot for row in take(world, experiment, bob, want=8)] == [1]


def test_urgent_and_new_pairs_come_first(world):
    experiment = world.experiment()
    labeler = world.member(experiment, "ann")
    old, new = world.comparison(experiment), world.comparison(experiment)
    urgent = world.comparison(experiment, priority=5, created_at=timezone.now() - timedelta(hours=1))
    order = [take(world, experiment, labeler, tab=uuid.uuid4())[0].comparison_id for _ in range(3)]
    assert order == [urgent.id, new.id, old.id]


def test_a_reload_gives_back_what_the_tab_no_longer_has(world):
    experiment = world.experiment()
    labeler = world.member(experiment, "ann")
    world.comparisons(experiment, 10)
    first = take(world, experiment, labeler, want=4)
    again = take(world, experiment, labeler, want=4)
    assert len(first) == len(again) == 4
    assert Assignment.objects.filter(state="leased").count() == 4
    assert Assignment.objects.filter(state="released").count() == 4


def test_a_fast_labeler_is_not_starved_by_a_slow_one(world):
    experiment = world.experiment()
    ann, bob = world.member(experiment, "ann"), world.member(experiment, "bob")
    world.comparisons(experiment, 8)
    take(world, experiment, ann, want=1)
    # 7 open slots, one other person active: bob gets at most 7 // 2 = 3
    assert len(take(world, experiment, bob, want=8)) == 3


def test_nobody_holds_more_than_twelve(world):
    experiment = world.experiment()
    labeler = world.member(experiment, "ann")
    world.comparisons(experiment, 30)
    got = [len(take(world, experiment, labeler, want=8, tab=uuid.uuid4())) for _ in range(3)]
    assert got == [8, 4, 0]


def test_paused_experiments_lend_nothing(world):
    experiment = world.experiment(paused=True)
    labeler = world.member(experiment, "ann")
    world.comparison(experiment)
    assert take(world, experiment, labeler) == []


def test_the_same_answer_again_is_the_same_answer(world):
    experiment = world.experiment()
    labeler = world.member(experiment, "ann")
    world.comparison(experiment)
    (assignment,) = take(world, experiment, labeler)
    first = say(labeler, assignment, "left", uuid.UUID(int=7))
    again = say(labeler, assignment, "left", uuid.UUID(int=7))
    assert (first.is_new, again.is_new) == (True, False)
    assert LabelEvent.objects.count() == 1
    with pytest.raises(Problem, match="body-differs") as other:
        say(labeler, assignment, "right", uuid.UUID(int=7))
    assert other.value.status == 409
    with pytest.raises(Problem, match="already-answered"):
        say(labeler, assignment, "left", uuid.UUID(int=8))


def test_a_late_answer_takes_its_slot_if_it_is_free(world):
    experiment = world.experiment()
    labeler = world.member(experiment, "ann")
    world.comparison(experiment)
    (assignment,) = take(world, experiment, labeler)
    expire_all(timezone.now() + timedelta(hours=1))
    assert Comparison.objects.get().open_slots == 1
    assert not say(labeler, assignment).response.extra
    assert Comparison.objects.get().open_slots == 0
    assert Assignment.objects.get().state == "answered"


def test_a_late_answer_whose_slot_is_taken_is_kept_as_extra(world):
    experiment = world.experiment()
    ann, bob = world.member(experiment, "ann"), world.member(experiment, "bob")
    world.comparison(experiment)
    (late,) = take(world, experiment, ann)
    expire_all(timezone.now() + timedelta(hours=1))
    (second,) = take(world, experiment, bob)
    say(bob, second)
    assert say(ann, late).response.extra
    late.refresh_from_db()
    assert late.state == "expired"
    assert [event["extra"] for event in feed(experiment.pk, 0, 10)["events"]] == [False, True]
    experiment.refresh_from_db()
    assert experiment.answered == 1


def test_a_pair_cancelled_on_the_screen_still_takes_its_answer(world):
    experiment = world.experiment()
    labeler = world.member(experiment, "ann")
    comparison = world.comparison(experiment)
    (assignment,) = take(world, experiment, labeler)
    Comparison.objects.filter(pk=comparison.pk).update(state="cancelled")
    assert not say(labeler, assignment).response.extra
    assert take(world, experiment, labeler) == []


def test_a_tab_that_slept_gets_its_pairs_back(world):
    experiment = world.experiment()
    labeler = world.member(experiment, "ann")
    world.comparisons(experiment, 3)
    held = take(world, experiment, labeler, want=3)
    expire_all(timezone.now() + timedelta(hours=1))
    assert take(world, experiment, labeler, want=3, have=[row.id for row in held]) == []
    assert Assignment.objects.filter(state="leased").count() == 3


def test_undo_is_a_chain_and_the_newest_stands(world):
    experiment = world.experiment()
    labeler = world.member(experiment, "ann")
    world.comparison(experiment)
    (assignment,) = take(world, experiment, labeler)
    first = say(labeler, assignment, "left").response
    second = say(labeler, assignment, "cant_tell", supersedes=first.id).response
    with pytest.raises(Problem, match="superseded"):
        say(labeler, assignment, "right", supersedes=first.id)
    third = say(labeler, assignment, "tie", supersedes=second.id).response
    kinds = [(event["kind"], event["response"]) for event in feed(experiment.pk, 0, 10)["events"]]
    assert kinds == [("answered", str(first.id)), ("revised", str(second.id)), ("revised", str(third.id))]
    experiment.refresh_from_db()
    labeler.refresh_from_db()
    assert (experiment.answered, experiment.cant_tell, labeler.answers) == (1, 0, 1)


def test_a_withdrawal_frees_the_slot_for_somebody_else(world):
    experiment = world.experiment()
    ann, bob = world.member(experiment, "ann"), world.member(experiment, "bob")
    world.comparison(experiment)
    answer = say(ann, take(world, experiment, ann)[0]).response
    assert withdraw(ann.user_id, answer.id)
    assert not withdraw(ann.user_id, answer.id)
    assert take(world, experiment, ann) == []
    assert len(take(world, experiment, bob)) == 1
    events = feed(experiment.pk, 0, 10)["events"]
    assert [event["kind"] for event in events] == ["answered", "withdrawn"]
    assert events[1]["preferred"] is None
    with pytest.raises(Problem, match="superseded"):
        say(ann, answer.assignment, "tie", supersedes=answer.id)


def test_a_lease_that_ran_out_is_renewed_only_where_the_pair_is_still_asked(world):
    experiment = world.experiment()
    labeler = world.member(experiment, "ann")
    world.comparisons(experiment, 2)
    asked, stale = take(world, experiment, labeler, 2)
    cancel(experiment, [stale.comparison_id])
    assert set(renew([labeler], TAB, [asked.id, stale.id])) == {asked.id, stale.id}  # it is on the screen
    Assignment.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert set(renew([labeler], TAB, [asked.id, stale.id])) == {asked.id}


def test_release_is_ignored_when_the_lease_was_renewed_since(world):
    experiment = world.experiment()
    labeler = world.member(experiment, "ann")
    world.comparison(experiment)
    (assignment,) = take(world, experiment, labeler)
    seen = assignment.expires_at
    renew([labeler], TAB, [assignment.id])
    assert release([labeler], TAB, {assignment.id: seen}) == []
    fresh = Assignment.objects.get().expires_at
    assert release([labeler], TAB, {assignment.id: fresh}) == [assignment.id]
    assert Comparison.objects.get().open_slots == 1


def test_two_media_errors_break_a_pair(world):
    experiment = world.experiment()
    ann, bob = world.member(experiment, "ann"), world.member(experiment, "bob")
    world.comparison(experiment)
    assert not media_error(take(world, experiment, ann)[0], "decode")
    assert take(world, experiment, ann) == []
    assert media_error(take(world, experiment, bob)[0], "decode")
    assert Comparison.objects.get().state == "broken"


def test_checks_come_only_with_two_labelers_and_at_most_once_in_eight(world):
    experiment = world.experiment(gold_rate=1.0)
    ann, bob = world.member(experiment, "ann"), world.member(experiment, "bob")
    world.comparisons(experiment, 30)
    for _ in range(4):
        world.comparison(experiment, wanted=0, gold_answer="a")
    kinds = []
    for _ in range(10):
        (row,) = take(world, experiment, ann)
        kinds.append(row.kind)
        say(ann, row)
    assert set(kinds) == {"normal"}
    say(bob, take(world, experiment, bob)[0])
    kinds = []
    for _ in range(16):
        (row,) = take(world, experiment, ann)
        kinds.append(row.kind)
        say(ann, row)
    assert kinds.count("gold") == 2
    assert kinds.index("gold") == 0
    assert kinds[8] == "gold"
    experiment.refresh_from_db()
    assert experiment.answered == 25  # 10 + 14 of ann, 1 of bob: checks train nothing


def test_a_repeat_shows_an_own_earlier_pair_with_its_sides_swapped(world):
    experiment = world.experiment()
    ann, bob = world.member(experiment, "ann"), world.member(experiment, "bob")
    world.comparisons(experiment, 40)
    say(bob, take(world, experiment, bob)[0])
    for _ in range(25):
        say(ann, take(world, experiment, ann)[0])
    Experiment.objects.update(repeat_rate=1.0)
    (repeat,) = take(world, experiment, ann)
    assert repeat.kind == "repeat"
    earlier = Response.objects.get(assignment__comparison=repeat.comparison, labeler=ann)
    assert repeat.swapped != earlier.swapped
    say(ann, repeat)
    assert feed(experiment.pk, 0, 100)["events"][-1]["assignment_kind"] == "repeat"


@pytest.mark.parametrize("model", ["response", "label_event"])
def test_the_database_refuses_to_change_or_delete_answers(world, model):
    experiment = world.experiment()
    labeler = world.member(experiment, "ann")
    world.comparison(experiment)
    say(labeler, take(world, experiment, labeler)[0])
    for statement in (f"UPDATE {model} SET id = id", f"DELETE FROM {model}"):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_database_refuses_a_preference_that_contradicts_the_side(world):
    experiment = world.experiment()
    labeler = world.member(experiment, "ann")
    world.comparison(experiment)
    (row,) = take(world, experiment, labeler)
    wrong = "b" if not row.swapped else "a"
    with pytest.raises(IntegrityError, match="preferred_agrees"), transaction.atomic():
        Response.objects.create(
            id=uuid.uuid4(),
            assignment=row,
            labeler=labeler,
            side="left",
            swapped=row.swapped,
            preferred=wrong,
            answered_at=timezone.now(),
            body_hash="h",
        )


def test_nobody_answers_for_somebody_else(world):
    experiment = world.experiment()
    ann, bob = world.member(experiment, "ann"), world.member(experiment, "bob")
    world.comparison(experiment)
    (assignment,) = take(world, experiment, ann)
    with pytest.raises(Problem, match="not-found"):
        say(bob, assignment)


def test_leases_of_a_tab_are_prolonged_when_a_quarter_of_them_is_over(world):
    experiment = world.experiment(lease_s=120)
    world.comparisons(experiment, 3)
    ann, tab, start = world.member(experiment, "ann"), uuid.uuid4(), timezone.now()
    held = [row.pk for row in claim(experiment, ann, ClaimRequest(2, [], tab), start)]

    def ends_after(seconds: float) -> set[float]:
        claim(experiment, ann, ClaimRequest(0, held, tab), start + timedelta(seconds=seconds))
        ends = Assignment.objects.filter(pk__in=held).values_list("expires_at", flat=True)
        return {(end - start).total_seconds() for end in ends}

    assert ends_after(29) == {120.0}
    assert ends_after(31) == {151.0}
    assert ends_after(60) == {151.0}
    assert ends_after(61.5) == {181.5}
