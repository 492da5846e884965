"""What is said of observations that are no Box: which parts they have, and which wrapper makes a Box of them."""

from typing import Any

from gymnasium.spaces import Box, Dict, Space, Tuple

from rl_teacher.envs.pictures.shapes import picture_shape
from rl_teacher.errors import UnsupportedSpace
from rl_teacher.oneline import shown

MOST_NAMED = 6
"""Parts that are named one by one."""


def unsupported_observations(env_id: str, space: Space[Any]) -> UnsupportedSpace:
    """One line: what is observed, what is supported, and what to do.

    Args:
        env_id: of the environment.
        space: of its observations; no Box.
    """
    parts = _parts(space)
    if not parts:
        return UnsupportedSpace(f"env {env_id!r}: observations are {shown(space)}, expected a Box. {_to_do(space)}")
    told = [f"{name} ({_told(part)})" for name, part in parts[:MOST_NAMED]]
    more = len(parts) - len(told)
    listed = ", ".join(told) + (f" and {more} more" if more else "")
    what = f"env {env_id!r}: observations are a {type(space).__name__} of {listed}, expected a Box"
    pictures = [name for name, part in parts if picture_shape(part) is not None]
    if not pictures:
        return UnsupportedSpace(f"{what}. {_to_do(space)}")
    return UnsupportedSpace(f"{what}: agents see one picture, or numbers, and not both. {_keep(pictures[0], parts)}")


def _parts(space: Space[Any]) -> list[tuple[str, Space[Any]]]:
    """Each part as one would write it in the brackets behind `obs`, with its space."""
    if isinstance(space, Dict):
        return [(repr(name), part) for name, part in space.spaces.items()]
    return [(str(at), part) for at, part in enumerate(space.spaces)] if isinstance(space, Tuple) else []


def _told(part: Space[Any]) -> str:
    if not isinstance(part, Box):
        return type(part).__name__
    what = "a picture" if picture_shape(part) is not None else "numbers"
    return f"{what}, {part.dtype} {part.shape}"


def _keep(picture: str, parts: list[tuple[str, Space[Any]]]) -> str:
    text = (
        f"Keep the picture: gymnasium.wrappers.TransformObservation(env, lambda obs: obs[{picture}], "
        f"env.observation_space[{picture}])"
    )
    others = [name for name, part in parts if picture_shape(part) is None]
    if others and picture.startswith("'"):  # FilterObservation knows names only
        text += (
            "; or the numbers: gymnasium.wrappers.FlattenObservation(gymnasium.wrappers.FilterObservation(env, "
            f"[{', '.join(others[:MOST_NAMED])}]))"
        )
    return f"{text}; and register that."


def _to_do(space: Space[Any]) -> str:
    if space.is_np_flattenable:
        return "Wrap the environment in gymnasium.wrappers.FlattenObservation, and register that."
    return "Make a Box of it with gymnasium.wrappers.TransformObservation(env, function, Box(...)), and register that."
