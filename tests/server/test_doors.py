"""Who gets in: links, passwords, and how guesses at them are slowed down."""

import json
from dataclasses import replace

import pytest
from django.conf import settings
from django.test import RequestFactory
from django.utils import timezone

from rl_teacher.server import shared_throttle
from rl_teacher.server.models import LoginLink
from rl_teacher.server.transactions import access


def test_the_one_time_link_works_once_and_not_for_long(world):
    from datetime import timedelta

    admin = world.user("root", admin=True)
    secret = access.make_login_link(admin)
    assert secret not in json.dumps(list(LoginLink.objects.values()), default=str)
    headers = {"Accept": "application/json"}
    first, second = world.browser(), world.browser()
    assert first.post("/enter", {"token": secret}, headers=headers).json() == {"next": "/"}
    assert first.get("/").status_code == 200
    assert second.post("/enter", {"token": secret}, headers=headers).status_code == 403
    old = access.make_login_link(admin)
    LoginLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert second.post("/enter", {"token": old}, headers=headers).status_code == 403


def guess(browser, name="ann", door="/login", address="10.0.0.1", password="wrong"):
    return browser.post(door, {"username": name, "password": password}, REMOTE_ADDR=address).status_code


def test_a_password_lets_in_and_leads_nowhere_else(world):
    world.user("ann", password="a long enough password")
    browser = world.browser()
    assert browser.post("/login", {"username": "ann", "password": "wrong"}).status_code == 403
    good = browser.post("/login", {"username": "ann", "password": "a long enough password", "next": "//evil.example"})
    assert (good.status_code, good["Location"]) == (303, "/")


@pytest.fixture
def one_moment(monkeypatch):
    """However long the attempts take; the database counts in real time, and a busy machine is slow."""
    moment = timezone.now()
    monkeypatch.setattr(shared_throttle, "clock", lambda: moment)


@pytest.mark.usefixtures("one_moment")
def test_guesses_at_one_name_are_slowed_down_whatever_its_spelling(world):
    browser = world.browser()
    codes = [guess(browser, name) for name in ("bob", "Bob") * 6]
    assert codes == [403] * 10 + [429] * 2


@pytest.mark.usefixtures("one_moment")
def test_guesses_from_one_address_are_slowed_down_whatever_the_door(world):
    browser = world.browser()
    codes = [guess(browser, f"name-{number}") for number in range(20)]
    codes += [browser.post("/enter", {"token": "x"}, REMOTE_ADDR="10.0.0.1").status_code for _ in range(20)]
    assert codes == [403] * 40
    codes = [browser.get(f"/join/code-{number}", REMOTE_ADDR="10.0.0.1").status_code for number in range(21)]
    assert codes == [404] * 20 + [429]
    assert guess(browser, "another") == 429
    assert guess(browser, "another", address="10.0.0.2") == 403


def test_wrong_passwords_of_others_lock_nobody_out(world):
    password = "a long enough password"
    world.user("ann", password=password)
    at_home = world.browser()
    assert guess(at_home, address="10.0.0.1", password=password) == 303  # this browser is known from now on
    stranger = world.browser()
    assert [guess(stranger, address="10.0.0.1") for _ in range(12)][-1] == 429
    assert guess(world.browser(), address="10.0.0.1", password=password) == 429
    assert guess(world.browser(), address="10.0.0.2", password=password) == 303
    assert guess(at_home, address="10.0.0.1", password=password) == 303


def test_a_known_browser_guesses_no_more_than_others_and_only_its_own_name(world):
    for name in ("ann", "bob"):
        world.user(name, password=f"the password of {name}")
    browser = world.browser()
    assert guess(browser, password="the password of ann") == 303
    assert [guess(browser) for _ in range(11)] == [403] * 10 + [429]
    assert [guess(browser, "bob") for _ in range(11)] == [403] * 10 + [429]
    forged = world.browser()
    forged.cookies["rl_teacher_known_8000"] = "WyJhbm4iLDFd:1:forged"
    assert [guess(forged) for _ in range(11)] == [403] * 10 + [429]


def test_many_who_come_in_at_once_from_one_address_are_not_slowed_down(world):
    for number in range(80):
        world.user(f"p{number}", password="a long enough password")
    codes = [guess(world.browser(), f"p{number}", password="a long enough password") for number in range(80)]
    assert codes == [303] * 80


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("6.6.6.6, 203.0.113.5", "203.0.113.5"),  # the proxy appends; what comes before it anybody may write
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("nonsense", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_behind_a_proxy_addresses_are_those_that_the_proxy_saw(world, forwarded, address):
    from rl_teacher.server.throttle import address_of

    request = RequestFactory().get("/login", HTTP_X_FORWARDED_FOR=forwarded)
    assert address_of(request) == "127.0.0.1"
    settings.RL_TEACHER = replace(settings.RL_TEACHER, behind_proxy=True)
    assert address_of(request) == address


@pytest.mark.parametrize("door", ["/admin/login/", "/admin/login/?next=/admin/feedback/response/"])
def test_the_admin_has_no_door_of_its_own(world, door):
    world.user("root", admin=True, password="a long enough password")
    browser = world.browser()
    assert browser.get(door)["Location"].startswith("/login?next=%2Fadmin%2F")
    form = {"username": "root", "password": "a long enough password", "next": "/admin/"}
    assert browser.post(door, form).status_code == 405
    assert "/login?next=" in browser.get("/admin/", follow=True).redirect_chain[-1][0]
    assert browser.post("/login", form)["Location"] == "/admin/"
    assert browser.get("/admin/").status_code == 200
    assert world.browser(world.user("ann")).get("/admin/", follow=True).status_code == 403


def test_guesses_at_ones_own_password_are_slowed_down(world):
    browser = world.browser(world.user("ann", password="a long enough password"))
    codes = [browser.post("/me/password", {"old": "x", "new": "another long one"}).status_code for _ in range(11)]
    assert codes == [403] * 10 + [429]
    assert browser.get("/admin/password_change/")["Location"] == "/me"
