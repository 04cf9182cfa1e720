"""How much worse a score gets when timesteps change places: timestep_importance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch
from sklearn.utils.parallel import Parallel, delayed

from sklstm.base.parameters import (
    Interval,
    StrOptions,
    put_back_on_error,
    validate_parameter_constraints,
)
from sklstm.inspection.inputs import reader_input
from sklstm.sequences.containers import plain

Region = tuple[slice, slice]

CONSTRAINTS: dict[str, list[Any]] = {
    "by": [StrOptions({"timestep", "feature", "both"})],
    "span": [Interval(Integral, 1, None, closed="left")],
    "scoring": [str, callable, None],
    "n_repeats": [Interval(Integral, 1, None, closed="left")],
    "n_jobs": [Integral, None],
    "random_state": ["random_state"],
}


def timestep_importance(
    estimator: BaseEstimator,
    X: object,
    y: object,
    *,
    by: Literal["timestep", "feature", "both"] = "timestep",
    span: int = 1,
    scoring: object = None,
    n_repeats: int = 5,
    sample_weight: ArrayLike | None = None,
    n_jobs: int | None = None,
    random_state: object = None,
) -> Bunch:
    """Permutation importance of timesteps, of features, or of each at each.

    What a timestep holds changes places between the samples; the importance of the
    timestep is what the score loses [1]_. Timesteps and features are those that come to
    the last step of a pipeline: the transformers in front run once.

    Parameters
    ----------
    estimator : fitted estimator, or pipeline or search of one
        What reads the sequences may be any estimator.
    X : what the estimator takes
        Samples that were held out tell what it has learnt; those of training also what
        it has learnt by heart.
    y : array-like, or list of arrays
        Targets, as for `score`.
    by : {"timestep", "feature", "both"}, default="timestep"
        What changes places at a time: all features of a timestep, a feature at all
        timesteps, or a feature at a timestep.
    span : int, default=1
        How many neighbouring timesteps change places together. Neighbours often say the
        same; each alone then looks unimportant, as the other stands in for it. Without
        effect on ``by="feature"``.
    scoring : str or callable, default=None
        As in :func:`sklearn.metrics.check_scoring`: a name, or a function of
        (estimator, X, y). None is the scorer of a search, otherwise the score of the
        estimator. The scorer is given the last step, and sequences as an array of three
        axes, padded with NaN.
    n_repeats : int, default=5
        How often the samples change places, each time in another order.
    sample_weight : array-like, default=None
        Weights for the scorer.
    n_jobs : int or None, default=None
        Jobs in parallel. One prediction of sklstm's already uses all processors.
    random_state : int, RandomState instance or None, default=None
        Determines the orders, which are the same for all timesteps and features.

    Returns
    -------
    Bunch
        As of :func:`sklearn.inspection.permutation_importance`:

        importances_mean : ndarray of shape (n_timesteps,), (n_features,) or \
