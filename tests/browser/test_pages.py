"""Every page in a real Chromium: budgets, strict CSP, accessibility, and what the scripts on them do."""

import gzip
import re

import make_screenshots
import pytest
from browser_axe import serious
from browser_server import ROOT, LiveExperiment

from rl_teacher.server.bundle import bundle

STATIC = ROOT / "rl_teacher/server/static/feedback"
TEMPLATES = ROOT / "rl_teacher/server/templates/feedback"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def busy(server, films):
    """An experiment with answers, curves, a video and a heartbeat."""
    made = LiveExperiment(server, "busy")
    made.ask_some(films, 120)
    points = [
        {"name": name, "step": 1000 * n, "t": 1.7e9 + n, "value": n * slope}
        for n in range(20)
        for name, slope in (
            ("true_return", 3.0),
            ("predicted_return", 0.5),
            ("reward_accuracy", 0.02),
            ("disagreement", -0.01),
        )
    ]
    made.call("POST", "/metrics", json=points)
    for step, film in enumerate(films[:3]):
        made.call("POST", "/videos", json={"step": step * 1000, "blob": made.blob(film, "video/mp4")})
    made.call("PUT", "/heartbeat", json={"state": "training", "step": 20_000, "next_clips_s": 9})
    return made


def test_the_labeling_page_keeps_its_javascript_budget():
    modules = sorted((STATIC / "label").glob("*.js"))
    total = sum(len(gzip.compress(path.read_bytes(), 9)) for path in [*modules, STATIC / "theme.js"])
    assert total <= 40_000, f"labeling JavaScript: got {total} bytes gzipped, expected at most 40,000"
    for path in modules:
        lines = len(path.read_text().splitlines())
        assert lines <= 300, f"{path.name}: {lines} lines, expected at most 300"


def test_the_labeling_page_comes_as_one_file_of_all_its_modules():
    made = bundle(STATIC / "label" / "page.js")
    for path in (STATIC / "label").glob("*.js"):
        first = next(line for line in path.read_text().splitlines() if line.startswith("/** "))
        assert made.count(first) == 1, path.name
    named = re.findall(r"feedback/label(/?[\w/]*\.js)", (TEMPLATES / "label.html").read_text())
    assert named == [".js", ".js"]  # preloaded, and run


def test_no_template_has_inline_script_or_style_or_another_origin():
    for path in TEMPLATES.glob("*.html"):
        text = path.read_text()
        assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:|https?://(?!www\.w3\.org)", text), path.name
        for tag in re.findall(r"<script\b[^>]*>", text):
            assert "src=" in tag or 'type="application/json"' in tag, f"{path.name}: {tag}"


def test_every_text_of_the_labeling_page_has_its_translation_entry():
    texts = "".join((TEMPLATES / name).read_text() for name in ("_label_strings.html", "_ending.html"))
    strings = set(re.findall(r'^ +"(\w+)":', texts, re.MULTILINE))
    used = set()
    for path in (STATIC / "label").glob("*.js"):
        used |= set(re.findall(r"\bt\(\"(\w+)\"", path.read_text()))
        used |= set(re.findall(r"do: \"hint\", name: \"(\w+)\"", path.read_text()))
    missing = {name for name in used if name not in strings and not {f"{name}_one", f"{name}_other"} <= strings}
    assert missing == set()


@pytest.mark.parametrize("is_styled", [True, False])
def test_a_page_whose_style_did_not_arrive_says_why(server, chromium, is_styled):
    context = chromium.new_context()
    page = context.new_page()
    if not is_styled:
        page.route("**/static/**", lambda route: route.abort())  # as under a path that nobody told us
    page.goto(f"{server.url}/login")
    assert page.is_visible("text=has to be told that path") is not is_styled
    context.close()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_the_labeling_page_is_accessible(experiment, films, labeler, scheme):
    experiment.ask_some(films, 3)
    window = labeler(color_scheme=scheme).open()
    assert serious(window.page) == []
    window.page.keyboard.press("?")
    window.page.wait_for_timeout(200)
    assert serious(window.page) == []


