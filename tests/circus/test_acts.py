"""The acts of examples/circus: what they measure is what MuJoCo says, and their judges see what a person would see."""

from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest

from rl_teacher.commands.circus.acts import find_acts, load_act
from rl_teacher.config.user_code import load_function
from rl_teacher.envs.catalog import find_env, find_task
from rl_teacher.envs.tasks.model_files import load_model
from rl_teacher.errors import UnknownChoice, UserCodeFault
from rl_teacher.teachers.act import Act
from rl_teacher.teachers.scripted import SegmentView

ACTS = find_acts()


def act(name: str) -> Act:
    return load_act(name, ACTS).act


def functions(name: str) -> dict[str, Any]:
    """All names of an act's file."""
    function, _ = load_function("test", f"{ACTS[name]}:prefer")
    return function.__globals__  # type: ignore[attr-defined]  # a plain function


def poses(model_file: str, num: int = 30) -> tuple[np.ndarray, list[mujoco.MjData]]:
    """Random states, and what MuJoCo makes of them."""
    model, rng, found = load_model(model_file), np.random.default_rng(0), []
    for _ in range(num):
        data = mujoco.MjData(model)
        data.qpos[:], data.qvel[:] = rng.normal(scale=0.7, size=model.nq), rng.normal(size=model.nv)
        mujoco.mj_forward(model, data)
        found.append(data)
    return np.array([np.concatenate([data.qpos, data.qvel]) for data in found]), found


def heights(found: list[mujoco.MjData], geom: str) -> np.ndarray:
    return np.array([data.geom(geom).xpos[2] for data in found])


def segment(states: np.ndarray) -> SegmentView:
    """What a judge is shown, with nothing in what it should not look at."""
    nothing = np.full((len(states), 2), np.nan)
    return SegmentView(nothing, nothing, states, nothing[:, 0], dt=0.02)


def standing(name: str, num: int = 40) -> np.ndarray:
    """States of a robot that does not move, as its model has it."""
    model = load_model(find_task(find_env(act(name).env_id).canonical_id).model_file)
    return np.tile(np.concatenate([model.qpos0, np.zeros(model.nv)]), (num, 1))


def test_there_are_the_acts_of_2017_and_three_of_our_own():
    assert set(ACTS) == {
        "backflip", "ballerina", "hind_legs", "tap_dance", "opposite", "spin", "carousel", "handstand", "stroll",
    }  # fmt: skip


@pytest.mark.parametrize("name", ACTS)
def test_a_judge_sees_states_alone_and_swapped_clips_get_the_swapped_answer(name: str):
    one, rng = act(name), np.random.default_rng(1)
    start = standing(name)
    swapped = {"left": "right", "right": "left", "tie": "tie"}
    answers = []
    for _ in range(40):
        left, right = (start + rng.normal(scale=0.3, size=start.shape).cumsum(0) * 0.2 for _ in range(2))
        answer = one.prefer(segment(left), segment(right))
        assert one.prefer(segment(right), segment(left)) == swapped[str(answer)]
        answers.append(answer)
    assert {"left", "right"} <= set(answers)
    assert one.prefer(segment(start), segment(start)) == "tie"


@pytest.mark.parametrize("name", ACTS)
def test_a_measure_is_a_number_and_a_robot_that_stands_still_does_no_trick(name: str):
    one = act(name)
    value = one.measure(standing(name, 200))
    assert np.isfinite(value)
    assert not one.reached(value)
    assert one.task.endswith(".")
    assert find_env(one.env_id).is_task
    assert one.num_labels <= 100


def test_heights_of_feet_are_those_of_mujoco():
    walker, found = poses("walker2d.xml")
    ballerina = functions("ballerina")
    np.testing.assert_allclose(ballerina["foot_height"](walker, 3), heights(found, "foot_geom"), atol=1e-9)
    np.testing.assert_allclose(ballerina["foot_height"](walker, 6), heights(found, "foot_left_geom"), atol=1e-9)
    hopper, found = poses("hopper.xml")
    np.testing.assert_allclose(functions("backflip")["foot_height"](hopper), heights(found, "foot_geom"), atol=1e-9)
    cheetah, found = poses("half_cheetah.xml")
    lowest = [
        data.geom("ffoot").xpos[2] - 0.07 * abs(data.geom("ffoot").xmat.reshape(3, 3)[2, 2]) - 0.046 for data in found
    ]
    np.testing.assert_allclose(functions("tap_dance")["front_foot_height"](cheetah), lowest, atol=1e-9)
    ends = [data.body("torso").xpos[2] + 0.5 * data.body("torso").xmat.reshape(3, 3)[2, 0] for data in found]
    np.testing.assert_allclose(functions("hind_legs")["nose_height"](cheetah), ends, atol=1e-9)
    ends = [data.body("torso").xpos[2] - 0.5 * data.body("torso").xmat.reshape(3, 3)[2, 0] for data in found]
    np.testing.assert_allclose(functions("handstand")["tail_height"](cheetah), ends, atol=1e-9)


