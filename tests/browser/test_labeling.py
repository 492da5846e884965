"""The labeling page in a real Chromium against the real server."""

import hashlib
import time

import pytest
from browser_clips import clip
from browser_labels import clip_digests, expected
from browser_server import LiveExperiment

from benchmarks.clicking import WITHOUT_H264

KEYS = {"ArrowLeft": "left", "ArrowRight": "right", "ArrowUp": "tie", "ArrowDown": "cant_tell"}
TARGETS = {"a": 1.0, "b": 0.0, "tie": 0.5, "cant_tell": None}


def test_this_chromium_decodes_h264_and_both_videos_play(experiment, films, labeler):
    experiment.ask_some(films, 4)
    window = labeler().open()
    can_play = window.page.evaluate("document.createElement('video').canPlayType('video/mp4; codecs=\"avc1.42E01E\"')")
    assert can_play == "probably"
    state = """() => { const front = document.querySelector('#pair').dataset.front;
      return ['left', 'right'].map(side => { const video = document.querySelector(`#${side}-${front}`);
        return [video.currentTime, video.videoWidth, video.paused, video.muted]; }); }"""
    before = window.page.evaluate(state)
    window.page.wait_for_timeout(250)
    after = window.page.evaluate(state)
    for (old, *_), (new, width, paused, muted) in zip(before, after, strict=True):
        assert new != old
        assert (width, paused, muted) == (160, False, True)


def test_each_key_stores_the_right_clip_under_both_swaps(experiment, films, labeler):
    experiment.ask_some(films, 16)
    window = labeler().open()
    digests, pressed = clip_digests(experiment), {}
    for number in range(16):
        key = list(KEYS)[number % 4]
        shown, assignment = window.digests(), window.shown
        window.answer(key)
        pressed[assignment] = (KEYS[key], shown)
        if number < 15:
            window.wait_next(assignment)
    window.wait_saved()
    events = experiment.events()
    assert len(events) == len(pressed) == 16
    swaps = set()
    for event in events:
        side, shown = pressed[event["assignment"]]
        assert event["preferred"] == expected(event, side, shown, digests)
        assert event["target"] == TARGETS[event["preferred"]]
        swaps.add(shown["left"] == digests[event["b"]])
    assert swaps == {True, False}


@pytest.mark.slow
def test_buttons_answer_too_and_space_afterwards_does_not(experiment, films, labeler):
    experiment.ask_some(films, 6)
    window = labeler().open()
    for name in ("left", "right", "tie", "cant_tell"):
        before = window.shown
        window.page.click(f".answers [data-action={name}]")
        window.wait_next(before)
    window.page.keyboard.press("Space")
    window.wait_saved()
    assert len(experiment.events()) == 4
    assert "paused" in window.page.get_attribute("#labeler", "class")


def test_a_held_key_is_one_answer(experiment, films, labeler):
    experiment.ask_some(films, 6)
    window = labeler().open()
    for _ in range(15):
        window.page.keyboard.down("ArrowLeft")  # the second and later ones have event.repeat
        window.page.wait_for_timeout(20)
    window.page.keyboard.up("ArrowLeft")
    window.wait_saved()
    assert len(experiment.events()) == 1


@pytest.mark.slow
def test_an_answer_before_the_minimum_view_time_is_refused_with_a_hint(experiment, films, labeler):
    experiment.ask_some(films, 3)
    window = labeler()
    window.page.route("**/queue:claim", lambda route: _with_min_view(route, 1500))
    window.open("guard")
    window.page.keyboard.press("ArrowLeft")
    assert "moment" in window.page.inner_text("#hint")
    window.wait("open")
    assert experiment.events() == []
    window.answer("ArrowLeft")
    window.wait_saved()
    assert len(experiment.events()) == 1


def _with_min_view(route, milliseconds):
    answer = route.fetch()
    body = answer.json()
    for one in body["assignments"]:
        one["min_view_ms"] = milliseconds
    route.fulfill(response=answer, json=body)


