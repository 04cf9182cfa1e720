"""scikit-learn's checks and our own, on every estimator and transformer."""

import re
from itertools import product
from pathlib import Path
from unittest import SkipTest

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sequence_checks import ARCHITECTURE_CHECKS, yield_sequence_checks
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils import column_or_1d
from sklearn.utils.estimator_checks import (
    check_sample_weight_equivalence_on_dense_data,
    estimator_checks_generator,
    parametrize_with_checks,
)

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepClassifier,
    BiLSTMTimestepRegressor,
    SequenceDifferencer,
    SequenceFramer,
    SequenceImputer,
    SequencePadder,
    SequenceReshaper,
    SequenceScaler,
    SlidingWindows,
    WindowedEnsemble,
)
from sklstm.estimators.base import BaseBiLSTM
from sklstm.network import Network


class OneSeries:
    """Labels for `groups`: all rows are of the same series."""

    def __call__(self, X):
        return np.zeros(len(X))

    def __repr__(self):  # without an address: it is part of the tests' ids
        return "OneSeries()"


class RowByRow(SlidingWindows):
    """Without the tag that makes scikit-learn skip checks: we name those that fail."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = False
        return tags


class LastStep:
    """A timestep estimator with one target per sequence, as scikit-learn's checks want.

    It is trained to give the target at every timestep, and predicts at the last.
    """

    def fit(self, X, y, sample_weight=None):
        if sample_weight is not None:  # a matrix would be weights of timesteps
            sample_weight = column_or_1d(sample_weight)
        return super().fit(X, self.repeated(X, y), sample_weight)

    def partial_fit(self, X, y, *args, sample_weight=None, **kwargs):
        kwargs["sample_weight"] = sample_weight
        return super().partial_fit(X, self.repeated(X, y), *args, **kwargs)

    def repeated(self, X, y):
        shape = X.shape if hasattr(X, "shape") else np.asarray(X).shape
        if y is None or len(shape) != 2:
            return y
        return np.repeat(np.asarray(y)[:, None], shape[1], axis=1)

    def predict(self, X):
        return super().predict(X)[:, -1]

    def score(self, X, y, sample_weight=None):
        return super().score(X, self.repeated(X, y), sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = True
        return tags


class LastStepClassifier(LastStep, BiLSTMTimestepClassifier):
    def predict_proba(self, X):
        return super().predict_proba(X)[:, -1]

    def predict_log_proba(self, X):
        return super().predict_log_proba(X)[:, -1]

    def decision_function(self, X):
        return super().decision_function(X)[:, -1]


class LastStepRegressor(LastStep, BiLSTMTimestepRegressor):
    pass


ESTIMATORS = [
    BiLSTMClassifier(units=4, epochs=2),
    BiLSTMRegressor(units=4, epochs=2),
    LastStepClassifier(units=4, epochs=2),
    LastStepRegressor(units=4, epochs=2),
    SequenceReshaper(),
    SequenceReshaper(n_timesteps=1),
    SequenceReshaper(n_timesteps=3, layout="feature", pad=True),
    SequencePadder(),
    SequencePadder(3, padding="pre", truncating="pre"),
    SequenceFramer(),
    SequenceFramer(2, hop_length=1),
    SequenceDifferencer(),
    SequenceDifferencer(2, keep_values=False),
    RowByRow(3),
    RowByRow(2, sampling_rate=2, context="fit"),
    RowByRow(3, groups=OneSeries()),
    SequenceScaler(),
    SequenceScaler(MinMaxScaler()),
    SequenceScaler(PCA()),
    SequenceImputer(),
    SequenceImputer("linear", fill_value="median", add_indicator=True),
    # Nearly whole sequences: inside, nobody knows where in its sequence a window lies,
    # and `check_regressors_train` asks for what a single column tells.
    WindowedEnsemble(
        BiLSTMClassifier(units=4, epochs=2, random_state=0), n_timesteps=8, stride=2
    ),
    WindowedEnsemble(
        BiLSTMRegressor(units=4, epochs=2, random_state=0), n_timesteps=8, stride=2
    ),
]

# As scikit-learn has it for its own estimators (PER_ESTIMATOR_CHECK_PARAMS): what one
# check needs. Three want a model that has learnt. The other compares to 1e-7 what
# repeated and weighted samples give, which only the same batches can do, and only
# before training has amplified the rounding of float32: hence one batch, few steps.
LEARNT = {"units": 8, "epochs": 25, "learning_rate": 0.02}
ONE_BATCH = {"batch_size": 512, "optimizer": "sgd", "learning_rate": 0.1, "epochs": 5}
CHECK_PARAMS = {
    "check_class_weight_classifiers": LEARNT,
    "check_classifiers_train": LEARNT,
    "check_regressors_train": {"units": 16, "epochs": 40, "learning_rate": 0.1},
    "check_sample_weight_equivalence_on_dense_data": ONE_BATCH,
}


# What README excuses.
WINDOWS_DEPEND = dict.fromkeys(
    ["check_methods_sample_order_invariance", "check_methods_subset_invariance"],
    "the window of a row is made of the rows before it",
)
CONTEXT_REMEMBERS = dict.fromkeys(
    ["check_transformer_data_not_an_array", "check_transformer_general"],
    'with context="fit" the rows of fit come before those of transform',
)
NOT_APPLICABLE = {
    "check_array_api_input": "no estimator takes arrays of other libraries",
    "check_classifiers_multilabel_output_format_decision_function": (
        "only timestep classifiers have a decision_function"
    ),
}


class PredictionsOnly:
    """Without the states, whose float32 is too coarse for one check."""

    @property
    def transform(self):
        raise AttributeError


class ClassifierPredictions(PredictionsOnly, BiLSTMClassifier):
    pass


class RegressorPredictions(PredictionsOnly, BiLSTMRegressor):
    pass


PREDICTIONS = {
    BiLSTMClassifier: ClassifierPredictions,
    BiLSTMRegressor: RegressorPredictions,
}


def expected_failures(estimator):
    if not isinstance(estimator, SlidingWindows):
        return {}
    return WINDOWS_DEPEND | (CONTEXT_REMEMBERS if estimator.context == "fit" else {})


# Some checks have X around 100, or transform single rows.
@pytest.mark.filterwarnings("ignore:X is not scaled", "ignore:The longest series of X")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures)
def test_scikit_learn_check(estimator, check):
    """Every check of scikit-learn, but those that README excuses."""
    params = CHECK_PARAMS.get(check.func.__name__)
    if params and isinstance(estimator, BaseBiLSTM):
        estimator = clone(estimator).set_params(**params)
    if params is ONE_BATCH:
        cls = PREDICTIONS.get(type(estimator), type(estimator))
        estimator = cls(**estimator.get_params(deep=False))
    if params and isinstance(estimator, WindowedEnsemble):
        # Two windows a sequence, so half the epochs are as many steps.
        params = {**params, "epochs": max(5, params["epochs"] // 2)}
        inner = {f"estimator__{name}": value for name, value in params.items()}
        estimator = clone(estimator).set_params(**inner)
    try:
        check(estimator)
    except SkipTest:
        assert check.func.__name__ in NOT_APPLICABLE
        raise


DEFAULTS = [
    ClassifierPredictions(),
    RegressorPredictions(),
    LastStepClassifier(),
    LastStepRegressor(),
    WindowedEnsemble(BiLSTMClassifier()),
    WindowedEnsemble(BiLSTMRegressor()),
]


@pytest.mark.parametrize("estimator", DEFAULTS, ids=str)
def test_repeated_samples_by_default(estimator):
    """What README excuses: 100 epochs amplify the rounding of float32 beyond 1e-7."""
    name = type(estimator).__name__
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_sample_weight_equivalence_on_dense_data(name, estimator)


@pytest.mark.parametrize("estimator", [BiLSTMClassifier(4), BiLSTMRegressor(4)])
def test_states_of_repeated_samples(estimator):
    """They agree as far as float32 goes, where predictions agree to 1e-7."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 5, 1)), np.arange(12) % 2
    weights = rng.integers(0, 4, size=12)
    estimator = clone(estimator).set_params(**ONE_BATCH, random_state=0)
    weighted = clone(estimator).fit(X, y, sample_weight=weights)
    repeated = estimator.fit(X.repeat(weights, axis=0), y.repeat(weights))
    assert_allclose(weighted.transform(X), repeated.transform(X), atol=1e-6)


