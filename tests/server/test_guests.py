"""Guests: who answers by a link alone, what they see, and how their visit ends."""

import json
import re
import uuid
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from rl_teacher.server.media import blob_url, may_read
from rl_teacher.server.models import AuditLog, Invite, Membership, Response, User
from rl_teacher.server.problems import Problem
from rl_teacher.server.transactions import access
from tests.server.test_security import all_routes, fill

TAB = str(uuid.UUID(int=1))


@pytest.fixture
def owner(world):
    return world.member(world.experiment(), "olga", "owner")


def link(owner, **more):
    terms = {"uses": 3, "for_guests": True} | more
    return "/join/" + access.make_invite(owner.experiment, "labeler", owner.user, **terms)


def guest(world, address):
    browser = world.browser()
    entered = browser.post(address)
    assert entered.status_code == 303, entered.content
    return browser


def answer(browser, slug="one"):
    body = json.dumps({"want": 1, "have": [], "tab": TAB})
    claimed = browser.post(f"/api/v1/experiments/{slug}/queue:claim", body, content_type="application/json")
    (row,) = claimed.json()["assignments"]
    said = json.dumps({"answer": {"assignment": row["assignment"], "side": "left"}})
    return browser.put(f"/api/v1/responses/{uuid.uuid4()}", said, content_type="application/json")


def test_a_guest_answers_without_account_or_password(world, owner):
    world.comparisons(owner.experiment, 2)
    address = link(owner)
    stranger = world.browser()
    page = stranger.get(address)
    assert b"no account and no password" in page.content
    assert b'name="password"' not in page.content
    assert User.objects.count() == 1  # a phone that draws a preview of the link has taken nothing
    entered = stranger.post(address)
    assert (entered.status_code, entered["Location"]) == (303, "/e/one")
    assert stranger.get("/e/one")["Location"] == "/e/one/label"
    assert stranger.get("/e/one/label").status_code == 200
    assert answer(stranger).status_code == 201
    member = Membership.objects.get(user__is_guest=True)
    assert (member.role, member.pseudonym, member.answers) == ("labeler", "labeler-1", 1)
    assert not member.user.has_usable_password()
    assert Invite.objects.get().uses_left == 2
    assert AuditLog.objects.get(action="joined").detail["agreed_to"] == access.CONSENT


def test_the_link_leads_back_also_when_it_is_used_up_and_nobody_else_in(world, owner):
    address = link(owner, uses=1)
    mine = guest(world, address)
    assert mine.get(address)["Location"] == "/e/one"
    assert guest_count() == 1
    assert world.browser().get(address).status_code == 404
    assert world.browser().post(address).status_code == 404
    assert guest_count() == 1


def guest_count():
    return User.objects.filter(is_guest=True).count()


def test_a_guest_sees_the_labeling_page_and_the_own_answers_and_nothing_else(world, owner):
    comparison = world.comparison(owner.experiment)
    other = world.experiment("two")
    world.comparison(other)
    browser = guest(world, link(owner))
    assert answer(browser).status_code == 201
    seen = {"", "me", "me/data", "e/<str:slug>", "e/<str:slug>/label", "logout", "login", "enter", "join/<str:code>"}
    seen |= {"healthz", "readyz", "api/v1/me", "api/v1/experiments/<slug>/agent", "api/v1/experiments/<slug>/queue"}
    seen |= {"api/v1/experiments/<slug>/responses", "api/v1/experiments/<slug>/lesson:state"}
    for route in all_routes():
        if route == "logout" or route.startswith("admin/"):
            continue
        response = browser.get(fill(route, "one", str(comparison.id)))
        where = (route, response.status_code)
        if route in seen:
            assert response.status_code in (200, 302, 303, 404), where
        else:
            assert response.status_code in (401, 403, 404, 405), where
        foreign = browser.get(fill(route, "two", str(comparison.id)))
        if "slug" in route:
            assert foreign.status_code in (401, 403, 404, 405), (route, foreign.status_code)
    assert browser.get("/")["Location"] == "/e/one/label"
    assert browser.get("/admin/").status_code == 302
    for path in ("/me/password", "/people", "/tokens", "/e/one/people", "/e/one/invites", "/e/one/pause"):
        assert browser.post(path, {"new": "a long enough password", "role": "labeler"}).status_code in (403, 404), path
    page = browser.get("/me").content.decode()
    assert "/c/" not in page
    assert "Password" not in page
    assert not User.objects.get(is_guest=True).has_usable_password()


def test_a_removed_guest_is_out_at_once_and_what_they_said_stays(world, owner):
    clips = world.comparisons(owner.experiment, 2)
    address = link(owner)
    browser, friend = guest(world, address), guest(world, address)
    assert answer(browser).status_code == 201
    user = User.objects.filter(is_guest=True).order_by("pk").first()
    member = Membership.objects.get(user=user)
    clip = dict(parse_qsl(blob_url(clips[0].a.mp4, str(user.pk)).partition("?")[2]))
    assert may_read(clip, is_export=False)
    desk = world.browser(owner)
    assert desk.post("/e/one/people", {"member": member.pk, "remove": "1"}).status_code == 303
    assert browser.get("/e/one/label")["Location"].startswith("/login")
    assert browser.get("/api/v1/me").status_code == 401
    assert answer_status(browser) == 401
    assert not may_read(clip, is_export=False)
    assert Response.objects.count() == 1
    member.refresh_from_db()
    assert (member.user, member.answers, member.pseudonym) == (None, 1, "labeler-1")
    assert browser.get(address).status_code == 404  # nor back in by the same link
    assert browser.post(address).status_code == 404
    assert friend.get("/e/one/label").status_code == 200  # who stays, stays
    assert answer(friend).status_code == 201