def test_undo_shows_the_former_pair_and_the_revision_replaces_it(experiment, films, labeler):
    experiment.ask_some(films, 6)
    window = labeler().open()
    shown = window.digests()
    first = window.answer("ArrowLeft")
    window.wait_next(first)
    second = window.shown
    window.page.keyboard.press("u")
    window.wait("review")
    assert window.shown == first
    assert window.digests() == shown
    assert window.page.get_attribute(".answers [data-action=left]", "aria-pressed") == "true"
    window.page.keyboard.press("ArrowRight")
    window.wait_next(first)
    assert window.shown == second
    window.wait_saved()
    assert [event["kind"] for event in experiment.events()] == ["answered", "revised"]
    event = experiment.labels()[first]
    assert event["preferred"] == expected(event, "right", shown, clip_digests(experiment))


@pytest.mark.slow
def test_escape_in_review_lets_the_answer_stand(experiment, films, labeler):
    experiment.ask_some(films, 6)
    window = labeler().open()
    first = window.answer("ArrowUp")
    window.wait_next(first)
    window.page.keyboard.press("Control+z")
    window.wait("review")
    window.page.keyboard.press("Escape")
    window.wait_next(first)
    window.wait_saved()
    assert [event["preferred"] for event in experiment.events()] == ["tie"]


@pytest.mark.slow
def test_undo_works_after_a_reload(experiment, films, labeler):
    experiment.ask_some(films, 6)
    window = labeler().open()
    first = window.answer("ArrowUp")
    window.wait_saved()
    window.page.reload()
    window.wait("open")
    window.page.keyboard.press("u")
    window.wait("review")
    assert window.shown == first
    window.page.keyboard.press("ArrowDown")
    window.wait_next(first)
    window.wait_saved()
    assert experiment.labels()[first]["preferred"] == "cant_tell"


def test_offline_answers_are_kept_and_stored_once_when_back(experiment, films, labeler):
    experiment.ask_some(films, 8)
    window = labeler().open()
    window.page.wait_for_timeout(400)  # all clips are here
    window.context.set_offline(True)
    for _ in range(4):
        window.wait_next(window.answer("ArrowLeft"))
    window.page.wait_for_selector('#status[data-saving="trouble"]')
    assert "4 answers are kept" in window.page.inner_text("#save-text")
    assert experiment.events() == []
    window.context.set_offline(False)
    window.wait_saved()
    events = experiment.events()
    assert len(events) == len({event["assignment"] for event in events}) == 4


def test_a_500_keeps_the_page_usable_and_is_retried(experiment, films, labeler):
    experiment.ask_some(films, 8)
    window = labeler().open()
    failures = [500, 503, 500]

    def fail(route):
        if failures:
            return route.fulfill(
                status=failures.pop(), json={"type": "/problems/busy", "title": "busy", "status": 500, "detail": ""}
            )
        return route.continue_()

    window.page.route("**/api/v1/responses/*", fail)
    for _ in range(3):
        window.wait_next(window.answer("ArrowRight"))
    window.wait_saved()
    assert failures == []
    assert len(experiment.events()) == 3


@pytest.mark.slow
def test_a_reload_keeps_unsent_answers_and_asks_none_of_them_again(experiment, films, labeler):
    experiment.ask_some(films, 8)
    window = labeler().open()
    window.page.route("**/api/v1/responses/*", lambda route: route.abort())
    answered = [window.answer("ArrowLeft")]
    window.wait_next(answered[0])
    answered.append(window.answer("ArrowUp"))
    window.page.wait_for_selector('#status[data-saving="trouble"]')
    window.page.reload()
    window.wait("open")
    assert window.shown not in answered
    assert experiment.events() == []
    window.page.unroute("**/api/v1/responses/*")
    window.page.evaluate("dispatchEvent(new Event('online'))")
    window.wait_saved()
    assert [event["assignment"] for event in experiment.events()] == answered


