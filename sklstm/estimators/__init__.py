"""Classifiers and regressors."""

from sklstm.estimators.classifier import BiLSTMClassifier
from sklstm.estimators.regressor import BiLSTMRegressor
from sklstm.estimators.windowed import WindowedEnsemble

__all__ = ["BiLSTMClassifier", "BiLSTMRegressor", "WindowedEnsemble"]
