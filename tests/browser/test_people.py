"""Several people, or several windows, on one experiment."""

import pytest
from browser_server import LiveExperiment

PASSWORD = "a long enough password"


def invite(experiment, labeler):
    """The address of an invitation for two labelers, made on the page as an owner does."""
    owner = labeler(experiment.slug).page
    owner.goto(f"{experiment.server.url}/e/{experiment.slug}/people")
    owner.select_option(".end select[name=role]", "labeler")
    owner.fill("input[name=uses]", "2")
    owner.click("text=Make a link")
    return owner.inner_text(".invitation a")


def join(window, address, name):
    """Make an account by the invitation."""
    window.page.goto(address)
    assert "pseudonym" in window.page.inner_text("main")
    window.page.fill("input[name=username]", name)
    for field in ("password", "password2"):
        window.page.fill(f"input[name={field}]", PASSWORD)
    window.page.click("main button")
    window.page.wait_for_url("**/")
    return window


def test_two_people_never_hold_the_same_pair(server, films, labeler):
    experiment = LiveExperiment(server)
    experiment.ask_some(films, 24)
    address = invite(experiment, labeler)
    people = [
        join(labeler(experiment.slug, cookies=[]), address, f"{name}-{experiment.slug}") for name in ("ann", "bob")
    ]
    for person in people:
        person.open()
    answered = []
    for _ in range(4):
        for person in people:
            answered.append(person.answer("ArrowLeft"))
        for person in people:
            person.wait("open")
    for person in people:
        person.wait_saved()
    events = experiment.events()
    assert len({event["comparison"] for event in events}) == len(events) == len(set(answered)) == 8
    assert {event["labeler"] for event in events} == {"labeler-2", "labeler-3"}
    assert not any(event["extra"] for event in events)


def test_whoever_was_signed_out_signs_in_by_password_on_top_and_goes_on(server, films, labeler):
    experiment = LiveExperiment(server)
    experiment.ask_some(films, 8)
    window = join(labeler(experiment.slug, cookies=[]), invite(experiment, labeler), f"cid-{experiment.slug}").open()
    window.context.clear_cookies()
    window.answer("ArrowLeft")
    page = window.page
    page.wait_for_selector("#signin[open]")
    page.fill("#signin input[name=username]", f"cid-{experiment.slug}")
    page.fill("#signin input[name=password]", "not the password")
    page.click("#signin-form button")
    page.wait_for_function("() => /do not fit/.test(document.querySelector('#signin-error').textContent)")
    assert experiment.events() == []
    page.fill("#signin input[name=username]", "somebody")
    for _ in range(11):
        page.evaluate("document.querySelector('#signin-error').textContent = ''")
        page.click("#signin-form button")
        page.wait_for_function("() => document.querySelector('#signin-error').textContent")
    assert page.inner_text("#signin-error").startswith("Too many wrong tries.")
    page.fill("#signin input[name=username]", f"cid-{experiment.slug}")  # another's name locks nobody out
    page.fill("#signin input[name=password]", PASSWORD)
    page.click("#signin-form button")
    page.wait_for_selector("#signin:not([open])", state="attached")
    window.wait_saved()
    assert len(experiment.events()) == 1
    window.wait("open")
    window.answer("ArrowRight")
    window.wait_saved()
    assert [event["labeler"] for event in experiment.events()] == ["labeler-2"] * 2


@pytest.mark.slow
def test_two_windows_never_hold_the_same_pair(experiment, films, labeler):
    experiment.ask_some(films, 24)
    windows = [labeler().open(), labeler().open()]
    answered = []
    for _ in range(5):
        for window in windows:
            answered.append(window.answer("ArrowLeft"))
        for window in windows:
            window.wait("open")
    for window in windows:
        window.wait_saved()
    events = experiment.events()
    assert len({event["comparison"] for event in events}) == len(events) == len(set(answered)) == 10
    assert not any(event["extra"] for event in events)
