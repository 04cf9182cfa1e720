"""Generated problems, as in `sklearn.datasets`: small, with a known answer."""

from sklstm.datasets.generators import (
    make_counting,
    make_cumulative_sum,
    make_echo,
    make_panel,
    make_rare_events,
    make_sine_to_cosine,
    make_unequal_lengths,
)

__all__ = [
    "make_counting",
    "make_cumulative_sum",
    "make_echo",
    "make_panel",
    "make_rare_events",
    "make_sine_to_cosine",
    "make_unequal_lengths",
]
