"""Clip workers, and what happens when a job or a process goes wrong."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rl_teacher.envs.camera import Camera
from rl_teacher.errors import VideoFault
from rl_teacher.video.backend import candidates, probe
from rl_teacher.video.encode import decode_clip, encode_clip
from rl_teacher.video.jobs import ClipJob, ClipResult, Frames, States
from rl_teacher.video.workers import NICENESS, ClipWorkers

WAIT_S = 60.0


def picture_job(name: str, gray: int = 90, num_frames: int = 4) -> ClipJob:
    return ClipJob(name, Frames(np.full((num_frames, 32, 32, 3), gray, np.uint8)), fps=10)


def collect(workers: ClipWorkers, count: int) -> dict[str, ClipResult]:
    results: dict[str, ClipResult] = {}
    deadline = time.monotonic() + WAIT_S
    while len(results) < count and time.monotonic() < deadline:
        results |= {result.id: result for result in workers.poll(timeout_seconds=1.0)}
    return results


def worker_pids() -> set[int]:
    """Processes that make clips for this one."""
    children = multiprocessing.active_children()
    return {child.pid for child in children if child.name == "clip-worker" and child.pid is not None}


@pytest.fixture(scope="module")
def workers() -> Iterator[ClipWorkers]:
    with ClipWorkers(2, backend=None) as opened:
        yield opened


def test_each_job_comes_back_with_its_own_clip(workers: ClipWorkers) -> None:
    for gray in (20, 120, 220):
        workers.submit(picture_job(f"gray-{gray}", gray))
    results = collect(workers, 3)
    assert set(results) == {"gray-20", "gray-120", "gray-220"}
    for gray in (20, 120, 220):
        clip = results[f"gray-{gray}"].clip
        assert clip is not None
        np.testing.assert_allclose(decode_clip(clip.mp4).astype(int), gray, atol=4)
    assert workers.num_unfinished == 0


def test_a_worker_makes_the_same_bytes_as_this_process(workers: ClipWorkers) -> None:
    job = picture_job("same")
    workers.submit(job)
    assert isinstance(job.content, Frames)
    assert collect(workers, 1)["same"].clip == encode_clip(job.content.pixels, 10)


def test_a_poisoned_job_is_reported_with_its_error_and_the_others_go_on(workers: ClipWorkers) -> None:
    workers.submit(ClipJob("poison", Frames(np.zeros((4, 32, 32, 7), np.uint8)), fps=10))
    workers.submit(picture_job("healthy"))
    results = collect(workers, 2)
    assert results["healthy"].clip is not None
    assert results["poison"].clip is None
    assert "failed 2 times" in results["poison"].error
    assert "(4, 32, 32, 7)" in results["poison"].error


def test_a_killed_worker_is_replaced_and_its_job_is_done(workers: ClipWorkers) -> None:
    before = worker_pids()
    for number in range(4):
        workers.submit(picture_job(f"job-{number}", num_frames=4000))
    time.sleep(0.2)
    assert workers.num_unfinished == 4, "killed in the middle of their work"
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    results = collect(workers, 4)
    assert all(results[f"job-{number}"].clip is not None for number in range(4))
    assert len(before) == len(worker_pids()) == 2
    assert not before & worker_pids()


def test_a_job_that_takes_too_long_is_given_up_after_a_second_try() -> None:
    with ClipWorkers(1, backend=None, job_seconds=0.0) as impatient:
        impatient.submit(picture_job("endless", num_frames=4000))
        result = collect(impatient, 1)["endless"]
    assert result.clip is None
    assert "took longer than 0 s" in result.error


def test_workers_are_nice(workers: ClipWorkers) -> None:
    workers.submit(picture_job("warm"))
    collect(workers, 1)
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert max(os.getpriority(os.PRIO_PROCESS, pid) for pid in worker_pids()) == min(19, own + NICENESS)


def test_close_ends_every_process_and_refuses_new_jobs() -> None:
    before = worker_pids()
    workers = ClipWorkers(2, backend=None)
    pids = worker_pids() - before
    assert len(pids) == 2
    workers.submit(picture_job("never", num_frames=2000))
    workers.close()
    workers.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    with pytest.raises(VideoFault, match="closed"):
        workers.submit(picture_job("late"))


def test_a_second_job_of_the_same_id_is_refused(workers: ClipWorkers) -> None:
    workers.submit(picture_job("twin", num_frames=100))
    with pytest.raises(VideoFault, match="'twin'"):
        workers.submit(picture_job("twin"))
    collect(workers, 1)


def test_fewer_than_one_worker_is_refused() -> None:
    with pytest.raises(VideoFault, match="num_workers = 0"):
        ClipWorkers(0, backend=None)


@pytest.mark.render
@pytest.mark.parametrize("backend", candidates())
def test_states_are_drawn_and_bad_ones_reported(tmp_path: Path, backend: str) -> None:
    if probe(backend):
        pytest.skip(f"{backend} does not work here: {probe(backend)}")
    model = tmp_path / "ball.xml"
    model.write_text(
        '<mujoco><worldbody><body name="ball"><freejoint/><geom size=".3" rgba="1 0 0 1"/></body></worldbody></mujoco>'
    )
    camera = Camera("ball", distance=2.0)
    good = np.tile([0.0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], (3, 1))
    with ClipWorkers(1, backend=backend) as workers:
        workers.submit(ClipJob("good", States(model, camera, good, 64, 64), fps=10))
        workers.submit(ClipJob("bad", States(model, camera, good[:, :5], 64, 64), fps=10))
        results = collect(workers, 2)
    assert results["good"].clip is not None, results["good"].error
    red, green, _ = decode_clip(results["good"].clip.mp4)[0, 32, 32].astype(int)
    assert red > green + 80
    assert "(3, 5)" in results["bad"].error


PROGRAM = """
import numpy as np
from rl_teacher.video.jobs import ClipJob, Frames
from rl_teacher.video.workers import ClipWorkers
print("begun")
with ClipWorkers(1, backend=None) as workers:
    workers.submit(ClipJob("x", Frames(np.zeros((3, 8, 8, 3), np.uint8)), 10, with_webm=False))
    while not (results := workers.poll(1.0)):
        pass
print("made" if results[0].clip else results[0].error)
"""


def test_a_program_that_guards_nothing_by_its_name_is_not_run_again(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, program], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["begun", "made"], done.stderr
