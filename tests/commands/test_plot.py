"""What a plot groups, averages and refuses; and that its picture has something in it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from rl_teacher.commands.plot import group_runs, on_common_steps, plot_runs
from rl_teacher.errors import FolderUnwritable, RunMissing
from rl_teacher.storage.run_reader import read_run

MakeRun = Callable[..., Path]


def config(**changes: object) -> dict[str, object]:
    return {"env_id": "Hopper-v1", "predictor": "synth", "agent": "ppo", "seed": 1, "n_labels": 300} | changes


def test_runs_that_differ_only_in_their_seed_are_one_group(tmp_path: Path, make_run: MakeRun) -> None:
    runs = [
        make_run(tmp_path / "rl", config(predictor="rl", n_labels=0)),
        make_run(tmp_path / "s1", config(seed=1)),
        make_run(tmp_path / "s2", config(seed=2)),
        make_run(tmp_path / "more", config(n_labels=1400)),
    ]
    groups = {label: [facts.name for facts in members] for label, members in group_runs([*map(read_run, runs)]).items()}
    assert groups == {
        "RL, true reward": ["rl"],
        "300 synthetic labels, 2 seeds": ["s1", "s2"],
        "1,400 synthetic labels": ["more"],
    }


def test_the_same_seed_twice_stays_apart_and_so_does_what_is_unknown(tmp_path: Path, make_run: MakeRun) -> None:
    runs = [make_run(tmp_path / "a", config()), make_run(tmp_path / "b", config()), make_run(tmp_path / "c", {})]
    assert list(group_runs([*map(read_run, runs)])) == ["a", "b", "c"]


def test_agents_and_environments_are_named_where_they_differ(tmp_path: Path, make_run: MakeRun) -> None:
    runs = [make_run(tmp_path / "a", config()), make_run(tmp_path / "b", config(agent="trpo", env_id="Reacher-v1"))]
    assert list(group_runs([*map(read_run, runs)])) == [
        "300 synthetic labels, ppo, Hopper-v1",
        "300 synthetic labels, trpo, Reacher-v1",
    ]


def test_seeds_are_compared_over_the_steps_that_all_have(tmp_path: Path, make_run: MakeRun) -> None:
    # 0 -> 10 over steps 0 to 100, and 20 -> 40 over 50 to 150; both have 50 to 100: 5 to 10, and 20 to 30.
    first = read_run(make_run(tmp_path / "a", config(), [(0, 0.0), (100, 10.0)]))
    second = read_run(make_run(tmp_path / "b", config(seed=2), [(50, 20.0), (150, 40.0)]))
    steps, returns = on_common_steps([first, second])
    assert (steps[0], steps[-1]) == (50, 100)
    np.testing.assert_allclose(returns[:, [0, -1]], [[5, 10], [20, 30]])


def test_the_picture_has_the_colors_of_its_lines(tmp_path: Path, make_run: MakeRun) -> None:
    runs = [
        make_run(tmp_path / "rl", config(predictor="rl"), [(0, 0.0), (100, 10.0)]),
        make_run(tmp_path / "synth", config(), [(0, 0.0), (50, None), (100, 5.0)]),
        make_run(tmp_path / "empty", config(seed=3)),
    ]
    out = tmp_path / "plots/curves.png"
    plot_runs(runs, out)
    picture = (imread(out)[..., :3] * 255).round().astype(int)
    assert picture.shape == (690, 1200, 3)  # 8.0 x 4.6 inches of 150 pixels
    for color in ((0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)):
        assert (np.abs(picture - color).max(axis=2) <= 2).sum() > 200


def test_nothing_to_plot_names_what_it_got(tmp_path: Path, make_run: MakeRun) -> None:
    with pytest.raises(RunMissing, match="empty"):
        plot_runs([make_run(tmp_path / "empty", config())], tmp_path / "out.png")
    with pytest.raises(RunMissing, match="no folder at all"):
        plot_runs([], tmp_path / "out.png")


def test_a_picture_that_cannot_be_written_is_named(tmp_path: Path, make_run: MakeRun) -> None:
    run = make_run(tmp_path / "a", config(), [(0, 0.0), (1, 1.0)])
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderUnwritable, match=r"/file: cannot be written"):
        plot_runs([run], tmp_path / "file/out.png")
