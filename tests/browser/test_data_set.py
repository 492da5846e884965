"""Pages of `rl-teacher label` in a real Chromium: a reward learns there and no agent, and pages say so."""

import re

import pytest
from browser_axe import serious
from browser_server import LiveExperiment

RELABEL = "rl-teacher relabel nice hopper/mixed-v0 --to hopper/mixed-nice-v0"
BEGUN = {"first_labels": 2, "label_budget": 20, "has_begun": True, "relevances": "more forward velocity (96 %)"}
ENDING = {"step": 20, "labels": 20, "before": None, "after": None, "is_true": False, "commands": [RELABEL]}
WORDS = """() => [document.body.innerText, ...[...document.querySelectorAll('script[type="application/json"]')]
  .map(one => one.textContent), ...[...document.querySelectorAll('dialog')].map(one => one.textContent)].join(' ')"""
"""All that a page says, and may say later."""


@pytest.fixture
def data_set(server) -> LiveExperiment:
    return LiveExperiment(server, has_agent=False, guideline=None)


def tell(experiment, **told):
    experiment.tell(**{"first_labels": 2} | told)


def test_while_people_answer_it_is_the_reward_that_learns(data_set, films, labeler):
    data_set.ask_some(films[:4], 2)
    tell(data_set)
    window = labeler(data_set.slug).open()
    page = window.page
    page.click("[data-action=help]")
    assert "two short clips from a data set. Say which one is better; a reward learns" in page.inner_text("#help")
    assert serious(page) == []
    page.keyboard.press("Escape")
    window.answer("ArrowLeft")
    window.wait("open")  # a key before that is nobody's answer
    window.answer("ArrowRight")
    window.wait("empty")
    window.wait_saved()
    data_set.beat("training")
    page.wait_for_function("() => document.querySelector('#notice-title').textContent")
    assert page.inner_text("#notice-title") == "The reward is learning from your answers"
    tell(data_set, **BEGUN)
    page.wait_for_selector("#begun:not([hidden])")
    assert page.inner_text("#begun-title") == "The reward has begun to learn from you"
    assert page.is_hidden("#wait-clips")  # nobody was bad at first and is better now
    page.wait_for_timeout(300)


def test_the_ending_says_that_the_data_set_can_be_written_again_and_how(data_set, films, labeler):
    data_set.ask_some(films, 4)
    window = labeler(data_set.slug).open()
    window.answer("ArrowLeft")
    tell(data_set, **BEGUN, ending=ENDING)
    data_set.beat("done")
    page = window.page
    page.wait_for_selector("#ending:not([hidden])")
    assert page.inner_text("#ending-title") == "All answers are here. This is what they taught."
    assert page.inner_text("#ending-learned") == "The reward has learned from 20 answers. Thank you."
    assert page.inner_text("#ending-relabel") == "The data set can now be written again with this reward."
    assert page.inner_text("#ending-commands code") == RELABEL
    assert page.inner_text("#ending-returns") == ""
    assert page.is_hidden("#ending-clips")
    assert serious(page) == []


def test_where_nothing_was_learned_no_reward_is_promised(data_set, films, labeler):
    data_set.ask_some(films, 4)
    window = labeler(data_set.slug).open()
    tell(data_set, ending=ENDING | {"labels": 0, "commands": []})
    data_set.beat("done")
    window.page.wait_for_selector("#ending:not([hidden])")
    assert window.page.is_hidden("#ending-relabel")
    assert window.page.is_hidden("#ending-next")


@pytest.mark.parametrize(
    ("page", "said"), [("", [" No agent is trained."]), ("/label", [])], ids=["overview", "labeling"]
)
def test_no_page_of_it_speaks_of_an_agent_that_learns(data_set, films, labeler, page, said):
    data_set.ask_some(films, 4)
    tell(data_set, **BEGUN)
    data_set.beat("training")
    window = labeler(data_set.slug)
    window.page.goto(f"{window.url}/e/{data_set.slug}{page}")
    window.page.wait_for_selector("body:has(#looks-at), #labeler[data-phase=open]")
    words = window.page.evaluate(WORDS)
    assert "reward" in words
    assert re.findall(r"[^.\"]*\bagents?\b[^.\"]*\.?", words, re.IGNORECASE) == said
    assert serious(window.page) == []
