"""SequenceFramer against a loop over slices, by law, and word by word."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from strategies import law, scattered

from sklstm import (
    BiLSTMRegressor,
    SequenceFramer,
    SequencePadder,
    SequenceReshaper,
    SlidingWindows,
)
from sklstm.preprocessing.framer import count_frames

X = np.random.default_rng(0).normal(size=(4, 10, 2))
TABLE = X[:, :, 0]


@st.composite
def sizes(draw):
    """A length of frames, and a hop that is no longer."""
    frame_length = draw(st.integers(1, 7))
    return frame_length, draw(st.integers(1, frame_length))


def frames_by_loop(steps, frame_length, hop_length):
    """The frames of one sequence: slices, the last of them put back to its end."""
    if len(steps) <= frame_length:
        repeated = [steps[-1:]] * (frame_length - len(steps))
        return [np.concatenate([steps, *repeated])]
    frames = [steps[:frame_length]]
    begin = 0
    while begin + frame_length < len(steps):
        begin = min(begin + hop_length, len(steps) - frame_length)
        frames.append(steps[begin : begin + frame_length])
    return frames


# -- laws -----------------------------------------------------------------------------


@given(scattered(), sizes())
@law
def test_each_frame_is_the_slice(pair, size):
    """Whatever is padded, and wherever; shorter sequences have NaN behind."""
    frame_length, hop_length = size
    sequences, values = pair
    framer = SequenceFramer(frame_length, hop_length=hop_length).fit(values)
    framed = framer.transform(values)
    n_frames = count_frames(values.shape[1], frame_length, hop_length)
    assert framed.shape == (len(values), n_frames, framer.n_features_out_)
    assert framed.dtype == values.dtype
    for steps, frames in zip(sequences, framed, strict=True):
        expected = frames_by_loop(steps, frame_length, hop_length)
        got = frames.reshape(n_frames, frame_length, -1)
        assert_array_equal(got[: len(expected)], expected)
        assert np.isnan(got[len(expected) :]).all()


@given(scattered(), sizes())
@law
def test_frames_do_not_depend_on_where_padding_stands(pair, size):
    """In front, behind, in gaps, or a list without any: the same frames."""
    frame_length, hop_length = size
    sequences, values = pair
    framer = SequenceFramer(frame_length, hop_length=hop_length).fit(values)
    framed = framer.transform(values)
    shortest = framer.transform(sequences)
    assert_array_equal(framed[:, : shortest.shape[1]], shortest)
    assert np.isnan(framed[:, shortest.shape[1] :]).all()


@given(scattered(), sizes())
@law
def test_no_timestep_is_lost(pair, size):
    """Every timestep is in a frame, and nothing else is."""
    sequences, values = pair
    n_features = values.shape[2]
    framer = SequenceFramer(size[0], hop_length=size[1])
    for steps, frames in zip(sequences, framer.fit_transform(values), strict=True):
        rows = frames[~np.isnan(frames).any(axis=1)].reshape(-1, n_features)
        assert set(map(bytes, rows)) == set(map(bytes, np.ascontiguousarray(steps)))


@given(st.integers(1, 40), sizes())
@law
def test_number_of_frames(length, size):
    """As many as the loop makes."""
    steps = np.arange(length)[:, None]
    assert count_frames(length, *size) == len(frames_by_loop(steps, *size))


# -- shape and memory -----------------------------------------------------------------


def test_features_are_in_the_order_of_time():
    """All features of the first timestep of a frame, then all of the next."""
    framed = SequenceFramer(3, hop_length=1).fit_transform(X)
    assert framed.shape == (4, 8, 6)
    assert_array_equal(framed[2, 5].reshape(3, 2), X[2, 5:8])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("frame_length", "hop_length"), [(4, 2), (10, 3), (1, 1)])
def test_a_view_where_hops_come_out_even(frame_length, hop_length, dtype):
    """Frames that overlap take no memory, and cannot be written into."""
    values = X.astype(dtype)
    framer = SequenceFramer(frame_length, hop_length=hop_length)
    framed = framer.fit_transform(values)
    assert np.shares_memory(framed, values)
    assert not framed.flags.writeable
    padded = np.concatenate([values, np.full((4, 1, 2), np.nan, dtype)], axis=1)
    copied = framer.fit_transform(padded)
    assert not np.shares_memory(copied, padded)
    assert_array_equal(copied[:, : framed.shape[1]], framed)


def test_a_table_is_timesteps_of_one_feature():
    """As an array, a list or a data frame, or reshaped."""
    expected = SequenceFramer(4).fit_transform(TABLE[:, :, None])
    for given_as in (TABLE, TABLE.tolist(), pd.DataFrame(TABLE)):
        assert_array_equal(SequenceFramer(4).fit_transform(given_as), expected)
    pipeline = make_pipeline(SequenceReshaper(), SequenceFramer(4))
    pipeline.set_output(transform="pandas")
    assert_array_equal(pipeline.fit_transform(pd.DataFrame(TABLE)), expected)
    assert not hasattr(pipeline[-1], "get_feature_names_out")


def test_sequences_of_another_length():
    """What is fitted is the features, not the length."""
    framer = SequenceFramer(4).fit(X)
    assert framer.transform(X[:, :6]).shape == (4, 2, 8)
    assert framer.transform(X[:, :1]).shape == (4, 1, 8)
    with pytest.raises(ValueError, match=r"1 features per timestep .* fitted with 2"):
        framer.transform(X[:, :, :1])


def test_integers_become_floats():
    """Of a dtype that has NaN, padded or not."""
    counts = np.arange(12).reshape(2, 6)
    for length in (4, 6, 9):
        assert SequenceFramer(length).fit_transform(counts).dtype == np.float64


def test_in_parts(monkeypatch):
    """Copies are made a few samples at a time, whatever their length."""
    values = np.where(np.arange(10)[:, None] < [[[7]], [[10]], [[2]], [[4]]], X, np.nan)
    expected = SequenceFramer(4).fit_transform(values)
    monkeypatch.setattr("sklstm.sequences.batch.CHUNK_BYTES", 200)
    assert_array_equal(SequenceFramer(4).fit_transform(values), expected)


def test_windows_are_framed():
    """Behind SlidingWindows: of what each window has."""
    groups = np.repeat([0, 1], 5)
    table = np.column_stack([groups, X[0]])
    windows = SlidingWindows(4, groups=0).fit_transform(table)
    framed = SequenceFramer(2, hop_length=2).fit_transform(windows)
    assert_array_equal(
        framed,
        SequenceFramer(2, hop_length=2).fit_transform(
            list(SequencePadder().fit(windows).inverse_transform(np.asarray(windows)))
        ),
    )


def test_a_network_learns_from_frames():
    """A sum over 40 steps, which the network reads in 9."""
    values = np.random.default_rng(0).normal(size=(200, 40))
    network = BiLSTMRegressor(8, epochs=40, learning_rate=0.01, random_state=0)
    pipeline = make_pipeline(SequenceFramer(), network)
    pipeline.fit(values[:150], values[:150].sum(axis=1))
    assert network.n_features_in_ == 8
    assert pipeline.score(values[150:], values[150:].sum(axis=1)) > 0.9


# -- what is refused ------------------------------------------------------------------


def test_frames_with_gaps_between():
    """The message says both repairs."""
    framer = SequenceFramer(4, hop_length=6)
    message = "hop_length of at most 4, or frame_length of at least 6"
    with pytest.raises(ValueError, match=message):
        framer.fit(X)
    assert not hasattr(framer, "n_features_in_")


@pytest.mark.parametrize(
    "params", [{"frame_length": 0}, {"frame_length": 2.0}, {"hop_length": 0}]
)
def test_sizes_are_counts(params):
    """At least one timestep."""
    with pytest.raises(ValueError, match=r"must be an int in the range \[1, inf\)"):
        SequenceFramer(**params).fit(X)


def test_parameters_set_after_fit():
    """The length of a frame is for the next fit, its distance for the next call."""
    framer = SequenceFramer(4).fit(X)
    expected = framer.transform(X)
    assert_array_equal(framer.set_params(frame_length=5).transform(X), expected)
    closer = framer.set_params(hop_length=2).transform(X)
    assert_array_equal(closer, SequenceFramer(4, hop_length=2).fit_transform(X))
