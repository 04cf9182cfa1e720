"""WindowedEnsemble against windows cut by a loop, by weights, and word by word."""

import io
import tracemalloc

import joblib
import numpy as np
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sequence_checks import yield_sequence_checks
from sklearn.base import BaseEstimator, ClassifierMixin, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, RidgeClassifierCV
from sklearn.model_selection import GridSearchCV, StratifiedKFold, check_cv
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC
from strategies import law, ragged

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    SequenceScaler,
    WindowedEnsemble,
    pad_sequences,
)
from sklstm.sequences.windows import window_places

rng = np.random.default_rng(0)
X = rng.normal(size=(12, 23, 2))
LENGTHS = [23, 4, 9, 10, 11, 17, 23, 1, 5, 8, 14, 23]
RAGGED = [rows[:length] for rows, length in zip(X, LENGTHS, strict=True)]
y = np.repeat(["high", "low"], 6)
CUT = {"n_timesteps": 9, "stride": 4}


def classifier(**params):
    return BiLSTMClassifier(**{"units": 2, "epochs": 1, "random_state": 0, **params})


def windows_by_loop(sequences, n_timesteps, stride):
    """Windows from the front, one more where steps would be left over."""
    windows, owners = [], []
    for k, sequence in enumerate(sequences):
        start = 0
        while start + n_timesteps < len(sequence):
            windows.append(sequence[start : start + n_timesteps])
            owners.append(k)
            start += stride
        windows.append(sequence[-n_timesteps:])
        owners.append(k)
    return windows, np.array(owners)


class Recorder(ClassifierMixin, BaseEstimator):
    """Keeps what it is given, and says what the last value of a window is."""

    def fit(self, X, y, sample_weight=None):
        self.X_, self.y_, self.sample_weight_ = X, y, sample_weight
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.column_stack([X[:, -1, 0], 1 - X[:, -1, 0]])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


# -- windows --------------------------------------------------------------------------


@given(ragged(), st.integers(1, 7), st.integers(1, 7))
@law
def test_windows_are_those_of_the_loop(sequences, n_timesteps, stride):
    """Every step is in a window, and no window has steps of two sequences."""
    stride = min(stride, n_timesteps)
    labels = np.arange(len(sequences)) % 2
    ensemble = WindowedEnsemble(Recorder(), n_timesteps=n_timesteps, stride=stride)
    inner = ensemble.fit(sequences, labels).estimator_
    windows, owners = windows_by_loop(sequences, n_timesteps, stride)
    expected = pad_sequences(windows, n_timesteps, padding="pre")
    assert_array_equal(inner.X_, expected, strict=True)
    assert_array_equal(inner.y_, labels[owners])
    assert ensemble.n_windows_ == len(windows)


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=5),
    st.integers(1, 12),
    st.integers(1, 12),
)
@law
def test_no_step_is_left_out(lengths, n_timesteps, stride):
    """Counted over all sequences, the windows cover each step and end with each."""
    stride = min(stride, n_timesteps)
    owners, ends, n_steps = window_places(np.array(lengths), n_timesteps, stride)
    covered = np.zeros(sum(lengths), dtype=bool)
    of_step = np.repeat(np.arange(len(lengths)), lengths)
    for owner, end, n in zip(owners, ends, n_steps, strict=True):
        covered[end - n + 1 : end + 1] = True
        assert set(of_step[end - n + 1 : end + 1]) == {owner}
    assert covered.all()
    last = ends[np.append(np.diff(owners) > 0, True)]
    assert_array_equal(last, np.cumsum(lengths) - 1)
    assert_array_equal(n_steps, np.minimum(lengths, n_timesteps)[owners])


def test_half_a_window_by_default():
    """And of a single step there is no half."""
    _, owners = windows_by_loop(RAGGED, 9, 4)
    ensemble = WindowedEnsemble(Recorder(), n_timesteps=9).fit(RAGGED, y)
    assert ensemble.n_windows_ == len(owners)
    single = WindowedEnsemble(Recorder(), n_timesteps=1).fit(RAGGED, y)
    assert single.n_windows_ == sum(LENGTHS)


def test_integers_and_single_precision():
    """Padding turns integers to floats; float32 is kept."""
    numbers = WindowedEnsemble(Recorder(), n_timesteps=4)
    assert numbers.fit(np.arange(12).reshape(2, 6), [0, 1]).estimator_.X_.dtype == float
    assert numbers.fit(X.astype(np.float32), y).estimator_.X_.dtype == np.float32


