"""Who may open what: every address as stranger, outsider, labeler and viewer; CSRF; logs; deployment."""

import json
import re
import uuid
from dataclasses import replace
from html import unescape

import pytest
from django.conf import settings
from django.test import override_settings
from django.urls import URLPattern, URLResolver, get_resolver

from rl_teacher.server.logs import mask
from rl_teacher.server.models import Experiment, Membership

OPEN = {"healthz", "readyz", "enter", "login", "join/<str:code>", "admin/login/"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ODD = "11111111-1111-4111-8111-111111111111"


def routes(patterns=None, prefix=""):
    """Every address that Django serves."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry.url_patterns, path)
        elif isinstance(entry, URLPattern):
            yield path


def fill(route, slug="one", comparison=ODD):
    route = (
        re.sub(r"^\^|\$$", "", route).replace("(?P<app_label>auth|feedback)", "feedback").replace("(?P<url>.*)", "x")
    )
    values = {
        "slug": slug,
        "comparison_id": comparison,
        "sha256": "0" * 64,
        "code": "nothing",
        "token_id": 1,
        "user_id": 1,
    }

    def value(found):
        name = found[0].strip("<>").split(":")[-1]
        return str(values.get(name, ODD if "uuid" in found[0] else 1))

    return "/" + re.sub(r"<[^>]+>", value, re.sub(r"\(\?P<\w+>[^)]*\)", "x", route))


def all_routes():
    found = sorted(set(routes()))
    assert len(found) > 100
    return found


def test_strangers_find_nothing_but_login_and_health(world):
    experiment = world.experiment()
    world.comparison(experiment)
    browser = world.browser()
    for route in all_routes():
        for method in METHODS:
            response = browser.generic(method, fill(route), "{}", "application/json")
            where = (method, route, response.status_code)
            if route in OPEN:
                assert response.status_code in (200, 303, 400, 403, 404, 405), where
            elif response.status_code in (301, 302):
                assert re.match(r"/(login|admin/login/)\?next=", response["Location"]) or response["Location"].endswith(
                    "/"
                ), where
            else:
                assert response.status_code in (401, 403, 404, 405), where
            if route.startswith("api/") and response.status_code >= 400 and method != "HEAD":
                assert response["Content-Type"] == "application/problem+json", where


NEEDS_WEBM = "api/v1/experiments/<slug>/queue:needs_webm"  # the one thing of the experiment that labelers may change
LESSON, SEEN = (f"api/v1/experiments/<slug>/lesson:{what}" for what in ("state", "seen"))  # for all members


@pytest.mark.parametrize(("who", "role"), [("outsider", None), ("labeler", "labeler"), ("viewer", "viewer")])
def test_each_role_gets_in_only_where_it_belongs(world, who, role):
    experiment = world.experiment()
    comparison = world.comparison(experiment)
    user = world.user(who)
    if role:
        Membership.objects.create(experiment=experiment, user=user, role=role, pseudonym=who)
    browser = world.browser(user)
    allowed = {
        "outsider": set(),
        "labeler": {
            "e/<str:slug>/label",
            "api/v1/experiments/<slug>/agent",
            LESSON,
            "api/v1/experiments/<slug>/queue",
            "api/v1/experiments/<slug>/responses",
        },
        "viewer": {
            "e/<str:slug>",
            "e/<str:slug>/comparisons",
            "e/<str:slug>/clips",
            "e/<str:slug>/ranking",
            "c/<uuid:comparison_id>",
            LESSON,
            "api/v1/experiments/<slug>/series",
            "api/v1/experiments/<str:slug>/events",
        },
    }[who]
    own = {"", "me", "me/data", "api/v1/me", "api/docs", "api/openapi.json", *OPEN}
    before = Experiment.objects.values().get()
    for route in all_routes():
        if route.startswith("admin/") or route in own or route == "logout":
            continue
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            body, kind = (
                ("{}", "application/json") if route.startswith("api/") else ("", "application/x-www-form-urlencoded")
            )
            response = browser.generic(method, fill(route, "one", str(comparison.id)), body, kind)
            where = (who, method, route, response.status_code)
            if (method == "GET" and route in allowed) or (
                method == "POST" and ((who == "labeler" and route == NEEDS_WEBM) or (role and route == SEEN))
            ):
                assert response.status_code == 200, where
            elif method == "GET" and who == "labeler" and route == "e/<str:slug>":
                assert response["Location"] == "/e/one/label", where
            elif response.status_code == 422:  # said before the role is looked at; nothing is looked up or changed
                assert route.startswith("api/") or route in ("me/answers/<uuid:response_id>", "me/password"), where
            else:
                assert response.status_code in (401, 403, 404, 405), where
    assert Experiment.objects.values().get() == before | {"needs_webm": who == "labeler"}
    assert browser.get("/admin/").status_code == 302


def test_labelers_see_a_pair_only_after_answering_and_no_step_before(world):
    experiment = world.experiment(step=123456)
    comparison = world.comparison(experiment)
    browser = world.browser(world.member(experiment, "ann"))
    assert browser.get(f"/c/{comparison.id}").status_code == 403
    for path in ("/e/one/label", "/"):
        assert b"123456" not in browser.get(path).content
    (row,) = browser.post(
        "/api/v1/experiments/one/queue:claim",
        json.dumps({"want": 1, "have": [], "tab": ODD}),
        content_type="application/json",
    ).json()["assignments"]
    body = {"answer": {"assignment": row["assignment"], "side": "left"}}
    browser.put(f"/api/v1/responses/{uuid.uuid4()}", json.dumps(body), content_type="application/json")
    assert browser.get(f"/c/{comparison.id}").status_code == 200


def test_every_unsafe_session_route_wants_the_csrf_token(world):
    experiment = world.experiment()
    comparison = world.comparison(experiment)
    admin = world.user("root", admin=True)
    browser = world.browser(admin, csrf=True)
    trainers = "blobs|clips|comparisons|invites|labels|metrics|predictions|videos|heartbeat|lesson$"
    bearer = re.compile(rf"{trainers}|experiments/<slug>$")
    for route in all_routes():
        if route.startswith("admin/") or (route.startswith("api/v1/experiments/<slug>") and bearer.search(route)):
            continue
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            response = browser.generic(
                method, fill(route, "one", str(comparison.id)), "", "application/x-www-form-urlencoded"
            )
            assert response.status_code in (403, 405), (method, route, response.status_code)
    assert not Experiment.objects.get().paused


def test_secrets_are_masked_in_logs():
    line = mask("GET /join/abcdef rlt_SECRET-1 /media/x.mp4?x=1&s=SIG /enter#TOKEN Bearer rlt_y")
    for secret in ("abcdef", "SECRET", "SIG", "TOKEN", "rlt_y"):
        assert secret not in line


def test_deployment_checks_find_nothing(world):
    from django.core import checks

    found = [
        m
        for m in checks.run_checks(include_deployment_checks=True)
        if m.level >= checks.WARNING and not m.is_silenced()
    ]
    # Without a TLS proxy (this machine only) cookies cannot be `Secure` and there is no HSTS.
    assert {m.id for m in found} <= {"security.W004", "security.W012", "security.W016"}


LAB = "https://lab.example"


@pytest.mark.parametrize(
    ("behind_proxy", "headers", "says"),
    [
        (False, {"Origin": LAB, "Host": "lab.example"}, "rl-teacher serve --behind-proxy --allowed-host lab.example"),
        (False, {"Origin": f"{LAB}:8443", "Host": "127.0.0.1:8000"}, "--behind-proxy --allowed-host lab.example"),
        (False, {"Referer": f"{LAB}/login", "Host": "localhost"}, "--behind-proxy --allowed-host lab.example"),
        (True, {"Origin": LAB, "Host": "lab.example"}, "X-Forwarded-Proto: https"),
        (True, {"Origin": LAB, "Host": "127.0.0.1:8000", "X-Forwarded-Proto": "https"}, "proxy_set_header Host"),
        (True, {"Origin": f"{LAB}:8443", "Host": "lab.example", "X-Forwarded-Proto": "https"}, "proxy_set_header Host"),
        (True, {"Origin": "http://lab.example", "Host": "lab.example"}, "Open the proxy's https:// address"),
        (False, {"Origin": "http://evil.example", "Host": "localhost"}, "another site sent you here"),
        (False, {"Origin": "http://localhost", "Host": "localhost"}, "Reload the page"),
        (True, {"Origin": LAB, "Host": "lab.example:443", "X-Forwarded-Proto": "https"}, "Reload the page"),
        (False, {"Origin": "http://[", "Host": "localhost"}, "Reload the page"),
        (False, {"Origin": "null", "Host": "localhost"}, "Reload the page"),
    ],
)
def test_a_refused_form_says_what_the_proxy_must_do(world, behind_proxy, headers, says):
    settings.RL_TEACHER = replace(settings.RL_TEACHER, behind_proxy=behind_proxy)
    wanted = {"ALLOWED_HOSTS": ["lab.example", "localhost", "127.0.0.1"]}
    if behind_proxy:
        wanted["SECURE_PROXY_SSL_HEADER"] = ("HTTP_X_FORWARDED_PROTO", "https")
    with override_settings(**wanted):
        browser = world.browser(world.user("ann"), csrf=True)
        browser.get("/login")
        for path in ("/login", "/api/v1/assignments:renew"):
            refused = browser.post(path, "", content_type="application/x-www-form-urlencoded", headers=headers)
            assert refused.status_code == 403
            text = unescape(refused.content.decode())
            assert says in text.replace('\\"', '"') or (path != "/login" and says == "Reload the page"), text


def test_behind_a_proxy_cookies_are_secure(world):
    from rl_teacher.server.settings import make_settings

    found = make_settings(
        replace(settings.RL_TEACHER, behind_proxy=True, hosts=("localhost", "lab.example", ".two.example"))
    )
    assert found["SESSION_COOKIE_SECURE"]
    assert found["CSRF_COOKIE_SECURE"]
    assert found["SECURE_HSTS_SECONDS"] > 0
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://lab.example", "https://*.two.example"]
    assert found["DEBUG"] is False