def answer_status(browser):
    body = json.dumps({"want": 1, "have": [], "tab": TAB})
    url = "/api/v1/experiments/one/queue:claim"
    return browser.post(url, body, content_type="application/json").status_code


def test_who_is_guest_of_two_experiments_and_removed_from_one_answers_in_the_other(world, owner):
    other = world.member(world.experiment("two"), "otto", "owner")
    world.comparison(other.experiment)
    browser = guest(world, link(owner))
    assert browser.post(link(other)).status_code == 303
    assert guest_count() == 1
    member = Membership.objects.get(user__is_guest=True, experiment=owner.experiment)
    access.set_role(owner.experiment, member.pk, None, owner.user)
    assert browser.get("/e/one/label").status_code == 404
    assert answer(browser, "two").status_code == 201


def test_a_guest_is_a_labeler_and_can_be_made_nothing_else(world, owner):
    guest(world, link(owner))
    member = Membership.objects.get(user__is_guest=True)
    desk = world.browser(owner)
    for role in ("owner", "viewer"):
        assert desk.post("/e/one/people", {"member": member.pk, "role": role}).status_code == 409
    with pytest.raises(Problem, match="expected labeler"):
        access.make_invite(owner.experiment, "owner", owner.user, for_guests=True)
    invite = Invite.objects.get()
    invite.role = "owner"
    with pytest.raises(IntegrityError), transaction.atomic():
        invite.save()


def test_an_invitation_with_an_account_asks_a_guest_for_one(world, owner):
    browser = guest(world, link(owner))
    other = world.experiment("two")
    code = access.make_invite(other, "owner", owner.user)
    assert b'name="password"' in browser.get(f"/join/{code}").content
    form = {"username": "ann", "password": "a long enough one", "password2": "a long enough one"}
    assert browser.post(f"/join/{code}", form | {"password2": "another"}).status_code == 422
    assert browser.post(f"/join/{code}", form).status_code == 303
    assert Membership.objects.get(experiment=other).user.username == "ann"
    assert browser.get("/e/two").status_code == 200
    assert browser.get("/e/one/label").status_code == 404  # signed in as ann now, who is not in it


def test_guesses_at_links_are_slowed_down_and_good_links_are_not(world, owner):
    address = link(owner, uses=100)
    for _ in range(70):
        assert world.browser().get(address, REMOTE_ADDR="10.0.0.1").status_code == 200
    codes = [world.browser().post(f"/join/guess-{n}", REMOTE_ADDR="10.0.0.1").status_code for n in range(61)]
    assert codes == [404] * 60 + [429]


def test_the_link_is_no_login_and_the_login_no_link(world, owner):
    code = link(owner).rpartition("/")[2]
    assert len(code) == 32  # 24 random bytes
    stranger = world.browser()
    assert stranger.post("/enter", {"token": code}, headers={"Accept": "application/json"}).status_code == 403
    secret = access.make_login_link(owner.user)
    assert stranger.get(f"/join/{secret}").status_code == 404
    assert code not in json.dumps(list(Invite.objects.values()), default=str)


def test_the_owner_gets_link_and_code_once_with_an_address_that_others_reach(world, owner):
    desk = world.browser(owner)
    settings.RL_TEACHER = replace(settings.RL_TEACHER, share_url="http://192.0.2.7:8000")
    made = desk.post("/e/one/invites", {"role": "guest", "uses": "3"})
    assert made["Location"] == "/e/one/people#invitation"
    page = desk.get("/e/one/people").content.decode()
    (address,) = set(re.findall(r"http://192\.0\.2\.7:8000/join/[\w-]{32}", page))
    assert "data:image/svg+xml" in page
    assert "listens to this machine alone" not in page
    assert address.rpartition("/")[2] not in desk.get("/e/one/people").content.decode()
    assert guest(world, "/join/" + address.rpartition("/")[2]).get("/e/one/label").status_code == 200
    settings.RL_TEACHER = replace(settings.RL_TEACHER, share_url="")
    desk.post("/e/one/invites", {"role": "guest"})
    assert "listens to this machine alone" in desk.get("/e/one/people").content.decode()


def test_only_the_trainer_of_this_machine_makes_links_and_only_where_others_come(world, owner):
    world.comparison(owner.experiment)
    access.know_own_token("rlt_own")
    own, away = world.trainer("rlt_own"), world.trainer(world.token(experiment=owner.experiment))
    path = "/api/v1/experiments/one/invites"
    assert away.post(path).status_code == 403
    assert own.post(path).json() == {"url": None, "days": 7, "uses": 20}
    assert not Invite.objects.exists()
    world.user("root", admin=True)
    settings.RL_TEACHER = replace(settings.RL_TEACHER, share_url="https://lab.example")
    url = own.post(path).json()["url"]
    assert url.startswith("https://lab.example/join/")
    assert answer(guest(world, url.removeprefix("https://lab.example"))).status_code == 201
    assert own.post(path, REMOTE_ADDR="192.0.2.9").status_code == 401
