"""The server's commands by name; each takes the rest of the command line and gives an exit code."""

import argparse
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from django.db import DatabaseError

from rl_teacher.errors import RlTeacherError, ServerFault
from rl_teacher.server import serve as serving
from rl_teacher.server.data_folder import DataFolder, running_server
from rl_teacher.server.problems import Problem
from rl_teacher.server.serve import add_data_dir, whole
from rl_teacher.server.settings import ServerConfig, configure, given_blobs, given_database_url, given_secret_key


def open_folder(data_dir: Path) -> ServerConfig:
    """Set Django up for a data folder, beside a server that may be running, and bring the database up to date."""
    folder = DataFolder(data_dir.expanduser().resolve()).make()
    found = running_server(folder)
    url = urlsplit(str(found["url"]) if found else "http://127.0.0.1:8000")
    config = ServerConfig(
        folder,
        url.port or 80,
        database_url=given_database_url(),
        blobs=given_blobs(),
        given_secret_key=given_secret_key(),
        base_path=url.path,
    )
    configure(config)
    if found is None:
        from rl_teacher.server.database import prepare

        prepare(config)
    return config


def manage(argv: list[str]) -> int:
    """`rl-teacher manage …`: Django's management commands for the data folder."""
    found = argparse.ArgumentParser(prog="rl-teacher manage", add_help=False)
    add_data_dir(found)
    args, rest = found.parse_known_args(argv)
    open_folder(args.data_dir)
    from django.core.management import execute_from_command_line

    execute_from_command_line(["rl-teacher manage", *(rest or ["help"])])
    return 0


def token(argv: list[str]) -> int:
    """`rl-teacher token create NAME`, `token list`, `token revoke PREFIX`."""
    found = argparse.ArgumentParser(prog="rl-teacher token", description="Tokens of trainers on other machines.")
    add_data_dir(found)
    actions = found.add_subparsers(dest="action", required=True)
    create = actions.add_parser("create", help="make one; it is shown once and stored as a hash")
    create.add_argument("name")
    create.add_argument("--experiment", default="", help="only for this one (default: any)")
    create.add_argument("--days", type=whole(1, 3650), default=None, help="how long it lasts (default: until revoked)")
    actions.add_parser("list", help="all tokens, without their text")
    revoke = actions.add_parser("revoke", help="close the door for one")
    revoke.add_argument("prefix")
    args = found.parse_args(argv)
    open_folder(args.data_dir)
    from rl_teacher.server import tokens

    match args.action:
        case "create":
            print(tokens.create(args.name, args.experiment, args.days))
        case "list":
            print("\n".join(tokens.describe_all()) or "no tokens")
        case _:
            print(f"revoked: {', '.join(tokens.revoke(args.prefix))}")
    return 0


def login_url(argv: list[str]) -> int:
    """`rl-teacher login-url`: a new link for the owner of this machine, or for somebody by name."""
    found = argparse.ArgumentParser(
        prog="rl-teacher login-url", description="Print a link that signs in once, within 10 minutes."
    )
    add_data_dir(found)
    found.add_argument("--user", default="", help="for whom (default: the owner)")
    args = found.parse_args(argv)
    config = open_folder(args.data_dir)
    from rl_teacher.server import tokens

    running = running_server(config.folder)
    # One of an older version says only where it is.
    url = str(running.get("sign_in_at") or running["url"]) if running else f"http://127.0.0.1:{config.port}"
    print(f"{url}/enter#{tokens.login_secret(args.user)}")
    if running is None:
        print("No server runs for this folder; start it with `rl-teacher serve`.", file=sys.stderr)
    return 0


def export(argv: list[str]) -> int:
    """`rl-teacher export NAME --to DIR`."""
    found = argparse.ArgumentParser(
        prog="rl-teacher export", description="Write everything of an experiment into a folder."
    )
    add_data_dir(found)
    found.add_argument("name")
    found.add_argument("--to", type=Path, required=True, help="a folder that does not exist or is empty")
    args = found.parse_args(argv)
    config = open_folder(args.data_dir)
    from rl_teacher.server.exchange.write_out import export_folder

    print(export_folder(config.folder, args.name, args.to))
    return 0


def bring_in(argv: list[str]) -> int:
    """`rl-teacher import DIR`."""
    found = argparse.ArgumentParser(
        prog="rl-teacher import", description="Bring an exported experiment into this server."
    )
    add_data_dir(found)
    found.add_argument("folder", type=Path)
    args = found.parse_args(argv)
    config = open_folder(args.data_dir)
    from rl_teacher.server.exchange.read_in import import_folder

    print(import_folder(config.folder, args.folder))
    return 0


def told(command: Callable[[list[str]], int]) -> Callable[[list[str]], int]:
    """The command; what goes wrong on this machine is one line for a person too."""

    def run(argv: list[str]) -> int:
        try:
            return command(argv)
        except Problem as problem:
            raise ServerFault(problem.detail) from problem
        except (DatabaseError, sqlite3.Error) as error:
            raise ServerFault(
                f"the database cannot be used ({' '.join(str(error).split())}). Is it running, the disk full, or "
                "db.sqlite3 damaged? Its copies are in `backups/` (docs/server.md, Restore)."
            ) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            raise ServerFault(f"{error.filename or 'a file'}: {error.strerror or error}.") from error

    return run


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "serve": told(serving.main),
    "manage": told(manage),
    "token": told(token),
    "login-url": told(login_url),
    "export": told(export),
    "import": told(bring_in),
}


def run(argv: list[str]) -> int:
    """Find the command and run it; what a user can mend is one line and exit code 2."""
    if not argv or argv[0] not in COMMANDS:
        print(f"expected one of: {', '.join(COMMANDS)}", file=sys.stderr)
        return 0 if argv[:1] in (["-h"], ["--help"]) else 2
    try:
        return COMMANDS[argv[0]](argv[1:])
    except RlTeacherError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
