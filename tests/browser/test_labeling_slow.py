"""The labeling page under load, over slow lines and for long: what section 15 of the design promises."""

import statistics
import time
from pathlib import Path

import pytest
from browser_server import LiveExperiment

pytestmark = pytest.mark.slow

# Notes when a key went down and when the next pair was painted: the frame after the swap, plus one to be on the screen.
WATCH_PAINTS = """
  window.paints = [];
  let downAt = 0;
  addEventListener('keydown', event => { downAt = event.timeStamp; }, true);
  addEventListener('DOMContentLoaded', () => new MutationObserver(() => {
    const from = downAt;
    const front = document.querySelector('#pair').dataset.front;
    const decoded = ['left', 'right'].every(side => document.querySelector(`#${side}-${front}`).readyState >= 2);
    requestAnimationFrame(() => { const channel = new MessageChannel();
      channel.port1.onmessage = () => from && window.paints.push([performance.now() - from, decoded]);
      channel.port2.postMessage(0); });
  }).observe(document.querySelector('#pair'), {attributes: true, attributeFilter: ['data-front']}));
"""


def p95(values):
    return statistics.quantiles(values, n=20)[-1]


def skip_if_contended():
    """Wall-clock budgets mean nothing while other programs keep this one waiting for a CPU; said aloud."""
    try:
        waiting = float(Path("/proc/pressure/cpu").read_text().split("avg60=")[1].split()[0])
    except (OSError, IndexError):
        return
    if waiting > 25:
        pytest.skip(f"the CPUs are contended: somebody waited {waiting:.0f} % of the last minute; no honest timing")


def test_fifty_answers_at_five_a_second_arrive_in_order(experiment, films, labeler):
    experiment.ask_some(films, 56)
    window = labeler().open()
    pressed = []
    for number in range(50):
        started = time.monotonic()
        window.wait("open")
        pressed.append((window.shown, ["ArrowLeft", "ArrowRight", "ArrowUp"][number % 3]))
        window.page.keyboard.press(pressed[-1][1])
        time.sleep(max(0, 0.2 - (time.monotonic() - started)))
    window.wait_saved()
    events = experiment.events()
    assert [event["assignment"] for event in events] == [assignment for assignment, _ in pressed]
    assert [event["preferred"] == "tie" for event in events] == [key == "ArrowUp" for _, key in pressed]


def test_thirty_seconds_offline_lose_and_double_nothing(experiment, films, labeler):
    experiment.ask_some(films, 12)
    window = labeler().open()
    window.page.wait_for_timeout(1500)
    window.context.set_offline(True)
    started = time.monotonic()
    answered = []
    while window.phase != "fill":
        answered.append(window.answer("ArrowLeft"))
        window.page.wait_for_timeout(500)
    assert len(answered) >= 8
    window.page.wait_for_timeout(max(0, 30_000 - 1000 * (time.monotonic() - started)))
    assert "late" in window.page.get_attribute("#labeler", "class")  # the red bar
    window.context.set_offline(False)
    window.wait_saved(20_000)
    assert [event["assignment"] for event in experiment.events()] == answered
    assert "late" not in (window.page.get_attribute("#labeler", "class") or "")


def test_the_next_pair_is_painted_within_50_ms_of_the_key(experiment, films, labeler):
    """With 150 ms of network delay on every request; p95 of the best of four rounds, as others use this machine too."""
    experiment.ask_some(films, 120)
    window = labeler()
    window.context.add_init_script(WATCH_PAINTS)
    _delay(window, 150)
    window.open()
    rounds = []
    for _ in range(4):
        window.page.evaluate("window.paints.length = 0")
        for _ in range(28):
            window.wait("open")
            window.page.keyboard.press("ArrowLeft")
            window.page.wait_for_timeout(350)
        paints = window.page.evaluate("window.paints")
        assert len(paints) >= 28
        assert all(decoded for _, decoded in paints)
        rounds.append([milliseconds for milliseconds, _ in paints])
        median, worst = statistics.median(rounds[-1]), max(rounds[-1])
        print(f"key -> painted: median {median:.1f} ms, p95 {p95(rounds[-1]):.1f} ms, worst {worst:.1f} ms")
    if min(p95(times) for times in rounds) > 50:
        skip_if_contended()
    assert min(p95(times) for times in rounds) <= 50


