"""Bidirectional LSTMs as scikit-learn estimators."""

from sklstm.estimators import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepClassifier,
    BiLSTMTimestepRegressor,
    WindowedEnsemble,
)
from sklstm.export import to_onnx
from sklstm.inspection.explain_shapes import explain_shapes
from sklstm.preprocessing import (
    SequenceDifferencer,
    SequenceFramer,
    SequenceImputer,
    SequencePadder,
    SequenceReshaper,
    SequenceScaler,
    SequenceTokenizer,
    SlidingWindows,
    make_windows,
    pad_sequences,
)

__version__ = "0.1.0"

__all__ = [
    "BiLSTMClassifier",
    "BiLSTMRegressor",
    "BiLSTMTimestepClassifier",
    "BiLSTMTimestepRegressor",
    "SequenceDifferencer",
    "SequenceFramer",
    "SequenceImputer",
    "SequencePadder",
    "SequenceReshaper",
    "SequenceScaler",
    "SequenceTokenizer",
    "SlidingWindows",
    "WindowedEnsemble",
    "explain_shapes",
    "make_windows",
    "pad_sequences",
    "to_onnx",
]
