"""Tools around the estimators: the recipes of the guide, and what they should give."""

import subprocess
import sys

import guide
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingClassifier,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.metrics import f1_score, get_scorer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    KFold,
    TimeSeriesSplit,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepClassifier,
    BiLSTMTimestepRegressor,
    SequenceReshaper,
    SlidingWindows,
)
from sklstm.metrics import make_timestep_scorer

rng = np.random.default_rng(0)
N_TIMESTEPS, N_FEATURES = 4, 2
TABLE = rng.normal(size=(240, 8))
X = TABLE.reshape(240, 4, 2)
LIST = [sequence[: 2 + k % 3] for k, sequence in enumerate(X)]
# Feature 0 of timestep 2 and feature 1 of timestep 3 decide.
TOTAL = TABLE[:, 4] + TABLE[:, 7]
y = (TOTAL > 0.8).astype(int)
CLASSIFIER = BiLSTMClassifier(4, epochs=2, learning_rate=0.02, random_state=0)
REGRESSOR = BiLSTMRegressor(4, epochs=15, learning_rate=0.02, random_state=0)


def piped(estimator):
    return make_pipeline(SequenceReshaper(n_features=2), estimator)


def run(name, **names):
    """Run the code of the guide that begins with a comment of this name."""
    names |= {"n_timesteps": N_TIMESTEPS, "n_features": N_FEATURES}
    exec(guide.recipe("tools.md", name), names)
    return names


@pytest.fixture(scope="module")
def trained():
    """A pipeline that has learnt which columns decide."""
    return (
        clone(piped(CLASSIFIER)).set_params(bilstmclassifier__epochs=30).fit(TABLE, y)
    )


# -- scikit-learn ----------------------------------------------------------------------


@pytest.mark.parametrize("data", ["table", "array", "list"])
@pytest.mark.parametrize(
    "tool",
    [
        lambda model: CalibratedClassifierCV(model, cv=2),
        lambda model: VotingClassifier([("a", model), ("b", model)], voting="soft"),
        lambda model: StackingClassifier([("a", model), ("b", model)], cv=2),
        lambda model: TunedThresholdClassifierCV(model, cv=2),
    ],
    ids=["calibrated", "voting", "stacking", "tuned"],
)
def test_any_kind_of_data_passes(tool, data):
    """As the table of the guide says."""
    model = piped(CLASSIFIER) if data == "table" else CLASSIFIER
    given = {"table": TABLE, "array": X, "list": LIST}[data]
    predicted = tool(model).fit(given, y).predict_proba(given)
    assert predicted.shape == (240, 2)
    assert_allclose(predicted.sum(axis=1), 1)


@pytest.mark.parametrize("wanted", [X, LIST], ids=["array", "list"])
def test_what_insists_on_a_matrix(wanted):
    """As the table of the guide says, and with a message of its own."""
    message = "dim 3, while dim <= 2|inhomogeneous shape"
    fitted = clone(CLASSIFIER).fit(wanted, y)
    with pytest.raises(ValueError, match=message):
        permutation_importance(fitted, wanted, y)
    with pytest.raises(ValueError, match=message):
        BaggingClassifier(CLASSIFIER, 2).fit(wanted, y)


def test_tuned_threshold(trained):
    """It is the best of the thresholds that were tried, on the probabilities."""
    tuned = TunedThresholdClassifierCV(
        FrozenEstimator(trained),
        scoring="f1",
        cv="prefit",
        refit=False,
        thresholds=20,
        store_cv_results=True,
    ).fit(TABLE, y)
    proba = trained.predict_proba(TABLE)[:, 1]
    assert_array_equal(tuned.predict(TABLE), proba >= tuned.best_threshold_)
    results = tuned.cv_results_
    expected = [f1_score(y, proba >= t) for t in results["thresholds"]]
    assert_allclose(results["scores"], expected)
    assert tuned.best_score_ == pytest.approx(max(expected))


