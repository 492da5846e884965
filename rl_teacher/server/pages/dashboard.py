"""The first page: a card per experiment."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from rl_teacher.server.base_path import url_to
from rl_teacher.server.models import Experiment, Membership, User
from rl_teacher.server.pages.guard import page, user_of
from rl_teacher.server.permissions import Access
from rl_teacher.server.transactions.curves import sparks
from rl_teacher.server.transactions.overview import describe

SPARKS = ("true_return", "predicted_return", "reward_accuracy", "disagreement")


def reachable(user: User) -> list[Access]:
    """All experiments of a person, the newest first."""
    mine = {row.experiment_id: row for row in Membership.objects.filter(user=user)}
    rows = Experiment.objects.order_by("-created_at")
    if not user.is_superuser:
        rows = rows.filter(pk__in=mine)
    return [Access(user, row, mine.get(row.pk)) for row in rows]


@page("GET", guests=True)
def dashboard(request: HttpRequest) -> HttpResponseBase:
    """`/`; for a guest of one experiment its labeling page."""
    found = reachable(user_of(request))
    if user_of(request).is_guest and len(found) == 1:
        return redirect(url_to(f"/e/{found[0].experiment.slug}/label"))
    cards = [_card(at) for at in found]
    waiting = [card for card in cards if card["can_label"] and card["open_pairs"] and not card["paused"]]
    most = max(waiting, key=lambda card: card["open_pairs"], default=None)
    return render(request, "feedback/dashboard.html", {"cards": cards, "label_next": most["slug"] if most else None})


def _card(at: Access) -> dict[str, Any]:
    slug = at.experiment.slug
    return describe(at) | {
        "sparks": sparks(at.experiment, SPARKS) if at.can_view else {},
        "label_url": url_to(f"/e/{slug}/label"),
        "url": url_to(f"/e/{slug}" if at.can_view else f"/e/{slug}/label"),
    }
