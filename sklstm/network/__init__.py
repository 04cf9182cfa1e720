"""The fitted thing: an architecture, its parameters, and the NumPy forward pass."""

from sklstm.network.architecture import (
    DIRECTIONS,
    MERGE_MODES,
    POOLINGS,
    Architecture,
    Embedding,
    initial_parameters,
    is_pooling,
)
from sklstm.network.network import Network

__all__ = [
    "DIRECTIONS",
    "MERGE_MODES",
    "POOLINGS",
    "Architecture",
    "Embedding",
    "Network",
    "initial_parameters",
    "is_pooling",
]
