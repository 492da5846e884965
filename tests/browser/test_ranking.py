"""The ranking page in a real Chromium: a clip is moved by keys, by mouse and by touch, and each move is answers."""

import pytest
from browser_axe import serious
from ranked_clips import ranked, shown
from test_pages import PHONE


@pytest.fixture
def window(server, experiment, films, labeler):
    """The page of eight clips of which every pair was answered."""
    one = labeler(experiment.slug)
    one.clips = ranked(one.page, experiment, films, num=28)
    return one


def handle(page, clip: str):
    return page.locator(f'[data-clip="{clip}"] [data-move]')


def said(experiment, count: int) -> list[tuple[str, str]]:
    """The last answers of the feed: (better, worse)."""
    events = experiment.events()[-count:]
    return [(one["a"], one["b"]) if one["preferred"] == "a" else (one["b"], one["a"]) for one in events]


def test_a_clip_is_moved_by_keys_and_by_the_mouse_and_each_is_answers_in_the_feed(window, experiment):
    page, clips = window.page, window.clips
    assert shown(page) == clips
    assert serious(page) == []

    # by keys: the worst clip goes up by three places, and a step back
    handle(page, clips[0]).focus()
    page.keyboard.press("Enter")
    assert page.is_visible("#carry")
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    assert page.inner_text("#carry-where") == "Between place 3 and place 4"
    assert serious(page) == []
    page.keyboard.press("Enter")
    page.wait_for_selector("#ranking-message")
    assert said(experiment, 2) == [(clips[0], clips[2]), (clips[3], clips[0])]
    assert "Saved. The clip is at place" in page.inner_text("#ranking-said")
    focused = page.evaluate("document.activeElement.closest('[data-clip]').dataset.clip")
    assert focused == clips[0]

    # Escape leaves everything as it is
    num_events = len(experiment.events())
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    page.keyboard.press("Escape")
    assert not page.is_visible("#carry")
    assert len(experiment.events()) == num_events

    # by the mouse: what stands last is dragged before what stands first
    now = shown(page)
    source, target = (page.locator(f'[data-clip="{clip}"] .clip-box') for clip in (now[-1], now[0]))
    box = target.bounding_box()
    source.hover()
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=8)
    page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2, steps=4)
    assert page.inner_text("#carry-where") == "The worst of all"
    with page.expect_response("**/ranking/move"):
        page.mouse.up()
    page.wait_for_function("before => document.querySelector('#ranking').dataset.head !== before", arg=str(num_events))
    assert said(experiment, 1) == [(now[0], now[-1])]
    assert not page.is_visible("#carry")


def around_the_gap(page) -> tuple[str | None, str | None]:
    """The clips between which what is dragged would be put down, worse one first."""
    found = page.evaluate("""() => {
      const all = [...document.querySelectorAll('#places .drop, #places [data-clip]:not(.carried)')];
      const at = all.findIndex(one => one.matches('.drop'));
      return [all[at - 1]?.dataset.clip ?? null, all[at + 1]?.dataset.clip ?? null];
    }""")
    return found[0], found[1]


@pytest.mark.slow
def test_on_a_phone_a_clip_is_moved_by_buttons_and_by_touch(server, experiment, films, labeler):
    one = labeler(experiment.slug, **PHONE)
    page, clips = one.page, ranked(one.page, experiment, films, num=28)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    handle(page, clips[1]).tap()
    page.tap("[data-carry='1']")
    with page.expect_response("**/ranking/move"):
        page.tap("[data-carry='drop']")
    assert said(experiment, 2) == [(clips[1], clips[2]), (clips[3], clips[1])]
    page.wait_for_selector("#ranking-message")

    now = shown(page)
    start, end = (handle(page, now[0]).bounding_box(), page.locator(f'[data-clip="{now[2]}"]').bounding_box())
    touch = page.context.new_cdp_session(page)

    def send(kind: str, x: float = 0, y: float = 0) -> None:
        points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    x, y = start["x"] + start["width"] / 2, start["y"] + start["height"] / 2
    send("touchStart", x, y)
    for step in range(1, 9):
        goal = (end["x"] + end["width"] - 4, end["y"] + end["height"] / 2)
        send("touchMove", x + (goal[0] - x) * step / 8, y + (goal[1] - y) * step / 8)
    below, above = around_the_gap(page)
    assert below in (now[1], now[2]), "the gap is under the finger"
    with page.expect_response("**/ranking/move"):
        send("touchEnd")
    assert said(experiment, 2) == [(now[0], below), (above, now[0])]


@pytest.mark.slow
def test_newer_answers_show_by_themselves_unless_somebody_is_busy(window, experiment):
    page = window.page
    other = window.context.new_page()
    other.goto(page.url)
    page.mouse.move(1, 1)
    before = page.get_attribute("#ranking", "data-head")
    handle(other, window.clips[0]).focus()
    for key in ("Enter", "End", "Enter"):
        other.keyboard.press(key)
    page.bring_to_front()
    page.wait_for_function("before => document.querySelector('#ranking').dataset.head !== before", arg=before)
    handle(page, window.clips[1]).focus()
    other.bring_to_front()
    other.wait_for_selector("#ranking-message")
    handle(other, window.clips[2]).focus()
    for key in ("Enter", "End", "Enter"):
        other.keyboard.press(key)
    page.bring_to_front()
    page.wait_for_selector("#newer:not([hidden])")
    head = page.get_attribute("#ranking", "data-head")
    page.click("#show-newer")
    assert page.get_attribute("#ranking", "data-head") != head


@pytest.mark.slow
def test_a_contradicted_answer_is_asked_again_on_the_labeling_page(server, experiment, films, labeler):
    one = labeler(experiment.slug)
    page = one.page
    clips = ranked(page, experiment, films, num=28, wrong=1)
    assert page.locator(".doubtful").count() == 1
    page.hover(".doubtful a")
    page.wait_for_function("() => !document.querySelector('.doubtful video').paused")
    page.click(".doubtful button")
    page.wait_for_selector("text=comes next to whoever labels")
    one.open()
    one.answer("ArrowLeft")
    one.wait_saved()
    (event,) = experiment.events()[-1:]
    assert {event["a"], event["b"]} == {clips[0], clips[7]}
    assert len({each["comparison"] for each in experiment.events()}) == 29
