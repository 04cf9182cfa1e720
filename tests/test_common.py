"""scikit-learn's checks and our own, on every estimator and transformer."""

from itertools import product

import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    SequencePadder,
    SequenceReshaper,
)
from sklstm.estimators.base import BaseBiLSTM
from sklstm.utils.estimator_checks import yield_sequence_checks

ESTIMATORS = [
    BiLSTMClassifier(units=4, epochs=2),
    BiLSTMRegressor(units=4, epochs=2),
    SequenceReshaper(),
    SequenceReshaper(n_timesteps=1),
    SequenceReshaper(n_timesteps=3, layout="feature", pad=True),
    SequencePadder(),
    SequencePadder(3, padding="pre", truncating="pre"),
]

# As scikit-learn has it for its own estimators (PER_ESTIMATOR_CHECK_PARAMS): what one
# check needs. Three want a model that has learnt. The other compares to 1e-7 what
# repeated and weighted samples give, which only the same batches can do, and only
# before training has amplified the rounding of float32: hence one batch, few steps.
LEARNT = {"units": 8, "epochs": 60}
ONE_BATCH = {"batch_size": 64, "optimizer": "sgd", "learning_rate": 0.1, "epochs": 5}
CHECK_PARAMS = {
    "check_class_weight_classifiers": LEARNT,
    "check_classifiers_train": LEARNT,
    "check_regressors_train": {"units": 16, "epochs": 100},
    "check_sample_weight_equivalence_on_dense_data": ONE_BATCH,
}


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_check(estimator, check):
    """Every check of scikit-learn, none excused."""
    params = CHECK_PARAMS.get(check.func.__name__)
    if params and isinstance(estimator, BaseBiLSTM):
        estimator = clone(estimator).set_params(**params)
    check(estimator)


ARCHITECTURES = [
    {"units": 3, "merge_mode": merge_mode}
    for merge_mode in ("concat", "sum", "mul", "ave")
] + [
    {"units": units, "direction": direction}
    for units, direction in product([2, (3, 2)], ["forward", "backward"])
]
SEQUENCE_ESTIMATORS = [
    *[
        estimator(epochs=2, **architecture)
        for estimator, architecture in product(
            [BiLSTMClassifier, BiLSTMRegressor],
            [*ARCHITECTURES, {"units": (3, 2)}],
        )
    ],
    BiLSTMClassifier(units=2, epochs=2, batch_size=5, dropout=0.2, clipnorm=1),
    BiLSTMRegressor(units=2, epochs=2, shuffle=False, normalize_y=False),
    BiLSTMClassifier(units=2, epochs=2, early_stopping=True, validation_fraction=0.3),
]


def _id(value):
    return value.func.__name__ if hasattr(value, "func") else str(value)


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
