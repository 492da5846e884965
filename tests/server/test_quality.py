"""The numbers of the quality page, against hand computations."""

import re
import uuid

import pytest
from django.utils import timezone

from rl_teacher.server.models import Assignment
from rl_teacher.server.transactions import access
from rl_teacher.server.transactions.answer import Answer, submit
from rl_teacher.server.transactions.claim import ClaimRequest, claim
from rl_teacher.server.transactions.quality import Judged, krippendorff_alpha, person, report, wilson


def test_alpha_by_hand():
    units = [["0", "0"]] * 6 + [["1", "1"]] + [["0", "1"]] * 3
    # 20 values, 15 zeros, 5 ones; 3 pairs disagree: Do = 6, De = 2 * 15 * 5 = 150; 1 - 19 * 6 / 150 = 0.24
    value, why = krippendorff_alpha(units)
    assert value == pytest.approx(0.24)
    assert why == ""


def test_alpha_is_one_for_perfect_agreement_and_undefined_otherwise():
    assert krippendorff_alpha([["a", "a"], ["b", "b"]])[0] == 1.0
    assert krippendorff_alpha([]) == (None, "undefined because no pair was judged by two people")
    assert krippendorff_alpha([["a"], ["b"]])[0] is None
    assert krippendorff_alpha([["a", "a"]]) == (None, "undefined because everybody always said the same thing")


def test_wilson_interval_by_hand():
    # 8 of 10, z = 1.96: center (0.8 + 0.19207) / 1.38415 = 0.71674, half 0.22644
    found = wilson(8, 10)
    assert found["low"] == pytest.approx(0.49016, abs=1e-4)
    assert found["high"] == pytest.approx(0.94331, abs=1e-4)
    assert wilson(0, 0) is None


def test_one_person():
    mine = [
        Judged(1, "x", "left", "a", "normal", 1000, None),
        Judged(1, "y", "right", "a", "normal", 3000, None),
        Judged(1, "z", "tie", "tie", "normal", None, None),
        Judged(1, "g", "left", "b", "gold", 500, "a"),
        Judged(1, "x", "right", "a", "repeat", 700, None),
    ]
    found = person(mine)
    assert found["answers"] == 5
    assert found["median_rt_ms"] == 850.0  # of 500, 700, 1000, 3000
    assert (found["left_rate"]["value"], found["left_rate"]["n"]) == (0.5, 4)
    assert found["tie_rate"] == 0.2
    assert found["gold"] == {"value": 0.0, "n": 1, "why": ""}
    assert found["repeat"] == {"value": 1.0, "n": 1, "why": ""}
    empty = person([])
    assert (empty["tie_rate"], empty["left_rate"], empty["gold"]["value"]) == (None, None, None)
    assert "undefined because" in empty["gold"]["why"]


def test_a_labeler_sees_how_alike_the_own_answers_to_the_same_pair_are(world):
    experiment, other = world.experiment(), world.experiment("two")
    ann, bob = world.member(experiment, "ann"), world.member(experiment, "bob")
    access.join(ann.user, other, "labeler")
    pairs = world.comparisons(experiment, 3)
    for member, again in ((ann, ["a", "a", "b"]), (bob, ["b"])):
        for pair, said in zip(pairs, again, strict=False):
            for kind, preferred, is_swapped in (("normal", "a", False), ("repeat", said, True)):
                row = Assignment.objects.create(
                    comparison=pair, labeler=member, tab=uuid.uuid4(), kind=kind, swapped=is_swapped, state="leased",
                    leased_at=timezone.now(), expires_at=timezone.now(), slot=None if kind == "repeat" else member.pk,
                    guideline_version=0,
                )  # fmt: skip
                side = "left" if (preferred == "a") != is_swapped else "right"
                submit(member.user_id, uuid.uuid4(), Answer(row.id, side))
    page = world.browser(ann).get("/me")
    assert page.context["self_agreement"] == [{"experiment": "one", "again": 3, "alike": 2}]
    text = page.content.decode()
    assert "3 pairs came a second time, and you answered 2 of them alike." in text
    assert "1 pair came a second time, and you answered 0 alike." in world.browser(bob).get("/me").content.decode()
    stranger = world.browser(world.member(experiment, "cyd")).get("/me").content.decode()
    assert "came a second time" not in stranger


def test_the_report_uses_current_answers_of_the_database(world):
    experiment = world.experiment()
    people = [world.member(experiment, name) for name in ("ann", "bob")]
    world.comparisons(experiment, 3, wanted=2)
    for member in people:
        tab = uuid.uuid4()
        for row in claim(experiment, member, ClaimRequest(8, [], tab)):
            said = "right" if row.swapped else "left"  # always clip a
            first = submit(member.user_id, uuid.uuid4(), Answer(row.id, "tie")).response
            submit(member.user_id, uuid.uuid4(), Answer(row.id, said, supersedes=first.id, rt_ms=900))
    found = report(experiment)
    assert found["alpha"]["value"] is None  # everybody always said `a`
    assert [row["pseudonym"] for row in found["people"]] == ["p-ann", "p-bob"]
    assert [row["median_rt_ms"] for row in found["people"]] == [900.0, 900.0]
    owner = world.browser(world.user("root", admin=True))
    page = owner.get("/e/one/quality").content
    assert not re.search(rb"\bnan\b", page.lower())  # a word: tokens on the page are random letters
