"""A guest on a phone, and how the visit ends."""

import pytest
from browser_axe import serious
from browser_server import LiveExperiment

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def invite(experiment, labeler):
    """The link for a guest, made by the owner on the page, and the owner's page."""
    owner = labeler(experiment.slug).page
    owner.goto(f"{experiment.server.url}/e/{experiment.slug}")
    owner.click("text=Invite a friend, or your phone")
    owner.click("text=Make a link")
    owner.wait_for_selector(".invitation img")
    picture = (
        "() => { const code = document.querySelector('.invitation img'); return code?.complete && code.naturalWidth; }"
    )
    assert owner.wait_for_function(picture).json_value() > 100  # the policy for pictures lets it through
    return owner.inner_text(".invitation a"), owner


def arrive(labeler, experiment, address):
    window = labeler(experiment.slug, cookies=[], **PHONE)
    window.page.goto(address)
    window.page.tap("main button")
    window.page.wait_for_url(f"**/e/{experiment.slug}/label")
    window.wait("open")
    return window


def tap(window, action):
    """Answer the pair by touch; until the server has it."""
    before = window.shown
    window.page.tap(f'[data-action="{action}"]')
    window.wait_next(before)
    window.wait_saved()


def test_a_guest_answers_by_touch_and_finds_nothing_but_the_own_answers(server, films, labeler):
    experiment = LiveExperiment(server)
    experiment.ask_some(films, 6)
    address, _ = invite(experiment, labeler)
    window = arrive(labeler, experiment, address)
    tap(window, "left")
    (event,) = experiment.events()
    assert event["labeler"] == "labeler-2"
    window.page.tap(".back")
    window.page.wait_for_url("**/me")
    text = window.page.inner_text("body")
    assert "My labels" in text
    assert "Password" not in text
    assert window.page.locator(".thumb").count() == 1
    assert window.page.locator("a[href^='/c/']").count() == 0
    window.page.tap("text=Answer >> nth=0")
    window.page.wait_for_url(f"**/e/{experiment.slug}/label")


def test_a_guest_sees_how_the_lesson_ended_without_what_is_for_its_owner(server, films, labeler):
    experiment = LiveExperiment(server)
    experiment.ask_some(films, 6)
    address, owner = invite(experiment, labeler)
    window = arrive(labeler, experiment, address)
    ending = {"step": 9000, "labels": 37, "before": -184.3, "after": 766.2, "commands": ["rl-teacher replay hop"]}
    experiment.call("PUT", "/lesson", json={"first_labels": 4, "has_begun": True, "ending": ending})
    experiment.call("PUT", "/heartbeat", json={"state": "done", "step": 9000})
    window.page.wait_for_selector("#ending:not([hidden])")
    assert window.page.inner_text("#ending-returns") == "An episode returned −184 at first. Now it returns 766."
    assert window.page.is_hidden("#ending-next")
    assert window.page.locator("#ending-share, #ending-link").count() == 0  # a guest could not open that address
    assert window.page.is_hidden(".given")
    assert serious(window.page) == []
    owner.goto(f"{experiment.server.url}/e/{experiment.slug}")
    owner.wait_for_selector("#ending-commands code")
    assert owner.is_visible("#ending-share")


def test_a_guest_who_is_removed_is_thanked_and_can_go_on_no_more(server, films, labeler):
    experiment = LiveExperiment(server)
    experiment.ask_some(films, 6)
    address, owner = invite(experiment, labeler)
    window = arrive(labeler, experiment, address)
    tap(window, "right")
    owner.reload()
    row = owner.locator("tr", has_text="guest").first
    row.locator("text=Remove").click()
    owner.wait_for_url("**/people")
    window.page.tap('[data-action="right"]')
    window.page.wait_for_selector("#signin[open]")
    assert "Your visit has ended" in window.page.inner_text("#signin")
    assert not window.page.is_visible("#signin-form")
    assert len(experiment.events()) == 1
    window.page.goto(address)
    assert "not valid" in window.page.inner_text("main")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_the_invitation_and_the_word_about_the_wait(server, labeler, scheme):
    experiment = LiveExperiment(server)
    address, owner = invite(experiment, labeler)
    owner.emulate_media(color_scheme=scheme)
    assert serious(owner) == []
    friend = labeler(experiment.slug, cookies=[], color_scheme=scheme, **PHONE)
    friend.page.goto(address)
    assert serious(friend.page) == []
    friend.page.tap("main button")
    friend.wait("empty")
    experiment.call("PUT", "/heartbeat", json={"state": "waiting", "step": 0, "next_clips_s": 30})
    friend.page.wait_for_function("() => document.querySelector('#notice-time').textContent")
    assert friend.page.inner_text("#notice-title") == "The first clips are being drawn"
    assert serious(friend.page) == []