@pytest.mark.slow
def test_an_answer_whose_acknowledgement_is_lost_is_stored_once(experiment, films, labeler):
    experiment.ask_some(films, 4)
    window = labeler().open()
    lost = []

    def lose(route):
        if not lost:
            lost.append(route.fetch().status)
            return route.abort()
        return route.continue_()

    window.page.route("**/api/v1/responses/*", lose)
    window.answer("ArrowLeft")
    window.page.wait_for_selector('#status[data-saving="trouble"]')
    window.wait_saved()
    assert lost == [201]
    assert len(experiment.events()) == 1


def test_a_slow_clip_never_shows_half_a_pair(experiment, films, labeler):
    experiment.ask_some(films[:2], 1)
    window = labeler()
    slow = hashlib.sha256(films[0]).hexdigest()
    held = []
    window.page.route(f"**/media/{slow}*", lambda route: held.append(route))
    window.open("fill")
    window.page.wait_for_timeout(300)
    assert window.phase == "fill"
    covered = """[...document.querySelectorAll('.frame')]
      .every(one => getComputedStyle(one, '::before').visibility === 'visible')"""
    assert window.page.evaluate(covered)
    assert window.shown == "None"
    for route in held:
        route.continue_()
    window.wait("open")
    widths = window.page.evaluate("[...document.querySelectorAll('video')].filter(v => v.src).map(v => v.videoWidth)")
    assert widths == [160, 160]


def test_an_undecodable_clip_is_reported_and_its_pair_skipped(experiment, films, labeler):
    rubbish = films[0][:32] + b"\x00" * (len(films[0]) - 32)
    experiment.ask_some(films[1:4], 4)  # the last of them without films[1]
    window = labeler()
    broken = hashlib.sha256(films[1]).hexdigest()
    window.page.route(f"**/media/{broken}*", lambda route: route.fulfill(body=rubbish, content_type="video/mp4"))
    with window.page.expect_request("**:media_error", timeout=10_000) as reported:
        window.open(None)
    assert "media error" in reported.value.post_data_json["detail"]
    window.wait("open")
    assert broken not in window.digests().values()


def test_an_empty_queue_says_so_and_resumes_by_itself(experiment, films, labeler):
    window = labeler().open("empty")
    says = "text => document.querySelector('#notice-title').textContent === text"
    window.page.wait_for_function(says, arg="The first clips are being drawn")
    experiment.ask_some(films, 1)
    window.wait("open")
    window.answer("ArrowLeft")
    window.wait("empty")
    window.page.wait_for_function(says, arg="The agent has your answers and is learning")
    assert window.page.inner_text("#notice-time") == ""  # nobody knows
    window.wait_saved()
    assert len(experiment.events()) == 1


def test_an_empty_queue_shows_the_agent_and_says_when_clips_come(experiment, films, labeler):
    def beat(**told):
        experiment.call("PUT", "/heartbeat", json={"state": "training", "step": 5} | told)

    window = labeler().open("empty")
    page = window.page
    assert not page.is_visible("#agent")
    for step, film in enumerate(films[:2]):
        experiment.call("POST", "/videos", json={"step": step, "blob": experiment.blob(film, "video/mp4")})
    points = [{"name": "true_return", "step": n, "t": 1.7e9 + n, "value": 2.0 * n} for n in range(8)]
    experiment.call("POST", "/metrics", json=points)
    page.reload()
    window.wait("empty")
    page.wait_for_function("() => document.querySelector('#agent').currentTime > 0")
    assert hashlib.sha256(films[1]).hexdigest() in page.get_attribute("#agent", "src")
    assert page.get_attribute("#returns-line", "points").startswith("0,18 ")
    assert not page.is_visible("#breath")
    beat(next_clips_s=9)
    page.wait_for_function("() => /in about [1-9] second/.test(document.querySelector('#notice-time').textContent)")
    before = page.inner_text("#notice-time")
    page.wait_for_function("before => document.querySelector('#notice-time').textContent !== before", arg=before)
    experiment.ask_some(films, 1)
    window.wait("open")
    window.answer("ArrowLeft")
    window.wait("empty")
    beat(training_left_s=240)
    page.wait_for_function("() => /has all your answers/.test(document.querySelector('#notice-title').textContent)")
    assert page.inner_text("#notice-time") == "It is done in about 4 minutes."
    page.wait_for_function("() => document.querySelector('#agent').currentTime > 0")
    experiment.ask_some(films, 3)
    window.wait("open")
    assert not page.is_visible("#agent")
    assert page.evaluate("document.querySelector('#agent').paused")


