"""Which shapes X may have, and what fit learns from them."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator

from sklstm.validation import as_three_axes, check_sequences, n_step_features

TABLE = np.arange(6.0).reshape(2, 3)
NAMES = ["a", "b", "c"]


@pytest.mark.parametrize(
    ("X", "shape", "n_features_in", "n_timesteps_in"),
    [
        (TABLE, (2, 3, 1), 3, 3),
        (TABLE.tolist(), (2, 3, 1), 3, 3),
        (pd.DataFrame(TABLE, columns=NAMES), (2, 3, 1), 3, 3),
        (np.ones((4, 3, 2)), (4, 3, 2), 2, 3),
        ([[1, 2, 3], [4]], (2, 3, 1), 1, 3),
        ([np.ones((1, 2)), np.ones((4, 2))], (2, 4, 2), 2, 4),
        (pd.Series([[1, 2], [3, 4]]), (2, 2, 1), 1, 2),
    ],
)
def test_three_axes(X, shape, n_features_in, n_timesteps_in):
    """Every accepted X becomes (n_samples, n_timesteps, n_features)."""
    estimator = BaseEstimator()
    assert as_three_axes(estimator, X, reset=True).shape == shape
    assert estimator.n_features_in_ == n_features_in
    assert estimator.n_timesteps_in_ == n_timesteps_in
    assert n_step_features(estimator) == shape[2]
    assert as_three_axes(estimator, X, reset=False).shape == shape


def test_one_feature_in_any_shape():
    """A table and an array of one feature are the same sequences."""
    for fitted_on, given in [(TABLE, TABLE[:, :, None]), (TABLE[:, :, None], TABLE)]:
        estimator = BaseEstimator()
        as_three_axes(estimator, fitted_on, reset=True)
        values = as_three_axes(estimator, given, reset=False)
        assert_array_equal(values, TABLE[:, :, None])


def test_other_lengths_after_sequences():
    """Only a table fixes the number of timesteps."""
    estimator = BaseEstimator()
    as_three_axes(estimator, np.ones((4, 3, 2)), reset=True)
    assert as_three_axes(estimator, np.ones((1, 9, 2)), reset=False).shape == (1, 9, 2)
    assert estimator.n_timesteps_in_ == 3


def test_fitting_again_forgets_the_columns():
    """Column names of an earlier table do not outlive it."""
    estimator = BaseEstimator()
    as_three_axes(estimator, pd.DataFrame(TABLE, columns=NAMES), reset=True)
    as_three_axes(estimator, np.ones((4, 3, 2)), reset=True)
    assert not hasattr(estimator, "feature_names_in_")


def test_check_sequences_reads_lengths():
    """Ragged input comes back with its lengths."""
    batch = check_sequences(BaseEstimator(), [[1, 2, 3], [4]], reset=True)
    assert_array_equal(batch.lengths, [3, 1])
    assert batch.right_padded


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.float64(3), "2 or 3 axes, got a scalar"),
        (np.ones(3), r"1D array of shape \(3,\) .* X.reshape\(1, -1\) makes it one"),
        (np.ones((2, 2, 2, 2)), r"X has 4 axes \(shape \(2, 2, 2, 2\)\)"),
        (np.ones((2, 0, 2)), "at least one timestep and one feature"),
    ],
)
def test_shapes_refused_in_fit(X, message):
    """The message says what came and what was expected."""
    with pytest.raises(ValueError, match=message):
        as_three_axes(BaseEstimator(), X, reset=True)


@pytest.mark.parametrize(
    ("fitted_on", "X", "message"),
    [
        (TABLE, np.ones((2, 4)), "X has 4 features, but BaseEstimator is expecting 3"),
        (TABLE, np.ones((2, 3, 2)), "2 features per timestep .* was fitted with 1"),
        (
            np.ones((2, 3, 2)),
            np.ones((2, 4)),
            r"4 columns are 2 timesteps of 2 features, put SequenceReshaper\(n_feature",
        ),
        (
            np.ones((2, 3, 2)),
            np.ones((2, 5)),
            "5 columns cannot be timesteps of 2 features",
        ),
    ],
)
def test_shapes_refused_after_fit(fitted_on, X, message):
    """What was learnt in fit is named beside what came."""
    estimator = BaseEstimator()
    as_three_axes(estimator, fitted_on, reset=True)
    with pytest.raises(ValueError, match=message):
        as_three_axes(estimator, X, reset=False)