def test_fixed_threshold(trained):
    """A lower threshold says yes where the probability is above it."""
    fixed = FixedThresholdClassifier(FrozenEstimator(trained), threshold=0.1)
    predicted = fixed.fit(TABLE, y).predict(TABLE)
    assert_array_equal(predicted, trained.predict_proba(TABLE)[:, 1] >= 0.1)
    assert predicted.sum() > trained.predict(TABLE).sum()


def test_learning_curve():
    """Scores of fits on the first samples of each fold."""
    sizes, _, scores = learning_curve(
        CLASSIFIER, X, y, cv=KFold(2), train_sizes=[30, 60]
    )
    for fold, (train, test) in enumerate(KFold(2).split(X)):
        for k, size in enumerate(sizes):
            model = clone(CLASSIFIER).fit(X[train[:size]], y[train[:size]])
            assert scores[k, fold] == model.score(X[test], y[test])


def test_cross_val_predict_of_unequal_lengths():
    """Out-of-fold probabilities are those of fits by hand."""
    proba = cross_val_predict(CLASSIFIER, LIST, y, cv=KFold(2), method="predict_proba")
    for train, test in KFold(2).split(X):
        model = clone(CLASSIFIER).fit([LIST[k] for k in train], y[train])
        expected = model.predict_proba([LIST[k] for k in test])
        assert_array_equal(proba[test], expected)


def test_time_series_split():
    """Windows of a test fold reach back into its training rows with context="fit"."""
    model = make_pipeline(SlidingWindows(3, context="fit"), REGRESSOR)
    target = np.convolve(TABLE[:, 0], [1, 1, 1])[:240]
    folds = TimeSeriesSplit(2)
    scores = cross_val_score(model, TABLE, target, cv=folds)
    windows = SlidingWindows(3).fit_transform(TABLE)
    for score, (train, test) in zip(scores, folds.split(TABLE), strict=True):
        alone = clone(REGRESSOR).fit(windows[train], target[train])
        assert score == pytest.approx(alone.score(windows[test], target[test]))


# -- a label at every timestep ---------------------------------------------------------

VALID = np.arange(4) < np.array([len(sequence) for sequence in LIST])[:, None]
LABELS = np.where(X.sum(axis=2) > 0, "above", "below")
TAGGER = BiLSTMTimestepClassifier(2, epochs=1, random_state=0)
SMOOTHER = BiLSTMTimestepRegressor(2, epochs=1, random_state=0)
BY_STEP = {
    "array": (X, LABELS),
    "padded": (np.where(VALID[:, :, None], X, np.nan), np.where(VALID, LABELS, "")),
    "list": (LIST, [row[valid] for row, valid in zip(LABELS, VALID, strict=True)]),
}
by_step = pytest.mark.parametrize("data", BY_STEP)


def at(values, rows):
    return [values[k] for k in rows] if isinstance(values, list) else values[rows]


def assert_same_rows(left, right):
    for one, other in zip(left, right, strict=True):
        if one.dtype == object:  # text, and NaN at padded timesteps
            one, other = one.astype(str), other.astype(str)
        assert_array_equal(one, other)


@by_step
@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_cross_val_predict_at_every_timestep(method, data):
    """The predictions of the folds, each where its sequence is."""
    X, y = BY_STEP[data]
    known = {"y": y} if method == "predict" else {"params": {"y": y}}
    predicted = cross_val_predict(TAGGER, X, cv=2, method=method, **known)
    assert len(predicted) == len(X)
    for train, test in KFold(2).split(LABELS):
        model = clone(TAGGER).fit(at(X, train), at(y, train))
        expected = getattr(model, method)(at(X, test))
        assert predicted.shape[1:] == expected.shape[1:]
        assert_same_rows(predicted[test], expected)


def test_thresholds_of_timesteps_are_the_same_padded_and_in_lists():
    """The rows of the recipe: probabilities and labels of all valid timesteps."""
    rows = []
    for data in ("padded", "list"):
        X, y = BY_STEP[data]
        method = {"params": {"y": y}, "method": "predict_proba", "cv": 2}
        positive = np.concatenate(cross_val_predict(TAGGER, X, **method))[:, 1]
        known = positive >= 0
        rows.append((positive[known], np.concatenate(y)[known]))
    assert len(rows[0][0]) == VALID.sum()
    assert_allclose(rows[0][0], rows[1][0], atol=1e-6)
    assert_array_equal(rows[0][1], rows[1][1])


