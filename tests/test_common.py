"""scikit-learn's own checks on every estimator and transformer."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    SequencePadder,
    SequenceReshaper,
)

ESTIMATORS = [
    BiLSTMClassifier(units=8, epochs=60),
    BiLSTMRegressor(units=16, epochs=100),
    SequenceReshaper(),
    SequenceReshaper(n_timesteps=1),
    SequencePadder(),
]


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_check(estimator, check):
    check(estimator)
