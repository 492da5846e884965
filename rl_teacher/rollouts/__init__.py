"""Acting in environments: collecting rollouts and evaluating policies."""