@by_step
def test_searches_and_curves_at_every_timestep(data):
    """An integer `cv` will do, with and without a scorer."""
    X, y = BY_STEP[data]
    f1 = make_timestep_scorer("f1_macro")
    for scoring in (None, f1):
        settings = {"cv": 2, "scoring": scoring, "error_score": "raise"}
        scores = cross_val_score(TAGGER, X, y, **settings)
        search = GridSearchCV(TAGGER, {"units": [2]}, **settings).fit(X, y)
        assert search.best_score_ == scores.mean()
        curve = validation_curve(
            TAGGER, X, y, param_name="units", param_range=[2], **settings
        )
        assert_array_equal(curve[1], [scores])
        curve = learning_curve(TAGGER, X, y, train_sizes=[1.0], **settings)
        assert_array_equal(curve[2], [scores])


def test_lists_of_lists_need_a_splitter():
    """scikit-learn refuses them before it has asked us."""
    X, y = BY_STEP["list"]
    y = [row.tolist() for row in y]
    with pytest.raises(ValueError, match="legacy multi-label data representation"):
        cross_val_score(TAGGER, X, y, cv=2)
    scores = cross_val_score(TAGGER, X, y, cv=KFold(2))
    assert_array_equal(scores, cross_val_score(TAGGER, *BY_STEP["list"], cv=2))


def test_labels_by_timestep_are_numbered_by_cross_val_predict():
    """Why the guide puts them into `params`: here timestep 0 knows one label only."""
    y = np.stack([np.ones(240, int), np.arange(240) % 2], axis=1)
    seen = []

    class Looks(BiLSTMTimestepClassifier):
        def fit(self, X, y, sample_weight=None):
            seen.append(y[:, 0])
            return super().fit(X, y, sample_weight)

    model = Looks(2, epochs=1, random_state=0)
    settings = {"cv": 2, "method": "predict_proba"}
    cross_val_predict(model, X[:, :2], y, **settings)
    cross_val_predict(model, X[:, :2], params={"y": y}, **settings)
    assert [set(labels.tolist()) for labels in seen] == [{0}, {0}, {1}, {1}]


@by_step
@pytest.mark.filterwarnings("ignore:Number of classes in training fold:RuntimeWarning")
@pytest.mark.parametrize(
    "tool",
    [
        lambda: TunedThresholdClassifierCV(TAGGER, cv=2),
        lambda: FixedThresholdClassifier(TAGGER, threshold=0.3),
        lambda: CalibratedClassifierCV(TAGGER, cv=2),
        lambda: VotingClassifier([("a", TAGGER), ("b", TAGGER)]),
        lambda: StackingClassifier([("a", TAGGER), ("b", TAGGER)], cv=2),
        lambda: OneVsRestClassifier(TAGGER),
        lambda: VotingRegressor([("a", SMOOTHER), ("b", SMOOTHER)]),
        lambda: StackingRegressor([("a", SMOOTHER), ("b", SMOOTHER)], cv=2),
    ],
    ids=["tuned", "fixed", "calibrated", "voting", "stacking", "ovr", "voting numbers",
         "stacking numbers"],
)  # fmt: skip
def test_tools_for_one_label_per_sample_refuse(tool, data):
    """As the table of the guide says."""
    X, y = BY_STEP[data]
    y = [(row == "above").astype(int) for row in y]
    with pytest.raises((ValueError, NotImplementedError)):
        tool().fit(X, y if data == "list" else np.array(y))


def test_frozen_at_every_timestep():
    """It predicts as what is in it."""
    for X, y in BY_STEP.values():
        fitted = clone(TAGGER).fit(X, y)
        frozen = FrozenEstimator(fitted).fit(X, y).predict(X)
        assert_same_rows(frozen, fitted.predict(X))


