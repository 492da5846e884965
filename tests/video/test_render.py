"""Pictures of small models whose pixels can be known, and laws that every picture obeys."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rl_teacher.envs.camera import Camera
from rl_teacher.errors import VideoFault
from rl_teacher.video import backend as backend_module
from rl_teacher.video.backend import choose_backend
from rl_teacher.video.model_files import load_model
from rl_teacher.video.render import StateRenderer
from rl_teacher.video.render_style import DEFAULT_STYLE, MUJOCO_STYLE, RenderStyle

SLIDERS = """<mujoco>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 .1" rgba=".5 .5 .5 1"/>
    <body name="ball" pos="0 0 1">
      <joint type="slide" axis="1 0 0"/><joint type="slide" axis="0 0 1"/>
      <geom size=".25" rgba="1 0 0 1"/>
    </body>
  </worldbody>
</mujoco>"""
SIDE = Camera("ball", (0.0, 0.0, 1.0), distance=4.0, elevation=-15.0)
STILL = Camera(None, (0.0, 0.0, 1.0), distance=4.0, elevation=-15.0)

pytestmark = pytest.mark.render


@pytest.fixture
def draw(tmp_path: Path) -> Callable[..., NDArray[np.uint8]]:
    path = tmp_path / "sliders.xml"
    path.write_text(SLIDERS)

    def pictures(
        camera: Camera, *rows: list[float], size: tuple[int, int] = (120, 120), style: RenderStyle = DEFAULT_STYLE
    ) -> Any:
        width, height = size
        model = load_model(path)
        with StateRenderer(
            model, camera, backend=choose_backend(), width=width, height=height, style=style
        ) as renderer:
            return renderer.render(np.array(rows, dtype=np.float64))

    return pictures


def red_center(picture: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean row and column of what is red."""
    red, green, blue = (picture[..., channel].astype(int) for channel in range(3))
    rows, columns = np.nonzero((red > 80) & (red > 2 * green) & (red > 2 * blue))
    return float(rows.mean()), float(columns.mean())


def test_up_is_up_and_right_is_right(draw: Callable[..., NDArray[np.uint8]]) -> None:
    middle, higher, further = draw(STILL, [0, 0, 0, 0], [0, 0.5, 0, 0], [0.5, 0, 0, 0])
    row, column = red_center(middle)
    assert (row, column) == pytest.approx((60, 60), abs=3)
    assert red_center(higher)[0] < row - 10
    assert red_center(further)[1] > column + 10


def test_the_camera_follows_across_the_ground_but_not_upward(draw: Callable[..., NDArray[np.uint8]]) -> None:
    here, far, high = draw(SIDE, [0, 0, 0, 0], [40, 0, 0, 0], [0, 0.5, 0, 0])
    assert red_center(far) == pytest.approx(red_center(here), abs=1)
    assert red_center(high)[0] < red_center(here)[0] - 10


def test_the_floor_does_not_end(draw: Callable[..., NDArray[np.uint8]]) -> None:
    # The plane of the model has half sides of 5 m; at 40 m only an endless floor is still beneath the ball.
    here, far = draw(SIDE, [0, 0, 0, 0], [40, 0, 0, 0])
    np.testing.assert_allclose(far[115, 60].astype(int), here[115, 60].astype(int), atol=12)


def test_the_pattern_of_the_floor_stays_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "checkered.xml"
    # 4 patterns across 8 m, of two squares each: the pattern is the same again after 2 m, and turned around after 1 m.
    checkered = SLIDERS.replace(
        "<worldbody>",
        """<asset>
      <texture name="texplane" type="2d" builtin="checker" rgb1="0 0 0" rgb2="1 1 1" width="64" height="64"/>
      <material name="squares" texture="texplane" texrepeat="4 4"/>
    </asset><worldbody>""",
    ).replace('size="5 5 .1" rgba=".5 .5 .5 1"', 'size="4 4 .1" material="squares"')
    path.write_text(checkered)
    camera = Camera("ball", (0.0, 0.0, 1.0), distance=4.0, elevation=-40.0)
    with StateRenderer(load_model(path), camera, backend=choose_backend(), width=120, height=120) as renderer:
        here, again, further, turned = renderer.render(np.array([[x, 0, 0, 0] for x in (0.3, 2.3, 40.3, 1.3)])).astype(
            int
        )
    assert np.abs(again - here).mean() < 1
    assert np.abs(further - here).mean() < 1
    assert np.abs(turned - here).mean() > 10


def test_the_gap_to_the_shadow_is_the_height_above_the_ground(draw: Callable[..., NDArray[np.uint8]]) -> None:
    touching, hovering = draw(STILL, [0, -0.75, 0, 0], [0, 0, 0, 0])
    floor_only = draw(STILL, [9, 0, 0, 0])[0].astype(int)

    radius_px = 10

    def rows_to_the_shadow(picture: NDArray[np.uint8]) -> float:
        darker = floor_only[:, 60].sum(axis=1) - picture[:, 60].astype(int).sum(axis=1) > 60
        is_gray = np.ptp(picture[:, 60].astype(int), axis=1) < 40
        edge = red_center(picture)[0] + radius_px
        rows = np.flatnonzero(darker & is_gray)
        return float(rows[rows > edge + 1].min() - edge)  # a row of the ball's own edge may be gray

    # Touching: the shadow begins under the ball. Hovering 0.75 m above: there is light between the two.
    assert rows_to_the_shadow(hovering) > 4
    assert rows_to_the_shadow(touching) < 4


def test_velocities_do_not_change_the_picture_and_same_state_same_pixels(
    draw: Callable[..., NDArray[np.uint8]],
) -> None:
    first, second, third = draw(SIDE, [0.3, 0.2, 0, 0], [0.3, 0.2, 7, -7], [0.3, 0.2, 0, 0])
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, third)


