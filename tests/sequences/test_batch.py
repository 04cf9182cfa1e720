"""What a batch of sequences is and how it is read: laws and loop references."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import law, scattered

from sklstm.sequences import batch as module
from sklstm.sequences.batch import (
    SequenceBatch,
    chunks,
    fit_length,
    split_sequences,
    valid_steps,
)
from sklstm.sequences.ragged import pad_ragged
from sklstm.sequences.reading import read_sequences


@given(scattered())
@law
def test_valid_steps_are_those_with_a_number(pair):
    """A timestep is valid unless every one of its features is NaN."""
    _, values = pair
    valid = valid_steps(values)
    for sample, row in enumerate(values):
        for step, features in enumerate(row):
            assert valid[sample, step] == any(value == value for value in features)


@given(scattered())
@law
def test_read_sequences_finds_every_length(pair):
    """Lengths count the valid steps, and right_padded says where they stand."""
    sequences, values = pair
    batch = read_sequences(values)
    assert len(batch) == len(sequences)
    assert batch.n_features == values.shape[2]
    assert batch.longest == max(map(len, sequences))
    assert batch.values is values
    assert_array_equal(batch.lengths, [len(sequence) for sequence in sequences])
    in_front = all(
        not np.isnan(row[: len(sequence)]).any()
        for row, sequence in zip(values, sequences, strict=True)
    )
    assert batch.right_padded == in_front


@given(scattered(), st.data())
@law
def test_take_moves_valid_steps_to_the_front(pair, data):
    """Any rows in any order: their steps in front, float32, zeros behind."""
    sequences, values = pair
    n_samples = len(sequences)
    rows = data.draw(st.lists(st.integers(0, n_samples - 1), min_size=1, max_size=8))
    taken = read_sequences(values).take(np.array(rows))
    longest = max(len(sequences[row]) for row in rows)
    assert taken.shape == (len(rows), longest, values.shape[2])
    assert taken.dtype == np.float32
    for row, steps in zip(rows, taken, strict=True):
        length = len(sequences[row])
        assert_array_equal(steps[:length], sequences[row].astype(np.float32))
        assert not steps[length:].any()


@given(scattered(), st.data())
@law
def test_at_and_in_memory_change_nothing_that_is_read(pair, data):
    """Rows of rows, held anywhere: take and fit_length see the same sequences."""
    sequences, values = pair
    n_samples = len(sequences)
    indices = st.lists(st.integers(0, n_samples - 1), min_size=1, max_size=8)
    rows = np.array(data.draw(indices))
    batch = read_sequences(values)
    part = batch.at(rows)
    assert len(part) == len(rows)
    assert_array_equal(part.lengths, batch.lengths[rows])
    assert_array_equal(part.take(slice(None)), batch.take(rows))
    last = np.array([len(rows) - 1])
    assert_array_equal(part.at(last).take(slice(None)), batch.take(rows[last]))
    held = part.in_memory()
    assert held.right_padded
    assert_array_equal(held.take(last), part.take(last))
    expected = pad_ragged([sequences[row] for row in rows], values.shape[1])
    for same in (part, held):
        fitted = fit_length(same, values.shape[1], "post", "post")
        assert_array_equal(fitted, expected.astype(same.values.dtype))


def test_in_memory_leaves_what_is_too_large(monkeypatch):
    """Beyond the limit, batches are converted one by one."""
    batch = read_sequences(np.ones((4, 3, 2)))
    monkeypatch.setattr(module, "IN_MEMORY_BYTES", 4 * 4 * 3 * 2)
    assert batch.in_memory().values.dtype == np.float32
    monkeypatch.setattr(module, "IN_MEMORY_BYTES", 4 * 4 * 3 * 2 - 1)
    assert batch.in_memory() is batch


@given(st.integers(0, 50), st.integers(0, 200))
@law
def test_chunks_cover_every_row_once(n_samples, bytes_per_sample):
    """Slices follow each other without gap or overlap, none of them empty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK_BYTES", 100)
        parts = list(chunks(n_samples, bytes_per_sample))
    rows = [row for part in parts for row in range(part.start, part.stop)]
    assert rows == list(range(n_samples))
    assert all(part.stop > part.start for part in parts)


@pytest.mark.parametrize("chunk_bytes", [1, 64, 2**20])
def test_read_sequences_does_not_depend_on_the_chunks(monkeypatch, chunk_bytes):
    """Padding in any chunk is found, wherever the chunks are cut."""
    values = np.ones((9, 3, 2))
    values[4, 2] = values[7, 0] = np.nan
    monkeypatch.setattr(module, "CHUNK_BYTES", chunk_bytes)
    batch = read_sequences(values)
    assert_array_equal(batch.lengths, [3, 3, 3, 3, 2, 3, 3, 2, 3])
    assert not batch.right_padded
    values[8, 1, 1] = np.inf
    with pytest.raises(ValueError, match="sample 8, timestep 1, feature 1: inf"):
        read_sequences(values)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, r"NaN in only some features of a timestep \(sample 3, timestep 1, f"),
        (np.inf, r"infinity .*\(sample 3, timestep 1, feature 0: inf\)"),
        (-1e39, r"too large for float32 \(sample 3, timestep 1, feature 0: -1e\+39\)"),
    ],
)
def test_read_sequences_says_where_the_offender_stands(value, message):
    """Sample, timestep and feature of the first bad value are in the message."""
    values = np.zeros((5, 4, 2))
    values[3, 1, 0] = value
    with pytest.raises(ValueError, match=message):
        read_sequences(values)


def test_read_sequences_refuses_a_sample_of_padding_only():
    """A sample without any valid timestep has nothing to be read."""
    values = np.zeros((5, 4, 2))
    values[2] = values[4] = np.nan
    with pytest.raises(ValueError, match=r"Sample 2 .* padding.*\(2 such samples of 5"):
        read_sequences(values)


@given(
    scattered(),
    st.integers(1, 8),
    st.sampled_from(["pre", "post"]),
    st.sampled_from(["pre", "post"]),
)
@law
def test_fit_length_is_the_loop(pair, n_timesteps, padding, truncating):
    """Padding anywhere is taken out, then each sequence is cut and padded."""
    sequences, values = pair
    if truncating == "pre":
        cut = [sequence[-n_timesteps:] for sequence in sequences]
    else:
        cut = [sequence[:n_timesteps] for sequence in sequences]
    expected = pad_ragged(cut, n_timesteps, padding)
    fitted = fit_length(read_sequences(values), n_timesteps, padding, truncating)
    assert_array_equal(fitted, expected, strict=True)


def test_fit_length_does_not_copy_what_fits():
    """Full sequences of the right length come back as they are."""
    values = np.ones((3, 2, 2), dtype=np.float32)
    assert fit_length(read_sequences(values), 2, "pre", "post") is values


def test_fit_length_of_integers_is_float64():
    """Integers have no NaN."""
    batch = SequenceBatch(np.ones((1, 2, 1), dtype=int), np.array([2]), True)
    assert fit_length(batch, 2, "post", "post").dtype == np.float64
    assert_array_equal(fit_length(batch, 3, "pre", "pre").ravel(), [np.nan, 1, 1])


def test_values_are_left_alone():
    """Reading, taking and fitting write nothing into the caller's array."""
    values = np.arange(24.0).reshape(2, 4, 3)
    values[0, 1] = values[1, 3] = np.nan
    before = values.copy()
    batch = read_sequences(values)
    batch.take(slice(None))
    fit_length(batch, 6, "pre", "post")
    split_sequences(values)
    assert_array_equal(values, before)
