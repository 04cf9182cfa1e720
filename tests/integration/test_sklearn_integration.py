"""What scikit-learn's tools do with the estimators, one test for each."""

import keras
import numpy as np
import pytest
import sklearn
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    StratifiedKFold,
    check_cv,
    cross_val_predict,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import BiLSTMClassifier, BiLSTMRegressor, SequenceReshaper

rng = np.random.default_rng(0)
TABLE = rng.normal(size=(48, 6))
X = TABLE.reshape(48, 3, 2)
TOTAL = TABLE[:, 0] + 0.1 * TABLE.sum(axis=1)
BINARY = (TOTAL > 0).astype(int)
LABELS = np.array(["high", "low", "mid"])[np.argsort(np.argsort(TOTAL)) // 16]
SEVERAL = (TABLE[:, :2] > 0).astype(int)


def classifier(**params):
    return BiLSTMClassifier(**{"units": 3, "epochs": 2, "random_state": 0, **params})


def regressor(**params):
    return BiLSTMRegressor(**{"units": 3, "epochs": 2, "random_state": 0, **params})


def pipeline(**params):
    return make_pipeline(SequenceReshaper(n_features=2), classifier(**params))


def assert_same_weights(a, b, atol=0):
    for name, weights in a.weights_.items():
        assert_allclose(b.weights_[name], weights, rtol=0, atol=atol, err_msg=name)


# -- containers of output -------------------------------------------------------------


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_data_frames_between_the_steps(container):
    """A global or local set_output reaches the scaler, and nothing behind it."""
    model = make_pipeline(StandardScaler(), SequenceReshaper(3), classifier())
    expected = clone(model).fit(TABLE, BINARY)
    locally = clone(model).set_output(transform=container).fit(TABLE, BINARY)
    assert hasattr(locally[0].transform(TABLE), "columns")
    with sklearn.config_context(transform_output=container):
        globally = clone(model).fit(TABLE, BINARY)
    assert_same_weights(locally[-1], expected[-1])
    assert_same_weights(globally[-1], expected[-1])


# -- model selection ------------------------------------------------------------------


def test_tags():
    """scikit-learn sees a classifier and a regressor."""
    assert is_classifier(pipeline())
    assert is_regressor(make_pipeline(SequenceReshaper(), regressor()))


def test_cv_is_stratified():
    """Sorted labels do not leave a class out of a fold."""
    labels = np.sort(LABELS)
    folds = check_cv(3, labels, classifier=is_classifier(classifier()))
    assert isinstance(folds, StratifiedKFold)
    for train, _ in folds.split(X, labels):
        assert len(np.unique(labels[train])) == 3
    scores = cross_val_score(classifier(), X, labels, cv=3, error_score="raise")
    assert len(scores) == 3


@pytest.mark.parametrize(
    ("estimator", "y", "scoring"),
    [
        (classifier(), BINARY, "roc_auc"),
        (classifier(), LABELS, "roc_auc_ovr"),
        (classifier(), LABELS, "neg_log_loss"),
        (classifier(), BINARY, "average_precision"),
        (regressor(), TOTAL, "r2"),
        (regressor(), SEVERAL.astype(float), "neg_mean_squared_error"),
    ],
)
def test_scoring_by_name(estimator, y, scoring):
    """Scorers find the method they need."""
    scores = cross_val_score(
        estimator, X, y, cv=2, scoring=scoring, error_score="raise"
    )
    assert np.isfinite(scores).all()


def test_cross_val_predict():
    """Probabilities out of fold, in the order of the classes."""
    proba = cross_val_predict(classifier(), X, LABELS, cv=2, method="predict_proba")
    assert proba.shape == (48, 3)
    assert_allclose(proba.sum(axis=1), 1)


GRID = {
    "bilstmclassifier__merge_mode": ["sum", "mul"],
    "bilstmclassifier__units": [2, 3],
}


def search_scores(n_jobs, backend=None):
    search = GridSearchCV(pipeline(), GRID, cv=2, n_jobs=n_jobs, error_score="raise")
    with parallel_config(backend=backend or "loky"):
        search.fit(TABLE, LABELS)
    return np.stack([search.cv_results_[f"split{k}_test_score"] for k in range(2)])


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_two_jobs_score_as_one(backend):
    """Neither threads nor processes change a score."""
    assert_array_equal(search_scores(2, backend), search_scores(1))


def test_halving_search_over_epochs():
    """Epochs are a resource, and the last candidates get the most."""
    search = HalvingGridSearchCV(
        pipeline(),
        {"bilstmclassifier__merge_mode": ["concat", "sum", "mul", "ave"]},
        resource="bilstmclassifier__epochs",
        min_resources=1,
        max_resources=4,
        factor=2,
        cv=2,
        random_state=0,
        error_score="raise",
    ).fit(TABLE, BINARY)
    assert search.n_resources_ == [1, 2, 4]
    assert search.best_estimator_[-1].n_epochs_ == 4


def test_metadata_routing():
    """sample_weight finds its way through Pipeline and GridSearchCV."""
    weights = rng.uniform(0.1, 3, size=48)
    with sklearn.config_context(enable_metadata_routing=True):
        step = classifier().set_fit_request(sample_weight=True)
        scorer = get_scorer("accuracy").set_score_request(sample_weight=True)
        pipe = make_pipeline(SequenceReshaper(n_features=2), step)
        search = GridSearchCV(
            pipe, {"bilstmclassifier__units": [3]}, scoring=scorer, cv=2
        )
        search.fit(TABLE, BINARY, sample_weight=weights)
    expected = classifier().fit(X, BINARY, sample_weight=weights)
    assert_same_weights(search.best_estimator_[-1], expected)
    assert (
        expected.weights_["dense/bias"]
        != classifier().fit(X, BINARY).weights_["dense/bias"]
    ).all()


# -- meta-estimators ------------------------------------------------------------------


def test_calibration():
    """CalibratedClassifierCV takes a pipeline that ends in a classifier."""
    calibrated = CalibratedClassifierCV(pipeline(), cv=2).fit(TABLE, LABELS)
    assert_allclose(calibrated.predict_proba(TABLE).sum(axis=1), 1)


@pytest.mark.parametrize("ensemble", [VotingClassifier, StackingClassifier])
def test_ensembles(ensemble):
    """Next to another classifier, which sees the columns."""
    members = [("lstm", pipeline()), ("bayes", GaussianNB())]
    params = {"voting": "soft"}
    if ensemble is StackingClassifier:
        params = {"cv": 2, "final_estimator": GaussianNB()}
    fitted = ensemble(members, **params).fit(TABLE, LABELS)
    assert fitted.score(TABLE, LABELS) > 0.5
    assert fitted.predict_proba(TABLE).shape == (48, 3)


def test_transformed_target():
    """Predictions come back through the inverse."""
    model = TransformedTargetRegressor(regressor(), func=np.log, inverse_func=np.exp)
    predicted = model.fit(X, np.exp(TOTAL)).predict(X)
    assert_allclose(np.log(predicted), regressor().fit(X, TOTAL).predict(X), atol=1e-5)


def test_permutation_importance():
    """The column that decides is found, among the columns of the matrix."""
    model = pipeline(units=4, epochs=40, learning_rate=0.02).fit(TABLE, BINARY)
    importance = permutation_importance(
        model, TABLE, BINARY, n_repeats=3, random_state=0
    )
    assert importance.importances_mean.shape == (6,)
    assert importance.importances_mean.argmax() == 0
    assert importance.importances_mean[0] > 0.2


def test_clone_has_parameters_and_nothing_else():
    """A clone is not fitted, and shares no parameter object that training changes."""
    model = classifier(callbacks=[keras.callbacks.TerminateOnNaN()]).fit(X, BINARY)
    copied = clone(model)
    assert set(vars(copied)) == set(model.get_params())
    assert_same_weights(copied.fit(X, BINARY), model)


@pytest.mark.parametrize("fitted", [False, True])
def test_html_repr(fitted):
    """The diagram of a notebook shows the estimator."""
    model = pipeline(merge_mode="mul")
    if fitted:
        model.fit(TABLE, BINARY)
    html = model._repr_html_()
    assert "BiLSTMClassifier" in html
    assert "SequenceReshaper" in html


# -- targets --------------------------------------------------------------------------


@pytest.mark.parametrize("y", [BINARY, LABELS, BINARY.astype(bool), BINARY * 3.0 - 1])
def test_labels_of_any_type(y):
    """Labels come back as they are, with probabilities that sum to one."""
    model = classifier().fit(X, y)
    assert_array_equal(model.classes_, np.unique(y))
    assert model.classes_.dtype == y.dtype
    predicted, proba = model.predict(X), model.predict_proba(X)
    assert predicted.dtype == y.dtype
    assert proba.shape == (48, len(model.classes_))
    assert_allclose(proba.sum(axis=1), 1)
    assert_array_equal(predicted, model.classes_[proba.argmax(axis=1)])


def test_several_labels():
    """An indicator matrix comes back, with a probability for each label."""
    model = classifier(epochs=60, learning_rate=0.02).fit(X, SEVERAL)
    predicted, proba = model.predict(X), model.predict_proba(X)
    assert predicted.shape == proba.shape == SEVERAL.shape
    assert_array_equal(predicted, proba > 0.5)
    assert model.score(X, SEVERAL) > 0.8


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("weights", [None, np.linspace(0.5, 2, 48)])
def test_class_weight_is_sample_weight(balanced, weights):
    """class_weight multiplies the weights of its samples."""
    counts = np.bincount(BINARY)
    by_class = {0: 24 / counts[0], 1: 24 / counts[1]} if balanced else {1: 4.0}
    model = classifier(class_weight="balanced" if balanced else by_class)
    by_sample = np.array([by_class.get(label, 1.0) for label in BINARY])
    model.fit(X, BINARY, weights)
    expected = classifier().fit(
        X, BINARY, by_sample * (1 if weights is None else weights)
    )
    assert_same_weights(model, expected, atol=1e-6)


def test_class_weight_of_zero_leaves_samples_out():
    """Even where whole batches would weigh nothing; the class stays known."""
    order = np.argsort(LABELS)
    model = classifier(batch_size=4, class_weight={"low": 0}, shuffle=False)
    model.set_params(schedule="constant")
    model.fit(X[order], LABELS[order])
    others = LABELS[order] != "low"
    assert_array_equal(model.classes_, ["high", "low", "mid"])
    weights = others.astype(float)
    expected = classifier(batch_size=4, shuffle=False).partial_fit(
        X[order], LABELS[order], classes=model.classes_, sample_weight=weights
    )
    expected.partial_fit(X[order], LABELS[order], sample_weight=weights)
    assert_same_weights(model, expected)


def test_many_targets():
    """A matrix of targets comes back as one, each in its own units."""
    y = np.column_stack([TOTAL, 1000 - 500 * TABLE[:, 2]])
    model = regressor(units=8, epochs=80, learning_rate=0.02).fit(X, y)
    assert model.n_outputs_ == 2
    assert model.predict(X).shape == (48, 2)
    assert model.score(X, y) > 0.9


def test_normalize_y():
    """Units of the target change nothing but the units of the predictions."""
    plain = regressor(epochs=5).fit(X, TOTAL)
    scaled = regressor(epochs=5).fit(X, 8 * TOTAL + 300)
    assert_allclose(scaled.predict(X), 8 * plain.predict(X) + 300, rtol=1e-5)
    assert_allclose(scaled.history_["loss"], plain.history_["loss"], rtol=1e-4)
    raw = regressor(epochs=5, normalize_y=False).fit(X, 8 * TOTAL + 300)
    assert raw.score(X, 8 * TOTAL + 300) < -100


# -- weights --------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "model", [classifier(), regressor()], ids=["labels", "numbers"]
)
def test_weights_are_repetitions(model, seed):
    """A weight of three is the sample three times, a weight of zero is no sample.

    Exactly so in one batch; rounding grows with the number of steps.
    """
    numbers = np.random.default_rng(seed)
    repeats = numbers.integers(0, 4, size=48)
    sequences = [X[k, : 1 + k % 3] for k in range(48)]
    y = LABELS if is_classifier(model) else TOTAL
    params = {"batch_size": 200, "epochs": 10, "optimizer": "sgd", "random_state": seed}
    weighted = clone(model).set_params(**params).fit(sequences, y, repeats)
    rows = np.repeat(np.arange(48), repeats)
    repeated = (
        clone(model).set_params(**params).fit([sequences[k] for k in rows], y[rows])
    )
    assert_same_weights(weighted, repeated, atol=1e-6)
    plain = clone(model).set_params(**params).fit(sequences, y)
    assert not np.allclose(
        plain.weights_["dense/kernel"], weighted.weights_["dense/kernel"], atol=1e-5
    )


