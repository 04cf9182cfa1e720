"""What happens in `fit` and `partial_fit`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from sklstm.estimators.base import BaseBiLSTM, Schedule
from sklstm.estimators.callbacks import EpochReporter, copy_callbacks
from sklstm.estimators.embeddings import (
    Codes,
    codes_for,
    embeddings_for,
    is_number,
)
from sklstm.estimators.validation import Validation, of_validation_data
from sklstm.forks import refuse_lost_threads
from sklstm.network import Architecture, Network, initial_parameters
from sklstm.parameters import unchanged_on_error
from sklstm.persistence import is_count
from sklstm.sequences.batch import SequenceBatch
from sklstm.sequences.checks import fitted_on_table, n_step_features
from sklstm.sequences.codes import with_places
from sklstm.sequences.suspicions import (
    warn_of_scale,
    warn_of_swapped_axes,
    warn_of_target_ahead,
    warn_of_validation,
)
from sklstm.targets import Codec, Labelled, TrainingSet, arrange


class TrainableBiLSTM(BaseBiLSTM):
    """Trains a network, and keeps what is learnt."""

    def _fit_whole(
        self, X: Any, y: Any, sample_weight: Any, validation: Validation
    ) -> None:
        """All epochs, from the start unless `warm_start` is set."""
        resume = self.warm_start and "network_" in vars(self)
        self._fit(
            X,
            y,
            sample_weight,
            validation=validation,
            epochs=self.epochs,
            schedule=self.schedule,
            resume=resume,
        )

    def _fit_part(self, X: Any, y: Any, sample_weight: Any, **known: Any) -> None:
        """One epoch, going on from the previous call."""
        if self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: each call trains "
                "one epoch on the samples it is given. Set early_stopping=False."
            )
        resume = "network_" in vars(self)
        # Nobody knows how many calls will come.
        self._fit(
            X,
            y,
            sample_weight,
            validation=Validation(),
            epochs=1,
            schedule="constant",
            resume=resume,
            **known,
        )

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        validation: Validation,
        epochs: int,
        schedule: Schedule,
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
            if start is None:
                self._warn_of(X, y, given.sequences)
            codec = self._codec_for(
                given.y, given.weights, self.codec_ if resume else None, **known
            )
            codes = codes_for(self, given.sequences, start)
            architecture = self._architecture_for(codec, codes)
            if start is not None and architecture != start.architecture:
                fitted, asked_for = start.architecture.differences(architecture)
                raise ValueError(
                    "Training cannot go on with another architecture: the fitted one "
                    f"has {fitted}, the parameters ask for {asked_for}. Give the "
                    "parameters the fitted values, or call fit with warm_start=False "
                    "to start again."
                )
            weights = self._weights_of(
                given.y, given.weights, codec, balanced_on=given.y
            )
            target = codec.encode(given.y, weights, type(self).__name__)
            self.codec_, self.n_outputs_ = codec, codec.n_targets
            data = arrange(given, target)
            self._train(
                data,
                architecture,
                codes,
                start,
                reporter,
                validation_data=self._read_validation(validation, codec, given),
                groups=validation.groups_of(data.sequences),
                epochs=epochs,
                schedule=schedule,
            )
        reporter.end_fit()

    def _warn_of(self, X: Any, y: Any, sequences: SequenceBatch) -> None:
        """Say what looks like a mistake in training data that can be read."""
        name = type(self).__name__
        warn_of_scale(sequences, is_number(self), name)
        if fitted_on_table(self):
            warn_of_target_ahead(X, y, name)
        else:
            warn_of_swapped_axes(sequences)

    def _read_validation(
        self, validation: Validation, codec: Codec, training: Labelled
    ) -> TrainingSet | None:
        """Validation data, checked and encoded as those of training."""
        if not validation.is_given:
            return None
        with of_validation_data():
            given = self._read(
                validation.X, validation.y, validation.sample_weight, reset=False
            )
            warn_of_validation(training.sequences, given.sequences, is_number(self))
            weights = self._weights_of(
                given.y, given.weights, codec, balanced_on=training.y
            )
            target = codec.encode(given.y, weights, type(self).__name__)
            return arrange(given, target)

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
        validation_data: TrainingSet | None,
        groups: NDArray[Any] | None,
        epochs: int,
        schedule: Schedule,
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
            schedule=schedule,
            early_stopping=self.early_stopping,
        )
        on_layers = trains_on_layers(self.recurrent_dropout)
        state_of = (spec.name, spec.config, on_layers)
        same = previous is not None and previous["state_of"] == state_of
        if validation_data is not None:
            sequences = validation_data.sequences
            coded = with_places(sequences, architecture.categorical, codes)
            validation_data = replace(validation_data, sequences=coded.in_memory())
        elif self.early_stopping:
            data, validation_data = data.split(
                self.validation_fraction,
                rng,
                splitter=self.validation_split,
                groups=groups,
            )
        recipe = Recipe(
            loss=self._loss_for(architecture.activation),
            optimizer=spec,
            learning_rate=learning_rate,
            schedule=schedule,
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
            validation_data=validation_data,
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


def _generator(random_state: Any, n_epochs: int) -> np.random.Generator:
    """A generator of our own; None takes fresh entropy, not NumPy's global state.

    Training that goes on after some epochs draws anew, or it would repeat the order of
    samples that these epochs had.
    """
    if random_state is None:
        return np.random.default_rng()
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=4)
    return np.random.default_rng([*seed, n_epochs] if n_epochs else seed)
