"""Where the acts are, and how one is loaded."""

import difflib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rl_teacher.config.user_code import load_instance
from rl_teacher.errors import UnknownChoice
from rl_teacher.teachers.act import Act

FOLDERS = (Path(__file__).parents[3] / "examples" / "circus", Path(sys.prefix) / "share" / "rl-teacher" / "circus")
"""Of a checkout, and of an installed program."""


@dataclass(frozen=True, slots=True)
class NamedAct:
    """An act, and the file that it was loaded from."""

    name: str
    path: Path
    act: Act

    @property
    def judge(self) -> str:
        """The judge, as --teacher names it."""
        return f"{self.path}:prefer"


def find_acts(folders: tuple[Path, ...] = FOLDERS) -> dict[str, Path]:
    """The files of all acts by name, in alphabetical order, from the first folder that there is."""
    folder = next((folder for folder in folders if folder.is_dir()), None)
    return {path.stem: path for path in sorted(folder.glob("*.py"))} if folder else {}


def load_act(word: str, found: Mapping[str, Path]) -> NamedAct:
    """The act of that name, or of the file path/to/act.py, which has to hold `ACT`, an `Act`, and `prefer`, its judge.

    Raises:
        UnknownChoice: there is no such act.
        UserCodeFault: the file cannot be run, or holds no act.
    """
    path = Path(word) if word.endswith(".py") else found.get(word.replace("-", "_"))
    if path is None:
        close = difflib.get_close_matches(word, found, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise UnknownChoice(
            f"rl-teacher circus: there is no act {word!r}.{hint} Acts: {', '.join(found) or 'none'}; or give the "
            "path of a file of yours, such as my_act.py (docs/circus.md#an-act-of-your-own)."
        )
    act, where = load_instance("rl-teacher circus", f"{path}:ACT", Act)
    return NamedAct(where.stem, where, act)