@pytest.mark.skipif(
    not sklearn.__version__.startswith("1.9."), reason="README counts those of 1.9"
)
def test_readme_counts_the_checks():
    """The first estimator of every kind, with all that its generator gives."""
    kinds = {
        (type(e), type(getattr(e, "estimator", None))): e for e in ESTIMATORS[::-1]
    }
    checks = [
        (estimator, check.func.__name__)
        for kind in kinds.values()
        for estimator, check in estimator_checks_generator(kind)
    ]
    one_batch = sum(name.endswith("equivalence_on_dense_data") for _, name in checks)
    dependent = sum(name in expected_failures(e) for e, name in checks)
    skipped = sum(
        name in NOT_APPLICABLE
        and not (name.endswith("decision_function") and hasattr(e, "decision_function"))
        for e, name in checks
    )
    passing = len(checks) - one_batch - dependent - skipped
    readme = " ".join(
        (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8").split()
    )
    (counts,) = re.findall(
        r"(\d+) of its (\d+) estimator checks .* In (\d+), .*; (\d+) ask .*; "
        r"(\d+) do not",
        readme,
    )
    numbers = (passing, len(checks), one_batch, dependent, skipped)
    assert tuple(map(int, counts)) == numbers


@pytest.mark.parametrize(
    "estimator",
    [
        BiLSTMClassifier(2, epochs=1),
        BiLSTMTimestepClassifier(2, epochs=1),
        WindowedEnsemble(BiLSTMClassifier(2, epochs=1), n_timesteps=3),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_log_probabilities(estimator):
    """As MLPClassifier has them; a probability of zero is -inf without a warning."""
    X = np.random.default_rng(0).normal(size=(12, 4, 1))
    y = (X[:, :, 0] > 0).astype(int)
    y = y if isinstance(estimator, BiLSTMTimestepClassifier) else y[:, -1]
    fitted = clone(estimator).fit(X, y)
    proba = fitted.predict_proba(X)
    assert_array_equal(fitted.predict_log_proba(X), np.log(proba))
    inner = getattr(fitted, "estimator_", fitted)
    flat = np.zeros_like(inner.network_.flat)
    flat[-1] = 1e6  # the bias of the only output
    inner.network_ = Network(inner.network_.architecture, flat)
    assert_array_equal(np.unique(fitted.predict_log_proba(X)), [-np.inf, 0])


ARCHITECTURES = [
    *({"units": 3, "merge_mode": merge_mode} for merge_mode in ("sum", "mul", "ave")),
    *({"units": 2, "direction": direction} for direction in ("forward", "backward")),
    {"units": (3, 2), "direction": "backward"},
]
SEQUENCE_ESTIMATORS = [
    BiLSTMClassifier(units=(3, 2), epochs=2),
    BiLSTMRegressor(units=3, epochs=2),
    BiLSTMTimestepClassifier(units=3, epochs=2),
    BiLSTMTimestepRegressor(units=(3, 2), epochs=2),
    BiLSTMClassifier(units=2, epochs=2, batch_size=5, dropout=0.2, clipnorm=1),
    BiLSTMRegressor(units=2, epochs=2, shuffle=False, normalize_y=False),
    BiLSTMClassifier(units=2, epochs=2, early_stopping=True, validation_fraction=0.3),
    BiLSTMTimestepClassifier(units=2, epochs=2, batch_size=5, class_weight="balanced"),
    BiLSTMTimestepRegressor(units=2, epochs=2, early_stopping=True, dropout=0.2),
    BiLSTMRegressor(units=2, epochs=2, loss="quantile", quantiles=(0.2, 0.6)),
    BiLSTMTimestepRegressor(units=2, epochs=2, loss="quantile"),
]


def _id(value):
    return value.func.__name__ if hasattr(value, "func") else str(value)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pair
        for estimator in SEQUENCE_ESTIMATORS
        for pair in yield_sequence_checks(estimator)
    ],
    ids=_id,
)
def test_sequence_check(estimator, check):
    """Every check of ours, with three axes and sequences of unequal length."""
    check(estimator)


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pair
        for estimator, architecture in product(
            [BiLSTMClassifier, BiLSTMTimestepRegressor], ARCHITECTURES
        )
        for pair in yield_sequence_checks(
            estimator(epochs=2, **architecture), ARCHITECTURE_CHECKS
        )
    ],
    ids=_id,
)
def test_architecture_check(estimator, check):
    """What padding and lengths might change in one architecture only."""
    check(estimator)


