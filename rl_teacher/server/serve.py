"""`rl-teacher serve`: one command from an empty folder to a running server."""

import argparse
import json
import os
import signal
import socket
import sys
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rl_teacher.errors import ConfigError, ServerFault
from rl_teacher.server.base_path import base_path_of
from rl_teacher.server.data_folder import DataFolder, ServerLock, refuse_network_disk, running_server, write_private
from rl_teacher.server.reach import EVERYWHERE, LOOPBACK, share_url
from rl_teacher.server.settings import (
    LOOPBACK_HOSTS,
    ServerConfig,
    configure,
    default_data_dir,
    given_blobs,
    given_database_url,
    given_secret_key,
    given_trainer_token,
    has_local_owner,
    safe_journal_mode,
)
from rl_teacher.server.version import VERSION
from rl_teacher.server.workers import supervise

if TYPE_CHECKING:
    from rl_teacher.server.models import User


def parser() -> argparse.ArgumentParser:
    """Flags of `serve`."""
    found = argparse.ArgumentParser(prog="rl-teacher serve", description="Start the feedback server.")
    add_data_dir(found)
    found.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; another than this machine's own needs accounts"
    )
    found.add_argument("--port", type=whole(0, 65535), default=8000, help="0 takes a free one (default: %(default)s)")
    found.add_argument(
        "--allowed-host",
        action="append",
        type=host_name,
        default=[],
        help="a further name browsers may use, e.g. lab.example, or .lab.example for all below it; repeatable",
    )
    found.add_argument(
        "--guests",
        action="store_true",
        help="let others reach it though no account has a password: by invitations alone",
    )
    found.add_argument(
        "--public-url",
        type=public_address,
        default=None,
        help="address of a tunnel or proxy in front, e.g. https://lab.example or https://lab.example/teach; "
        "https implies --behind-proxy, a path --base-path",
    )
    found.add_argument(
        "--base-path",
        type=base_path_of,
        default="",
        help="path of another site under which a proxy shows this server, e.g. /teach (default: that of --public-url)",
    )
    found.add_argument("--open", action="store_true", help="open the browser, signed in")
    found.add_argument("--behind-proxy", action="store_true", help="a TLS proxy in front: trust its X-Forwarded-Proto")
    found.add_argument("--allow-network-disk", action="store_true", help="use a data folder on NFS, SMB, Lustre …")
    found.add_argument("--database-url", default="", help="postgres://user:password@host:port/name instead of SQLite")
    found.add_argument(
        "--workers",
        type=whole(1, 64),
        default=1,
        metavar="N",
        help="processes that answer, with PostgreSQL; one that dies is replaced (default: %(default)s)",
    )
    found.add_argument(
        "--blobs",
        default="",
        metavar="URL",
        help="clips and arrays in an object store instead of the data folder: s3://bucket/prefix, gs://… or az://…",
    )
    found.add_argument(
        "--media",
        choices=("proxy", "redirect"),
        default="proxy",
        help="how browsers get clips from there: through this server, or by signed addresses (default: %(default)s)",
    )
    found.add_argument("--migrate-only", action="store_true", help="bring the database up to date, and serve nothing")
    return found


def add_data_dir(to: argparse.ArgumentParser) -> None:
    """The flag that every command of the server has."""
    to.add_argument(
        "--data-dir", type=Path, default=default_data_dir(), help="folder of all data (default: %(default)s)"
    )


def whole(low: int, high: int) -> Callable[[str], int]:
    """The type of a flag: a whole number from `low` to `high`."""

    def number(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"got {value}, expected {low} to {high}")
        return value

    return number


def host_name(text: str) -> str:
    """The type of --allowed-host: a name, or all names below one."""
    from django.http.request import split_domain_port

    name = text.strip().lower()
    domain, port = split_domain_port(name.removeprefix("."))
    if not domain or port:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a name alone, without https:// and without a port")
    return name


def public_address(text: str) -> str:
    """The type of --public-url: scheme and host, and perhaps a port and a path."""
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected an address alone, like https://lab.example")
    host_name(parts.hostname)
    return f"{parts.scheme}://{parts.netloc.lower()}{base_path_of(parts.path)}"


