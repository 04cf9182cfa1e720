"""Lists, containers and frames of sequences: told apart, stacked, refused."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import law, ragged

from sklstm.sequences.batch import (
    split_sequences,
)
from sklstm.sequences.ragged import arrays_of, is_ragged, pad_ragged

ROWS = ([1, 2, 3], [4, 5, 6])
SHORT = ([1, 2, 3], [4])


def objects(sequences):
    """A 1D object array, whatever the lengths of its elements."""
    array = np.empty(len(sequences), dtype=object)
    array[:] = sequences
    return array


@pytest.mark.parametrize(
    ("X", "expected"),
    [
        (list(ROWS), False),
        (ROWS, False),
        (np.array(ROWS), False),
        (np.zeros((2, 3, 4)), False),
        (np.zeros(3), False),
        (np.array([1, 2, 3], dtype=object), False),
        ([1, 2, 3], False),
        (["ab", "c"], False),
        ("abc", False),
        (None, False),
        (pd.DataFrame({"a": [1, 2]}), False),
        (pl.DataFrame({"a": [1, 2]}), False),
        (pd.Series([1, 2]), False),
        (pl.Series([1, 2]), False),
        (np.zeros(0), False),
        ([], True),
        (list(SHORT), True),
        (SHORT, True),
        ([1, [2, 3]], True),
        (objects(SHORT), True),
        (objects(ROWS), True),
        (pd.Series(list(SHORT)), True),
        (pd.Series(list(ROWS)), True),
        (pl.Series(list(SHORT)), True),
        ([np.zeros(3), np.zeros(3)], True),
        ([np.zeros((3, 1)), np.zeros((3, 1))], True),
        ([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], True),
        ([pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1, 2]})], True),
    ],
)
def test_is_ragged(X, expected):
    """A matrix in any container is rectangular; a collection of sequences is not."""
    assert is_ragged(X) is expected


@given(ragged(), st.integers(0, 3), st.sampled_from(["pre", "post"]))
@law
def test_pad_ragged_is_the_loop(sequences, extra, padding):
    """Every sequence stands at its end of the row, NaN fills the rest."""
    n_timesteps = max(map(len, sequences)) + extra
    stacked = pad_ragged(sequences, n_timesteps, padding)
    assert stacked.dtype == sequences[0].dtype
    assert stacked.shape == (len(sequences), n_timesteps, sequences[0].shape[1])
    for row, sequence in zip(stacked, sequences, strict=True):
        n = len(sequence)
        kept, rest = (row[:n], row[n:]) if padding == "post" else (row[-n:], row[:-n])
        assert_array_equal(kept, sequence)
        assert np.isnan(rest).all()


@given(ragged())
@law
def test_split_sequences_inverts_pad_ragged(sequences):
    """Padding then splitting is the identity."""
    split = split_sequences(pad_ragged(sequences))
    assert len(split) == len(sequences)
    for before, after in zip(sequences, split, strict=True):
        assert_array_equal(after, before, strict=True)


@pytest.mark.parametrize(
    ("sequences", "dtype"),
    [
        ([np.zeros(2, np.float32), np.zeros(1, np.float32)], np.float32),
        ([np.zeros(2, np.float32), np.zeros(1, np.float64)], np.float64),
        ([[1, 2], [True]], np.float64),
        ([pd.Series([1, None], dtype=object), [2]], np.float64),
    ],
)
def test_pad_ragged_dtype(sequences, dtype):
    """float32 is kept, whatever else is a number becomes float64."""
    assert pad_ragged(sequences).dtype == dtype


@pytest.mark.parametrize(
    ("sequences", "error", "message"),
    [
        ([], ValueError, "empty list: 0 sequences"),
        ([[1], []], ValueError, "Sequence 1 of X is empty"),
        ([[1], 2], ValueError, r"Sequence 1 of X has shape \(\)"),
        ([np.zeros((1, 1, 1))], ValueError, r"Sequence 0 of X has shape \(1, 1, 1\)"),
        (
            [np.zeros((2, 2)), np.zeros((2, 3))],
            ValueError,
            "Sequence 1 of X has 3 features, but sequence 0 has 2",
        ),
        ([[1], ["a"]], TypeError, "Sequence 1 of X is not numeric"),
        ([[1j]], TypeError, "Sequence 0 of X is not numeric: its dtype is complex"),
        ([[1, [2, 3]]], TypeError, "Sequence 0 of X is not numeric"),
        ([[None, "a"]], TypeError, "Sequence 0 of X is not numeric"),
    ],
)
def test_pad_ragged_refuses(sequences, error, message):
    """The message names the sequence that cannot be stacked."""
    with pytest.raises(error, match=message):
        pad_ragged(sequences)


def test_pad_ragged_refuses_longer_sequences():
    """A length that is too small is no way to truncate."""
    with pytest.raises(ValueError, match="3 timesteps, more than n_timesteps=2"):
        pad_ragged(SHORT, 2)


@pytest.mark.parametrize("rows", [ROWS, objects(ROWS).tolist(), pd.DataFrame(ROWS)])
def test_arrays_of_a_matrix(rows):
    """In any container it is one array."""
    assert_array_equal(arrays_of(rows, "y", "test"), np.array(ROWS), strict=True)


@pytest.mark.parametrize("container", [list, tuple, objects, pd.Series, pl.Series])
def test_arrays_of_sequences(container):
    """In any container they are a list of arrays."""
    given = arrays_of(container(SHORT), "y", "test")
    assert isinstance(given, list)
    for array, sequence in zip(given, SHORT, strict=True):
        assert_array_equal(array, sequence)


def test_arrays_of_a_frame_of_sequences():
    """Its columns are the last axis."""
    given = arrays_of(pd.DataFrame({"a": SHORT, "b": SHORT}), "y", "test")
    assert [array.shape for array in given] == [(3, 2), (1, 2)]


def test_arrays_of_what_is_missing():
    """pandas' NA is NaN, as in a column that allows for it."""
    (given,) = arrays_of(pd.DataFrame({"y": pd.array([pd.NA], "Int64")}), "y", "test")
    assert np.isnan(given[0])
