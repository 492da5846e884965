"""Who may come in: accounts, tokens, one-time links, invitations, roles."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import F, Q
from django.utils import timezone

from rl_teacher.server import postgres
from rl_teacher.server.models import ApiToken, AuditLog, Experiment, Invite, LoginLink, Membership, Role, User
from rl_teacher.server.problems import Problem
from rl_teacher.server.transactions import guests
from rl_teacher.server.transactions.write import write

SCOPES = ("dataset:write", "dataset:read", "metrics:write")
LINK_MINUTES = 10
CONSENT = "2026-11"
"""Which text of join.html people agree to; a new text gets a new name."""
LOCAL_OWNER = "owner"
_SEEN_EVERY = timedelta(hours=1)
_UNUSED = timedelta(days=90)


def sha256_of(secret: str) -> str:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def audit(user: User | None, action: str, experiment: Experiment | None = None, **detail: Any) -> None:
    """Note who did what; within a transaction that runs already."""
    AuditLog.objects.create(user=user, action=action, experiment=experiment, detail=detail)


def local_owner() -> User:
    """The person whose machine this is: admin, without a password."""
    found = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if found is not None:
        return found
    owner = User(username=LOCAL_OWNER, is_superuser=True, is_staff=True)
    owner.set_unusable_password()
    try:
        with write():
            owner.save()
    except IntegrityError:  # another process has just made it
        return User.objects.get(username=LOCAL_OWNER, is_superuser=True)
    return owner


def make_login_link(user: User) -> str:
    """A secret that logs `user` in, once, within ten minutes."""
    secret = secrets.token_urlsafe(32)
    with write():
        LoginLink.objects.filter(expires_at__lt=timezone.now()).delete()
        LoginLink.objects.create(
            sha256=sha256_of(secret), user=user, expires_at=timezone.now() + timedelta(minutes=LINK_MINUTES)
        )
    return secret


def use_login_link(secret: str) -> User | None:
    """Whose link it is, if it was never used and is not too old."""
    now = timezone.now()
    with write():
        rows = LoginLink.objects.filter(
            sha256=sha256_of(secret), used_at=None, expires_at__gt=now, user__is_active=True
        )
        link = rows.select_related("user").first()
        if link is None or not rows.filter(pk=link.pk).update(used_at=now):
            return None
    return link.user


def make_token(
    name: str,
    *,
    experiment: Experiment | None = None,
    days: int | None = None,
    scopes: Sequence[str] = SCOPES,
    made_by: User | None = None,
) -> tuple[ApiToken, str]:
    """A trainer's token; its text is returned once and stored nowhere."""
    unknown = set(scopes) - set(SCOPES)
    if unknown:
        raise Problem("invalid", f"scopes: got {sorted(unknown)}, expected some of {list(SCOPES)}.")
    text = "rlt_" + secrets.token_urlsafe(32)
    expires = timezone.now() + timedelta(days=days) if days else None
    with write():
        token = ApiToken.objects.create(
            name=name[:100],
            prefix=text[:10],
            sha256=sha256_of(text),
            experiment=experiment,
            scopes=list(scopes),
            made_by=made_by,
            expires_at=expires,
        )
        audit(made_by, "token made", experiment, name=name, prefix=text[:10])
    return token, text


def know_own_token(text: str, former: str = "") -> None:
    """Accept the token of this machine's trainers, from this machine only.

    With PostgreSQL other processes have tokens of their own, which go on: revoked is the one that this process had
    before, and what nobody used for a long time.

    Args:
        text: the token.
        former: the one of the last start.
    """
    now = timezone.now()
    with write():
        others = ApiToken.objects.filter(loopback_only=True, revoked_at=None).exclude(sha256=sha256_of(text))
        if postgres.is_used():
            unused = Q(last_used_at__lt=now - _UNUSED) | Q(last_used_at=None, created_at__lt=now - _UNUSED)
            others = others.filter(Q(sha256=sha256_of(former)) | unused)
        others.update(revoked_at=now)
        ApiToken.objects.update_or_create(
            sha256=sha256_of(text),
            defaults={
                "name": "trainer on this machine",
                "prefix": text[:10],
                "loopback_only": True,
                "scopes": list(SCOPES),
                "revoked_at": None,
                "experiment": None,
                "expires_at": None,
                "last_used_at": now,
            },
        )


def keep_own_token(text: str) -> None:
    """Say that the process whose token this is lives, though no trainer uses it."""
    with write():
        ApiToken.objects.filter(sha256=sha256_of(text), loopback_only=True).update(last_used_at=timezone.now())


def revoke_token(token_id: int, by: User) -> None:
    """Close the door for a token, at once."""
    with write():
        if ApiToken.objects.filter(pk=token_id, revoked_at=None).update(revoked_at=timezone.now()):
            audit(by, "token revoked", None, token=token_id)