def sleep(page, seconds):
    """What a page sees when the computer slept: nothing, and then a clock that is far on."""
    page.evaluate(f"() => {{ const now = Date.now; Date.now = () => now() + {1000 * seconds}; }}")


def test_a_pair_that_went_stale_while_the_computer_slept_is_replaced(server, films, labeler):
    experiment = LiveExperiment(server, lease_s=5)
    stale = experiment.ask_some(films, 8)
    window = labeler(experiment.slug).open()
    front = window.shown
    window.page.route("**/api/v1/**", lambda route: route.abort())  # asleep: nothing renews the leases
    time.sleep(6)
    experiment.call("POST", "/comparisons:cancel", json={"ids": stale})
    experiment.ask_some(films[::-1], 2)
    window.page.unroute("**/api/v1/**")
    sleep(window.page, 3600)
    window.wait_next(front)
    assert "fresh one" in window.page.inner_text("#hint")
    window.answer("ArrowLeft")
    window.wait_saved()
    (event,) = experiment.events()
    assert event["comparison"] not in stale
    assert not event["extra"]


def test_a_short_absence_replaces_nothing(experiment, films, labeler):
    experiment.ask_some(films, 4)
    window = labeler().open()
    front = window.shown
    with window.page.expect_response("**/assignments:renew"):
        sleep(window.page, 3600)  # the clock jumped, and the leases are still good
    window.page.wait_for_timeout(300)
    assert window.shown == front
    assert window.page.inner_text("#hint") == ""


def test_a_browser_without_h264_gets_vp9_copies_of_pairs_that_it_holds_already(experiment, films, labeler):
    experiment.ask_some(films, 3)
    beat = {"state": "waiting", "step": 0}
    assert not experiment.call("PUT", "/heartbeat", json=beat)["needs_webm"]
    window = labeler()
    window.context.add_init_script(WITHOUT_H264)
    window.open("fill")
    window.page.wait_for_function("() => document.querySelector('#hint').textContent.includes('H.264')")
    deadline = time.monotonic() + 10
    while not experiment.call("PUT", "/heartbeat", json=beat)["needs_webm"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for number, clip_id in enumerate(experiment.clips):
        experiment.add_webm(clip_id, clip(number, "webm"))
    window.wait("open")
    front = window.page.get_attribute("#pair", "data-front")
    assert window.page.evaluate(f"document.querySelector('#left-{front}').videoWidth") == 160
    window.answer("ArrowLeft")
    window.wait_saved()
    (event,) = experiment.events()
    assert event["preferred"] in ("a", "b")
    assert {row["state"] for row in experiment.call("GET", "/comparisons")["comparisons"]} == {"open", "done"}


def test_a_sign_says_that_both_clips_begin_again(experiment, films, labeler):
    experiment.ask_some(films, 4)
    window = labeler().open()
    signs = """() => [...document.querySelectorAll('.again')].map(sign => Number(getComputedStyle(sign).opacity))"""
    assert window.page.evaluate(signs) == [0, 0]  # the first time is no repetition
    window.page.wait_for_function(f"() => ({signs})().every(opacity => opacity === 1)", polling="raf")
    front = window.page.evaluate("document.querySelector('#pair').dataset.front")
    times = window.page.evaluate(f"['left', 'right'].map(s => document.querySelector(`#${{s}}-{front}`).currentTime)")
    assert max(times) < 0.4  # the sign comes with the start, and not before
    window.page.keyboard.press("Space")
    window.page.wait_for_function(f"() => ({signs})().every(opacity => opacity === 0)", polling="raf")
