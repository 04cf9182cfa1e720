"""One fit through scikeras: its wrapper borrows a network, and trains it.

What scikeras has words for goes through it: loss, optimizer, callbacks, epochs, size of
batches, shuffling, verbosity, validation data. Its checks of X and y are left out, and
so are its random numbers, since they refuse sequences and seed the whole process.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

import keras
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import FunctionTransformer

from sklstm.network import Architecture, Network
from sklstm.sequences.codes import Codes
from sklstm.targets.training_set import TrainingSet
from sklstm.training import losses, runtime
from sklstm.training.any_size_network import AnySizeStructure
from sklstm.training.layers_network import LayersStructure
from sklstm.training.lending import POOL
from sklstm.training.model import ModelInTraining, Reader
from sklstm.training.recipe import Recipe, Start


class Reporter(Protocol):
    """Whom the estimator has told of every epoch."""

    def begin_epoch(self) -> None:
        """An epoch begins."""

    def end_epoch(self, network: Callable[[], Network]) -> bool:
        """An epoch has ended; gives whether to stop."""


_PATCHED_BY_SCIKERAS = (
    (keras.Model, "__reduce__"),
    (keras.Model, "__deepcopy__"),
    (keras.losses.Loss, "__reduce__"),
    (keras.metrics.Metric, "__reduce__"),
    (keras.optimizers.Optimizer, "__reduce__"),
)


def _import_base_wrapper() -> Any:
    """Import scikeras, and put classes of Keras back as they were.

    Importing it patches them, without being asked. Keras 3 pickles its objects itself;
    a user who imported scikeras keeps its patches.
    """
    before = [
        (owner, name, vars(owner).get(name)) for owner, name in _PATCHED_BY_SCIKERAS
    ]
    patch_is_ours = "scikeras" not in sys.modules
    from scikeras.wrappers import BaseWrapper

    if patch_is_ours:
        for owner, name, method in before:
            if method is None:
                delattr(owner, name)
            else:
                setattr(owner, name, method)
    return BaseWrapper


class SequenceWrapper(_import_base_wrapper()):  # type: ignore[misc]
    """scikeras' wrapper for data that our estimators have read.

    X is a :class:`TrainingSet`, whose targets and weights are y and `sample_weight`.
    """

    def _validate_data(self, X: Any = None, y: Any = None, **settings: Any) -> Any:
        # Private, of a package that is no longer developed: scikeras validates whatever
        # it is given, and refuses NaN, sequences and a target at every timestep. If it
        # is renamed, every fit fails at once.
        return X, y

    @property
    def feature_encoder(self) -> Any:
        """Passes on what it is given, whatever `transform_output` is set to."""
        return FunctionTransformer().set_output(transform="default")

    target_encoder = feature_encoder


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What is left of training."""

    network: Network
    optimizer_state: list[NDArray[Any]]
    history: dict[str, list[float]]


class _Reports(keras.callbacks.Callback):
    """Tells a reporter of every epoch, and stops if it says so."""

    def __init__(self, reporter: Reporter) -> None:
        super().__init__()
        self.reporter = reporter

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.reporter.begin_epoch()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.reporter.end_epoch(self.model.as_network):
            self.model.stop_training = True


class _BestParameters(keras.callbacks.EarlyStopping):
    """Early stopping that puts the best parameters back bit for bit."""

    def __init__(self, patience: int) -> None:
        super().__init__("val_loss", patience=patience, restore_best_weights=True)

    def set_model(self, model: ModelInTraining) -> None:
        """Not as callbacks see it: in units of y numbers are rounded."""
        super().set_model(model.training)


def trains_on_layers(recurrent_dropout: float) -> bool:
    """Whether a network of Keras' own layers trains.

    On a GPU they use cuDNN, which knows no recurrent dropout; the fused kernel runs on
    the processor only.
    """
    return runtime.has_gpu() and not recurrent_dropout


