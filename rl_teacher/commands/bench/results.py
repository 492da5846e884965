"""The file of results: one line per finished cell, appended and flushed to the disk; made to be committed."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from rl_teacher.commands.bench.cells import Cell, Row, row_from_json, same_settings
from rl_teacher.errors import FolderUnwritable, ResultsDamaged, SettingsChanged


class Results:
    """Finished cells by file; a last line that a crash tore is no result, and the next one takes its place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[Cell, Row] = {}
        """In the order of the file; of a cell that is there twice, the later row."""
        if os.path.exists(path):  # and not path.exists(), which fails for a name that no disk takes
            self._read()

    def mend(self) -> None:
        """Make the file if it is not there, and take a torn line off its end.

        Raises:
            FolderUnwritable: it cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                last = self.path.read_bytes().rpartition(b"\n")[2]
                if last and _row(last):
                    file.write(b"\n")
                elif last:
                    file.truncate(file.tell() - len(last))
        except OSError as error:
            raise self._unwritable(error) from error

    def append(self, row: Row) -> None:
        """Add one row; on the disk when this returns.

        Raises:
            FolderUnwritable: it cannot be written.
        """
        self.mend()
        try:
            with self.path.open("ab") as file:
                file.write(json.dumps(row.to_json()).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._unwritable(error) from error
        self.rows[row.cell] = row

    def check(self, flags_of: Mapping[str, tuple[str, ...]]) -> None:
        """Refuse rows of other settings under the names of those wanted now.

        Args:
            flags_of: flags of each settings.

        Raises:
            SettingsChanged: one name, two meanings.
        """
        seen = {(row.cell.settings, row.flags) for row in self.rows.values() if row.cell.settings in flags_of}
        for name, stored in sorted(seen):
            if not same_settings(stored, flags_of[name]):
                raise SettingsChanged(
                    f"settings {name!r}: {str(self.path)!r} holds results of {_shown(stored)}, wanted now are "
                    f"{_shown(flags_of[name])}. Give the new settings a name of their own, or use another --results."
                )

    def _read(self) -> None:
        try:
            lines = self.path.read_bytes().splitlines(keepends=True)
        except OSError as error:
            raise ResultsDamaged(f"results {str(self.path)!r}: cannot be read: {error.strerror}.") from error
        for number, line in enumerate(lines, 1):
            row = _row(line)
            if row:
                self.rows[row.cell] = row
            elif line.endswith(b"\n"):
                raise ResultsDamaged(
                    f"results {str(self.path)!r}, line {number}: got {line[:60].decode(errors='replace')!r}, expected "
                    "one finished cell in JSON. Mend the line or delete it."
                )

    def _unwritable(self, error: OSError) -> FolderUnwritable:
        return FolderUnwritable(f"results {str(self.path)!r}: cannot be written: {error.strerror}. Use --results FILE.")


def _row(line: bytes) -> Row | None:
    """The row of a line; None if it holds none."""
    try:
        return row_from_json(json.loads(line))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _shown(flags: tuple[str, ...]) -> str:
    return f"`{' '.join(flags)}`" if flags else "the defaults"
