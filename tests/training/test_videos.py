"""Videos of the training: made beside it, whole, and never a reason to stop."""

from pathlib import Path

import pytest

from rl_teacher.commands.train import train
from rl_teacher.config.flags import parse
from rl_teacher.config.run import RunConfig
from rl_teacher.core.segment import Segment
from rl_teacher.errors import VideoFault
from rl_teacher.training.videos import TrainingVideos
from rl_teacher.video.clip_size import clip_px
from rl_teacher.video.encode import decode_clip

WORDS = ["-p", "rl", "-e", "ShortReacher-v1", "-n", "x", "-t", "12000", "--ppo.rollout-steps", "32"]


def config(folder: Path, *words: str) -> RunConfig:
    where = ["--runs-dir", str(folder), "--tb-dir", str(folder / "tb"), "--video-seconds", "0.3"]
    return parse([*WORDS, *where, *words])


@pytest.mark.render
def test_a_run_leaves_videos_of_what_the_agent_did_also_of_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []

    class Recorder(TrainingVideos):
        def send_video(self, step: int, episode: Segment) -> None:
            steps.append(step)
            super().send_video(step, episode)

    monkeypatch.setattr("rl_teacher.commands.train.TrainingVideos", Recorder)
    monkeypatch.setattr("rl_teacher.training.videos.CLOSE_S", 120.0)  # a machine under load
    assert train(config(tmp_path)) == 0
    videos = sorted((tmp_path / "x" / "videos").iterdir())
    assert steps
    assert [path.name for path in videos] == [f"step-{step:09d}.mp4" for step in steps]
    frames = decode_clip(videos[0].read_bytes())
    assert frames.shape[1:] == (clip_px(), clip_px(), 3)
    assert frames.std() > 10  # not blank


def test_without_videos_none_are_made(tmp_path: Path) -> None:
    assert train(config(tmp_path, "-V")) == 0
    assert not (tmp_path / "x" / "videos").exists()


def test_where_nothing_can_be_drawn_training_goes_on_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> str:
        raise VideoFault("no rendering backend works")

    monkeypatch.setattr("rl_teacher.video.backend.choose_backend", refuse)
    assert train(config(tmp_path)) == 0
    assert "No videos of the training: no rendering backend works" in capsys.readouterr().out
