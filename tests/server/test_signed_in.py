"""Who a request comes from is who Django says it is."""

from datetime import timedelta

import pytest
from django.contrib import auth
from django.contrib.sessions.models import Session
from django.test import RequestFactory
from django.utils import timezone

from rl_teacher.server.signed_in import SessionStore, user_of


@pytest.fixture
def ann(world):
    return world.user("ann", password="a long password")


def request_of(user):
    """What a browser sends that signed in as `user`, with a session as the next request finds it."""
    request = RequestFactory().get("/")
    request.session = SessionStore()
    auth.login(request, user, "django.contrib.auth.backends.ModelBackend")
    request.session.save()
    return again(request)


def again(request):
    later = RequestFactory().get("/")
    later.session = SessionStore(request.session.session_key)
    return later


def test_it_is_the_one_who_signed_in_with_all_that_the_account_has(ann):
    found = user_of(request_of(ann))
    assert found == ann
    assert found.__dict__ | {"_state": 0, "backend": 0} == auth.get_user(request_of(ann)).__dict__ | {
        "_state": 0,
        "backend": 0,
        "last_login": found.last_login,
    }


def test_nobody_is_signed_in_without_a_session(world):
    request = RequestFactory().get("/")
    request.session = SessionStore()
    assert user_of(request).is_anonymous
    request.session = SessionStore("0" * 32)
    assert user_of(request).is_anonymous


def test_a_session_ends_with_its_time(ann):
    request = request_of(ann)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert user_of(again(request)).is_anonymous


def test_an_account_that_is_switched_off_is_nobody(ann):
    request = request_of(ann)
    ann.is_active = False
    ann.save()
    assert user_of(again(request)).is_anonymous


def test_another_password_ends_all_sessions(ann):
    request = request_of(ann)
    ann.set_password("another long password")
    ann.save()
    assert user_of(again(request)).is_anonymous
    assert not Session.objects.exists()  # Django throws such a session away


@pytest.mark.parametrize(("name", "value"), [("hash", "0" * 64), ("backend", "no")])
def test_a_session_with_something_odd_is_left_to_django(ann, name, value):
    request = request_of(ann)
    request.session[f"_auth_user_{name}"] = value
    assert user_of(request) == auth.get_user(request)
