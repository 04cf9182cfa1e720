"""Targets in their places."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklstm.sequences import SequenceBatch
from sklstm.targets.training_set import Labelled, Target, arrange


def batch(lengths):
    values = np.zeros((len(lengths), max(lengths), 1), np.float32)
    return SequenceBatch(values, np.array(lengths), True)


def target(values, weights=None, classes=None):
    values = np.asarray(values, np.float32)[:, None]
    return Target(None, values, weights, classes)


def test_rows_of_timesteps_go_to_their_timesteps():
    """In order, sample after sample; zero where there is none."""
    steps = np.array([[True, True, True], [True, False, False], [False, True, False]])
    data = arrange(
        Labelled(batch([3, 1, 2]), None, None, steps),
        target([1, 2, 3, 4, 5], np.array([1.0, 2, 4, 8, 16])),
    )
    assert_array_equal(data.targets[:, :, 0], [[1, 2, 3], [4, 0, 0], [0, 5, 0]])
    assert_array_equal(data.weights * 32, [[1, 2, 4], [8, 0, 0], [0, 16, 0]])
    assert data.weights.dtype == np.float32


@pytest.mark.parametrize("every_step", [False, True])
def test_samples_that_weigh_nothing_in_float32_are_left_out(every_step):
    """Relative to the largest weight; their classes too."""
    weights = np.array([1e-300, 1e300, 1e-30, 1e299])
    steps = np.ones((4, 1), dtype=bool) if every_step else None
    data = arrange(
        Labelled(batch([1, 1, 1, 1]), None, None, steps),
        target([1, 2, 3, 4], weights, None if every_step else np.arange(4)),
    )
    assert_array_equal(data.targets.ravel(), [2, 4])
    assert_array_equal(data.sequences.rows, [1, 3])
    if not every_step:
        assert_array_equal(data.strata, [1, 3])


def test_no_weight_at_all_is_refused():
    """A class_weight of zero can leave nothing to learn from."""
    with pytest.raises(ValueError, match="zero for all samples: none is left"):
        arrange(Labelled(batch([1, 1]), None, None), target([1, 2], np.zeros(2)))
