"""EnvMaker: makes all environments of a run, in this process or with its rollout workers."""

from rl_teacher.config.run import RunConfig
from rl_teacher.envs.catalog import make_envs
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.protocols import Envs


class EnvMaker:
    """Those of training, of the first segments and of the evaluation; what they do does not depend on who steps them.

    Args:
        config: of the run.

    Raises:
        MissingExtra: it has rollout workers, and Ray is not installed.
        ConfigError: they cannot be started.
    """

    def __init__(self, config: RunConfig) -> None:
        self._num_threads = config.workers
        self._workers = None
        if config.rollout_workers:
            from rl_teacher.envs.remote.ray_workers import RayWorkers

            self._workers = RayWorkers(config.rollout_workers, config.on)

    def __call__(self, spec: EnvSpec, num_envs: int, *, seed: int, stagger: bool = False) -> Envs:
        """Environments as `make_envs` makes them.

        Raises:
            RlTeacherError: see `make_envs`.
        """
        if self._workers is None:
            return make_envs(spec, num_envs, seed=seed, num_threads=self._num_threads, stagger=stagger)
        from rl_teacher.envs.remote.spread import SpreadEnvs

        return SpreadEnvs(self._workers, spec, num_envs, seed=seed, stagger=stagger)

    def close(self) -> None:
        """End the workers, if there are any."""
        if self._workers is not None:
            self._workers.close()
