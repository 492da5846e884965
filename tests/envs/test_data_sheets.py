"""docs/envs.md is what the code says."""

from pathlib import Path

from rl_teacher.envs.catalog import task_ids
from rl_teacher.envs.data_sheets import page

PAGE = Path(__file__).parents[2] / "docs" / "envs.md"


def test_the_committed_page_equals_the_generated_text():
    remedy = "run: python -m rl_teacher.envs.data_sheets > docs/envs.md"
    assert PAGE.read_text(encoding="utf-8") == page(), remedy


def test_every_id_is_on_the_page():
    text = page()
    for task_id in task_ids():
        assert f"`{task_id}`" in text
    assert "## Horizon" in text  # errors point to docs/envs.md#horizon
