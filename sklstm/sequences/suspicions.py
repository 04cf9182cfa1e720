"""Data that can be read, but look like a mistake: warnings of `fit` and `predict`.

Every rule here is a guess, so each is narrow enough to stay silent where the data are
right: what it misses is better than a warning that nobody believes.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sklstm.base.parameters import warn_caller
from sklstm.sequences.axes import IN_FRONT
from sklstm.sequences.batch import SequenceBatch, chunks
from sklstm.sequences.lazy_arrays import is_stored, read_rows

# So many sequences, evenly spaced, and so many bytes of them are looked at: a fit of a
# small network takes milliseconds.
SAMPLES = 64
SAMPLE_BYTES = 2**22

# An LSTM's gates are saturated by features beyond LARGE, and do not see what is below
# SMALL, or moves by less than a LEVEL-th of its mean. Measured with 30 epochs on a sum
# of sines, R2 of a level and a deviation: 0.98 at 10 +- 0.74, 0.95 at 30 +- 0.74, 0.00
# at 100 +- 0.74 and 1 +- 0.007; 0.94 at 0 +- 740; 0.93 at 0 +- 0.0007, 0.00 at a tenth.
LARGE = 100.0
SMALL = 0.0003
LEVEL = 100.0

# Validation data whose spread around the mean of the training data is so many times
# theirs were not prepared as these were. A few may all lie near the mean by chance.
UNLIKE = 5.0
FEWEST_BELOW = 8

# Of neighbours along an axis: what is smooth, and what is not, is a series over time.
SMOOTH = 0.7
ROUGH = 0.5

# Places along an axis whose means differ by so many deviations, or whose deviations by
# such a factor, are different quantities.
APART = 0.5
WIDER = 2.0

# Of columns that are the same up to their scale, and how far lagged ones are sought.
EXACT = 1 - 1e-9
MOST_LAG = 60
MOST_LAGGED = 100
FEWEST_ROWS = 8
MOST_ROWS = 1000


class Spread(NamedTuple):
    """Mean and standard deviation of each feature over the valid timesteps."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def of(cls, sequences: SequenceBatch) -> Self:
        steps = sampled(sequences).steps()
        return cls(steps.mean(axis=0), steps.std(axis=0))


def warn_of_scale(
    sample: SequenceBatch, is_number: NDArray[np.bool_], name: str
) -> None:
    """Warn of features on a scale at which an LSTM learns next to nothing.

    Parameters
    ----------
    sample : SequenceBatch
        What `sampled` gave.
    is_number : ndarray of shape (n_features,), bool
        The others are codes of categories.
    name : str
        Of the estimator.
    """
    steps = sample.steps()[:, is_number]
    mean, deviation = steps.mean(axis=0), steps.std(axis=0)
    size = np.hypot(mean, deviation)
    if not len(size):
        return
    if size.max() > LARGE:
        k = int(np.argmax(size))
        what = f"is of the order of {size[k]:.2g}, which saturates"
    else:
        varies = np.flatnonzero(deviation > 0)
        unseen = (deviation < SMALL) | (np.abs(mean) > LEVEL * deviation)
        if not len(varies) or not unseen[varies].all():
            return
        k = int(varies[0])
        what = f"is {mean[k]:.3g} +- {deviation[k]:.2g}, which hardly moves"
    feature = np.flatnonzero(is_number)[k]
    warn_caller(
        f"X is not scaled: feature {feature} {what} the gates of an LSTM, so that "
        f"{name} learns less than it could, or nothing. Put SequenceScaler() in front "
        "of it in a Pipeline."
    )


