"""A statement sent with its values beside it, so that PostgreSQL plans it once per connection and not every time.

To plan the choice of the next pair takes PostgreSQL ten times as long as to make it. What never changes stands in the
text, where the planner sees it: a partial index is only used for what it can prove.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

Value = uuid.UUID | int | datetime | str


class Place(int):
    """Where a value goes, by its number."""


def for_database(value: Value) -> Any:
    """As Django hands it to the driver."""
    if isinstance(value, uuid.UUID):
        return value if connection.features.has_native_uuid_field else value.hex
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value


class Statement:
    """A text with %s for what is given to it.

    Args:
        text: as Django's compilers write it for this database.
        given: what they hand to the driver; a `Place` where a value goes.
    """

    def __init__(self, text: str, given: Sequence[Any]) -> None:
        self._text, self._given = text, list(given)
        self._is_prepared = connection.vendor == "postgresql"
        if self._is_prepared:
            self._text, self._given = _with_constants(text, given)

    def rows(self, values: Sequence[Value]) -> list[Any]:
        """What it finds."""
        return self.rows_with(self._filled(values))

    def rows_with(self, given: Sequence[Any]) -> list[Any]:
        """The same with everything given as it goes to the driver."""
        with connection.cursor() as cursor:
            return list(self._run(cursor, given).fetchall())

    def change(self, values: Sequence[Value]) -> int:
        """How many rows it changed."""
        return self.change_with(self._filled(values))

    def change_with(self, given: Sequence[Any]) -> int:
        """The same with everything given as it goes to the driver."""
        with connection.cursor() as cursor:
            return int(self._run(cursor, given).rowcount)

    def _filled(self, values: Sequence[Value]) -> list[Any]:
        return [for_database(values[place]) if isinstance(place, Place) else place for place in self._given]

    def _run(self, cursor: Any, given: Sequence[Any]) -> Any:
        if not self._is_prepared or connection.execute_wrappers or connection.queries_logged:
            cursor.execute(self._text, given)  # somebody counts or watches: as everything else
            return cursor
        from psycopg import Cursor

        connection.validate_no_broken_transaction()
        with connection.wrap_database_errors:
            return Cursor(connection.connection).execute(self._text, _sized(given), prepare=True)


def _sized(given: Sequence[Any]) -> list[Any]:
    """Numbers of one size: psycopg picks the smallest, and each size would be a statement of its own."""
    from psycopg.types.numeric import Int8

    return [Int8(value) if type(value) is int else value for value in given]


def _with_constants(text: str, given: Sequence[Any]) -> tuple[str, list[Any]]:
    from psycopg import sql

    pieces = text.split("%s")
    made = [pieces[0]]
    for value, piece in zip(given, pieces[1:], strict=True):
        literal = "%s" if isinstance(value, Place) else sql.Literal(value).as_string(connection.connection)
        made += [literal if literal == "%s" else literal.replace("%", "%%"), piece]
    return "".join(made), [value for value in given if isinstance(value, Place)]
