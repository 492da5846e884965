"""Addresses of the pages."""

from django.urls import path

from rl_teacher.server.pages import comparisons, dashboard, entry, experiment, me, people, ranking

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("enter", entry.enter, name="enter"),
    path("login", entry.sign_in, name="login"),
    path("logout", entry.sign_out, name="logout"),
    path("join/<str:code>", entry.join, name="join"),
    path("me", me.me, name="me"),
    path("me/data", me.data, name="my-data"),
    path("me/answers/<uuid:response_id>", me.edit_answer, name="edit-answer"),
    path("me/password", me.password, name="password"),
    path("people", people.accounts, name="accounts"),
    path("people/<int:user_id>", people.account, name="account"),
    path("tokens", people.tokens, name="tokens"),
    path("tokens/<int:token_id>/revoke", people.revoke_token, name="revoke-token"),
    path("c/<uuid:comparison_id>", comparisons.comparison, name="comparison"),
    path("c/<uuid:comparison_id>/cancel", comparisons.cancel_comparison, name="cancel-comparison"),
    path("e/<str:slug>", experiment.experiment, name="experiment"),
    path("e/<str:slug>/label", experiment.label, name="label"),
    path("e/<str:slug>/pause", experiment.pause, name="pause"),
    path("e/<str:slug>/task", experiment.task, name="task"),
    path("e/<str:slug>/guideline", experiment.guideline, name="guideline"),
    path("e/<str:slug>/settings", experiment.tune, name="tune"),
    path("e/<str:slug>/export", experiment.export, name="export"),
    path("e/<str:slug>/exports", experiment.export_list, name="exports"),
    path("e/<str:slug>/comparisons", comparisons.comparison_list, name="comparisons"),
    path("e/<str:slug>/ranking", ranking.ranking, name="ranking"),
    path("e/<str:slug>/ranking/move", ranking.move, name="move-clip"),
    path("e/<str:slug>/ranking/again", ranking.again, name="ask-again"),
    path("e/<str:slug>/clips", comparisons.clip_list, name="clips"),
    path("e/<str:slug>/quality", people.quality, name="quality"),
    path("e/<str:slug>/people", people.members, name="members"),
    path("e/<str:slug>/invites", people.make_invite, name="make-invite"),
    path("e/<str:slug>/invites/revoke", people.revoke_invite, name="revoke-invite"),
]
