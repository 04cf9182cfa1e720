"""What all estimators share: parameters, one `fit`, one `predict`, what is saved."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from sklstm.base.messages import shown
from sklstm.base.parameters import (
    HasMethods,
    Interval,
    Splitter,
    StrOptions,
    check_copied_whole,
)
from sklstm.base.persistence import SavedState, check_fitted
from sklstm.base.schema import (
    ANYTHING,
    OF_SEQUENCES,
    Kind,
    Maybe,
    Part,
    count,
    is_count,
)
from sklstm.base.sklearn_compat import CallbackSupportMixin, _fit_context
from sklstm.estimators.embeddings import categorical_columns, embeddings_for
from sklstm.estimators.fitting import Call, Fit
from sklstm.estimators.training_data import Validation
from sklstm.network import DIRECTIONS, MERGE_MODES, Architecture, Network
from sklstm.sequences.checks import check_sequences, n_step_features
from sklstm.sequences.codes import Codes
from sklstm.targets import CODECS, PER_SEQUENCE, Codec, Labelled, Layout

Direction = Literal["bidirectional", "forward", "backward"]
MergeMode = Literal["concat", "sum", "mul", "ave"]
Schedule = Literal["auto", "constant", "cosine", "one_cycle"]


@dataclass(eq=False, repr=False)
class BaseBiLSTM(
    SavedState,
    CallbackSupportMixin,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """Train, predict, score and save; a subclass says what its target is."""

    units: int | tuple[int, ...] = 32
    _: KW_ONLY
    direction: Direction = "bidirectional"
    merge_mode: MergeMode = "concat"
    categorical_features: Any = None
    embedding_dim: int | Literal["auto"] = "auto"
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    optimizer: Any = "adam"
    learning_rate: float | None = None
    schedule: Schedule = "auto"
    clipnorm: float | None = None
    loss: str | None = None
    epochs: int = 100
    batch_size: int = 32
    shuffle: bool = True
    early_stopping: bool = False
    validation_fraction: float = 0.1
    validation_split: Any = None
    patience: int = 10
    callbacks: Any = None
    warm_start: bool = False
    keep_optimizer_state: bool = False
    verbose: int = 0
    random_state: Any = None

    is_categorical_: NDArray[np.bool_] | None = field(init=False)
    n_outputs_: int = field(init=False)
    n_epochs_: int = field(init=False)
    history_: dict[str, list[float]] = field(init=False)
    codec_: Codec = field(init=False)
    network_: Network = field(init=False)

    _learnt: ClassVar[str] = "network_"

    #: Losses by activation, the default first.
    _losses: ClassVar[dict[str, tuple[str, ...]]]

    #: Also in a search whose splits go by groups: those set aside should, too.
    __metadata_request__fit: ClassVar[dict[str, Any]] = {"groups": True}

    #: Which rows of y belong where.
    _layout: ClassVar[Layout] = PER_SEQUENCE

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "units": [Interval(Integral, 1, None, closed="left"), tuple, list],
        "direction": [StrOptions(set(DIRECTIONS))],
        "merge_mode": [StrOptions(set(MERGE_MODES))],
        "categorical_features": ["array-like", None],
        "embedding_dim": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "recurrent_dropout": [Interval(Real, 0, 1, closed="left")],
        "optimizer": [str, HasMethods(["apply", "get_config"])],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "schedule": [StrOptions({"auto", "constant", "cosine", "one_cycle"})],
        "clipnorm": [Interval(Real, 0, None, closed="neither"), None],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "validation_split": [Splitter(), None],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "callbacks": [list, tuple, HasMethods(["on_epoch_end", "set_model"]), None],
        "warm_start": ["boolean"],
        "keep_optimizer_state": ["boolean"],
        "verbose": [Interval(Integral, 0, 2, closed="both"), "boolean"],
        "random_state": ["random_state"],
    }

    # -- what a subclass defines ----------------------------------------------------

    @abstractmethod
    def _check_target(self, y: Any) -> NDArray[Any]:
        """Validate rows of y by themselves."""

    @abstractmethod
    def _codec_for(
        self,
        given: Labelled,
        fitted: Codec | None,
        call: Call,
    ) -> Codec:
        """The fitted codec, or one that is learnt from the targets."""

    def _weights_of(
        self,
        y: NDArray[Any],
        weights: NDArray[np.float64] | None,
        codec: Codec,
        *,
        balanced_on: NDArray[Any],
    ) -> NDArray[np.float64] | None:
        """Weights of the rows of y in the loss; classes balanced as in other rows."""
        return weights

    # -- training -------------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps, n_features), (n_samples, \
n_columns), or list of sequences
            A matrix is `n_columns` timesteps of one feature. Sequences in a list may
            differ in length. A timestep whose features are all NaN is padding.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs); of a timestep \
estimator (n_samples, n_timesteps) or (n_samples, n_timesteps, n_outputs), or list of \
arrays
            Labels of any type, or an indicator array of zeros and ones for several
            labels; of a regressor numbers. A one-hot array is such an indicator array,
            too: there is a warning if all rows have one 1. At timesteps: what an array
            holds at padded ones is ignored, and a list has an array for every sequence.
        sample_weight : array-like of shape (n_samples,), default=None
            Samples of weight zero are left out. A timestep estimator takes weights of
            the shape (n_samples, n_timesteps), or a list of arrays, too: timesteps of
            weight zero are read, but their targets do not count and may be missing.
        X_val, y_val, sample_weight_val : as X, y and sample_weight, default=None
            Data for validation: `history_` has the loss on them, and `early_stopping`
            goes by it, with no samples of X set aside. In a pipeline,
            ``transform_input=["X_val"]`` sends `X_val` through the transformers.
        groups : array-like of shape (n_samples,), default=None
            Samples of one group are set aside together, or not at all. Of use with
            `early_stopping` alone, and not with `X_val`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter, X or y is not as described, if a classifier is left with
            fewer than two classes, or if training diverges.
        RuntimeError
            If TensorFlow or Keras is set to what training does not go with, such as
            another backend, or in a forked child of a process that used TensorFlow.
        """
        validation = Validation(X_val, y_val, sample_weight_val, groups)
        resume = self.warm_start and self._is_trained
        call = Call(epochs=self.epochs, schedule=self.schedule, resume=resume)
        Fit(self, call).run(X, y, sample_weight, validation)
        return self

    def _fit_part(
        self, X: Any, y: Any, sample_weight: Any, classes: Any = None
    ) -> Self:
        """One epoch, going on from the previous call."""
        if self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: each call trains "
                "one epoch on the samples it is given. Set early_stopping=False."
            )
        call = Call(
            epochs=1,
            schedule="constant",  # nobody knows how many calls will come
            resume=self._is_trained,
            in_parts=True,
            classes=classes,
        )
        Fit(self, call).run(X, y, sample_weight, Validation())
        return self

    @property
    def _is_trained(self) -> bool:
        return "network_" in vars(self)

    def _read(self, X: Any, y: Any, sample_weight: Any, *, reset: bool) -> Labelled:
        """X, y and weights, checked."""
        sequences = check_sequences(self, X, reset=reset)
        name = type(self).__name__
        return self._layout.read(sequences, y, sample_weight, self._check_target, name)

    def _architecture_for(self, codec: Codec, codes: Codes) -> Architecture:
        units = self.units if isinstance(self.units, (tuple, list)) else (self.units,)
        if not units or not all(is_count(u) for u in units):
            raise ValueError(
                f"The 'units' parameter of {type(self).__name__} must be an int or a "
                "tuple of ints, each at least 1: one for every stacked LSTM layer. Got "
                f"{shown(self.units)} instead."
            )
        return Architecture(
            n_features=n_step_features(self),
            units=tuple(int(u) for u in units),
            direction=self.direction,
            merge_mode=self.merge_mode,
            n_outputs=codec.n_outputs,
            activation=codec.activation,
            every_step=self._layout.every_step,
            embeddings=embeddings_for(self, codes),
        )

    def _loss_for(self, activation: str) -> str:
        losses = self._losses[activation]
        if self.loss is None:
            return losses[0]
        if self.loss not in losses:
            raise ValueError(
                f"loss={shown(self.loss)} does not go with this target, for which the "
                f"output is {activation}. Choose one of {', '.join(losses)}, or None "
                "to have it chosen."
            )
        return self.loss

    # -- prediction -----------------------------------------------------------------

    def predict(self, X: ArrayLike) -> Any:
        """The targets: the most probable labels, or the numbers.

        Of two or more classes the most probable one, of several labels all that are
        more probable than not. Of ``loss="quantile"`` the median: where 0.5 is not
        among the quantiles, it is on the straight line between its neighbours, or the
        nearest quantile if all are on one side of 0.5.

        Parameters
        ----------
        X : as in `fit`, with any number of timesteps

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs); of a timestep \
estimator (n_samples, n_timesteps) or (n_samples, n_timesteps, n_outputs), or \
(n_samples,) of ndarray
            As y was in `fit`. At timesteps: the last, an object array with an array for
            every sequence, if X is a list of sequences; otherwise NaN at padded
            timesteps, so integer labels become floats and text objects, if there are
            any. A row alone and in a batch may differ by rounding, numbers by some 3e-7
            standard deviations of y.

        Notes
        -----
        scikit-learn's metrics read a matrix of labels as indicators: flatten those of
        timesteps and y before you call one, or let
        :func:`~sklstm.metrics.make_timestep_scorer` do so.
        """
        check_fitted(self)
        return self._decoded(X, self.codec_.decode)

    def _decoded(
        self, X: Any, decode: Callable[[NDArray[np.float64]], NDArray[Any]]
    ) -> Any:
        """Decoded outputs, in the places that y has beside X."""
        sequences = check_sequences(self, X, reset=False)
        rows = decode(self.network_(sequences))
        return self._layout.place(rows, sequences, like=X)

    def _score_rows(
        self, X: Any, y: Any, sample_weight: Any, metric: Callable[..., float]
    ) -> float:
        """A metric of all rows of y that have a weight."""
        check_fitted(self)
        given = self._read(X, y, sample_weight, reset=False)
        outputs = given.rows_of(self.network_(given.sequences))
        predicted = self.codec_.decode(outputs)
        return float(metric(given.y, predicted, sample_weight=given.weights))

    @property
    def weights_(self) -> dict[str, NDArray[np.float32]]:
        """Parameters by name, such as ``lstm_1/forward/kernel``; read-only views."""
        check_fitted(self)
        return self.network_.weights

    def to_keras(self, *, mask: bool = False) -> Any:
        """A network of standard Keras layers that predicts the same.

        Parameters
        ----------
        mask : bool, default=False
            Whether the network takes a second input, booleans of shape ``(n_samples,
            n_timesteps)`` that are False at padded timesteps. Without it all timesteps
            count as data.

        Returns
        -------
        keras.Model
            Input of shape ``(n_samples, n_timesteps, n_features)`` without NaN: missing
            codes of `categorical_features` are -1. A classifier's network gives
            probabilities: one column for two classes, else one per class or label; a
            regressor's gives the targets, or with ``loss="quantile"`` all quantiles of
            the first target, then of the second and so on, as they are before
            `predict_quantiles` sorts them.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        RuntimeError
            If TensorFlow is set to build graphs, or networks for several devices.
        """
        check_fitted(self)
        from sklstm.training.layers import keras_layers
        from sklstm.training.settings import check_settings

        check_settings("to_keras")
        network = keras_layers(
            self.network_.architecture, mask=mask, codes=self.network_.codes
        )
        weights = self.codec_.in_units_of_y(self.network_.weights)
        network.set_weights(list(weights.values()))
        return network

    # -- what is saved --------------------------------------------------------------

    _saved: ClassVar[dict[str, Kind]] = {
        **OF_SEQUENCES,
        "is_categorical_": ANYTHING,
        "n_outputs_": count("outputs"),
        "n_epochs_": count("epochs"),
        "history_": ANYTHING,
        "codec_": Part(*CODECS),
        "network_": Part(Network),
        "_training_state": Maybe(ANYTHING),
    }

    def _not_saved(self) -> set[str]:
        return set() if self.keep_optimizer_state else {"_training_state"}

    def __getstate__(self) -> dict[str, Any]:
        check_copied_whole(self.optimizer)
        return super().__getstate__()

    def _derive(self) -> None:
        self.network_.prepare()

    def _contradictions(self) -> Iterator[str]:
        architecture = self.network_.architecture
        if architecture.every_step != self._layout.every_step:
            yield f"its network has every_step={architecture.every_step}"
        if architecture.activation not in self._losses:
            yield f"its network ends in {architecture.activation}"
        if architecture.n_features != n_step_features(self):
            yield (
                f"its network reads {architecture.n_features} features per timestep, "
                f"but was fitted on {n_step_features(self)}"
            )
        columns, embedded = categorical_columns(self), architecture.categorical
        if not np.array_equal(columns, embedded):
            yield (
                f"is_categorical_ is of features {shown(columns.tolist())}, its "
                f"network embeds {shown(embedded.tolist())}"
            )
        yield from self.codec_.contradictions(architecture)
        if self.codec_.n_targets != self.n_outputs_:
            yield (
                f"n_outputs_={shown(self.n_outputs_)} of {self.codec_.n_targets} "
                "outputs"
            )

    # -- scikit-learn's protocol ----------------------------------------------------

    def __sklearn_clone__(self) -> Self:
        check_copied_whole(self.optimizer)
        cloned: Self = super().__sklearn_clone__()
        return cloned

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True  # a timestep of NaN is padding
        return tags