def under(public_url: str, base: str) -> tuple[str, str]:
    """Public address with its path, and that path, of which either may be left out where the other says it.

    Raises:
        ConfigError: they name two.
    """
    path = urlsplit(public_url).path
    if path and base and path != base:
        raise ConfigError(
            f"--public-url {public_url} ends with {path}, and --base-path is {base}. Leave one of them out."
        )
    return (public_url if path or not public_url else public_url + base), path or base


def serve(
    data_dir: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    open_browser: bool = False,
    allowed_hosts: tuple[str, ...] = (),
    behind_proxy: bool = False,
    public_url: str = "",
    guests: bool = False,
    allow_network_disk: bool = False,
    database_url: str = "",
    trainer_token: str | None = None,
    workers: int = 1,
    migrate_only: bool = False,
    blobs: str = "",
    media: str = "proxy",
    base_path: str = "",
) -> int:
    """Serve `data_dir` until stopped; if somebody does already, attach: print its address and a login link.

    Returns:
        The exit code.
    """
    if workers > 1 and not database_url:
        raise ConfigError(
            f"--workers {workers}: one process serves SQLite, several need PostgreSQL. Name it with --database-url "
            "(docs/server.md, Several processes), or leave --workers away."
        )
    public_url, base_path = under(public_url, base_path)
    folder = DataFolder(data_dir.expanduser().resolve())
    if not allow_network_disk:
        refuse_network_disk(folder.root)
    folder.make()
    lock = ServerLock(folder)
    if migrate_only:
        return _only_migrate(folder, lock, database_url)
    if not lock.acquire():
        return _attach(folder, database_url, open_browser=open_browser)
    behind_proxy = behind_proxy or public_url.startswith("https:")
    try:
        with _listening(host, port) as listener:
            port = listener.getsockname()[1]
            shared = share_url(host, port, public_url)
            shared += base_path if shared and not public_url else ""
            config = ServerConfig(
                folder,
                port,
                (*LOOPBACK_HOSTS, *allowed_hosts, *_names(host, shared)),
                behind_proxy,
                shared,
                database_url,
                blobs=blobs,
                media=media,
                journal_mode="TRUNCATE" if allow_network_disk else safe_journal_mode(),
                base_path=base_path,
                given_secret_key=given_secret_key(),
                has_local_owner=has_local_owner(),
            )
            configure(config)
            return _run(config, host, listener, open_browser, trainer_token, guests=guests, workers=workers)
    finally:
        lock.release()


def _names(host: str, shared: str) -> list[str]:
    """Names by which browsers may address a server that listens on `host` and is shared as that address."""
    names = [host] if host not in EVERYWHERE else []
    if shared:
        name = urlsplit(shared).hostname or ""
        names.append(f"[{name}]" if ":" in name else name)
    return names


def _run(
    config: ServerConfig,
    host: str,
    listener: socket.socket,
    open_browser: bool,
    trainer_token: str | None,
    *,
    guests: bool,
    workers: int,
) -> int:
    from rl_teacher.server import process
    from rl_teacher.server.database import let_go, prepare
    from rl_teacher.server.storage.choose import check_store
    from rl_teacher.server.transactions.access import know_own_token, local_owner
    from rl_teacher.server.transactions.exports import fail_interrupted

    check_store(config.folder)
    prepare(config)
    owner = local_owner() if config.has_local_owner else None
    _refuse_open_door(host, guests=guests)
    fail_interrupted()
    if config.has_local_owner:
        former = config.folder.stored_token()
        know_own_token(config.folder.own_token(trainer_token), former)
    url = f"http://{'127.0.0.1' if host in EVERYWHERE else host}:{config.port}{config.base_path}"
    sign_in_at = sign_in_address(config, url)
    server_json = json.dumps({"url": url, "sign_in_at": sign_in_at, "pid": os.getpid(), "version": VERSION}) + "\n"
    write_private(config.folder.server_json, server_json)
    _greet(url, owner, open_browser, config, sign_in_at)
    try:
        if workers > 1:
            let_go()
            supervise(workers, config, listener)
        process.run(config, listener)
    except KeyboardInterrupt:
        print("Stopped.")
        return 128 + signal.SIGINT
    finally:
        config.folder.server_json.unlink(missing_ok=True)
    return 0


