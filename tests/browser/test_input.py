"""Keys, buttons and fingers on the labeling page."""

import pytest
from browser_labels import clip_digests, expected


def test_keyboard_only_reaches_everything_and_shows_where_it_is(experiment, films, labeler):
    experiment.ask_some(films, 3)
    window = labeler().open()
    seen = []
    for _ in range(24):
        window.page.keyboard.press("Tab")
        seen.append(
            window.page.evaluate("""() => { const one = document.activeElement;
          return [one.dataset?.action ?? one.id, getComputedStyle(one).outlineStyle]; }""")
        )
    names = {name for name, _ in seen}
    assert {
        "left",
        "right",
        "tie",
        "cant_tell",
        "undo",
        "flag",
        "toggle",
        "restart",
        "scrubber",
        "speed1",
        "guide",
        "help",
    } <= names
    assert all(outline != "none" for name, outline in seen if name)
    window.page.focus(".answers [data-action=tie]")
    before = window.shown
    window.page.keyboard.press("Enter")
    window.wait_next(before)
    window.page.keyboard.press("?")
    assert window.page.is_visible("#help")
    window.page.keyboard.press("ArrowLeft")  # a dialog is open: not an answer
    window.page.keyboard.press("Escape")
    window.wait_saved()
    assert [event["preferred"] for event in experiment.events()] == ["tie"]


@pytest.mark.slow
def test_pause_frame_steps_and_speed_move_both_sides(experiment, films, labeler):
    experiment.ask_some(films, 2)
    window = labeler().open()
    times = """() => { const front = document.querySelector('#pair').dataset.front;
      return ['left', 'right'].map(side => document.querySelector(`#${side}-${front}`))
        .map(video => [video.paused, video.currentTime, video.playbackRate]); }"""
    window.page.keyboard.press("Space")
    window.page.keyboard.press("r")
    window.page.keyboard.press("Space")
    for key in (".", ".", ",", "."):
        window.page.keyboard.press(key)
    window.page.wait_for_timeout(100)
    (left_paused, left, _), (right_paused, right, _) = window.page.evaluate(times)
    assert left_paused
    assert right_paused
    assert left == pytest.approx(right, abs=1e-6)
    assert (left * 30) % 1 == pytest.approx(0.5, abs=0.01)  # the middle of a frame
    window.page.keyboard.press("4")
    assert [rate for *_, rate in window.page.evaluate(times)] == [2, 2]


def test_touch_taps_swipes_and_two_finger_undo_on_a_phone(experiment, films, labeler):
    experiment.ask_some(films, 6)
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
    window = labeler(**phone).open()
    boxes = window.page.evaluate("""() => ['left', 'right'].map(side => {
      const box = document.querySelector(`[data-side=${side}] .frame`).getBoundingClientRect();
      return [box.x, box.y, box.width, box.height]; })""")
    (x, y, width, height), (_, below, *_) = boxes
    assert below >= y + height  # stacked
    assert width >= 290
    assert window.page.evaluate("document.documentElement.scrollWidth") == 390
    small = window.page.evaluate("""() => [...document.querySelectorAll('button, a')]
      .filter(one => one.checkVisibility())
      .map(one => [one.dataset.action ?? one.className, one.getBoundingClientRect()])
      .filter(([, box]) => box.height < 44 || box.width < 40)
      .map(([name]) => name)""")
    assert small == []
    shown, first = window.digests(), window.shown
    window.page.touchscreen.tap(x + width / 2, below + height / 2)
    window.wait_next(first)
    second = window.shown
    _swipe(window, x + width / 2, y + height / 2, -150)
    window.wait_next(second)
    third = window.shown
    _swipe(window, x + width / 2, y + height / 2, 150)
    window.wait_next(third)
    client = window.context.new_cdp_session(window.page)
    fingers = [{"x": x + 60, "y": y + 60, "id": 0}, {"x": x + 160, "y": y + 60, "id": 1}]
    client.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": fingers})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    window.wait("review")
    assert window.shown == third
    window.wait_saved()
    labels = experiment.labels()
    event = labels[first]
    assert event["preferred"] == expected(event, "right", shown, clip_digests(experiment))
    assert [labels[one]["preferred"] for one in (second, third)] == ["tie", "cant_tell"]


def test_a_phone_says_top_and_bottom_and_left_and_right_when_it_is_turned(experiment, films, labeler):
    experiment.ask_some(films, 6)
    window = labeler(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).open()
    page = window.page
    names = """() => ['#pair', '#left-0', '#left-1', '#right-0', '#right-1']
      .map(name => document.querySelector(name).ariaLabel)"""
    tall = ["Two clips, playing one above the other", *["Top clip"] * 2, *["Bottom clip"] * 2]
    wide = ["Two clips, playing side by side", *["Left clip"] * 2, *["Right clip"] * 2]
    assert page.evaluate(names) == tall
    assert [page.get_by_role("button", name=name).count() for name in ("Top is better", "Left is better")] == [1, 0]
    first = window.shown
    page.get_by_role("button", name="Top is better").click()
    window.wait_next(first)
    assert page.inner_text("#said") == "Answered: top better."
    page.get_by_role("button", name="Undo").click()
    window.wait("review")
    assert page.inner_text("#review-text").startswith("You said: top better.")
    page.set_viewport_size({"width": 844, "height": 390})
    page.wait_for_selector("#left-0[aria-label='Left clip']", state="attached")
    assert page.evaluate(names) == wide
    second = window.shown
    page.get_by_role("button", name="Right is better").click()
    window.wait_next(second)
    assert page.inner_text("#said") == "Answered: right better."
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_selector("#left-0[aria-label='Top clip']", state="attached")
    assert page.evaluate(names) == tall


def _swipe(window, x, y, dy):
    client = window.context.new_cdp_session(window.page)
    client.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for part in (0.3, 0.6, 1):
        client.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y + dy * part}]})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@pytest.mark.slow
def test_reduced_motion_starts_paused(experiment, films, labeler):
    experiment.ask_some(films, 3)
    window = labeler(reduced_motion="reduce").open()
    front = window.page.get_attribute("#pair", "data-front")
    assert window.page.evaluate(f"document.querySelector('#left-{front}').paused")
    window.page.keyboard.press("Space")
    window.page.wait_for_function(f"document.querySelector('#left-{front}').currentTime > 0")
