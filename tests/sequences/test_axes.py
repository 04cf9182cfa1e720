"""Axes in another order, frames of other libraries: read, or what to do is said."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from strategies import law, ragged

from sklstm import (
    BiLSTMClassifier,
    SequencePadder,
    SequenceReshaper,
    SequenceScaler,
    SlidingWindows,
    explain_shapes,
    pad_sequences,
)

X = np.random.default_rng(0).normal(size=(6, 20, 3))
FIRST = X.swapaxes(1, 2)
CHANNELS_FIRST = SequencePadder(layout="channels_first")


# -- channels first -------------------------------------------------------------------


@given(ragged(), st.sampled_from(["pre", "post"]))
@law
def test_layout_is_the_transposed(sequences, padding):
    """A list of (n_features, n_timesteps_i), and back."""
    swapped = [sequence.T for sequence in sequences]
    padder = SequencePadder(padding=padding, layout="channels_first").fit(swapped)
    padded = padder.transform(swapped)
    expected = SequencePadder(padding=padding).fit_transform(sequences)
    assert_array_equal(padded, expected, strict=True)
    restored = padder.inverse_transform(padded)
    for sequence, original in zip(restored, swapped, strict=True):
        assert_array_equal(sequence, original)
    function = pad_sequences(swapped, padding=padding, layout="channels_first")
    assert_array_equal(function, expected)


def as_objects(arrays):
    objects = np.empty(len(arrays), dtype=object)
    objects[:] = arrays
    return objects


@pytest.mark.parametrize(
    "given_as",
    [
        FIRST,
        FIRST.tolist(),
        list(FIRST),
        as_objects(list(FIRST)),
        pd.Series(list(FIRST)),
        [pd.DataFrame(case) for case in FIRST],
        [pl.DataFrame(case) for case in FIRST],
    ],
    ids=["array", "lists", "arrays", "objects", "series", "pandas", "polars"],
)
def test_whatever_holds_the_axes(given_as):
    """The sizes that are learnt are those of sklstm's order."""
    padder = SequencePadder(layout="channels_first").fit(given_as)
    assert_array_equal(padder.transform(given_as), X)
    assert (padder.n_features_in_, padder.n_timesteps_in_) == (3, 20)


def test_padding_is_found_along_the_last_axis():
    """NaN at timesteps, in any place."""
    padded = FIRST.copy()
    padded[0, :, 12:] = padded[1, :, :5] = np.nan
    shorter = CHANNELS_FIRST.fit(padded).inverse_transform(padded.swapaxes(1, 2))
    assert [sequence.shape for sequence in shorter[:3]] == [(3, 12), (3, 15), (3, 20)]


def test_what_has_no_such_axes_stays():
    """A table, sequences of one feature, and frames of sequences."""
    table = X[:, :, 0]
    cells = pd.DataFrame({name: list(X[:, :, k]) for k, name in enumerate("abc")})
    for values in (table, table.tolist(), [table[0], table[1, :4]], cells):
        expected = SequencePadder().fit_transform(values)
        padder = SequencePadder(layout="channels_first")
        assert_array_equal(padder.fit_transform(values), expected)


def test_not_copied():
    """Swapped axes are a view."""
    assert np.shares_memory(CHANNELS_FIRST.fit_transform(FIRST), FIRST)


def test_in_front_of_a_network():
    """Cloned, searched and pickled like anything else."""
    network = BiLSTMClassifier(2, epochs=1, random_state=0)
    y = np.arange(6) % 2
    pipeline = make_pipeline(CHANNELS_FIRST, SequenceScaler(), network).fit(FIRST, y)
    assert network.n_features_in_ == 3
    loaded = pickle.loads(pickle.dumps(pipeline))
    assert_array_equal(loaded.predict_proba(FIRST), pipeline.predict_proba(FIRST))


# -- hints ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (FIRST, "3 timesteps of 20 features. If the 20 are the timesteps, its axes"),
        (list(FIRST), "3 timesteps of 20 features"),
        (FIRST[:, :1], "1 timestep of 20 features"),
        (X, ""),
        (list(X), ""),
        (X[:, :, 0], ""),
        (FIRST[:, :, :5], ""),
        ([FIRST[0], FIRST[1, :2]], ""),
        ([], ""),
    ],
)
def test_hint_on_swapped_axes(values, words):
    """A guess from sizes, never an error."""
    report = explain_shapes(BiLSTMClassifier(), values)
    assert words in report.hint
    assert bool(words) == bool(report.hint)
    assert (f"Hint: {report.hint}" in str(report)) == bool(words)
    assert ("<strong>Hint:</strong>" in report._repr_html_()) == bool(words)


