"""The command line: arguments to one call; errors printed once, as one line, with exit code 2."""

import contextlib
import io
import os
import sys
from collections.abc import Callable, Sequence

from rl_teacher.device import prefer_cpu, require_mujoco, require_people
from rl_teacher.errors import RlTeacherError, UnknownChoice
from rl_teacher.files import WHAT_TO_DO
from rl_teacher.interrupts import EXIT_CODE, leaving_at_once

Command = Callable[[list[str]], int]


def main(argv: Sequence[str] | None = None, *, command: str | None = None) -> int:
    """Run one command.

    Args:
        argv: the words after the program's name; those of the process if None.
        command: the command, when the words do not start with it, as in `python rl_teacher/teach.py ...` of 2017.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter is no reason to stop
    try:
        prefer_cpu()
        code = run(words, command)
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where what goes wrong can be told
        return code
    except RlTeacherError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return EXIT_CODE
    except BrokenPipeError:
        return 0
    except OSError as error:
        if error.filename is not None or error.errno not in WHAT_TO_DO:
            raise
        with contextlib.suppress(OSError):  # else Python tries, and fails, again at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(
            f"FolderUnwritable: the output cannot be written ({error.strerror}). Make room for it, or send it "
            "elsewhere; a run then goes on with --resume.",
            file=sys.stderr,
        )
        return 2


def run(words: list[str], command: str | None) -> int:
    """Find the command, load what it needs, and run it."""
    if command is None:
        if not words or words[0] in ("-h", "--help"):
            print(USAGE)
            return 0
        if words[0].startswith("-"):  # `python rl_teacher/ -p rl ...`, as in 2017
            command = "teach"
        else:
            command = words.pop(0)
    if command not in COMMANDS:
        raise unknown_command(command)
    with leaving_at_once():
        loaded = COMMANDS[command]()
        if command in WITHOUT_END:
            return loaded(words)
    return loaded(words)


def unknown_command(name: str) -> UnknownChoice:
    """The error for a command that does not exist, with close matches."""
    import difflib

    close = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return UnknownChoice(f"no command named {name!r}.{hint} Commands: {', '.join(COMMANDS)}.")


def teach() -> Command:
    """Teach an agent."""
    from rl_teacher.commands.teach import main

    return main


def plot() -> Command:
    """Draw learning curves."""
    from rl_teacher.commands.plot import plot

    return plot


def replay() -> Command:
    """Film a trained agent."""
    require_mujoco()
    from rl_teacher.commands.replay import main

    return main


def runs() -> Command:
    """List runs."""
    from rl_teacher.commands.runs import runs

    return runs


def fit() -> Command:
    """Fit a reward model to labels, of files or of a feedback server."""
    from rl_teacher.commands.fit import fit

    return fit


def data() -> Command:
    """Take preference data out, bring them in, and check them."""
    from rl_teacher.commands.data.command import main

    return main


def relabel() -> Command:
    """Write a data set again with learned rewards."""
    from rl_teacher.commands.relabel import relabel

    return relabel


def label() -> Command:
    """Compare segments of a data set."""
    from rl_teacher.commands.label.command import main

    return main


def bench() -> Command:
    """Train many cells, and compare."""
    from rl_teacher.commands.bench.commands import main

    return main


def circus() -> Command:
    """Teach a trick, and film it."""
    require_mujoco()
    from rl_teacher.commands.circus.command import main

    return main


def doctor() -> Command:
    """Say what works on this machine."""
    from rl_teacher.commands.doctor import main

    return lambda argv: main()


def server_command(name: str) -> Callable[[], Command]:
    """A command of the feedback server."""

    def load() -> Command:
        require_people(f"rl-teacher {name}")
        from rl_teacher.server.commands import COMMANDS as SERVER_COMMANDS

        return SERVER_COMMANDS[name]

    return load


WITHOUT_END = ("teach", "plot", "replay", "runs", "fit", "data", "relabel", "label", "bench", "doctor", "circus")
"""Commands with nothing to put away when Ctrl-C ends them; `teach` and `bench` take it over while they have."""
SERVER = ("serve", "login-url", "token", "export", "import", "manage")

COMMANDS: dict[str, Callable[[], Command]] = {
    "teach": teach,
    "plot": plot,
    "replay": replay,
    "runs": runs,
    "fit": fit,
    "data": data,
    "label": label,
    "relabel": relabel,
    "bench": bench,
    "circus": circus,
    "doctor": doctor,
    **{name: server_command(name) for name in SERVER},
}
"""Name -> what imports the command and returns it: each imports what it runs, so that --help is instant."""

USAGE = """Teach reinforcement-learning agents from human preferences.

  rl-teacher teach -p rl -e ShortHopper-v1 -n base-rl                learn from the true reward
  rl-teacher teach -p human -L 175 -e Reacher-v1 -n human-175        learn from your answers, in the browser
  rl-teacher teach -p synth -l 1400 -e ShortHopper-v1 -n syn-1400    learn from synthetic labels
  rl-teacher circus ballerina                                        teach a trick, measure it, and film it
  rl-teacher plot base-rl syn-1400                                   draw their learning curves
  rl-teacher replay syn-1400                                         film the trained agent
  rl-teacher runs                                                    list runs
  rl-teacher fit human-175                                           fit a reward model to the server's labels
  rl-teacher data export human-175 --to DIR                          comparisons as Parquet, with all arrays
  rl-teacher label DATASET                                           compare clips of a data set in the browser
  rl-teacher relabel REWARD DATASET --to NEW                         a data set with learned rewards
  rl-teacher bench my_settings.toml                                  compare settings: tasks x labels x seeds
  rl-teacher doctor                                                  say what works on this machine
  rl-teacher serve --open                                            start the feedback server
  rl-teacher export NAME --to DIR, import DIR                        take an experiment out, bring one in
  rl-teacher token create NAME, login-url, manage ...                look after the server

`rl-teacher COMMAND --help` lists the flags of a command."""