def test_what_wants_equal_lengths():
    """Permuted labels, transformed targets; importances of columns."""
    score, *_ = permutation_test_score(TAGGER, X, LABELS, cv=2, n_permutations=1)
    assert score == cross_val_score(TAGGER, X, LABELS, cv=2).mean()
    logarithmic = TransformedTargetRegressor(SMOOTHER, func=np.log, inverse_func=np.exp)
    numbers = np.exp(X.sum(axis=2))
    predicted = logarithmic.fit(X, numbers).predict(X)
    assert_array_equal(predicted, np.exp(SMOOTHER.fit(X, np.log(numbers)).predict(X)))
    for data in ("padded", "list"):
        with pytest.raises(ValueError, match=r"NaN|sequence"):
            clone(logarithmic).fit(BY_STEP[data][0], numbers).predict(BY_STEP[data][0])
    with pytest.raises(ValueError, match="Every timestep needs one row of y"):
        permutation_test_score(TAGGER, *BY_STEP["list"], cv=2, n_permutations=1)
    piped_tagger = piped(TAGGER).fit(TABLE, LABELS)
    importance = permutation_importance(piped_tagger, TABLE, LABELS, n_repeats=1)
    assert importance.importances_mean.shape == (8,)


# -- importance ------------------------------------------------------------------------

DECIDE = np.zeros((N_TIMESTEPS, N_FEATURES), bool)
DECIDE[2, 0] = DECIDE[3, 1] = True


def assert_shows_what_decides(importance):
    assert importance.shape == DECIDE.shape
    assert importance[DECIDE].min() > 3 * importance[~DECIDE].max()
    assert np.abs(importance[~DECIDE]).max() < 0.06


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_shap(trained, monkeypatch):
    """Values that add up to the prediction, large where it is decided."""
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")  # compiling takes longer than running
    pytest.importorskip("shap", reason="shap is not installed")
    names = run("shap", pipeline=trained, X=TABLE)
    values, positive = names["values"], names["positive"]
    assert_shows_what_decides(np.abs(values).mean(axis=0))
    baseline = positive(TABLE[:100]).mean()
    together = baseline + values.sum(axis=(1, 2))
    assert_allclose(together, positive(TABLE[:20]), atol=1e-6)
    with pytest.raises(TypeError):
        names["shap"].PermutationExplainer(trained[-1].predict, X[:9])(X[:2])


# -- intervals -------------------------------------------------------------------------


def coverage(bounds, y):
    return np.mean((bounds[:, 0, 0] <= y) & (y <= bounds[:, 1, 0]))


def noisy_sums(n_samples):
    numbers = np.random.default_rng(1)
    table = numbers.normal(size=(n_samples, 8))
    return table, table[:, 4] + table[:, 7] + 0.5 * numbers.normal(size=n_samples)


def test_conformal_intervals():
    """Bounds by the quantile of held-out errors; coverage near the level."""
    pytest.importorskip("mapie", reason="MAPIE is not installed")
    table, target = noisy_sums(2200)
    names = run(
        "mapie",
        pipeline=piped(REGRESSOR),
        X_train=table[:200],
        y_train=target[:200],
        X_held_out=table[200:1200],
        y_held_out=target[200:1200],
        X_new=table[1200:],
    )
    fitted, bounds = names["fitted"], names["bounds"]
    assert_array_equal(names["predicted"], fitted.predict(table[1200:]))
    errors = np.sort(np.abs(target[200:1200] - fitted.predict(table[200:1200])))
    width = errors[int(np.ceil(0.9 * 1001)) - 1]
    assert_allclose(bounds[:, 1, 0] - names["predicted"], width)
    # Three standard deviations of a coverage over 1,000 and 1,000 samples.
    assert coverage(bounds, target[1200:]) == pytest.approx(0.9, abs=0.04)


def test_cross_conformal_intervals():
    """On folds, of a 3D array."""
    regression = pytest.importorskip("mapie.regression", reason="needs MAPIE")
    table, target = noisy_sums(700)
    X = table.reshape(-1, 4, 2)
    model = regression.CrossConformalRegressor(REGRESSOR, confidence_level=0.8, cv=3)
    model.fit_conformalize(X[:300], target[:300])
    _, bounds = model.predict_interval(X[300:])
    assert 0.7 < coverage(bounds, target[300:]) < 0.95


