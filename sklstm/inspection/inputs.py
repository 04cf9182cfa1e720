"""What is looked at: the estimator that reads sequences, and what comes to it."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from sklstm.base.persistence import SavedState
from sklstm.sequences.batch import SequenceBatch
from sklstm.sequences.checks import check_sequences
from sklstm.sequences.containers import plain


@dataclass(frozen=True, eq=False)
class ReaderInput:
    """An estimator of sequences, and the sequences that it is given.

    Parameters
    ----------
    estimator : fitted estimator
        At the end of all pipelines and searches, without names of features: it is asked
        with arrays, which have none.
    X : array or list of sequences
        What the transformers in front of it made.
    batch : SequenceBatch
        The same.
    scoring : callable or None
        The scorer of the outermost search, if there is one.
    """

    estimator: BaseEstimator
    X: Any
    batch: SequenceBatch
    scoring: Any

    @property
    def values(self) -> NDArray[Any]:
        """An array of shape (n_samples, n_timesteps, n_features) that can hold NaN."""
        values = self.batch.all_values()
        return values if values.dtype.kind == "f" else values.astype(np.float64)


def reader_input(estimator: BaseEstimator, X: object, caller: str) -> ReaderInput:
    """Transform X as far as the estimator that reads sequences.

    Parameters
    ----------
    estimator : fitted estimator, or pipeline or search of one
    X : what it takes
    caller : str
        For messages.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    ValueError
        If X comes to the estimator as a matrix whose columns need not be timesteps.
    """
    check_is_fitted(estimator)
    X = plain(X, "X", caller)
    scoring = None
    while True:
        if hasattr(estimator, "best_estimator_"):
            scoring = scoring or _scorer_of(estimator)
            estimator = estimator.best_estimator_
        elif isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        elif isinstance(estimator, Pipeline):
            if len(estimator) > 1:
                X = estimator[:-1].transform(X)
            estimator = estimator[-1]
        else:
            break
    if not get_tags(estimator).input_tags.three_d_array:
        _refuse_matrix(estimator, X, caller)
    # All that is said of X to one of sklstm is said to others, too.
    fitted = hasattr(estimator, "_fitted_on_table")
    reader = estimator if fitted else _stand_in(estimator)
    batch = check_sequences(reader, X, reset=not fitted)
    return ReaderInput(_without_names(estimator), X, batch, scoring)


def _scorer_of(search: BaseEstimator) -> Any:
    scorer = getattr(search, "scorer_", None)
    return scorer[search.refit] if isinstance(scorer, dict) else scorer


def _refuse_matrix(estimator: BaseEstimator, X: Any, caller: str) -> None:
    """What reads a matrix may make timesteps of its columns, or anything else."""
    if len(getattr(X, "shape", ())) != 2:
        return
    name = type(estimator).__name__
    raise ValueError(
        f"{caller} cannot tell the timesteps: {name} is given a matrix of shape "
        f"{tuple(X.shape)}. Put what makes sequences of it in front of {name}, as in "
        f"make_pipeline(SequenceReshaper(...), {name}(...)), or give sequences."
    )


def _stand_in(estimator: BaseEstimator) -> BaseEstimator:
    """Reads X in place of an estimator that is not of sklstm, under its name."""
    stand_in: BaseEstimator = type(type(estimator).__name__, (BaseEstimator,), {})()
    return stand_in


def _without_names(estimator: BaseEstimator) -> Any:
    """One of sklstm that does not warn of arrays, in which it finds no names."""
    if not isinstance(estimator, SavedState) or not hasattr(
        estimator, "feature_names_in_"
    ):
        return estimator
    unnamed = copy(estimator)
    del unnamed.feature_names_in_
    return unnamed
