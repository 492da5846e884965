"""Settings of a run's reward model, as they go along with its labels."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from rl_teacher.config.flags import run_from_json


def reward_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Of the reward model, as JSON values, from the settings of a run, whichever version wrote them."""
    settings: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(run_from_json(config).reward)))
    return settings
