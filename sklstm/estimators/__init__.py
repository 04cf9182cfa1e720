"""Classifiers and regressors."""

from sklstm.estimators.sequence import BiLSTMClassifier, BiLSTMRegressor
from sklstm.estimators.timestep import (
    BiLSTMTimestepClassifier,
    BiLSTMTimestepRegressor,
)
from sklstm.estimators.windowed_ensemble import WindowedEnsemble

__all__ = [
    "BiLSTMClassifier",
    "BiLSTMRegressor",
    "BiLSTMTimestepClassifier",
    "BiLSTMTimestepRegressor",
    "WindowedEnsemble",
]
