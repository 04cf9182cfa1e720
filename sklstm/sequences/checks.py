"""X at the public boundary: every message about its shape is written here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import (
    check_array,
    validate_data,
)

from sklstm.base.messages import listed, said
from sklstm.base.sklearn_compat import (
    SAYS_COMPLEX,
    SAYS_EMPTY,
    SAYS_NAMES_DIFFER,
    SAYS_NO_COLUMNS,
    SAYS_NO_NUMBERS,
    SAYS_SPARSE,
)
from sklstm.sequences.axes import IN_FRONT
from sklstm.sequences.batch import SequenceBatch
from sklstm.sequences.codes import learn_categories, read_codes
from sklstm.sequences.columns import (
    check_step_names,
    date_columns,
    holds_dates,
    refuse_duplicates,
    with_names,
)
from sklstm.sequences.containers import plain
from sklstm.sequences.lazy_arrays import LazyArray, StoredArray, is_stored
from sklstm.sequences.ragged import is_ragged, pad_ragged, shape_of
from sklstm.sequences.reading import read_sequences
from sklstm.sequences.suspicions import warn_of_dated_rows, warn_of_single_steps

AXES = "(n_samples, n_timesteps, n_features)"

TEXT_ADVICE = (
    "If they are texts, put SequenceTokenizer in front: it makes sequences of codes, "
    "of which categorical_features=[0] learns vectors."
)
CATEGORY_ADVICE = (
    "Encode categories first, for example with sklearn.preprocessing.OneHotEncoder; "
    "SequenceTokenizer makes codes of texts and of lists of tokens."
)


def check_sequences(
    estimator: BaseEstimator, X: object, *, reset: bool, allow_missing: bool = False
) -> SequenceBatch:
    """Validate X and describe it as a batch of sequences.

    Sets `n_features_in_`, `n_timesteps_in_` and, for data frames, also in a list,
    `feature_names_in_` on the estimator when `reset`; compares with them otherwise. Of
    an estimator with `categorical_features`, sets `is_categorical_` as well.

    Parameters
    ----------
    estimator : estimator instance
    X : 2D or 3D array-like, or a list of sequences of unequal length
        A 2D X is `n_columns` timesteps of one feature.
    reset : bool
        True in `fit`, False in `predict` and `transform`.
    allow_missing : bool, default=False
        Whether NaN may stand beside numbers in a timestep.

    Returns
    -------
    SequenceBatch

    Raises
    ------
    ValueError
        If X has another shape than expected, or values that are no numbers.
    TypeError
        If X is sparse or not numeric.
    """
    values = as_three_axes(estimator, X, reset=reset)
    one_column = values.shape[1:] == (1, 1)
    with saying_what_to_do(type(estimator).__name__, one_column=one_column):
        if reset:
            learn_categories(estimator, values)
        is_code = getattr(estimator, "is_categorical_", None)
        if is_code is not None:
            values = read_codes(values, np.flatnonzero(is_code))
        return read_sequences(values, allow_missing=allow_missing)


def as_three_axes(
    estimator: BaseEstimator, X: Any, *, reset: bool, named: bool = True
) -> Any:
    """X as an array of three axes, its shape checked, its values not yet.

    Same parameters and errors as :func:`check_sequences`; `named` says whether names of
    features are expected, as they are not in what `transform` returned.
    """
    has_names = False
    if not is_plain_array(X):
        X, has_names = _as_array_or_table(estimator, X, reset=reset)
    n_axes = getattr(X, "ndim", len(getattr(X, "shape", (0, 0))))
    if n_axes == 3:
        X = _check_three_axes(estimator, X, reset=reset)
        if named and not has_names and "feature_names_in_" in vars(estimator):
            check_step_names(estimator, None, reset=reset)
        return X
    if n_axes != 2:
        _refuse_axes(estimator, X)
    X = _check_table(estimator, X, reset=reset)
    if reset:
        estimator.n_timesteps_in_ = X.shape[1]
        estimator._fitted_on_table = True
    if isinstance(X, StoredArray):
        return StoredArray(X.source, one_feature=True)
    return X[:, :, None]


def is_plain_array(X: object) -> bool:
    """Whether X is an array of numbers, as most are: there is nothing to read."""
    return type(X) is np.ndarray and X.dtype.kind in "fiub"


def _as_array_or_table(
    estimator: BaseEstimator, X: Any, *, reset: bool
) -> tuple[Any, bool]:
    """What came, as one array or data frame, and whether it had its own names."""
    X = plain_input(X, type(estimator).__name__)
    if ragged := is_ragged(X):
        check_step_names(estimator, X, reset=reset)
        X = pad_ragged(X)
    elif is_stored(X):
        X = StoredArray(X)
    elif not (hasattr(X, "ndim") or hasattr(X, "columns")):
        X = np.asarray(X)
    refuse_kind(estimator, X)
    return X, ragged


def fitted_on_table(estimator: BaseEstimator) -> bool:
    """Whether X was a 2D matrix in `fit`; what is not of sklstm takes nothing else."""
    return getattr(estimator, "_fitted_on_table", True)


def n_step_features(estimator: BaseEstimator) -> int:
    """How many features a timestep had in `fit`: one if X was a 2D matrix."""
    return 1 if estimator._fitted_on_table else int(estimator.n_features_in_)


def _check_three_axes(estimator: BaseEstimator, X: Any, *, reset: bool) -> Any:
    name = type(estimator).__name__
    # check_array finds nothing to do here, and takes a third of a one-row prediction.
    is_array = isinstance(X, (np.ndarray, LazyArray))
    if not (is_array and X.dtype.kind in "fiub" and len(X)):
        with saying_what_to_do(name):
            X = check_array(
                X,
                dtype="numeric",
                allow_nd=True,
                ensure_all_finite=False,
                estimator=name,
                input_name="X",
            )
    n_timesteps, n_features = X.shape[1:]
    if n_timesteps == 0 or n_features == 0:
        raise ValueError(
            f"X has shape {X.shape}, axes {AXES}: every sequence needs at least one "
            "timestep and one feature."
        )
    if reset:
        estimator.n_features_in_ = n_features
        estimator.n_timesteps_in_ = n_timesteps
        estimator._fitted_on_table = False
    elif n_features != n_step_features(estimator):
        swapped = n_timesteps == n_step_features(estimator)
        swapped &= getattr(estimator, "layout", None) != "channels_first"
        raise ValueError(
            f"X has {n_features} features per timestep (shape {X.shape}, axes {AXES}), "
            f"but {name} was fitted with {n_step_features(estimator)}"
            f"{_as_table(estimator)}. Give it the same features, in the same order."
            + f" If the second axis is the features, put {IN_FRONT}."
            * swapped
        )
    return X


def _check_table(estimator: BaseEstimator, X: Any, *, reset: bool) -> Any:
    """Let scikit-learn convert and check a matrix or data frame."""
    name = type(estimator).__name__
    X = with_names(X)
    if reset:
        warn_of_dated_rows(X, name)
    with saying_what_to_do(name, one_column=X.shape[1:] == (1,)):
        stored = isinstance(X, StoredArray)
        if not reset and not estimator._fitted_on_table:
            if not stored:
                X = check_array(
                    X, ensure_all_finite=False, estimator=name, input_name="X"
                )
            if n_step_features(estimator) != 1:
                _refuse_table(estimator, X.shape)
            if X.shape[1] == 1:
                warn_of_single_steps(len(X), estimator.n_timesteps_in_, name)
            check_step_names(estimator, None, reset=False)
            return X
        try:
            checks = {"dtype": "numeric", "ensure_all_finite": False}
            if stored:
                checks = {"skip_check_array": True}
            return validate_data(estimator, X, reset=reset, **checks)
        except ValueError as error:
            if reset or X.shape[1] == estimator.n_features_in_:
                raise
            raise ValueError(
                f"{said(error)} The columns of a matrix are timesteps: give the same "
                "ones, or sequences of another length with three axes, X[:, :, None]."
            ) from error


def _as_table(estimator: BaseEstimator) -> str:
    if not estimator._fitted_on_table:
        return ""
    return ", on a matrix whose columns are timesteps of one feature"


def refuse_kind(estimator: BaseEstimator, X: object) -> None:
    """Refuse text, dates and complex numbers, which NumPy would convert."""
    name = type(estimator).__name__
    dtype = getattr(X, "dtype", None)
    kind = getattr(dtype, "kind", "O")
    if kind == "c":
        raise ValueError(
            f"Complex data not supported: X has dtype {dtype}, but {name} takes real "
            "numbers. Give real and imaginary part as two features, for example "
            "np.concatenate([X.real, X.imag], axis=-1)."
        )
    if kind in "UST":
        _refuse_text(X, f"dtype {dtype}", name)
    if kind not in "OMm":
        return
    if len(getattr(X, "shape", ())) == 2:
        refuse_date_columns(date_columns(X), name)
    elif holds_dates(np.asarray(X)):
        _refuse_dates(f"X holds dates or durations (dtype {dtype})", name)


def plain_input(X: object, reader: str, name: str = "X") -> Any:
    """X as :func:`~sklstm.sequences.containers.plain` makes it, if it holds numbers.

    Parameters
    ----------
    X : array-like, data frame or collection of sequences
    reader : str
        Of the class or function that was given it, for messages.
    name : str, default="X"
        Of the argument, for messages.

    Raises
    ------
    ValueError
        As `plain`, and if it holds dicts.
    TypeError
        If it is a query that has not been run.
    """
    if type(X) is np.ndarray and X.dtype.kind not in "OT":
        return X
    X = plain(as_data(X, reader), name, reader)
    _refuse_records(X, reader, name)
    return X


def _refuse_records(X: Any, reader: str, name: str) -> None:
    """Refuse dicts: of columns, one for each row, or one for each timestep."""
    if issparse(X):  # some of scipy's are dicts
        return
    in_line = isinstance(X, (list, tuple)) or len(getattr(X, "shape", ())) == 1
    rows = next(iter(X), None) if in_line else X
    steps = next(iter(rows), None) if isinstance(rows, (list, tuple)) else rows
    if not isinstance(steps, dict):
        return
    what, instead = "a dict", f"pandas.DataFrame({name})"
    if rows is not X:
        what = "a list of dicts"
    elif len(shape_of(next(iter(rows.values()), None))) > 1:  # a sequence for each key
        instead = f"list({name}.values())"
    if steps is not rows:
        what = "a list of lists of dicts"
        instead = f"[pandas.DataFrame(sequence) for sequence in {name}]"
    raise ValueError(
        f"{name} is {what}, whose keys {reader} does not read: it takes data frames, "
        f"arrays, or lists of them. Give it {instead}."
    )


def _refuse_text(X: object, what: str, name: str) -> NoReturn:
    shape = getattr(X, "shape", ())
    is_texts = len(shape) == 1 or shape[1:] == (1,)
    advice = TEXT_ADVICE if is_texts else CATEGORY_ADVICE
    raise ValueError(f"X holds text ({what}), but {name} takes numbers. {advice}")


def as_data(X: Any, name: str) -> Any:
    """X itself, or what a table of dask is when it is computed.

    An array of dask is left alone: it is read in parts.

    Parameters
    ----------
    X : object
    name : str
        Of who asks, for messages.

    Raises
    ------
    TypeError
        If X is a query of polars, which has no rows before it is run.
    ValueError
        If columns of a data frame have the same name.
    """
    if type(X).__name__ == "LazyFrame":
        raise TypeError(
            f"X is a LazyFrame, a query that has not been run, but {name} takes data. "
            "Give it X.collect()."
        )
    if hasattr(type(X), "__dask_graph__") and not hasattr(type(X), "chunks"):
        X = X.compute()
    refuse_duplicates(X, name)
    return X


def refuse_date_columns(
    found: dict[Any, np.dtype[Any]], name: str, X: str = "X", instead: str = ""
) -> None:
    """Refuse a table with columns of dates.

    Parameters
    ----------
    found : dict of column name or number to dtype
        As :func:`sklstm.sequences.columns.date_columns` gives them.
    name : str
        Of who refuses.
    X : str, default="X"
        What the table is called.
    instead : str, default=""
        Where such a column may go; a sentence.

    Raises
    ------
    ValueError
        If there are any.
    """
    if not found:
        return
    dtype = next(iter(found.values()))
    where = f"column{'s' * (len(found) > 1)} {listed(list(found))} (dtype {dtype})"
    _refuse_dates(f"{X} holds dates or durations in {where}", name, instead)


def _refuse_dates(what: str, name: str, instead: str = "") -> NoReturn:
    raise ValueError(
        f"{what}, but {name} takes numbers. {instead}Make them numbers that mean "
        "something to a network, for example hours since the timestep before."
    )


@contextmanager
def saying_what_to_do(
    name: str, X: str = "X", *, one_column: bool = False
) -> Iterator[None]:
    """Add to scikit-learn's messages what they leave open.

    Parameters
    ----------
    name : str
        Of who takes X.
    X : str, default="X"
        What it is called.
    one_column : bool, default=False
        Whether it is a table of one column: text in it is no category then.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        reason = str(error)
        if reason.startswith(SAYS_SPARSE):
            reason = reason.partition(" Use '.toarray()'")[0]
            raise TypeError(
                f"{reason} Counts of words, as CountVectorizer and TfidfVectorizer "
                "give them, are no sequences: put SequenceTokenizer in their place. To "
                "get a dense table from a ColumnTransformer, set its "
                "sparse_threshold=0; from a OneHotEncoder, its sparse_output=False; "
                f"otherwise {X}.toarray()."
            ) from error
        if SAYS_NO_COLUMNS in reason:
            reason = f"{X} has no columns; {SAYS_EMPTY} by {name}."
        if SAYS_EMPTY in reason:
            raise ValueError(
                f"{reason} Nothing is left of {X}: see how its rows and columns were "
                "selected."
            ) from error
        if reason.startswith(SAYS_COMPLEX):
            raise ValueError(
                f"Complex data not supported: {name} takes real numbers. Give real and "
                f"imaginary part of {X} as two features."
            ) from error
        if reason.startswith(SAYS_NAMES_DIFFER) and said(error) != reason:
            raise ValueError(said(error)) from error
        if not any(words in reason for words in SAYS_NO_NUMBERS):
            raise
        advice = TEXT_ADVICE if one_column else CATEGORY_ADVICE
        raise type(error)(
            f"{X} holds values that are no numbers: {said(error)}. {name} takes "
            f"numbers only. {advice}"
        ) from error


