"""Your own environment, from this folder: `rl-teacher teach -p synth -e own_env:Corridor-v0 -n corridor`."""

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete


class Corridor(gymnasium.Env):
    """Walk to the right end of a corridor. Observation: the position [m]. Actions: 0 left, 1 stay, 2 right."""

    metadata = {"render_modes": [], "render_fps": 10}  # 10 steps per second of a clip
    observation_space = Box(-1.0, 1.0, (1,), np.float32)
    action_space = Discrete(3)

    def reset(self, *, seed=None, options=None):
        """Start in the middle, or nearly. Take all randomness from self.np_random, so that runs can be resumed."""
        super().reset(seed=seed)
        self.position = self.np_random.uniform(-0.1, 0.1)
        return self._observation(), {}

    def step(self, action):
        """Move by 0.05 m. The reward is never shown to an agent: logs and synthetic teachers use it."""
        self.position = float(np.clip(self.position + 0.05 * (int(action) - 1), -1.0, 1.0))
        return self._observation(), self.position, False, False, {}

    def _observation(self):
        return np.array([self.position], np.float32)


gymnasium.register("Corridor-v0", entry_point=Corridor, max_episode_steps=50)
