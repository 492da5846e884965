"""The door: one-time link, password, invitation, and out again."""

from urllib.parse import urlencode

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import ensure_csrf_cookie

from rl_teacher.server.base_path import url_to
from rl_teacher.server.doors import Attempt, remember_browser
from rl_teacher.server.models import User
from rl_teacher.server.pages.guard import open_page, page
from rl_teacher.server.problems import Problem, error_page, problem_response
from rl_teacher.server.transactions.access import accept_invite, find_invite, sha256_of, use_login_link
from rl_teacher.server.transactions.guests import came_by

BACKEND = "django.contrib.auth.backends.ModelBackend"


def _safe_next(request: HttpRequest, target: str) -> str:
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if safe and target.startswith(url_to("/")) else url_to("/")


@open_page("GET", "POST")
@ensure_csrf_cookie
def enter(request: HttpRequest) -> HttpResponseBase:
    """Trade the token of a one-time link (it came in the fragment) for a session, and go to ?next."""
    target = _safe_next(request, request.GET.get("next", ""))
    if request.method != "POST":
        return render(request, "feedback/enter.html", {})
    wants_json = "application/json" in request.headers.get("Accept", "")
    try:
        attempt = Attempt.begin(request)
        user = use_login_link(request.POST.get("token", ""))
        if user is None:
            raise Problem("scope", "This link was used already or is too old. `rl-teacher login-url` prints a new one.")
    except Problem as problem:
        return (
            problem_response(problem)
            if wants_json
            else render(
                request,
                "feedback/login.html",
                {"error": problem.detail, "next": target, "username": ""},
                status=problem.status,
            )
        )
    attempt.succeeded()
    return _let_in(request, user, JsonResponse({"next": target}) if wants_json else _see(target))


@open_page("GET", "POST")
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """Name and password."""
    if request.method != "POST":
        target = _safe_next(request, request.GET.get("next", ""))
        return render(request, "feedback/login.html", {"error": "", "next": target, "username": ""})
    name, target = request.POST.get("username", "")[:150], _safe_next(request, request.POST.get("next", ""))
    error, status = "Name or password is wrong.", 403
    try:
        attempt = Attempt.begin(request, name)
        user = authenticate(
            request, username=name.replace("\x00", ""), password=request.POST.get("password", "")[:1000]
        )
        if user is not None:
            attempt.succeeded()
            return _let_in(request, user, _see(target))
    except Problem as problem:
        error, status = problem.detail, problem.status
    return render(request, "feedback/login.html", {"error": error, "next": target, "username": name}, status=status)


@page("POST", guests=True)
def sign_out(request: HttpRequest) -> HttpResponseBase:
    """End the session."""
    logout(request)
    return _see(url_to("/login"))


@open_page("GET", "POST")
def join(request: HttpRequest, code: str) -> HttpResponseBase:
    """Become a member by an invitation: with the account that one has, a new one, or, where that is enough, none."""
    user = request.user if request.user.is_authenticated else None
    try:
        attempt = Attempt.begin(request)
    except Problem as problem:
        return error_page(request, problem)
    experiment = came_by(sha256_of(code), user)
    invite = find_invite(code)
    if invite is not None or experiment is not None:
        attempt.succeeded()
    if experiment is not None:
        return _see(url_to(f"/e/{experiment.slug}"))
    context = {
        "invite": invite
        and {
            "experiment": invite.experiment.slug,
            "has_agent": invite.experiment.has_agent,
            "role": invite.role,
            "expires_at": invite.expires_at,
            "for_guests": invite.for_guests,
        },
        "error": "",
        "needs_account": invite is not None and not invite.for_guests and (user is None or user.is_guest),
        "username": request.POST.get("username", "")[:150],
    }
    if request.method != "POST":
        return render(request, "feedback/join.html", context, status=200 if invite else 404)
    try:
        password = request.POST.get("password", "")
        if context["needs_account"] and password != request.POST.get("password2", password):
            raise Problem("invalid", "The two passwords differ.")
        member = accept_invite(code, user, context["username"], password[:1000])
    except Problem as problem:
        return render(request, "feedback/join.html", context | {"error": problem.detail}, status=problem.status)
    leads_there = invite is not None and (invite.for_guests or invite.role != "labeler")
    target = url_to(f"/e/{invite.experiment.slug}" if invite and leads_there else "/")
    return _see(target) if member == user else _let_in(request, member, _see(target))


@open_page("GET")
def admin_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Django's admin has no door of its own: whoever is nobody yet signs in as everywhere."""
    if request.user.is_authenticated:
        raise Problem("scope", "Only admins may look here.")
    target = _safe_next(request, request.GET.get("next", url_to("/admin/")))
    return _see(f"{url_to('/login')}?{urlencode({'next': target})}")


@page("GET")
def admin_password(request: HttpRequest) -> HttpResponseBase:
    """Nor a form for passwords."""
    return _see(url_to("/me"))


def _let_in(request: HttpRequest, user: User, response: HttpResponse) -> HttpResponse:
    """A session for whoever has shown who they are; the browser is known from now on."""
    login(request, user, BACKEND)
    remember_browser(response, user.username)
    return response


def _see(url: str) -> HttpResponse:
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response