def _refuse_axes(estimator: BaseEstimator, X: Any) -> NoReturn:
    name = type(estimator).__name__
    if X.ndim == 0:
        raise ValueError(
            f"Expected X with 2 or 3 axes, got a scalar instead, of type "
            f"{type(X.item()).__name__}. Give {name} an array or a data frame of shape "
            f"(n_samples, n_columns), an array {AXES}, or a list of sequences."
        )
    if X.ndim == 1:
        n = len(X)
        if any(isinstance(value, (str, bytes)) for value in X):
            _refuse_text(X, f"in a 1D array of shape ({n},)", name)
        raise ValueError(
            f"Expected X with 2 or 3 axes, got a 1D array of shape ({n},) instead. "
            "The first axis is samples. Reshape your data: X.reshape(1, -1) makes it "
            f"one sequence of {n} timesteps, X.reshape(-1, 1) {n} sequences of one "
            "timestep."
        )
    raise ValueError(
        f"X has {X.ndim} axes (shape {X.shape}), but {name} takes (n_samples, "
        f"n_columns) or {AXES}. Merge the axes that make up one timestep, for example "
        "X.reshape(n_samples, n_timesteps, -1)."
    )


def _refuse_table(estimator: BaseEstimator, shape: tuple[int, ...]) -> NoReturn:
    n_columns, n_features = shape[1], n_step_features(estimator)
    if n_columns == n_features:
        n = shape[0]
        hint = (
            f"If X is one sample of {n} timesteps, make it X[None], shape (1, {n}, "
            f"{n_features}); if its rows are samples of one timestep, X[:, None]."
        )
    elif n_columns % n_features == 0:
        hint = (
            f"If its {n_columns} columns are {n_columns // n_features} timesteps of "
            f"{n_features} features, put SequenceReshaper(n_features={n_features}) in "
            "front."
        )
    else:
        hint = (
            f"{n_columns} columns cannot be timesteps of {n_features} features: give X "
            "the three axes it had in fit."
        )
    raise ValueError(
        f"X has 2 axes (shape {shape}), but {type(estimator).__name__} was fitted on "
        f"{AXES} with n_features={n_features}. {hint}"
    )
