"""What all estimators share: parameters, training, and the NumPy forward pass."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, field, replace
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklstm.copies import check_copied_whole
from sklstm.estimators.callbacks import (
    CallbackSupportMixin,
    EpochReporter,
    copy_callbacks,
)
from sklstm.estimators.embeddings import (
    Codes,
    categorical_columns,
    codes_for,
    embeddings_for,
)
from sklstm.forks import refuse_lost_threads
from sklstm.network import (
    DIRECTIONS,
    MERGE_MODES,
    Architecture,
    Network,
    initial_parameters,
)
from sklstm.parameters import HasMethods, Interval, StrOptions, unchanged_on_error
from sklstm.persistence import SavedState, input_contradictions, is_count
from sklstm.sequences.checks import check_sequences, n_step_features
from sklstm.sequences.codes import with_places
from sklstm.targets import (
    PER_SEQUENCE,
    Codec,
    Labelled,
    Layout,
    TrainingSet,
    arrange,
    codec_of_state,
)

Direction = Literal["bidirectional", "forward", "backward"]
MergeMode = Literal["concat", "sum", "mul", "ave"]


@dataclass(eq=False, repr=False)
class BaseBiLSTM(SavedState, CallbackSupportMixin, BaseEstimator, metaclass=ABCMeta):
    """Fit, save and predict; a subclass says what its target is."""

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
    clipnorm: float | None = None
    loss: str | None = None
    epochs: int = 100
    batch_size: int = 32
    shuffle: bool = True
    early_stopping: bool = False
    validation_fraction: float = 0.1
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
        "clipnorm": [Interval(Real, 0, None, closed="neither"), None],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
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
        y: NDArray[Any],
        weights: NDArray[np.float64] | None,
        fitted: Any,
        **known: Any,
    ) -> Codec:
        """The fitted codec, or one that is learnt from y."""

    def _weights_of(
        self, y: NDArray[Any], weights: NDArray[np.float64] | None, codec: Codec
    ) -> NDArray[np.float64] | None:
        """Weights of the rows of y in training."""
        return weights

    # -- training -------------------------------------------------------------------

    def _fit_whole(self, X: Any, y: Any, sample_weight: Any) -> None:
        """All epochs, from the start unless `warm_start` is set."""
        resume = self.warm_start and "network_" in vars(self)
        self._fit(X, y, sample_weight, epochs=self.epochs, resume=resume)

    def _fit_part(self, X: Any, y: Any, sample_weight: Any, **known: Any) -> None:
        """One epoch, going on from the previous call."""
        if self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: each call trains "
                "one epoch on the samples it is given. Set early_stopping=False."
            )
        resume = "network_" in vars(self)
        self._fit(X, y, sample_weight, epochs=1, resume=resume, **known)

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        epochs: int,
        resume: bool,
        **known: Any,
    ) -> None:
        """Train for some epochs, from where the last call ended if `resume`.

        `known` goes to `_codec_for`. The estimator is left as it was if anything fails.
        """
        reporter = EpochReporter(self, X, y, sample_weight, epochs=epochs)
        with unchanged_on_error(self):
            start: Network | None = self.network_ if resume else None
            if start is None:
                self.__dict__.pop("network_", None)
            given = self._read(X, y, sample_weight, reset=not resume)
            codec = self._codec_for(
                given.y, given.weights, self.codec_ if resume else None, **known
            )
            codes = codes_for(self, X, given.sequences, start)
            architecture = self._architecture_for(codec, codes)
            if start is not None and architecture != start.architecture:
                raise ValueError(
                    "Training cannot go on with another architecture: the fitted one "
                    f"is {start.architecture}, the parameters ask for {architecture}. "
                    "Give the parameters the fitted values, or call fit with "
                    "warm_start=False to start again."
                )
            weights = self._weights_of(given.y, given.weights, codec)
            target = codec.encode(given.y, weights, type(self).__name__)
            self.codec_, self.n_outputs_ = codec, codec.n_outputs
            self._train(
                arrange(given, target),
                architecture,
                codes,
                start,
                reporter,
                epochs=epochs,
            )
        reporter.end_fit()

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
                f"{self.units!r} instead."
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
                f"loss={self.loss!r} does not go with this target, for which the "
                f"output is {activation}. Choose one of {', '.join(losses)}, or None "
                "to have it chosen."
            )
        return self.loss

    def _train(
        self,
        data: TrainingSet,
        architecture: Architecture,
        codes: Codes,
        start: Network | None,
        reporter: EpochReporter,
        *,
        epochs: int,
    ) -> None:
        refuse_lost_threads()
        from sklstm.training.fitting import fit_network, trains_on_layers
        from sklstm.training.optimizers import read_optimizer
        from sklstm.training.recipe import Recipe

        sequences = with_places(data.sequences, architecture.categorical, codes)
        data = replace(data, sequences=sequences.in_memory())
        previous = None if start is None else vars(self).get("_training_state")
        if previous is not None:
            rng = np.random.default_rng()
            rng.bit_generator.state = previous["rng"]
        else:
            rng = _generator(self.random_state, 0 if start is None else self.n_epochs_)
        # An optimizer's state is of no use to another, nor to another kind of network.
        spec, learning_rate = read_optimizer(
            self.optimizer,
            self.learning_rate,
            clipnorm=self.clipnorm,
            early_stopping=self.early_stopping,
        )
        on_layers = trains_on_layers(self.recurrent_dropout)
        state_of = (spec.name, spec.config, on_layers)
        same = previous is not None and previous["state_of"] == state_of
        validation = None
        if self.early_stopping:
            data, validation = data.split(self.validation_fraction, rng)
        recipe = Recipe(
            loss=self._loss_for(architecture.activation),
            optimizer=spec,
            learning_rate=learning_rate,
            clipnorm=self.clipnorm,
            dropout=float(self.dropout),
            recurrent_dropout=float(self.recurrent_dropout),
            epochs=epochs,
            batch_size=self.batch_size,
            shuffle=self.shuffle,
            patience=self.patience if self.early_stopping else None,
            verbose=int(self.verbose),
        )
        parameters = (
            initial_parameters(architecture, rng) if start is None else start.flat
        )
        trained = fit_network(
            architecture,
            parameters,
            data,
            recipe,
            validation_data=validation,
            optimizer_state=previous["optimizer"] if previous and same else None,
            initial_epoch=0 if start is None else self.n_epochs_,
            callbacks=copy_callbacks(self.callbacks, type(self).__name__),
            reporter=reporter,
            rng=rng,
            codes=codes,
        )
        history = {} if start is None else self.history_
        self.history_ = {
            name: [*history.get(name, []), *values]
            for name, values in trained.history.items()
        }
        self.n_epochs_ = len(self.history_["loss"])
        self._training_state = {
            "optimizer": trained.optimizer_state,
            "state_of": state_of,
            "rng": rng.bit_generator.state,
        }
        self.network_ = trained.network

    # -- prediction -----------------------------------------------------------------

    def _predict(
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
        check_is_fitted(self)
        given = self._read(X, y, sample_weight, reset=False)
        outputs = given.rows_of(self.network_(given.sequences))
        predicted = self.codec_.decode(outputs)
        return float(metric(given.y, predicted, sample_weight=given.weights))

    @property
    def weights_(self) -> dict[str, NDArray[np.float32]]:
        """Parameters by name, such as ``lstm_1/forward/kernel``; read-only views."""
        check_is_fitted(self)
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
            regressor's gives the targets.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        """
        check_is_fitted(self)
        from sklstm.training.layers import keras_layers

        network = keras_layers(
            self.network_.architecture, mask=mask, codes=self.network_.codes
        )
        weights = self.codec_.in_units_of_y(self.network_.weights)
        network.set_weights(list(weights.values()))
        return network

    # -- what is saved --------------------------------------------------------------

    def _pack(self, state: dict[str, Any]) -> dict[str, Any]:
        check_copied_whole(self.optimizer)
        if not self.keep_optimizer_state:
            state.pop("_training_state", None)
        for name in ("codec_", "network_"):
            if name in state:
                state |= state.pop(name).to_state()
        return state

    def _unpack(self, state: dict[str, Any]) -> dict[str, Any]:
        if "_flat" not in state:
            return state
        codec, network = codec_of_state(state), Network.from_state(state)
        for name in {*codec.to_state(), *network.to_state()} - {"classes_"}:
            del state[name]
        return state | {"codec_": codec, "network_": network}

    def _derive(self) -> None:
        self.network_.prepare()

    def _contradictions(self) -> Iterator[str]:
        yield from input_contradictions(self)
        yield from self.network_.contradictions()
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
        if architecture.n_outputs != self.n_outputs_:
            yield f"n_outputs_={self.n_outputs_!r} of {architecture.n_outputs} outputs"
        columns, embedded = categorical_columns(self), architecture.categorical
        if not np.array_equal(columns, embedded):
            yield (
                f"is_categorical_ is of features {columns.tolist()}, its network "
                f"embeds {embedded.tolist()}"
            )
        if not is_count(self.n_epochs_):
            yield f"n_epochs_={self.n_epochs_!r} is no number of epochs"
        yield from self.codec_.contradictions(architecture)

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


def _generator(random_state: Any, n_epochs: int) -> np.random.Generator:
    """A generator of our own; None takes fresh entropy, not NumPy's global state.

    Training that goes on after some epochs draws anew, or it would repeat the order of
    samples that these epochs had.
    """
    if random_state is None:
        return np.random.default_rng()
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=4)
    return np.random.default_rng([*seed, n_epochs] if n_epochs else seed)
