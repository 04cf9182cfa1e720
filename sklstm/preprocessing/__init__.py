"""Transformers that give tables and ragged data the three axes of sequences."""

from sklstm.preprocessing.padder import SequencePadder, pad_sequences
from sklstm.preprocessing.reshaper import SequenceReshaper
from sklstm.preprocessing.scaler import SequenceScaler

__all__ = ["SequencePadder", "SequenceReshaper", "SequenceScaler", "pad_sequences"]