def test_the_one_time_link_signs_in_once(server, chromium):
    context = chromium.new_context()
    page = context.new_page()
    path = server.login_path()
    page.goto(server.url + path)
    page.wait_for_url(f"{server.url}/")
    assert page.is_visible("text=Experiments")
    other = chromium.new_context()
    second = other.new_page()
    second.goto(server.url + path)
    second.wait_for_selector("#enter-failed:not([hidden])")
    assert "login-url" in second.inner_text("#enter")
    assert "#" not in second.url
    context.close()
    other.close()


PAGES = [
    "/",
    "/e/busy",
    "/e/busy/comparisons",
    "/e/busy/ranking",
    "/e/busy/clips",
    "/e/busy/quality",
    "/e/busy/people",
    "/e/busy/exports",
    "/me",
    "/people",
    "/tokens",
    "/no-such-page",
    "/login",
]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", [{}, PHONE], ids=["wide", "phone"])
def test_all_pages_are_accessible_fit_and_break_no_policy(busy, labeler, scheme, view):
    window = labeler("busy", color_scheme=scheme, **view).open()
    for key in ("ArrowLeft", "ArrowUp", "ArrowDown"):
        window.wait_next(window.answer(key))
    window.wait_saved()
    page, found = window.page, {}
    comparison = f"/c/{busy.events()[0]['comparison']}"
    for path in [*PAGES, comparison]:
        page.goto(busy.server.url + path)
        page.wait_for_timeout(400)
        found[path] = serious(page)
        width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if width > 0:
            found[path].append(f"{width} px wider than the window")
        unlabeled = page.evaluate("""() => [...document.querySelectorAll('button, a[href], input, select')]
          .filter(one => one.type !== 'hidden' && one.checkVisibility() && one.getBoundingClientRect().height < 24)
          .map(one => one.outerHTML.slice(0, 80))""")
        found[path] += [
            f"too small: {one}"
            for one in unlabeled
            if "skip" not in one and "<a" not in one and "checkbox" not in one and "range" not in one
        ]
    assert {path: problems for path, problems in found.items() if problems} == {}


@pytest.mark.slow
def test_the_experiment_page_draws_curves_and_counts_along(busy, films, labeler):
    window = labeler("busy").open()
    watcher = labeler("busy")
    watcher.page.goto(f"{busy.server.url}/e/busy")
    watcher.page.wait_for_selector(".curve canvas")
    assert watcher.page.locator(".curve").count() >= 3
    before = int(watcher.page.inner_text("#answered"))
    window.answer("ArrowLeft")
    watcher.page.wait_for_function(
        "before => Number(document.querySelector('#answered').textContent) === before + 1", arg=before
    )
    window.leave()
    for text in ("1 clip failed", ""):
        busy.call("PUT", "/heartbeat", json={"state": "training", "step": 20_000, "notice": text})
        watcher.page.wait_for_function(
            "text => document.querySelector('#notice').hidden === !text"
            " && document.querySelector('#notice-text').textContent === text",
            arg=text,
        )
    assert watcher.page.locator(".refits").is_hidden()  # it grows evenly
    jump = {"name": "predicted_return", "step": 20_500, "t": 1.7e9, "value": 90.0}
    busy.call("POST", "/metrics", json=[jump, {"name": "refits", "step": 20_100, "t": 1.7e9, "value": 30.0}])
    watcher.page.wait_for_selector(".curve[data-name=predicted_return] .refits:not([hidden])")
    assert "was fitted anew here" in watcher.page.inner_text(".refits")
    assert not watcher.page.locator(".curve[data-name=refits]").count()
    moved = "() => document.querySelector('#now').currentTime > 0"
    watcher.page.wait_for_function(moved)


