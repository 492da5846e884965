"""The ranking page: clips from worst to best, how sure that is, what contradicts it; and moving a clip by hand."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from rl_teacher.ranking.ranking import Doubtful, Place, Ranking
from rl_teacher.server.base_path import url_to
from rl_teacher.server.media import blob_url
from rl_teacher.server.models import Clip
from rl_teacher.server.pages.experiment import see
from rl_teacher.server.pages.guard import page, user_of
from rl_teacher.server.permissions import Access, access
from rl_teacher.server.problems import Problem
from rl_teacher.server.transactions.overview import describe
from rl_teacher.server.transactions.ranking import ask_again, place_by_hand, rankings, waiting_clips

SHOWN_OF_GROUP = 24
"""Clips of a group that are shown; where only pairs were compared, a group can have hundreds."""
MOST_DOUBTFUL = 12
STEPS_OF_BAR = 5
"""A bar of so many parts says how sure a place is."""


@page("GET")
def ranking(request: HttpRequest, slug: str) -> HttpResponseBase:
    """`/e/<slug>/ranking`; `list` is the number of a list, from 1 on."""
    return _shown(request, access(user_of(request), slug, "view"))


@page("POST")
def move(request: HttpRequest, slug: str) -> HttpResponseBase:
    """A clip belongs elsewhere: one or two answers."""
    at = access(user_of(request), slug, "view")
    labeler, form = at.labeler(), request.POST
    clip, move_id = _id(form.get("clip"), "clip"), _id(form.get("move"), "move")
    below, above = (_id(text, name) if (text := form.get(name)) else None for name in ("below", "above"))
    said = place_by_hand(labeler, clip, below, above, move_id)
    at.experiment.refresh_from_db()
    if request.headers.get("HX-Request") == "true":
        return _shown(request, at, num_saved=len(said))
    messages.success(request, f"Saved as {len(said)} answer{'s' if len(said) > 1 else ''}.")
    return see(_address(request, slug))


@page("POST")
def again(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Ask about a pair once more."""
    at = access(user_of(request), slug, "view")
    at.labeler()
    _, is_new = ask_again(at.experiment, _id(request.POST.get("comparison"), "comparison"))
    text = "The pair comes next to whoever labels." if is_new else "The pair waits for its answer already."
    messages.success(request, text)
    return see(_address(request, slug))


def _address(request: HttpRequest, slug: str) -> str:
    number = request.POST.get("list", "")
    return f"/e/{slug}/ranking" + (f"?list={number}" if number.isascii() and number.isdecimal() else "")


def _id(text: str | None, name: str) -> uuid.UUID:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        raise Problem("invalid", f"{name}: got {(text or '')[:40]!r}, expected an id.") from None


def _shown(request: HttpRequest, at: Access, num_saved: int = 0) -> HttpResponseBase:
    lists = rankings(at.experiment)
    asked = request.POST.get("list") or request.GET.get("list") or "1"
    number = min(max(int(asked[:6]) if asked.isascii() and asked.isdecimal() else 1, 1), max(1, len(lists)))
    chosen = lists[number - 1] if lists else None
    context = {
        "exp": describe(at),
        "lists": [_list_json(one, n, number) for n, one in enumerate(lists, 1)],
        "number": number,
        "head": at.experiment.next_seq,
        "saved": num_saved,
        "ranking": _ranking_json(chosen, at) if chosen is not None else None,
        "waiting": _waiting_json(lists, at),
    }
    partial = request.headers.get("HX-Request") == "true"
    return render(request, f"feedback/{'_' if partial else ''}ranking.html", context)


def _list_json(one: Ranking, number: int, chosen: int) -> dict[str, Any]:
    return {"number": number, "clips": len(one.clips), "is_chosen": number == chosen, "is_joined": one.is_joined}


def _ranking_json(chosen: Ranking, at: Access) -> dict[str, Any]:
    """What the template shows of a list."""
    urls = _urls(at, [*chosen.clips, *(clip for one in chosen.doubtful for clip in (one.better, one.worse))])
    groups, passed = [], 0
    for group in chosen.groups:
        shown = [_place_json(place, passed + 1, urls) for place in group[:SHOWN_OF_GROUP]]
        groups.append(
            {"clips": shown, "first": passed + 1, "last": passed + len(group), "more": len(group) - len(shown)}
        )
        passed += len(group)
    places = [place for group in chosen.groups for place in group]
    return {
        "groups": groups,
        "num_clips": passed,
        "num_answers": chosen.num_answers,
        "num_open": sum(not place.is_placed for place in places),
        "num_left_out": chosen.num_left_out,
        "wrong": round(100 * chosen.noise),
        "sure": round(100 * chosen.sure),
        "is_joined": chosen.is_joined,
        "doubtful": [_doubtful_json(one, urls) for one in chosen.doubtful[:MOST_DOUBTFUL]],
        "num_doubtful": len(chosen.doubtful),
    }


def _place_json(place: Place, number: int, urls: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": place.clip,
        "url": urls.get(place.clip, ""),
        "number": number,
        "low": place.low,
        "high": place.high,
        "sure": round(100 * place.sure),
        "bar": [step < round(STEPS_OF_BAR * place.sure) for step in range(STEPS_OF_BAR)],
        "num_answers": place.num_answers,
        "is_placed": place.is_placed,
    }


def _doubtful_json(one: Doubtful, urls: Mapping[str, str]) -> dict[str, Any]:
    return {
        "comparison": one.comparison,
        "url": url_to(f"/c/{one.comparison}"),
        "better_url": urls.get(one.better, ""),
        "worse_url": urls.get(one.worse, ""),
        "percent": max(1, round(100 * one.probability)),
    }


def _waiting_json(lists: list[Ranking], at: Access) -> list[dict[str, str]]:
    """Clips that no answer has placed yet, and that somebody is asked about."""
    ranked = {clip for one in lists for clip in one.clips}
    new = [str(clip) for clip in waiting_clips(at.experiment) if str(clip) not in ranked][:SHOWN_OF_GROUP]
    urls = _urls(at, new)
    return [{"id": clip, "url": urls[clip]} for clip in new if clip in urls]


def _urls(at: Access, clips: list[str]) -> dict[str, str]:
    rows = Clip.objects.filter(experiment=at.experiment, pk__in=set(clips)).select_related("mp4")
    return {str(row.pk): blob_url(row.mp4, str(at.user.pk)) for row in rows}
