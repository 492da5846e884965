"""The API as one object: routers, docs behind the login, errors as problem documents."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from rl_teacher.server.api import labeler, lesson, trainer, viewer
from rl_teacher.server.api.auth import session
from rl_teacher.server.problems import Problem, problem_response
from rl_teacher.server.version import VERSION


def _for_members(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The reference is for those who have an account."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated and request.user.is_guest:
            raise Http404
        return login_required(view)(request, *args, **kwargs)

    return guarded


_SLUGS = {400: "malformed", 401: "not-signed-in", 403: "scope", 404: "not-found", 429: "slow-down"}

api = NinjaAPI(
    title="rl-teacher feedback server",
    version=VERSION,
    description="Trainers upload clips and comparisons and read labels; people answer. Errors: RFC 9457.",
    urls_namespace="api",
    docs_decorator=_for_members,
    auth=session,
)
api.add_router("/v1", trainer.router, tags=["trainer"])
api.add_router("/v1", labeler.router, tags=["labeler"])
api.add_router("/v1", lesson.router, tags=["labeler"])
api.add_router("/v1", viewer.router, tags=["viewer"])


@api.exception_handler(Problem)
def _problem(request: HttpRequest, exc: Problem) -> HttpResponse:
    return problem_response(exc)


@api.exception_handler(AuthenticationError)
def _anonymous(request: HttpRequest, exc: AuthenticationError) -> HttpResponse:
    return problem_response(
        Problem("not-signed-in", "sign in, or send a valid token as `Authorization: Bearer rlt_…`.")
    )


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, exc: ValidationError) -> HttpResponse:
    errors: list[dict[str, Any]] = [
        {"loc": [str(part) for part in error["loc"]], "msg": str(error["msg"])} for error in exc.errors
    ]
    first = f"{'.'.join(errors[0]['loc'])}: {errors[0]['msg']}" if errors else "invalid"
    return problem_response(Problem("invalid", first, errors))


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, exc: HttpError) -> HttpResponse:
    slug = _SLUGS.get(exc.status_code, "malformed")
    return problem_response(Problem(slug, str(exc)))


@api.exception_handler(Http404)
def _missing(request: HttpRequest, exc: Http404) -> HttpResponse:
    return problem_response(Problem("not-found", "there is nothing at this address, or it is not yours to see."))
