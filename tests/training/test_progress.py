"""What a user sees while a run goes on."""

import math

from rl_teacher.training.progress import Progress, describe

METRICS = {
    "time/env_steps_per_second": 21_400.6, "agent/true_reward_per_episode": 512.34,
    "agent/predicted_reward_per_episode": 7.0, "labels/answered": 37.0, "labels/total_comparisons": 40.0,
    "predictor/step_correlation": 0.914,
}  # fmt: skip


def test_a_line_has_speed_returns_labels_and_correlation() -> None:
    expected = "21,401/s · true return 512.3 · predicted 7.0 · labels 37/40 · correlation 0.91"
    assert describe(METRICS, with_labels=True) == expected
    assert describe(METRICS, with_labels=False) == "21,401/s · true return 512.3"


def test_what_is_not_known_yet_is_a_dash() -> None:
    assert "1/s · true return -" in describe({"time/env_steps_per_second": 1.0}, with_labels=False)


def test_without_a_terminal_there_are_plain_lines_and_always_a_last_one() -> None:
    lines: list[str] = []
    progress = Progress(1000, lines.append)
    progress.start(0)
    for steps in (100, 200, 900, 1000):  # within one interval: only the first and the last are said
        progress.show(steps, METRICS, with_labels=False)
    progress.stop()
    assert [line.split(" steps")[0].strip() for line in lines] == ["100/1,000", "1,000/1,000"]
    assert lines[-1].endswith("0 s left")


def test_speed_counts_from_the_step_of_a_resume() -> None:
    progress = Progress(1000, print)
    progress.start(500)
    assert progress.rate(500) == 0.0
    assert math.isfinite(progress.rate(600))
