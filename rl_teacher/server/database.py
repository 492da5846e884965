"""The database at start: its journal, its migrations, copies of it."""

import logging
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from rl_teacher.errors import ServerFault
from rl_teacher.server import postgres
from rl_teacher.server.data_folder import DataFolder
from rl_teacher.server.settings import ServerConfig

log = logging.getLogger("rl_teacher.server")
KEEP_BACKUPS = 8


def prepare(config: ServerConfig) -> int:
    """Bring the database up to date.

    SQLite's journal mode is set and read back, and the file is copied if it has to change. On PostgreSQL one process
    does it, and others that start at the same moment wait for it.

    Returns:
        How many migrations it took.
    """
    if config.database_url:
        waiting = "another process brings the database up to date; waiting for it"
        with postgres.alone(postgres.START, lambda: log.info(waiting)):
            return _migrate(config)
    check_journal(config)
    return _migrate(config)


def let_go() -> None:
    """Close all connections of this process; the next query opens one again."""
    connections.close_all()
    if postgres.is_used():
        connection.close_pool()


def _migrate(config: ServerConfig) -> int:
    executor = MigrationExecutor(connection)
    refuse_newer(executor)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        return 0
    if not config.database_url and executor.loader.applied_migrations:
        backup(config.folder, "before-migration")
    call_command("migrate", verbosity=0, interactive=False)
    return len(plan)


def refuse_newer(executor: MigrationExecutor) -> None:
    """Raise ServerFault if a newer version has changed the database in ways that this one does not know."""
    known = executor.loader.disk_migrations or {}
    unknown = sorted(
        name for app, name in executor.loader.applied_migrations if app == "feedback" and (app, name) not in known
    )
    if unknown:
        raise ServerFault(
            f"the database was used by a newer rl-teacher, which changed it ({', '.join(unknown)}). Update rl-teacher, "
            "or put a copy of `backups/` from before in place (docs/server.md, Restore)."
        )


def check_journal(config: ServerConfig) -> None:
    """Raise ServerFault unless SQLite took the journal mode: it answers with the old one instead of failing."""
    with closing(sqlite3.connect(config.folder.database, timeout=20)) as file:
        got = file.execute(f"PRAGMA journal_mode={config.journal_mode}").fetchone()[0]
    config.folder.database.chmod(0o600)
    if str(got).upper() != config.journal_mode:
        raise ServerFault(
            f"database {config.folder.database}: journal mode is {got!r}, expected {config.journal_mode!r}. "
            "Stop whatever else has the file open, then start again."
        )


def backup(folder: DataFolder, reason: str, keep: int = KEEP_BACKUPS) -> Path:
    """Copy the running database; the oldest copies of the same reason go."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    target = folder.backups / f"db-{reason}-{stamp}.sqlite3"
    temporary = target.with_suffix(".part")
    with closing(sqlite3.connect(folder.database, timeout=20)) as source, closing(sqlite3.connect(temporary)) as copy:
        source.backup(copy, pages=1000)
    temporary.chmod(0o600)
    temporary.replace(target)
    for old in sorted(folder.backups.glob(f"db-{reason}-*.sqlite3"))[:-keep]:
        old.unlink(missing_ok=True)
    return target


def is_whole(database: Path) -> bool:
    """Whether SQLite's integrity check and the foreign keys hold."""
    with closing(sqlite3.connect(database, timeout=20)) as file:
        good = file.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        return good and not file.execute("PRAGMA foreign_key_check").fetchall()
