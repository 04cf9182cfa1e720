"""What happens in `fit` and `partial_fit`, step by step."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from sklstm.base.parameters import Draws, unchanged_on_error
from sklstm.estimators.callbacks import EpochReporter, copy_callbacks
from sklstm.estimators.embeddings import codes_for, is_number
from sklstm.estimators.training_data import DataReader, Validation
from sklstm.network import Architecture, Network, initial_parameters
from sklstm.sequences.batch import SequenceBatch
from sklstm.sequences.checks import fitted_on_table
from sklstm.sequences.suspicions import (
    sampled,
    warn_of_scale,
    warn_of_swapped_axes,
    warn_of_target_ahead,
)
from sklstm.targets import Labelled, TrainingSet

if TYPE_CHECKING:
    from sklstm.training.optimizers import OptimizerSpec
    from sklstm.training.recipe import Recipe, Start
    from sklstm.training.scikeras_wrapper import TrainingResult


@dataclass(frozen=True, kw_only=True)
class Call:
    """How an estimator was asked to train.

    Parameters
    ----------
    epochs : int
    schedule : {"auto", "constant", "cosine", "one_cycle"}
    resume : bool
        Whether to go on from where the last call ended.
    in_parts : bool, default=False
        Whether more samples may come, as in `partial_fit`.
    classes : array-like, default=None
        All labels that will ever come; None are those in y.
    """

    epochs: int
    schedule: str
    resume: bool
    in_parts: bool = False
    classes: Any = None


class Fit:
    """One call of `fit` or `partial_fit`.

    Parameters
    ----------
    estimator : BaseEstimator
        It is left as it was if anything fails.
    call : Call
    """

    def __init__(self, estimator: BaseEstimator, call: Call) -> None:
        self.estimator = estimator
        self.call = call
        self.start: Network | None = estimator.network_ if call.resume else None

    def run(self, X: Any, y: Any, sample_weight: Any, validation: Validation) -> None:
        """Read the data, train, and keep what was learnt."""
        estimator, epochs = self.estimator, self.call.epochs
        reporter = EpochReporter(estimator, X, y, sample_weight, epochs=epochs)
        with unchanged_on_error(estimator) as draws:
            given = self._read(X, y, sample_weight)
            reader = self._learn_target(given)
            data = reader.encoded(given)
            held_out = reader.held_out(validation)
            groups = validation.groups_of(data.sequences)
            data = reader.coded(data)
            self._train(data, held_out, groups, reader, reporter, draws)
            reporter.end_fit()

    def _read(self, X: Any, y: Any, sample_weight: Any) -> Labelled:
        """X, y and weights, checked; what looks like a mistake is said."""
        estimator = self.estimator
        if self.start is None:
            estimator.__dict__.pop("network_", None)
        given = estimator._read(X, y, sample_weight, reset=self.start is None)
        if self.start is None:
            _warn_of(estimator, X, y, given.sequences)
        return given

    def _learn_target(self, given: Labelled) -> DataReader:
        """Codec, codes and sizes, learnt or those of the last call."""
        estimator, start = self.estimator, self.start
        fitted = None if start is None else estimator.codec_
        codec = estimator._codec_for(given, fitted, self.call)
        codes = codes_for(estimator, given.sequences, start)
        architecture = estimator._architecture_for(codec, codes)
        if start is not None and architecture != start.architecture:
            fitted_ones, asked_for = start.architecture.differences(architecture)
            raise ValueError(
                "Training cannot go on with another architecture: the fitted one has "
                f"{fitted_ones}, the parameters ask for {asked_for}. Give the "
                "parameters the fitted values, or call fit with warm_start=False to "
                "start again."
            )
        estimator.codec_, estimator.n_outputs_ = codec, codec.n_targets
        return DataReader(estimator, codec, architecture, codes, given)

    def _train(
        self,
        data: TrainingSet,
        held_out: TrainingSet | None,
        groups: NDArray[Any] | None,
        reader: DataReader,
        reporter: EpochReporter,
        draws: Draws,
    ) -> None:
        """Train the network on data that are read, and keep it."""
        refuse_lost_threads()
        from sklstm.training.scikeras_wrapper import fit_network
        from sklstm.training.settings import check_settings

        check_settings("fit")
        estimator = self.estimator
        rng = self._generator(draws)
        callbacks = copy_callbacks(estimator.callbacks, type(estimator).__name__)
        recipe = self._recipe(reader.architecture.activation, callbacks)
        if held_out is None and estimator.early_stopping:
            splitter = estimator.validation_split
            with draws.of(_random_state_of(splitter)):
                data, held_out = data.split(
                    estimator.validation_fraction, rng, splitter=splitter, groups=groups
                )
        state_of = self._state_of(recipe.optimizer)
        trained = fit_network(
            reader.architecture,
            reader.codes,
            self._starting_point(reader.architecture, rng, state_of),
            data,
            recipe,
            validation_data=held_out,
            callbacks=callbacks,
            reporter=reporter,
            reader=reader,
        )
        self._keep(trained, state_of, rng)

    def _generator(self, draws: Draws) -> np.random.Generator:
        """Random numbers of this call, seeded by the user's, or where they were."""
        estimator, previous = self.estimator, self._previous
        if previous is not None:
            rng = np.random.default_rng()
            rng.bit_generator.state = previous["rng"]
            return rng
        with draws.of(estimator.random_state) as random_state:
            seed = random_state.randint(np.iinfo(np.int32).max, size=4)
        # Training that goes on after some epochs draws anew, or it would repeat the
        # order of samples that these epochs had.
        return np.random.default_rng(seed if not self._epoch else [*seed, self._epoch])

    def _recipe(self, activation: str, callbacks: list[Any]) -> Recipe:
        """How the network is trained, by the parameters of the estimator."""
        from sklstm.training.optimizers import read_optimizer
        from sklstm.training.recipe import Recipe
        from sklstm.training.schedules import chosen_schedule

        estimator, call = self.estimator, self.call
        schedule = chosen_schedule(call.schedule, estimator.optimizer, callbacks)
        optimizer, learning_rate = read_optimizer(
            estimator.optimizer,
            estimator.learning_rate,
            clipnorm=estimator.clipnorm,
            schedule=schedule,
            early_stopping=estimator.early_stopping,
        )
        return Recipe(
            loss=estimator._loss_for(activation),
            optimizer=optimizer,
            learning_rate=learning_rate,
            schedule=schedule,
            gives_way=call.schedule == "auto",
            clipnorm=estimator.clipnorm,
            dropout=float(estimator.dropout),
            recurrent_dropout=float(estimator.recurrent_dropout),
            epochs=call.epochs,
            batch_size=estimator.batch_size,
            shuffle=estimator.shuffle,
            patience=estimator.patience if estimator.early_stopping else None,
            verbose=int(estimator.verbose),
        )

    def _starting_point(
        self, architecture: Architecture, rng: np.random.Generator, state_of: Any
    ) -> Start:
        """Parameters of the last call, or initial ones."""
        from sklstm.training.recipe import Start

        if self.start is None:
            return Start(initial_parameters(architecture, rng), rng)
        previous, state = self._previous, None
        if previous is not None and previous["state_of"] == state_of:
            state = previous["optimizer"]
        return Start(self.start.flat, rng, self._epoch, state)

    def _state_of(self, optimizer: OptimizerSpec) -> tuple[Any, ...]:
        """Whose an optimizer's state is: of no use to another, or to other networks."""
        from sklstm.training.scikeras_wrapper import trains_on_layers

        on_layers = trains_on_layers(self.estimator.recurrent_dropout)
        return optimizer.name, optimizer.config, on_layers

    def _keep(
        self, trained: TrainingResult, state_of: Any, rng: np.random.Generator
    ) -> None:
        """What the estimator has learnt."""
        estimator = self.estimator
        history = {} if self.start is None else estimator.history_
        estimator.history_ = {
            name: [*history.get(name, []), *values]
            for name, values in trained.history.items()
        }
        estimator.n_epochs_ = len(estimator.history_["loss"])
        estimator._training_state = {
            "optimizer": trained.optimizer_state,
            "state_of": state_of,
            "rng": rng.bit_generator.state,
        }
        estimator.network_ = trained.network

    @property
    def _epoch(self) -> int:
        """How many epochs were run before."""
        return 0 if self.start is None else self.estimator.n_epochs_

    @property
    def _previous(self) -> dict[str, Any] | None:
        """What the last call left for this one, beside the network."""
        if self.start is None:
            return None
        return vars(self.estimator).get("_training_state")


