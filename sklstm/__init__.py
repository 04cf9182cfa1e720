"""Bidirectional LSTMs as scikit-learn estimators."""

from importlib.metadata import version as _version

from sklstm.estimators import BiLSTMClassifier, BiLSTMRegressor
from sklstm.preprocessing import SequencePadder, SequenceReshaper, pad_sequences

__version__ = _version("sklstm")

__all__ = [
    "BiLSTMClassifier",
    "BiLSTMRegressor",
    "SequencePadder",
    "SequenceReshaper",
    "pad_sequences",
]
