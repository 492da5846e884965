"""Who calls the API: a trainer by its token, a person by their session; checked before the body is read."""

import ipaddress
from dataclasses import dataclass
from typing import Any, cast

from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from rl_teacher.server.models import ApiToken, Experiment, User
from rl_teacher.server.permissions import Access, access
from rl_teacher.server.problems import Problem, trouble_with_proxy
from rl_teacher.server.throttle import REQUESTS
from rl_teacher.server.transactions.access import find_token

SAFE = ("GET", "HEAD", "OPTIONS")


def from_loopback(request: HttpRequest) -> bool:
    """Whether the connection comes from this machine itself, not through a proxy."""
    address = request.META.get("REMOTE_ADDR", "")
    forwarded = {"HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED"} & set(request.META)
    try:
        return not forwarded and ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Trainer:
    """A trainer that showed its token."""

    token: ApiToken

    def may_use(self, slug: str) -> None:
        """Raise `not-found` for an experiment that the token is not for."""
        if self.token.experiment is not None and self.token.experiment.slug != slug:
            raise Problem("not-found", "there is no such experiment, or the token is not for it.")

    def experiment(self, slug: str) -> Experiment:
        """The experiment, if there is one and the token is for it."""
        self.may_use(slug)
        found = Experiment.objects.filter(slug=slug).first()
        if found is None:
            raise Problem("not-found", f"there is no experiment {slug!r}. PUT /api/v1/experiments/{slug} makes it.")
        return found


class TrainerAuth(HttpBearer):
    """`Authorization: Bearer rlt_…` with a scope; cookies count for nothing here."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> Trainer | None:
        """Who it is."""
        found = find_token(token, from_loopback=from_loopback(request), is_write=request.method not in SAFE)
        if found is None:
            return None
        REQUESTS.check(f"token:{found.pk}")
        if self.scope not in found.scopes:
            raise Problem("scope", f"the token {found.prefix}… lacks the scope {self.scope!r}; it has {found.scopes}.")
        return Trainer(found)


class SessionAuth(APIKeyCookie):
    """The login cookie; unsafe methods need the header X-CSRFToken."""

    param_name = "session"

    def __call__(self, request: HttpRequest) -> User | None:
        """Who it is."""
        user = request.user
        if not user.is_authenticated or not user.is_active:
            return None
        if request.method not in SAFE and check_csrf(request) is not None:
            missing = "the header X-CSRFToken is missing or old. Take a new one from GET /api/v1/me."
            raise Problem("csrf", trouble_with_proxy(request) or missing)
        REQUESTS.check(f"user:{user.pk}")
        return cast(User, user)

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:  # never reached: __call__ does it all
        """Unused."""
        return None


read_dataset = TrainerAuth("dataset:read")
write_dataset = TrainerAuth("dataset:write")
write_metrics = TrainerAuth("metrics:write")
session = SessionAuth(csrf=True)


def trainer(request: HttpRequest) -> Trainer:
    """The trainer that authenticated."""
    found = request.auth
    assert isinstance(found, Trainer), f"{type(found)} instead of a trainer"
    return found


def person(request: HttpRequest) -> User:
    """The person that authenticated."""
    found = request.auth
    assert isinstance(found, User), f"{type(found)} instead of a person"
    return found


def person_at(request: HttpRequest, slug: str, need: str = "") -> Access:
    """What the person may do with an experiment."""
    return access(person(request), slug, need)
