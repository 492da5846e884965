"""`python -m rl_teacher` and `python rl_teacher/`: the command line."""

from rl_teacher.cli import main

raise SystemExit(main())
