"""Generated problems, as in `sklearn.datasets`: small, with a known answer."""

from sklstm.datasets.per_sequence import make_counting, make_unequal_lengths
from sklstm.datasets.per_timestep import (
    make_cumulative_sum,
    make_echo,
    make_rare_events,
    make_sine_to_cosine,
)
from sklstm.datasets.series import make_panel

__all__ = [
    "make_counting",
    "make_cumulative_sum",
    "make_echo",
    "make_panel",
    "make_rare_events",
    "make_sine_to_cosine",
    "make_unequal_lengths",
]
