"""Addresses of the pages."""

from django.urls import path

from rl_teacher.feedback.pages import entry

urlpatterns = [
    path("enter", entry.enter, name="enter"),
    path("login", entry.sign_in, name="login"),
    path("logout", entry.sign_out, name="logout"),
    path("join/<str:code>", entry.join, name="join"),
]
