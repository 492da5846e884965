"""Errors as RFC 9457 problem documents under /api/, as a page elsewhere."""

import json
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

TITLES = {
    "malformed": (400, "The request is malformed"),
    "hash-mismatch": (400, "The body is not what its hash says"),
    "not-signed-in": (401, "Not signed in"),
    "csrf": (403, "The form cannot be taken"),
    "scope": (403, "Not allowed"),
    "signature": (403, "The address is forged or too old"),
    "not-found": (404, "Not found"),
    "method": (405, "The method is not allowed here"),
    "too-slow": (408, "The request did not come in time"),
    "body-differs": (409, "The id is taken by other content"),
    "already-answered": (409, "Already answered"),
    "superseded": (409, "A newer answer stands"),
    "blobs-missing": (409, "Bytes are missing"),
    "config-differs": (409, "The experiment has another configuration"),
    "conflict": (409, "Not possible as things stand"),
    "too-large": (413, "Too large"),
    "media-type": (415, "Unknown media type"),
    "invalid": (422, "The request is invalid"),
    "bad-media": (422, "The video is not one"),
    "bad-arrays": (422, "The arrays are not acceptable"),
    "slow-down": (429, "Too many requests"),
    "internal": (500, "The server made a mistake"),
    "busy": (503, "Busy"),
    "disk-full": (507, "The disk is full"),
}
_BY_STATUS = {
    400: "malformed",
    401: "not-signed-in",
    403: "scope",
    404: "not-found",
    405: "method",
    408: "too-slow",
    413: "too-large",
    415: "media-type",
    422: "invalid",
    429: "slow-down",
    503: "busy",
    507: "disk-full",
}
_PORTS = {"http": 80, "https": 443}
RETRY_AFTER_S = {429: 2, 503: 2, 507: 60}
log = logging.getLogger("rl_teacher.server")


class Problem(Exception):
    """An error that the caller of the API or of a page gets to see."""

    def __init__(self, slug: str, detail: str, errors: list[dict[str, Any]] | None = None, **more: Any) -> None:
        self.slug, self.detail, self.errors, self.more = slug, detail, errors, more
        self.status, self.title = TITLES[slug]
        super().__init__(f"{slug}: {detail}")

    def document(self) -> dict[str, Any]:
        """The body of the answer."""
        found: dict[str, Any] = {
            "type": f"/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors is not None:
            found["errors"] = self.errors
        return found | self.more


def problem_response(problem: Problem) -> HttpResponse:
    """The answer that tells of `problem`."""
    response = HttpResponse(
        json.dumps(problem.document()), status=problem.status, content_type="application/problem+json"
    )
    response["Cache-Control"] = "no-store"
    if problem.status in RETRY_AFTER_S:
        response["Retry-After"] = str(RETRY_AFTER_S[problem.status])
    if problem.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


def error_page(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The same for a person."""
    from django.template import TemplateDoesNotExist
    from django.template.loader import render_to_string

    context = {"status": problem.status, "title": problem.title, "detail": problem.detail}
    try:
        return HttpResponse(render_to_string("feedback/error.html", context, request), status=problem.status)
    except TemplateDoesNotExist:
        text = f"{problem.status} {problem.title}: {problem.detail}"
        return HttpResponse(text, status=problem.status, content_type="text/plain; charset=utf-8")


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    """A document under /api/, a page elsewhere."""
    if request.path_info.startswith("/api/"):
        return problem_response(problem)
    return error_page(request, problem)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW."""
    detail = trouble_with_proxy(request) or f"{reason or 'CSRF verification failed.'} Reload the page, then try again."
    return answer(request, Problem("csrf", detail))


def trouble_with_proxy(request: HttpRequest) -> str:
    """Why no form of this browser can be taken, where a proxy hides from us what the browser sees; else nothing."""
    from django.conf import settings

    behind_proxy = settings.RL_TEACHER.behind_proxy
    try:
        origin = urlsplit(request.headers.get("Origin", ""))
        if not origin.hostname:  # hidden, or an old browser
            origin = urlsplit(request.headers.get("Referer", ""))
        place = (origin.hostname, origin.port or _PORTS.get(origin.scheme))
    except ValueError:
        return ""
    host = request.headers.get("Host", "")
    start = f"rl-teacher serve --behind-proxy --allowed-host {origin.hostname}"
    if origin.scheme == "https" and not request.is_secure():
        if behind_proxy:
            return (
                f"The browser is at https://{origin.netloc}, the proxy says that it is not HTTPS: let it send "
                "X-Forwarded-Proto: https (docs/server.md, Behind a proxy)."
            )
        return (
            f"The browser is at https://{origin.netloc}, and this server does not know of a proxy with HTTPS: start it "
            f"with `{start}` (docs/server.md, Behind a proxy)."
        )
    if origin.scheme == "http" and behind_proxy and not request.is_secure():
        return (
            "This server was started with --behind-proxy and so takes forms over HTTPS only; the browser is at "
            f"http://{origin.netloc}. Open the proxy's https:// address, or start it without --behind-proxy."
        )
    here = urlsplit(f"{origin.scheme}://{host}")
    if origin.hostname and place != (here.hostname, here.port or _PORTS.get(origin.scheme)):
        return (
            f"The form comes from {origin.netloc}, and this server was asked by the Host {host!r}. If both are this "
            "server, let the proxy pass on the Host that it got (nginx: `proxy_set_header Host $http_host;`; "
            "docs/server.md, Behind a proxy); else another site sent you here."
        )
    return ""


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler404."""
    return answer(request, Problem("not-found", "There is nothing at this address, or it is not yours to see."))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler400."""
    return answer(request, Problem("malformed", "The server cannot read this request."))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler403."""
    return answer(request, Problem("scope", "You may not do this. Ask the owner of the experiment."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500."""
    problem = Problem("internal", "Something went wrong here; nothing that was acknowledged is lost. Try again.")
    if request.path_info.startswith("/api/"):
        return problem_response(problem)
    return HttpResponse(f"500 {problem.title}. {problem.detail}", status=500, content_type="text/plain; charset=utf-8")


class ProblemMiddleware:
    """Turns raised Problems into answers, and every other error answer under /api/ into a problem document."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Sync or async, as the server runs."""
        if iscoroutinefunction(self):
            return self._later(request)
        return self._check(request, self.get_response(request))

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        return self._check(request, await self.get_response(request))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A Problem raised by a page's view."""
        return answer(request, exception) if isinstance(exception, Problem) else None

    def _check(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not request.path_info.startswith("/api/"):
            return response
        if response.status_code >= 400 and response.get("Content-Type") != "application/problem+json":
            slug = _BY_STATUS.get(response.status_code, "internal" if response.status_code >= 500 else "malformed")
            problem = Problem(slug, f"{request.method} {request.path}: {TITLES[slug][1]}.")
            problem.status = response.status_code
            allow = response.get("Allow")
            response = problem_response(problem)
            if allow:
                response["Allow"] = allow
        elif not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        return response
