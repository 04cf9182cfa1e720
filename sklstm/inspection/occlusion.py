"""What a prediction rests on: it without each timestep, occlusion_importance."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import get_tags

from sklstm.base.messages import shown
from sklstm.base.parameters import Interval, validate_parameter_constraints, warn_caller
from sklstm.inspection.inputs import reader_input
from sklstm.sequences.batch import chunks
from sklstm.targets.layouts import place_timesteps


def occlusion_importance(
    estimator: BaseEstimator, X: object, *, target: object = None, span: int = 1
) -> NDArray[Any]:
    """What every timestep adds to the prediction for its sequence.

    The prediction with all timesteps less that without one of them [1]_, which becomes
    padding. Networks of sklstm do not see padding, so the second is exactly the
    prediction for the sequence from which this timestep was taken out.

    Parameters
    ----------
    estimator : fitted estimator, or pipeline or search of one
        With one prediction per sequence. Timesteps are those that come to the last step
        of a pipeline: the transformers in front run once.
    X : what the estimator takes
    target : label, int or array-like of shape (n_samples,), default=None
        Of a classifier, the class whose probability is looked at; None is the class
        predicted for each sequence. Of several labels or targets, the number of one.
    span : int, default=1
        How many neighbouring timesteps are taken out together.

    Returns
    -------
    ndarray of shape (n_samples, n_timesteps), or (n_samples,) of ndarray
        Positive where the prediction is larger with the timestep. All timesteps of a
        span have that of the span. NaN at padding, and with a warning where
        nothing would be left of a sequence. The last, an object array with an array
        for every sequence, if X is a list of sequences.

    Raises
    ------
    ValueError
        If a parameter or X is not as described, the estimator predicts at every
        timestep, or nothing would be left of any sequence, as of those of one timestep.

    See Also
    --------
    timestep_importance : What matters to the score, over all samples.
    sklstm.displays.TimestepImportanceDisplay : The picture.

    Notes
    -----
    What comes after the gap moves up. To a network that counts timesteps, taking out
    one of the earlier ones changes the later ones, too: ask `timestep_importance`.

    References
    ----------
    .. [1] Zeiler & Fergus (2014), Visualizing and understanding convolutional
       networks. :doi:`10.1007/978-3-319-10590-1_53`

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import BiLSTMClassifier
    >>> from sklstm.inspection import occlusion_importance
    >>> X = np.random.default_rng(0).normal(size=(200, 6, 2))
    >>> y = np.where(X[:, :, 0].max(axis=1) > 1.5, "peak", "none")
    >>> classifier = BiLSTMClassifier(8, epochs=30, random_state=0).fit(X, y)
    >>> occlusion_importance(classifier, X[:3], target="peak").shape
    (3, 6)
    """
    validate_parameter_constraints(
        {"span": [Interval(Integral, 1, None, closed="left")]},
        {"span": span},
        caller_name="occlusion_importance",
    )
    given = reader_input(estimator, X, "occlusion_importance")
    longest = given.batch.longest
    if span >= longest > 1:
        raise ValueError(
            f"span={span} leaves nothing: the longest sequence of X has {longest} "
            f"timesteps. Choose a span of at most {longest - 1}."
        )
    _refuse_every_step(given.estimator)
    values, valid = given.values, given.batch.valid()
    _say_where_nothing_is_left(valid, span)
    answers = _Answers(given.estimator, values, target)
    changes = _changes(answers, values, valid, span)
    by_step = np.repeat(changes, span, axis=1)[:, : values.shape[1]]
    return place_timesteps(by_step[valid], given.batch, like=given.X)


def _refuse_every_step(estimator: BaseEstimator) -> None:
    if not get_tags(estimator).target_tags.single_output:
        raise ValueError(
            f"{type(estimator).__name__} predicts at every timestep, so that there is "
            "no one prediction to explain, and none for a timestep that is taken out. "
            "timestep_importance says which timesteps matter to its score."
        )


def _say_where_nothing_is_left(valid: NDArray[np.bool_], span: int) -> None:
    """Without any timestep there is no prediction to compare with.

    An error if it is so of all; else a warning, since the first windows of a table
    are no mistake.
    """
    begins, lengths = range(0, valid.shape[1], span), valid.sum(axis=1)
    n_taken = np.add.reduceat(valid, begins, axis=1, dtype=int)
    emptied = np.flatnonzero((n_taken == lengths[:, None]).any(axis=1))
    if not len(emptied):
        return
    length = lengths[emptied[0]]
    counted = "1 timestep" if length == 1 else f"{length} timesteps"
    smaller = "" if length == 1 else " or choose a smaller span,"
    message = (
        f"Sequence {emptied[0]} of X has {counted}, all in one span ({len(emptied)} "
        f"such sequences of {len(valid)}): without it nothing is left to predict from. "
        f"Leave such sequences out,{smaller} or ask timestep_importance, which takes "
        "nothing out."
    )
    if len(emptied) == len(valid):
        raise ValueError(message)
    warn_caller(f"{message} Their importance is NaN.", UserWarning)


def _changes(
    answers: _Answers, values: NDArray[Any], valid: NDArray[np.bool_], span: int
) -> NDArray[np.float64]:
    """Answer for each sample less that without each span, shape (n_samples, n_spans).

    NaN if the sample has nothing there, or nothing elsewhere.
    """
    n_samples, n_timesteps, _ = values.shape
    span_of_step = np.arange(n_timesteps) // span
    n_taken = np.add.reduceat(valid, range(0, n_timesteps, span), axis=1, dtype=int)
    n_left = valid.sum(axis=1, keepdims=True) - n_taken
    samples, spans = np.nonzero((n_taken > 0) & (n_left > 0))
    with_all = answers(values, np.arange(n_samples))
    changes = np.full(n_taken.shape, np.nan)
    for part in chunks(len(samples), values[0].nbytes):
        rows, taken = samples[part], spans[part]
        occluded = values[rows]
        occluded[span_of_step == taken[:, None]] = np.nan
        changes[rows, taken] = with_all[rows] - answers(occluded, rows)
    return changes


class _Answers:
    """One number for every sequence: of a class, of a label or of a target.

    Parameters
    ----------
    estimator : fitted estimator
    values : ndarray of shape (n_samples, n_timesteps, n_features)
        All sequences, as they are.
    target : as given
    """

    def __init__(
        self, estimator: BaseEstimator, values: NDArray[Any], target: Any
    ) -> None:
        self.is_classifier = is_classifier(estimator)
        self.estimator = estimator
        predicted = np.asarray(estimator.predict(values))
        if self.is_classifier:
            choices = np.asarray(estimator.classes_)
            default = predicted if predicted.ndim == 1 else None
        else:
            choices = np.arange(predicted.reshape(len(values), -1).shape[1])
            default = choices[0] if len(choices) == 1 else None
        if target is None:
            target = default
        self.columns = self._columns(choices, target, len(values))

    def _columns(
        self, choices: NDArray[Any], target: object, n_samples: int
    ) -> NDArray[np.intp]:
        """Where the target of each sample is among what is predicted."""
        targets = np.asarray(target)
        named = "None" if target is None else shown(targets.tolist())
        matches = targets.reshape(-1, 1) == choices
        fits = targets.ndim == 0 or targets.shape == (n_samples,)
        if target is None or not fits or not matches.any(axis=1).all():
            what = "classes" if self.is_classifier else "targets"
            raise ValueError(
                f"target={named} is none of the {what} that "
                f"{type(self.estimator).__name__} predicts: "
                f"{shown(choices.tolist())}. Give "
                f"one of them, or one for each of the {n_samples} samples."
            )
        return np.broadcast_to(matches.argmax(axis=1), n_samples)

    def __call__(
        self, values: NDArray[Any], samples: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Answers for some of the samples, with or without all timesteps."""
        if self.is_classifier:
            answers = self.estimator.predict_proba(values)
        else:
            answers = np.asarray(self.estimator.predict(values)).reshape(
                len(values), -1
            )
        return np.asarray(answers[np.arange(len(values)), self.columns[samples]])
