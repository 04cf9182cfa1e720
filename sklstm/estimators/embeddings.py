"""Which features are embedded, with which codes, and how long their vectors are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.base.messages import shown
from sklstm.network import Embedding, Network
from sklstm.network.architecture import MOST_CODES, choose_dim
from sklstm.sequences.batch import SequenceBatch
from sklstm.sequences.checks import n_step_features
from sklstm.sequences.codes import Codes, categorical_mask, learn_codes


def categorical_columns(estimator: Any) -> NDArray[np.intp]:
    """Numbers of the features that were codes in `fit`."""
    mask = getattr(estimator, "is_categorical_", None)
    return np.flatnonzero(() if mask is None else mask)


def is_number(estimator: Any) -> NDArray[np.bool_]:
    """Which features of a timestep are no codes."""
    numbers = np.ones(n_step_features(estimator), dtype=bool)
    numbers[categorical_columns(estimator)] = False
    return numbers


def codes_for(estimator: Any, sequences: SequenceBatch, start: Network | None) -> Codes:
    """The known codes of every embedded feature.

    Parameters
    ----------
    estimator : estimator instance
    sequences : SequenceBatch
        X without what weighs nothing: codes are learnt from it.
    start : Network or None
        Where training goes on; then its codes stay, whatever X holds.

    Raises
    ------
    ValueError
        If `categorical_features` is not what it was when training began, or a feature
        has too many codes.
    """
    columns = categorical_columns(estimator)
    if start is None:
        codes = learn_codes(sequences, columns)
        _refuse_too_many(columns, codes)
        return codes
    mask = categorical_mask(estimator, n_step_features(estimator))
    asked = np.flatnonzero(() if mask is None else mask).tolist()
    if asked != columns.tolist():
        raise ValueError(
            f"categorical_features={shown(estimator.categorical_features)} is features "
            f"{asked}, but training began with {columns.tolist()}. Give it the fitted "
            "value, or call fit with warm_start=False to start again."
        )
    return start.codes


def _refuse_too_many(columns: NDArray[np.intp], codes: Codes) -> None:
    for column, known in zip(columns, codes, strict=True):
        if len(known) > MOST_CODES:
            raise ValueError(
                f"Feature {column} of X has {len(known)} different codes; at most "
                f"{MOST_CODES} are supported. Merge rare ones, or leave the feature "
                "out of categorical_features."
            )


def embeddings_for(estimator: Any, codes: Codes) -> tuple[Embedding, ...]:
    """The sizes of the tables of vectors."""
    dim, columns = estimator.embedding_dim, categorical_columns(estimator)
    return tuple(
        Embedding(
            int(column),
            len(known),
            choose_dim(len(known)) if dim == "auto" else int(dim),
        )
        for column, known in zip(columns, codes, strict=True)
    )
