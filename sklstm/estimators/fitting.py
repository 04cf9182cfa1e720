"""What happens in `fit` and `partial_fit`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.base.messages import shown
from sklstm.base.parameters import Draws, unchanged_on_error
from sklstm.base.schema import is_count
from sklstm.estimators.base import BaseBiLSTM, Schedule
from sklstm.estimators.callbacks import EpochReporter, copy_callbacks
from sklstm.estimators.embeddings import (
    Codes,
    codes_for,
    embeddings_for,
    is_number,
)
from sklstm.estimators.forks import refuse_lost_threads
from sklstm.estimators.validation import Validation, of_validation_data
from sklstm.network import Architecture, Network, initial_parameters
from sklstm.sequences.batch import SequenceBatch
from sklstm.sequences.checks import check_sequences, fitted_on_table, n_step_features
from sklstm.sequences.codes import with_places
from sklstm.sequences.suspicions import (
    Spread,
    sampled,
    warn_of_scale,
    warn_of_swapped_axes,
    warn_of_target_ahead,
    warn_of_validation,
)
from sklstm.targets import Codec, Labelled, TrainingSet, arrange


@dataclass(frozen=True, eq=False)
class DataReader:
    """Reads other data as those of training were: for validation, and for callbacks.

    Parameters
    ----------
    estimator : TrainableBiLSTM
    codec : Codec
    architecture : Architecture
    codes : tuple of ndarray of shape (n_codes,), int64
    training : Labelled
        On whose y classes are balanced.
    """

    estimator: TrainableBiLSTM
    codec: Codec
    architecture: Architecture
    codes: Codes
    training: Labelled

    def sequences(self, X: Any) -> SequenceBatch:
        """X, checked."""
        sequences = check_sequences(self.estimator, X, reset=False)
        self._compare(sequences, "What a callback asks about")
        return sequences

    def training_set(self, X: Any, y: Any, sample_weight: Any) -> TrainingSet:
        """X and y, checked and encoded."""
        return self._encoded(self.estimator._read(X, y, sample_weight, reset=False))

    def _encoded(self, given: Labelled) -> TrainingSet:
        estimator, codec = self.estimator, self.codec
        weights = estimator._weights_of(
            given.y, given.weights, codec, balanced_on=self.training.y
        )
        target = codec.encode(given.y, weights, type(estimator).__name__)
        return self.coded(arrange(given, target))

    def held_out(self, validation: Validation) -> TrainingSet | None:
        """Validation data of the user's own, if there are any."""
        if not validation.is_given:
            return None
        with of_validation_data():
            given = self.estimator._read(
                validation.X, validation.y, validation.sample_weight, reset=False
            )
            self._compare(given.sequences, "X_val")
            return self._encoded(given)

    @cached_property
    def _spread(self) -> Spread:
        # A callback may ask after every epoch.
        return Spread.of(self.training.sequences)

    def _compare(self, sequences: SequenceBatch, X_val: str) -> None:
        warn_of_validation(self._spread, sequences, is_number(self.estimator), X_val)

    def coded(self, data: TrainingSet) -> TrainingSet:
        """What was read as the network reads it."""
        columns = self.architecture.categorical
        sequences = with_places(data.sequences, columns, self.codes)
        return replace(data, sequences=sequences.in_memory())


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
        with unchanged_on_error(self) as draws:
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
            reader = DataReader(self, codec, architecture, codes, given)
            self._train(
                data,
                architecture,
                codes,
                start,
                reporter,
                reader=reader,
                validation_data=reader.held_out(validation),
                groups=validation.groups_of(data.sequences),
                epochs=epochs,
                schedule=schedule,
                draws=draws,
            )
            reporter.end_fit()

    def _warn_of(self, X: Any, y: Any, sequences: SequenceBatch) -> None:
        """Say what looks like a mistake in training data that can be read."""
        name = type(self).__name__
        sample = sampled(sequences)
        warn_of_scale(sample, is_number(self), name)
        if fitted_on_table(self):
            warn_of_target_ahead(X, y, name)
        else:
            warn_of_swapped_axes(sequences, sample)

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

    def _train(
        self,
        data: TrainingSet,
        architecture: Architecture,
        codes: Codes,
        start: Network | None,
        reporter: EpochReporter,
        *,
        reader: DataReader,
        validation_data: TrainingSet | None,
        groups: NDArray[Any] | None,
        epochs: int,
        schedule: Schedule,
        draws: Draws,
    ) -> None:
        refuse_lost_threads()
        from sklstm.training.fitting import fit_network, trains_on_layers
        from sklstm.training.optimizers import read_optimizer
        from sklstm.training.recipe import Recipe
        from sklstm.training.schedules import chosen_schedule
        from sklstm.training.settings import check_settings

        check_settings("fit")
        data = reader.coded(data)
        previous = None if start is None else vars(self).get("_training_state")
        if previous is not None:
            rng = np.random.default_rng()
            rng.bit_generator.state = previous["rng"]
        else:
            with draws.of(self.random_state) as random_state:
                rng = _generator(random_state, 0 if start is None else self.n_epochs_)
        callbacks = copy_callbacks(self.callbacks, type(self).__name__)
        chosen = chosen_schedule(schedule, self.optimizer, callbacks)
        spec, learning_rate = read_optimizer(
            self.optimizer,
            self.learning_rate,
            clipnorm=self.clipnorm,
            schedule=chosen,
            early_stopping=self.early_stopping,
        )
        # An optimizer's state is of no use to another, nor to another kind of network.
        on_layers = trains_on_layers(self.recurrent_dropout)
        state_of = (spec.name, spec.config, on_layers)
        same = previous is not None and previous["state_of"] == state_of
        if validation_data is None and self.early_stopping:
            splitter = self.validation_split
            with draws.of(_random_state_of(splitter)):
                data, validation_data = data.split(
                    self.validation_fraction, rng, splitter=splitter, groups=groups
                )
        recipe = Recipe(
            loss=self._loss_for(architecture.activation),
            optimizer=spec,
            learning_rate=learning_rate,
            schedule=chosen,
            gives_way=schedule == "auto",
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
            callbacks=callbacks,
            reporter=reporter,
            reader=reader,
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


def _random_state_of(splitter: Any) -> Any:
    """What a splitter draws from, if that is not its own; else a number."""
    random_state = getattr(splitter, "random_state", 0)
    shared = random_state is None or isinstance(random_state, np.random.RandomState)
    return random_state if shared else 0


def _generator(
    random_state: np.random.RandomState, n_epochs: int
) -> np.random.Generator:
    """A generator of our own, seeded by the user's.

    Training that goes on after some epochs draws anew, or it would repeat the order of
    samples that these epochs had.
    """
    seed = random_state.randint(np.iinfo(np.int32).max, size=4)
    return np.random.default_rng([*seed, n_epochs] if n_epochs else seed)
