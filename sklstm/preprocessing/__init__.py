"""Transformers that give tables and ragged data the three axes of sequences."""

from sklstm.preprocessing.padder import SequencePadder, pad_sequences
from sklstm.preprocessing.reshaper import SequenceReshaper

__all__ = ["SequencePadder", "SequenceReshaper", "pad_sequences"]