def warn_of_validation(
    training: Spread,
    validation: SequenceBatch,
    is_number: NDArray[np.bool_],
    X_val: str = "X_val",
) -> None:
    """Warn of validation data that were not prepared as the training data were.

    A Pipeline hands them over as they are unless it is told to transform them.

    Parameters
    ----------
    training : Spread
        Of the training data.
    validation : SequenceBatch
    is_number : ndarray of shape (n_features,), bool
        The others are codes of categories.
    X_val : str, default="X_val"
        What the validation data are called.
    """
    mean, deviation = training
    of_validation = Spread.of(validation)
    varies = is_number & (deviation > 0)
    if not varies.any():
        return
    around = np.hypot(of_validation.mean - mean, of_validation.deviation)
    times = float(np.sqrt(np.mean((around[varies] / deviation[varies]) ** 2)))
    few = len(validation) < FEWEST_BELOW
    if (few or times >= 1 / UNLIKE) and times <= UNLIKE:
        return
    advice = (
        'must X_val: Pipeline(..., transform_input=["X_val"]), metadata routing, and '
        "set_fit_request(X_val=True, y_val=True) of its last step."
    )
    if X_val != "X_val":
        advice = (
            "must what a callback asks about: transform it by the same steps first."
        )
    warn_caller(
        f"{X_val} does not look like X: around the means of X its features spread "
        f"{times:.2g} times as far. If X comes through other steps of a Pipeline, so "
        + advice
    )


def warn_of_swapped_axes(sequences: SequenceBatch, sample: SequenceBatch) -> None:
    """Warn of values that are smooth along the features, but not over time.

    Frames of a series are smooth along their features as well; there the end of a
    timestep goes on in, or comes again in, the next. Spectra are, too, but alike at all
    timesteps, where features that were taken for timesteps differ.

    Parameters
    ----------
    sequences : SequenceBatch
    sample : SequenceBatch
        What `sampled` gave of them.
    """
    _, n_timesteps, n_features = sequences.values.shape
    if n_features < 2 * n_timesteps or n_features < 8 or len(sequences) < 8:
        return
    if sequences.lengths.min() < n_timesteps:
        return
    values = sample.all_values()
    if _correlation(values[:, :, :-1], values[:, :, 1:]) < SMOOTH:
        return
    if n_timesteps > 1:
        over_time = _correlation(values[:, :-1], values[:, 1:])
        goes_on = _correlation(values[:, :-1, -1], values[:, 1:, 0])
        repeats = (values[:, :1, 1:] == values[:, 1:2, :1]).all(axis=0).any()
        if max(over_time, goes_on) > ROUGH or repeats or not _differ(values):
            return
    steps = "1 timestep" if n_timesteps == 1 else f"{n_timesteps} timesteps"
    warn_caller(
        f"X is read as {steps} of {n_features} features, but it is smooth along the "
        f"features as a series is over time. If the {n_features} are the timesteps, "
        f"its axes are swapped, as aeon and sktime have them: put {IN_FRONT}."
    )


def warn_of_dated_rows(X: object, name: str) -> None:
    """Warn of a data frame with an index of dates, whose rows are read one by one.

    Where a column is another some rows before, they hold lagged values, and are right.

    Parameters
    ----------
    X : as given to `fit`
    name : str
        Of the estimator.
    """
    if kind := _index_of_dates(X):
        _warn_of_rows(X, f"have an index of dates ({kind})", name)


def warn_of_target_ahead(X: object, y: object, name: str) -> None:
    """Warn of a table where y is what a column is in the next row.

    Its rows follow each other in time, then, and are read one by one.

    Parameters
    ----------
    X, y : as given to `fit`
    name : str
        Of the estimator.
    """
    table = _numbers(X)
    if table is None or _index_of_dates(X):
        return
    column = _column_that_y_follows(table, y)
    if column is not None:
        why = f"follow each other (y is column {column} one row later)"
        _warn_of_rows(X, why, name)


def _warn_of_rows(X: object, why: str, name: str) -> None:
    table = _numbers(X)
    if table is None or _is_one_sequence(table):
        return
    n_columns = table.shape[1]
    steps = "1 timestep" if n_columns == 1 else f"{n_columns} timesteps"
    warn_caller(
        f"The rows of X {why}, but {name} reads each row by itself, as {steps} of one "
        "feature. To look back over rows, put SlidingWindows(n_timesteps) in front, or "
        "frame them with make_windows; for rows without order, put "
        "SequenceReshaper(n_timesteps=1) in front. If the columns are one quantity at "
        "successive times, X is right: np.asarray(X) says so without this warning."
    )