# -- weights --------------------------------------------------------------------------


@pytest.mark.parametrize("sample_weight", [None, np.arange(12.0)])
def test_each_sequence_counts_once(sample_weight):
    """However many windows it has; times its own weight."""
    ensemble = WindowedEnsemble(Recorder(), **CUT)
    ensemble.fit(RAGGED, y, sample_weight=sample_weight)
    _, owners = windows_by_loop(RAGGED, **CUT)
    totals = np.bincount(owners, ensemble.estimator_.sample_weight_)
    assert_allclose(totals, np.ones(12) if sample_weight is None else sample_weight)
    for k in range(12):
        assert len(set(ensemble.estimator_.sample_weight_[owners == k])) == 1


def test_equal_lengths_need_no_weights():
    """Then an estimator without sample_weight will do."""
    assert WindowedEnsemble(Recorder(), **CUT).fit(X, y).estimator_.sample_weight_ is (
        None
    )
    flat = make_pipeline(
        FunctionTransformer(lambda X: X.reshape(len(X), -1)), KNeighborsClassifier(1)
    )
    ensemble = WindowedEnsemble(flat, **CUT).fit(X, y)
    assert ensemble.score(X, y) == 1
    for arguments in ((RAGGED, y), (X, y, np.arange(12))):
        with pytest.raises(ValueError, match=r"Pipeline\.fit takes no sample_weight"):
            ensemble.fit(*arguments)


def test_weights_go_to_the_end_of_a_pipeline():
    """Under the name that Pipeline asks for, or as it is routed."""
    pipeline = make_pipeline(SequenceScaler(), Recorder())
    ensemble = WindowedEnsemble(pipeline, **CUT).fit(RAGGED, y)
    expected = ensemble.estimator_[-1].sample_weight_
    _, owners = windows_by_loop(RAGGED, **CUT)
    assert_allclose(np.bincount(owners, expected), 1)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = make_pipeline(
            SequenceScaler(), Recorder().set_fit_request(sample_weight=True)
        )
        again = WindowedEnsemble(routed, **CUT).fit(RAGGED, y)
    assert_array_equal(again.estimator_[-1].sample_weight_, expected)


def test_weights_are_repetitions():
    """A sequence of weight two is a sequence given twice."""
    params = {"batch_size": 500, "optimizer": "sgd", "epochs": 3}
    weights = 1 + np.arange(12) % 3
    twice = np.repeat(np.arange(12), weights)
    weighted = WindowedEnsemble(classifier(**params), **CUT)
    weighted.fit(RAGGED, y, sample_weight=weights)
    repeated = WindowedEnsemble(classifier(**params), **CUT)
    repeated.fit([RAGGED[k] for k in twice], y[twice])
    assert_allclose(
        weighted.predict_proba(RAGGED), repeated.predict_proba(RAGGED), atol=1e-6
    )


# -- answers --------------------------------------------------------------------------


def test_probabilities_are_averaged():
    """Over the windows of each sequence, and of that alone."""
    ensemble = WindowedEnsemble(classifier(), **CUT).fit(RAGGED, y)
    windows, owners = windows_by_loop(RAGGED, **CUT)
    by_window = ensemble.estimator_.predict_proba(windows)
    expected = [by_window[owners == k].mean(axis=0) for k in range(12)]
    assert_allclose(ensemble.predict_proba(RAGGED), expected, atol=1e-6)
    assert_array_equal(ensemble.classes_, ["high", "low"])
    assert_array_equal(
        ensemble.predict(RAGGED), ensemble.classes_[np.argmax(expected, axis=1)]
    )


@pytest.mark.parametrize("n_targets", [None, 2])
def test_values_are_averaged(n_targets):
    """One number per sequence, or several."""
    values = rng.normal(size=(12,) if n_targets is None else (12, n_targets))
    inner = BiLSTMRegressor(units=2, epochs=1, random_state=0)
    ensemble = WindowedEnsemble(inner, **CUT).fit(RAGGED, values)
    windows, owners = windows_by_loop(RAGGED, **CUT)
    by_window = ensemble.estimator_.predict(windows)
    expected = [by_window[owners == k].mean(axis=0) for k in range(12)]
    predicted = ensemble.predict(RAGGED)
    assert predicted.shape == values.shape
    assert_allclose(predicted, expected, atol=1e-6)
    assert ensemble.score(RAGGED, values) < 1
    assert not hasattr(ensemble, "predict_proba")
    assert not hasattr(ensemble, "classes_")


