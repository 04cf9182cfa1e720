"""scikit-learn's callbacks: told of every epoch, in searches and pipelines too."""

import copy
import pickle
import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from sklstm import (
    BiLSTMClassifier,
    BiLSTMTimestepRegressor,
    SequenceReshaper,
    WindowedEnsemble,
)
from sklstm.metrics import make_timestep_scorer

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn < 1.9")

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 6, 2))
y = (X[:, :, 0].sum(axis=1) > 0).astype(int)


class Recorder:
    """What a callback is told, in order."""

    max_propagation_depth = None

    def __init__(self, stop_after=None):
        self.events = []
        self.predictions = []
        self.stop_after = stop_after

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        self.events.append(("begin", type(estimator).__name__, context.task_name))

    def on_fit_task_end(
        self,
        estimator,
        context,
        *,
        X=None,
        y=None,
        metadata=None,
        fitted_estimator=None,
    ):
        self.events.append(("end", type(estimator).__name__, context.task_name))
        if fitted_estimator is not None:
            self.predictions.append(fitted_estimator.predict_proba(X))
        if context.task_name == "epoch":
            return context.task_id + 1 == self.stop_after


def test_every_epoch_is_reported():
    """From setup to teardown; with an estimator that predicts as of that epoch."""
    recorder = Recorder()
    classifier = BiLSTMClassifier(3, epochs=3, schedule="constant", random_state=0)
    classifier.set_callbacks(recorder).fit(X, y)
    name = "BiLSTMClassifier"
    epoch = [("begin", name, "epoch"), ("end", name, "epoch")]
    assert recorder.events == [
        "setup",
        ("begin", name, "fit"),
        *3 * epoch,
        ("end", name, "fit"),
        "teardown",
    ]
    *by_epoch, final = recorder.predictions
    for n_epochs, proba in enumerate(by_epoch, start=1):
        shorter = clone(classifier).set_callbacks().set_params(epochs=n_epochs)
        assert_array_equal(proba, shorter.fit(X, y).predict_proba(X))
    assert_array_equal(final, classifier.predict_proba(X))


def test_callbacks_change_nothing_and_can_stop():
    """The same weights with and without; True from a hook ends training there."""
    plain = BiLSTMClassifier(3, epochs=2, schedule="constant", random_state=0)
    plain.fit(X, y)
    stopped = clone(plain).set_params(epochs=9)
    stopped.set_callbacks(Recorder(stop_after=2)).fit(X, y)
    assert stopped.n_epochs_ == 2
    assert_array_equal(stopped.weights_["dense/kernel"], plain.weights_["dense/kernel"])


def test_scoring_monitor_follows_the_score():
    """The scores after each epoch and of the fitted estimator, of timesteps too."""
    targets = X[:, :, 0].cumsum(axis=1)
    scorers = {"r2": make_timestep_scorer("r2")}
    monitor = callback.ScoringMonitor(scoring=scorers)
    regressor = BiLSTMTimestepRegressor(3, epochs=3, random_state=0)
    regressor.set_params(schedule="constant")
    regressor.set_callbacks(monitor).fit(X, targets, np.ones(40))
    scores = sorted(row["r2"] for row in monitor.get_logs().data)
    expected = [
        clone(regressor).set_callbacks().set_params(epochs=n).fit(X, targets)
        for n in (1, 2, 3, 3)
    ]
    assert_allclose(scores, sorted(r.score(X, targets) for r in expected))


def test_a_refit_is_reported_from_its_own_state():
    """Epochs of a second fit predict with the second architecture."""
    recorder = Recorder()
    classifier = BiLSTMClassifier(3, epochs=1, random_state=0).fit(X, y)
    classifier.set_params(units=5).set_callbacks(recorder).fit(X, y)
    assert_array_equal(recorder.predictions[0], classifier.predict_proba(X))


@pytest.mark.filterwarnings("ignore:X is not scaled")
@pytest.mark.parametrize("wrong", ["data", "training"])
def test_teardown_after_a_failing_fit(wrong):
    """Whatever fails, callbacks are torn down and the estimator is as it was."""
    recorder = Recorder()
    classifier = BiLSTMClassifier(3, epochs=2).set_callbacks(recorder)
    before = dict(vars(classifier))
    if wrong == "data":
        with pytest.raises(ValueError, match="inconsistent"):
            classifier.fit(X, y[:-1])
    else:
        with pytest.raises(ValueError, match="diverged"):
            classifier.set_params(learning_rate=1e38).fit(X * 1e30, y)
        before["learning_rate"] = 1e38
    assert recorder.events[0] == "setup"
    assert recorder.events[-1] == "teardown"
    assert dict(vars(classifier)) == before


def test_grid_search_shows_candidates_folds_and_epochs(capsys):
    """One ProgressBar on the search; its thread ends."""
    pytest.importorskip("rich")
    recorder = Recorder()
    search = GridSearchCV(
        BiLSTMClassifier(epochs=2, random_state=0), {"units": [2, 3]}, cv=KFold(2)
    ).set_callbacks(recorder, callback.ProgressBar())
    before = set(threading.enumerate())
    search.fit(X, y)
    for thread in set(threading.enumerate()) - before:
        # scikit-learn's listener stays, and who serves its connection.
        if not thread.name.endswith(("(_accept)", "(_handle)")):
            thread.join(timeout=60)
            assert not thread.is_alive(), thread
    ends = [event for event in recorder.events if event[0] == "end"]
    assert ends.count(("end", "BiLSTMClassifier", "epoch")) == (2 * 2 + 1) * 2
    printed = capsys.readouterr().out
    assert "candidate-split-evaluation | BiLSTMClassifier - fit #3" in printed


def test_through_pipelines_and_windows():
    """Propagated to the inner estimator, and taken off it again."""
    recorder = Recorder()
    pipeline = make_pipeline(
        SequenceReshaper(n_features=2),
        WindowedEnsemble(BiLSTMClassifier(2, epochs=2), n_timesteps=3),
    ).set_callbacks(recorder)
    with pytest.warns(UserWarning, match="SequenceReshaper does not support callbacks"):
        pipeline.fit(X.reshape(40, 12), y)
    ends = [event for event in recorder.events if event[0] == "end"]
    assert ends.count(("end", "BiLSTMClassifier", "epoch")) == 2
    assert ends[-3:-1] == [
        ("end", "BiLSTMClassifier", "fit"),
        ("end", "WindowedEnsemble", "fit"),
    ]
    assert not hasattr(pipeline[-1].estimator_, "_skl_callbacks")


def test_copies():
    """copy.copy shares the arrays; a file keeps the callbacks as scikit-learn does."""
    classifier = BiLSTMClassifier(3, epochs=1, random_state=0)
    classifier.set_callbacks(Recorder()).fit(X, y)
    shallow = copy.copy(classifier)
    assert shallow.weights_["dense/bias"].base is classifier.weights_["dense/bias"].base
    restored = pickle.loads(pickle.dumps(classifier))
    assert_allclose(restored.predict_proba(X), classifier.predict_proba(X), atol=0)
