"""One label or number, or several, per sequence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from sklstm.base.messages import shown
from sklstm.base.parameters import StrOptions, in_our_words
from sklstm.base.persistence import check_fitted
from sklstm.estimators.base import BaseBiLSTM
from sklstm.estimators.base_classifier import BaseClassifier
from sklstm.estimators.base_regressor import BaseRegressor
from sklstm.network import POOLINGS, Architecture, is_pooling
from sklstm.sequences.checks import check_sequences
from sklstm.sequences.codes import Codes
from sklstm.targets import Codec

Pooling = Literal["last", "mean", "max"]


@dataclass(eq=False, repr=False, kw_only=True)
class PerSequence(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseBiLSTM):
    """The states of all timesteps become one row in front of the dense layer."""

    pooling: Pooling | tuple[Pooling, ...] = ("last", "mean", "max")

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "pooling": [StrOptions(set(POOLINGS)), tuple, list],
    }

    def _architecture_for(self, codec: Codec, codes: Codes) -> Architecture:
        pooling = self.pooling
        poolings = (pooling,) if isinstance(pooling, str) else tuple(pooling)
        if not is_pooling(poolings):
            raise ValueError(
                f"The 'pooling' parameter of {type(self).__name__} must be one of "
                f"{', '.join(map(repr, POOLINGS))}, or a tuple of different ones of "
                f"them. Got {shown(pooling)} instead."
            )
        return replace(super()._architecture_for(codec, codes), pooling=poolings)

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """The states that the dense layer reads, as features of every sequence.

        For clustering, nearest neighbours or another model.

        Parameters
        ----------
        X : as in `fit`, with any number of timesteps

        Returns
        -------
        ndarray of shape (n_samples, n_poolings * width), float32
            `width` is `units` of the last layer, twice that if "concat" merges two
            directions. Poolings are in the order of `pooling`.
        """
        check_fitted(self)
        return self.network_.states(check_sequences(self, X, reset=False))

    @property
    def _n_features_out(self) -> int:
        """What scikit-learn numbers in the names of the columns of `transform`."""
        return self.network_.architecture.head[0]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


@in_our_words
@dataclass(eq=False, repr=False)
class BiLSTMClassifier(PerSequence, BaseClassifier):
    """Bidirectional LSTM classifier: one label, or several, per sequence.

    Two LSTMs [1]_ read each sequence, one from the front and one from the back [2]_.
    Their states are merged, pooled over time and go through a dense layer: one sigmoid
    for two classes, a softmax for more, a sigmoid for each of several labels.

    Training uses TensorFlow, prediction NumPy alone.

    Parameters
    ----------
    units : int or tuple of int, default=32
        Width of the LSTM, in each direction. A tuple stacks layers, from input to
        output.
    direction : {"bidirectional", "forward", "backward"}, default="bidirectional"
        In which direction the sequences are read.
    merge_mode : {"concat", "sum", "mul", "ave"}, default="concat"
        How the states of the two directions are merged: side by side, or their sum,
        product or average. Without effect on one direction.
    pooling : {"last", "mean", "max"} or tuple of them, default=("last", "mean", "max")
        What the dense layer sees of the merged states: those that each direction ends
        with, or their mean or maximum over all timesteps. A tuple puts several side by
        side.
    categorical_features : array-like of bool, int or str, default=None
        The features of a timestep that are codes of categories: a boolean mask, their
        numbers, or their names if X is a data frame of sequences or a list of data
        frames. Each of them becomes a vector that is learnt for its code, an integer of
        at least 0. Missing codes, which are negative or NaN beside other features, and
        those not seen in `fit` share a vector of their own.
    embedding_dim : int or "auto", default="auto"
        Length of these vectors; "auto" is ``1.6 * n_codes**0.56``, at most 64.
    dropout : float, default=0.0
        Fraction of the inputs of every LSTM layer that is set to zero in training, the
        same features at all timesteps of a sequence.
    recurrent_dropout : float, default=0.0
        Fraction of the recurrent state that is set to zero in training, the same units
        at all timesteps of a sequence and for all gates [3]_. Computed step by step:
        an epoch takes up to twice as long, of tiny networks four times.
    optimizer : str or keras.optimizers.Optimizer, default="adam"
        One that treats every parameter by itself: "adadelta", "adagrad", "adam",
        "adamax", "adamw", "ftrl", "lion", "nadam", "rmsprop" or "sgd". An object of
        Keras counts with all its settings; what training cannot honour, such as a
        `clipnorm` of its own, is refused.
    learning_rate : float, default=None
        The highest. None is 0.01 for "adam", "adamw", "adamax" and "nadam", 0.005 where
        the rate is constant, and for others the optimizer's own. Must be None if the
        optimizer brings a schedule.
    schedule : {"auto", "constant", "cosine", "one_cycle"}, default="auto"
        The rate over all steps of one call of `fit`: always `learning_rate`; falling
        from there along half a cosine to zero [4]_; or rising to it from a 25th in the
        first 30 % of the steps and falling to zero in the others [5]_. "auto" is
        "cosine" unless something else sets the rate. It is "constant" if `optimizer`
        brings a schedule, or if a `LearningRateScheduler` or `ReduceLROnPlateau` is
        among `callbacks`; another callback that sets the rate ends the cosine there,
        with a warning if steps were taken on it. With `early_stopping` training may end
        while the rate is still high. With `warm_start` every `fit` begins at the peak
        again. `partial_fit` trains at the constant rate.
    clipnorm : float, default=None
        Largest allowed norm of the gradient of all parameters together. Must be None if
        the optimizer itself clips (`global_clipnorm`, `clipvalue`) or accumulates.
    loss : str, default=None
        None is "binary_crossentropy" for two classes and for several labels,
        "categorical_crossentropy" for more classes. "binary_focal_crossentropy" and
        "categorical_focal_crossentropy" give hard samples more weight.
    epochs : int, default=100
        How often training goes through the data, at most.
    batch_size : int, default=32
        Samples per step of the optimizer.
    shuffle : bool, default=True
        Whether the samples are put in a new random order in every epoch.
    early_stopping : bool, default=False
        Whether to set `validation_fraction` of the samples aside, stop once the loss on
        them has not fallen for `patience` epochs, and keep the best parameters.
    validation_fraction : float, default=0.1
        Share of the samples set aside if `early_stopping`; classes in proportion. Share
        of the groups, if `fit` is given `groups`.
    validation_split : cross-validation splitter, default=None
        What chooses the samples set aside, instead of `validation_fraction`: the last
        of its splits. ``TimeSeriesSplit(9)`` sets the last tenth aside.
    patience : int, default=10
        Epochs to wait for a better validation loss.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, ``{label: weight}``; "balanced" makes them inversely
        proportional to class frequencies.
    callbacks : keras.callbacks.Callback or list of them, default=None
        Copied before use. In them `self.model` is the network as `to_keras` would give
        it. Batch-level hooks are called once per chunk of some 32 MB.
    warm_start : bool, default=False
        Whether `fit` goes on from the parameters of the previous call.
    keep_optimizer_state : bool, default=False
        Whether a copy or saved file keeps what training needs to go on exactly: the
        optimizer's moments and the random generator. With "adam" it is three times as
        large. Otherwise the optimizer starts afresh after loading.
    verbose : {0, 1, 2}, default=0
        0 prints nothing, 1 a progress bar, 2 a line per epoch.
    random_state : int, RandomState instance or None, default=None
        Determines initial parameters, order of samples, dropout and validation split.
        An int gives the same parameters in every call, process and thread. None is
        NumPy's global state, which `numpy.random.seed` sets. What fails draws nothing.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; the label numbers for a multilabel target.
    n_features_in_ : int
        Features per timestep in `fit`, or columns if X was a matrix.
    n_timesteps_in_ : int
        Timesteps in `fit`; `predict` takes any number of them.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, if X was a data frame, or a list of data frames, whose
        column names are all strings.
    is_categorical_ : ndarray of shape (n_features,), bool, or None
        Which features of a timestep are codes; None if none is.
    n_outputs_ : int
        Width of the output layer.
    history_ : dict of str to list of float
        "loss" and "accuracy" of every epoch, with early stopping or `X_val` also
        "val_loss" and "val_accuracy".
    n_epochs_ : int
        Number of epochs run.
    weights_ : dict of str to ndarray
        Parameters by name.

    See Also
    --------
    BiLSTMRegressor : One or more numbers per sequence.
    SequenceReshaper : Turns columns into timesteps.

    References
    ----------
    .. [1] Hochreiter & Schmidhuber (1997), Long short-term memory.
       :doi:`10.1162/neco.1997.9.8.1735`
    .. [2] Schuster & Paliwal (1997), Bidirectional recurrent neural networks.
       :doi:`10.1109/78.650093`; Graves & Schmidhuber (2005), Framewise phoneme
       classification with bidirectional LSTM. :doi:`10.1016/j.neunet.2005.06.042`
    .. [3] Gal & Ghahramani (2016), A theoretically grounded application of dropout in
       recurrent neural networks. :arxiv:`1512.05287`
    .. [4] Loshchilov & Hutter (2017), SGDR: Stochastic gradient descent with warm
       restarts. :arxiv:`1608.03983`
    .. [5] Smith & Topin (2018), Super-convergence: Very fast training of neural
       networks using large learning rates. :arxiv:`1708.07120`

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import BiLSTMClassifier
    >>> X = np.random.default_rng(0).normal(size=(60, 10, 2))
    >>> y = np.where(X[:, :, 0].sum(axis=1) > 0, "up", "down")
    >>> classifier = BiLSTMClassifier(units=8, epochs=40, random_state=0).fit(X, y)
    >>> classifier.predict_proba(X).shape
    (60, 2)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseClassifier._parameter_constraints,
        **PerSequence._parameter_constraints,
    }


