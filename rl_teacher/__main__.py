"""`python -m rl_teacher` and `python rl_teacher/`: the command line."""

from rl_teacher.interrupts import leaving_at_once

with leaving_at_once():
    from rl_teacher.cli import main

raise SystemExit(main())
