"""Colors that people with every kind of eyes tell apart, in pictures as they are drawn; and a physics without paint."""

import mujoco
import numpy as np
import pytest
from numpy.typing import NDArray

from rl_teacher.envs.catalog import find_task
from rl_teacher.envs.tasks.task import MODELS
from rl_teacher.video.backend import choose_backend
from rl_teacher.video.model_files import load_model
from rl_teacher.video.paint import HIDDEN, PAINTS
from rl_teacher.video.render import StateRenderer

pytestmark = pytest.mark.render

EYES = {
    "all three cones": np.eye(3),
    "no red cones": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green cones": [
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881],
    ],
    "no blue cones": [
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900],
    ],
}  # fmt: skip
"""Linear red, green and blue -> what is seen of them. Source: Machado, Oliveira and Fernandes 2009, severity 1."""
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
"""Linear sRGB -> CIE XYZ. Source: IEC 61966-2-1."""
WHITE = TO_XYZ.sum(axis=1)


def linear(color: NDArray[np.float64]) -> NDArray[np.float64]:
    share = color / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def contrast(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """From 1 to 21. Source: WCAG 2.2, which wants 3 of graphical objects."""
    low, high = sorted(float(TO_XYZ[1] @ color) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


def difference(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Distance in CIELAB; black and white are 100 apart."""

    def lab(color: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y, z = np.cbrt(np.maximum(TO_XYZ @ color, 1e-3) / WHITE)
        return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])

    return float(np.linalg.norm(lab(one) - lab(other)))


@pytest.fixture(scope="module")
def reacher() -> NDArray[np.uint8]:
    """The arm stretched out to the right of the middle, the ball below its elbow."""
    task = find_task("Reacher-v1")
    state = np.array([[0.0, 0.0, 0.0, -0.1, 0, 0, 0, 0]])
    with StateRenderer(
        load_model(MODELS / task.model_file), task.camera, backend=choose_backend(), width=320, height=320
    ) as renderer:
        return renderer.render(state)[0]


# 320 pixels show 2 * 0.85 m * tan(22.5 degrees) = 0.704 m: 454 pixels a meter, and the middle is the shoulder.
PLACES = {"tip": (0.11 + 0.1, 0.0), "ball": (0.0, -0.1), "arm": (0.05, 0.0), "floor": (-0.1, 0.1)}


def color_at(picture: NDArray[np.uint8], place: str) -> NDArray[np.float64]:
    x, y = PLACES[place]
    column, row = round(160 + 454 * x), round(160 - 454 * y)
    return linear(np.median(picture[row - 3 : row + 4, column - 3 : column + 4].reshape(-1, 3), axis=0))


@pytest.mark.parametrize("eyes", EYES)
def test_tip_ball_arm_and_floor_of_reacher_are_told_apart_by_all_eyes(reacher: NDArray[np.uint8], eyes: str) -> None:
    seen = {place: np.clip(np.array(EYES[eyes]) @ color_at(reacher, place), 0, 1) for place in PLACES}
    assert difference(seen["tip"], seen["ball"]) > 60
    assert difference(seen["tip"], seen["arm"]) > 20
    assert difference(seen["ball"], seen["arm"]) > 25
    assert contrast(seen["ball"], seen["floor"]) > 2.7
    assert contrast(seen["tip"], seen["floor"]) > 3


def test_ball_and_tip_of_reacher_are_large(reacher: NDArray[np.uint8]) -> None:
    # Radii 0.024 and 0.018 m: 454 pixels a meter make areas of 373 and 210 pixels (and the tip is 4 % nearer).
    red, green, blue = (reacher[..., channel].astype(int) for channel in range(3))
    assert ((red > 1.5 * blue) & (red > 1.3 * green)).sum() == pytest.approx(373, rel=0.15)
    assert ((blue > 1.5 * red) & (blue > 1.3 * green)).sum() == pytest.approx(225, rel=0.15)


def test_the_tip_is_seen_on_the_ball_that_it_reaches() -> None:
    task = find_task("Reacher-v1")
    reached = np.array([[0.0, 0.0, 0.21, 0.0, 0, 0, 0, 0]])
    with StateRenderer(
        load_model(MODELS / task.model_file), task.camera, backend=choose_backend(), width=320, height=320
    ) as renderer:
        picture = renderer.render(reached)[0].astype(int)
    row, column = 160, round(160 + 454 * 0.21)
    assert picture[row, column, 2] > 1.5 * picture[row, column, 0]  # the tip is blue
    assert picture[row - 10, column, 0] > 1.5 * picture[row - 10, column, 2]  # and there is orange around it


@pytest.mark.parametrize("name", sorted({*PAINTS, *HIDDEN}))
def test_what_is_painted_is_part_of_a_model_of_ours(name: str) -> None:
    models = {bytes(model.names).split(b"\0", 1)[0].decode(): model for model in map(load_model, MODELS.glob("*.xml"))}
    for geom in (*PAINTS.get(name, ()), *HIDDEN.get(name, ())):
        assert mujoco.mj_name2id(models[name], mujoco.mjtObj.mjOBJ_GEOM, geom) >= 0, geom


def test_the_simulator_is_not_painted(reacher: NDArray[np.uint8]) -> None:
    model = load_model(MODELS / "reacher.xml")  # after a picture was drawn
    assert model.geom("target").size[0] == 0.009
    assert model.geom("fingertip").size[0] == 0.01
    assert model.geom("fingertip").pos.tolist() == [0, 0, 0]
