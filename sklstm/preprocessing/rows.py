"""A scikit-learn transformer of rows over the timesteps of sequences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from sklstm.base.messages import shown
from sklstm.base.sklearn_compat import SAYS_NAN
from sklstm.sequences.batch import SequenceBatch, chunks, valid_steps
from sklstm.sequences.lazy_arrays import ChangedSequences, read_rows
from sklstm.sequences.step_table import StepTable, changed_sequences


def fit_steps(
    transformer: Any, batch: SequenceBatch, *, partially: bool = False
) -> tuple[Any, NDArray[Any]]:
    """Fit a transformer on a row for every valid timestep.

    A row that is in several windows counts as often: as a weight of a StandardScaler,
    for which that is the same, otherwise by being repeated.

    Parameters
    ----------
    transformer : transformer
        Not fitted yet, unless `partially`.
    batch : SequenceBatch
    partially : bool, default=False
        Whether to call `partial_fit`.

    Returns
    -------
    transformer : transformer
        The fitted one.
    row : ndarray of shape (1, n_features)
        One of the rows.
    """
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

    kind = type(transformer)
    if isinstance(batch.values, ChangedSequences) and kind in (
        StandardScaler,
        MinMaxScaler,
        MaxAbsScaler,
    ):
        # Their `partial_fit` over parts gives what `fit` gives.
        for _, values in batch.values.parts():
            rows = SequenceBatch.of(values).steps()
            transformer = transformer.partial_fit(rows)
        return transformer, rows[:1]
    steps = StepTable.of(batch)
    fit = transformer.partial_fit if partially else transformer.fit
    if steps.counts is not None and kind is StandardScaler:
        fitted = fit(steps.rows, sample_weight=steps.counts.astype(np.float64))
    else:
        fitted = fit(steps.repeated())
    return fitted, steps.rows[:1]


def transform_steps(
    transformer: Any, batch: SequenceBatch, *, inverse: bool = False
) -> Any:
    """Transform a row for every valid timestep, or undo it; NaN elsewhere.

    Parameters
    ----------
    transformer : transformer, fitted
    batch : SequenceBatch
    inverse : bool, default=False
        Whether to call `inverse_transform`, which may put back what was missing.

    Returns
    -------
    array-like of shape (n_samples, n_timesteps, n_columns)
        Of windows, the same windows over a table of the transformed rows.

    Raises
    ------
    ValueError
        If the transformer does not take missing values, returns another number of
        rows, infinity, or NaN where it must not.
    """
    if not isinstance(batch.values, ChangedSequences):
        return _transformed(batch, transformer, inverse)
    change = partial(_transformed, transformer=deepcopy(transformer), inverse=inverse)
    n_features = change(batch.at(np.arange(1))).shape[2]
    n_timesteps = batch.values.shape[1]
    changed = changed_sequences(batch, change, n_timesteps, n_features)
    with saying_where(batch, transformer):
        changed.compute()  # what fails does so here
    return changed


def _transformed(batch: SequenceBatch, transformer: Any, inverse: bool) -> Any:
    steps = StepTable.of(batch)
    rows = steps.rows
    with saying_where(batch, transformer):
        function = transformer.inverse_transform if inverse else transformer.transform
        changed = rows_of(function(rows))
    if len(changed) != len(rows):
        raise ValueError(
            f"{shown(transformer)} returned {len(changed)} rows for {len(rows)} "
            "timesteps. A scaler of sequences must return a row for every row."
        )
    dtype = rows.dtype if rows.dtype.kind == "f" else changed.dtype
    with np.errstate(over="ignore"):
        changed = changed.astype(dtype, copy=False)
    if not np.isfinite(changed).all():
        _check_result(transformer, rows, changed, inverse)
    if dtype.kind == "b" and batch.lengths.min() < batch.values.shape[1]:
        changed = changed.astype(np.float64)  # padding is NaN
    return steps.place(changed)


def rows_of(table: Any) -> NDArray[Any]:
    """What a transformer returned, be it sparse or a data frame."""
    return np.asarray(table.toarray() if issparse(table) else table)


@contextmanager
def saying_where(batch: SequenceBatch, transformer: Any) -> Iterator[None]:
    """Say of a transformer that takes no NaN where there is one, and what to do."""
    try:
        yield
    except ValueError as error:
        if SAYS_NAN not in str(error):
            raise
        found = _first_missing(batch)
        if found is None:
            raise
        sample, step, feature = found
        raise ValueError(
            f"X contains NaN in only some features of a timestep (sample {sample}, "
            f"timestep {step}, feature {feature}), which {shown(transformer)} does not "
            "take. Put SequenceImputer in front, or give SequenceScaler a pipeline "
            "that imputes first, such as make_pipeline(SimpleImputer(), ...)."
        ) from error


def _first_missing(batch: SequenceBatch) -> tuple[int, int, int] | None:
    """Sample, timestep and feature of the first NaN beside numbers."""
    bytes_per_sample = 8 * batch.values.shape[1] * batch.n_features
    for rows in chunks(len(batch), bytes_per_sample):
        values = read_rows(batch.values, rows, np.float64)
        missing = np.isnan(values) & valid_steps(values)[:, :, None]
        if missing.any():
            sample, step, feature = (int(k) for k in np.argwhere(missing)[0])
            return rows.start + sample, step, feature
    return None


def _check_result(
    transformer: Any, rows: NDArray[Any], changed: NDArray[Any], inverse: bool
) -> None:
    """Refuse infinity, NaN in place of numbers, and what would become padding."""
    missing = np.isnan(changed)
    emptied = missing.all(axis=1)
    wrong = np.isinf(changed) | (missing & emptied[:, None])
    if not inverse:
        wrong |= missing & ~np.isnan(rows).any(axis=1)[:, None]
    if not wrong.any():
        return
    row, feature = (int(k) for k in np.argwhere(wrong)[0])
    why = "No estimator takes it"
    if emptied[row]:
        why = "A timestep of nothing but NaN is padding, and this one holds data"
    raise ValueError(
        f"{shown(transformer)} returned {changed[row, feature]} in column {feature} "
        f"for the timestep {rows[row]}. {why}: choose a transformer that returns "
        "finite numbers for all timesteps of X, or put SequenceImputer in front if "
        "values are missing."
    )