def warn_of_single_steps(n_samples: int, n_timesteps: int, name: str) -> None:
    """Warn of a column that is read as sequences of one timestep each.

    Parameters
    ----------
    n_samples : int
        Rows of the column.
    n_timesteps : int
        Of the sequences in `fit`.
    name : str
        Of the estimator.
    """
    if n_timesteps == 1:
        return
    samples = "sample" if n_samples == 1 else "samples"
    warn_caller(
        f"X has shape ({n_samples}, 1) and is read as {n_samples} {samples} of one "
        f"timestep, but {name} was fitted on sequences of {n_timesteps}. If X is one "
        "sequence, give it the three axes (n_samples, n_timesteps, n_features): "
        "X[None]; if its samples have one timestep, X[:, None]."
    )


def sampled(sequences: SequenceBatch) -> SequenceBatch:
    """Some of the sequences, evenly spaced, read in parts."""
    values = sequences.values
    bytes_of_one = 8 * int(np.prod(values.shape[1:]))
    most = max(1, min(SAMPLES, SAMPLE_BYTES // bytes_of_one, len(sequences)))
    rows = np.linspace(0, len(sequences) - 1, most).astype(np.intp)
    source = rows if sequences.rows is None else sequences.rows[rows]
    parts = [
        read_rows(values, source[part], np.float64)
        for part in chunks(most, bytes_of_one)
    ]
    return SequenceBatch.of(np.concatenate(parts))


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Mean over all places of the correlation over the samples; 0 where none varies."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    size = np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))
    both = (a * b).sum(axis=0)
    varies = size > 0
    return float(np.mean(both[varies] / size[varies])) if varies.any() else 0.0


def _differ(values: NDArray[np.float64]) -> bool:
    """Whether the places along the second axis look like different quantities."""
    means, deviations = values.mean(axis=(0, 2)), values.std(axis=(0, 2))
    apart = means.std() > APART * deviations.mean()
    return bool(apart or deviations.max() > WIDER * deviations.min())


def _index_of_dates(X: object) -> str:
    """The type of the index of a data frame if it has dates that rise, or empty."""
    index: Any = getattr(X, "index", None)
    levels = range(getattr(index, "nlevels", 0))
    for times in [index.get_level_values(k) for k in levels]:
        kind = type(times).__name__
        if kind in ("DatetimeIndex", "PeriodIndex"):
            rise = index.is_monotonic_increasing or times.is_monotonic_increasing
            return kind if rise else ""
    return ""


def _numbers(X: Any) -> NDArray[np.float64] | None:
    """The first rows of a table; None if they are few, or no numbers.

    What is stored is read in the parts that training takes, and not for a guess.
    """
    shape: tuple[Any, ...] = getattr(X, "shape", ())
    if len(shape) != 2 or not isinstance(shape[0], int) or is_stored(X):
        return None
    if shape[0] < FEWEST_ROWS:
        return None
    try:
        return np.asarray(X[:MOST_ROWS], dtype=np.float64)
    except (TypeError, ValueError):
        return None


def _column_that_y_follows(table: NDArray[np.float64], y: object) -> int | None:
    """The column that is y one row later, up to its scale; None if there is none."""
    target = np.asarray(y)
    if target.dtype.kind not in "fiu" or target.size != len(target):
        return None
    target = target.reshape(-1)[: len(table)].astype(np.float64)
    if len(target) < len(table):
        return None
    for column, values in enumerate(table.T):
        # On a grid a line follows itself.
        if _agree(target[:-1], values[1:]) and not _agree(target, values):
            return column
    return None


def _is_one_sequence(table: NDArray[np.float64]) -> bool:
    """Whether columns look like timesteps: one is another lagged, or all are smooth."""
    if table.shape[1] > 2 and _correlation(table[:, :-1], table[:, 1:]) > SMOOTH:
        return True
    columns = table[:, :MOST_LAGGED]
    for lag in range(1, min(MOST_LAG, len(table) // 2)):
        later, earlier = _unit(columns[lag:]), _unit(columns[:-lag])
        same = np.abs(later.T @ earlier)
        np.fill_diagonal(same, 0)
        if same.max() > EXACT:
            return True
    return False


def _unit(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without their means, of length one; zero where they do not vary."""
    centred = columns - columns.mean(axis=0)
    length = np.sqrt((centred * centred).sum(axis=0))
    return np.divide(centred, length, out=np.zeros_like(centred), where=length > 0)


def _agree(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    return _correlation(a, b) > EXACT
