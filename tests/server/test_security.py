"""Who may open what: every address as stranger, outsider, labeler, viewer, owner; CSRF; stored scripts; logs."""

import json
import re
import uuid
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qsl

import pytest
from django.conf import settings
from django.test import RequestFactory, override_settings
from django.urls import URLPattern, URLResolver, get_resolver

from rl_teacher.server.api.viewer import snapshot
from rl_teacher.server.guideline_text import to_html
from rl_teacher.server.logs import mask
from rl_teacher.server.media import blob_url, may_read
from rl_teacher.server.models import Experiment, Invite, LoginLink, Membership, User
from rl_teacher.server.problems import Problem
from rl_teacher.server.transactions import access, manage

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
            "api/v1/experiments/<slug>/queue",
            "api/v1/experiments/<slug>/responses",
        },
        "viewer": {
            "e/<str:slug>",
            "e/<str:slug>/comparisons",
            "e/<str:slug>/clips",
            "c/<uuid:comparison_id>",
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
                method == "POST" and who == "labeler" and route == NEEDS_WEBM
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
    bearer = re.compile(r"blobs|clips|comparisons|labels|metrics|predictions|videos|heartbeat|experiments/<slug>$")
    for route in all_routes():
        if route.startswith("admin/") or (route.startswith("api/v1/experiments/<slug>") and bearer.search(route)):
            continue
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            response = browser.generic(
                method, fill(route, "one", str(comparison.id)), "", "application/x-www-form-urlencoded"
            )
            assert response.status_code in (403, 405), (method, route, response.status_code)
    assert not Experiment.objects.get().paused


XSS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '"><script>alert(1)</script>',
    "javascript:alert(1)",
    "[click](javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "<a href='jaVa\tscript:alert(1)'>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<style>*{background:url(//evil)}</style>",
    "<form action=//evil><input></form>",
    "</script><script>alert(1)</script>",
    "{{ 7*7 }}{% debug %}",
    "<math><mtext></table><mglyph><style><!--</style><img src onerror=alert(1)>",
    "![x](http://evil/p.png)",
    "<div hx-get='/evil' hx-trigger='load'>x</div>",
    "<body onload=alert(1)>",
    "<base href=//evil>",
]


class Alive(HTMLParser):
    """Collects whatever in a page a browser would run or fetch that is not ours."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        ours = (given.get("src") or "").startswith("/static/")
        if tag == "script" and not ours and given.get("type") != "application/json":
            self.found.append((tag, attrs))
        if tag in ("iframe", "base", "object", "embed", "style", "math"):
            self.found.append((tag, attrs))
        for name, value in attrs:
            value = (value or "").strip().lower()
            if name.startswith("on") or name == "style" or value.startswith(("javascript:", "data:", "vbscript:")):
                self.found.append((tag, attrs))
            if name in ("src", "action", "formaction", "hx-get") and (value.startswith("//") or "evil" in value):
                self.found.append((tag, attrs))


def alive(text):
    parser = Alive()
    parser.feed(text)
    return parser.found


@pytest.mark.parametrize("text", XSS)
def test_guidelines_are_harmless(text):
    html = to_html(text)
    assert not re.search(
        r"<(script|style|img|svg|iframe|form|input|base|body|div|math)|on\w+\s*=\s*['\"]?alert[^&]*>|href=\"(?:javascript|data)",
        html,
        re.I,
    ), html


def test_stored_scripts_never_come_out_alive(world):
    experiment = world.experiment(env_id=XSS[3])
    admin = world.user("root", admin=True)
    manage.add_guideline(experiment, "\n\n".join(XSS), admin)
    world.user(XSS[1][:140])
    for text in XSS:
        comparison = world.comparison(experiment, note=text)
    member = Membership.objects.create(
        experiment=experiment, user=User.objects.get(username=XSS[1][:140]), role="labeler", pseudonym="<b>x"
    )
    access.make_token(XSS[0], experiment=experiment)
    browser = world.browser(admin)
    pages = [
        "/",
        "/e/one",
        "/e/one/label",
        "/e/one/comparisons",
        "/e/one/comparisons?note=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/e/one/clips",
        "/e/one/quality",
        "/e/one/people",
        "/people",
        "/tokens",
        "/me",
        f"/c/{comparison.id}",
        "/login?next=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/join/%3Cscript%3E",
    ]
    for page in pages:
        text = browser.get(page).content.decode()
        assert alive(text) == [], page
        assert "<b>x" not in text
    assert member.pk


def test_the_one_time_link_works_once_and_not_for_long(world):
    from datetime import timedelta

    from django.utils import timezone

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


def test_guesses_at_one_name_are_slowed_down_whatever_its_spelling(world):
    browser = world.browser()
    codes = [guess(browser, name) for name in ("bob", "Bob") * 6]
    assert codes == [403] * 10 + [429] * 2


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
