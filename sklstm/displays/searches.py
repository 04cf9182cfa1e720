"""What a search says about merge modes. Pure NumPy: no picture is drawn here."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier

from sklstm.messages import shown, unquoted
from sklstm.network.architecture import MERGE_MODES
from sklstm.parameters import warn_caller

BOTH = "bidirectional"

# Names of a search's default score.
ACCURACY, R2 = "accuracy", "R²"


def check_metric(search: Any, metric: str | None) -> str:
    """The name behind ``mean_test_`` in the results.

    Raises
    ------
    ValueError
        If the search is not fitted, or has no such metric.
    """
    if not hasattr(search, "cv_results_"):
        raise ValueError(
            f"{type(search).__name__} has no cv_results_. Give a GridSearchCV, a "
            "RandomizedSearchCV or alike, after its fit."
        )
    found = [
        key.removeprefix("mean_test_")
        for key in search.cv_results_
        if key.startswith("mean_test_")
    ]
    if metric is None and len(found) == 1:
        return found[0]
    if metric is None and isinstance(search.refit, str):
        return search.refit
    if metric not in found:
        raise ValueError(
            f"metric={shown(metric)} is not in the search, which has "
            f"{', '.join(map(unquoted, found))}. Choose one of them."
        )
    return str(metric)


def scores_by_cell(
    search: Any, metric: str
) -> tuple[list[str], list[Any], NDArray[np.float64], NDArray[np.bool_]]:
    """What stands for each merge mode and number of units.

    Returns
    -------
    merge_modes : list of str
    units : list of int or tuple of int
    scores : ndarray of shape (n_merge_modes, n_units, n_splits)
        Of the best candidate in each fold, NaN where nothing was tried.
    finalists : ndarray of shape (n_merge_modes, n_units), bool
        What reached the last round of a halving search, otherwise all.

    Raises
    ------
    ValueError
        If it did not search one `merge_mode`, of networks of two directions.
    """
    candidates = search.cv_results_["params"]
    key = _merge_mode_key(search)
    units_key = f"{key.removesuffix('merge_mode')}units"
    default = search.estimator.get_params().get(units_key)
    cells = [
        (params[key] if merges else None, as_key(params.get(units_key, default)))
        for params, merges in zip(candidates, _which_merge(search, key), strict=True)
    ]
    merge_modes = [m for m in MERGE_MODES if any(mode == m for mode, _ in cells)]
    # Candidates of a grid without merge_mode are of networks that merge nothing.
    units = sorted({n for mode, n in cells if mode is not None}, key=as_layers)
    splits = [f"split{k}_test_{metric}" for k in range(search.n_splits_)]
    folds = np.column_stack([search.cv_results_[split] for split in splits])
    scores = np.full((len(merge_modes), len(units), len(splits)), np.nan)
    reached = np.zeros(scores.shape[:2], dtype=int)
    rounds = search.cv_results_.get("iter", np.zeros(len(cells), dtype=int))
    for (mode, n), of_candidate, round_ in zip(cells, folds, rounds, strict=True):
        if mode is None:
            continue
        place = merge_modes.index(mode), units.index(n)
        mean = scores[place].mean()
        better = np.isnan(mean) or of_candidate.mean() > mean
        if round_ > reached[place] or (round_ == reached[place] and better):
            scores[place], reached[place] = of_candidate, round_
    return merge_modes, units, scores, reached == reached.max()


def _merge_mode_key(search: Any) -> str:
    """The name of the parameter in the search, such as ``bilstmclassifier__...``."""
    searched = {key: None for params in search.cv_results_["params"] for key in params}
    found = [key for key in searched if key.split("__")[-1] == "merge_mode"]
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(
            "The search varied several merge modes: "
            f"{', '.join(map(unquoted, found))}. A picture shows one: search them one "
            "after the other."
        )
    known = [
        key
        for key in search.estimator.get_params()
        if key.split("__")[-1] == "merge_mode"
    ]
    repair = f" Add {shown(known[0])}: {list(MERGE_MODES)} to it." if known else ""
    raise ValueError(
        f"The search did not vary merge_mode, only {', '.join(searched) or 'nothing'}."
        f"{repair}"
    )


def _which_merge(search: Any, key: str) -> NDArray[np.bool_]:
    """Which candidates merge two directions by a mode that was searched."""
    candidates = search.cv_results_["params"]
    direction = f"{key.removesuffix('merge_mode')}direction"
    default = search.estimator.get_params().get(direction, BOTH)
    searched = np.array([key in params for params in candidates])
    both = np.array([params.get(direction, default) == BOTH for params in candidates])
    n_idle = np.count_nonzero(searched & ~both)
    if not (searched & both).any():
        raise ValueError(
            "All candidates of the search with a merge_mode read in one direction, on "
            f"which it has no effect. Search it with {direction}={BOTH!r}."
        )
    if n_idle:
        warn_caller(
            f"{n_idle} of {len(candidates)} candidates read in one direction, on which "
            "merge_mode has no effect. They are left out, and the ring is around the "
            "best of the others.",
            UserWarning,
        )
    return searched & both


def as_key(units: Any) -> Any:
    return tuple(units) if isinstance(units, (list, tuple)) else units


def as_layers(units: Any) -> tuple[Any, ...]:
    return units if isinstance(units, tuple) else (units,)


def name_of_score(search: Any, metric: str, negate_score: bool) -> str:
    """In words: of the scorer if it has a name, else of the metric."""
    name = metric
    if metric == "score":
        if isinstance(search.scoring, str):
            name = search.scoring
        elif search.scoring is None:
            name = ACCURACY if is_classifier(search.estimator) else R2
    if negate_score:
        name = name.removeprefix("neg_")
    elif name.startswith("neg_"):
        name = f"negative {name.removeprefix('neg_')}"
    return name.replace("_", " ")
