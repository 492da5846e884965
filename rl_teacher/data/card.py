"""The card of a data set, README.md: what people read, and where `datasets.load_dataset` finds the tables."""

from rl_teacher.data.about import DataAbout
from rl_teacher.rewards.portable_actions import DiscreteSpace


def card(about: DataAbout, num_comparisons: int, num_labels: int) -> str:
    """The text of README.md; it begins with YAML that `datasets` looks at."""
    tables = [("comparisons", "  default: true\n")] + ([("labels", "")] if num_labels else [])
    configs = "".join(
        f"- config_name: {name}\n{more}  data_files:\n  - split: train\n    path: data/{name}/*.parquet\n"
        for name, more in tables
    )
    given = f"license: {about.license}\n" if about.license else ""
    steps = f"{about.longest}" if about.is_even else f"{about.shortest} to {about.longest}"
    actions = (
        f"one of {about.action.n} choices"
        if isinstance(about.action, DiscreteSpace)
        else f"{about.action.size} numbers as {about.action.dtype}"
    )
    optional = [
        text
        for holds, text in (
            (about.has_next_obs, "* `left_next_obs`: observations after each step"),
            (
                about.has_true_reward,
                "* `left_true_reward`: the environment's reward of each step. Keep it from learners",
            ),
            (about.has_clips, "* `left_clip`: an mp4 of the segment, in this folder"),
        )
        if holds
    ]
    source = ", ".join(f"{key} {value}" for key, value in sorted(about.origin.items())) or "unknown"
    return f"""---
{given}tags:
- reinforcement-learning
- preference-learning
configs:
{configs}---

# Preferences in {about.env_id}

{num_comparisons} comparisons of two segments each, and {num_labels} answers to them. Source: {source}.

`data/comparisons` has a row for each comparison, in the order in which they were asked:

* `target`: the probability that the left segment is better: 1, 0, 0.5 for a tie, a mean over labelers;
  null where nobody could tell
* `preference`, `labeler`, `answered_at`, `rt_ms`, `strength`: of the newest answer
* `left_obs`: observations before each of the {steps} steps: {about.num_obs} numbers, shape {list(about.obs_shape)}
* `left_action`: actions as the environment is given them: {actions}
* `left_env_index`, `left_episode`, `left_start`, `left_iteration`: where the segment was cut from
* `left_end`: steps until its episode ended, the last one included; null if it did not end
{"".join(line + chr(10) for line in optional)}* the same with `right_`

`data/labels` has every answer, oldest first. `rl_teacher.json` has the spaces, the names of all numbers, and the
sha256 of each file.

```python
import datasets

comparisons = datasets.load_dataset("PATH OF THIS FOLDER", "comparisons", split="train").with_format("numpy")
```
"""