@pytest.mark.parametrize("factor", [4.0, 1e-60, 1e60])
def test_only_ratios_of_weights_matter(factor):
    """Weights too small or large for float32 are as good as others."""
    weights = rng.uniform(0.5, 2, size=48)
    model = classifier().fit(X, BINARY, weights)
    assert_same_weights(model, classifier().fit(X, BINARY, weights * factor), atol=1e-6)


# -- training goes on, stops, and is watched ------------------------------------------


@pytest.mark.parametrize("model", [classifier, regressor])
def test_warm_start_goes_on(model):
    """Two fits of two epochs are one of four, and partial_fit is one epoch."""
    y = BINARY
    params = {"batch_size": 7, "dropout": 0.3, "schedule": "constant"}
    once = model(epochs=4, **params).fit(X, y)
    warm = model(warm_start=True, **params).fit(X, y).fit(X, y)
    parts = model(**params)
    for _ in range(4):
        classes = {"classes": [0, 1]} if model is classifier else {}
        parts.partial_fit(X, y, **classes)
    for other in (warm, parts):
        assert_same_weights(other, once)
        assert other.n_epochs_ == 4
        assert_allclose(other.history_["loss"], once.history_["loss"])


@pytest.mark.parametrize("change", [{"optimizer": "sgd"}, {"recurrent_dropout": 0.2}])
def test_warm_start_with_another_optimizer(change):
    """Parameters go on; the state of the optimizer, which does not fit, starts anew."""
    model = classifier(warm_start=True).fit(X, BINARY)
    losses, weights = model.history_["loss"], model.weights_
    model.set_params(**change).fit(X, BINARY)
    assert model.history_["loss"][:2] == losses
    for name, array in model.weights_.items():
        assert 0 < np.abs(array - weights[name]).max() < 0.1


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_early_stopping_keeps_the_best():
    """Training ends early, with the parameters of the epoch of least loss."""
    noise = np.random.default_rng(1).integers(0, 2, size=48)
    params = {
        "early_stopping": True,
        "validation_fraction": 0.25,
        "learning_rate": 0.05,
        "schedule": "constant",
    }
    model = classifier(epochs=60, patience=3, **params).fit(X, noise)
    losses = model.history_["val_loss"]
    best = int(np.argmin(losses))
    assert model.n_epochs_ == len(losses) == best + 1 + 3 < 60
    shorter = classifier(epochs=best + 1, patience=60, **params).fit(X, noise)
    assert shorter.history_["val_loss"][-1] == min(losses)
    assert_same_weights(model, shorter)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_early_stopping_splits_by_class(monkeypatch):
    """Sorted labels are held out in proportion, not the last ones."""
    from sklstm.training import scikeras_wrapper

    held_out = []
    fit_network = scikeras_wrapper.fit_network

    def spy(*args, **kwargs):
        held_out.append(kwargs["validation_data"].targets)
        return fit_network(*args, **kwargs)

    monkeypatch.setattr(scikeras_wrapper, "fit_network", spy)
    classifier(early_stopping=True, validation_fraction=0.25).fit(X, np.sort(LABELS))
    assert_array_equal(np.bincount(held_out[0][:, 0].astype(int)), [4, 4, 4])


