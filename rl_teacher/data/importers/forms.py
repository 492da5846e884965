"""Which form a folder or a file of preference data has, and what reads it."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rl_teacher.data.folder import HEAD, read_folder
from rl_teacher.data.importers.csv_pairs import csv_pairs, is_csv
from rl_teacher.data.importers.human_labels import (
    OTHER_KINDS,
    is_preference_transformer,
    is_uni_rlhf,
    preference_transformer,
    uni_rlhf,
)
from rl_teacher.data.importers.imitation import imitation, is_imitation
from rl_teacher.data.importers.pairs import Given
from rl_teacher.data.importers.rlhf_blender import is_rlhf_blender, rlhf_blender
from rl_teacher.data.rows import Source
from rl_teacher.errors import DataMismatch, DataRefused


class Form(NamedTuple):
    """A form of preference data."""

    is_it: Callable[[Path], bool]
    read: Callable[[Path, Given], Source]


FORMS = {
    "parquet": Form(lambda path: (path / HEAD).is_file(), lambda path, given: read_folder(path)),
    "preference-transformer": Form(is_preference_transformer, preference_transformer),
    "uni-rlhf": Form(is_uni_rlhf, uni_rlhf),
    "imitation": Form(is_imitation, imitation),
    "rlhf-blender": Form(is_rlhf_blender, rlhf_blender),
    "csv": Form(is_csv, csv_pairs),
}
"""By the word of `--format`."""
AUTO = "auto"


def read_form(path: Path, form: str, given: Given) -> Source:
    """The comparisons of a file or folder.

    Args:
        path: of it.
        form: a key of FORMS, or `auto`: what it looks like.
        given: what the command line says beside.

    Raises:
        DataMismatch: there is nothing at the path.
        DataRefused: it has no form that is known.
    """
    if not path.exists():
        raise DataMismatch(f"{path}: there is nothing. Name a file or a folder of preference data.")
    if form != AUTO:
        return FORMS[form].read(path, given)
    found = [name for name, one in FORMS.items() if one.is_it(path)]
    if len(found) == 1:
        return FORMS[found[0]].read(path, given)
    if kind := next((kind for kind in OTHER_KINDS if kind in path.name.lower()), ""):
        raise DataRefused(f"{path}: holds {kind} feedback, which is no comparison of two segments.")
    told = f"looks like {' and '.join(found)}" if found else "looks like nothing that is known"
    raise DataRefused(f"{path}: {told}. Say what it is by --format: {', '.join(FORMS)}.")
