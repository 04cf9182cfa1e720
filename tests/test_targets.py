"""Targets: how they are read, and in which places they end up."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import DataConversionWarning
from sklearn.model_selection import cross_val_score

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepClassifier,
    BiLSTMTimestepRegressor,
    WindowedEnsemble,
)
from sklstm.sequences.batch import SequenceBatch
from sklstm.targets.training_set import Labelled, Target, arrange


def batch(lengths):
    values = np.zeros((len(lengths), max(lengths), 1), np.float32)
    return SequenceBatch(values, np.array(lengths), True)


def target(values, weights=None, classes=None):
    values = np.asarray(values, np.float32)[:, None]
    return Target(values, weights, classes)


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


# -- what looks like something else ------------------------------------------------

rng = np.random.default_rng(0)
X = rng.normal(size=(12, 4, 2))
ONE_HOT = np.eye(3, dtype=int)[np.arange(12) % 3]
BY_STEP = (X[:, :, 0] > 0).astype(int)
SMALL = {"units": 2, "epochs": 1, "random_state": 0}


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (BiLSTMClassifier(**SMALL), ONE_HOT),
        (BiLSTMClassifier(**SMALL), ONE_HOT.astype(bool)),
        (WindowedEnsemble(BiLSTMClassifier(**SMALL), n_timesteps=2), ONE_HOT),
        (BiLSTMTimestepClassifier(**SMALL), np.eye(2)[BY_STEP]),
    ],
)
def test_one_hot_labels_are_said_to_be_several(estimator, y):
    """The warning names the columns, the repair and the line that called fit."""
    message = r"The \d columns of y .* exactly one 1: .* y.argmax\(axis=-1\)"
    with pytest.warns(DataConversionWarning, match=message) as caught:
        estimator.fit(X, y)
    assert {warning.filename for warning in caught} == {__file__}


@pytest.mark.parametrize(
    "estimator",
    [
        BiLSTMClassifier(**SMALL),
        WindowedEnsemble(BiLSTMClassifier(**SMALL), n_timesteps=2),
    ],
)
def test_labels_of_timesteps_are_said_to_be_those_of_the_sequence(estimator):
    """Where y has a column for every timestep of X."""
    message = "X has 4 timesteps: .* use BiLSTMTimestepClassifier"
    with pytest.warns(DataConversionWarning, match=message):
        estimator.fit(X, BY_STEP)


def test_several_labels_are_read_without_a_word():
    """Rows of none, one and two; then rows of one in later calls."""
    several = ONE_HOT.copy()
    several[0], several[1] = 0, [1, 1, 0]
    fitted = BiLSTMClassifier(**SMALL).partial_fit(X, several)
    fitted.partial_fit(X, ONE_HOT)
    assert fitted.predict(X).shape == (12, 3)


def test_the_warning_passes_through_a_search():
    """It may point into the package that fits, but it comes."""
    with pytest.warns(DataConversionWarning, match="exactly one 1"):
        cross_val_score(BiLSTMClassifier(**SMALL), X, ONE_HOT, cv=2)


@pytest.mark.parametrize("lengths", [[4] * 12, [4, 3] * 6], ids=["equal", "unequal"])
def test_a_list_of_columns_is_flattened_with_a_warning(lengths):
    """The warning names the shape of the arrays, not one that nobody gave."""
    sequences = [x[:n] for x, n in zip(X, lengths, strict=True)]
    y = [x[:, :1] for x in sequences]
    message = r"list of arrays of shape .* first \(4, 1\).*\(n_timesteps_i,\)"
    with pytest.warns(DataConversionWarning, match=message) as caught:
        fitted = BiLSTMTimestepRegressor(**SMALL).fit(sequences, y)
    assert [warning.filename for warning in caught] == [__file__]
    expected = BiLSTMTimestepRegressor(**SMALL).fit(sequences, [row[:, 0] for row in y])
    for found, wanted in zip(
        fitted.predict(sequences), expected.predict(sequences), strict=True
    ):
        assert_array_equal(found, wanted)


# -- scales ------------------------------------------------------------------------


@pytest.mark.parametrize("exponent", [-1030, -660, 120])
def test_targets_of_any_magnitude_are_scaled(exponent):
    """Squares of small deviations vanish, the deviations do not."""
    y = X[:, :, 0].sum(axis=1)
    expected = BiLSTMRegressor(**SMALL).fit(X, y).predict(X)
    fitted = BiLSTMRegressor(**SMALL).fit(X, np.ldexp(y, exponent))
    assert_allclose(np.ldexp(fitted.predict(X), -exponent), expected, rtol=1e-6)


def test_only_ratios_of_weights_matter():
    """Their sum, or their product with class_weight, may be no finite number."""
    y, weights = X[:, :, 0].sum(axis=1), rng.uniform(0.5, 1, size=12)
    for power in (1023, -1000):
        large = np.ldexp(weights, power)
        expected = BiLSTMRegressor(**SMALL).fit(X, y, weights)
        fitted = BiLSTMRegressor(**SMALL).fit(X, y, large)
        assert_array_equal(fitted.predict(X), expected.predict(X))
        labels = (y > 0).astype(int)
        expected = BiLSTMClassifier(**SMALL, class_weight={0: 1, 1: 0.5})
        fitted = BiLSTMClassifier(**SMALL, class_weight={0: 2.0**1023, 1: 2.0**1022})
        assert_array_equal(
            fitted.fit(X, labels, large).predict_proba(X),
            expected.fit(X, labels, weights).predict_proba(X),
        )