def test_several_labels():
    """Each by the mean of its probability."""
    labels = rng.integers(0, 2, size=(12, 3))
    ensemble = WindowedEnsemble(classifier(), **CUT).fit(RAGGED, labels)
    assert_array_equal(ensemble.predict(RAGGED), ensemble.predict_proba(RAGGED) > 0.5)


def test_without_probabilities_windows_vote():
    """The class of most windows."""
    flat = FunctionTransformer(lambda X: np.nan_to_num(X).reshape(len(X), -1))
    ensemble = WindowedEnsemble(make_pipeline(flat, LinearSVC()), **CUT)
    ensemble.fit(RAGGED, y)
    assert not hasattr(ensemble, "predict_proba")
    windows, owners = windows_by_loop(RAGGED, **CUT)
    votes = ensemble.estimator_.predict(pad_sequences(windows, 9, padding="pre"))
    high = np.bincount(owners, votes == "high") / np.bincount(owners)
    assert_array_equal(ensemble.predict(RAGGED) == "high", high >= 0.5)


def test_one_window_is_the_estimator_itself():
    """Sequences no longer than a window are not cut."""
    ensemble = WindowedEnsemble(classifier(), n_timesteps=30).fit(RAGGED, y)
    assert_array_equal(
        ensemble.predict_proba(RAGGED),
        classifier().fit(RAGGED, y).predict_proba(RAGGED),
    )


def test_another_kind_of_estimator_forgets_the_classes():
    """After a refit as a regressor."""
    ensemble = WindowedEnsemble(classifier(), **CUT).fit(X, y)
    ensemble.set_params(estimator=BiLSTMRegressor(units=2, epochs=1)).fit(X, X[:, 0, 0])
    assert not hasattr(ensemble, "classes_")


def test_it_learns_what_is_anywhere_in_long_sequences():
    """A short event in one of many windows."""
    long = rng.normal(scale=0.1, size=(40, 1000, 1))
    labels = np.arange(40) % 2
    for k in np.flatnonzero(labels):
        long[k, :, 0] += np.sin(np.arange(1000))
    inner = classifier(units=4, epochs=3)
    ensemble = WindowedEnsemble(inner, n_timesteps=50).fit(long[:20], labels[:20])
    assert ensemble.score(long[20:], labels[20:]) == 1


class Reader(BiLSTMRegressor):
    """Keeps what it is given."""

    def fit(self, X, y, sample_weight=None):
        self.X_ = X
        return super().fit(X, y, sample_weight)


def test_windows_are_not_copied_to_fit():
    """An estimator of sklstm reads them where they lie; others get an array."""
    inner = Reader(units=1, epochs=1)
    windows = WindowedEnsemble(inner, **CUT).fit(X, X[:, 0, 0]).estimator_.X_
    assert windows.shape == (60, 9, 2)
    assert np.shares_memory(windows.table, X)
    windows = WindowedEnsemble(Recorder(), **CUT).fit(X, y).estimator_.X_
    assert isinstance(windows, np.ndarray)


def test_windows_are_not_copied_to_predict():
    """Ten windows over each step do not take ten times the memory."""
    long = rng.normal(size=(2, 400_000, 4)).astype(np.float32)
    inner = BiLSTMRegressor(units=1, epochs=1, random_state=0)
    ensemble = WindowedEnsemble(inner, n_timesteps=200, stride=20)
    ensemble.fit(long[:, :1000], [0.0, 1.0])
    tracemalloc.start()
    try:
        ensemble.predict(long)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * long.nbytes


# -- scikit-learn ---------------------------------------------------------------------


def test_it_is_what_is_inside():
    """A classifier, or a regressor; cross-validation is by sequence, and stratified."""
    ensemble = WindowedEnsemble(classifier())
    assert is_classifier(ensemble)
    assert isinstance(
        check_cv(3, y, classifier=is_classifier(ensemble)), StratifiedKFold
    )
    assert is_regressor(WindowedEnsemble(BiLSTMRegressor()))
    assert is_regressor(WindowedEnsemble(make_pipeline(LinearRegression())))


def test_grid_search():
    """Over the estimator inside and over the windows; whole sequences in each fold."""
    grid = {"estimator__units": [1, 2], "n_timesteps": [5, 9]}
    search = GridSearchCV(
        WindowedEnsemble(classifier()), grid, cv=2, scoring="roc_auc"
    ).fit(X, y)
    assert (
        search.best_estimator_.estimator_.units
        == search.best_params_["estimator__units"]
    )
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_joblib():
    """A copy predicts the same bits."""
    ensemble = WindowedEnsemble(classifier(), **CUT).fit(RAGGED, y)
    file = io.BytesIO()
    joblib.dump(ensemble, file)
    file.seek(0)
    assert_array_equal(
        joblib.load(file).predict_proba(RAGGED), ensemble.predict_proba(RAGGED)
    )


