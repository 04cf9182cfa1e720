"""One fit: choose a network, borrow it, write its state, train, read it back."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from sklstm.network import Architecture, Network
from sklstm.targets.training_set import TrainingSet
from sklstm.training import runtime
from sklstm.training.any_size_network import AnySizeStructure
from sklstm.training.layers_network import LayersStructure
from sklstm.training.lending import POOL
from sklstm.training.model import ModelInTraining, Reader
from sklstm.training.recipe import Recipe
from sklstm.training.wrapper import train


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What is left of training."""

    network: Network
    optimizer_state: list[NDArray[Any]]
    history: dict[str, list[float]]


def trains_on_layers(recurrent_dropout: float) -> bool:
    """Whether a network of Keras' own layers trains.

    On a GPU they use cuDNN, which knows no recurrent dropout; the fused kernel runs on
    the processor only.
    """
    return runtime.has_gpu() and not recurrent_dropout


class _Reports(keras.callbacks.Callback):
    """Tells a reporter of every epoch, and stops if it says so."""

    def __init__(self, reporter: Any, architecture: Architecture, codes: Any) -> None:
        super().__init__()
        self.reporter = reporter
        self.architecture = architecture
        self.codes = codes

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.reporter.begin_epoch()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.reporter.end_epoch(self.network_now):
            self.model.stop_training = True

    def network_now(self) -> Network:
        return Network(self.architecture, self.model.parameters, self.codes)


class _BestParameters(keras.callbacks.EarlyStopping):
    """Early stopping that puts the best parameters back bit for bit."""

    def __init__(self, network: Any, patience: int) -> None:
        super().__init__("val_loss", patience=patience, restore_best_weights=True)
        self.network = network

    def set_model(self, model: Any) -> None:
        """Not as callbacks see it: in units of y numbers are rounded."""
        super().set_model(self.network)


def fit_network(
    architecture: Architecture,
    parameters: NDArray[np.float32],
    data: TrainingSet,
    recipe: Recipe,
    *,
    validation_data: TrainingSet | None,
    optimizer_state: list[NDArray[Any]] | None,
    initial_epoch: int,
    callbacks: list[Any],
    reporter: Any,
    reader: Reader,
    rng: np.random.Generator,
    codes: tuple[NDArray[np.int64], ...] = (),
) -> TrainingResult:
    """Train the network of an architecture, from given parameters.

    Parameters
    ----------
    architecture : Architecture
    parameters : ndarray of shape (architecture.n_parameters,)
    data : TrainingSet
    recipe : Recipe
    validation_data : TrainingSet or None
    optimizer_state : list of ndarray or None
        None starts afresh.
    initial_epoch : int
        How many epochs were run before.
    callbacks : list of keras.callbacks.Callback
    reporter : EpochReporter
    reader : Reader
        Of what callbacks give the network.
    rng : numpy.random.Generator
        For the order of samples and for dropout.
    codes : tuple of ndarray of shape (n_codes,), int64, default=()
        Of the network; in the data are their places.

    Returns
    -------
    TrainingResult

    Raises
    ------
    ValueError
        If training diverges.
    """
    structure: AnySizeStructure | LayersStructure
    if trains_on_layers(recipe.recurrent_dropout):
        structure = LayersStructure(architecture, recipe.dropout, recipe.loss)
    else:
        structure = AnySizeStructure.of(
            architecture, recipe.loss, recurrent_dropout=recipe.recurrent_dropout > 0
        )
    with POOL.borrow(structure, recipe.optimizer) as network:
        shown = ModelInTraining(network, architecture, codes, reader)
        if recipe.patience is not None:
            callbacks = [*callbacks, _BestParameters(network, recipe.patience)]
        callbacks = [*callbacks, _Reports(reporter, architecture, codes)]
        network.assign(parameters, architecture, rng, recipe.rates)
        network.set_optimizer_state(optimizer_state)
        if recipe.learning_rate is not None:
            network.optimizer.learning_rate = recipe.learning_rate
        try:
            history = train(
                network,
                data,
                recipe,
                validation_data=validation_data,
                initial_epoch=initial_epoch,
                callbacks=callbacks,
                shown=shown,
            )
        finally:
            shown.close()
        # A rate that falls to zero ends where it was planned to.
        if recipe.patience is not None and recipe.schedule == "constant":
            _warn_if_still_improving(history["val_loss"], recipe.epochs)
        trained = Network(architecture, network.parameters, codes)
        trained.prepare()
        return TrainingResult(trained, network.optimizer_state, history)


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
