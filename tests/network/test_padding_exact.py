"""Padding is exact: wherever it stands, weights and predictions are the same."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from reference import network_logits
from strategies import scattered

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepClassifier,
    BiLSTMTimestepRegressor,
)
from sklstm.network.architecture import DIRECTIONS, MERGE_MODES

ARCHITECTURES = [
    {"direction": "bidirectional", "merge_mode": merge_mode, "units": units}
    for merge_mode, units in product(MERGE_MODES, [3, (3, 2)])
] + [{"direction": direction, "units": 3} for direction in ("forward", "backward")]
assert {a["direction"] for a in ARCHITECTURES} == set(DIRECTIONS)

# Every example is two or three fits.
few = settings(deadline=None, max_examples=4, derandomize=True)


def fitted(architecture, X, y, **params):
    every_step, first = isinstance(y, list), y[0]
    if every_step:
        classifier, regressor = BiLSTMTimestepClassifier, BiLSTMTimestepRegressor
        first = first[0]
    else:
        classifier, regressor = BiLSTMClassifier, BiLSTMRegressor
    estimator = classifier if first.dtype.kind == "i" else regressor
    params = {"epochs": 2, "batch_size": 3, "random_state": 0, **params}
    return estimator(**architecture, **params).fit(X, y)


def outputs(estimator, X):
    """One row per sequence, or per timestep that is not padding."""
    outputs = getattr(estimator, "predict_proba", estimator.predict)(X)
    if not estimator.network_.architecture.every_step:
        return outputs
    if outputs.dtype == object:
        return np.concatenate(outputs)
    is_padding = np.isnan(X).all(axis=2)
    assert np.isnan(outputs[is_padding]).all()
    return outputs[~is_padding]


def assert_same(a, b, X_a, X_b):
    for name, weights in a.weights_.items():
        assert_allclose(b.weights_[name], weights, rtol=0, atol=1e-6, err_msg=name)
    assert_allclose(outputs(b, X_b), outputs(a, X_a), rtol=0, atol=1e-6)


def placed(sequences, where, n_timesteps):
    """The sequences in one array, NaN in front, behind or in the middle."""
    shape = (len(sequences), n_timesteps, sequences[0].shape[1])
    values = np.full(shape, np.nan)
    for row, sequence in zip(values, sequences, strict=True):
        n_in_front = {"pre": 0, "gap": len(sequence) // 2, "post": len(sequence)}[where]
        row[:n_in_front] = sequence[:n_in_front]
        row[n_timesteps - len(sequence) + n_in_front :] = sequence[n_in_front:]
    return values


def problem(seed=0, n_samples=8, longest=6):
    """Sequences of every length from one on, with a label each and a number each."""
    rng = np.random.default_rng(seed)
    sequences = [
        rng.normal(size=(1 + k % longest, 2)) * rng.integers(0, 2, (1 + k % longest, 2))
        for k in range(n_samples)
    ]
    return sequences, np.arange(n_samples) % 3, rng.normal(size=n_samples)


def at_every_step(sequences):
    """Labels and numbers for all timesteps, as lists of arrays."""
    totals = [sequence.sum(axis=1).cumsum() for sequence in sequences]
    return [(total > 0).astype(int) for total in totals], totals


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_padding_changes_nothing(architecture):
    """In front, behind, in a gap, none at all; more of it than there is data."""
    sequences, _, numbers = problem()
    for y in (numbers, at_every_step(sequences)[1]):
        reference = fitted(architecture, sequences, y)
        for where, n_timesteps in (("pre", 6), ("gap", 9), ("post", 20)):
            values = placed(sequences, where, n_timesteps)
            assert_same(reference, fitted(architecture, values, y), sequences, values)


@given(pair=scattered(), architecture=st.sampled_from(ARCHITECTURES))
@settings(few, max_examples=25)
def test_padding_anywhere_changes_nothing(pair, architecture):
    """Any number of gaps of any length, in either precision."""
    sequences, values = pair
    for y in (
        np.random.default_rng(0).normal(size=len(sequences)),
        at_every_step(sequences)[1],
    ):
        by_list = fitted(architecture, sequences, y)
        assert_same(by_list, fitted(architecture, values, y), sequences, values)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "params",
    [
        {"dropout": 0.3},
        {"early_stopping": True, "validation_fraction": 0.4},
        {"optimizer": "sgd", "clipnorm": 0.1},
        {"shuffle": False, "batch_size": 8},
    ],
    ids=str,
)
def test_padding_changes_nothing_in_training(params):
    """Whatever else goes on."""
    sequences, labels, _ = problem(n_samples=18)
    for y in (labels, at_every_step(sequences)[0]):
        reference = fitted({"units": 3}, sequences, y, **params)
        for where in ("pre", "gap", "post"):
            values = placed(sequences, where, 11)
            other = fitted({"units": 3}, values, y, **params)
            assert_same(reference, other, sequences, values)
            losses = (other.history_["loss"], reference.history_["loss"])
            assert_allclose(*losses, atol=1e-6)


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
@pytest.mark.parametrize("where", ["pre", "gap", "post"])
def test_zeros_are_data(architecture, where):
    """A timestep of zeros in the place of padding changes weights and predictions."""
    sequences, _, numbers = problem()
    sequences = [np.where(sequence == 0, 1, sequence) for sequence in sequences]
    values = placed(sequences, where, 8)
    zeros = np.nan_to_num(values)
    reference = fitted(architecture, values, numbers)
    other = fitted(architecture, zeros, numbers)
    difference = [
        np.abs(other.weights_[name] - weights).max()
        for name, weights in reference.weights_.items()
    ]
    assert max(difference) > 1e-4
    assert np.abs(outputs(reference, zeros) - outputs(reference, values)).max() > 1e-5


@given(batch=scattered(), seed=st.integers(0, 99))
@few
@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_predictions_are_those_of_the_plain_loop(architecture, batch, seed):
    """Sequence after sequence and step after step, in float64."""
    sequences, values = batch
    rng = np.random.default_rng(seed)
    n_features = values.shape[2]
    X = rng.normal(size=(4, 3, n_features))
    numbers = rng.normal(size=4)
    regressor = fitted(architecture, X, numbers, epochs=1, normalize_y=False)
    expected = np.array(
        [
            network_logits(steps, regressor.weights_, regressor.network_.architecture)
            for steps in sequences
        ]
    )
    for given_as in (sequences, values):
        predicted = regressor.predict(given_as)
        assert_allclose(predicted, expected[:, 0], rtol=0, atol=1e-6)