@pytest.mark.slow
def test_thumbnails_play_under_the_mouse_and_filters_narrow_the_list(busy, labeler):
    window = labeler("busy").open()
    window.wait_next(window.answer("ArrowUp"))
    window.wait_saved()
    page = window.page
    page.goto(f"{busy.server.url}/e/busy/comparisons")
    page.hover(".thumb >> nth=0")
    page.wait_for_function(
        "() => { const video = document.querySelector('.thumb video'); return !video.paused && video.videoWidth > 0; }"
    )
    page.select_option("select[name=preferred]", "tie")
    page.wait_for_url("**preferred=tie**")
    page.wait_for_function(
        "() => [...document.querySelectorAll('#rows .thumb b')].every(one => one.textContent.trim() === 'tie')"
    )
    assert page.locator("#rows .thumb").count() >= 1


@pytest.mark.slow
def test_a_cursor_on_the_predicted_reward_goes_along_with_the_clip(server, films, labeler):
    made = LiveExperiment(server)
    (comparison,) = made.ask_some(films, 1)
    curves = {"a": [0.1 * n for n in range(24)], "b": [-0.05 * n for n in range(24)]}
    made.call("POST", "/predictions", json=[{"comparison": comparison, "step": 5, "p_left": 0.73} | curves])
    window = labeler(made.slug).open()
    assert "data-prediction" not in window.page.content()
    window.answer("ArrowUp")
    window.wait_saved()
    page = window.page
    page.goto(f"{server.url}/c/{comparison}")
    assert "the left clip 73 %" in page.inner_text("#prediction")
    place = "document.querySelector('[data-prediction=right] .cursor').getAttribute('x1')"
    assert page.evaluate(place) == "0"
    page.click("#both")
    page.wait_for_function(f"() => Number({place}) > 10")
    # 0.5 s into a clip of 24 frames at 30 per second is frame 15 of 0 ... 23.
    page.evaluate("document.querySelectorAll('video').forEach(one => { one.pause(); one.currentTime = 0.5; })")
    page.wait_for_function(f"() => Math.abs(Number({place}) - 100 * 15 / 23) < 1")


@pytest.mark.slow
def test_own_keys_chosen_on_me_count_on_the_labeling_page(busy, labeler):
    window = labeler("busy")
    window.page.goto(f"{busy.server.url}/me")
    window.page.click("[data-bind=left]")
    window.page.keyboard.press("j")
    window.open()
    assert window.page.inner_text(".answers [data-action=left] kbd") == "J"
    before = window.shown
    window.page.keyboard.press("ArrowLeft")
    assert window.shown == before
    window.answer("j")
    window.wait_saved()
    window.leave()


@pytest.mark.slow
def test_an_answer_can_be_changed_and_withdrawn_on_me(server, films, labeler):
    made = LiveExperiment(server)
    made.ask_some(films, 3)
    window = labeler(made.slug).open()
    window.answer("ArrowUp")
    window.wait_saved()
    page = window.page
    page.goto(f"{server.url}/me?experiment={made.slug}")
    page.click(".thumb summary")
    page.select_option(".thumb select[name=side]", "cant_tell")
    page.click(".thumb button:has-text('Save')")
    page.wait_for_load_state()
    assert [event["preferred"] for event in made.labels().values()] == ["cant_tell"]
    page.goto(f"{server.url}/me?experiment={made.slug}")
    page.click(".thumb summary")
    page.click(".thumb button:has-text('Withdraw')")
    page.wait_for_load_state()
    assert made.labels() == {}


def test_the_pictures_of_the_server_are_those_that_are_taken():
    taken = {f"{name}.png" for name in make_screenshots.DOCS}
    drawn = {path.name for path in (ROOT / "docs/images").iterdir() if re.search(r"-(wide|phone)\.png$", path.name)}
    assert drawn == taken  # python tests/browser/make_screenshots.py --out docs/images