def find_token(text: str, *, from_loopback: bool, is_write: bool) -> ApiToken | None:
    """The valid token with this text."""
    token = ApiToken.objects.select_related("experiment").filter(sha256=sha256_of(text)).first()
    if token is None or not token.is_valid or (token.loopback_only and not from_loopback):
        return None
    now = timezone.now()
    if is_write and (token.last_used_at is None or now - token.last_used_at > _SEEN_EVERY):
        with write():
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def next_pseudonym(experiment: Experiment) -> str:
    """labeler-1, labeler-2, …; never one that was used before."""
    taken = set(Membership.objects.filter(experiment=experiment).values_list("pseudonym", flat=True))
    return next(name for number in range(1, len(taken) + 2) if (name := f"labeler-{number}") not in taken)


def join(user: User, experiment: Experiment, role: str) -> Membership:
    """Make `user` a member, within a transaction that runs already; a member stays what they are."""
    found = Membership.objects.filter(user=user, experiment=experiment).first()
    if found is not None:
        return found
    pseudonym = next_pseudonym(experiment)
    return Membership.objects.create(user=user, experiment=experiment, role=role, pseudonym=pseudonym)


def set_role(experiment: Experiment, member_id: int, role: str | None, by: User) -> None:
    """Change what a member may do; None: anonymise them, their answers stay under the pseudonym."""
    if role is not None and role not in Role.values:
        raise Problem("invalid", f"role: got {role[:40]!r}, expected one of {Role.values}.")
    with write():
        rows = Membership.objects.select_related("user", "invite")
        member = rows.filter(pk=member_id, experiment=experiment).first()
        if member is None:
            raise Problem("not-found", "there is no such member.")
        owners = Membership.objects.filter(experiment=experiment, role="owner", user__isnull=False).exclude(
            pk=member.pk
        )
        if member.role == "owner" and role != "owner" and not owners.exists():
            raise Problem("conflict", f"{member.pseudonym} is the only owner. Make somebody else owner first.")
        if role is None:
            guests.see_off(member)
            member.user, member.role = None, "viewer"
        else:
            guests.refuse_role(member, role)
            member.role = role
        member.save()
        audit(by, "role changed", experiment, member=member.pseudonym, role=role)


def make_invite(
    experiment: Experiment, role: str, by: User, *, days: int = 7, uses: int = 1, for_guests: bool = False
) -> str:
    """A code that makes up to `uses` people members; returned once, stored as a hash.

    Args:
        experiment: of which they become members.
        role: what they may do.
        by: who invites.
        days: how long it is good.
        uses: for how many people.
        for_guests: they need no account; for labelers only.
    """
    if for_guests and role != "labeler":
        raise Problem("invalid", f"invitation: got role {role[:40]!r} without an account, expected labeler.")
    if role not in Role.values or not 1 <= days <= 90 or not 1 <= uses <= 500:
        raise Problem(
            "invalid", f"invitation: got role {role[:40]!r}, {days} days, {uses} uses; expected a role, 1–90 and 1–500."
        )
    code = secrets.token_urlsafe(24)
    with write():
        Invite.objects.create(
            sha256=sha256_of(code),
            hint=code[:4],
            experiment=experiment,
            role=role,
            made_by=by,
            expires_at=timezone.now() + timedelta(days=days),
            uses_left=uses,
            for_guests=for_guests,
        )
        audit(by, "invitation made", experiment, role=role, uses=uses, for_guests=for_guests)
    return code


def find_invite(code: str) -> Invite | None:
    """The invitation of this code, if it is still good."""
    found = Invite.objects.select_related("experiment").filter(sha256=sha256_of(code)).first()
    return found if found is not None and found.is_valid else None


def revoke_invite(experiment: Experiment, invite_id: int, by: User) -> None:
    """Nobody can come in by this invitation any more."""
    with write():
        Invite.objects.filter(pk=invite_id, experiment=experiment, revoked_at=None).update(revoked_at=timezone.now())
        audit(by, "invitation revoked", experiment, invite=invite_id)


def accept_invite(code: str, user: User | None, username: str = "", password: str = "") -> User:
    """Use an invitation, making an account first if nobody is signed in; or a guest, where that is enough."""
    with write():
        invite = find_invite(code)
        if invite is None:
            raise Problem("not-found", "this invitation is used up, expired or revoked. Ask for a new one.")
        if invite.for_guests:
            user = user or guests.new_guest()
        elif user is None or user.is_guest:
            user = new_account(username, password)
        known = Membership.objects.filter(user=user, experiment=invite.experiment).exists()
        member = join(user, invite.experiment, invite.role)
        if not known:
            Membership.objects.filter(pk=member.pk).update(invite=invite)
            Invite.objects.filter(pk=invite.pk).update(uses_left=F("uses_left") - 1)
            audit(user, "joined", invite.experiment, role=invite.role, agreed_to=CONSENT)
    return user


def new_account(username: str, password: str, *, is_admin: bool = False) -> User:
    """An account with a password, within a transaction that runs already."""
    user = User(username=username, is_superuser=is_admin, is_staff=is_admin)
    try:
        User.username_validator(username)
        if not 1 <= len(username) <= 150:
            raise ValidationError("expected 1 to 150 characters.")
        validate_password(password, user)
    except ValidationError as error:
        raise Problem("invalid", f"account {username[:40]!r}: {' '.join(error.messages)}") from error
    if User.objects.filter(username__iexact=username).exists():
        raise Problem("conflict", f"account {username[:40]!r}: the name is taken, choose another.")
    user.set_password(password)
    user.save()
    return user
