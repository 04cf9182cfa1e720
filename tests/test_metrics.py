"""Scores over all valid timesteps, against scikit-learn's metrics on flat labels."""

import pickle
import re

import guide
import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator
from sklearn.metrics import (
    f1_score,
    get_scorer,
    get_scorer_names,
    log_loss,
    make_scorer,
    mean_absolute_error,
)
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

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


@pytest.mark.parametrize("form", ["list", "even list", "array", "padded"])
def test_a_function_of_ones_own(form):
    """Of labels 1 and 2, which a metric would read as indicators: all rows are flat."""

    def f1(estimator, X, y):
        return f1_score(y, estimator.predict(X), average="macro")

    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(12, 4, 1)), rng.integers(1, 3, (12, 4))
    X[::2, 3] = X[::2, 3] if form in ("array", "even list") else np.nan
    valid = ~np.isnan(X[:, :, 0])
    if "list" in form:
        X, y = ([row[v] for row, v in zip(of, valid, strict=True)] for of in (X, y))
    fitted = BiLSTMTimestepClassifier(units=3, epochs=1, random_state=0).fit(X, y)
    predicted = fitted.predict(X)
    if form == "list":
        true, flat = np.concatenate(list(y)), np.concatenate(list(predicted))
    else:
        predicted, y_array = np.array(list(predicted)), np.array(list(y))
        true, flat = (of[predicted == predicted] for of in (y_array, predicted))
    expected = f1_score(true, flat, average="macro")
    assert expected < 0.9
    assert make_timestep_scorer(f1)(fitted, X, y) == pytest.approx(expected)
    search = GridSearchCV(fitted, {}, scoring=make_timestep_scorer(f1), cv=KFold(2))
    assert search.fit(X, y).best_score_ < 0.9


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


# -- scikit-learn's scorers by name ------------------------------------------------

X = np.random.default_rng(2).normal(size=(30, 2, 2))
TOTALS = X.sum(axis=2).cumsum(axis=1)
PADDED = np.where(np.arange(30)[:, None, None] % 3 + np.arange(2)[:, None], X, np.nan)


def in_classes(*classes):
    """Labels at every timestep, all of them at each."""
    return np.array(classes)[np.digitize(TOTALS, [0, 1][: len(classes) - 1])]


def as_list(values):
    """Without the timesteps that are padding in `PADDED`."""
    valid = ~np.isnan(PADDED[:, :, 0])
    return [row[used] for row, used in zip(values, valid, strict=True)]


class AtTimestep(BaseEstimator):
    """What an estimator predicts at one timestep: a prediction per sequence."""

    def __init__(self, estimator, step):
        self.estimator = estimator
        self.step = step

    @property
    def classes_(self):
        return self.estimator.classes_

    def predict(self, X):
        return self.estimator.predict(X)[:, self.step]

    def predict_proba(self, X):
        return self.estimator.predict_proba(X)[:, self.step]

    def __sklearn_tags__(self):
        return get_tags(self.estimator)


def score_or_none(scorer, *arguments):
    try:
        return scorer(*arguments)
    except (ValueError, AttributeError):
        return None


def outcome(name, estimator, X, y):
    """What a score is, in the words of the guide."""
    score = score_or_none(get_scorer(name), estimator, X, y)
    if score is None:
        return "error"
    pooled = make_timestep_scorer(name)(estimator, X, y)
    if score == pytest.approx(pooled, rel=1e-12):
        return "all timesteps"
    by_step = [
        get_scorer(name)(AtTimestep(estimator, step), X, y[:, step])
        for step in range(y.shape[1])
    ]
    if score == pytest.approx(np.mean(by_step), rel=1e-12):
        return "mean over timesteps"
    return f"wrong: {score}, not {pooled}"


def table_of_the_guide():
    """For every name what the classifier and the regressor give."""
    text = (guide.GUIDE / "timesteps.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*`) \| ([a-z ]+) \| ([a-z ]+) \|$", text, re.M)
    return {
        name: outcomes
        for names, *outcomes in rows
        for name in re.findall(r"`(\w+)`", names)
    }


