"""Django's queries, put together once: it takes a millisecond to write one, and the database a tenth of that to answer.

For the few that every answer needs. What they say stays in Django's own words.
"""

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any, Generic, TypeVar

from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.db.models.constants import OnConflict
from django.db.models.fields import AutoFieldMixin
from django.db.models.query import ModelIterable, get_related_populators
from django.db.models.sql import InsertQuery, UpdateQuery

from rl_teacher.server.transactions.statements import Place, Statement, Value, for_database

Row = TypeVar("Row")
Made = TypeVar("Made", bound=Model)
_NUMBERS = count(1)
_MADE: dict[tuple[str, int | str], Any] = {}


class Prepared(Generic[Row]):
    """A query with places for values.

    Args:
        build: values -> the query. It must use every value, and nothing else that changes. Rows are those of the
            query: model instances, their `select_related` included, or tuples of `values_list`.
        kinds: of the values, in order.
    """

    def __init__(self, build: Callable[..., "QuerySet[Any, Row]"], *kinds: type[Value]) -> None:
        self._build, self._kinds, self._key = build, kinds, next(_NUMBERS)

    def __call__(self, *values: Value) -> list[Row]:
        """Its rows with these values."""
        statement, rows_of = made_once(self._key, self._compile)
        found: list[Row] = rows_of(statement.rows(values))
        return found

    def _compile(self) -> tuple[Statement, Callable[[list[Any]], list[Row]]]:
        samples = [_sample(kind, number) for number, kind in enumerate(self._kinds)]
        queryset = self._build(*samples)
        compiler = queryset.query.get_compiler(connection=connection)
        text, given = compiler.as_sql()
        is_model = issubclass(queryset._iterable_class, ModelIterable)
        return Statement(text, _places(given, samples)), _reader(compiler, is_model=is_model)


class PreparedUpdate:
    """An update with places for values.

    Args:
        build: values -> the rows, and what becomes of them, as for `QuerySet.update`.
        kinds: of the values, in order.
    """

    def __init__(self, build: Callable[..., tuple["QuerySet[Any, Any]", dict[str, Any]]], *kinds: type[Value]) -> None:
        self._build, self._kinds, self._key = build, kinds, next(_NUMBERS)

    def __call__(self, *values: Value) -> int:
        """How many rows it changed."""
        statement: Statement = made_once(self._key, self._compile)
        with transaction.mark_for_rollback_on_error():
            return statement.change(values)

    def _compile(self) -> Statement:
        samples = [_sample(kind, number) for number, kind in enumerate(self._kinds)]
        queryset, changes = self._build(*samples)
        query = queryset.query.chain(UpdateQuery)
        query.add_update_values(changes)
        text, given = query.get_compiler(connection=connection).as_sql()
        return Statement(text, _places(given, samples))


class PreparedInsert(Generic[Made]):
    """An insert of one instance.

    Args:
        model: of which class it is.
        ignore_conflicts: a row that breaks a rule of uniqueness is left out, and the call says False.
    """

    def __init__(self, model: type[Made], *, ignore_conflicts: bool = False) -> None:
        self._model, self._key = model, next(_NUMBERS)
        self._on_conflict = OnConflict.IGNORE if ignore_conflicts else None

    def __call__(self, instance: Made) -> bool:
        """Store it; whether it is there now. A key that the database makes is not read back."""
        statement, fields = made_once(self._key, lambda: self._compile(instance))
        given = [field.get_db_prep_save(field.pre_save(instance, add=True), connection) for field in fields]
        with transaction.mark_for_rollback_on_error():
            is_stored = statement.change_with(given) == 1
        instance._state.adding, instance._state.db = False, connection.alias
        return is_stored

    def _compile(self, instance: Made) -> tuple[Statement, list[Any]]:
        fields = [field for field in self._model._meta.concrete_fields if not field.generated]
        fields = [field for field in fields if not isinstance(field, AutoFieldMixin)]
        query = InsertQuery(self._model, on_conflict=self._on_conflict)
        query.insert_values(fields, [instance])
        ((text, given),) = query.get_compiler(connection=connection).as_sql()
        assert len(given) == len(fields), f"{self._model.__name__}: a field is no plain value"
        return Statement(text, [Place(number) for number in range(len(given))]), fields


def made_once(key: int | str, make: Callable[[], Any]) -> Any:
    """Made once per kind of database, for all threads: what is kept reads rows, and runs nothing on its connection."""
    place = (connection.vendor, key)
    if place not in _MADE:
        _MADE[place] = make()
    return _MADE[place]


def _sample(kind: type[Value], number: int) -> Value:
    """A value that nothing else in a query has."""
    odd = 1_900_000_001 + number
    if kind is int:
        return odd
    if kind is str:
        return f"value {odd}"
    return uuid.UUID(int=odd) if kind is uuid.UUID else datetime.fromtimestamp(odd, UTC)


def _places(given: Sequence[Any], samples: Sequence[Value]) -> list[Any]:
    numbers = {for_database(sample): number for number, sample in enumerate(samples)}
    places = [Place(numbers[value]) if value in numbers else value for value in given]
    lost = set(range(len(samples))) - {place for place in places if isinstance(place, Place)}
    assert not lost, f"values {sorted(lost)} of a prepared query are not in its text"
    return places


def _reader(compiler: Any, *, is_model: bool) -> Callable[[list[Any]], list[Any]]:
    """What makes rows of a query out of what the database sent: tuples, or model instances with their relations."""
    converters = compiler.get_converters([column[0] for column in compiler.select[: compiler.col_count]])

    def tuples(sent: list[Any]) -> list[Any]:
        return [tuple(row) for row in compiler.apply_converters(sent, converters)] if converters else sent

    if not is_model:
        return tuples
    about, alias = compiler.klass_info, connection.alias
    first, last = about["select_fields"][0], about["select_fields"][-1] + 1
    names = [column[0].target.attname for column in compiler.select[first:last]]
    related = get_related_populators(about, compiler.select, alias)
    model: type[Model] = about["model"]

    def instances(sent: list[Any]) -> list[Any]:
        made = []
        for row in tuples(sent):
            made.append(model.from_db(alias, names, row[first:last]))
            for populator in related:
                populator.populate(row, made[-1])
        return made

    return instances
