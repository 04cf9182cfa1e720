"""SequenceDifferencer against np.diff, by law, and word by word."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from strategies import law, scattered

from sklstm import (
    BiLSTMClassifier,
    SequenceDifferencer,
    SequencePadder,
    SequenceScaler,
)

X = np.random.default_rng(0).normal(size=(4, 6, 2))
orders = st.integers(1, 3)


def differences_by_numpy(steps, order):
    """np.diff of one sequence, behind a zero for each timestep without."""
    differences = np.diff(steps, n=order, axis=0)
    missing = len(steps) - len(differences)
    return np.concatenate([np.zeros_like(steps[:missing]), differences])


# -- laws -----------------------------------------------------------------------------


@given(scattered(), orders)
@law
def test_differences_are_those_of_each_sequence(pair, order):
    """Never across samples or padding, which stays where it is."""
    sequences, values = pair
    n_features = values.shape[2]
    transformed = SequenceDifferencer(order).fit_transform(values)
    assert transformed.dtype == values.dtype
    assert_array_equal(transformed[:, :, :n_features], values)
    padding = np.isnan(values[:, :, :1])
    assert_array_equal(
        np.isnan(transformed), np.tile(padding, n_features * (order + 1))
    )
    rows = SequencePadder().fit(transformed).inverse_transform(transformed)
    for steps, row in zip(sequences, rows, strict=True):
        for k in range(1, order + 1):
            block = row[:, k * n_features : (k + 1) * n_features]
            assert_allclose(block, differences_by_numpy(steps, k), atol=1e-5)


@given(scattered())
@law
def test_differencing_and_cumulating_is_the_identity(pair):
    """From the first value on."""
    sequences, values = pair
    differencer = SequenceDifferencer(keep_values=False).fit(values)
    padded = differencer.transform(values)
    rows = SequencePadder().fit(padded).inverse_transform(padded)
    for steps, row in zip(sequences, rows, strict=True):
        assert_allclose(steps[0] + row.cumsum(axis=0), steps, atol=1e-5)


@given(scattered(), orders, st.booleans())
@law
def test_differences_do_not_depend_on_where_padding_stands(pair, order, keep_values):
    """A list without padding gives the same timesteps."""
    sequences, values = pair
    differencer = SequenceDifferencer(order, keep_values=keep_values).fit(values)
    of_array = SequencePadder().fit_transform(differencer.transform(values))
    assert_array_equal(of_array, differencer.transform(sequences))


@given(scattered(), orders)
@law
def test_without_values_only_the_values_are_missing(pair, order):
    """The other blocks stay."""
    _, values = pair
    n_features = values.shape[2]
    both = SequenceDifferencer(order).fit_transform(values)
    alone = SequenceDifferencer(order, keep_values=False).fit(values)
    assert_array_equal(alone.transform(values), both[:, :, n_features:])
    assert alone.n_features_out_ == order * n_features


# -- shape and type -------------------------------------------------------------------


def test_a_table_is_timesteps_of_one_feature():
    """It comes back with three axes, whatever becomes of the values."""
    table = X[:, :, 0]
    for keep_values in (True, False):
        differencer = SequenceDifferencer(keep_values=keep_values)
        expected = differencer.fit_transform(table[:, :, None])
        assert expected.shape == (4, 6, 1 + keep_values)
        for given_as in (table, table.tolist(), pd.DataFrame(table)):
            assert_array_equal(differencer.fit_transform(given_as), expected)
    assert differencer.set_output(transform="pandas") is differencer
    assert not hasattr(differencer, "get_feature_names_out")


def test_counts_become_floats():
    """Unsigned integers would have no negative differences, booleans none at all."""
    counts = np.array([[3, 1, 2]], dtype=np.uint8)
    expected = [[[3, 0], [1, -2], [2, 1]]]
    assert_array_equal(SequenceDifferencer().fit_transform(counts), expected)
    flags = SequenceDifferencer().fit_transform(counts > 1)
    assert_array_equal(flags, [[[1, 0], [0, -1], [1, 1]]])


def test_x_is_left_alone():
    """And not shared: what is written into the result stays there."""
    before = X.copy()
    transformed = SequenceDifferencer().fit_transform(X)
    transformed[:] = 0
    assert_array_equal(X, before)


def test_orders_beyond_the_length():
    """A sequence too short for a difference has zeros."""
    transformed = SequenceDifferencer(4).fit_transform([[1.0, 2.0, 4.0], [5.0]])
    assert_array_equal(transformed[0, :, 3:], np.zeros((3, 2)))
    assert_array_equal(transformed[1, 0], [5, 0, 0, 0, 0])


def test_a_network_learns_from_differences():
    """Which way a walk went at its last step, whatever its level."""
    rng = np.random.default_rng(0)
    walks = rng.normal(size=(200, 12)).cumsum(axis=1) + 20 * rng.normal(size=(200, 1))
    y = walks[:, -1] > walks[:, -2]
    pipeline = make_pipeline(
        SequenceDifferencer(keep_values=False),
        SequenceScaler(),
        BiLSTMClassifier(4, epochs=40, learning_rate=0.02, random_state=0),
    )
    assert pipeline.fit(walks[:150], y[:150]).score(walks[150:], y[150:]) > 0.9


# -- what is refused ------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2])
def test_differences_that_float32_cannot_hold(order):
    """They would be infinite."""
    values = np.array([[3e38, -3e38]], dtype=np.float32)
    message = r"differences are too large for float32\. Scale"
    with pytest.raises(ValueError, match=message):
        SequenceDifferencer(order).fit_transform(values)
    assert SequenceDifferencer(order).fit_transform(values.astype(float))[0, 1, 1] < 0


@pytest.mark.parametrize("params", [{"order": 0}, {"order": 1.5}, {"keep_values": 2}])
def test_parameters(params):
    """At least one difference, and yes or no."""
    with pytest.raises(ValueError, match="parameter of SequenceDifferencer must be"):
        SequenceDifferencer(**params).fit(X)


@pytest.mark.parametrize("change", [{"order": 2}, {"keep_values": False}])
def test_parameters_set_after_fit(change):
    """They are for the next fit, as the number of features is."""
    differencer = SequenceDifferencer().fit(X)
    expected = differencer.transform(X)
    assert_array_equal(differencer.set_params(**change).transform(X), expected)
    assert differencer.fit_transform(X).shape != expected.shape
