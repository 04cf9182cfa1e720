"""A scikit-learn transformer over the timesteps of sequences: SequenceScaler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.base import OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.utils.metaestimators import available_if

from sklstm.base.messages import shown
from sklstm.base.parameters import HasMethods, _fit_context, unchanged_on_error
from sklstm.base.schema import OF_SEQUENCES, Check, Kind, count
from sklstm.base.sklearn_compat import SAYS_NAN
from sklstm.preprocessing.base import (
    SequenceTransformer,
    StepTable,
    changed_sequences,
    other_axes,
    without_writing,
)
from sklstm.sequences.batch import SequenceBatch, chunks, valid_steps
from sklstm.sequences.checks import (
    fitted_on_table,
    n_step_features,
    plain_input,
)
from sklstm.sequences.lazy_arrays import ChangedSequences, LazyArray, read_rows
from sklstm.sequences.ragged import is_ragged, pad_ragged
from sklstm.sequences.reading import read_sequences


def _scaler_has(method: str) -> Callable[[SequenceScaler], bool]:
    """Whether the scaler, fitted or to be cloned, has a method."""

    def check(self: SequenceScaler) -> bool:
        scaler = vars(self).get("scaler_")
        getattr(self._unfitted_scaler() if scaler is None else scaler, method)
        return True

    return check


def _names_its_output(self: SequenceScaler) -> bool:
    """False once it is known that `transform` returns three axes."""
    return "scaler_" not in vars(self) or self._returns_table()


class SequenceScaler(OneToOneFeatureMixin, SequenceTransformer):
    """Scale every feature over all timesteps of all sequences.

    A scikit-learn scaler, or any other transformer of rows, sees one row per timestep,
    of all sequences together, and one column per feature. Padding is not seen and stays
    padding; zeros are data.

    Parameters
    ----------
    scaler : transformer, default=None
        Any scikit-learn transformer of the rows of a table: a scaler, an imputer, an
        encoder, a pipeline or a :class:`~sklearn.compose.ColumnTransformer` that takes
        its columns by their numbers. It is cloned. None is
        :class:`~sklearn.preprocessing.StandardScaler`. It may return another number
        of columns, as :class:`~sklearn.decomposition.PCA` does, also sparse ones:
        these are the features then.

    Attributes
    ----------
    scaler_ : transformer
        The fitted clone.
    n_features_out_ : int
        Features per timestep of what `transform` returns.
    n_features_in_ : int
        Features of each timestep; the number of columns if X was a table.
    n_timesteps_in_ : int
        Timesteps of X in `fit`, its padding included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`, if X was a data frame, or a list of data
        frames, whose column names are all strings.

    See Also
    --------
    SequenceReshaper : Reshape a table to sequences; it goes in front.
    SequencePadder : Bring sequences of unequal length to one length.
    SequenceImputer : Fill missing values in from the timesteps around them.

    Notes
    -----
    A table is `n_columns` timesteps of one feature, as everywhere in sklstm: all its
    columns are scaled alike, and it comes back as a table, unless the scaler makes
    several features of one. To scale every column by itself, put the scikit-learn
    scaler in front of the reshaper instead.

    NaN beside numbers is a missing value, and the scaler sees it. A scaler that lets it
    pass, as scikit-learn's do, leaves it to an imputer behind. A transformer that turns
    numbers into NaN, or into none but NaN, which would be padding, is refused.

    Windows that overlap stay windows: the rows of their table are scaled once, and
    nothing is multiplied. A row counts in `fit` as often as it is in a window. A
    :class:`~sklearn.preprocessing.StandardScaler` has these counts as weights. Other
    transformers are given the rows repeated: all of them up to 8 MB, beyond that fewer,
    in the same proportions.

    `fit` takes no sample weights. `partial_fit` and `inverse_transform` are there if
    the scaler has them. float32 and float64 are kept.

    Examples
    --------
    >>> from sklstm import SequenceScaler
    >>> X = [[1.0, 2.0, 3.0], [4.0], [5.0, 6.0]]
    >>> scaler = SequenceScaler().fit(X)
    >>> scaler.scaler_.mean_
    array([3.5])
    >>> X_trans = scaler.transform(X)
    >>> X_trans.shape
    (3, 3, 1)
    >>> scaler.inverse_transform(X_trans)[1].ravel()
    array([ 4., nan, nan])
    """

    _learnt: ClassVar[str] = "scaler_"

    _takes_missing: ClassVar[bool] = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "scaler": [HasMethods(["fit", "transform"]), None],
    }

    def __init__(self, scaler: Any = None) -> None:
        self.scaler = scaler

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Fit the scaler on all timesteps.

        Parameters
        ----------
        X : 2D or 3D array-like, or a list of sequences of unequal length
            A table is `n_columns` timesteps of one feature. The sequences of a list
            have shape (n_timesteps_i,) or (n_timesteps_i, n_features).
        y : Ignored
            Present for API consistency.

        Returns
        -------
        SequenceScaler
            The fitted instance.

        Raises
        ------
        ValueError
            If X has infinite values, a sequence without timesteps, or missing values
            that the scaler does not take.
        """
        with unchanged_on_error(self):
            batch = self._read_sequences(X, reset=True)
            scaler = clone(self._unfitted_scaler())
            with saying_where(batch, scaler):
                self._keep(*fit_steps(scaler, batch))
        return self

    @available_if(_scaler_has("partial_fit"))
    @_fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Go on fitting the scaler with further sequences.

        Parameters
        ----------
        X : 2D or 3D array-like, or a list of sequences of unequal length
            See `fit`.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        SequenceScaler
            The fitted instance.

        Raises
        ------
        ValueError
            As in `fit`, and if X has other features than in the first call.
        """
        first = "scaler_" not in vars(self)
        with unchanged_on_error(self):
            batch = self._read_sequences(X, reset=first)
            scaler = clone(self._unfitted_scaler()) if first else self.scaler_
            with saying_where(batch, scaler):
                self._keep(*fit_steps(scaler, batch, partially=True))
        return self

    def transform(self, X: ArrayLike) -> Any:
        """Scale the timesteps; padding stays where it is.

        Parameters
        ----------
        X : 2D or 3D array-like, or a list of sequences of unequal length
            Sequences with the features seen in `fit`.

        Returns
        -------
        array-like of shape (n_samples, n_timesteps, n_features_out_)
            The scaled sequences; the shorter of a list are padded with NaN behind. A
            table comes back as a table if `n_features_out_` is one. An array, and
            read-only for windows that overlap; an object that reads like an array if
            X is one.

        Raises
        ------
        ValueError
            If X has other features than in `fit`, infinite values or missing ones that
            the scaler does not take, or if the scaler returns infinite values, or NaN
            for numbers.
        """
        self._check_ready()
        batch = self._read_sequences(X, reset=False)
        scaled = without_writing(transform_steps(self.scaler_, batch), X)
        if getattr(X, "ndim", 2) == 2 and not is_ragged(X) and scaled.shape[2] == 1:
            return scaled[:, :, 0]
        return scaled

    @available_if(_scaler_has("inverse_transform"))
    def inverse_transform(self, X: Any) -> Any:
        """Undo the scaling; padding stays where it is.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps, n_features_out_), a list \
of such sequences or, if `transform` returns tables, (n_samples, n_timesteps)
            Scaled sequences.

        Returns
        -------
        array-like of shape (n_samples, n_timesteps, n_features) or (n_samples, \
n_timesteps)
            The sequences in their original units; windows as from `transform`.

        Raises
        ------
        ValueError
            If X has other features than `transform` returns, or infinite values.
        """
        self._check_ready()
        X = plain_input(X, type(self).__name__)
        if is_ragged(X):
            X = pad_ragged(X)
        elif not isinstance(X, LazyArray):
            X = np.asarray(X)
        is_table = X.ndim == 2 and self.n_features_out_ == 1
        if is_table:
            X = X[:, :, None]
        if X.ndim != 3 or X.shape[2] != self.n_features_out_:
            raise other_axes(X, f", with n_features={self.n_features_out_}")
        batch = read_sequences(X, allow_missing=True)
        restored = transform_steps(self.scaler_, batch, inverse=True)
        restored = without_writing(restored, X)
        return restored[:, :, 0] if is_table and restored.shape[2] == 1 else restored

    @available_if(_names_its_output)
    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns, if `transform` returns a table: those of X.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Must be the names seen in `fit`, if any were.

        Returns
        -------
        ndarray of str
        """
        return super().get_feature_names_out(input_features)

    def set_output(self, *, transform: Any = None) -> Self:
        """Choose the container of tables; three axes stay an array.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            As in scikit-learn, for what `transform` returns for a table.

        Returns
        -------
        SequenceScaler
            The instance itself.
        """
        if _names_its_output(self):
            TransformerMixin.set_output(self, transform=transform)
        return self

    def _unfitted_scaler(self) -> Any:
        from sklearn.preprocessing import StandardScaler

        return StandardScaler() if self.scaler is None else self.scaler

    def _keep(self, scaler: Any, row: NDArray[Any]) -> None:
        self.scaler_ = scaler
        self.n_features_out_ = rows_of(scaler.transform(row)).shape[1]

    def _returns_table(self) -> bool:
        return fitted_on_table(self) and self.n_features_out_ == 1

    _saved: ClassVar[dict[str, Kind]] = {
        **OF_SEQUENCES,
        "scaler_": Check(
            lambda scaler: hasattr(scaler, "transform"), "does not transform"
        ),
        "n_features_out_": count("features"),
    }

    def _contradictions(self) -> Iterator[str]:
        n_features = n_step_features(self)
        n_scaled = getattr(self.scaler_, "n_features_in_", n_features)
        if n_scaled != n_features:
            yield (
                f"scaler_ was fitted on {n_scaled} features, but a timestep has "
                f"{n_features}"
            )


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
