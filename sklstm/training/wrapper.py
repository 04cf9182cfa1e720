"""The way through scikeras: it takes row numbers, our network reads the sequences."""

from __future__ import annotations

import sys
from typing import Any

import keras
import numpy as np
from sklearn.preprocessing import FunctionTransformer

from sklstm.targets.training_set import TrainingSet
from sklstm.training.epochs import EpochNetwork
from sklstm.training.model import ModelInTraining
from sklstm.training.recipe import Recipe

_PATCHED_BY_SCIKERAS = (
    (keras.Model, "__reduce__"),
    (keras.Model, "__deepcopy__"),
    (keras.losses.Loss, "__reduce__"),
    (keras.metrics.Metric, "__reduce__"),
    (keras.optimizers.Optimizer, "__reduce__"),
)


def _import_base_wrapper() -> Any:
    """Import scikeras, and undo what importing it does to classes of Keras.

    Keras 3 pickles its objects itself; a user who imported scikeras keeps its patches.
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


class _RowWrapper(_import_base_wrapper()):  # type: ignore[misc]
    """A scikeras wrapper that is given row numbers for X and y.

    scikeras refuses NaN, sequences of unequal length and a target at every timestep,
    and copies what it accepts. Its interface for data transformers turns the rows it
    has validated into the data that the network reads, no data frame whatever
    scikit-learn's `transform_output` says.
    """

    #: Trailing underscore: scikeras takes every other attribute for a parameter.
    data_: TrainingSet

    @property
    def feature_encoder(self) -> Any:
        encoder = FunctionTransformer(lambda rows: self.data_, check_inverse=False)
        return encoder.set_output(transform="default")

    @property
    def target_encoder(self) -> Any:
        return FunctionTransformer().set_output(transform="default")

    def _type_of_target(self, y: Any) -> str:
        return "encoded"


def train(
    network: EpochNetwork,
    data: TrainingSet,
    recipe: Recipe,
    *,
    validation_data: TrainingSet | None,
    initial_epoch: int,
    callbacks: list[Any],
    shown: ModelInTraining,
) -> dict[str, list[float]]:
    """Train a network through scikeras.

    Parameters
    ----------
    network : EpochNetwork
        Ready to train: parameters, optimizer state and random generator written.
    data : TrainingSet
    recipe : Recipe
        Its epochs come beyond `initial_epoch`.
    validation_data : TrainingSet or None
    initial_epoch : int
        How many were run before; callbacks count on from there.
    callbacks : list of keras.callbacks.Callback
    shown : ModelInTraining
        What they see of the network.

    Returns
    -------
    dict of str to list of float
        Loss and metrics by epoch.
    """
    wrapper = _RowWrapper(
        model=network,
        callbacks=callbacks,
        fit__recipe=recipe,
        fit__validation_data=validation_data,
        fit__shown=shown,
    )
    wrapper.data_ = data
    rows = np.arange(len(data))
    wrapper.fit(rows[:, None], rows, initial_epoch=initial_epoch)
    return {
        name: [float(value) for value in values]
        for name, values in network.history.history.items()
    }
