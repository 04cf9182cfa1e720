"""What is learnt: codecs of labels and numbers, one per sequence or per timestep."""

from sklstm.targets.codecs import (
    CODECS,
    Codec,
    Indicators,
    Labels,
    Numbers,
    Quantiles,
)
from sklstm.targets.layouts import PER_SEQUENCE, PER_TIMESTEP, Layout
from sklstm.targets.training_set import Labelled, Target, TrainingSet, arrange

__all__ = [
    "CODECS",
    "PER_SEQUENCE",
    "PER_TIMESTEP",
    "Codec",
    "Indicators",
    "Labelled",
    "Labels",
    "Layout",
    "Numbers",
    "Quantiles",
    "Target",
    "TrainingSet",
    "arrange",
]
