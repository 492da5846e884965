"""Queries that are put together once say what Django's own say."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from rl_teacher.server.models import Assignment, Comparison, Membership
from rl_teacher.server.transactions.claim import ClaimRequest, claim
from rl_teacher.server.transactions.prepared import Prepared, PreparedInsert, PreparedUpdate

OF_LABELER = Prepared(
    lambda labeler, tab: (
        Assignment.objects.filter(labeler=labeler, tab=tab)
        .select_related("comparison__a__mp4", "comparison__a__webm", "labeler")
        .order_by("id")
    ),
    int,
    uuid.UUID,
)


def lend(world, tab, names=("ann", "bob")):
    experiment = world.experiment()
    world.comparisons(experiment, 6)
    people = [world.member(experiment, name) for name in names]
    for person in people:
        claim(experiment, person, ClaimRequest(3, [], tab))
    return people


def test_rows_and_their_relations_are_those_of_django(world):
    tab = uuid.uuid4()
    people = lend(world, tab)
    for person in people:  # the second call finds the query made
        theirs = Assignment.objects.filter(labeler=person, tab=tab).order_by("id")
        with CaptureQueriesContext(connection) as asked:
            found = OF_LABELER(person.pk, tab)
            loaded = [(row.comparison.a.mp4.sha256, row.comparison.a.webm, row.labeler.pseudonym) for row in found]
        assert len(asked) == 1
        assert [row.__dict__ | {"_state": 0} for row in found] == [row.__dict__ | {"_state": 0} for row in theirs]
        assert loaded == [(row.comparison.a.mp4.sha256, None, person.pseudonym) for row in theirs]
        assert all(row.leased_at.tzinfo is not None and isinstance(row.swapped, bool) for row in found)
    assert OF_LABELER(people[0].pk, uuid.uuid4()) == []


def test_tuples_come_as_values_list_gives_them(world):
    tab = uuid.uuid4()
    ann = lend(world, tab)[0]

    def build(labeler):
        return Assignment.objects.filter(labeler=labeler).order_by("id").values_list("id", "expires_at", "swapped")

    assert Prepared(build, int)(ann.pk) == list(build(ann.pk))
    assert len(build(ann.pk)) == 3


def test_an_update_changes_the_rows_that_it_names(world):
    tab, until = uuid.uuid4(), datetime(2031, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
    ann, bob = lend(world, tab)
    hold = PreparedUpdate(
        lambda labeler, when: (Assignment.objects.filter(labeler=labeler), {"expires_at": when, "slot": F("slot") + 0}),
        int,
        datetime,
    )
    assert hold(ann.pk, until) == 3
    assert set(Assignment.objects.filter(labeler=ann).values_list("expires_at", flat=True)) == {until}
    assert not Assignment.objects.filter(labeler=bob, expires_at=until).exists()
    assert hold(bob.pk + 100, until) == 0


def test_a_value_that_the_query_does_not_use_is_refused(world):
    with pytest.raises(AssertionError, match=r"values \[1\]"):
        Prepared(lambda pk, other: Comparison.objects.filter(pk=pk), uuid.UUID, int)(uuid.uuid4(), 1)


def test_threads_share_a_query_and_never_each_others_rows(world):
    experiment = world.experiment()
    people = [world.member(experiment, f"p{number}") for number in range(4)]
    by_id = Prepared(lambda pk: Membership.objects.filter(pk=pk), int)
    found = {}

    def ask(person):
        try:
            for _ in range(50):
                found.setdefault(person.pk, set()).update(row.pseudonym for row in by_id(person.pk))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(ask, people))
    assert found == {person.pk: {person.pseudonym} for person in people}


def test_an_insert_stores_what_django_would_store(world):
    experiment = world.experiment()
    comparison, person = world.comparisons(experiment, 1)[0], world.member(experiment, "ann")
    now = datetime(2031, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
    store = PreparedInsert(Assignment)
    for number, state in enumerate(["released", "expired"]):  # the second call finds the statement made
        row = Assignment(
            comparison=comparison, labeler=person, tab=uuid.uuid4(), slot=None if number else 0, state=state,
            swapped=bool(number), leased_at=now, expires_at=now,
        )  # fmt: skip
        assert store(row) is True
        kept = Assignment.objects.get(pk=row.pk)
        fields = [field.attname for field in Assignment._meta.concrete_fields]
        assert [getattr(kept, name) for name in fields] == [getattr(row, name) for name in fields]
        assert not row._state.adding


def test_an_insert_says_when_a_rule_of_uniqueness_leaves_the_row_out(world):
    tab = uuid.uuid4()
    ann, bob = lend(world, tab)
    taken = Assignment.objects.filter(labeler=ann).first()
    again = Assignment(
        comparison=taken.comparison, labeler=bob, tab=tab, slot=taken.slot, swapped=False,
        leased_at=taken.leased_at, expires_at=taken.expires_at,
    )  # fmt: skip
    assert PreparedInsert(Assignment, ignore_conflicts=True)(again) is False
    assert not Assignment.objects.filter(pk=again.pk).exists()
    with pytest.raises(IntegrityError), transaction.atomic():
        PreparedInsert(Assignment)(again)


def test_text_is_a_value_too_and_a_percent_sign_is_only_that(world):
    experiment = world.experiment()
    for name in ("100 %s", "100 %"):
        world.member(experiment, name)
    by_name = Prepared(
        lambda name: Membership.objects.filter(pseudonym=name).exclude(pseudonym="50 %s").values_list("pseudonym"), str
    )
    stored = Membership.objects.values_list("pseudonym")
    assert [by_name(name) for (name,) in stored] == [[row] for row in stored]