def _warn_of(
    estimator: BaseEstimator, X: Any, y: Any, sequences: SequenceBatch
) -> None:
    """Say what looks like a mistake in training data that can be read."""
    name = type(estimator).__name__
    sample = sampled(sequences)
    warn_of_scale(sample, is_number(estimator), name)
    if fitted_on_table(estimator):
        warn_of_target_ahead(X, y, name)
    else:
        warn_of_swapped_axes(sequences, sample)


def _random_state_of(splitter: Any) -> Any:
    """What a splitter draws from, if that is not its own; else a number."""
    random_state = getattr(splitter, "random_state", 0)
    shared = random_state is None or isinstance(random_state, np.random.RandomState)
    return random_state if shared else 0


_threads_are_lost = False


def refuse_lost_threads() -> None:
    """Training would wait for ever for threads that a fork has left behind.

    Raises
    ------
    RuntimeError
        In a forked child of a process in which TensorFlow had started.
    """
    if _threads_are_lost:
        raise RuntimeError(
            "fit was called in a forked child of a process in which TensorFlow had "
            "started, by a fit, to_keras() or a Keras object: TensorFlow's threads do "
            'not run here. Fit with joblib\'s backend "loky" or "threading", or start '
            'processes by "spawn"; a fitted estimator can predict in any process.'
        )


def _tensorflow_has_started() -> bool:
    """Whether there are threads: they start with the first tensor, not at import."""
    # Private: whatever TensorFlow offers to ask with would start it.
    eager = sys.modules.get("tensorflow.python.eager.context")
    context = None if eager is None else eager.context_safe()
    return context is not None and context._context_handle is not None


def _after_fork() -> None:
    global _threads_are_lost
    _threads_are_lost = _tensorflow_has_started()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
