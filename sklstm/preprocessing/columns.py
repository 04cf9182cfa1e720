"""What each column of a table of series is: which series, when, or a feature."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral
from typing import Any, ClassVar

from sklstm.base.messages import listed, shown
from sklstm.base.schema import Declared, Kind, Maybe, instance_of
from sklstm.sequences.columns import column_names, in_index

Key = str | int | None

ELAPSED = "elapsed"


@dataclass(frozen=True, eq=False)
class Columns(Declared):
    """What each column of a table is.

    Parameters
    ----------
    names : list of str
        Of all columns; x0, x1, ... if they have none.
    group, time : int or None
        Positions of the columns that tell series and times.
    """

    names: list[str]
    group: int | None
    time: int | None

    @classmethod
    def of(cls, X: Any, groups: Any, time: Key) -> Columns:
        """Find the columns that are asked for by name or index.

        `groups` may be no column: a function, labels, or None.

        Raises
        ------
        ValueError
            If there is no such column.
        """
        names = column_names(X)
        group = find_column("groups", groups, X, names) if is_key(groups) else None
        when = None if time is None else find_column("time", time, X, names)
        if group is not None and group == when:
            raise ValueError(
                f"groups={shown(groups)} and time={shown(time)} are the same column "
                "of X. One "
                "tells series apart, the other orders their rows: name two columns."
            )
        if names is None:
            names = [f"x{k}" for k in range(X.shape[1])]
        return cls([str(name) for name in names], group, when)

    @property
    def features(self) -> list[int]:
        """Positions of the other columns."""
        return [k for k in range(len(self.names)) if k not in (self.group, self.time)]

    @property
    def elapsed(self) -> int | None:
        """Where the elapsed time stands among the features: instead of the time."""
        if self.time is None:
            return None
        return self.time - (self.group is not None and self.group < self.time)

    @property
    def feature_names(self) -> list[str]:
        """Names of the features of a window."""
        names = [self.names[k] for k in self.features]
        if self.elapsed is not None:
            names.insert(self.elapsed, ELAPSED)
        return names

    _saved: ClassVar[dict[str, Kind]] = {
        "names": instance_of(list),
        "group": Maybe(instance_of(int)),
        "time": Maybe(instance_of(int)),
    }

    def contradictions(self, n_columns: int) -> Iterator[str]:
        """What does not go with a table of so many columns, in words."""
        if len(self.names) != n_columns or not all(type(n) is str for n in self.names):
            yield f"{listed(self.names)} does not name {shown(n_columns)} columns"
        keys = [key for key in (self.group, self.time) if key is not None]
        if len({*keys}) < len(keys) or not {*keys} <= {*range(n_columns)}:
            yield f"columns {shown(keys)} of {n_columns} cannot tell series and times"


def _prefixed(key: str, names: list[Any]) -> str:
    """What to do if a ColumnTransformer put the name of a step in front of `key`."""
    found = [name for name in names if str(name).endswith(f"__{key}")]
    if not found:
        return ""
    return (
        f" A ColumnTransformer has named it {shown(found[0])}: give that name, or set "
        "verbose_feature_names_out=False there."
    )


def is_key(groups: Any) -> bool:
    """Whether it is the name or index of a column."""
    return isinstance(groups, (str, Integral))


def find_column(parameter: str, key: Any, X: Any, names: list[Any] | None) -> int:
    """The position of a column that a parameter gives by name or index.

    Text is a name, a number always an index, even if names are numbers.

    Raises
    ------
    ValueError
        If there is no such column.
    """
    n_columns = X.shape[1]
    if isinstance(key, str):
        if names is None:
            raise ValueError(
                f"{parameter}={shown(key)} names a column, but X is an array of shape "
                f"{tuple(X.shape)} without column names. Give the index of the column, "
                "or X as a data frame."
            )
        if key in names:
            return names.index(key)
        raise ValueError(
            f"{parameter}={shown(key)} is no column of X, which has {listed(names)}. "
            "Name "
            f"one of these, or give its index.{in_index(X, key)}{_prefixed(key, names)}"
        )
    if -n_columns <= key < n_columns:
        return int(key) % n_columns
    raise ValueError(
        f"{parameter}={shown(key)} is no column of X, which has {n_columns} (shape "
        f"{tuple(X.shape)}). Give an index from 0 to {n_columns - 1}."
    )
