"""SequencePadder and pad_sequences against a loop, by law, and word by word."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import law, ragged, scattered

from sklstm import SequencePadder, pad_sequences

ends = st.sampled_from(["pre", "post"])


def pad_by_loop(sequences, n_timesteps, padding, truncating):
    """One sequence after the other."""
    rows = []
    for sequence in sequences:
        if len(sequence) > n_timesteps:
            start = len(sequence) - n_timesteps if truncating == "pre" else 0
            sequence = sequence[start : start + n_timesteps]
        rest = np.full((n_timesteps - len(sequence), sequence.shape[1]), np.nan)
        parts = [rest, sequence] if padding == "pre" else [sequence, rest]
        rows.append(np.concatenate(parts))
    return np.array(rows, dtype=sequences[0].dtype)


@given(scattered(), st.none() | st.integers(1, 8), ends, ends)
@law
def test_transform_is_the_loop(pair, n_timesteps, padding, truncating):
    """A list, an array padded anywhere and the plain function give the same."""
    sequences, values = pair
    params = {"padding": padding, "truncating": truncating}
    longest = max(map(len, sequences))
    expected = pad_by_loop(sequences, n_timesteps or longest, **params)
    padder = SequencePadder(n_timesteps, **params)
    for X in (sequences, values):
        assert_array_equal(padder.fit_transform(X), expected, strict=True)
        assert padder.n_timesteps_out_ == (n_timesteps or longest)
        assert_array_equal(
            pad_sequences(X, n_timesteps, **params), expected, strict=True
        )


@given(ragged(), st.integers(0, 3), ends)
@law
def test_inverse_transform_gives_the_sequences_back(sequences, extra, padding):
    """Padding then unpadding is the identity, and so is doing it twice."""
    padder = SequencePadder(max(map(len, sequences)) + extra, padding=padding)
    padded = padder.fit_transform(sequences)
    unpadded = padder.inverse_transform(padded)
    assert len(unpadded) == len(sequences)
    for before, after in zip(sequences, unpadded, strict=True):
        assert_array_equal(after, before, strict=True)
    assert_array_equal(padder.transform(padded), padded, strict=True)
    assert_array_equal(padder.transform(unpadded), padded, strict=True)


SHORT = [[1, 2, 3], [4]]
PADDED = np.array([[1, 2, 3], [4, np.nan, np.nan]])
NAMES = ["t0", "t1", "t2"]


@pytest.mark.parametrize(
    "X",
    [
        SHORT,
        tuple(SHORT),
        [np.array(sequence) for sequence in SHORT],
        [np.array(sequence)[:, None] for sequence in SHORT],
        [pd.Series(sequence) for sequence in SHORT],
        [pd.DataFrame({"a": sequence}) for sequence in SHORT],
        [pl.DataFrame({"a": sequence}) for sequence in SHORT],
        np.array(SHORT, dtype=object),
        pd.Series(SHORT),
        pl.Series(SHORT),
        PADDED,
        np.array([[1, 2, 3], [np.nan, np.nan, 4]]),
        np.array([[1, 2, 3], [np.nan, 4, np.nan]]),
        PADDED[:, :, None],
        pd.DataFrame(PADDED, columns=NAMES),
        pd.DataFrame(PADDED, columns=NAMES, dtype="Float64"),
        pl.DataFrame(PADDED, schema=NAMES),
        pl.DataFrame({"t0": [1, 4], "t1": [2, None], "t2": [3, None]}),
    ],
)
def test_sequences_of_every_kind(X):
    """Two sequences of one feature, however they are held."""
    padder = SequencePadder().fit(X)
    assert_array_equal(padder.transform(X), PADDED[:, :, None])
    assert [len(row) for row in padder.inverse_transform(padder.transform(X))] == [3, 1]
    assert padder.n_timesteps_in_ == 3


@pytest.mark.parametrize(
    ("X", "n_features_in"),
    [
        (PADDED, 3),
        (pd.DataFrame(PADDED, columns=NAMES), 3),
        (PADDED[:, :, None], 1),
        (np.ones((4, 3, 2)), 2),
        (SHORT, 1),
        ([np.ones(3), np.ones(3)], 1),
    ],
)
def test_n_features_in(X, n_features_in):
    """Columns of a table, features of a timestep."""
    padder = SequencePadder().fit(X)
    assert padder.n_features_in_ == n_features_in
    assert hasattr(padder, "feature_names_in_") == hasattr(X, "columns")


def test_arrays_of_equal_length_are_still_sequences():
    """That sequences happened to be equally long in fit binds nobody later."""
    padder = SequencePadder().fit([np.arange(4.0), np.arange(4.0)])
    padded = padder.transform([np.arange(3.0), np.arange(3.0)])
    assert_array_equal(padded[0].ravel(), [0, 1, 2, np.nan])


def test_length_is_learnt_without_padding():
    """A step that is padding in every sample is not counted."""
    X = np.array([[np.nan, 1, np.nan, 2], [np.nan, np.nan, 3, np.nan]])
    padder = SequencePadder().fit(X)
    assert padder.n_timesteps_in_ == 4
    assert padder.n_timesteps_out_ == 2
    assert_array_equal(padder.transform(X)[:, :, 0], [[1, 2], [3, np.nan]])


@pytest.mark.parametrize(
    ("truncating", "expected"), [("pre", [3, 4, 5]), ("post", [1, 2, 3])]
)
def test_longer_sequences_are_cut_at_transform(truncating, expected):
    """The length learnt in fit holds for what comes later."""
    padder = SequencePadder(truncating=truncating).fit([[1, 2, 3], [4]])
    padded = padder.transform([[1, 2, 3, 4, 5], [6]])
    assert_array_equal(padded[:, :, 0], [expected, [6, np.nan, np.nan]])


def test_full_sequences_are_not_copied():
    """What has the right length already comes back as it is."""
    X = np.ones((3, 4, 2), dtype=np.float32)
    assert np.shares_memory(SequencePadder().fit_transform(X), X)


def test_the_table_is_left_alone():
    """Padding happens in a copy."""
    X = np.array([[np.nan, 1.0], [2.0, 3.0]])
    before = X.copy()
    SequencePadder().fit_transform(X)
    assert_array_equal(X, before)


LONG = [[1], [2, 3, 4, 5], [6, 7, 8]]


@pytest.mark.parametrize("function", [SequencePadder.fit, SequencePadder.transform])
def test_truncating_raise_refuses(function):
    """The message counts the longer sequences and names the ways out."""
    padder = SequencePadder(2, truncating="raise").fit([[1, 2], [3]])
    message = (
        r"Sequence 1 of X has 4 timesteps, more than n_timesteps=2 \(2 such sequences "
        r"of 3; the longest has 4\). Choose a larger n_timesteps, or truncating="
    )
    with pytest.raises(ValueError, match=message):
        function(padder, LONG)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.ones(3), ValueError, "Expected X with 2 or 3 axes, got a 1D array"),
        ([], ValueError, "0 sequences came"),
        ([[], [1]], ValueError, "Sequence 0 of X is empty"),
        ([["a"], [1, 2]], TypeError, "Sequence 0 of X is not numeric"),
        ([[1, 2], [np.nan]], ValueError, "Sample 1 of X is nothing but padding"),
        ([[1, 2], [np.inf]], ValueError, "sample 1, timestep 0, feature 0"),
        (
            [[[1, np.nan]], [[1, 2], [3, 4]]],
            ValueError,
            "only some features of a timestep .*sample 0, timestep 0, feature 1",
        ),
        ([np.ones((2, 2)), np.ones((1, 3))], ValueError, "3 features, but sequence 0"),
    ],
)
def test_what_cannot_be_padded(X, error, message):
    """Class and function refuse in the same words."""
    with pytest.raises(error, match=message):
        SequencePadder().fit(X)
    with pytest.raises(error, match=message):
        pad_sequences(X)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_timesteps": 0}, "'n_timesteps' parameter of {} .* Got 0 instead"),
        ({"padding": "front"}, "'padding' parameter of {} .* Got 'front' instead"),
        ({"truncating": None}, "'truncating' parameter of {} .* Got None instead"),
    ],
)
def test_wrong_parameters(params, message):
    """Class and function each name themselves."""
    with pytest.raises(ValueError, match=message.format("SequencePadder")):
        SequencePadder(**params).fit(SHORT)
    with pytest.raises(ValueError, match=message.format("pad_sequences")):
        pad_sequences(SHORT, **params)


def test_other_features_than_in_fit():
    """The features of a timestep belong to what was learnt, its length does not."""
    padder = SequencePadder().fit(np.ones((2, 3, 2)))
    assert padder.transform(np.ones((2, 5, 2))).shape == (2, 3, 2)
    with pytest.raises(ValueError, match=r"3 features per timestep .* fitted with 2"):
        padder.transform(np.ones((2, 3, 3)))


@pytest.mark.parametrize("X", [PADDED, SHORT[0], np.ones((1, 1, 1, 1))])
def test_inverse_transform_wants_three_axes(X):
    """A table does not tell timesteps from features."""
    padder = SequencePadder().fit(SHORT)
    with pytest.raises(ValueError, match="inverse_transform expects the three axes"):
        padder.inverse_transform(X)


def test_inverse_transform_checks_the_features():
    """Sequences of something else are not unpadded."""
    padder = SequencePadder().fit(SHORT)
    with pytest.raises(ValueError, match=r"2 features per timestep .* fitted with 1"):
        padder.inverse_transform(np.ones((1, 3, 2)))


def test_pandas_output_leaves_three_axes_alone():
    """A data frame holds no sequences, so set_output does not apply."""
    assert not hasattr(SequencePadder(), "get_feature_names_out")
    assert not hasattr(SequencePadder(), "set_output")
    with sklearn.config_context(transform_output="pandas"):
        assert isinstance(SequencePadder().fit_transform(SHORT), np.ndarray)
