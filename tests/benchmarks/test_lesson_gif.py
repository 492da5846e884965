"""The film of a lesson: what it is made of, and that the one of the README says what it shows."""

import re

import numpy as np
import pytest
from PIL import Image

from rl_teacher.commands.circus.acts import find_acts
from rl_teacher.video.encode import encode_clip
from scripts.lesson_gif import PICTURE
from scripts.lesson_picture import AGENT, PAGE, SIZE, Scene, Shot, draw_scene, read_clip, read_facts, write_film

RED, BLUE, GREEN = (220, 30, 30), (30, 30, 220), (30, 160, 30)


def plain(color: tuple[int, int, int]) -> Image.Image:
    return Image.new("RGB", (96, 72), color)


def scene(*times: float, num_answers: int = 0) -> Scene:
    """The page is red; the agent is blue, and green from its second picture on, a tenth of a second later."""
    shots = [Shot(at, plain(RED), num_answers) for at in times]
    return Scene(shots, [plain(BLUE), *[plain(GREEN)] * 50], 10.0, "It learns.")


def test_a_picture_stays_as_long_as_on_the_screen_and_the_agent_moves_in_its_own_time() -> None:
    pictures, stays = draw_scene(scene(5.0, 5.15, 5.17, 7.0), 60)
    assert stays == pytest.approx([0.15, 0.08, 0.3, 0.08])  # within 0.08 and 0.3
    x, y, side = AGENT
    middle = (x + side // 2, y + side // 2)
    assert [one.getpixel(middle) for one in pictures] == [BLUE, GREEN, GREEN, GREEN]
    assert {one.getpixel((PAGE[0] + 5, PAGE[1] + 5)) for one in pictures} == {RED}


def test_the_bar_is_as_full_as_the_count() -> None:
    widths = []
    for count in (0, 15, 60, 70):
        ((picture,), _) = draw_scene(scene(1.0, num_answers=count), 60)
        row = np.asarray(picture)[AGENT[1] + AGENT[2] + 75, AGENT[0] : AGENT[0] + AGENT[2]]
        widths.append((row[:, 0] < 100).mean())
    assert widths == pytest.approx([0, 0.25, 1, 1], abs=0.01)


def test_a_film_has_all_pictures_and_says_what_it_shows(tmp_path) -> None:
    path = tmp_path / "film.gif"
    many = [scene(1.0, 1.2, 1.4), scene(9.0, 9.2, num_answers=30)]
    write_film(path, many, 60, {"act": "spin", "seed": 3})
    assert read_facts(path) == {"act": "spin", "seed": 3}
    with Image.open(path) as film:
        assert film.size == SIZE
        assert film.info["loop"] == 0
        stays = []
        for number in range(film.n_frames):
            film.seek(number)
            stays.append(film.info["duration"])
    assert sum(stays) == 200 + 200 + 80 + 200 + 1500  # pictures that are the same may be one


def test_a_video_is_read_as_it_was_written() -> None:
    frames = np.full((10, 64, 64, 3), 128, np.uint8)
    pictures, fps = read_clip(encode_clip(frames, 20, with_webm=False, hold_seconds=0.0).mp4)
    assert fps == 20
    assert len(pictures) >= 10
    assert np.asarray(pictures[0]).mean() == pytest.approx(128, abs=3)


def test_the_film_of_the_readme_is_small_moves_and_says_what_it_shows() -> None:
    assert PICTURE.stat().st_size < 1_000_000, "make lesson-gif"
    with Image.open(PICTURE) as film:
        assert film.size == SIZE
        assert film.n_frames > 20
    facts = read_facts(PICTURE)
    assert facts["act"] in find_acts()
    assert facts["labels"] == 60
    assert isinstance(facts["seed"], int)
    assert re.fullmatch(r"[0-9a-f]{7,40}", str(facts["commit"]))
    assert facts["reached"]
