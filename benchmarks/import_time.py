"""How long `import rl_teacher` takes in a fresh Python, in milliseconds: `python -m benchmarks.import_time`."""

import statistics
import subprocess
import sys

REPEATS = 15
CODE = "from time import perf_counter; t = perf_counter(); {statement}; print(1e3 * (perf_counter() - t))"
STATEMENTS = ("import rl_teacher", "from rl_teacher import RunConfig", "from rl_teacher import train")


def milliseconds(statement: str) -> float:
    """Of one fresh Python."""
    command = [sys.executable, "-c", CODE.format(statement=statement)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    for statement in STATEMENTS:
        times = [milliseconds(statement) for _ in range(REPEATS if "train" not in statement else 3)]
        print(f"{statement}: median {statistics.median(times):.1f} ms, worst {max(times):.1f} ms")
