"""One fit: choose a network, borrow it, write its state, train, read it back."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from sklstm.parameters import Architecture
from sklstm.targets import TrainingSet
from sklstm.training import runtime
from sklstm.training.network import AnySizeStructure, LayersStructure
from sklstm.training.optimizers import OptimizerSpec
from sklstm.training.pool import POOL
from sklstm.training.wrapper import train


@dataclass(frozen=True, eq=False)
class Trained:
    """What is left of training."""

    parameters: NDArray[np.float32]
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

    def __init__(self, reporter: Any) -> None:
        super().__init__()
        self.reporter = reporter

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.reporter.begin_epoch()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.reporter.end_epoch(lambda: self.model.parameters):
            self.model.stop_training = True


def fit_network(
    architecture: Architecture,
    parameters: NDArray[np.float32],
    data: TrainingSet,
    *,
    validation_data: TrainingSet | None,
    loss: str,
    optimizer: OptimizerSpec,
    learning_rate: float | None,
    optimizer_state: list[NDArray[Any]] | None,
    clipnorm: float | None,
    dropout: float,
    recurrent_dropout: float,
    epochs: int,
    initial_epoch: int,
    batch_size: int,
    shuffle: bool,
    patience: int | None,
    callbacks: list[Any],
    reporter: Any,
    verbose: int,
    rng: np.random.Generator,
) -> Trained:
    """Train the network of an architecture, from given parameters.

    Parameters
    ----------
    architecture : Architecture
    parameters : ndarray of shape (architecture.n_parameters,)
    data : TrainingSet
    validation_data : TrainingSet or None
    loss : str
    optimizer : OptimizerSpec
    learning_rate : float or None
        None leaves it to the optimizer's schedule.
    optimizer_state : list of ndarray or None
        None starts afresh.
    clipnorm : float or None
        Largest norm of the gradient of all parameters together.
    dropout, recurrent_dropout : float
    epochs, initial_epoch, batch_size : int
    shuffle : bool
    patience : int or None
        Epochs without a better validation loss before training stops and the best
        parameters are restored; None never stops.
    callbacks : list of keras.callbacks.Callback
    reporter : EpochReporter
    verbose : {0, 1, 2}
    rng : numpy.random.Generator
        For the order of samples and for dropout.

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        If training diverges.
    """
    structure: AnySizeStructure | LayersStructure
    if trains_on_layers(recurrent_dropout):
        structure = LayersStructure(architecture, dropout, loss)
    else:
        structure = AnySizeStructure.of(
            architecture, loss, recurrent_dropout=recurrent_dropout > 0
        )
    if patience is not None:
        best = keras.callbacks.EarlyStopping(
            "val_loss", patience=patience, restore_best_weights=True
        )
        callbacks = [*callbacks, best]
    callbacks = [*callbacks, _Reports(reporter)]
    with POOL.borrow(structure, optimizer) as network:
        network.rng = rng
        network.dropout = dropout
        network.recurrent_dropout = recurrent_dropout
        network.clipnorm = np.inf if clipnorm is None else clipnorm
        network.assign(parameters, architecture)
        network.optimizer_state = optimizer_state
        if learning_rate is not None:
            network.optimizer.learning_rate = learning_rate
        history = train(
            network,
            data,
            validation_data=validation_data,
            epochs=epochs,
            initial_epoch=initial_epoch,
            batch_size=batch_size,
            shuffle=shuffle,
            callbacks=callbacks,
            verbose=verbose,
        )
        if patience is not None:
            _warn_if_still_improving(history["val_loss"], epochs)
        return Trained(network.parameters, network.optimizer_state, history)


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
