"""`python -m rl_teacher.server serve …`: the server's commands without the rest of the package."""

import sys

from rl_teacher.server.commands import run

if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1:]))
