"""A scikit-learn transformer of rows over the timesteps of sequences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from sklstm.sequences.batch import SequenceBatch


def transform_steps(
    transformer: Any, batch: SequenceBatch, *, inverse: bool = False
) -> NDArray[Any]:
    """Transform a row for every valid timestep, or undo it; NaN elsewhere.

    Parameters
    ----------
    transformer : transformer, fitted
    batch : SequenceBatch
    inverse : bool, default=False
        Whether to call `inverse_transform`, which may put back what was missing.

    Returns
    -------
    ndarray of shape (n_samples, n_timesteps, n_columns)

    Raises
    ------
    ValueError
        If the transformer does not take missing values, returns another number of
        rows, infinity, or NaN where it must not.
    """
    rows = batch.steps()
    with saying_where(batch, transformer):
        function = transformer.inverse_transform if inverse else transformer.transform
        changed = rows_of(function(rows))
    if len(changed) != len(rows):
        raise ValueError(
            f"{transformer!r} returned {len(changed)} rows for {len(rows)} "
            "timesteps. A scaler of sequences must return a row for every row."
        )
    dtype = rows.dtype if rows.dtype.kind == "f" else changed.dtype
    with np.errstate(over="ignore"):
        changed = changed.astype(dtype, copy=False)
    if not np.isfinite(changed).all():
        _check_result(transformer, rows, changed, inverse)
    if dtype.kind == "b" and batch.lengths.min() < batch.values.shape[1]:
        changed = changed.astype(np.float64)  # padding is NaN
    return batch.place(changed)


def rows_of(table: Any) -> NDArray[Any]:
    """What a transformer returned, be it sparse or a data frame."""
    return np.asarray(table.toarray() if issparse(table) else table)


@contextmanager
def saying_where(batch: SequenceBatch, transformer: Any) -> Iterator[None]:
    """Say of a transformer that takes no NaN where there is one, and what to do."""
    try:
        yield
    except ValueError as error:
        if "contains NaN" not in str(error):
            raise
        missing = np.isnan(batch.all_values()) & batch.valid()[:, :, None]
        if not missing.any():
            raise
        sample, step, feature = (int(k) for k in np.argwhere(missing)[0])
        raise ValueError(
            f"X contains NaN in only some features of a timestep (sample {sample}, "
            f"timestep {step}, feature {feature}), which {transformer!r} does not "
            "take. Put SequenceImputer in front, or give SequenceScaler a pipeline "
            "that imputes first, such as make_pipeline(SimpleImputer(), ...)."
        ) from error


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
        f"{transformer!r} returned {changed[row, feature]} in column {feature} "
        f"for the timestep {rows[row]}. {why}: choose a transformer that returns "
        "finite numbers for all timesteps of X, or put SequenceImputer in front if "
        "values are missing."
    )
