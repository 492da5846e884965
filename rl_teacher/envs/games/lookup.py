"""Which game an id names, before anything of it is loaded."""

import re

from rl_teacher.envs.games.sheets import (
    ATARI,
    CLIP_STEPS,
    GAME_FPS,
    GAME_STEPS,
    MINATAR,
    PIXEL_ASPECT,
    AtariSheet,
    MinAtarSheet,
)
from rl_teacher.envs.spec import EnvKind, EnvSpec
from rl_teacher.errors import UnknownEnv

ATARI_VERSION, MINATAR_VERSION = 5, 1
"""Of the ids; those of other versions stay Gymnasium's."""
NAMESPACES = ("ale", "minatar")
"""Before the '/' of a game's id, in lower case."""

_ID = re.compile(r"(?P<name>\w+?)(?:-v(?P<version>[0-9]+))?")


def find_game(env_id: str) -> EnvSpec | None:
    """The game that `env_id` names: 'Pong', 'ALE/Pong-v5', 'MinAtar/Breakout-v1'; None if it names none.

    Raises:
        UnknownEnv: it begins with 'ALE/' or 'MinAtar/', and what is hidden of such a game is not known.
    """
    namespace, slash, rest = env_id.rpartition("/")
    parts = _ID.fullmatch(rest)
    name, version = (parts["name"].lower(), parts["version"]) if parts else ("", None)
    if namespace.lower() == "minatar":
        sheet = MINATAR.get(name)
        if sheet is None or int(version or MINATAR_VERSION) != MINATAR_VERSION:
            known = [f"MinAtar/{one.name}-v{MINATAR_VERSION}" for one in MINATAR.values()]
            raise UnknownEnv(_refusal(env_id, rest, known, "minatar.gym:MinAtar"))
        return _minatar_spec(env_id, sheet)
    atari = ATARI.get(name) if int(version or ATARI_VERSION) == ATARI_VERSION else None
    if atari is not None and (not slash or namespace.lower() == "ale"):
        return _atari_spec(env_id, atari)
    if namespace.lower() == "ale":
        known = [f"ALE/{one.name}-v{ATARI_VERSION}" for one in ATARI.values()]
        raise UnknownEnv(_refusal(env_id, rest, known, "ale_py:ALE"))
    return None


def atari_sheet(spec: EnvSpec) -> AtariSheet:
    """The sheet of a game of Atari."""
    return ATARI[_name(spec)]


def minatar_sheet(spec: EnvSpec) -> MinAtarSheet:
    """The sheet of a game of MinAtar."""
    return MINATAR[_name(spec)]


def _name(spec: EnvSpec) -> str:
    return spec.canonical_id.rpartition("/")[2].rpartition("-v")[0].lower()


def _atari_spec(env_id: str, sheet: AtariSheet) -> EnvSpec:
    canonical_id = f"ALE/{sheet.name}-v{ATARI_VERSION}"
    shown = f"grey pictures of 42 x 42, four of them in one observation, black: {sheet.hidden_text}"
    return _spec(env_id, canonical_id, "atari", shown, f"ale_py:{canonical_id}", 4, PIXEL_ASPECT)


def _minatar_spec(env_id: str, sheet: MinAtarSheet) -> EnvSpec:
    canonical_id = f"MinAtar/{sheet.name}-v{MINATAR_VERSION}"
    open_id = f"minatar.gym:{canonical_id}"
    return _spec(env_id, canonical_id, "minatar", "10 x 10 cells", open_id, clip_steps=sheet.clip_steps)


def _spec(
    env_id: str, canonical_id: str, kind: EnvKind, shown: str, open_id: str, frame_stack: int = 1,
    pixel_aspect: tuple[int, int] = (1, 1), clip_steps: int = CLIP_STEPS,
) -> EnvSpec:  # fmt: skip
    return EnvSpec(
        env_id=env_id,
        canonical_id=canonical_id,
        is_task=False,
        kind=kind,
        horizon=GAME_STEPS,
        is_fixed_horizon=True,
        clip_fps=GAME_FPS,
        clip_steps=clip_steps,
        dt=None,
        frame_stack=frame_stack,
        pixel_aspect=pixel_aspect,
        description=(
            f"'{env_id}' is the game {canonical_id} in episodes of {GAME_STEPS} steps: {shown}. A game that is over "
            f"begins anew, and nobody is told ({open_id} shows ends and score; docs/games.md)."
        ),
    )


def _refusal(env_id: str, name: str, known: list[str], open_namespace: str) -> str:
    """Why a game is not played with its ends hidden, and how to play it as it stands."""
    return (
        f"no environment named '{env_id}' that hides when a game is over: such are {', '.join(known)}. "
        f"-e {open_namespace}/{name} plays any game as it stands, with ends and score to be seen (docs/games.md)."
    )
