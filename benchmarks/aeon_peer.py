"""aeon's recurrent network as a classifier: aeon has one for regression only."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from aeon.classification.deep_learning.base import BaseDeepClassifier
from aeon.networks import RecurrentNetwork

# aeon's predict would draw a progress bar among the tables.
tf.keras.utils.disable_interactive_logging()


class RecurrentClassifier(BaseDeepClassifier):
    """Last states of a bidirectional LSTM, then a softmax; Adam."""

    def __init__(
        self,
        n_units: int,
        n_epochs: int,
        batch_size: int,
        learning_rate: float,
        random_state: int,
    ) -> None:
        self.n_units = n_units
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        super().__init__(batch_size=batch_size, random_state=random_state)

    def build_model(self, input_shape: tuple[int, ...], n_classes: int) -> Any:
        """A compiled Keras model for input of shape (n_timesteps, n_features)."""
        tf.keras.utils.set_random_seed(self.random_state)
        network = RecurrentNetwork("lstm", n_units=self.n_units, bidirectional=True)
        inputs, states = network.build_network(input_shape)
        outputs = tf.keras.layers.Dense(n_classes, activation="softmax")(states)
        model = tf.keras.Model(inputs, outputs)
        optimizer = tf.keras.optimizers.Adam(self.learning_rate)
        model.compile(optimizer, "categorical_crossentropy")
        return model

    def _fit(self, X: np.ndarray, y: np.ndarray) -> RecurrentClassifier:
        """Train on X of shape (n_samples, n_features, n_timesteps)."""
        one_hot = self.convert_y_to_keras(y)
        steps = X.transpose(0, 2, 1)
        self.model_ = self.build_model(steps.shape[1:], self.n_classes_)
        self.model_.fit(
            steps, one_hot, self.batch_size, epochs=self.n_epochs, verbose=0
        )
        return self
