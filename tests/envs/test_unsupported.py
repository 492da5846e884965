"""Observations that are no Box are refused in one line, and what the line says to do works."""

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, Graph, Tuple

from rl_teacher.envs.gymnasium.making import spaces_of
from rl_teacher.errors import UnsupportedSpace

CAMERA = Box(0, 255, (64, 48, 3), np.uint8)
JOINTS, TOUCH = Box(-1, 1, (7,)), Box(0, 1, (2,))


class Seeing(gymnasium.Env):
    """Observes whatever it is told to."""

    action_space = Discrete(2)

    def __init__(self, space: gymnasium.Space) -> None:
        self.observation_space = space

    def reset(self, *, seed=None, options=None):
        return self.observation_space.sample(), {}


def said_of(space: gymnasium.Space) -> str:
    with pytest.raises(UnsupportedSpace) as caught:
        spaces_of(Seeing(space), "Mine-v0")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def wrapped(space: gymnasium.Space, said: str, start: str) -> gymnasium.Env:
    """The environment in the wrapper that the line names behind `start`."""
    text = said[said.index(start) + len(start) :]
    text = text.split("; ")[0]
    return eval(text, {"gymnasium": gymnasium, "env": Seeing(space)})


def test_of_a_picture_and_numbers_one_is_to_be_chosen() -> None:
    space = Dict({"camera": CAMERA, "joints": JOINTS, "touch": TOUCH})
    said = said_of(space)
    assert said.startswith(
        "env 'Mine-v0': observations are a Dict of 'camera' (a picture, uint8 (64, 48, 3)), 'joints' (numbers, float32 "
        "(7,)), 'touch' (numbers, float32 (2,)), expected a Box: agents see one picture, or numbers, and not both."
    )
    seen, _ = spaces_of(picture := wrapped(space, said, "Keep the picture: "), "Mine-v0")
    assert seen == CAMERA
    assert picture.reset()[0].shape == (64, 48, 3)
    seen, _ = spaces_of(numbers := wrapped(space, said, "or the numbers: "), "Mine-v0")
    assert seen.shape == (9,)
    assert numbers.reset()[0].shape == (9,)


def test_vectors_are_put_side_by_side() -> None:
    space = Dict({"joints": JOINTS, "touch": TOUCH})
    assert said_of(space) == (
        "env 'Mine-v0': observations are a Dict of 'joints' (numbers, float32 (7,)), 'touch' (numbers, float32 (2,)), "
        "expected a Box. Wrap the environment in gymnasium.wrappers.FlattenObservation, and register that."
    )
    assert spaces_of(gymnasium.wrappers.FlattenObservation(Seeing(space)), "Mine-v0")[0].shape == (9,)


def test_a_tuple_has_numbers_for_names() -> None:
    numbers = Tuple((JOINTS, Discrete(3)))
    assert "a Tuple of 0 (numbers, float32 (7,)), 1 (Discrete), expected a Box. Wrap" in said_of(numbers)
    assert spaces_of(gymnasium.wrappers.FlattenObservation(Seeing(numbers)), "Mine-v0")[0].shape == (10,)
    both = Tuple((JOINTS, CAMERA))
    said = said_of(both)
    assert "0 (numbers, float32 (7,)), 1 (a picture, uint8 (64, 48, 3)), expected a Box: agents see one" in said
    assert "FilterObservation" not in said  # which knows names only
    assert spaces_of(wrapped(both, said, "Keep the picture: "), "Mine-v0")[0] == CAMERA


def test_what_cannot_be_put_side_by_side_and_what_has_no_parts() -> None:
    graph = Graph(JOINTS, None)
    assert "expected a Box. Make a Box of it with gymnasium.wrappers.TransformObservation" in said_of(graph)
    assert "observations are Discrete(3) (Discrete), expected a Box. Wrap" in said_of(Discrete(3))


def test_of_many_parts_some_are_named() -> None:
    said = said_of(Dict({f"part {number}": TOUCH for number in range(20)}))
    assert said.count("numbers, float32 (2,)") == 6
    assert "and 14 more, expected a Box" in said