@in_our_words
@dataclass(eq=False, repr=False)
class BiLSTMRegressor(PerSequence, BaseRegressor):
    """Bidirectional LSTM regressor: one number, or several, per sequence.

    Two LSTMs read each sequence, one from the front and one from the back. Their states
    are merged, pooled over time and go through a dense linear layer with one output per
    target, or per quantile of each.

    Training uses TensorFlow, prediction NumPy alone.

    Parameters
    ----------
    units : int or tuple of int, default=32
        Width of the LSTM, in each direction. A tuple stacks layers, from input to
        output.
    direction : {"bidirectional", "forward", "backward"}, default="bidirectional"
        In which direction the sequences are read.
    merge_mode : {"concat", "sum", "mul", "ave"}, default="concat"
        How the states of the two directions are merged: side by side, or their sum,
        product or average. Without effect on one direction.
    pooling : {"last", "mean", "max"} or tuple of them, default=("last", "mean", "max")
        What the dense layer sees of the merged states: those that each direction ends
        with, or their mean or maximum over all timesteps. A tuple puts several side by
        side.
    categorical_features : array-like of bool, int or str, default=None
        The features of a timestep that are codes of categories: a boolean mask, their
        numbers, or their names if X is a data frame of sequences or a list of data
        frames. Each of them becomes a vector that is learnt for its code, an integer of
        at least 0. Missing codes, which are negative or NaN beside other features, and
        those not seen in `fit` share a vector of their own.
    embedding_dim : int or "auto", default="auto"
        Length of these vectors; "auto" is ``1.6 * n_codes**0.56``, at most 64.
    dropout : float, default=0.0
        Fraction of the inputs of every LSTM layer that is set to zero in training, the
        same features at all timesteps of a sequence.
    recurrent_dropout : float, default=0.0
        Fraction of the recurrent state that is set to zero in training, the same units
        at all timesteps of a sequence and for all gates [1]_. Computed step by step:
        an epoch takes up to twice as long, of tiny networks four times.
    optimizer : str or keras.optimizers.Optimizer, default="adam"
        One that treats every parameter by itself: "adadelta", "adagrad", "adam",
        "adamax", "adamw", "ftrl", "lion", "nadam", "rmsprop" or "sgd". An object of
        Keras counts with all its settings; what training cannot honour, such as a
        `clipnorm` of its own, is refused.
    learning_rate : float, default=None
        The highest. None is 0.01 for "adam", "adamw", "adamax" and "nadam", 0.005 where
        the rate is constant, and for others the optimizer's own. Must be None if the
        optimizer brings a schedule.
    schedule : {"auto", "constant", "cosine", "one_cycle"}, default="auto"
        The rate over all steps of one call of `fit`: always `learning_rate`; falling
        from there along half a cosine to zero [2]_; or rising to it from a 25th in the
        first 30 % of the steps and falling to zero in the others [3]_. "auto" is
        "cosine" unless something else sets the rate. It is "constant" if `optimizer`
        brings a schedule, or if a `LearningRateScheduler` or `ReduceLROnPlateau` is
        among `callbacks`; another callback that sets the rate ends the cosine there,
        with a warning if steps were taken on it. With `early_stopping` training may end
        while the rate is still high. With `warm_start` every `fit` begins at the peak
        again. `partial_fit` trains at the constant rate.
    clipnorm : float, default=None
        Largest allowed norm of the gradient of all parameters together. Must be None if
        the optimizer itself clips (`global_clipnorm`, `clipvalue`) or accumulates.
    loss : str, default=None
        None is "mean_squared_error"; or "mean_absolute_error", "huber", "log_cosh", or
        "quantile" for all `quantiles` of all targets at once, by the pinball loss [4]_.
    epochs : int, default=100
        How often training goes through the data, at most.
    batch_size : int, default=32
        Samples per step of the optimizer.
    shuffle : bool, default=True
        Whether the samples are put in a new random order in every epoch.
    early_stopping : bool, default=False
        Whether to set `validation_fraction` of the samples aside, stop once the loss on
        them has not fallen for `patience` epochs, and keep the best parameters.
    validation_fraction : float, default=0.1
        Share of the samples set aside if `early_stopping`. Share of the groups, if
        `fit` is given `groups`.
    validation_split : cross-validation splitter, default=None
        What chooses the samples set aside, instead of `validation_fraction`: the last
        of its splits. ``TimeSeriesSplit(9)`` sets the last tenth aside.
    patience : int, default=10
        Epochs to wait for a better validation loss.
    normalize_y : bool, default=True
        Whether targets are shifted and scaled to mean zero and variance one for
        training; predictions are in the original units.
    quantiles : array-like of shape (n_quantiles,), default=None
        Levels between 0 and 1, each larger than the one before. None is (0.1, 0.5, 0.9)
        with ``loss="quantile"``, and must be None with any other loss.
    callbacks : keras.callbacks.Callback or list of them, default=None
        Copied before use. In them `self.model` is the network as `to_keras` would give
        it. Batch-level hooks are called once per chunk of some 32 MB.
    warm_start : bool, default=False
        Whether `fit` goes on from the parameters of the previous call.
    keep_optimizer_state : bool, default=False
        Whether a copy or saved file keeps what training needs to go on exactly: the
        optimizer's moments and the random generator. With "adam" it is three times as
        large. Otherwise the optimizer starts afresh after loading.
    verbose : {0, 1, 2}, default=0
        0 prints nothing, 1 a progress bar, 2 a line per epoch.
    random_state : int, RandomState instance or None, default=None
        Determines initial parameters, order of samples, dropout and validation split.
        An int gives the same parameters in every call, process and thread. None is
        NumPy's global state, which `numpy.random.seed` sets. What fails draws nothing.

    Attributes
    ----------
    n_features_in_ : int
        Features per timestep in `fit`, or columns if X was a matrix.
    n_timesteps_in_ : int
        Timesteps in `fit`; `predict` takes any number of them.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, if X was a data frame, or a list of data frames, whose
        column names are all strings.
    is_categorical_ : ndarray of shape (n_features,), bool, or None
        Which features of a timestep are codes; None if none is.
    n_outputs_ : int
        Number of targets.
    quantiles_ : ndarray of shape (n_quantiles,)
        The levels that `predict_quantiles` gives, with ``loss="quantile"`` only.
    history_ : dict of str to list of float
        "loss" of every epoch, with early stopping or `X_val` also "val_loss"; in the
        units of normalized targets if `normalize_y`.
    n_epochs_ : int
        Number of epochs run.
    weights_ : dict of str to ndarray
        Parameters by name.

    See Also
    --------
    BiLSTMClassifier : One label, or several, per sequence.
    SequenceReshaper : Turns columns into timesteps.

    References
    ----------
    .. [1] Gal & Ghahramani (2016), A theoretically grounded application of dropout in
       recurrent neural networks. :arxiv:`1512.05287`
    .. [2] Loshchilov & Hutter (2017), SGDR: Stochastic gradient descent with warm
       restarts. :arxiv:`1608.03983`
    .. [3] Smith & Topin (2018), Super-convergence: Very fast training of neural
       networks using large learning rates. :arxiv:`1708.07120`
    .. [4] Koenker & Bassett (1978), Regression quantiles. :doi:`10.2307/1913643`

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import BiLSTMRegressor
    >>> X = np.random.default_rng(0).normal(size=(60, 10, 2))
    >>> y = X[:, :, 0].sum(axis=1)
    >>> regressor = BiLSTMRegressor(units=8, epochs=40, random_state=0).fit(X, y)
    >>> regressor.predict(X).shape
    (60,)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseRegressor._parameter_constraints,
        **PerSequence._parameter_constraints,
    }
