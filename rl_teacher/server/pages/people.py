"""Members, invitations, accounts, tokens, quality."""

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from rl_teacher.server.base_path import url_to
from rl_teacher.server.models import ApiToken, Experiment, Invite, Membership, Role, User
from rl_teacher.server.pages.experiment import see
from rl_teacher.server.pages.guard import admin_only, page, user_of, whole
from rl_teacher.server.permissions import access
from rl_teacher.server.problems import Problem
from rl_teacher.server.qr import qr_picture
from rl_teacher.server.transactions import access as door
from rl_teacher.server.transactions.overview import describe
from rl_teacher.server.transactions.quality import report
from rl_teacher.server.transactions.write import write

MADE = "invitation"
"""In a session: the invitation that was just made, until it is shown."""


@page("GET")
def quality(request: HttpRequest, slug: str) -> HttpResponseBase:
    """`/e/<slug>/quality`."""
    at = access(user_of(request), slug, "manage")
    return render(request, "feedback/quality.html", {"exp": describe(at)} | report(at.experiment))


@page("GET", "POST")
def members(request: HttpRequest, slug: str) -> HttpResponseBase:
    """`/e/<slug>/people`."""
    at = access(user_of(request), slug, "manage")
    if request.method == "POST":
        role = None if request.POST.get("remove") == "1" else request.POST.get("role", "")
        door.set_role(at.experiment, whole(request.POST.get("member"), "member", 1, 2**62), role, at.user)
        return see(f"/e/{slug}/people")
    rows = Membership.objects.filter(experiment=at.experiment).select_related("user").order_by("joined_at", "pk")
    found = [
        {
            "id": row.pk,
            "name": row.user.username if row.user and not row.user.is_guest else None,
            "is_guest": row.user is not None and row.user.is_guest,
            "pseudonym": row.pseudonym,
            "role": row.role,
            "answers": row.answers,
            "is_me": row.user_id == at.user.pk,
        }
        for row in rows
    ]
    invites = Invite.objects.filter(
        experiment=at.experiment, revoked_at=None, expires_at__gt=timezone.now(), uses_left__gt=0
    )
    open_invites = [
        {
            "id": row.pk,
            "code_hint": row.hint,
            "role": row.role,
            "expires_at": row.expires_at,
            "uses_left": row.uses_left,
            "for_guests": row.for_guests,
        }
        for row in invites.order_by("expires_at")
    ]
    address = request.session.pop(MADE, "")
    context = {
        "exp": describe(at),
        "members": found,
        "invites": open_invites,
        "roles": Role.values,
        "made": address and {"address": address, "picture": qr_picture(address), "is_local": not is_shared()},
    }
    return render(request, "feedback/people.html", context)


def is_shared() -> bool:
    """Whether other machines reach this server."""
    config = settings.RL_TEACHER
    return bool(config.share_url) or config.behind_proxy


def _shared_at(request: HttpRequest) -> str:
    """Where others reach us: as the start said, else as this browser does."""
    return str(settings.RL_TEACHER.share_url) or request.build_absolute_uri(url_to("/"))[:-1]


@page("POST")
def make_invite(request: HttpRequest, slug: str) -> HttpResponseBase:
    """An invitation; its address is shown once."""
    at = access(user_of(request), slug, "manage")
    days, uses = (
        whole(request.POST.get("days", "7"), "days", 1, 90),
        whole(request.POST.get("uses", "1"), "uses", 1, 500),
    )
    role, for_guests = request.POST.get("role", "guest"), False
    if role == "guest":
        role, for_guests = "labeler", True
    code = door.make_invite(at.experiment, role, at.user, days=days, uses=uses, for_guests=for_guests)
    request.session[MADE] = f"{_shared_at(request)}/join/{code}"
    return see(f"/e/{slug}/people#invitation")


