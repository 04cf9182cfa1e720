"""Classifiers and regressors."""

from sklstm.estimators.classifier import BiLSTMClassifier
from sklstm.estimators.regressor import BiLSTMRegressor
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