def test_an_answer_costs_the_page_little_cpu(experiment, films, labeler):
    """CPU time of the page's main thread, which hardly depends on what else runs here."""
    experiment.ask_some(films, 60)
    window = labeler().open()
    client = window.context.new_cdp_session(window.page)
    client.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent():
        metrics = {one["name"]: one["value"] for one in client.send("Performance.getMetrics")["metrics"]}
        return [
            1000 * metrics[name] for name in ("TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
        ]

    before = spent()
    for _ in range(40):
        window.wait("open")
        window.page.keyboard.press("ArrowLeft")
        window.page.wait_for_timeout(100)
    window.wait_saved()
    task, script, layout, style = ((after - old) / 40 for after, old in zip(spent(), before, strict=True))
    print(f"CPU per answer: {task:.1f} ms, of it script {script:.1f}, layout {layout:.1f}, style {style:.1f} ms")
    assert script + layout + style <= 30  # the rest is the browser painting two videos


def test_the_first_pair_is_there_within_a_second_and_a_half(experiment, films, labeler):
    """Cold: nothing in the cache, 150 ms of delay, 5 Mbit/s."""
    experiment.ask_some(films, 12)
    times = []
    for _ in range(7):
        window = labeler()
        _delay(window, 150, 5_000_000 / 8)
        window.open(None)
        window.page.wait_for_selector("#pair[data-assignment]:not([data-assignment=''])")
        times.append(window.page.evaluate("performance.now()"))
        window.context.close()
    print(f"first pair, cold: {sorted(round(one) for one in times)} ms")
    if statistics.median(times) > 1500:
        skip_if_contended()
    assert statistics.median(times) <= 1500


def _delay(window, milliseconds, bytes_per_s=-1):
    """Latency and bandwidth by the browser itself; a round trip costs `milliseconds`."""
    client = window.context.new_cdp_session(window.page)
    client.send("Network.enable")
    client.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": milliseconds, "downloadThroughput": bytes_per_s, "uploadThroughput": bytes_per_s},
    )


def test_heap_and_blobs_stay_flat_over_many_answers(server, films, labeler):
    many = LiveExperiment(server, labels_wanted=2000)
    for _ in range(21):
        many.ask_some(films, 50)
    window = labeler(many.slug).open()
    client = window.context.new_cdp_session(window.page)

    def measure(answers):
        for _ in range(answers):
            window.wait("open")
            window.page.keyboard.press("ArrowLeft")
            window.page.wait_for_timeout(30)
        window.wait_saved()
        window.page.wait_for_timeout(500)
        client.send("HeapProfiler.collectGarbage")
        heap = client.send("Runtime.getHeapUsage")["usedSize"]
        return heap, window.page.evaluate("window.liveBlobs()"), client.send("Memory.getDOMCounters")["nodes"]

    heap, blobs, nodes = measure(60)
    later_heap, later_blobs, later_nodes = measure(940)
    print(f"60 and 1000 answers: heap {heap / 1e6:.2f} and {later_heap / 1e6:.2f} MB, blobs {blobs} and {later_blobs}")
    assert blobs <= 2 * 12
    assert later_blobs <= 2 * 12
    assert later_heap - heap < 500_000
    assert later_nodes - nodes < 100


def test_both_sides_stay_within_a_frame_of_each_other(experiment, films, labeler):
    experiment.ask_some(films, 4)
    window = labeler().open()
    drifts = window.page.evaluate("""async () => {
      const front = document.querySelector('#pair').dataset.front;
      const [left, right] = ['left', 'right'].map(side => document.querySelector(`#${side}-${front}`));
      const drifts = [];
      for (let n = 0; n < 100; n += 1) {
        await new Promise(resolve => setTimeout(resolve, 50));
        if (!left.ended && !right.ended && left.currentTime > 0.2 && left.currentTime < left.duration - 0.1)
          drifts.push(Math.abs(left.currentTime - right.currentTime));
      }
      return drifts; }""")
    print(f"drift: p95 {1000 * p95(drifts):.1f} ms, worst {1000 * max(drifts):.1f} ms of a 33.3 ms frame")
    assert p95(drifts) < 1 / 30


def test_leaving_the_page_gives_its_pairs_back(experiment, films, labeler):
    experiment.ask_some(films, 8)
    first = labeler().open()
    for _ in range(2):  # each answer renews the leases of the others
        first.wait_next(first.answer("ArrowLeft"))
    first.wait_saved()
    first.leave()
    window = labeler().open()
    for _ in range(6):
        window.wait("open")
        window.answer("ArrowLeft")
    window.wait_saved()
    assert len(experiment.events()) == 8


def test_a_tab_in_the_background_hears_of_new_pairs_in_its_title(experiment, films, labeler):
    window = labeler().open("empty")
    window.page.evaluate("Object.defineProperty(document, 'hidden', {get: () => true, configurable: true})")
    experiment.ask_some(films, 3)
    window.page.wait_for_function("() => document.title.startsWith('(')", timeout=25_000)


def test_signed_out_shows_an_overlay_and_goes_on_after_signing_in(experiment, films, labeler, server, session_cookies):
    experiment.ask_some(films, 8)
    window = labeler().open()
    window.context.clear_cookies()
    window.answer("ArrowLeft")
    window.page.wait_for_selector("#signin[open]")
    assert "Nothing is lost" in window.page.inner_text("#signin")
    assert experiment.events() == []
    window.context.add_cookies(session_cookies)  # signed in, in another tab
    window.page.wait_for_selector("#signin:not([open])", state="attached", timeout=15_000)
    window.wait_saved()
    assert len(experiment.events()) == 1
    window.wait("open")
