"""What all estimators share: parameters, training, and the NumPy forward pass."""

from __future__ import annotations

import copy
from abc import ABCMeta, abstractmethod
from collections.abc import Iterator
from dataclasses import asdict, replace
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklstm.estimators.callbacks import CallbackSupportMixin, EpochReporter
from sklstm.inference import ForwardPass
from sklstm.parameters import (
    DIRECTIONS,
    MERGE_MODES,
    Architecture,
    initial_parameters,
    split_parameters,
)
from sklstm.persistence import (
    SavedState,
    input_contradictions,
    is_count,
    is_finite_array,
)
from sklstm.targets import Labelled, Target, TrainingSet, arrange
from sklstm.validation import (
    HasMethods,
    Interval,
    StrOptions,
    check_lengths_match,
    check_sample_weight,
    check_sequences,
    n_step_features,
    unchanged_on_error,
)


class BaseBiLSTM(SavedState, CallbackSupportMixin, BaseEstimator, metaclass=ABCMeta):
    """Fit, save and predict; a subclass says what its target is."""

    units: int | tuple[int, ...]
    direction: str
    merge_mode: str
    dropout: float
    recurrent_dropout: float
    optimizer: Any
    learning_rate: float | None
    clipnorm: float | None
    loss: str | None
    epochs: int
    batch_size: int
    shuffle: bool
    early_stopping: bool
    validation_fraction: float
    patience: int
    callbacks: Any
    warm_start: bool
    keep_optimizer_state: bool
    verbose: int
    random_state: Any

    n_outputs_: int
    n_epochs_: int
    history_: dict[str, list[float]]
    _architecture: Architecture
    _flat: NDArray[np.float32]

    _learnt: ClassVar[str] = "_flat"
    _derived: ClassVar[frozenset[str]] = frozenset({"_forward_pass"})

    #: Losses by activation, the default first.
    _losses: ClassVar[dict[str, tuple[str, ...]]]

    #: Whether there is an output at every timestep, or one per sequence.
    _every_step: ClassVar[bool] = False

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "units": [Interval(Integral, 1, None, closed="left"), tuple, list],
        "direction": [StrOptions(set(DIRECTIONS))],
        "merge_mode": [StrOptions(set(MERGE_MODES))],
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
        """Validate y by itself."""

    @abstractmethod
    def _encode_target(
        self, y: NDArray[Any], weights: NDArray[np.float64] | None, *, reset: bool
    ) -> Target:
        """y as the network sees it; learn its classes or scale when `reset`."""

    # -- training -------------------------------------------------------------------

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

        `known` goes to `_encode_target`. The estimator is left as it was if anything
        fails.
        """
        reporter = EpochReporter(self, X, y, sample_weight, epochs=epochs)
        with unchanged_on_error(self):
            if not resume:
                self.__dict__.pop("_flat", None)
            labelled = self._read(X, y, sample_weight, reset=not resume)
            target = self._encode_target(
                labelled.y, labelled.weights, reset=not resume, **known
            )
            data = arrange(labelled, target)
            self.n_outputs_ = target.n_outputs
            architecture = self._architecture_for(target)
            if resume and architecture != self._architecture:
                raise ValueError(
                    "Training cannot go on with another architecture: the fitted one "
                    f"is {self._architecture}, the parameters ask for {architecture}. "
                    "Give the parameters the fitted values, or call fit with "
                    "warm_start=False to start again."
                )
            self._architecture = architecture
            self._train(data, reporter, epochs=epochs, resume=resume)
        reporter.end_fit()

    def _read(self, X: Any, y: Any, sample_weight: Any, *, reset: bool) -> Labelled:
        """X and y checked; samples of weight zero are left out."""
        sequences = check_sequences(self, X, reset=reset)
        y = self._check_target(y)
        check_lengths_match(sequences, y)
        weights = check_sample_weight(sample_weight, len(sequences))
        if weights is not None and not weights.all():
            used = np.flatnonzero(weights)
            sequences, y, weights = sequences.at(used), y[used], weights[used]
        return Labelled(sequences, y, weights)

    def _architecture_for(self, target: Target) -> Architecture:
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
            n_outputs=target.n_outputs,
            activation=target.activation,
            every_step=self._every_step,
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
        self, data: TrainingSet, reporter: EpochReporter, *, epochs: int, resume: bool
    ) -> None:
        from sklstm.training.fitting import fit_network, trains_on_layers
        from sklstm.training.optimizers import read_optimizer

        data = replace(data, sequences=data.sequences.in_memory())
        previous = vars(self).get("_training_state") if resume else None
        if previous is not None:
            rng = np.random.default_rng()
            rng.bit_generator.state = previous["rng"]
        else:
            rng = _generator(self.random_state, self.n_epochs_ if resume else 0)
        # An optimizer's state is of no use to another, nor to another kind of network.
        spec, learning_rate = read_optimizer(self.optimizer, self.learning_rate)
        on_layers = trains_on_layers(self.recurrent_dropout)
        state_of = (spec.name, spec.config, on_layers)
        same = previous is not None and previous["state_of"] == state_of
        validation = None
        if self.early_stopping:
            data, validation = self._split_validation(data, rng)
        trained = fit_network(
            self._architecture,
            self._flat if resume else initial_parameters(self._architecture, rng),
            data,
            validation_data=validation,
            loss=self._loss_for(self._architecture.activation),
            optimizer=spec,
            learning_rate=learning_rate,
            optimizer_state=previous["optimizer"] if previous and same else None,
            clipnorm=self.clipnorm,
            dropout=float(self.dropout),
            recurrent_dropout=float(self.recurrent_dropout),
            epochs=epochs,
            initial_epoch=self.n_epochs_ if resume else 0,
            batch_size=self.batch_size,
            shuffle=self.shuffle,
            patience=self.patience if self.early_stopping else None,
            callbacks=self._checked_callbacks(),
            reporter=reporter,
            verbose=int(self.verbose),
            rng=rng,
        )
        history = self.history_ if resume else {}
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
        self._flat = trained.parameters
        self._flat.flags.writeable = False
        self._forward_pass = ForwardPass(self._flat, self._architecture)

    def _checked_callbacks(self) -> list[Any]:
        """Copies of the callbacks: Keras hangs the network on those it is given."""
        callbacks = [] if self.callbacks is None else self.callbacks
        if not isinstance(callbacks, (list, tuple)):
            callbacks = [callbacks]
        for callback in callbacks:
            if isinstance(callback, type) or not hasattr(callback, "on_epoch_end"):
                raise ValueError(
                    f"The 'callbacks' parameter of {type(self).__name__} must be a "
                    "keras.callbacks.Callback, a list of them or None. Got "
                    f"{callback!r}; give an instance, such as "
                    "keras.callbacks.TerminateOnNaN()."
                )
            if type(callback).__name__ == "BackupAndRestore":
                raise ValueError(
                    "keras.callbacks.BackupAndRestore does not know the state of "
                    f"{type(self).__name__}: training would start again from other "
                    "parameters. Save the estimator itself between calls of fit, with "
                    "warm_start=True and keep_optimizer_state=True."
                )
        return copy.deepcopy(list(callbacks))

    def _split_validation(
        self, data: TrainingSet, rng: np.random.Generator
    ) -> tuple[TrainingSet, TrainingSet]:
        """Split validation samples off, classes in proportion."""
        from sklearn.model_selection import train_test_split

        try:
            train, held_out = train_test_split(
                np.arange(len(data)),
                test_size=self.validation_fraction,
                stratify=data.strata,
                random_state=int(rng.integers(2**31)),
            )
        except ValueError as error:
            raise ValueError(
                f"early_stopping=True with validation_fraction="
                f"{self.validation_fraction} cannot split {len(data)} "
                f"samples: {error} Give more samples, another validation_fraction, or "
                "set early_stopping=False."
            ) from error
        return data.at(train), data.at(held_out)

    def _can_resume(self) -> bool:
        return "_flat" in vars(self)

    def _refuse_early_stopping(self) -> None:
        if self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: each call trains "
                "one epoch on the samples it is given. Set early_stopping=False."
            )

    # -- prediction -----------------------------------------------------------------

    def _predict_outputs(self, X: Any) -> NDArray[np.float64]:
        """Activated outputs, shape (n_samples, n_outputs), of the samples of X."""
        check_is_fitted(self)
        return self._forward_pass(check_sequences(self, X, reset=False))

    @property
    def weights_(self) -> dict[str, NDArray[np.float32]]:
        """Parameters by name, such as ``lstm_1/forward/kernel``; read-only views."""
        check_is_fitted(self)
        return split_parameters(self._flat, self._architecture)

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
            Input of shape ``(n_samples, n_timesteps, n_features)`` without NaN. A
            classifier's network gives probabilities: one column for two classes, else
            one per class or label; a regressor's gives the targets.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        """
        check_is_fitted(self)
        from sklstm.training.layers import keras_layers

        network = keras_layers(self._architecture, mask=mask)
        network.set_weights(list(self._keras_weights().values()))
        return network

    def _keras_weights(self) -> dict[str, NDArray[Any]]:
        """`weights_` as `to_keras` needs them, by name."""
        return dict(self.weights_)

    # -- what is saved --------------------------------------------------------------

    def _pack(self, state: dict[str, Any]) -> dict[str, Any]:
        if not self.keep_optimizer_state:
            state.pop("_training_state", None)
        if "_architecture" in state:
            state["_architecture"] = asdict(state["_architecture"])
        return state

    def _unpack(self, state: dict[str, Any]) -> dict[str, Any]:
        if "_architecture" in state:
            sizes = state["_architecture"]
            units = tuple(sizes["units"])
            state["_architecture"] = Architecture(**{**sizes, "units": units})
        return state

    def _derive(self) -> None:
        self._flat.flags.writeable = False
        self._forward_pass = ForwardPass(self._flat, self._architecture)

    def _contradictions(self) -> Iterator[str]:
        yield from input_contradictions(self)
        network = self._architecture
        yield from network.contradictions()
        if network.every_step != type(self)._every_step:
            yield f"its network has every_step={network.every_step}"
        if network.activation not in type(self)._losses:
            yield f"its network ends in {network.activation}"
        if network.n_features != n_step_features(self):
            yield (
                f"its network reads {network.n_features} features per timestep, but "
                f"was fitted on {n_step_features(self)}"
            )
        if network.n_outputs != self.n_outputs_:
            yield f"n_outputs_={self.n_outputs_!r} of {network.n_outputs} outputs"
        if not is_count(self.n_epochs_):
            yield f"n_epochs_={self.n_epochs_!r} is no number of epochs"
        if not is_finite_array(self._flat, np.float32, (network.n_parameters,)):
            yield (
                f"its weights are not {network.n_parameters} finite float32, which "
                f"{network} needs"
            )

    # -- scikit-learn's protocol ----------------------------------------------------

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
