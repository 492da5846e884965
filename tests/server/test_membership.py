"""What members may do, and what ends with their membership."""

import json
from urllib.parse import parse_qsl

import pytest

from rl_teacher.server.api.viewer import snapshot
from rl_teacher.server.media import blob_url, may_read
from rl_teacher.server.models import Experiment, Invite, Membership, User
from rl_teacher.server.problems import Problem
from rl_teacher.server.transactions import access


def test_invitations_make_members_until_they_are_used_up(world):
    experiment = world.experiment()
    admin = world.user("root", admin=True)
    code = access.make_invite(experiment, "labeler", admin, uses=1)
    assert code not in json.dumps(list(Invite.objects.values()), default=str)
    browser = world.browser()
    weak = browser.post(f"/join/{code}", {"username": "ann", "password": "short", "password2": "short"})
    assert weak.status_code == 422
    form = {"username": "ann", "password": "a long enough one", "password2": "a long enough one"}
    assert browser.post(f"/join/{code}", form).status_code == 303
    assert Membership.objects.get(user__username="ann").role == "labeler"
    assert browser.get("/e/one/label").status_code == 200
    late = world.browser()
    assert late.post(f"/join/{code}", form | {"username": "bob"}).status_code == 404
    assert User.objects.filter(username="bob").count() == 0


def test_an_owner_manages_and_the_last_owner_stays(world):
    experiment = world.experiment()
    owner = world.member(experiment, "olga", "owner")
    ann = world.member(experiment, "ann")
    browser = world.browser(owner)
    assert browser.post("/e/one/pause", {"paused": "1"}).status_code == 303
    assert Experiment.objects.get().paused
    assert browser.post("/e/one/people", {"member": owner.pk, "role": "viewer"}).status_code == 409
    assert browser.post("/e/one/people", {"member": ann.pk, "remove": "1"}).status_code == 303
    ann.refresh_from_db()
    assert (ann.user, ann.pseudonym) == (None, "p-ann")
    assert browser.post("/e/one/invites", {"role": "labeler"}).status_code == 303
    assert b"/join/" in browser.get("/e/one/people").content
    token = browser.post("/tokens", {"name": "laptop", "experiment": "one", "days": "7"})
    assert b"rlt_" in token.content
    assert browser.get("/people").status_code == 404
    assert browser.post("/tokens", {"name": "all", "experiment": ""}).status_code == 422


def test_the_admin_shows_answers_and_changes_none(world):
    browser = world.browser(world.user("root", admin=True))
    for model in ("response", "labelevent", "comparison", "guideline", "clip"):
        assert browser.get(f"/admin/feedback/{model}/").status_code == 200
        assert browser.get(f"/admin/feedback/{model}/add/").status_code == 403


def readers(address):
    """Who may still read what an address leads to: a clip, and a copy of the whole experiment."""
    query = dict(parse_qsl(address.partition("?")[2]))
    return [name for name, is_export in (("clip", False), ("export", True)) if may_read(query, is_export=is_export)]


def test_the_address_of_a_clip_dies_with_the_membership_of_whoever_got_it(world):
    experiment, other = world.experiment(), world.experiment("two")
    comparison = world.comparison(experiment)
    admin, owner, ann = world.user("root", admin=True), world.member(experiment, "olga", "owner"), world.user("ann")

    def address(user):
        return blob_url(comparison.a.mp4, str(user.pk))

    assert readers(address(ann)) == []
    member = access.join(ann, experiment, "labeler")
    assert readers(address(ann)) == ["clip"]
    access.set_role(experiment, member.pk, None, admin)
    access.join(ann, other, "labeler")
    assert readers(address(ann)) == []
    assert readers(address(owner.user)) == readers(address(admin)) == ["clip", "export"]
    access.join(admin, experiment, "owner")
    access.set_role(experiment, owner.pk, "viewer", admin)
    assert readers(address(owner.user)) == ["clip"]
    for user in (owner.user, admin):
        user.is_active = False
        user.save()
        assert readers(address(user)) == []


def test_the_address_of_a_clip_dies_with_the_token_of_whoever_got_it(world):
    experiment, other = world.experiment(), world.experiment("two")
    blob = world.comparison(experiment).a.mp4
    mine, foreign, anybodys = (access.make_token("x", experiment=one)[0] for one in (experiment, other, None))
    addresses = [blob_url(blob, f"t{token.pk}") for token in (mine, foreign, anybodys)]
    assert ["clip" in readers(one) for one in addresses] == [True, False, True]
    for token in (mine, anybodys):
        access.revoke_token(token.pk, world.user(f"by-{token.pk}"))
    assert ["clip" in readers(one) for one in addresses] == [False, False, False]


@pytest.mark.parametrize("end", ["the account", "the membership", "the role"])
def test_what_is_shown_live_ends_with(world, end):
    experiment, admin = world.experiment(), world.user("root", admin=True)
    viewer = world.member(experiment, "vera", "viewer")
    user = viewer.user
    assert "progress" in snapshot(user, "one")
    if end == "the account":
        User.objects.filter(pk=user.pk).update(is_active=False)
    else:
        access.set_role(experiment, viewer.pk, None if end == "the membership" else "labeler", admin)
    with pytest.raises(Problem):
        snapshot(user, "one")