def fit_network(
    architecture: Architecture,
    codes: Codes,
    start: Start,
    data: TrainingSet,
    recipe: Recipe,
    *,
    validation_data: TrainingSet | None,
    callbacks: list[Any],
    reporter: Reporter,
    reader: Reader,
) -> TrainingResult:
    """Train the network of an architecture.

    Parameters
    ----------
    architecture : Architecture
    codes : tuple of ndarray of shape (n_codes,), int64
        Of the network; in the data are their places.
    start : Start
    data : TrainingSet
    recipe : Recipe
    validation_data : TrainingSet or None
    callbacks : list of keras.callbacks.Callback
    reporter : EpochReporter
    reader : Reader
        Of what callbacks give the network.

    Returns
    -------
    TrainingResult

    Raises
    ------
    ValueError
        If training diverges.
    """
    with ExitStack() as loan:

        def borrowed(params: dict[str, Any]) -> ModelInTraining:
            """The model of the wrapper, of which scikeras tells the parameters."""
            structure = _structure_of(architecture, recipe)
            network = loan.enter_context(POOL.borrow(structure, params["optimizer"]))
            network.assign(start.parameters, architecture, start.rng, recipe.rates)
            network.set_optimizer_state(start.optimizer_state)
            if recipe.learning_rate is not None:
                network.optimizer.learning_rate = recipe.learning_rate
            shown = ModelInTraining(network, architecture, codes, reader)
            loan.callback(shown.close)
            return shown

        wrapper = _wrapper_of(borrowed, recipe, validation_data, callbacks, reporter)
        wrapper.fit(data, data.targets, initial_epoch=start.epoch)
        model: ModelInTraining = wrapper.model_
        # Keras' own, since scikeras gives a column of a callback another name.
        history = _as_floats(model.history.history)
        # A rate that falls to zero ends where it was planned to.
        if recipe.patience is not None and recipe.schedule == "constant":
            _warn_if_still_improving(history["val_loss"], recipe.epochs)
        trained = model.as_network()
        trained.prepare()
        return TrainingResult(trained, model.training.optimizer_state, history)


def _structure_of(
    architecture: Architecture, recipe: Recipe
) -> AnySizeStructure | LayersStructure:
    if trains_on_layers(recipe.recurrent_dropout):
        return LayersStructure(architecture, recipe.dropout, recipe.loss)
    return AnySizeStructure.of(
        architecture, recipe.loss, recurrent_dropout=recipe.recurrent_dropout > 0
    )


def _wrapper_of(
    model: Callable[..., ModelInTraining],
    recipe: Recipe,
    validation_data: TrainingSet | None,
    callbacks: list[Any],
    reporter: Reporter,
) -> SequenceWrapper:
    """The wrapper with the parameters that scikeras has; others go to `fit`."""
    if recipe.patience is not None:
        callbacks = [*callbacks, _BestParameters(recipe.patience)]
    return SequenceWrapper(
        model=model,
        loss=losses.known_to_keras(recipe.loss),
        optimizer=recipe.optimizer,
        callbacks=[*callbacks, _Reports(reporter)],
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        shuffle=recipe.shuffle,
        verbose=recipe.verbose,
        fit__validation_data=validation_data,
        fit__schedule=recipe.schedule,
        fit__gives_way=recipe.gives_way,
    )


def _as_floats(history: dict[str, list[Any]]) -> dict[str, list[float]]:
    return {name: [float(v) for v in values] for name, values in history.items()}


def _warn_if_still_improving(val_loss: list[float], epochs: int) -> None:
    """As scikit-learn's MLPClassifier does when it was not early stopping that ended.

    Only where more epochs are likely to help. Without early stopping the number of
    epochs is the user's choice, and nothing says what converged would be.
    """
    if len(val_loss) == epochs and all(val_loss[-1] < loss for loss in val_loss[:-1]):
        warnings.warn(
            f"early_stopping=True, but all epochs={epochs} were run and the last has "
            "the least validation loss: training has not converged. Give more epochs, "
            "or a higher learning_rate.",
            ConvergenceWarning,
            stacklevel=2,
        )
