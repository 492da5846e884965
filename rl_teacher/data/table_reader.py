"""Tables of Arrow back to comparisons and labels; a value that is missing is one line that says where."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rl_teacher.data.about import DataAbout
from rl_teacher.data.rows import NO_END, Answer, AnyArray, Rows, Side, Whole
from rl_teacher.data.tables import WHOLE_NUMBERS, comparisons_schema, labels_schema, pyarrow
from rl_teacher.errors import DataDamaged
from rl_teacher.records import Preference


def require_columns(found: Any, about: DataAbout | None, where: str) -> None:
    """Whether a file has the columns that it should have; others beside them are not read.

    Args:
        found: its schema.
        about: of the comparisons; None: it is the table of labels.
        where: which file, for errors.

    Raises:
        DataDamaged: a column is missing, or of another kind.
    """
    for field in labels_schema() if about is None else comparisons_schema(about):
        at = found.get_all_field_indices(field.name)
        if len(at) != 1:
            raise DataDamaged(f"{where}: has {len(at)} columns named {field.name!r}, expected one. Export it again.")
        if not _same_kind(found.field(at[0]).type, field.type):
            raise DataDamaged(
                f"{where}: its column {field.name!r} is {found.field(at[0]).type}, expected {field.type}. "
                "Export it again."
            )


def _same_kind(one: Any, other: Any) -> bool:
    """Whether two types are the same, whatever the entries of lists are called."""
    types = pyarrow().types
    for is_list in (types.is_fixed_size_list, types.is_list):
        if is_list(one) and is_list(other):
            sizes = getattr(one, "list_size", None), getattr(other, "list_size", None)
            return sizes[0] == sizes[1] and _same_kind(one.value_type, other.value_type)
    return bool(one == other)


def answers_of(table: Any, where: str) -> list[Answer]:
    """The answers in a table of labels.

    Raises:
        DataDamaged: one of them is none.
    """
    found = []
    for number, row in enumerate(table.to_pylist()):
        said = row["preference"]
        is_text = all(isinstance(row[name], str) for name in ("comparison", "labeler", "answered_at"))
        if not is_text or said not in {None, *Preference}:
            raise DataDamaged(
                f"{where}, row {number}: got {str(row)[:120]}, expected an answer. Export the data again."
            )
        preference = None if said is None else Preference(said)
        found.append(
            Answer(row["comparison"], row["labeler"], preference, row["answered_at"], row["rt_ms"], row["strength"])
        )
    return found


def rows_of(about: DataAbout, table: Any, where: str) -> Rows:
    """The comparisons in a table, whose columns were looked at before.

    Raises:
        DataDamaged: a value is missing where there must be one, or lists of a row differ in length.
    """
    columns = _Columns(table, where)
    left, right = (_side(about, columns, name) for name in ("left", "right"))
    return Rows(columns.texts("id"), columns.numbers("step"), left, right)


def _side(about: DataAbout, columns: "_Columns", name: str) -> Side:
    lengths = columns.lengths(f"{name}_obs")
    keys = ["action"] + ["next_obs"] * about.has_next_obs + ["true_reward"] * about.has_true_reward
    for key in keys:
        other = columns.lengths(f"{name}_{key}")
        if (other != lengths).any():
            row = int(np.argmax(other != lengths))
            raise DataDamaged(
                f"{columns.where}, comparison {columns.texts('id')[row]}: {name}_{key} has {other[row]} steps and "
                f"{name}_obs {lengths[row]}, expected as many. Leave this comparison out."
            )
    env_index, episode, start, iteration = (columns.numbers(f"{name}_{one}") for one in WHOLE_NUMBERS)
    return Side(
        id=columns.texts(f"{name}_id"), lengths=lengths,
        obs=columns.steps(f"{name}_obs"), action=columns.steps(f"{name}_action"),
        env_index=env_index, episode=episode, start=start, iteration=iteration,
        end=columns.numbers(f"{name}_end", missing=NO_END),
        next_obs=columns.steps(f"{name}_next_obs") if about.has_next_obs else None,
        true_reward=columns.steps(f"{name}_true_reward") if about.has_true_reward else None,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Columns:
    """A table, column by column."""

    table: Any
    where: str

    def numbers(self, name: str, missing: int | None = None) -> AnyArray:
        """One number a row."""
        column = self._column(name) if missing is None else self._whole(name).fill_null(missing)
        return np.asarray(column.to_numpy(zero_copy_only=False))

    def texts(self, name: str) -> list[str]:
        """One text a row."""
        return list(self._column(name).to_pylist())

    def lengths(self, name: str) -> Whole:
        """How long the list of each row is."""
        found = pyarrow().compute.list_value_length(self._column(name))
        return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)

    def steps(self, name: str) -> AnyArray:
        """The lists of all rows, one behind the other: (step, number), or (step,)."""
        flat = self._complete(self._column(name).flatten(), name)
        if not pyarrow().types.is_fixed_size_list(flat.type):
            return np.asarray(flat.to_numpy(zero_copy_only=False))
        values = self._complete(flat.flatten(), name).to_numpy(zero_copy_only=False)
        return np.asarray(values).reshape(len(flat), flat.type.list_size)

    def _column(self, name: str) -> Any:
        return self._complete(self._whole(name), name)

    def _whole(self, name: str) -> Any:
        column = self.table.column(name)
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

    def _complete(self, array: Any, name: str) -> Any:
        if array.null_count:
            raise DataDamaged(f"{self.where}: {name} is missing in {array.null_count} places. Export the data again.")
        return array
