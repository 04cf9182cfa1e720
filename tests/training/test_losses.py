"""Losses from logits against Keras' on probabilities."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklstm.network.forward import sigmoid, softmax
from sklstm.training.losses import count_correct, loss_per_row

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(6, 3))
BINARY = RNG.integers(0, 2, (6, 3)).astype(np.float32)
LABELS = RNG.integers(0, 3, (6, 1)).astype(np.float32)
ONE_HOT = np.eye(3)[LABELS[:, 0].astype(int)]
NUMBERS = RNG.normal(size=(6, 3))


@pytest.mark.parametrize(
    ("name", "targets", "activated", "as_keras"),
    [
        ("binary_crossentropy", BINARY, sigmoid(LOGITS), BINARY),
        ("binary_focal_crossentropy", BINARY, sigmoid(LOGITS), BINARY),
        ("categorical_crossentropy", LABELS, softmax(LOGITS), ONE_HOT),
        ("categorical_focal_crossentropy", LABELS, softmax(LOGITS), ONE_HOT),
        ("mean_squared_error", NUMBERS, LOGITS, NUMBERS),
        ("mean_absolute_error", NUMBERS, LOGITS, NUMBERS),
        ("huber", NUMBERS, LOGITS, NUMBERS),
        ("log_cosh", NUMBERS, LOGITS, NUMBERS),
    ],
)
def test_loss_is_that_of_keras(name, targets, activated, as_keras):
    """Per row, from logits where Keras takes probabilities."""
    expected = keras.losses.get(name)(
        as_keras.astype("float32"), activated.astype("float32")
    )
    ours = loss_per_row(name, targets.astype("float32"), LOGITS.astype("float32"))
    assert_allclose(ours, expected, rtol=2e-5)


def test_count_correct_weighs_rows():
    """A row counts if all its labels are right."""
    logits = np.array([[1.0, -1], [1, 1], [-1, -1]], np.float32)
    labels = np.array([[1.0, 0], [0, 1], [0, 0]], np.float32)
    weights = np.array([1.0, 10, 100], np.float32)
    assert count_correct("sigmoid", labels, logits, weights) == 101
    classes = np.array([[0.0], [1], [1]], np.float32)
    assert count_correct("softmax", classes, logits, weights) == 1
    assert count_correct("linear", classes, logits, weights) == 0