class Recorder(keras.callbacks.Callback):
    """Counts epochs where copies of it can be seen, and hides nothing in itself."""

    seen = []  # noqa: RUF012

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append((epoch, sorted(logs)))


def test_own_callback():
    """Called once an epoch with the loss; the one given is left alone."""
    Recorder.seen.clear()
    callback = Recorder()
    before = dict(vars(callback))
    model = classifier(callbacks=callback, warm_start=True).fit(X, BINARY)
    model.fit(X, BINARY)
    assert [epoch for epoch, _ in Recorder.seen] == [0, 1, 2, 3]
    assert all("loss" in logs for _, logs in Recorder.seen)
    assert vars(callback) == before


def test_callbacks_of_keras(tmp_path):
    """Learning rates, files and stops of Keras' callbacks, in one fit."""
    callbacks = [
        keras.callbacks.ReduceLROnPlateau("loss", 0.5, patience=1, min_delta=9),
        keras.callbacks.ModelCheckpoint(
            tmp_path / "{epoch}.weights.h5", save_weights_only=True
        ),
        keras.callbacks.EarlyStopping("loss", min_delta=9, patience=3),
        keras.callbacks.TerminateOnNaN(),
    ]
    model = classifier(epochs=9, callbacks=callbacks, schedule="constant")
    model.fit(X, BINARY)
    assert model.n_epochs_ == 4
    rates = model.history_["learning_rate"]
    assert_allclose(rates, rates[0] * np.array([1, 1, 0.5, 0.25]))
    assert len(list(tmp_path.iterdir())) == 4
    # The network they changed is used again, without a trace of them.
    before = classifier().fit(X, BINARY)
    assert_same_weights(before, classifier().fit(X, BINARY))
    assert "learning_rate" not in before.history_


def test_parameter_objects_are_left_alone():
    """Neither optimizer nor callbacks are changed by fit, so it can be repeated."""
    optimizer = keras.optimizers.Adam(0.05)
    model = classifier(
        optimizer=optimizer, callbacks=[keras.callbacks.EarlyStopping("loss")]
    )
    first = model.fit(X, BINARY).weights_
    second = model.fit(X, BINARY).weights_
    for name, weights in first.items():
        assert_array_equal(second[name], weights)
    assert model.optimizer is optimizer
    assert optimizer.iterations == 0
    assert not optimizer.built


@pytest.mark.parametrize(("verbose", "lines"), [(0, 0), (2, 3)])
def test_verbose(verbose, lines, capsys):
    """Silence, or a line an epoch."""
    classifier(epochs=3, verbose=verbose).fit(X, BINARY)
    printed = capsys.readouterr().out.splitlines()
    assert sum("loss:" in line for line in printed) == lines
    assert verbose or not printed