def test_no_hint_where_the_axes_are_swapped_already():
    """And the rows say so."""
    report = explain_shapes([CHANNELS_FIRST, BiLSTMClassifier()], FIRST)
    assert not report.hint
    assert report.steps[1].shape_out == "6 samples x 20 timesteps x 3 features"


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (["case", "when"], "groups='case', time='when'"),
        ([None, None], "groups='level_0', time='level_1'"),
        (["region", "case", "when"], "groups='case', time='when'"),
    ],
)
def test_hint_on_a_time_in_the_index(names, keys):
    """sktime's frames of several series: the code that is shown is right."""
    levels = [["r"], ["p", "q"], range(3)][-len(names) :]
    index = pd.MultiIndex.from_product(levels, names=names)
    frame = pd.DataFrame({"a": np.arange(6.0), "b": -np.arange(6.0)}, index=index)
    report = explain_shapes(BiLSTMClassifier(), frame)
    assert f"pad_sequences(X.reset_index(), {keys})" in report.hint
    if len(names) == 2:
        arguments = eval(f"dict({keys})")
        sequences, ids = pad_sequences(frame.reset_index(), **arguments)
        assert sequences.shape == (2, 3, 2)
        assert_array_equal(ids, ["p", "q"])
        windows = SlidingWindows(2, **arguments).fit_transform(frame.reset_index())
        assert windows.shape == (6, 2, 3)
    assert not explain_shapes(BiLSTMClassifier(), frame.reset_index(drop=True)).hint


# -- frames of other libraries --------------------------------------------------------

CELLS = [[1.0, 2.0, 3.0], [4.0, 5.0]]
NESTED = {
    "sktime": pd.DataFrame({name: [pd.Series(c) for c in CELLS] for name in "ab"}),
    "index of its own": pd.DataFrame(
        {
            name: [pd.Series(c, index=range(7, 7 + len(c))) for c in CELLS]
            for name in "ab"
        }
    ),
    "nullable": pd.DataFrame(
        {name: [pd.Series(c, dtype="Float64") for c in CELLS] for name in "ab"}
    ),
    "polars": pl.DataFrame({"a": CELLS, "b": CELLS}),
    "pyarrow": pa.table({"a": CELLS, "b": CELLS}),
    "pyarrow in pandas": pa.table({"a": CELLS, "b": CELLS}).to_pandas(
        types_mapper=pd.ArrowDtype
    ),
}


@pytest.mark.parametrize("frame", NESTED.values(), ids=NESTED)
def test_frames_of_sequences(frame):
    """Cells are sequences, columns are features."""
    expected = np.array([[1, 2, 3], [4, 5, np.nan]])[:, :, None].repeat(2, axis=2)
    assert_array_equal(SequencePadder().fit_transform(frame), expected)


NULLABLE = pd.DataFrame(
    {
        "a": pd.array([1, 2, None, 4], dtype="Int64"),
        "b": pd.array([1.5, 2.5, None, None], dtype="Float64"),
        "c": pd.array([True, None, None, False], dtype="boolean"),
    }
)
MISSING = {
    "nullable": NULLABLE,
    "pyarrow in pandas": NULLABLE.convert_dtypes(dtype_backend="pyarrow"),
    "polars": pl.from_pandas(NULLABLE),
    "pyarrow": pa.Table.from_pandas(NULLABLE),
}


@pytest.mark.parametrize("frame", MISSING.values(), ids=MISSING)
def test_missing_values_of_any_kind_are_nan(frame):
    """pandas' NA and polars' null, in numbers and booleans."""
    expected = [[1, 1.5, 1], [2, 2.5, np.nan], [np.nan] * 3, [4, np.nan, 0]]
    reshaper = SequenceReshaper(n_timesteps=1)
    assert_array_equal(reshaper.fit_transform(frame)[:, 0], expected)
    windows = SlidingWindows(1).fit_transform(frame)
    assert_array_equal(windows[:, 0], expected)
    padded = SequencePadder().fit_transform(frame[:2])
    assert_array_equal(padded[:, :, 0], [[1, 1.5, 1], [2, 2.5, np.nan]])


@pytest.mark.parametrize("frame", MISSING.values(), ids=MISSING)
def test_long_tables_of_any_kind(frame):
    """A row without numbers is no timestep."""
    rows = frame.to_pandas() if hasattr(frame, "to_pandas") else frame
    table = rows[["a", "b"]][:3].assign(id=pd.array([7, 7, 7], dtype="Int64"))
    padded, ids = pad_sequences(table, groups="id")
    assert_array_equal(padded, [[[1, 1.5], [2, 2.5]]])
    assert_array_equal(ids, [7])