def test_the_mirror_image_is_on_the_other_side_of_the_shoulder():
    reacher, found = poses("reacher.xml")
    apart = [np.linalg.norm((data.body("fingertip").xpos + data.body("target").xpos)[:2]) for data in found]
    np.testing.assert_allclose(functions("opposite")["distance"](reacher), apart, atol=1e-9)


def test_an_ant_that_turns_round_twice_has_turned_twice_and_one_on_its_back_not_at_all():
    states = standing("carousel", 100)
    angle = np.linspace(0, 4 * np.pi, 100)
    states[:, 3], states[:, 6] = np.cos(angle / 2), np.sin(angle / 2)
    assert act("carousel").measure(states) == pytest.approx(2.0)
    states[:, 3:7] = [0.0, 1.0, 0.0, 0.0]
    assert act("carousel").measure(states) == 0.0


def test_a_backflip_counts_when_the_foot_lands_below_an_upright_body():
    states = standing("backflip", 300)
    states[:, 2] = -np.repeat([0.0, np.pi, 2 * np.pi, 3 * np.pi, 4 * np.pi, 4.6 * np.pi], 50)
    assert act("backflip").measure(states) == 2.0
    states[:, 1] = 0.3  # the same turns, lying
    assert act("backflip").measure(states) == 0.0


def test_the_ballerina_needs_one_foot_down_one_up_and_her_body_upright():
    states = standing("ballerina", 10)
    assert act("ballerina").measure(states) == 0.0
    states[:4, 6] = -1.5  # the thigh of the blue leg, back
    assert act("ballerina").measure(states) == 40.0
    states[:2, 2] = 0.6
    assert act("ballerina").measure(states) == 20.0
    still, up, low = (standing("ballerina") for _ in range(3))
    up[:, 6], low[:, 1] = -1.0, 0.8
    assert act("ballerina").prefer(segment(up), segment(still)) == "left"
    assert act("ballerina").prefer(segment(low), segment(still)) == "right"


def test_taps_are_counted_when_the_foot_comes_down():
    states = standing("tap_dance", 40)
    states[:, 1] = np.tile([-0.2, -0.2, 0.3, 0.3], 10)
    assert functions("tap_dance")["taps"](states) == 9  # it begins with the foot down
    assert act("tap_dance").measure(states) == pytest.approx(9 / 2.0)
    states[:, 0] = np.linspace(0, 6, 40)
    assert act("tap_dance").measure(states) == 0.0


def test_a_stroll_is_neither_a_stand_nor_a_run():
    states = standing("stroll", 400)
    for speed, share in ((0.0, 0.0), (0.5, 100.0), (3.0, 0.0)):
        states[:, 9] = speed
        assert act("stroll").measure(states) == pytest.approx(share, abs=8.0)  # the average is cut off at both ends


def test_an_act_that_is_not_there_is_named_with_the_nearest_one_and_files_without_an_act_are_refused(tmp_path: Path):
    with pytest.raises(UnknownChoice, match=r"no act 'balerina'\. Did you mean 'ballerina'"):
        load_act("balerina", ACTS)
    assert load_act("hind-legs", ACTS).name == "hind_legs"
    mine = tmp_path / "mine.py"
    mine.write_text("ACT = 3\n")
    with pytest.raises(UserCodeFault, match="got 3, expected a Act"):
        load_act(str(mine), ACTS)
    mine.write_text("OTHER = 3\n")
    with pytest.raises(UserCodeFault, match="has no Act 'ACT'"):
        load_act(str(mine), ACTS)
    assert find_acts((tmp_path / "nowhere", tmp_path)) == {"mine": mine}
