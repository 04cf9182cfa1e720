"""Transformers that give tables, ragged data and texts the axes of sequences."""

from sklstm.preprocessing.differencer import SequenceDifferencer
from sklstm.preprocessing.framer import SequenceFramer
from sklstm.preprocessing.framing import make_windows
from sklstm.preprocessing.imputer import SequenceImputer
from sklstm.preprocessing.padder import SequencePadder
from sklstm.preprocessing.padding import pad_sequences
from sklstm.preprocessing.reshaper import SequenceReshaper
from sklstm.preprocessing.scaler import SequenceScaler
from sklstm.preprocessing.tokenizer import SequenceTokenizer
from sklstm.preprocessing.windows import SlidingWindows

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
