"""Targets: how they are read, and in which places they end up."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import DataConversionWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, TimeSeriesSplit, cross_val_score
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

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


# -- weights of classes where some are missing -------------------------------------

SMALLEST = {"units": 2, "epochs": 1, "random_state": 0}
EVEN_X = np.random.default_rng(3).normal(size=(24, 3, 2))


def reference(class_weight, y, classes):
    """A weight for each row, by scikit-learn's rule, from all classes there are."""
    by_class = compute_class_weight(class_weight, classes=np.array(classes), y=y)
    return by_class[np.searchsorted(classes, y)]


@pytest.mark.parametrize(
    ("class_weight", "classes"),
    [
        ({0: 1, 1: 3, 2: 5}, [0, 1]),
        ({"a": 1, "b": 3, "z": 5}, ["a", "b"]),
        ({"a": 4, "b": 3, "z": 5}, ["a", "b"]),
        ({False: 1, True: 3}, [False, True]),
        ({1: 3}, [0, 1]),
        ({}, [0, 1]),
    ],
    ids=str,
)
@pytest.mark.parametrize("estimator", [BiLSTMClassifier, BiLSTMTimestepClassifier])
def test_class_weight_of_a_class_that_a_fold_lacks(estimator, class_weight, classes):
    """It weighs nothing; the others weigh what scikit-learn makes of them."""
    shape = EVEN_X.shape[: 1 if estimator is BiLSTMClassifier else 2]
    y = np.array(classes)[np.arange(np.prod(shape)).reshape(shape) % 3 // 2]
    fitted = estimator(class_weight=class_weight, **SMALLEST).fit(EVEN_X, y)
    weights = reference(class_weight, y.ravel(), classes).reshape(shape)
    expected = estimator(**SMALLEST).fit(EVEN_X, y, sample_weight=weights)
    assert_allclose(fitted.network_.flat, expected.network_.flat, atol=1e-6)


def test_class_weight_goes_by_label_not_by_number():
    """Labels that are digits as text, and dates, are found in the dict."""
    days = np.array(["2026-01-01", "2026-01-02"], "datetime64[D]")
    for labels in (np.array(["1", "2"]), days):
        y = labels[np.arange(24) % 2]
        fitted = BiLSTMClassifier(class_weight={labels[1]: 4.0}, **SMALLEST)
        expected = BiLSTMClassifier(**SMALLEST)
        expected.fit(EVEN_X, y, sample_weight=1 + 3 * (np.arange(24) % 2))
        flat = fitted.fit(EVEN_X, y).network_.flat
        assert_allclose(flat, expected.network_.flat, atol=1e-6)


@pytest.mark.parametrize("given", [{"dog": 2, "brid": 5}, {0: 2}])
@pytest.mark.parametrize("estimator", [BiLSTMClassifier, BiLSTMTimestepClassifier])
def test_class_weight_of_a_misspelt_class(estimator, given):
    """Said where a class has no weight, as scikit-learn says it."""
    y = np.array(["bird", "cat", "dog"])[np.arange(72).reshape(24, 3) % 3]
    y = y if estimator is BiLSTMTimestepClassifier else y[:, 0]
    y[:3] = [["cat"] * 3, ["dog"] * 3, ["bird"] * 3] if y.ndim == 2 else ["cat"] * 3
    with pytest.raises(ValueError, match="which is not among the classes of y: 'bird'"):
        estimator(class_weight=given, **SMALLEST).fit(EVEN_X, y)
    with pytest.raises(ValueError, match="not in class_weight"):
        reference(given, y.ravel(), ["bird", "cat", "dog"])


def test_class_weight_in_folds_without_a_class():
    """No score is lost: a rare class that is in no fold of training, or in the last."""
    y = np.arange(24) % 2
    y[20:] = 2
    model = BiLSTMClassifier(class_weight={0: 1, 1: 1, 2: 5}, **SMALLEST)
    scores = cross_val_score(
        model, EVEN_X, y, cv=TimeSeriesSplit(3), error_score="raise"
    )
    assert np.isfinite(scores).all()
    windowed = WindowedEnsemble(model, n_timesteps=2)
    by_group = {"cv": GroupKFold(3), "groups": np.arange(24) // 8}
    scores = cross_val_score(windowed, EVEN_X, y, error_score="raise", **by_group)
    assert np.isfinite(scores).all()


def test_class_weight_of_parts_and_of_validation_data():
    """Rows that lack the class with a weight weigh as if they had it."""
    y = np.arange(24) % 3
    model = BiLSTMClassifier(class_weight={2: 5.0}, **SMALLEST)
    rows = y < 2
    model.partial_fit(EVEN_X[rows], y[rows], classes=[0, 1, 2])
    expected = BiLSTMClassifier(**SMALLEST)
    expected.partial_fit(EVEN_X[rows], y[rows], classes=[0, 1, 2])
    assert_array_equal(model.network_.flat, expected.network_.flat)
    model.fit(EVEN_X, y, X_val=EVEN_X[rows], y_val=y[rows])
    assert np.isfinite(model.history_["val_loss"]).all()
    with pytest.raises(ValueError, match="labels that are not among the known classes"):
        model.fit(EVEN_X, y, X_val=EVEN_X, y_val=y + 1)


def test_class_weight_of_labels_that_a_fold_lacks():
    """A label that no row has; each label has the two classes 0 and 1."""
    y = np.stack([np.arange(24) % 2, np.zeros(24, int), np.arange(24) % 3 > 0], axis=1)
    longer = np.tile(EVEN_X, (1, 2, 1))  # 3 columns would be 3 timesteps
    given = [{1: 4.0}, {0: 1.0, 1: 5.0}, {0: 2.0}]
    fitted = BiLSTMClassifier(class_weight=given, **SMALLEST).fit(longer, y)
    weights = np.where(y[:, 0] == 1, 4.0, 1.0) * np.where(y[:, 2] == 0, 2.0, 1.0)
    expected = BiLSTMClassifier(**SMALLEST).fit(longer, y, sample_weight=weights)
    assert_allclose(fitted.network_.flat, expected.network_.flat, atol=1e-6)
    balanced = BiLSTMClassifier(class_weight="balanced", **SMALLEST).fit(longer, y)
    weights = compute_sample_weight("balanced", y)
    expected = BiLSTMClassifier(**SMALLEST).fit(longer, y, sample_weight=weights)
    assert_allclose(balanced.network_.flat, expected.network_.flat, atol=1e-6)
    for wrong, words in (
        ([{2: 5.0}, {}, {}], "it names 2, which is not among the classes of y: 0, 1"),
        ({1: 2.0}, "y has 3 labels, each with two classes"),
        ([{1: 2.0}], "y has 3 labels, each with two classes"),
    ):
        with pytest.raises(ValueError, match=words):
            BiLSTMClassifier(class_weight=wrong, **SMALLEST).fit(longer, y)


# -- labels that may be numbers ----------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "words"),
    [
        (BiLSTMClassifier(**SMALLEST), "predict numbers with BiLSTMRegressor"),
        (BiLSTMTimestepClassifier(**SMALLEST), "with BiLSTMTimestepRegressor"),
        (
            WindowedEnsemble(BiLSTMClassifier(**SMALLEST), n_timesteps=2),
            "WindowedEnsemble takes the 24 values of y for labels, of which 24 differ",
        ),
        (WindowedEnsemble(BiLSTMClassifier(**SMALLEST)), "BiLSTMClassifier takes the"),
    ],
    ids=str,
)
def test_as_many_classes_as_samples(estimator, words):
    """scikit-learn's warning, where it gives it: at more than half of 21 or more."""
    per_step = isinstance(estimator, BiLSTMTimestepClassifier)
    y = np.arange(72).reshape(24, 3) if per_step else np.arange(24)
    with pytest.warns(UserWarning, match="unique classes is greater than 50%") as said:
        estimator.fit(EVEN_X, y)
    assert len(said) == 1
    assert words in str(said[0].message)
    with pytest.warns(UserWarning, match="unique classes is greater than 50%"):
        LogisticRegression().fit(EVEN_X[:, 0], np.arange(24))
    estimator.fit(EVEN_X, y // 2)
    estimator.fit(EVEN_X[:20], y[:20] // (4 if per_step else 1))


def test_few_sequences_may_have_many_labels():
    """Timesteps count, not sequences; classes that are given are meant."""
    y = np.arange(12).reshape(4, 3) // 2
    BiLSTMTimestepClassifier(**SMALLEST).fit(EVEN_X[:4], y)
    model = BiLSTMClassifier(**SMALLEST)
    model.partial_fit(EVEN_X, np.arange(24), classes=np.arange(24))
