"""Milestones and the ending of a lesson, in a real Chromium: what comes when, and that it harms no answer."""

import pytest
from browser_axe import serious
from browser_server import LiveExperiment

ENDING = {"step": 9000, "labels": 37, "before": -184.3, "after": 766.2, "commands": ["rl-teacher replay hop"]}
BEGUN = {"first_labels": 4, "label_budget": 80, "has_begun": True, "relevances": "more forward velocity (96 %)"}


def tell(experiment, **told):
    experiment.tell(**{"first_labels": 4} | told)


def show_agent(experiment, film):
    experiment.call("POST", "/videos", json={"step": 400_000, "blob": experiment.blob(film, "video/mp4")})


def test_the_bar_runs_to_the_beginning_and_a_card_says_that_it_came(experiment, films, labeler):
    experiment.ask_some(films, 20)
    tell(experiment, label_budget=80)
    window = labeler().open()
    assert window.page.inner_text("#given") == "0/4"
    assert window.page.inner_text("#given-what") == "until it learns"
    window.answer("ArrowDown")  # can't tell counts at first: training waits for as many answers of any kind
    window.wait_saved()
    window.page.wait_for_function("() => document.querySelector('#given').textContent === '1/4'")
    assert window.page.get_attribute("#progress", "max") == "4"
    tell(experiment, **BEGUN)
    window.page.wait_for_selector("#begun:not([hidden])")
    assert window.page.inner_text("#given") == "0/80"  # without another answer
    assert window.page.inner_text("#begun-text") == "It looks at: more forward velocity (96 %)"
    assert serious(window.page) == []
    window.answer("ArrowLeft")  # it is in nobody's way
    window.wait_saved()
    window.page.wait_for_function("() => document.querySelector('#given').textContent === '1/80'")
    window.page.click("#begun-close")
    assert window.page.is_hidden("#begun")
    window.open()
    window.page.wait_for_timeout(500)
    assert window.page.is_hidden("#begun")  # once


def test_where_there_is_no_budget_nothing_is_full_and_who_comes_later_had_no_part_in_it(experiment, films, labeler):
    experiment.ask_some(films, 20)
    tell(experiment, **BEGUN | {"label_budget": 0})
    window = labeler().open()
    window.page.wait_for_timeout(500)
    assert window.page.is_hidden("#begun")
    assert window.page.is_hidden("#progress")
    window.answer("ArrowLeft")
    window.wait_saved()
    assert window.page.inner_text("#given") == "1"


@pytest.mark.slow
def test_after_25_answers_then_stands_beside_now_for_three_seconds_and_nothing_is_answered_meanwhile(
    server, films, labeler
):
    experiment = LiveExperiment(server)
    experiment.ask_some(films, 40)
    show_agent(experiment, films[-1])
    window = labeler(experiment.slug).open()
    for number in range(25):
        before = window.shown
        if number == 24:
            window.page.wait_for_function(
                "() => document.querySelector('#milestone [data-moment=now] video').readyState > 1"
            )
        window.page.keyboard.press("ArrowLeft")
        if number < 24:
            window.wait_next(before)
    window.page.wait_for_selector("#milestone[open]")
    assert window.page.evaluate("[...document.querySelectorAll('#milestone video')].map(v => v.videoWidth)") == [
        160,
        160,
    ]
    window.page.wait_for_function("() => document.querySelector('#milestone video').currentTime > 0")
    shown = window.shown
    window.page.keyboard.press("ArrowRight")
    assert serious(window.page) == []
    window.page.wait_for_selector("#milestone:not([open])", state="attached")
    assert window.shown == shown
    window.wait("open")
    window.wait_saved()
    assert len(experiment.labels()) == 25
    before = window.shown
    window.page.keyboard.press("ArrowLeft")
    window.wait_next(before)
    assert window.page.locator("#milestone[open]").count() == 0


def test_whoever_waits_sees_then_beside_now(experiment, films, labeler):
    first = experiment.ask_some(films[:2], 1)
    show_agent(experiment, films[-1])
    window = labeler().open()
    assert first
    window.page.keyboard.press("ArrowLeft")
    window.wait("empty")
    window.page.wait_for_selector("#wait-clips:not([hidden])")
    assert window.page.is_hidden("#agent")
    moved = "() => [...document.querySelectorAll('#wait-clips video')].every(video => video.currentTime > 0)"
    window.page.wait_for_function(moved)
    experiment.ask_some(films, 4)
    window.wait("open")
    window.page.wait_for_selector("#wait-clips", state="hidden")


def test_the_ending_comes_over_open_clips_and_goes_when_training_goes_on(experiment, films, labeler):
    experiment.ask_some(films, 20)
    show_agent(experiment, films[-1])
    window = labeler().open()
    window.answer("ArrowLeft")
    tell(experiment, **BEGUN, ending=ENDING)
    experiment.beat("done")
    page = window.page
    page.wait_for_selector("#ending:not([hidden])")
    assert page.inner_text("#ending-learned") == "The agent has learned from 37 answers. Thank you."
    assert page.inner_text("#ending-returns") == "An episode returned −184 at first. Now it returns 766."
    assert page.inner_text("#ending-relevances") == "It looks at: more forward velocity (96 %)"
    assert page.inner_text("#ending-commands code") == "rl-teacher replay hop"
    assert page.inner_text("#ending-link") == f"{experiment.server.url}/e/{experiment.slug}"
    page.keyboard.press("ArrowRight")  # it answers no pair that nobody sees
    assert page.is_hidden("#pair")
    window.wait_saved()
    assert len(experiment.labels()) == 1
    assert serious(page) == []
    page.wait_for_timeout(2000)
    assert experiment.beat("done")["ending_seen"] is True
    experiment.beat("training")
    page.wait_for_selector("#ending", state="hidden")
    window.wait("open")
    window.answer("ArrowLeft")
    window.wait_saved()
    assert len(experiment.labels()) == 2


def test_a_page_that_nobody_looks_at_does_not_count_as_seen(experiment, films, labeler):
    experiment.ask_some(films, 4)
    tell(experiment, **BEGUN, ending=ENDING)
    window = labeler()
    window.page.add_init_script(
        "Object.defineProperty(document, 'hidden', {configurable: true, get: () => !window.isLookedAt})"
    )
    window.open(None)
    experiment.beat("done")
    window.page.wait_for_selector("#ending:not([hidden])")
    window.page.wait_for_timeout(2000)
    assert experiment.beat("done")["ending_seen"] is False
    window.page.evaluate("window.isLookedAt = true; document.dispatchEvent(new Event('visibilitychange'))")
    window.page.wait_for_timeout(2000)
    assert experiment.beat("done")["ending_seen"] is True


def test_the_experiment_page_and_a_run_without_clips_or_figures_show_it_too(experiment, labeler):
    window = labeler()
    window.page.goto(f"{experiment.server.url}/e/{experiment.slug}")
    experiment.beat("done")  # of an older version: it says nothing more
    window.page.wait_for_selector("#ending:not([hidden])")
    assert window.page.inner_text("#ending-learned") == "The agent has learned from 0 answers. Thank you."
    assert [window.page.is_hidden(f"#ending-{part}") for part in ("clips", "returns", "relevances", "next")] == [
        True
    ] * 4
    assert serious(window.page) == []
    experiment.beat("paused")
    window.page.wait_for_selector("#ending", state="hidden")