(n_timesteps, n_features)
            Mean over the repeats. All timesteps of a span have that of the span.
        importances_std : ndarray of the same shape
            Standard deviation over the repeats.
        importances : ndarray of shape (..., n_repeats)
            Score lost in each repeat.
        by : str
            As given.

    Raises
    ------
    ValueError
        If a parameter or X is not as described.

    See Also
    --------
    occlusion_importance : Timesteps that one prediction rests on.
    sklstm.displays.TimestepImportanceDisplay : The picture.

    Notes
    -----
    A timestep changes places among those samples that have it: where another sample is
    padded, the next one in the same cycle of the permutation stands in. So all lengths
    stay as they are. Timesteps are counted as they stand in an array, and from the
    beginning in a list; to count from the end, pad in front.

    All of X is predicted once for every repeat of every timestep, feature or both:
    a few hundred samples are enough.

    References
    ----------
    .. [1] Breiman (2001), Random forests. :doi:`10.1023/A:1010933404324`

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import BiLSTMRegressor
    >>> from sklstm.inspection import timestep_importance
    >>> X = np.random.default_rng(0).normal(size=(200, 6, 2))
    >>> y = X[:, 4, 1]
    >>> regressor = BiLSTMRegressor(8, epochs=30, random_state=0).fit(X, y)
    >>> result = timestep_importance(regressor, X, y, by="both", random_state=0)
    >>> step, feature = np.argwhere(result.importances_mean > 1)[0]
    >>> print(step, feature)
    4 1
    """
    validate_parameter_constraints(
        CONSTRAINTS,
        {
            "by": by,
            "span": span,
            "scoring": scoring,
            "n_repeats": n_repeats,
            "n_jobs": n_jobs,
            "random_state": random_state,
        },
        caller_name="timestep_importance",
    )
    given = reader_input(estimator, X, "timestep_importance")
    y = plain(y, "y", "timestep_importance")
    sample_weight = plain(sample_weight, "sample_weight", "timestep_importance")
    values, present = given.values, given.batch.valid()
    scorer = check_scoring(given.estimator, scoring=scoring or given.scoring)
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}

    def score(values: NDArray[Any]) -> float:
        return float(scorer(given.estimator, values, y, **weights))

    with put_back_on_error() as draws:
        with draws.of(random_state) as rng:
            orders = [rng.permutation(len(values)) for _ in range(n_repeats)]
        scores = Parallel(n_jobs=n_jobs)(
            delayed(_scores)(score, values, present, region, orders)
            for region in _regions(values.shape[1:], by, span)
        )
        lost = score(values) - np.array(scores)
    importances = _by_axes(lost, values.shape[1:], by, span)
    return Bunch(
        importances_mean=importances.mean(axis=-1),
        importances_std=importances.std(axis=-1),
        importances=importances,
        by=by,
    )


def _regions(shape: tuple[int, ...], by: str, span: int) -> Iterator[Region]:
    """Timesteps and features that change places at a time."""
    n_timesteps, n_features = shape
    every = slice(None)
    spans = [slice(begin, begin + span) for begin in range(0, n_timesteps, span)]
    features = [slice(k, k + 1) for k in range(n_features)]
    for steps in [every] if by == "feature" else spans:
        for feature in [every] if by == "timestep" else features:
            yield steps, feature


def _by_axes(
    lost: NDArray[np.float64], shape: tuple[int, ...], by: str, span: int
) -> NDArray[np.float64]:
    """Scores of regions in the axes of what they are of; spans as timesteps."""
    if by == "feature":
        return lost
    n_timesteps, n_features = shape
    n_repeats = lost.shape[1]
    if by == "both":
        lost = lost.reshape(-1, n_features, n_repeats)
    return np.repeat(lost, span, axis=0)[:n_timesteps]


def _scores(
    score: Callable[[NDArray[Any]], float],
    values: NDArray[Any],
    present: NDArray[np.bool_],
    region: Region,
    orders: list[NDArray[np.intp]],
) -> list[float]:
    """With each order of the samples, the score of what is permuted in a region."""
    permuted = values.copy()
    scores = []
    for order in orders:
        exchange(permuted, values, present, region, order)
        scores.append(score(permuted))
    return scores


def exchange(
    permuted: NDArray[Any],
    values: NDArray[Any],
    present: NDArray[np.bool_],
    region: Region,
    order: NDArray[np.intp],
) -> None:
    """Let samples change places in a region, each timestep where it is present.

    Parameters
    ----------
    permuted : ndarray of shape (n_samples, n_timesteps, n_features)
        Written to, in the region.
    values : ndarray of the same shape
        As given.
    present : ndarray of shape (n_samples, n_timesteps), bool
        Which timesteps are data.
    region : tuple of slice, slice
        Timesteps and features.
    order : ndarray of shape (n_samples,)
        Stands for a permutation by Foata's correspondence: a cycle begins wherever a
        number is larger than all before it, and each sample gets what the next in its
        cycle has. A permutation drawn evenly, from whose cycles those are left out that
        lack a timestep, is one drawn evenly of the others.
    """
    steps, features = region
    cycles = np.maximum.accumulate(order)
    for step in range(values.shape[1])[steps]:
        here = present[order, step]
        rows = order[here]
        if not len(rows):
            continue
        first = np.diff(cycles[here], prepend=-1) > 0
        sources, last = np.roll(rows, -1), np.roll(first, -1)
        sources[last] = rows[first]
        permuted[rows, step, features] = values[sources, step, features]
