"""People as teachers, in figures: how soon a chosen pair can be seen, and what labeling costs the training.

    python -m benchmarks.people --pairs 12 --steps 1.5e6 --px 320 480

Prints the seconds from "chosen" to "both clips of the pair are in the labeler's hands" on idle cores and beside a
training on all of them, and the speed of training with somebody who answers every 3 s as a share of that with the
synthetic teacher, for each size of clips. The labeler calls the API; a browser would run on the labeler's machine.
"""

import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import httpx
import numpy as np

from benchmarks.labelers import HttpLabeler
from rl_teacher.config.run import HumanConfig, RunConfig
from rl_teacher.core.segment import Segment
from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.people.attach import attach, detach
from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.connection import connect
from rl_teacher.records import Comparison
from rl_teacher.training.clip_content import content_of
from rl_teacher.training.complete import complete
from rl_teacher.training.segment_length import with_clip_length
from rl_teacher.video.backend import choose_backend

ENV, EVERY_S = "ShortHopper-v1", 3.0


def segments(num: int) -> list[Segment]:
    """Segments of 1.5 s of random actions."""
    spec = find_env(ENV)
    envs = make_envs(spec, num, seed=3)
    length, generator = int(1.5 * spec.clip_fps), np.random.default_rng(0)
    obs, _ = envs.reset()
    seen, states, actions = [], [], []
    for _ in range(length):
        seen.append(obs.copy())
        states.append(envs.sim_state().copy())
        actions.append(generator.uniform(-1, 1, envs.action_space.shape).astype(np.float32))
        obs, *_ = envs.step(actions[-1])
    envs.close()
    return [
        Segment(
            obs=np.stack([one[i] for one in seen]), sim_state=np.stack([one[i] for one in states]),
            reward_action=np.stack([one[i] for one in actions]), env_action=np.stack([one[i] for one in actions]),
            true_reward=np.zeros(length, np.float32), env=i, episode=0, start=0, iteration=0,
        )
        for i in range(num)
    ]  # fmt: skip


def seconds_to_see(num_pairs: int, *, with_training: bool) -> list[float]:
    """From ask() until the labeler has both clips, pair by pair."""
    with tempfile.TemporaryDirectory() as home:
        human = HumanConfig(data_dir=f"{home}/feedback", port=0, open_browser=False)
        spec = find_env(ENV)
        config, _ = complete(RunConfig(env_id=ENV, predictor="human", name="see", runs_dir=home, human=human), spec)
        config = with_clip_length(config, spec)
        lines: list[str] = []
        connection = connect(config, "see", lines.append)
        login = next(found.group() for text in lines if (found := re.search(r"http\S+/enter\S+", text)))
        folder = Path(home) / "see"
        folder.mkdir()
        session = attach(
            connection, folder, config, content=content_of(spec, None), fps=spec.clip_fps, backend=choose_backend(),
            log=lines.append,
        )  # fmt: skip
        training = None
        if with_training:
            words = ["-p", "synth", "-l", "350", "-e", ENV, "-n", "t", "-t", "5e6", "--runs-dir", f"{home}/runs"]
            command = [sys.executable, "-m", "rl_teacher", "teach", *words, "--tb-dir", f"{home}/tb"]
            training = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            time.sleep(20)
        times, pool = [], segments(2 * num_pairs + 2)
        with HttpLabeler(login, connection.client) as labeler:
            for pair in range(num_pairs + 1):
                left, right = str(uuid.uuid4()), str(uuid.uuid4())
                start = time.perf_counter()
                session.ask(
                    [Comparison(str(uuid.uuid4()), left, right, pair)],
                    {left: pool[2 * pair], right: pool[2 * pair + 1]},
                )
                row = labeler.wait()
                for side in ("left", "right"):
                    labeler.fetch(row[side]["mp4"])
                if pair:  # the first one starts the renderers
                    times.append(time.perf_counter() - start)
                labeler.submit(row, "tie")
        if training:
            training.kill()
            training.wait()
        detach(session, [], is_done=True)
        connection.close()
    return times


def training_speed(steps: int, px: int) -> tuple[float, int]:
    """Environment steps per second of joint training with clips of px pixels, or of no people if 0; and labels."""
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"HOME": home}
        people = ["-p", "human", "-L", "20", "--human.port", "0", "--human.clip-px", str(px), "--no-human.stay"]
        who = people if px else ["-p", "synth", "-L", "20", "-l", "60"]
        command = [sys.executable, "-m", "rl_teacher", "teach", *who, "-e", ENV, "-n", "x", "-t", str(steps)]
        with (Path(home) / "out").open("w") as out:
            run = subprocess.Popen(command, stdout=out, env=environment)
        if px:
            _label(run, Path(home))
        run.wait()
        folder = Path(home) / "rl-teacher" / "runs" / "x"
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        summary = json.loads((folder / "summary.json").read_text())
        return lines[-1]["time/env_steps_per_second"], summary["labels"]


def _label(run: "subprocess.Popen[bytes]", home: Path) -> None:
    """The first labels at once, then one every three seconds."""
    while not (found := re.search(r"http\S+/enter\S+", (home / "out").read_text())):
        time.sleep(0.2)
    data = home / "rl-teacher" / "feedback"
    url = json.loads((data / "server.json").read_text())["url"]
    while "comparisons labeled" not in (home / "out").read_text():
        time.sleep(0.2)
    token = (data / "trainer.token").read_text().strip()
    with FeedbackClient(url, token, "x") as client, HttpLabeler(found.group(), client) as labeler:
        for _ in range(15):
            labeler.answer()

        def keep_answering() -> None:
            while run.poll() is None:
                due = time.monotonic() + EVERY_S
                with contextlib.suppress(TimeoutError, httpx.HTTPError, KeyError, AttributeError):
                    labeler.answer(EVERY_S)
                time.sleep(max(0.0, due - time.monotonic()))

        thread = threading.Thread(target=keep_answering)
        thread.start()
        run.wait()
        thread.join()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=12, help="0 for none of it")
    parser.add_argument("--steps", type=lambda text: int(float(text)), default=1_500_000)
    parser.add_argument("--repeats", type=int, default=3, help="of the trainings")
    parser.add_argument("--px", type=int, nargs="+", default=[320, 480], help="sizes of clips")
    given = parser.parse_args(argv)
    for with_training in (False, True) if given.pairs else ():
        times = seconds_to_see(given.pairs, with_training=with_training)
        where = "beside a training" if with_training else "on idle cores"
        print(f"chosen to seen {where}: median {statistics.median(times):.2f} s, worst {max(times):.2f} s", flush=True)
    shares: dict[int, list[float]] = {px: [] for px in given.px}
    for repeat in range(given.repeats):  # by turns, as machines have faster and slower minutes
        order = (0, *given.px) if repeat % 2 == 0 else (*reversed(given.px), 0)
        speeds = {px: training_speed(given.steps, px) for px in order}
        for px in given.px:
            shares[px].append(speeds[px][0] / speeds[0][0])
            print(
                f"training: {speeds[px][0]:,.0f} steps/s with {speeds[px][1]} labels of somebody who answers every "
                f"{EVERY_S:g} s, clips of {px} px, {speeds[0][0]:,.0f} with the synthetic teacher: "
                f"{shares[px][-1]:.3f}",
                flush=True,
            )
    for px, found in shares.items():
        if found:
            print(f"{px} px: median of {len(found)}: {statistics.median(found):.3f}")


if __name__ == "__main__":
    main()
