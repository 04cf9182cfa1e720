"""Optuna and halving: the recipes of the guide against searches without them."""

import functools

import guide
import keras
import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline

from sklstm import BiLSTMClassifier, SequenceReshaper
from sklstm.training.lending import POOL

OPTUNA = "Optuna is not installed"

rng = np.random.default_rng(0)
TABLE = rng.normal(size=(80, 6))
X = TABLE.reshape(80, 3, 2)
y = (TABLE[:, 4] + TABLE[:, 1] > 0).astype(int)
CLASSIFIER = BiLSTMClassifier(3, epochs=4, schedule="constant", random_state=0)
PIPELINE = make_pipeline(SequenceReshaper(n_features=2), CLASSIFIER)

# With few epochs the last is the best, which the estimator says.
pytestmark = pytest.mark.filterwarnings(
    "ignore:early_stopping=True, but all epochs:sklearn.exceptions.ConvergenceWarning"
)


recipe = functools.partial(guide.recipe, "tuning.md")


@pytest.fixture
def optuna():
    optuna = pytest.importorskip("optuna", reason=OPTUNA)
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield optuna
    optuna.logging.set_verbosity(verbosity)


# -- Optuna ----------------------------------------------------------------------------


def run_study(optuna, n_jobs=1):
    """The study of the guide, with trials and pruner that are the same every time."""
    changes = {
        "MedianPruner()": "MedianPruner(n_startup_trials=2)",
        "(pruner": "(sampler=optuna.samplers.RandomSampler(0), pruner",
        "n_trials=30": f"n_trials=8, n_jobs={n_jobs}",
    }
    names = {"classifier": CLASSIFIER, "X": X, "y": y}
    exec(recipe("report") + recipe("study", changes), names)
    return names["study"]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_pruned_trials_reported_every_epoch(optuna, n_jobs):
    """What a trial reported is the history of a fit by itself, up to where it ended."""
    study = run_study(optuna, n_jobs)
    states = {trial.state.name for trial in study.trials}
    assert states == {"COMPLETE", "PRUNED"}
    for trial in study.trials:
        alone = clone(CLASSIFIER).set_params(early_stopping=True, **trial.params)
        losses = alone.fit(X, y).history_["val_loss"]
        reported = trial.intermediate_values
        assert_array_equal(list(reported), np.arange(len(reported)))
        assert_array_equal(list(reported.values()), losses[: len(reported)])
        if trial.state.name == "COMPLETE":
            assert trial.value == min(losses)
        else:
            assert len(losses) >= len(reported) > 0


def test_a_pruned_fit_leaves_nothing_behind(optuna):
    """Neither in the network that it borrowed nor in the estimator."""
    before = clone(CLASSIFIER).fit(X, y)

    def prune(epoch, logs):
        raise optuna.TrialPruned

    model = clone(CLASSIFIER)
    model.set_params(callbacks=keras.callbacks.LambdaCallback(on_epoch_end=prune))
    attributes = dict(vars(model))
    n_idle = len(POOL)
    with pytest.raises(optuna.TrialPruned):
        model.fit(X, y)
    assert vars(model) == attributes
    assert len(POOL) == n_idle
    after = clone(CLASSIFIER).fit(X, y)
    for name, weights in before.weights_.items():
        assert_array_equal(after.weights_[name], weights)


@pytest.mark.parametrize(("storage", "n_reports"), [("memory", 0), ("disk", 4)])
def test_callback_of_optuna(optuna, storage, n_reports, tmp_path):
    """Its reports reach a study on disk, not one in memory: the guide warns of it."""
    integration = pytest.importorskip("optuna_integration", reason=OPTUNA)
    journal, log = optuna.storages.journal, str(tmp_path / "study.log")
    # The default is a symbolic link, which Windows grants to few.
    backend = journal.JournalFileBackend(log, journal.JournalFileOpenLock(log))
    on_disk = optuna.storages.JournalStorage(backend)
    study = optuna.create_study(storage=on_disk if storage == "disk" else None)

    def objective(trial):
        callback = integration.KerasPruningCallback(trial, "loss")
        return clone(CLASSIFIER).set_params(callbacks=callback).fit(X, y).score(X, y)

    study.optimize(objective, n_trials=1)
    assert len(study.trials[0].intermediate_values) == n_reports


def ignore_optuna(test):
    """What OptunaSearchCV says about itself in every version."""
    for message in ("OptunaSearchCV is experimental", ".*has been deprecated in v"):
        test = pytest.mark.filterwarnings(f"ignore:{message}")(test)
    return test


@ignore_optuna
def test_optuna_search(optuna):
    """The search of the guide: scores of cross_val_score, the best one fitted again."""
    pytest.importorskip("optuna_integration", reason=OPTUNA)
    names = {"pipeline": PIPELINE, "X": TABLE, "y": y}
    exec(recipe("search", {"n_trials=20": "n_trials=3"}), names)
    search = names["search"]
    for trial in search.trials_:
        model = clone(PIPELINE).set_params(**trial.params)
        assert trial.value == cross_val_score(model, TABLE, y, cv=3).mean()
    expected = clone(PIPELINE).set_params(**search.best_params_).fit(TABLE, y)
    assert_array_equal(search.predict_proba(TABLE), expected.predict_proba(TABLE))