@pytest.mark.parametrize("style", [DEFAULT_STYLE, MUJOCO_STYLE, RenderStyle(supersampling=2.0)])
def test_pictures_have_the_size_asked_for(draw: Callable[..., NDArray[np.uint8]], style: RenderStyle) -> None:
    pictures = draw(SIDE, [0, 0, 0, 0], [0, 0, 0, 0], size=(90, 61), style=style)
    assert pictures.shape == (2, 61, 90, 3)
    assert pictures.dtype == np.uint8
    assert np.ptp(pictures) > 50


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (np.zeros((2, 5)), r"\(2, 5\), expected \(steps, 4\)"),
        (np.zeros(4), r"\(4,\)"),
        (np.zeros((0, 4)), "0 rows"),
        (np.array([[0.0, 0, 0, 0], [0, np.nan, 0, 0]]), "row 1, column 1 is nan"),
    ],
)
def test_states_that_are_none_are_refused(tmp_path: Path, rows: NDArray[np.float64], text: str) -> None:
    path = tmp_path / "sliders.xml"
    path.write_text(SLIDERS)
    with (
        StateRenderer(load_model(path), SIDE, backend=choose_backend(), width=32, height=32) as renderer,
        pytest.raises(VideoFault, match=text),
    ):
        renderer.render(rows)


def test_a_closed_renderer_says_so(tmp_path: Path) -> None:
    path = tmp_path / "sliders.xml"
    path.write_text(SLIDERS)
    renderer = StateRenderer(load_model(path), SIDE, backend=choose_backend(), width=32, height=32)
    renderer.close()
    renderer.close()
    with pytest.raises(VideoFault, match="closed"):
        renderer.render(np.zeros((1, 4)))


def test_a_body_that_is_missing_is_named_with_those_that_exist(tmp_path: Path) -> None:
    path = tmp_path / "sliders.xml"
    path.write_text(SLIDERS)
    with pytest.raises(VideoFault, match=r"'bal'.*it has ball"):
        StateRenderer(load_model(path), Camera("bal"), backend=choose_backend())


def test_models_that_cannot_be_loaded_are_named(tmp_path: Path) -> None:
    with pytest.raises(VideoFault, match=r"nowhere\.xml"):
        load_model(tmp_path / "nowhere.xml")
    broken = tmp_path / "broken.xml"
    broken.write_text("<mujoco><worldbody><geom/></worldbody></mujoco>")
    with pytest.raises(VideoFault, match=r"broken\.xml.*cannot compile"):
        load_model(broken)


def test_a_camera_without_distance_is_refused() -> None:
    with pytest.raises(VideoFault, match=r"distance: got 0"):
        Camera("ball", distance=0.0)


def test_the_first_backend_that_works_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {"egl": "no driver", "osmesa": "", "glfw": ""}
    monkeypatch.setattr(backend_module, "probe", lambda name: broken[name])
    monkeypatch.setattr(backend_module, "candidates", lambda: ("egl", "osmesa", "glfw"))
    assert choose_backend() == "osmesa"
    with pytest.raises(VideoFault, match=r"egl: no driver.*apt-get install -y libegl1"):
        choose_backend("egl")
    with pytest.raises(VideoFault, match="'vulkan'"):
        choose_backend("vulkan")


def test_the_shadow_of_a_lying_pole_is_as_long_as_the_pole(tmp_path: Path) -> None:
    # 240 pixels show 2 * 4 m * tan(22.5 degrees) = 3.31 m at the middle: a pole of 1.1 m has 80 pixels there, and its
    # shadow, half a meter below the middle and so 0.5 sin 60 = 0.43 m further away, 80 * 4 / 4.43 = 72.
    path = tmp_path / "pole.xml"
    path.write_text("""<mujoco><worldbody>
      <geom name="floor" type="plane" size="5 5 .1" rgba=".5 .5 .5 1"/>
      <body name="pole" pos="0 0 1"><joint type="slide" axis="0 1 0"/>
        <geom type="capsule" fromto="-.5 0 0 .5 0 0" size=".05" rgba="1 0 0 1"/></body>
    </worldbody></mujoco>""")
    camera = Camera(None, (0.0, 0.0, 0.5), distance=4.0, elevation=-60.0)
    with StateRenderer(load_model(path), camera, backend=choose_backend(), width=240, height=240) as renderer:
        high, away = renderer.render(np.array([[0.0, 0.0], [30.0, 0.0]])).astype(int)
    is_darker = (away - high).sum(axis=2) > 60
    columns = np.flatnonzero(is_darker[125:].any(axis=0))  # the pole itself is above the middle
    assert columns.max() - columns.min() + 1 == pytest.approx(72, abs=3)


def test_a_calm_camera_does_not_shake_the_ground(draw: Callable[..., NDArray[np.uint8]], tmp_path: Path) -> None:
    # The ball swings 0.1 m to and fro at 2 per second: 7 of 240 pixels. Its camera stays, so the ball is seen to swing.
    path = tmp_path / "calm.xml"
    path.write_text(SLIDERS)
    rows = np.zeros((60, 4))
    rows[:, 0] = 0.1 * np.sin(2 * np.pi * 2 * np.arange(60) / 40)
    with StateRenderer(load_model(path), SIDE, backend=choose_backend(), width=240, height=240) as renderer:
        fixed, calm = renderer.render(rows), renderer.render(rows, fps=40)
    assert np.ptp([red_center(frame)[1] for frame in fixed[20:40]]) < 1
    assert np.ptp([red_center(frame)[1] for frame in calm[20:40]]) == pytest.approx(2 * 0.1 * 240 / 3.31, abs=2)