@page("POST")
def revoke_invite(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Nobody else comes in by it."""
    at = access(user_of(request), slug, "manage")
    door.revoke_invite(at.experiment, whole(request.POST.get("invite"), "invite", 1, 2**62), at.user)
    return see(f"/e/{slug}/people")


@page("GET", "POST")
def accounts(request: HttpRequest) -> HttpResponseBase:
    """`/people`, for admins."""
    admin = admin_only(request)
    if request.method == "POST":
        with write():
            user = door.new_account(
                request.POST.get("username", ""),
                request.POST.get("password", ""),
                is_admin=request.POST.get("is_admin") == "1",
            )
            door.audit(admin, "account made", None, name=user.username)
        return see("/people")
    rows = User.objects.filter(is_guest=False).order_by("username").prefetch_related("memberships__experiment")
    found = [
        {
            "id": row.pk,
            "name": row.username,
            "is_admin": row.is_superuser,
            "active": row.is_active,
            "last_login": row.last_login,
            "experiments": [m.experiment.slug for m in row.memberships.all()],
            "is_me": row.pk == admin.pk,
        }
        for row in rows
    ]
    return render(request, "feedback/accounts.html", {"accounts": found})


@page("POST")
def account(request: HttpRequest, user_id: int) -> HttpResponseBase:
    """Switch an account off or on, or give it a new password."""
    admin = admin_only(request)
    found = User.objects.filter(pk=min(user_id, 2**62)).first()
    if found is None:
        raise Problem("not-found", "there is no such account.")
    active, password = request.POST.get("active"), request.POST.get("password", "")
    if active == "0" and found.pk == admin.pk:
        raise Problem("conflict", "you cannot switch off your own account.")
    with write():
        if active in ("0", "1"):
            found.is_active = active == "1"
        if password:
            _set_password(found, password)
        found.save()
        door.audit(admin, "account changed", None, name=found.username, active=found.is_active, password=bool(password))
    return see("/people")


def _set_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Problem("invalid", f"password: {' '.join(error.messages)}") from error
    user.set_password(password)


@page("GET", "POST")
def tokens(request: HttpRequest) -> HttpResponseBase:
    """`/tokens`: admins for any experiment, owners for theirs."""
    user = user_of(request)
    own = Experiment.objects.order_by("slug")
    if not user.is_superuser:
        own = own.filter(members__user=user, members__role="owner")
        if not own.exists():
            raise Problem("scope", "only owners of an experiment make tokens.")
    text = ""
    if request.method == "POST":
        slug = request.POST.get("experiment", "")
        experiment = own.filter(slug=slug).first() if slug else None
        if experiment is None and (slug or not user.is_superuser):
            raise Problem("invalid", f"experiment: got {slug[:100]!r}, expected one of yours.")
        days = whole(request.POST.get("days") or "90", "days", 1, 3650)
        text = door.make_token(
            request.POST.get("name", "trainer")[:100] or "trainer", experiment=experiment, days=days, made_by=user
        )[1]
    rows = ApiToken.objects.select_related("experiment").order_by("-created_at")
    if not user.is_superuser:
        rows = rows.filter(experiment__in=own)
    columns = (
        "id",
        "name",
        "prefix",
        "scopes",
        "created_at",
        "expires_at",
        "revoked_at",
        "last_used_at",
        "loopback_only",
    )
    found = [
        {n: row.__dict__[n] for n in columns} | {"experiment": row.experiment and row.experiment.slug} for row in rows
    ]
    slugs = list(own.values_list("slug", flat=True))
    return render(request, "feedback/tokens.html", {"tokens": found, "experiments": slugs, "new_token": text})


@page("POST")
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponseBase:
    """Close the door for one."""
    user = user_of(request)
    rows = ApiToken.objects.filter(pk=min(token_id, 2**62))
    if not user.is_superuser:
        rows = rows.filter(experiment__members__user=user, experiment__members__role="owner")
    row = rows.first()
    if row is None:
        raise Problem("not-found", "there is no such token.")
    door.revoke_token(row.pk, user)
    return see("/tokens")