@ignore_optuna
def test_optuna_search_with_pruning(optuna):
    """Epoch by epoch over all folds; what is left scores as cross_val_score."""
    integration = pytest.importorskip("optuna_integration", reason=OPTUNA)
    rates = optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True)
    search = integration.OptunaSearchCV(
        CLASSIFIER,
        {"learning_rate": rates},
        cv=KFold(2),
        enable_pruning=True,
        max_iter=4,
        n_trials=8,
        random_state=0,
        study=optuna.create_study(
            direction="maximize",
            sampler=optuna.samplers.RandomSampler(0),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=2),
        ),
    ).fit(X, y)
    states = {trial.state.name for trial in search.trials_}
    assert states == {"COMPLETE", "PRUNED"}
    for trial in search.trials_:
        if trial.state.name == "COMPLETE":
            model = clone(CLASSIFIER).set_params(**trial.params)
            assert trial.value == cross_val_score(model, X, y, cv=KFold(2)).mean()


def test_optuna_search_prunes_no_pipeline(optuna):
    """As the guide says: a Pipeline has no partial_fit."""
    integration = pytest.importorskip("optuna_integration", reason=OPTUNA)
    with pytest.warns(match="experimental"):
        search = integration.OptunaSearchCV(PIPELINE, {}, enable_pruning=True)
    with pytest.raises(ValueError, match="must support partial_fit"):
        search.fit(TABLE, y)


# -- halving over epochs ---------------------------------------------------------------


class CountEpochs(keras.callbacks.Callback):
    """Counts where copies of it can be seen."""

    seen = []  # noqa: RUF012

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(epoch)


def searched(step):
    """The search of the guide with this step, and how many epochs it has run."""
    name = type(step).__name__.lower()
    changes = {
        "bilstmclassifier": name,
        "min_resources=5": "min_resources=1",
        "max_resources=45": "max_resources=4, factor=2, cv=3",
    }
    step.set_params(callbacks=CountEpochs())
    CountEpochs.seen.clear()
    names = {
        "pipeline": make_pipeline(SequenceReshaper(n_features=2), step),
        "grid": {f"{name}__units": [2, 3, 4], f"{name}__merge_mode": ["sum", "mul"]},
        "X": TABLE,
        "y": y,
    }
    exec(recipe("halving", changes), names)
    return names["search"], len(CountEpochs.seen)


@pytest.mark.parametrize(
    ("optimizer", "backend"), [("adam", "sequential"), ("rmsprop", "threading")]
)
def test_halving_goes_on(optimizer, backend):
    """Fewer epochs, the same scores and the same model, bit for bit."""
    params = {"dropout": 0.2, "batch_size": 16, "optimizer": optimizer}
    plain, n_plain = searched(clone(CLASSIFIER).set_params(**params))
    names = {}
    exec(recipe("go on"), names)
    step = names["ContinuedClassifier"](3, schedule="constant", random_state=0)
    step.set_params(**params)
    with parallel_config(backend=backend, n_jobs=1 if backend == "sequential" else 2):
        continued, n_continued = searched(step)
    assert plain.n_resources_ == continued.n_resources_ == [1, 2, 4]
    assert plain.n_candidates_ == [6, 3, 2]
    # Three folds; the best is fitted again, on all data.
    assert n_plain == 3 * (6 * 1 + 3 * 2 + 2 * 4) + 4
    assert n_continued == 3 * (6 * 1 + 3 * 1 + 2 * 2) + 4
    for k in range(3):
        name = f"split{k}_test_score"
        assert_array_equal(continued.cv_results_[name], plain.cv_results_[name])
    assert continued.best_index_ == plain.best_index_
    best, expected = continued.best_estimator_[-1], plain.best_estimator_[-1]
    assert best.n_epochs_ == 4
    assert best.epochs == 4
    assert not best.warm_start
    for name, weights in expected.weights_.items():
        assert_array_equal(best.weights_[name], weights)
    assert_allclose(best.history_["loss"], expected.history_["loss"], rtol=0)


def test_clones_do_not_go_on():
    """warm_start in a search is without effect, and folds must stay the same."""
    cold, _ = searched(clone(CLASSIFIER))
    warm, _ = searched(clone(CLASSIFIER).set_params(warm_start=True))
    assert_array_equal(
        warm.cv_results_["mean_test_score"], cold.cv_results_["mean_test_score"]
    )
    search = HalvingGridSearchCV(
        CLASSIFIER, {"units": [2, 3]}, resource="epochs", max_resources=2
    ).set_params(cv=KFold(2, shuffle=True))
    with pytest.raises(ValueError, match="must yield consistent folds"):
        search.fit(X, y)
