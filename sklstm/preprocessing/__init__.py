"""Transformers that give tables, ragged data and texts the axes of sequences."""

from sklstm.preprocessing.differencer import SequenceDifferencer
from sklstm.preprocessing.framer import SequenceFramer
from sklstm.preprocessing.imputer import SequenceImputer
from sklstm.preprocessing.make_windows import make_windows
from sklstm.preprocessing.pad_sequences import pad_sequences
from sklstm.preprocessing.padder import SequencePadder
from sklstm.preprocessing.reshaper import SequenceReshaper
from sklstm.preprocessing.scaler import SequenceScaler
from sklstm.preprocessing.sliding_windows import SlidingWindows
from sklstm.preprocessing.tokenizer import SequenceTokenizer

__all__ = [
    "SequenceDifferencer",
    "SequenceFramer",
    "SequenceImputer",
    "SequencePadder",
    "SequenceReshaper",
    "SequenceScaler",
    "SequenceTokenizer",
    "SlidingWindows",
    "make_windows",
    "pad_sequences",
]
