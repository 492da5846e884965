"""Everything that the server knows about one person, for that person."""

from typing import Any

from rl_teacher.server.journal import journal_line
from rl_teacher.server.models import AuditLog, Flag, LabelEvent, Membership, User

_SECRET_OF_THE_OWNER = ("swapped", "tab", "slot", "assignment_kind", "body_hash", "preferred", "target")
"""Whether a pair was a check measures people only as long as they do not know it; the sides say what was pressed."""


def own_data(user: User) -> dict[str, Any]:
    """The account, the memberships, every answer with its revisions, flags, and what was noted of what they did."""
    members = Membership.objects.filter(user=user).select_related("experiment").order_by("experiment__slug")
    return {
        "account": {
            "name": user.username,
            "email": user.email,
            "made": user.date_joined.isoformat(),
            "last_login": user.last_login.isoformat() if user.last_login else None,
            "is_admin": user.is_superuser,
        },
        "experiments": [_membership(row) for row in members],
        "log": [
            {
                "at": row.at.isoformat(),
                "action": row.action,
                "experiment": row.experiment.slug if row.experiment else None,
                "detail": row.detail,
            }
            for row in AuditLog.objects.filter(user=user).select_related("experiment").order_by("at", "pk")
        ],
    }


def _membership(member: Membership) -> dict[str, Any]:
    related = ("response__assignment__comparison", "response__labeler")
    events = LabelEvent.objects.filter(experiment=member.experiment, response__labeler=member).order_by("seq")
    flags = Flag.objects.filter(assignment__labeler=member, is_media_error=False).order_by("at", "pk")
    return {
        "experiment": member.experiment.slug,
        "pseudonym": member.pseudonym,
        "role": member.role,
        "joined": member.joined_at.isoformat(),
        "answers": [
            {
                key: value
                for key, value in journal_line(row).items()
                if key not in _SECRET_OF_THE_OWNER and key != "said"
            }
            for row in events.select_related(*related)
        ],
        "flags": [
            {"assignment": str(row.assignment_id), "reason": row.reason, "at": row.at.isoformat()} for row in flags
        ],
    }
