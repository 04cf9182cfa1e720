"""One number, or several, per sequence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from sklstm.estimators.base import BaseBiLSTM
from sklstm.persistence import is_finite_array
from sklstm.targets import Target
from sklstm.validation import StrOptions, _fit_context, check_numeric_target


class BiLSTMRegressor(RegressorMixin, BaseBiLSTM):
    """Bidirectional LSTM regressor: one number, or several, per sequence.

    Two LSTMs read each sequence, one from the front and one from the back. Their last
    states are merged and go through a dense linear layer with one output per target.

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
    dropout : float, default=0.0
        Fraction of the inputs of every LSTM layer that is set to zero in training, the
        same features at all timesteps of a sequence.
    recurrent_dropout : float, default=0.0
        Fraction of the recurrent state that is set to zero in training. The fused
        kernel cannot do it: training runs on Keras' own layers, several times slower.
    optimizer : str or keras.optimizers.Optimizer, default="adam"
        One that treats every parameter by itself: "adadelta", "adagrad", "adam",
        "adamax", "adamw", "ftrl", "lion", "nadam", "rmsprop" or "sgd".
    learning_rate : float, default=None
        None is 0.005 for "adam", "adamw", "adamax" and "nadam", otherwise the
        optimizer's own rate.
    clipnorm : float, default=None
        Largest allowed norm of the gradient of all parameters together.
    loss : str, default=None
        None is "mean_squared_error"; or "mean_absolute_error", "huber", "log_cosh".
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
        Share of the samples set aside if `early_stopping`.
    patience : int, default=10
        Epochs to wait for a better validation loss.
    normalize_y : bool, default=True
        Whether targets are shifted and scaled to mean zero and variance one for
        training; predictions are in the original units.
    callbacks : keras.callbacks.Callback or list of them, default=None
        Copied before use. Batch-level hooks are called once per chunk of some 32 MB.
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
        An int gives the same parameters in every call, process and thread.

    Attributes
    ----------
    n_features_in_ : int
        Features per timestep in `fit`, or columns if X was a matrix.
    n_timesteps_in_ : int
        Timesteps in `fit`; `predict` takes any number of them.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, if X was a data frame.
    n_outputs_ : int
        Number of targets.
    history_ : dict of str to list of float
        "loss" of every epoch, with early stopping also "val_loss"; in the units of
        normalized targets if `normalize_y`.
    n_epochs_ : int
        Number of epochs run.
    weights_ : dict of str to ndarray
        Parameters by name.

    See Also
    --------
    BiLSTMClassifier : One label, or several, per sequence.
    SequenceReshaper : Turns columns into timesteps.

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

    _losses: ClassVar[dict[str, tuple[str, ...]]] = {
        "linear": ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")
    }

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseBiLSTM._parameter_constraints,
        "loss": [StrOptions(set(_losses["linear"])), None],
        "normalize_y": ["boolean"],
    }

    def __init__(
        self,
        units: int | tuple[int, ...] = 32,
        *,
        direction: str = "bidirectional",
        merge_mode: str = "concat",
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        optimizer: Any = "adam",
        learning_rate: float | None = None,
        clipnorm: float | None = None,
        loss: str | None = None,
        epochs: int = 100,
        batch_size: int = 32,
        shuffle: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        normalize_y: bool = True,
        callbacks: Any = None,
        warm_start: bool = False,
        keep_optimizer_state: bool = False,
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        self.units = units
        self.direction = direction
        self.merge_mode = merge_mode
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.clipnorm = clipnorm
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.normalize_y = normalize_y
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.keep_optimizer_state = keep_optimizer_state
        self.verbose = verbose
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> BiLSTMRegressor:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps, n_features), (n_samples, \
n_columns), or list of sequences
            A matrix is `n_columns` timesteps of one feature. Sequences in a list may
            differ in length. A timestep whose features are all NaN is padding.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), default=None
            Samples of weight zero are left out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter, X or y is not as described, or if training diverges.
        """
        resume = self.warm_start and self._can_resume()
        self._fit(X, y, sample_weight, epochs=self.epochs, resume=resume)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> BiLSTMRegressor:
        """Train for one epoch on these samples, going on from the previous call.

        With `normalize_y` the first call determines shift and scale.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As in `fit`, and if `early_stopping` is set.
        """
        self._refuse_early_stopping()
        self._fit(X, y, sample_weight, epochs=1, resume=self._can_resume())
        return self

    def _check_target(self, y: Any) -> NDArray[Any]:
        return check_numeric_target(self, y)

    def _encode_target(
        self, y: NDArray[Any], weights: NDArray[np.float64] | None, *, reset: bool
    ) -> Target:
        columns = y.reshape(len(y), -1)
        if reset:
            self._y_ndim = y.ndim
            self._learn_scale(columns, weights)
        elif columns.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {columns.shape[1]} targets, but {type(self).__name__} was "
                f"fitted on {self.n_outputs_}. Give as many, or call fit with "
                "warm_start=False to start again."
            )
        values = ((columns - self._y_mean) / self._y_scale).astype(np.float32)
        return Target(values, "linear", columns.shape[1], weights)

    def _learn_scale(
        self, columns: NDArray[np.float64], weights: NDArray[np.float64] | None
    ) -> None:
        self._y_mean = np.zeros(columns.shape[1])
        self._y_scale = np.ones(columns.shape[1])
        if self.normalize_y:
            self._y_mean = np.average(columns, axis=0, weights=weights)
            variance = np.average(
                (columns - self._y_mean) ** 2, axis=0, weights=weights
            )
            # A constant target has nothing to scale.
            self._y_scale = np.where(variance > 0, np.sqrt(variance), 1.0)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The targets of every sequence.

        Parameters
        ----------
        X : as in `fit`, with any number of timesteps

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            As y was in `fit`.
        """
        return self._rescaled(self._predict_outputs(X))

    def _rescaled(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Outputs in the units of y."""
        outputs = outputs * self._y_scale + self._y_mean
        return outputs[:, 0] if self._y_ndim == 1 else outputs

    def _keras_weights(self) -> dict[str, NDArray[Any]]:
        # The network predicts in the original units: its last layer takes the scale.
        weights: dict[str, NDArray[Any]] = dict(self.weights_)
        weights["dense/kernel"] = weights["dense/kernel"] * self._y_scale
        weights["dense/bias"] = weights["dense/bias"] * self._y_scale + self._y_mean
        return weights

    def _contradictions(self) -> Iterator[str]:
        yield from super()._contradictions()
        n_targets = self.n_outputs_
        for name in ("_y_mean", "_y_scale"):
            if not is_finite_array(getattr(self, name), np.float64, (n_targets,)):
                yield f"{name} is not {n_targets} finite numbers, one per target"
        if not (self._y_scale > 0).all():
            yield f"the scale of the targets, {self._y_scale}, is not positive"
        if self._y_ndim not in ((1, 2) if n_targets == 1 else (2,)):
            yield f"y had {self._y_ndim!r} axes and {n_targets} targets"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
