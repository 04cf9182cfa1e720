"""Estimators with a target at every timestep."""

import joblib
import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.class_weight import compute_class_weight

from sklstm import (
    BiLSTMTimestepClassifier,
    BiLSTMTimestepRegressor,
    SequenceReshaper,
    SequenceScaler,
)
from sklstm.targets import Labels

LENGTHS = [6, 3, 1, 5, 6, 2, 4, 6, 3, 5]
METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


def classifier(**params):
    return BiLSTMTimestepClassifier(
        **{"units": 3, "epochs": 2, "random_state": 0} | params
    )


def regressor(**params):
    return BiLSTMTimestepRegressor(
        **{"units": 3, "epochs": 2, "random_state": 0} | params
    )


@pytest.fixture(scope="module")
def sequences():
    rng = np.random.default_rng(0)
    return [rng.normal(size=(length, 2)) for length in LENGTHS]


@pytest.fixture(scope="module")
def labels(sequences):
    return [np.where(s[:, 0].cumsum() > 0, "over", "under") for s in sequences]


@pytest.fixture(scope="module")
def numbers(sequences):
    return [s.sum(axis=1).cumsum() for s in sequences]


def placed(rows, where, filler, n_timesteps=9):
    """Rows of unequal length in one array, `filler` in front, behind or between."""
    first = np.asarray(rows[0])
    is_text = first.dtype.kind == "U"
    dtype = object if is_text or filler is None else np.float64
    array = np.full((len(rows), n_timesteps, *first.shape[1:]), filler, dtype)
    for target, row in zip(array, rows, strict=True):
        in_front = {"pre": 0, "gap": len(row) // 2, "post": len(row)}[where]
        target[:in_front] = row[:in_front]
        target[n_timesteps - len(row) + in_front :] = row[in_front:]
    return array


# -- what y may be -----------------------------------------------------------------


@pytest.mark.parametrize("filler", ["", "over", None, np.nan])
@pytest.mark.parametrize("where", ["pre", "gap", "post"])
def test_targets_at_padded_timesteps_are_ignored(sequences, labels, where, filler):
    """Whatever y holds there, the weights are those of the ragged list."""
    X, y = placed(sequences, where, np.nan), placed(labels, where, filler)
    by_list = classifier().fit(sequences, labels)
    by_array = classifier().fit(X, y)
    assert_array_equal(by_array.classes_, ["over", "under"])
    for name, weights in by_list.weights_.items():
        assert_allclose(by_array.weights_[name], weights, rtol=0, atol=1e-6)
    assert by_array.score(X, y) == by_list.score(sequences, labels)


@pytest.mark.parametrize("where", ["pre", "gap", "post"])
def test_predictions_stand_where_the_timesteps_do(sequences, labels, numbers, where):
    """Arrays for a list; in one array NaN at the padded timesteps, and only there."""
    X = placed(sequences, where, np.nan)
    padded = np.isnan(X).all(axis=2)
    for estimator, y in ((classifier(), labels), (regressor(), numbers)):
        estimator.fit(sequences, y)
        for method in METHODS:
            if not hasattr(estimator, method):
                continue
            by_list = getattr(estimator, method)(sequences)
            by_array = getattr(estimator, method)(X)
            assert (by_list.shape, by_list.dtype) == ((10,), object)
            assert [len(row) for row in by_list] == LENGTHS
            assert_array_equal(pd.isna(by_array[padded]), True)
            flat = by_array[~padded]
            if flat.dtype.kind == "O":
                assert_array_equal(flat, np.concatenate(by_list))
            else:
                assert_allclose(flat, np.concatenate(by_list), atol=1e-6)


def test_a_list_of_equal_lengths_comes_back_as_arrays(sequences):
    """As one of unequal lengths does."""
    X = [s for s in sequences if len(s) == 6]
    y = [np.arange(6) % 2] * len(X)
    predicted = classifier().fit(X, y).predict(X)
    assert predicted.shape == (len(X),)
    assert {row.shape for row in predicted} == {(6,)}


@pytest.mark.parametrize("n_classes", [2, 3])
def test_log_odds(sequences, n_classes):
    """They are of the second class if there are two, and decide."""
    X = np.array([s for s in sequences if len(s) == 6])
    y = np.array(["a", "b", "c"])[np.arange(X.size // 2).reshape(-1, 6) % n_classes]
    fitted = classifier().fit(X, y)
    proba, decision = fitted.predict_proba(X), fitted.decision_function(X)
    odds = np.exp(decision)
    if n_classes == 2:
        assert decision.shape == y.shape
        assert_array_equal(fitted.predict(X) == "b", decision > 0)
        assert_allclose(odds / (1 + odds), proba[:, :, 1], rtol=1e-6)
    else:
        assert decision.shape == proba.shape
        assert_array_equal(fitted.predict(X), fitted.classes_[decision.argmax(axis=2)])
        assert_allclose(odds / (1 + odds), proba, rtol=1e-6)


def test_log_odds_of_what_is_certain():
    """Finite, as metrics want them, and in the order of the probabilities."""
    outputs = np.array([[0], [5e-324], [0.5], [1 - 2**-53], [1]])
    odds = Labels(np.array([0, 1])).log_odds(outputs)
    assert np.isfinite(odds).all()
    assert (np.diff(odds) > 0).all()
    assert odds[2] == 0


def test_predictions_have_the_type_of_the_labels(sequences):
    """As pandas has it: integers with missing ones are floats, text is object."""
    X = np.array([s for s in sequences if len(s) == 6])
    padded = placed(list(X), "post", np.nan)
    for y, kind, with_padding in (
        (np.arange(18).reshape(3, 6) % 3, "i", "f"),
        (np.arange(18).reshape(3, 6) % 2 == 0, "b", "O"),
        (np.where(np.arange(18).reshape(3, 6) % 2, "a", "bcd"), "U", "O"),
    ):
        fitted = classifier().fit(X, y)
        assert fitted.predict(X).dtype.kind == kind
        assert fitted.predict(padded).dtype.kind == with_padding


def test_predictions_can_be_a_target(sequences, labels, numbers):
    """What `predict` gives, NaN and all, is a y that `score` finds perfect."""
    X = placed(sequences, "gap", np.nan)
    for fitted in (
        classifier().fit(sequences, labels),
        classifier().fit(sequences, [np.arange(n) % 3 for n in LENGTHS]),
        regressor().fit(sequences, numbers),
    ):
        assert fitted.score(X, fitted.predict(X)) == 1
        assert fitted.score(sequences, fitted.predict(sequences)) == 1


def test_forms_of_y(sequences, labels):
    """Lists of lists, object arrays and data frames are arrays or lists of arrays."""
    X = np.array([s for s in sequences if len(s) == 6])
    y = np.array([row for row in labels if len(row) == 6])
    reference = classifier().fit(X, y).weights_["dense/kernel"]
    for form in (y.tolist(), list(y), y.astype(object), pd.DataFrame(y)):
        assert_array_equal(
            classifier().fit(X, form).weights_["dense/kernel"], reference
        )
    nested = np.empty(len(labels), dtype=object)
    nested[:] = [row.tolist() for row in labels]
    reference = classifier().fit(sequences, labels).weights_["dense/kernel"]
    for form in (nested, pd.Series(labels), tuple(labels)):
        fitted = classifier().fit(sequences, form)
        assert_array_equal(fitted.weights_["dense/kernel"], reference)


def test_a_last_axis_of_one_is_dropped_with_a_warning(sequences):
    """As scikit-learn does with a column of targets."""
    X = np.array([s for s in sequences if len(s) == 6])
    y = X.sum(axis=2).cumsum(axis=1)
    with pytest.warns(DataConversionWarning, match=r"last axis is dropped.*\(3, 6\)"):
        fitted = regressor().fit(X, y[:, :, None])
    assert fitted.predict(X).shape == (3, 6)
    assert_array_equal(fitted.predict(X), regressor().fit(X, y).predict(X))


def test_several_targets_at_every_timestep(sequences):
    """Each is as if it stood alone in scale, and keeps its axis."""
    y = [np.column_stack([s[:, 0], 100 + 50 * s[:, 1]]) for s in sequences]
    fitted = regressor(units=8, epochs=150).fit(sequences, y)
    assert [row.shape for row in fitted.predict(sequences)] == [(n, 2) for n in LENGTHS]
    predicted = np.concatenate(fitted.predict(sequences))
    score = r2_score(np.concatenate(y), predicted)
    assert fitted.score(sequences, y) == pytest.approx(score)
    assert score > 0.9
    X, padded_y = placed(sequences, "pre", np.nan), placed(y, "pre", np.nan)
    assert fitted.predict(X).shape == (10, 9, 2)
    assert fitted.score(X, padded_y) == pytest.approx(score)


def test_several_labels_at_every_timestep(sequences):
    """An indicator array is multilabel, as for sequences."""
    y = [(s > 0).astype(int) for s in sequences]
    fitted = classifier(units=8, epochs=100).fit(sequences, y)
    assert [row.shape for row in fitted.predict_proba(sequences)] == [
        (n, 2) for n in LENGTHS
    ]
    predicted = np.concatenate(fitted.predict(sequences))
    assert fitted.score(sequences, y) == accuracy_score(np.concatenate(y), predicted)
    assert fitted.score(sequences, y) > 0.9


# -- what is learnt ----------------------------------------------------------------


def test_an_epoch_is_that_of_keras_layers(sequences, labels):
    """Batches of unequal lengths; every step weighs alike, padded ones nothing."""
    settings = {
        "units": (3, 2),
        "optimizer": "sgd",
        "batch_size": 4,
        "epochs": 1,
        "shuffle": False,
        "schedule": "constant",
    }
    weights = [np.linspace(0.5, 2, n) for n in LENGTHS]
    start = classifier(**settings, learning_rate=1e-30).fit(sequences, labels)
    network = start.to_keras(mask=True)
    optimizer = keras.optimizers.SGD(0.5)
    X, w = placed(sequences, "post", 0.0), placed(weights, "post", 0.0)
    y = placed([row == "under" for row in labels], "post", 0.0)
    for first in range(0, len(X), 4):
        rows = slice(first, first + 4)
        with tf.GradientTape() as tape:
            p = network([X[rows].astype(np.float32), w[rows] > 0])[:, :, 0]
            losses = keras.ops.binary_crossentropy(y[rows].astype(np.float32), p)
            loss = tf.reduce_sum(losses * w[rows]) / w[rows].sum()
        variables = network.trainable_variables
        optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
    trained = classifier(**settings, learning_rate=0.5).fit(sequences, labels, weights)
    for ours, theirs in zip(
        trained.weights_.values(), network.get_weights(), strict=True
    ):
        assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("direction", ["forward", "backward", "bidirectional"])
@pytest.mark.parametrize("units", [3, (3, 2)])
def test_to_keras_predicts_the_same(sequences, numbers, direction, units):
    """At every timestep, padding behind masked."""
    fitted = regressor(direction=direction, units=units).fit(sequences, numbers)
    X = placed(sequences, "post", np.nan)
    valid = ~np.isnan(X).all(axis=2)
    outputs = fitted.to_keras(mask=True)([np.nan_to_num(X), valid]).numpy()[:, :, 0]
    assert_allclose(fitted.predict(X)[valid], outputs[valid], atol=1e-5)


def test_weights_of_sequences_and_of_timesteps(sequences, labels):
    """A weight per sequence is that weight at all its timesteps."""
    by_sequence = np.linspace(0.1, 3, len(LENGTHS))
    by_step = [np.full(n, w) for n, w in zip(LENGTHS, by_sequence, strict=True)]
    fits = [
        classifier().fit(sequences, labels, weights)
        for weights in (by_sequence, by_step, placed(by_step, "post", np.nan, 6))
    ]
    for other in fits[1:]:
        for name, weights in fits[0].weights_.items():
            assert_array_equal(other.weights_[name], weights)
    scores = [fits[0].score(sequences, labels, w) for w in (by_sequence, by_step)]
    predicted = np.concatenate(fits[0].predict(sequences))
    expected = accuracy_score(
        np.concatenate(labels), predicted, sample_weight=np.concatenate(by_step)
    )
    assert scores == [expected, expected]


def test_timesteps_of_weight_zero_need_no_target(sequences, labels, numbers):
    """They are read, but neither their label nor their number counts."""
    weights = [(np.arange(n) % 2 == 0).astype(float) for n in LENGTHS]
    for estimator, y, other in (
        (classifier(), labels, None),
        (regressor(), numbers, np.nan),
    ):
        changed = [np.array(row, dtype=object if other is None else float) for row in y]
        for row in changed:
            row[1::2] = other
        a = clone(estimator).fit(sequences, y, weights)
        b = clone(estimator).fit(sequences, changed, weights)
        for name, value in a.weights_.items():
            assert_array_equal(b.weights_[name], value)
        assert a.score(sequences, y, weights) == b.score(sequences, changed, weights)


def test_sequences_of_weight_zero_are_left_out(sequences, labels):
    """Also where all timesteps of one weigh nothing."""
    weights = [np.full(n, float(k != 3)) for k, n in enumerate(LENGTHS)]
    without = [k for k in range(len(LENGTHS)) if k != 3]
    a = classifier().fit(sequences, labels, weights)
    b = classifier().fit([sequences[k] for k in without], [labels[k] for k in without])
    for name, value in a.weights_.items():
        assert_array_equal(b.weights_[name], value)


def test_balanced_class_weight_counts_timesteps(sequences):
    """It is the weights of the classes over all valid timesteps."""
    y = [(np.arange(n) == 0).astype(int) for n in LENGTHS]
    flat = np.concatenate(y)
    by_class = dict(
        enumerate(compute_class_weight("balanced", classes=np.arange(2), y=flat))
    )
    fits = [
        classifier(class_weight=weight).fit(sequences, y)
        for weight in ("balanced", by_class)
    ]
    assert_array_equal(fits[0].weights_["dense/bias"], fits[1].weights_["dense/bias"])
    plain = classifier().fit(sequences, y)
    assert np.any(plain.weights_["dense/bias"] != fits[0].weights_["dense/bias"])


def test_scale_of_y_is_that_of_valid_timesteps(sequences, numbers):
    """Padding does not move the mean."""
    y = [1000 + 10 * row for row in numbers]
    fitted = regressor().fit(placed(sequences, "pre", np.nan), placed(y, "pre", -1e6))
    assert fitted.codec_.mean[0] == pytest.approx(np.concatenate(y).mean())
    assert fitted.codec_.scale[0] == pytest.approx(np.concatenate(y).std())


def test_partial_fit_learns_from_a_new_sequence_each_epoch():
    """As the classic lesson trains: the running sum exceeds a quarter of the length."""
    rng = np.random.default_rng(0)
    estimator = classifier(units=10)

    def draw(n):
        X = rng.uniform(size=(n, 10, 1))
        return X, (X[:, :, 0].cumsum(axis=1) > 2.5).astype(int)

    for _ in range(300):
        estimator.partial_fit(*draw(1), classes=[0, 1])
    assert estimator.n_epochs_ == 300
    loss = estimator.history_["loss"]
    assert np.mean(loss[-30:]) < np.mean(loss[:30]) / 2
    assert estimator.score(*draw(200)) > 0.9


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "mul", "ave"])
def test_it_learns(merge_mode):
    """The loss falls by half in every merge mode."""
    rng = np.random.default_rng(1)
    X = rng.uniform(size=(60, 8, 1))
    y = (X[:, :, 0].cumsum(axis=1) > 2).astype(int)
    fitted = classifier(units=6, epochs=80, merge_mode=merge_mode).fit(X, y)
    assert fitted.history_["loss"][-1] < fitted.history_["loss"][0] / 2
    assert fitted.history_["accuracy"][-1] == pytest.approx(
        fitted.score(X, y), abs=0.03
    )


def test_backward_reads_the_rest_of_the_sequence():
    """Its output at a timestep depends on that and later ones, in their order."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(4, 6, 1))
    changed = X.copy()
    changed[:, 3] += 1
    y = X[:, :, 0]
    backward = regressor(direction="backward").fit(X, y)
    moved = (backward.predict(X) != backward.predict(changed)).all(axis=0)
    assert moved.tolist() == [True] * 4 + [False] * 2
    forward = regressor(direction="forward").fit(X, y)
    moved = (forward.predict(X) != forward.predict(changed)).all(axis=0)
    assert moved.tolist() == [False] * 3 + [True] * 3


# -- where it is used --------------------------------------------------------------


def test_pipeline_grid_search_and_joblib(tmp_path):
    """Columns of a matrix in, labels at every timestep out, saved and loaded."""
    rng = np.random.default_rng(3)
    X = rng.uniform(size=(40, 10))
    y = np.where(X.reshape(40, 5, 2)[:, :, 0].cumsum(axis=1) > 1.2, "yes", "no")
    pipeline = make_pipeline(
        SequenceReshaper(n_features=2), SequenceScaler(), classifier()
    )
    search = GridSearchCV(
        pipeline,
        {"bilstmtimestepclassifier__merge_mode": ["sum", "ave"]},
        cv=2,
        error_score="raise",
    ).fit(X, y)
    joblib.dump(search.best_estimator_, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    assert_array_equal(loaded.predict(X), search.predict(X))
    assert search.predict(X).shape == y.shape


# -- what is refused ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: None, "requires y to be passed"),
        (lambda y: y[:, 0], r"\(5,\).*one target per sequence use BiLSTMClassifier"),
        (lambda y: y[:, :3], r"shape \(5, 3\).*here \(5, 4\)"),
        (lambda y: y[:4], r"shape \(4, 4\).*here \(5, 4\)"),
        (lambda y: y[:, :, None, None], r"shape \(5, 4, 1, 1\)"),
        (lambda y: [row[:3] if k == 2 else row for k, row in enumerate(y)],
         r"Sequence 2 of X has 4 timesteps, but y\[2\] has shape \(3,\)"),
        (lambda y: [*y[:4], y[0], y[0, :2]], "X has 5 sequences, y has 6"),
        (lambda y: np.where(np.eye(5, 4) == 1, np.nan, y),
         "4 timesteps of X have data but no target, the first is sample 0, valid "
         "timestep 0"),
        (lambda y: y + 0.5, "holds numbers that are no labels"),
        (lambda y: np.zeros_like(y), "There is only one class, 0"),
        (lambda y: np.where(np.eye(5, 4) == 1, "a", y.astype(object)),
         "Unknown label type: unknown"),
        (lambda y: [list("abcd")] * 2 + [[0, 1, 0]] * 3,
         r"Sequence 2 of X has 4 timesteps"),
    ],
)  # fmt: skip
def test_refused_targets(change, message):
    """The message says what came, what was expected and what to do."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(5, 4, 2)), np.arange(20).reshape(5, 4) % 2
    with pytest.raises(ValueError, match=message):
        classifier().fit(X, change(y))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(4), r"sample_weight.shape == \(4,\)"),
        (np.ones((5, 3)), r"sample_weight has shape \(5, 3\).*here \(5, 4\)"),
        (-np.ones((5, 4)), "for each of the 20 timesteps of X"),
        (np.zeros((5, 4)), "at least one non-zero"),
        (np.full((5, 4), np.nan), "NaN.*for each of the 20 timesteps"),
    ],
)
def test_refused_weights(weights, message):
    """Weights are one per sequence or one per timestep."""
    X, y = np.random.default_rng(0).normal(size=(5, 4, 2)), np.arange(20).reshape(5, 4)
    with pytest.raises(ValueError, match=message):
        classifier().fit(X, y % 2, weights)


def test_one_sample_without_its_axis():
    """The hint names the axis that is missing."""
    X = np.random.default_rng(0).normal(size=(1, 4, 2))
    with pytest.raises(ValueError, match=r"X is one sample: make it y\[None\]"):
        classifier().fit(X, [0, 1, 1, 0])


def test_sequence_estimators_name_the_timestep_estimators():
    """A y of three axes, or one per timestep of a single sample, is pointed there."""
    from sklstm import BiLSTMRegressor

    X = np.random.default_rng(0).normal(size=(5, 4, 2))
    with pytest.raises(ValueError, match="use BiLSTMTimestepClassifier or"):
        BiLSTMRegressor().fit(X, np.zeros((5, 4, 1)))
    with pytest.raises(ValueError, match="use BiLSTMTimestepClassifier or"):
        BiLSTMRegressor().fit(X[:1], np.zeros(4))
