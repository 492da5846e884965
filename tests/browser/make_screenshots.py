"""Fills a server with rendered clips and takes pictures of every page, light and dark, wide and phone, for docs/images.

python tests/browser/make_screenshots.py --out docs/images [--only label,dashboard] [--all]
"""

import argparse
import io
import math
import tempfile
import time
from pathlib import Path
from typing import Any

import lesson_scenes
import mujoco
import numpy as np
from browser_server import LiveExperiment, LiveServer
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from ranked_clips import ranked

from rl_teacher.envs.catalog import find_task
from rl_teacher.envs.tasks.model_files import load_model
from rl_teacher.video.backend import choose_backend
from rl_teacher.video.encode import encode_clip
from rl_teacher.video.render import StateRenderer

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FPS, NUM_FRAMES, NUM_FILMS = 30, 36, 14
TALLEST = 1400
"""Of a picture [pixels]; what is further down is left out."""
VIEWS = {"wide": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
DOCS = {
    "label-light-wide",
    "label-dark-phone",
    "review-light-wide",
    "me-light-wide",
    "task-light-wide",
    "dashboard-light-wide",
    "experiment-light-wide",
    "comparisons-light-wide",
    "ranking-light-wide",
    "guest-light-phone",
    "invite-light-wide",
    "join-dark-phone",
    "quick-light-wide",
    "waiting-first-dark-phone",
    "waiting-last-light-wide",
    "begun-light-wide",
    "milestone-light-wide",
    "milestone-dark-phone",
    "ending-light-wide",
    "ending-light-phone",
}
"""Those that stand on pages of docs/; a test wants each there."""
SEEN = """() => [...document.querySelectorAll('video')]
  .filter(video => video.checkVisibility() && video.getAttribute('src') && video.getBoundingClientRect().top < innerHeight)
  .every(video => video.readyState >= 2 && !video.seeking)"""
"""Whether each video that is to be seen has a picture."""


MIDDLE = """() => {
  const video = document.querySelector(`#left-${document.querySelector('#pair').dataset.front}`);
  return document.querySelector('dialog[open]') || (video.currentTime > 0.3 && video.currentTime < 0.6);
}"""
"""Whether clips play and are neither at their beginning nor at their end."""


LESSON = {
    "first_labels": 131,
    "label_budget": 350,
    "has_begun": True,
    "relevances": "more forward velocity of the torso (96 %)",
}
ENDING = {
    "step": 900_000, "labels": 350, "before": 103.4, "after": 1078.2,
    "commands": ["rl-teacher replay hopper-lesson", "rl-teacher plot hopper-lesson"],
}  # fmt: skip


def hop(seed: int, skill: float) -> bytes:
    """A hopper that leans forward and kicks, the better the more skill in [0, 1] it has; drawn as clips are."""
    task = find_task("Hopper-v1")
    model = load_model(task.model_file)
    data = mujoco.MjData(model)
    rng = np.random.default_rng(seed)
    phase, drive, rows = rng.uniform(0, 6.28), rng.uniform(0.5, 1.0), []
    for number in range(NUM_FRAMES):
        wave = math.sin(number / FPS * 11 + phase)
        kick = skill * np.array([-0.35 * wave, -0.8 * wave, 0.9 * wave]) * drive
        data.ctrl[:] = np.clip(kick + (1 - skill) * rng.normal(0, 0.5, 3), -1, 1)
        for _ in range(int(1 / FPS / model.opt.timestep)):
            mujoco.mj_step(model, data)
        rows.append(np.concatenate([data.qpos, data.qvel]))
    with StateRenderer(load_model(task.model_file), task.camera, backend=choose_backend()) as renderer:
        return encode_clip(renderer.render(np.stack(rows), FPS), FPS, with_webm=False).mp4


def fill(server: LiveServer, films: list[bytes]) -> LiveExperiment:
    """One experiment in full swing, one that waits, one that is done."""
    for slug, env_id, state in (
        ("hopper-backflip", "ShortHopper-v1", "waiting"),
        ("walker-stand", "ShortWalker2d-v1", "done"),
    ):
        other = LiveExperiment(server, slug, env_id=env_id, labels_wanted=80)
        other.ask_some(films[:3], 4)
        curves(other, 12)
        other.call("PUT", "/heartbeat", json={"state": state, "step": 120_000})
    main = LiveExperiment(server, "hopper-forward", labels_wanted=175, repeat_rate=0.0, min_view_ms=300)
    main.ask_some(films, 90)
    curves(main, 60)
    for number, film in enumerate(films[::3]):
        main.call("POST", "/videos", json={"step": 150_000 * number, "blob": main.blob(film, "video/mp4")})
    notice = "2 clips failed to render; their pairs were replaced: MuJoCo says that the robot is not a number"
    main.call("PUT", "/heartbeat", json={"state": "training", "step": 612_000, "next_clips_s": 20, "notice": notice})
    return main


def curves(experiment: LiveExperiment, count: int) -> None:
    rng = np.random.default_rng(1)
    points, now = [], time.time()
    for number in range(count):
        share = number / 60
        values = {
            "true_return": 900 * share**1.6 + rng.normal(0, 40),
            "predicted_return": 14 * share + rng.normal(0, 1) + (9 if number > 35 else 0),
            "reward_accuracy": 0.5 + 0.42 * (1 - math.exp(-4 * share)) + rng.normal(0, 0.015),
            "disagreement": 0.24 * math.exp(-3 * share) + 0.03 + rng.normal(0, 0.006),
        }
        points += [
            {"name": name, "step": number * 10_000, "t": now - (count - number) * 60, "value": value}
            for name, value in values.items()
        ]
    points += [{"name": "refits", "step": step, "t": now, "value": 40} for step in (102_000, 355_000, 458_000)]
    for start in range(0, len(points), 200):
        experiment.call("POST", "/metrics", json=points[start : start + 200])


def answer(page: Page, url: str, slug: str, count: int) -> None:
    page.goto(f"{url}/e/{slug}/label")
    keys = ["ArrowLeft", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowUp", "ArrowLeft", "ArrowRight", "ArrowDown"]
    for number in range(count):
        page.wait_for_selector("#labeler[data-phase=open]")
        page.keyboard.press(keys[number % len(keys)])
        page.wait_for_timeout(60)
    page.wait_for_selector("#status[data-saving=saved]")


def predict(experiment: LiveExperiment) -> None:
    """What a reward model may have made of the answered pairs."""
    rng, rows = np.random.default_rng(2), []
    for event in experiment.events():
        curves = {side: np.cumsum(rng.normal(0.02, 0.3, 30)).round(3).tolist() for side in "ab"}
        p_left = 1 / (1 + math.exp(sum(curves["b"]) / 20 - sum(curves["a"]) / 20))
        rows.append({"comparison": event["comparison"], "step": 600_000, "p_left": p_left} | curves)
    experiment.call("POST", "/predictions", json=rows[:64])


def scenes(experiment: LiveExperiment) -> dict[str, tuple[str, Any]]:
    """Name -> address, and what to do there before the picture."""
    slug = experiment.slug

    def labeling(*keys: str, phase: str = "open") -> Any:
        def act(page: Page) -> None:
            page.wait_for_selector("#labeler[data-phase=open]")
            for key in keys:
                page.keyboard.press(key)
            if keys and keys[0] == "u":
                page.wait_for_selector("#labeler[data-phase=review]")
            page.wait_for_function(MIDDLE)

        return act

    def wait_for_clips(page: Page) -> None:
        told = {"state": "training", "step": 1000, "next_clips_s": 20}
        experiment.server.trainer.put("/experiments/quiet/heartbeat", json=told)
        page.reload()
        page.wait_for_timeout(1500)

    lesson = LiveExperiment(experiment.server, "hopper-lesson")

    def tell(state: str, **told: Any) -> None:
        lesson.call("PUT", "/lesson", json=LESSON | told)
        lesson.call("PUT", "/heartbeat", json={"state": state, "step": 900_000})

    def begin(page: Page) -> None:
        tell("waiting", has_begun=False, relevances="")
        page.reload()
        page.wait_for_selector("#labeler[data-phase=open]")
        page.wait_for_timeout(500)
        tell("training")
        page.wait_for_selector("#begun:not([hidden])")
        page.wait_for_timeout(500)

    def reach_a_milestone(page: Page) -> None:
        tell("training")
        while not page.locator("#milestone[open]").count():
            page.wait_for_selector("#labeler[data-phase=open]")
            page.keyboard.press("ArrowLeft")
            page.wait_for_timeout(250)
        page.wait_for_timeout(600)

    def end(page: Page) -> None:
        tell("done", ending=ENDING)
        page.wait_for_selector("#ending:not([hidden])")
        page.wait_for_timeout(900)

    def settle(page: Page) -> None:
        page.wait_for_load_state("networkidle") if "/e/" not in page.url else page.wait_for_timeout(900)

    def carry(page: Page) -> None:
        page.locator("[data-move]").nth(2).focus()
        for key in ("Enter", "ArrowRight", "ArrowRight", "ArrowRight"):
            page.keyboard.press(key)
        page.wait_for_timeout(500)

    comparison = f"/c/{experiment.events()[0]['comparison']}"
    return {
        "label": (f"/e/{slug}/label", labeling()),
        "review": (f"/e/{slug}/label", labeling("u")),
        "help": (f"/e/{slug}/label", labeling("?")),
        "flag": (f"/e/{slug}/label", labeling("f")),
        "empty": ("/e/quiet/label", wait_for_clips),
        "task": ("/e/cart/label", lambda page: page.wait_for_selector("#labeler[data-phase=held]")),
        "begun": ("/e/hopper-lesson/label", begin),
        "milestone": ("/e/hopper-lesson/label", reach_a_milestone),
        "ending": ("/e/hopper-lesson/label", end),
        "dashboard": ("/", settle),
        "experiment": (f"/e/{slug}", settle),
        "comparisons": (f"/e/{slug}/comparisons", settle),
        "comparison": (comparison, settle),
        "ranking": ("/e/hopper-ranked/ranking", settle),
        "carry": ("/e/hopper-ranked/ranking", carry),
        "pairs": (f"/e/{slug}/ranking", settle),
        "clips": (f"/e/{slug}/clips", settle),
        "quality": (f"/e/{slug}/quality", settle),
        "people": (f"/e/{slug}/people", settle),
        "exports": (f"/e/{slug}/exports", settle),
        "me": ("/me", settle),
        "accounts": ("/people", settle),
        "tokens": ("/tokens", settle),
        "missing": ("/e/nothing-here", settle),
        "enter": ("/enter", settle),
    }


def shoot(page: Page, path: Path, whole: bool) -> None:
    """A picture of the page once all that it shows has come; of a tall one thumbnails load as far as it is taken."""
    if whole:
        height = int(page.evaluate("document.documentElement.scrollHeight"))
        assert page.viewport_size is not None, "every context has a viewport"
        page.set_viewport_size(page.viewport_size | {"height": min(TALLEST, max(height, page.viewport_size["height"]))})
    page.wait_for_function(SEEN, timeout=60_000)
    page.wait_for_timeout(300)  # until what was decoded is painted too
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(192, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", default="", help="scenes, comma-separated")
    parser.add_argument("--all", action="store_true", help="every scene in every view, not only those of the docs")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    films = [hop(seed, seed / NUM_FILMS) for seed in range(NUM_FILMS)]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = LiveServer(Path(folder) / "data", "--public-url", lesson_scenes.SHARED)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            take(server, browser, films, args)
        finally:
            browser.close()
            server.close()


def take(server: LiveServer, browser: Any, films: list[bytes], args: argparse.Namespace) -> None:
    experiment = fill(server, films)
    LiveExperiment(server, "cart", env_id="CartPole-v1", guideline=None, task="")
    quiet = LiveExperiment(server, "quiet")
    curves(quiet, 40)
    quiet.call("POST", "/videos", json={"step": 1000, "blob": quiet.blob(films[-1], "video/mp4")})
    lesson = LiveExperiment(server, "hopper-lesson")
    lesson.ask_some(films, 120)
    lesson.call("POST", "/videos", json={"step": 900_000, "blob": lesson.blob(films[-2], "video/mp4")})
    context = browser.new_context(viewport=VIEWS["wide"])
    context.add_init_script("localStorage.setItem('rl-teacher.met', '1')")
    page = context.new_page()
    page.goto(server.url + server.login_path())
    page.wait_for_url(f"{server.url}/")
    answer(page, server.url, experiment.slug, 37)
    predict(experiment)
    ranked(page, LiveExperiment(server, "hopper-ranked"), films, num=56, wrong=3, waiting=[hop(40, 0.7), hop(41, 0.2)])
    cookies = context.cookies()
    context.close()
    lesson_scenes.prepare(server, films)
    found = scenes(experiment) | lesson_scenes.scenes(server)
    names = args.only.split(",") if args.only else list(found)
    for scheme in ("light", "dark"):
        for view, size in VIEWS.items():
            is_phone = view == "phone"
            context = browser.new_context(viewport=size, color_scheme=scheme, has_touch=is_phone, is_mobile=is_phone)
            context.add_init_script("localStorage.setItem('rl-teacher.met', '1')")
            context.add_cookies(cookies)
            page = context.new_page()
            page.on("console", lambda message: message.type == "error" and print("  console:", message.text))
            page.on("pageerror", lambda error: print("  error:", error))
            for name in names:
                if not args.all and f"{name}-{scheme}-{view}" not in DOCS:
                    continue
                path, act = found[name]
                page.set_viewport_size(size)
                page.goto(server.url + path)
                act(page)
                shoot(page, args.out / f"{name}-{scheme}-{view}.png", "label" not in path)
            context.close()


if __name__ == "__main__":
    main()
