"""What somebody can have of what is stored about them, and what they agreed to."""

import json
import uuid

from rl_teacher.server.models import AuditLog, Experiment
from rl_teacher.server.transactions.access import CONSENT, make_invite
from rl_teacher.server.transactions.answer import Answer, submit, withdraw
from rl_teacher.server.transactions.claim import ClaimRequest, claim, flag


def lend(member):
    return claim(Experiment.objects.get(slug="one"), member, ClaimRequest(1, [], uuid.uuid4()))[0]


def say(row, side, **more):
    return submit(row.labeler.user_id, uuid.uuid4(), Answer(row.id, side, **more)).response


def test_it_is_all_of_ones_own_and_nothing_of_others(world):
    experiment = world.experiment()
    ann, bob = world.member(experiment, "ann"), world.member(experiment, "bob")
    world.comparisons(experiment, 6)
    first = say(lend(ann), "left", rt_ms=700)
    withdraw(ann.user_id, say(first.assignment, "tie", supersedes=first.id).id)
    flag(lend(ann), "too dark")
    theirs = say(lend(bob), "right")
    response = world.browser(ann).get("/me/data")
    assert "attachment" in response["Content-Disposition"]
    told = json.loads(response.content)
    assert told["account"]["name"] == "ann"
    (one,) = told["experiments"]
    assert (one["experiment"], one["pseudonym"]) == ("one", "p-ann")
    assert [(row["kind"], row["side"], row["rt_ms"]) for row in one["answers"]] == [
        ("answered", "left", 700),
        ("revised", "tie", None),
        ("withdrawn", "tie", None),
    ]
    assert [row["reason"] for row in one["flags"]] == ["too dark"]
    for hidden in (str(theirs.id), "bob", "swapped", "assignment_kind", "password"):
        assert hidden not in response.content.decode(), hidden
    assert b"/me/data" in world.browser(ann).get("/me").content


def test_joining_is_agreeing_and_is_noted(world):
    experiment = world.experiment()
    code = make_invite(experiment, "labeler", world.user("root", admin=True))
    page = world.browser()
    text = page.get(f"/join/{code}").content.decode()
    assert "stored under a pseudonym" in text
    assert "I agree" in text
    password = "a long enough password"
    form = {"username": "cid", "password": password, "password2": password}
    assert page.post(f"/join/{code}", form).status_code == 303
    assert AuditLog.objects.get(action="joined").detail["agreed_to"] == CONSENT
