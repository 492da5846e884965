"""The task in one sentence, in a real Chromium: the owner is asked, labelers wait, and words change on open pages."""

import subprocess
import sys

from browser_axe import serious
from browser_server import LiveExperiment

TITLE = "h1.task"


def second_person(server, chromium, slug):
    """Cookies of somebody who was invited to label."""
    words = [sys.executable, "-m", "rl_teacher.server", "manage", "shell", "--data-dir", str(server.data_dir)]
    code = (
        "from rl_teacher.server.models import *; from rl_teacher.server.transactions.write import write\n"
        "with write():\n"
        f"    user, _ = User.objects.get_or_create(username='lena-{slug}')\n"
        f"    Membership.objects.get_or_create(experiment=Experiment.objects.get(slug='{slug}'), user=user, "
        "role='labeler', pseudonym='lena')\n"
    )
    done = subprocess.run([*words, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    path = server.login_path(f"lena-{slug}")
    context = chromium.new_context()
    page = context.new_page()
    page.goto(server.url + path)
    page.wait_for_url(f"{server.url}/")
    cookies = context.cookies()
    context.close()
    return list(cookies)


def test_the_owner_says_the_task_and_everybody_begins(server, chromium, films, labeler):
    experiment = LiveExperiment(server, task="", guideline=None, env_id="CartPole-v1")
    experiment.ask_some(films, 40)  # for two
    cookies = second_person(server, chromium, experiment.slug)
    lena = labeler(experiment.slug, cookies=cookies).open("held")
    assert lena.page.inner_text("#notice-title") == "The task is still to be said"
    assert lena.page.locator(".task-form").count() == 0
    assert lena.page.inner_text(TITLE) == "Which clip is better?"
    owner = labeler(experiment.slug).open("held")
    assert serious(owner.page, ".task-form") == []
    field = owner.page.get_by_label("One sentence, which people read above the clips")
    field.fill("Keep the pole upright, and wander as little as you can")  # a, d, w and s are keys of answers
    assert field.input_value() == "Keep the pole upright, and wander as little as you can"
    owner.page.get_by_role("button", name="Start labeling").last.click()
    owner.wait("open")
    lena.wait("open")  # by itself
    for window in (owner, lena):
        assert window.page.inner_text(TITLE) == "Keep the pole upright, and wander as little as you can"
    lena.answer("ArrowLeft")
    lena.wait_saved()
    assert len(experiment.events()) == 1


def test_the_owner_may_go_on_without_one(server, films, labeler):
    experiment = LiveExperiment(server, task="", guideline=None, env_id="CartPole-v1")
    experiment.ask_some(films, 4)
    owner = labeler(experiment.slug).open("held")
    owner.page.get_by_role("button", name="Go on without one").click()
    owner.wait("open")
    assert owner.page.inner_text(TITLE) == "Which clip is better?"


def test_other_words_reach_pages_that_are_open_and_the_guide(server, films, labeler):
    experiment = LiveExperiment(server, task="Hop", guideline="Lying is *bad*.")
    experiment.ask_some(films, 20)
    window = labeler(experiment.slug).open()
    assert window.page.inner_text(TITLE) == "Hop"
    owner = labeler(experiment.slug)
    owner.page.goto(f"{server.url}/e/{experiment.slug}")
    owner.page.get_by_text("Say the task in other words").click()
    owner.page.get_by_label("What the agent should learn").fill("Hop far")
    owner.page.get_by_role("button", name="Save").first.click()
    owner.page.get_by_text("People now read: Hop far").wait_for()
    for _ in range(5):  # the answer that asks for more pairs brings the news
        window.wait_next(window.answer("ArrowLeft"))
    window.page.wait_for_function(f"document.querySelector('{TITLE}').textContent === 'Hop far'")
    window.page.get_by_role("button", name="Guide", exact=True).click()
    assert window.page.inner_text("#guide .guide-task") == "Hop far"
    assert window.page.inner_text("#guide .prose") == "Lying is bad."
