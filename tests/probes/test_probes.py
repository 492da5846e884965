"""Every agent, with either kind of action, learns the known value and the known best action of every probe."""

import pytest

from tests.probes.agents import ACTIONS, AGENTS, action_of, train, value_of
from tests.probes.envs import PROBES

WITH_VALUES = [name for name, probe in PROBES.items() if probe.values]
WITH_ACTIONS = [name for name, probe in PROBES.items() if probe.best]


@pytest.mark.parametrize("kind", AGENTS)
@pytest.mark.parametrize("family", ACTIONS)
@pytest.mark.parametrize("name", WITH_VALUES)
def test_the_critic_learns_the_known_value(kind: str, family: str, name: str):
    probe = PROBES[name]
    agent = train(kind, ACTIONS[family], probe, 30)
    for obs, value in probe.values:
        assert value_of(agent, obs) == pytest.approx(value, abs=0.1)


@pytest.mark.parametrize("kind", AGENTS)
@pytest.mark.parametrize("family", ACTIONS)
@pytest.mark.parametrize("name", WITH_ACTIONS)
def test_the_policy_finds_the_best_action(kind: str, family: str, name: str):
    probe, actions = PROBES[name], ACTIONS[family]
    agent = train(kind, actions, probe, 40)
    for obs, best in probe.best:
        found = action_of(agent, actions, obs)
        if family == "gaussian":
            assert found == pytest.approx(best, abs=0.1)
        else:
            assert found * best > 0