class NamedAsOurChecksExpect(WindowedEnsemble):
    """Its seed, weights and history are those of the estimator inside."""

    weights_ = property(lambda self: self.estimator_.weights_)
    history_ = property(lambda self: self.estimator_.history_)

    def set_params(self, **params):
        if "random_state" in params:
            params["estimator__random_state"] = params.pop("random_state")
        return super().set_params(**params)


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pair
        for inner in (BiLSTMClassifier, BiLSTMRegressor)
        for pair in yield_sequence_checks(
            NamedAsOurChecksExpect(inner(units=2, epochs=2), n_timesteps=3, stride=2)
        )
    ],
    ids=lambda value: value.func.__name__ if hasattr(value, "func") else "",
)
def test_sequence_check(estimator, check):
    """Every check of ours, with sequences longer and shorter than a window."""
    check(estimator)


# -- what is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        (
            CalibratedClassifierCV(classifier(early_stopping=True), cv=None),
            "CalibratedClassifierCV with cv=None splits the samples",
        ),
        (
            OneVsRestClassifier(classifier(early_stopping=True)),
            "estimator__early_stopping=True splits .* set estimator__early_stopping=Fa",
        ),
        (GridSearchCV(classifier(), {}), "GridSearchCV with cv=None splits"),
        (RidgeClassifierCV(), "Put the split outside, around WindowedEnsemble"),
        (KMeans(2), "must be a classifier or a regressor. Got KMeans"),
    ],
)
def test_estimators_that_do_not_go_inside(inner, message):
    """Windows of one sequence would be on both sides of a split."""
    with pytest.raises(ValueError, match=message):
        WindowedEnsemble(inner).fit(X, y)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_timesteps": 0}, "'n_timesteps' parameter of WindowedEnsemble .* Got 0"),
        ({"stride": 0}, "'stride' parameter of WindowedEnsemble .* Got 0"),
        ({"stride": 10}, "stride=10 is larger than n_timesteps=9: .* would be left"),
        ({"estimator": None}, "'estimator' parameter of WindowedEnsemble .* Got None"),
    ],
)
def test_wrong_parameters(params, message):
    """Before anything is looked at."""
    ensemble = WindowedEnsemble(classifier(), **CUT).set_params(**params)
    with pytest.raises(ValueError, match=message):
        ensemble.fit(None, None)


@pytest.mark.parametrize(
    ("X_bad", "y_bad", "error", "message"),
    [
        ([], y, ValueError, "0 sequences came"),
        ([[1.0], []], y[:2], ValueError, "Sequence 1 of X is empty"),
        ([np.ones((2, 2)), np.ones((1, 3))], y[:2], ValueError, "3 features, but"),
        ([["a"], [1, 2]], y[:2], TypeError, "Sequence 0 of X is not numeric"),
        ([[[1, np.nan]], [[1, 2]]], y[:2], ValueError, "only some features"),
        (RAGGED, y[:-1], ValueError, "X has 12 .* y has 11"),
        (RAGGED, None, ValueError, "requires y to be passed"),
        (RAGGED, np.zeros(12), ValueError, "only one class"),
    ],
)
def test_bad_input_leaves_no_trace(X_bad, y_bad, error, message):
    """A clear error, and all attributes as they were."""
    ensemble = WindowedEnsemble(classifier(), **CUT).fit(RAGGED, y)
    before = dict(vars(ensemble))
    with pytest.raises(error, match=message):
        ensemble.fit(X_bad, y_bad)
    assert list(vars(ensemble)) == list(before)
    assert all(vars(ensemble)[name] is value for name, value in before.items())


def test_other_features_than_in_fit():
    """Told of sequences, not of windows."""
    ensemble = WindowedEnsemble(classifier(), **CUT).fit(RAGGED, y)
    with pytest.raises(ValueError, match="WindowedEnsemble was fitted with 2"):
        ensemble.predict(X[:, :, :1])
    forest = make_pipeline(SequenceScaler(), RandomForestRegressor())
    with pytest.raises(ValueError, match="dim 3"):
        WindowedEnsemble(forest, **CUT).fit(X, X[:, 0, 0])
