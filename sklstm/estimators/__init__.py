"""Classifiers and regressors."""

from sklstm.estimators.classifier import BiLSTMClassifier
from sklstm.estimators.regressor import BiLSTMRegressor

__all__ = ["BiLSTMClassifier", "BiLSTMRegressor"]