def test_mapie_probes_the_last_step():
    """Why the guide freezes the pipeline."""
    regression = pytest.importorskip("mapie.regression", reason="needs MAPIE")
    model = clone(piped(REGRESSOR)).set_params(bilstmregressor__epochs=1)
    with pytest.raises(UserWarning, match="does not appear fitted"):
        regression.SplitConformalRegressor(
            model.fit(TABLE, TOTAL), prefit=True
        ).conformalize(TABLE, TOTAL)


# -- imbalanced-learn ------------------------------------------------------------------


@pytest.mark.parametrize("sampler", ["RandomUnderSampler", "RandomOverSampler"])
def test_samplers(sampler):
    """The pipeline of the guide trains on resampled rows and predicts for all."""
    pytest.importorskip("imblearn", reason="imbalanced-learn is not installed")
    import imblearn.over_sampling
    import imblearn.under_sampling

    padded = TABLE.copy()
    padded[::3, 6:] = np.nan
    names = run(
        "imbalanced",
        X=padded,
        y=y,
        classifier=clone(CLASSIFIER),
        SequenceReshaper=SequenceReshaper,
    )
    model = names["model"]
    if sampler == "RandomOverSampler":
        over = imblearn.over_sampling.RandomOverSampler(random_state=0)
        model = clone(model).set_params(randomundersampler=over).fit(padded, y)
    rows, labels = clone(model[0]).fit_resample(padded, y)
    counts = np.bincount(labels)
    assert counts[0] == counts[1]
    expected = clone(CLASSIFIER).fit(rows.reshape(-1, 4, 2), labels)
    assert_array_equal(
        model.predict_proba(padded), expected.predict_proba(padded.reshape(-1, 4, 2))
    )


@pytest.mark.parametrize("scoring", ["f1_macro", "accuracy", "roc_auc_ovr"])
def test_scorers_by_name_refuse_timesteps_of_its_pipeline(scoring):
    """As of scikit-learn's: f1_macro of labels 1 and 2 was 1.0, whatever they were."""
    pipeline = pytest.importorskip("imblearn.pipeline", reason="needs imbalanced-learn")
    tagger = BiLSTMTimestepClassifier(1, epochs=1, random_state=0)
    labels = 1 + (X[:30, :, 0] > 0)
    model = pipeline.make_pipeline("passthrough", tagger).fit(X[:30], labels)
    with pytest.raises(ValueError, match="make_timestep_scorer"):
        get_scorer(scoring)(model, X[:30], labels)


# -- mlflow ----------------------------------------------------------------------------

LOADED = """
import sys
import mlflow, numpy as np
model = mlflow.sklearn.load_model(sys.argv[1])
np.save(sys.argv[3], model.predict_proba(np.load(sys.argv[2])))
print([name for name in ("tensorflow", "keras") if name in sys.modules])
"""


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType")
@pytest.mark.parametrize("data", ["table", "array"])
def test_mlflow(data, tmp_path, monkeypatch):
    """Logged and loaded in another process: the same probabilities, no TensorFlow."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
    store = (tmp_path / "runs").as_uri()
    mlflow.set_tracking_uri(store)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    given = TABLE if data == "table" else X
    model = piped(CLASSIFIER) if data == "table" else clone(CLASSIFIER)
    names = run("mlflow", pipeline=model.fit(given, y), X=given)
    proba = model.predict_proba(given)
    assert_array_equal(names["loaded"].predict_proba(given), proba)
    (inputs,) = names["logged"].signature.inputs.to_dict()
    assert inputs["tensor-spec"]["shape"] == (-1, *given.shape[1:])
    if data == "table":
        np.save(tmp_path / "X.npy", given)
        process = subprocess.run(
            [sys.executable, "-c", LOADED, names["logged"].model_uri]
            + [str(tmp_path / name) for name in ("X.npy", "proba.npy")],
            check=True,
            capture_output=True,
            text=True,
        )
        assert process.stdout.splitlines()[-1] == "[]"
        assert_array_equal(np.load(tmp_path / "proba.npy"), proba)
