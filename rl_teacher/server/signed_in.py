"""Who a request comes from: Django's session and account, looked up by queries that are put together once.

Each request asks for both. That was a tenth of what an answer took.
"""

from typing import Any

from django.contrib import auth
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject

from rl_teacher.server.transactions.prepared import Prepared

BACKEND = "django.contrib.auth.backends.ModelBackend"
_SESSION: Prepared[Session] = Prepared(lambda key: Session.objects.filter(session_key=key), str)


class SessionStore(db.SessionStore):
    """Django's, in the database; SESSION_ENGINE finds it by this name."""

    def _get_session_from_db(self) -> Session | None:
        found = [row for row in _SESSION(self.session_key) if row.expire_date > timezone.now()]
        return found[0] if found else super()._get_session_from_db()


def _account(pk: int) -> Any:
    return auth.get_user_model()._default_manager.filter(pk=pk)


_ACCOUNT: Prepared[AbstractBaseUser] = Prepared(_account, int)


def user_of(request: HttpRequest) -> AbstractBaseUser | AnonymousUser:
    """The one who signed in, as Django has it; where anything is unusual Django is asked itself."""
    session = request.session
    pk, known = session.get(auth.SESSION_KEY), session.get(auth.HASH_SESSION_KEY)
    if pk is not None and known and session.get(auth.BACKEND_SESSION_KEY) == BACKEND and str(pk).isdecimal():
        for found in _ACCOUNT(int(pk)):
            if found.is_active and constant_time_compare(known, found.get_session_auth_hash()):
                return found
    return auth.get_user(request)


class UserMiddleware(AuthenticationMiddleware):
    """Django's, but for how `request.user` is found."""

    def process_request(self, request: HttpRequest) -> None:
        """Find it when somebody asks."""
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: user_of(request))
