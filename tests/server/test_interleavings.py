"""Random interleavings of people and trainer: overlap is never exceeded, and the feed replayed is the database."""

import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.db.models import Q
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rl_teacher.server.models import Assignment, Comparison, Experiment, LabelEvent, Membership, Response, Withdrawal
from rl_teacher.server.problems import Problem
from rl_teacher.server.transactions.answer import Answer, submit, withdraw
from rl_teacher.server.transactions.claim import ClaimRequest, claim, expire_all, release
from rl_teacher.server.transactions.feed import feed
from rl_teacher.server.transactions.upload import cancel

PEOPLE = 3
person = st.integers(0, PEOPLE - 1)
tab = st.integers(1, 2)
pick = st.integers(0, 30)
side = st.sampled_from(["left", "right", "tie", "cant_tell"])
step = st.one_of(
    st.tuples(st.just("claim"), person, tab, st.integers(0, 4), st.booleans()),
    st.tuples(st.just("answer"), person, pick, side, st.booleans()),
    st.tuples(st.just("answer"), person, pick, side, st.booleans()),
    st.tuples(st.just("revise"), person, pick, side, st.booleans()),
    st.tuples(st.just("withdraw"), person, pick, side, st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([1, 60, 121, 200]), pick, side, st.booleans()),
    st.tuples(st.just("release"), person, tab, side, st.booleans()),
    st.tuples(st.just("cancel"), person, pick, side, st.booleans()),
)


class Play:
    """Runs steps and checks after each of them."""

    def __init__(self, world, wanted):
        self.now = timezone.now()
        self.experiment = world.experiment(gold_rate=0.3, repeat_rate=0.3)
        self.people = [world.member(self.experiment, f"p{i}") for i in range(PEOPLE)]
        for count in wanted:
            world.comparison(self.experiment, wanted=count)
        world.comparison(self.experiment, wanted=0, gold_answer="a")
        self.acknowledged = {}

    def claim(self, who, tab, want, keep):
        labeler, tab_id = self.people[who], uuid.UUID(int=tab)
        held = list(Assignment.objects.filter(labeler=labeler, tab=tab_id, state="leased").values_list("id", flat=True))
        got = claim(self.fresh(), labeler, ClaimRequest(want, held if keep else [], tab_id), self.now)
        assert len(got) <= want

    def answer(self, who, number, said, twice):
        # any assignment ever lent to this person, also expired, released, answered ones
        rows = list(Assignment.objects.filter(labeler=self.people[who]).order_by("leased_at", "id"))
        if not rows:
            return
        row = rows[number % len(rows)]
        self.send(who, uuid.uuid4(), Answer(row.id, said), twice)

    def revise(self, who, number, said, twice):
        row = self.own(who, number)
        if row is not None:
            self.send(who, uuid.uuid4(), Answer(row.assignment_id, said, supersedes=row.id), twice)

    def send(self, who, response_id, answer, twice):
        mine = self.people[who].user_id
        try:
            taken = submit(mine, response_id, answer, None, self.now)
        except Problem as problem:
            assert problem.slug in ("already-answered", "superseded")  # noqa: PT017 - either outcome is fine
            assert not Response.objects.filter(pk=response_id).exists()
            return
        assert taken.is_new
        self.acknowledged[response_id] = answer.side
        if twice:
            assert not submit(mine, response_id, answer, None, self.now).is_new

    def withdraw(self, who, number, _side, twice):
        row = self.own(who, number)
        if row is None:
            return
        mine = self.people[who].user_id
        try:
            withdraw(mine, row.id, self.now)
            if twice:
                assert not withdraw(mine, row.id, self.now)
        except Problem as problem:
            assert problem.slug == "superseded"  # noqa: PT017 - either outcome is fine

    def wait(self, seconds, *_):
        self.now += timedelta(seconds=seconds)
        expire_all(self.now)

    def release(self, who, tab, *_):
        rows = Assignment.objects.filter(labeler=self.people[who], state="leased", tab=uuid.UUID(int=tab))
        release([self.people[who]], uuid.UUID(int=tab), {row.id: row.expires_at for row in rows})

    def cancel(self, _who, number, *_):
        rows = list(Comparison.objects.order_by("created_at"))
        if number < 3:  # rarely
            cancel(self.experiment, [rows[number % len(rows)].id])

    def own(self, who, number):
        rows = list(Response.objects.filter(labeler=self.people[who]).order_by("answered_at", "id"))
        return rows[number % len(rows)] if rows else None

    def fresh(self):
        return Experiment.objects.get(pk=self.experiment.pk)

    def check(self):
        for row in Comparison.objects.prefetch_related("assignments"):
            live = [a for a in row.assignments.all() if a.kind == "normal" and a.state in ("leased", "answered")]
            answered = sum(a.state == "answered" for a in live)
            assert len(live) <= row.wanted
            assert row.open_slots == row.wanted - len(live)
            assert row.done == answered
            assert len({a.labeler_id for a in live}) == len(live)
            if row.state in ("open", "done") and not row.is_gold:
                assert row.state == ("done" if answered >= row.wanted else "open")
        assert dict(Response.objects.values_list("id", "side")) == self.acknowledged

    def check_feed(self):
        events = []
        while page := feed(self.experiment.pk, len(events), 7)["events"]:
            events += page
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        assert LabelEvent.objects.count() == len(events)
        replayed = {}
        for event in events:
            if event["kind"] == "withdrawn":
                del replayed[event["assignment"]]
            else:
                assert (event["kind"] == "revised") == (event["assignment"] in replayed)
                replayed[event["assignment"]] = event
        standing = Response.objects.filter(superseded_by=None).exclude(pk__in=Withdrawal.objects.values("response"))
        assert {e["response"] for e in replayed.values()} == {str(pk) for pk in standing.values_list("pk", flat=True)}
        counts = Counter(
            "cant_tell" if e["preferred"] == "cant_tell" else "answered"
            for e in replayed.values()
            if e["assignment_kind"] == "normal" and not e["extra"]
        )
        fresh = self.fresh()
        assert (fresh.answered, fresh.cant_tell) == (counts["answered"], counts["cant_tell"])
        for row in standing.select_related("assignment__comparison"):
            shown = {"left": row.assignment.comparison.a, "right": row.assignment.comparison.b}
            if row.assignment.swapped:
                shown = {"left": shown["right"], "right": shown["left"]}
            event = replayed[str(row.assignment_id)]
            if row.side in shown:
                meant = event["a"] if event["preferred"] == "a" else event["b"]
                assert meant == str(shown[row.side].id)
        mine = dict.fromkeys(Membership.objects.values_list("pk", flat=True), 0) | Counter(
            standing.filter(Q()).values_list("labeler", flat=True)
        )
        assert dict(Membership.objects.values_list("pk", "answers")) == mine


def play(worlds, wanted, steps):
    with worlds() as world:
        game = Play(world, wanted)
        for name, *arguments in steps:
            getattr(game, name)(*arguments)
            game.check()
        game.check_feed()


ARGUMENTS = {
    "wanted": st.lists(st.integers(1, 3), min_size=1, max_size=4),
    "steps": st.lists(step, min_size=5, max_size=40),
}
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=20, deadline=None, suppress_health_check=QUIET)
@given(**ARGUMENTS)
def test_any_order_of_events_keeps_the_books_straight(worlds, wanted, steps):
    play(worlds, wanted, steps)


@pytest.mark.slow
@settings(max_examples=600, deadline=None, suppress_health_check=QUIET)
@given(**ARGUMENTS)
def test_many_orders_of_events_keep_the_books_straight(worlds, wanted, steps):
    play(worlds, wanted, steps)
