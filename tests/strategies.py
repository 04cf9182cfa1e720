"""Small random inputs for the laws that sequences obey."""

from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray

# No deadline: the first example of a test pays for imports and warm caches.
law = settings(deadline=None, max_examples=60, derandomize=True)

dtypes = st.sampled_from([np.float32, np.float64])


def numbers(shape: tuple[int, ...], dtype: Any, seed: int) -> NDArray[Any]:
    """Normal numbers, some of which are zero, as real zeros are data."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shape) * rng.integers(0, 4, size=shape).astype(bool)
    return values.astype(dtype)


@st.composite
def ragged(draw: st.DrawFn) -> list[NDArray[Any]]:
    """A list of arrays of shape (n_timesteps_i, n_features), in one dtype."""
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=6))
    n_features = draw(st.integers(1, 3))
    dtype, seed = draw(dtypes), draw(st.integers(0, 999))
    return [numbers((n, n_features), dtype, seed + n) for n in lengths]


@st.composite
def scattered(draw: st.DrawFn) -> tuple[list[NDArray[Any]], NDArray[Any]]:
    """Sequences, and an array that holds them with NaN steps anywhere between."""
    sequences = draw(ragged())
    longest = max(len(sequence) for sequence in sequences)
    n_timesteps = longest + draw(st.integers(0, 3))
    values = np.full(
        (len(sequences), n_timesteps, sequences[0].shape[1]),
        np.nan,
        dtype=sequences[0].dtype,
    )
    for row, sequence in zip(values, sequences, strict=True):
        order = draw(st.permutations(range(n_timesteps)))
        row[sorted(order[: len(sequence)])] = sequence
    return sequences, values
