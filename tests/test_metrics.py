"""Scores over all valid timesteps, against scikit-learn's metrics on flat labels."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import f1_score, log_loss, make_scorer, mean_absolute_error
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline

from sklstm import (
    BiLSTMTimestepClassifier,
    BiLSTMTimestepRegressor,
    SequenceScaler,
    pad_sequences,
)
from sklstm.metrics import make_timestep_scorer

LENGTHS = [6, 3, 1, 5, 6, 2, 4, 6, 3, 5, 6, 6]


@pytest.fixture(scope="module")
def sequences():
    rng = np.random.default_rng(0)
    return [rng.normal(size=(length, 2)) for length in LENGTHS]


@pytest.fixture(scope="module")
def labels(sequences):
    return [np.array(["a", "b", "c"])[(s > 0).sum(axis=1)] for s in sequences]


@pytest.fixture(scope="module")
def fitted(sequences, labels):
    estimator = BiLSTMTimestepClassifier(units=3, epochs=5, random_state=0)
    return estimator.fit(sequences, labels)


def as_arrays(sequences, labels, padding):
    """The same with padding in front or behind; text where there is no label."""
    X = pad_sequences(sequences, padding=padding)
    y = np.full(X.shape[:2], "", dtype=object)
    y[~np.isnan(X[:, :, 0])] = np.concatenate(labels)
    return X, y


@pytest.mark.parametrize("form", ["list", "pre", "post"])
def test_scores_are_those_of_flat_labels(fitted, sequences, labels, form):
    """Labels and probabilities; lists and arrays with padding anywhere."""
    X, y = sequences, labels
    if form != "list":
        X, y = as_arrays(sequences, labels, form)
    flat = np.concatenate(labels)
    predicted = np.concatenate(fitted.predict(sequences))
    proba = np.concatenate(fitted.predict_proba(sequences))
    f1 = f1_score(flat, predicted, average="macro")
    assert make_timestep_scorer("f1_macro")(fitted, X, y) == pytest.approx(f1)
    loss = -log_loss(flat, proba)
    assert make_timestep_scorer("neg_log_loss")(fitted, X, y) == pytest.approx(loss)
    accuracy = make_timestep_scorer("accuracy")(fitted, X, y)
    assert accuracy == fitted.score(sequences, labels)


@pytest.mark.parametrize("per", ["sequence", "timestep"])
def test_weights(fitted, sequences, labels, per):
    """Of sequences or timesteps; a timestep of weight zero needs no label."""
    rng = np.random.default_rng(1)
    by_sequence = rng.integers(0, 3, len(LENGTHS)).astype(float)
    by_step = [np.full(n, w) for n, w in zip(LENGTHS, by_sequence, strict=True)]
    y = [
        np.where(w > 0, row.astype(object), None)
        for row, w in zip(labels, by_step, strict=True)
    ]
    score = make_timestep_scorer("f1_macro")(
        fitted, sequences, y, by_sequence if per == "sequence" else by_step
    )
    expected = f1_score(
        np.concatenate(labels),
        np.concatenate(fitted.predict(sequences)),
        average="macro",
        sample_weight=np.concatenate(by_step),
    )
    assert score == pytest.approx(expected)


def test_regression_with_an_own_metric(sequences):
    """What make_scorer gives is as good as a name."""
    y = [s.sum(axis=1) for s in sequences]
    fitted = BiLSTMTimestepRegressor(units=3, epochs=2, random_state=0)
    fitted.fit(sequences, y)
    predicted = np.concatenate(fitted.predict(sequences))
    error = mean_absolute_error(np.concatenate(y), predicted)
    for scoring in (
        "neg_mean_absolute_error",
        make_scorer(mean_absolute_error, greater_is_better=False),
    ):
        score = make_timestep_scorer(scoring)(fitted, sequences, y)
        assert score == pytest.approx(-error)


def test_searches_and_cross_validation(sequences, labels):
    """In a pipeline, several scores at once; it travels to other processes."""
    pipeline = make_pipeline(
        SequenceScaler(), BiLSTMTimestepClassifier(units=3, epochs=1, random_state=0)
    )
    X, y = as_arrays(sequences, labels, "pre")
    scorer = pickle.loads(pickle.dumps(make_timestep_scorer("roc_auc_ovr")))
    search = GridSearchCV(
        pipeline,
        {"bilstmtimestepclassifier__merge_mode": ["sum", "ave"]},
        scoring=scorer,
        cv=KFold(2),
        error_score="raise",
    ).fit(X, y)
    scores = cross_validate(
        search.best_estimator_,
        X,
        y,
        scoring={"auc": scorer, "f1": make_timestep_scorer("f1_macro")},
        cv=KFold(2),
        error_score="raise",
    )
    best = search.cv_results_["mean_test_score"].max()
    assert_allclose(scores["test_auc"].mean(), best)
    assert "f1_score" in repr(make_timestep_scorer("f1_macro"))


def test_refusals(fitted, sequences, labels):
    """A name nobody knows; labels of another shape; a missing label."""
    with pytest.raises(ValueError, match="'f2' is not a valid scoring value"):
        make_timestep_scorer("f2")
    scorer = make_timestep_scorer("accuracy")
    with pytest.raises(ValueError, match=r"Sequence 0 of X has 6 timesteps.*\(5,\)"):
        scorer(fitted, sequences, [labels[0][:5], *labels[1:]])
    missing = [np.array([None, *row[1:]], dtype=object) for row in labels]
    with pytest.raises(ValueError, match="12 timesteps of X have data but no target"):
        scorer(fitted, sequences, missing)
