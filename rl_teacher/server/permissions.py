"""What a person may do with an experiment. Whoever is no member cannot tell that it exists."""

from dataclasses import dataclass

from rl_teacher.server.models import Comparison, Experiment, Membership, User
from rl_teacher.server.problems import Problem
from rl_teacher.server.transactions.access import join
from rl_teacher.server.transactions.write import write


@dataclass(frozen=True, slots=True)
class Access:
    """A person at an experiment."""

    user: User
    experiment: Experiment
    member: Membership | None

    @property
    def role(self) -> str:
        """admin, owner, labeler or viewer."""
        if self.user.is_superuser:
            return "admin"
        assert self.member is not None, "access without membership"
        return str(self.member.role)

    @property
    def can_label(self) -> bool:
        """Whether they may answer."""
        return self.role in ("admin", "owner", "labeler")

    @property
    def can_manage(self) -> bool:
        """Whether they may pause, invite, export."""
        return self.role in ("admin", "owner")

    @property
    def can_view(self) -> bool:
        """Whether they may see curves and other people's answers."""
        return self.role in ("admin", "owner", "viewer")

    def labeler(self) -> Membership:
        """Their membership, for answering; an admin becomes a member by it."""
        if not self.can_label:
            raise Problem(
                "scope", f"you are a {self.role} of {self.experiment.slug!r}; only labelers and owners answer."
            )
        if self.member is not None:
            return self.member
        with write():
            return join(self.user, self.experiment, "owner")


def access(user: User, slug: str, need: str = "") -> Access:
    """What `user` may do with the experiment `slug`; `need` is `label`, `manage`, `view` or nothing."""
    return _access(user, Experiment.objects.filter(slug=slug).first(), need)


def access_to_comparison(user: User, comparison_id: object) -> tuple[Access, Comparison]:
    """The same by a comparison."""
    rows = Comparison.objects.select_related(
        "experiment", "a__mp4", "a__webm", "a__arrays", "b__mp4", "b__webm", "b__arrays"
    )
    comparison = rows.filter(pk=comparison_id).first()
    return _access(user, comparison.experiment if comparison else None, ""), comparison


def _access(user: User, experiment: Experiment | None, need: str) -> Access:
    member = Membership.objects.filter(user=user, experiment=experiment).first() if experiment else None
    if experiment is None or (member is None and not user.is_superuser):
        raise Problem("not-found", "there is no such experiment, or you are not a member.")
    found = Access(user, experiment, member)
    allowed = {"": True, "label": found.can_label, "manage": found.can_manage, "view": found.can_view}[need]
    if not allowed:
        raise Problem(
            "scope", f"you are a {found.role} of {experiment.slug!r}; that is not enough here. Ask its owner."
        )
    return found


def memberships(user: User) -> dict[int, Membership]:
    """All of a person's memberships by id."""
    return {row.pk: row for row in Membership.objects.filter(user=user).select_related("experiment")}
