"""Who may open a page: signed-in people only, unless a view says otherwise."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache

from rl_teacher.server.base_path import url_to
from rl_teacher.server.models import User
from rl_teacher.server.problems import Problem, error_page

View = Callable[..., HttpResponseBase]
NOTHING = "there is nothing at this address, or it is not yours to see."


def page(*methods: str, guests: bool = False) -> Callable[[View], View]:
    """A page for whoever is signed in, by these methods; nothing of it is cached.

    Args:
        methods: of HTTP.
        guests: whether it is for those too who came by a link alone.
    """

    def wrap(view: View) -> View:
        @never_cache
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                if request.method in ("GET", "HEAD"):
                    return redirect_to_login(request.get_full_path(), url_to("/login"), "next")
                return error_page(request, Problem("not-signed-in", "Sign in first."))
            if user_of(request).is_guest and not guests:
                return error_page(request, Problem("not-found", NOTHING))
            allowed = ("HEAD", *methods) if "GET" in methods else methods
            if request.method not in allowed:
                response = error_page(request, Problem("method", f"{request.method} is not possible here."))
                response["Allow"] = ", ".join(methods)
                return response
            return view(request, *args, **kwargs)

        return guarded

    return wrap


def open_page(*methods: str) -> Callable[[View], View]:
    """A page for everybody."""

    def wrap(view: View) -> View:
        @never_cache
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method not in ("HEAD", *methods):
                return HttpResponse(status=405, headers={"Allow": ", ".join(methods)})
            return view(request, *args, **kwargs)

        return guarded

    return wrap


def user_of(request: HttpRequest) -> User:
    """Who is signed in."""
    return cast(User, request.user)


def admin_only(request: HttpRequest) -> User:
    """The signed-in admin."""
    user = user_of(request)
    if not user.is_superuser:
        raise Problem("not-found", NOTHING)
    return user


def whole(text: str | None, name: str, low: int, high: int) -> int:
    """A whole number of a form."""
    try:
        value = int(text or "")
    except ValueError:
        raise Problem("invalid", f"{name}: got {(text or '')[:40]!r}, expected a whole number.") from None
    if not low <= value <= high:
        raise Problem("invalid", f"{name}: got {value}, expected {low} to {high}.")
    return value


def share(text: str | None, name: str) -> float:
    """A number from 0 to 1 of a form."""
    try:
        value = float(text or "")
    except ValueError:
        raise Problem("invalid", f"{name}: got {(text or '')[:40]!r}, expected a number.") from None
    if not 0 <= value <= 1:
        raise Problem("invalid", f"{name}: got {value}, expected 0 to 1.")
    return value
