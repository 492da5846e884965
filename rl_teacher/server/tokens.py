"""Tokens and login links for the command line."""

from rl_teacher.errors import ServerFault
from rl_teacher.server.models import ApiToken, Experiment, User
from rl_teacher.server.transactions.access import local_owner, make_login_link, make_token, revoke_token


def create(name: str, slug: str, days: int | None) -> str:
    """The text of a new token."""
    experiment = None
    if slug:
        experiment = Experiment.objects.filter(slug=slug).first()
        if experiment is None:
            raise ServerFault(f"--experiment: got {slug!r}, expected one of {_slugs()}.")
    return make_token(name, experiment=experiment, days=days, made_by=local_owner())[1]


def describe_all() -> list[str]:
    """A line per token."""
    return [
        f"{row.prefix}…  {'valid' if row.is_valid else 'closed'}  {row.name}  "
        f"{row.experiment.slug if row.experiment else 'any'}"
        for row in ApiToken.objects.select_related("experiment").order_by("pk")
    ]


def revoke(prefix: str) -> list[str]:
    """The names of the tokens that are closed now."""
    rows = list(ApiToken.objects.filter(prefix__startswith=prefix[:10], revoked_at=None)) if prefix else []
    if not rows:
        raise ServerFault(f"token {prefix!r}: no open one begins like this. `rl-teacher token list` shows all.")
    for row in rows:
        revoke_token(row.pk, local_owner())
    return [row.name for row in rows]


def login_secret(username: str) -> str:
    """What goes behind the # of a login link."""
    if not username:
        return make_login_link(local_owner())
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise ServerFault(f"--user: got {username!r}, expected the name of an account.")
    return make_login_link(user)


def _slugs() -> list[str]:
    return list(Experiment.objects.order_by("slug").values_list("slug", flat=True))