class PadsWithZeros(BiLSTMRegressor):
    def fit(self, X, y, sample_weight=None):
        X = np.nan_to_num(X) if isinstance(X, np.ndarray) else X
        return super().fit(X, y, sample_weight)


class Seeds(BiLSTMRegressor):
    def fit(self, X, y, sample_weight=None):
        np.random.seed(0)  # noqa: NPY002
        return super().fit(X, y, sample_weight)


class ForgetsItsSeed(BiLSTMRegressor):
    def fit(self, X, y, sample_weight=None):
        seed, self.random_state = self.random_state, None
        super().fit(X, y, sample_weight)
        self.random_state = seed
        return self


class ChangesAParameter(BiLSTMRegressor):
    def fit(self, X, y, sample_weight=None):
        self.units = int(self.units) + 1
        return super().fit(X, y, sample_weight)


class ForgetsTooEarly(BiLSTMRegressor):
    def fit(self, X, y, sample_weight=None):
        self.history_ = {}
        return super().fit(X, y, sample_weight)


class KeepsKeras(BiLSTMRegressor):
    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        self._parts = [{"network": self.to_keras()}]
        return self


class LooksAtItsNeighbours(BiLSTMRegressor):
    def predict(self, X):
        predicted = super().predict(X)
        return predicted - predicted.mean()


@pytest.mark.parametrize(
    ("broken", "caught_by", "words"),
    [
        (PadsWithZeros, "check_padding_is_ignored", "lstm_1/forward/kernel"),
        (Seeds, "check_global_state", "changes NumPy's random numbers"),
        (ForgetsItsSeed, "check_same_seed_same_weights", "lstm_1/forward/kernel"),
        (
            ChangesAParameter,
            "check_arguments_are_left_alone",
            "changes its data or parameters",
        ),
        (
            ForgetsTooEarly,
            "check_failing_fit_leaves_no_trace",
            r"changes \['history_'\]",
        ),
        (KeepsKeras, "check_holds_no_keras", r"_parts'\]\[0\]\['network'\] is a"),
        (LooksAtItsNeighbours, "check_samples_are_independent", "one by one"),
    ],
)
def test_checks_catch(broken, caught_by, words):
    """A check of ours fails where it should."""
    checks = yield_sequence_checks(broken(units=2, epochs=1))
    estimator, check = next(pair for pair in checks if _id(pair[1]) == caught_by)
    with pytest.raises(AssertionError):
        check(estimator)