def test_the_guide_has_every_scorer():
    """In one table."""
    names = set(table_of_the_guide())
    assert set(get_scorer_names()) <= names
    if sklearn.__version__.startswith("1.9."):
        assert set(get_scorer_names()) == names


def networks(**params):
    params = {"units": 3, "epochs": 3, "random_state": 0} | params
    return BiLSTMTimestepClassifier(**params), BiLSTMTimestepRegressor(**params)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_scorers_by_name_are_as_the_guide_says():
    """For arrays without padding; all timesteps as `make_timestep_scorer` has it."""
    table = table_of_the_guide()
    labels, numbers = in_classes(0, 1), np.exp(TOTALS)
    targets = (labels, numbers)
    fits = [n.fit(X, y) for n, y in zip(networks(), targets, strict=True)]
    for name in get_scorer_names():
        found = [
            outcome(name, *arguments, y)
            for arguments, y in zip([(fit, X) for fit in fits], targets, strict=True)
        ]
        assert found == table[name], name


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.parametrize(
    "classes", [(1, 2), (False, True), (-1, 1), ("a", "b")], ids=str
)
def test_scorers_by_name_of_other_labels(classes):
    """The same number as for other names of the labels, or an error; with two
    timesteps the shapes of labels, probabilities and classes agree by chance.
    """
    table = table_of_the_guide()
    y = in_classes(*classes)
    fitted = networks()[0].fit(X, y)
    for name in get_scorer_names():
        assert outcome(name, fitted, X, y) in (table[name][0], "error"), name


THREE = in_classes(0, 1, 2)


@pytest.mark.parametrize(
    ("k", "X", "y"),
    [
        (0, X, THREE),
        (0, PADDED, in_classes(0, 1)),
        (0, PADDED, THREE),
        (0, as_list(X), as_list(in_classes(0, 1))),
        (0, as_list(X), as_list(in_classes("a", "b", "c"))),
        (0, X, np.stack([in_classes(0, 1)] * 2, axis=2)),
        (1, PADDED, TOTALS),
        (1, as_list(X), as_list(TOTALS)),
        (1, list(X), list(TOTALS)),
        (1, X, np.stack([TOTALS, -TOTALS], axis=2)),
    ],
    ids=["three", "padded", "three padded", "list", "three text list", "multilabel",
         "numbers padded", "numbers list", "numbers even list", "numbers several"],
)  # fmt: skip
def test_no_scorer_by_name_misreads(k, X, y):
    """Three classes, padding, lists, several targets: every scorer is an error."""
    fitted = networks()[k].fit(X, y)
    for name in get_scorer_names():
        assert score_or_none(get_scorer(name), fitted, X, y) is None, name


@pytest.mark.parametrize(
    "scoring", ["accuracy", "f1_macro", "neg_log_loss", "roc_auc_ovr"]
)
def test_scorers_by_name_say_what_to_do(scoring):
    """Also through pipelines and searches; what makes rows of them is not meant."""
    y = in_classes(0, 1)
    pipeline = make_pipeline(SequenceScaler(), networks(epochs=1)[0])
    search = GridSearchCV(pipeline, {}, cv=2).fit(X, y)
    for fitted in (search.best_estimator_[-1], search.best_estimator_, search):
        with pytest.raises(ValueError, match=r"scoring=sklstm.metrics.make_timestep_"):
            get_scorer(scoring)(fitted, X, y)
        assert np.isfinite(make_timestep_scorer(scoring)(fitted, X, y))
        assert np.isfinite(get_scorer(scoring)(AtTimestep(fitted, 1), X, y[:, 1]))
    message = "make_timestep_scorer"
    with pytest.raises(ValueError, match=message):
        GridSearchCV(pipeline, {}, cv=2, scoring=scoring, error_score="raise").fit(X, y)