def sign_in_address(config: ServerConfig, url: str) -> str:
    """Where a one-time link works: behind a proxy cookies travel by https alone."""
    return config.share_url if config.behind_proxy and config.share_url else url


def _greet(
    url: str, owner: "User | None", open_browser: bool, config: ServerConfig | None = None, sign_in_at: str = ""
) -> None:
    """Say where it is, with a login that works once."""
    from rl_teacher.server.transactions.access import make_login_link

    at = sign_in_at or url
    link = f"{at}/enter#{make_login_link(owner)}" if owner is not None else f"{at}/login"
    port = urlsplit(url).port
    print(f"Feedback server: {url}")
    print(f"Sign in (once, within 10 minutes): {link}" if owner is not None else f"Sign in with a password: {link}")
    if config is not None and config.share_url:
        print(f"Others reach it at {config.share_url}, by an invitation of an experiment's page (People).")
    print(f"From another machine: ssh -L {port}:127.0.0.1:{port} {socket.gethostname()}", flush=True)
    if open_browser:
        webbrowser.open(link)


def _refuse_open_door(host: str, *, guests: bool) -> None:
    from rl_teacher.server.models import User

    if guests or host in LOOPBACK:
        return
    if not any(user.has_usable_password() for user in User.objects.filter(is_active=True)):
        raise ServerFault(
            f"--host {host}: other machines could reach a server that has no account with a password. "
            "Make one first: rl-teacher manage createsuperuser; or, where others only answer by invitation: --guests"
        )


def _attach(folder: DataFolder, database_url: str, *, open_browser: bool) -> int:
    """Somebody serves this folder already: that is fine."""
    found = running_server(folder)
    if found is None:
        print(
            f"Data folder {folder.root}: another process is just starting or stopping a server; try again.",
            file=sys.stderr,
        )
        return 2
    url = str(found["url"])
    parts = urlsplit(url)
    configure(
        ServerConfig(
            folder,
            parts.port or 80,
            database_url=database_url,
            given_secret_key=given_secret_key(),
            base_path=parts.path,
        )
    )
    from rl_teacher.server.transactions.access import local_owner

    print(f"A server (pid {found['pid']}) serves {folder.root} already.")
    owner = local_owner() if has_local_owner() else None
    _greet(url, owner, open_browser, sign_in_at=str(found.get("sign_in_at", "")))
    return 0


def _only_migrate(folder: DataFolder, lock: ServerLock, database_url: str) -> int:
    """For whoever starts many processes after it. A server may run meanwhile with PostgreSQL, not with SQLite."""
    if not database_url and not lock.acquire():
        raise ServerFault(
            f"--migrate-only: a server uses {folder.root}. Stop it first; it migrates when it starts, too."
        )
    try:
        config = ServerConfig(folder, database_url=database_url, given_secret_key=given_secret_key())
        configure(config)
        from rl_teacher.server.database import prepare

        count = prepare(config)
    finally:
        lock.release()
    print(f"The database is up to date: {count} migrations were applied now.")
    return 0


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small answers at once only on sockets that say TCP; else each waits 40 ms for the other side's ACK.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise ServerFault(
                f"address {host}:{port}: {error.strerror}. Choose another with --port (0 takes a free one)."
            ) from error
        listener.listen(1024)
        listener.set_inheritable(True)
        yield listener


def main(argv: list[str]) -> int:
    """The command line."""
    args = parser().parse_args(argv)
    return serve(
        args.data_dir,
        args.host,
        args.port,
        open_browser=args.open,
        allowed_hosts=tuple(args.allowed_host),
        behind_proxy=args.behind_proxy,
        public_url=args.public_url or "",
        guests=args.guests,
        allow_network_disk=args.allow_network_disk,
        database_url=args.database_url or given_database_url(),
        trainer_token=given_trainer_token(),
        workers=args.workers,
        migrate_only=args.migrate_only,
        blobs=args.blobs or given_blobs(),
        media=args.media,
        base_path=args.base_path,
    )
