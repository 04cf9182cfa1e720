"""Bidirectional LSTMs as scikit-learn estimators."""

from sklstm.preprocessing import SequencePadder, SequenceReshaper, pad_sequences

__all__ = ["SequencePadder", "SequenceReshaper", "pad_sequences"]
