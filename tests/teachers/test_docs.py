import dataclasses
from pathlib import Path

import pytest

from rl_teacher.config.schedule import ROUND_SHAPES, ScheduleConfig
from rl_teacher.preferences.schedules import KINDS
from rl_teacher.records import Preference
from rl_teacher.teachers.scripted import SegmentView
from rl_teacher.teachers.synthetic import PRESETS, SyntheticTeacherConfig

PAGE = (Path(__file__).parents[2] / "docs" / "teachers.md").read_text()
FIELDS = [
    field.name
    for parts in (SyntheticTeacherConfig, ScheduleConfig, SegmentView)
    for field in dataclasses.fields(parts)
    if field.name != "kind"
]


@pytest.mark.parametrize(
    "word", [*PRESETS, *KINDS, *ROUND_SHAPES, *(str(one) for one in Preference if one.is_answer), *FIELDS]
)
def test_the_page_about_teachers_names(word: str):
    assert f"`{word}`" in PAGE


@pytest.mark.parametrize("kind", PRESETS)
def test_the_pages_table_has_the_numbers_of_the_preset(kind: str):
    config = PRESETS[kind]
    numbers = [config.rationality, config.discount, config.mistake_prob, config.skip_threshold, config.equal_threshold]
    cells = " | ".join("unset" if number is None else f"{number:g}" for number in numbers)
    assert f"| `{kind}` | {cells} |" in PAGE
