"""Bidirectional LSTMs as scikit-learn estimators."""

from sklstm.estimators import BiLSTMClassifier, BiLSTMRegressor
from sklstm.preprocessing import SequencePadder, SequenceReshaper, pad_sequences

__version__ = "0.1.0"

__all__ = [
    "BiLSTMClassifier",
    "BiLSTMRegressor",
    "SequencePadder",
    "SequenceReshaper",
    "pad_sequences",
]
