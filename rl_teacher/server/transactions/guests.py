"""Guests: people who answer by a link alone, without account or password, as labelers of the experiment it is for."""

import secrets

from rl_teacher.server.models import Experiment, Invite, Membership, User
from rl_teacher.server.problems import Problem

DAYS, USES = 7, 20
"""How long the link that a trainer prints is good, and for how many people."""


def new_guest() -> User:
    """Somebody who can only stay signed in: nothing signs them in again. Within a transaction that runs already."""
    user = User(username=f"guest-{secrets.token_hex(8)}", is_guest=True)
    user.set_unusable_password()
    user.save()
    return user


def refuse_role(member: Membership, role: str) -> None:
    """A guest answers, and no more: whoever has the link is that guest.

    Raises:
        Problem: `conflict`.
    """
    if member.user is not None and member.user.is_guest and role != "labeler":
        raise Problem("conflict", f"{member.pseudonym} is a guest, who can only answer. Invite them with an account.")


def see_off(member: Membership) -> None:
    """A guest is removed, within a transaction that runs already: signed out at once, and their link opens nothing.

    Whoever else came by the same link stays.
    """
    user = member.user
    if user is None or not user.is_guest:
        return
    if member.invite is not None and member.invite.revoked_at is None:
        member.invite.revoke()
    if not Membership.objects.filter(user=user).exclude(pk=member.pk).exists():
        user.is_active = False
        user.save()


def came_by(code_sha256: str, user: User | None) -> Experiment | None:
    """The experiment of an invitation, if `user` is in it already: their link leads there even when it is used up."""
    if user is None:
        return None
    invite = Invite.objects.select_related("experiment").filter(sha256=code_sha256).first()
    if invite is None or not Membership.objects.filter(user=user, experiment=invite.experiment).exists():
        return None
    return invite.experiment
