"""One label, or one number, at every timestep."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, r2_score

from sklstm.base.parameters import in_our_words
from sklstm.base.persistence import check_fitted
from sklstm.base.sklearn_compat import ASKS_FOR_SCORERS
from sklstm.estimators.base import BaseBiLSTM
from sklstm.estimators.base_classifier import BaseClassifier
from sklstm.estimators.base_regressor import BaseRegressor
from sklstm.targets import PER_TIMESTEP, Layout

# Code of these hands on what an estimator, or a pipeline's last step, predicts.
_HAND_ON = ("sklearn.", "imblearn.", "sklstm.estimators.")


class PerTimestepMixin(BaseBiLSTM):
    """The rows of the target are those of all valid timesteps."""

    _layout: ClassVar[Layout] = PER_TIMESTEP

    def _decoded(
        self, X: Any, decode: Callable[[NDArray[np.float64]], NDArray[Any]]
    ) -> Any:
        decoded = super()._decoded(X, decode)
        # A metric takes each column of a matrix of numbers for an output by itself. All
        # else, labels first, it would read as what it is not.
        labels = is_classifier(self) and decode == self.codec_.decode
        is_outputs = not labels and decoded.ndim == 2 and not np.isnan(decoded).any()
        if not is_outputs and _for_a_scorer():
            raise ValueError(
                f"{type(self).__name__} predicts at every timestep, but this scorer of "
                "scikit-learn wants one prediction per sample, and no padding. Use "
                "scoring=sklstm.metrics.make_timestep_scorer(scoring), which scores "
                "all valid timesteps, or no scoring, which is the estimator's score."
            )
        return decoded

    def score(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Accuracy of labels, R2 of numbers, over all valid timesteps.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        float
            R2 averaged over the targets if there are several.
        """
        metric = accuracy_score if is_classifier(self) else r2_score
        return self._score_rows(X, y, sample_weight, metric)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags


def _for_a_scorer() -> bool:
    """Whether scikit-learn asks for predictions to hand them to a metric.

    Nothing that they could look like would make a metric refuse them: it takes a matrix
    of two integer labels for indicators, so that f1_macro of labels 1 and 2 is 1.0
    whatever was predicted, and column 1 of three axes for class 1. Who asks by way of
    other code, such as a subclass with one prediction per sequence, has made something
    else of them.
    """
    frame = inspect.currentframe()
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module == ASKS_FOR_SCORERS:
            return True
        if not module.startswith(_HAND_ON):
            return False
        frame = frame.f_back
    return False


@in_our_words
@dataclass(eq=False, repr=False)
class BiLSTMTimestepClassifier(PerTimestepMixin, BaseClassifier):
    """Bidirectional LSTM classifier: one label, or several, at every timestep.

    Two LSTMs read each sequence, one from the front and one from the back [1]_. Their
    states at each timestep are merged and go through the same dense layer: one sigmoid
    for two classes, a softmax for more.

    Parameters are those of :class:`BiLSTMClassifier`. Losses, accuracy and
    ``class_weight="balanced"`` count timesteps; padded ones never count.

    Parameters
    ----------
    units, direction, merge_mode, categorical_features, embedding_dim, dropout, \
recurrent_dropout, optimizer, learning_rate, schedule, clipnorm, loss, epochs, \
batch_size, shuffle, early_stopping, validation_fraction, validation_split, patience, \
class_weight, callbacks, warm_start, keep_optimizer_state, verbose, random_state
        As in :class:`BiLSTMClassifier`. With `early_stopping` whole sequences are set
        aside, whatever their labels.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_, n_timesteps_in_, feature_names_in_, is_categorical_, n_outputs_, \
history_, n_epochs_, weights_
        As in :class:`BiLSTMClassifier`.

    See Also
    --------
    BiLSTMClassifier : One label, or several, per sequence.
    BiLSTMTimestepRegressor : One number, or several, at every timestep.
    sklstm.metrics.make_timestep_scorer : Other scores than accuracy.

    References
    ----------
    .. [1] Graves & Schmidhuber (2005), Framewise phoneme classification with
       bidirectional LSTM. :doi:`10.1016/j.neunet.2005.06.042`

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import BiLSTMTimestepClassifier
    >>> X = np.random.default_rng(0).uniform(size=(60, 10, 1))
    >>> y = (X[:, :, 0].cumsum(axis=1) > 2.5).astype(int)
    >>> classifier = BiLSTMTimestepClassifier(units=8, epochs=40, random_state=0)
    >>> classifier.fit(X, y).predict(X).shape
    (60, 10)
    >>> classifier.predict_proba(X).shape
    (60, 10, 2)
    """

    _regressor: ClassVar[str] = "BiLSTMTimestepRegressor"

    def decision_function(self, X: ArrayLike) -> Any:
        """Log-odds of the second class, or of every class, at every timestep.

        Parameters
        ----------
        X : as in `fit`, with any number of timesteps

        Returns
        -------
        ndarray of shape (n_samples, n_timesteps), or (n_samples, n_timesteps, \
n_classes) if there are more than two classes or several labels, or (n_samples,) of \
ndarray
            Finite; NaN at padded timesteps. The last if X is a list of sequences, as in
            `predict`.
        """
        check_fitted(self)
        return self._decoded(X, self.codec_.log_odds)


@in_our_words
@dataclass(eq=False, repr=False)
class BiLSTMTimestepRegressor(PerTimestepMixin, BaseRegressor):
    """Bidirectional LSTM regressor: one number, or several, at every timestep.

    Two LSTMs read each sequence, one from the front and one from the back. Their states
    at each timestep are merged and go through the same dense linear layer.

    Parameters are those of :class:`BiLSTMRegressor`. Losses and the scale of
    `normalize_y` count timesteps; padded ones never count.

    Parameters
    ----------
    units, direction, merge_mode, categorical_features, embedding_dim, dropout, \
recurrent_dropout, optimizer, learning_rate, schedule, clipnorm, loss, epochs, \
batch_size, shuffle, early_stopping, validation_fraction, validation_split, patience, \
normalize_y, quantiles, callbacks, warm_start, keep_optimizer_state, verbose, \
random_state
        As in :class:`BiLSTMRegressor`.

    Attributes
    ----------
    n_features_in_, n_timesteps_in_, feature_names_in_, is_categorical_, n_outputs_, \
quantiles_, history_, n_epochs_, weights_
        As in :class:`BiLSTMRegressor`.

    See Also
    --------
    BiLSTMRegressor : One number, or several, per sequence.
    BiLSTMTimestepClassifier : One label at every timestep.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import BiLSTMTimestepRegressor
    >>> X = np.random.default_rng(0).normal(size=(60, 10, 1))
    >>> y = X[:, :, 0].cumsum(axis=1)
    >>> regressor = BiLSTMTimestepRegressor(units=8, epochs=40, random_state=0)
    >>> regressor.fit(X, y).predict(X).shape
    (60, 10)
    """

    _classifier: ClassVar[str] = "BiLSTMTimestepClassifier"
