"""`rl-teacher teach`: flags to settings, settings to a training."""

from rl_teacher.config.flags import parse


def main(argv: list[str]) -> int:
    """Train as the flags say; the exit code."""
    config = parse(argv)
    from rl_teacher.commands.train import train  # here, so that --help and a wrong flag need not wait for JAX

    return train(config)
