"""Columns that do not change over time: where they go, back again, and learnt from."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from strategies import dtypes, law, numbers, ragged

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    SequencePadder,
    SequenceReshaper,
    SequenceScaler,
    explain_shapes,
    pad_sequences,
)
from sklstm.sequences.batch import valid_steps

nan = np.nan
SIZES = st.integers(1, 4)


@given(SIZES, SIZES, SIZES, st.sampled_from(["timestep", "feature"]), dtypes, st.data())
@law
def test_reshape_is_the_loop(n_timesteps, n_features, n_static, layout, dtype, data):
    """Without its static columns a table is reshaped as always; these come behind."""
    n_changing = n_timesteps * n_features
    order = data.draw(st.permutations(range(n_changing + n_static)))
    static = sorted(order[:n_static])
    table = numbers((3, len(order)), dtype, n_changing)
    reshaper = SequenceReshaper(n_timesteps, layout=layout, static=static).fit(table)
    steps = reshaper.transform(table)
    changing = np.delete(table, static, axis=1)
    alone = SequenceReshaper(n_timesteps, layout=layout).fit_transform(changing)
    assert steps.dtype == dtype
    assert reshaper.n_features_out_ == n_features + n_static
    assert_array_equal(steps[:, :, :n_features], alone)
    for row, sample in zip(table, steps, strict=True):
        for step in sample:
            assert_array_equal(step[n_features:], row[static])
    assert_array_equal(reshaper.inverse_transform(steps), table, strict=True)


def test_with_everything_else():
    """Times, timesteps that are padding, sizes that are filled up, and back."""
    table = np.array(
        [
            [34.0, 1, 10, 3, 11, 7, 12, 0],
            [52.0, 2, 20, nan, nan, 6, 21, 1],
        ]
    )
    params = {"n_features": 2, "static": [0, -1]}
    steps = SequenceReshaper(time=0, **params).fit_transform(table)
    assert_array_equal(steps[0], [[0, 10, 34, 0], [2, 11, 34, 0], [4, 12, 34, 0]])
    assert_array_equal(steps[1], [[0, 20, 52, 1], [nan] * 4, [4, 21, 52, 1]])
    reshaper = SequenceReshaper(4, n_features=2, pad=True, static=[0, 7])
    longer = reshaper.fit_transform(table)
    assert_array_equal(longer[0, 3], [nan] * 4)
    assert_array_equal(reshaper.inverse_transform(longer), table)
    empty = np.where(np.isin(np.arange(8), [0, 7]), table, nan)
    back = reshaper.inverse_transform(reshaper.transform(empty))
    assert np.isnan(back).all()


@pytest.mark.parametrize(
    "static",
    [["age", "sex"], ["sex", "age"], [0, 3], [True, False, False, True, False]],
)
@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_names_indices_and_masks(frame, static):
    """One and the same, in the order of the table."""
    table = frame({"age": [34.0], "t0": [1.0], "t1": [2.0], "sex": [0.0], "t2": [3.0]})
    reshaper = SequenceReshaper(static=static).fit(table)
    assert_array_equal(reshaper.is_static_, [True, False, False, True, False])
    assert_array_equal(
        reshaper.transform(table), [[[1, 34, 0], [2, 34, 0], [3, 34, 0]]]
    )


@pytest.mark.parametrize(
    ("static", "message"),
    [
        (["age"], "names columns, but those of X have no names"),
        ([6], "has 6, which is no column of X: it has 6. Give indices from 0 to 5"),
        ([True, False], "True or False for each of the 6 columns"),
        ([0.5], "does not tell columns"),
        (range(6), "static has all 6 columns"),
        ("age", "'static' parameter of SequenceReshaper must be an array-like"),
    ],
)
def test_what_is_no_column(static, message):
    """The message says what came and what would do."""
    with pytest.raises(ValueError, match=message):
        SequenceReshaper(static=static).fit(np.ones((2, 6)))


def test_sizes_are_of_the_other_columns():
    """The message counts them."""
    message = "X has 5 columns that are not static, which n_timesteps=2 does not divide"
    with pytest.raises(ValueError, match=message):
        SequenceReshaper(2, static=[0]).fit(np.ones((2, 6)))
    frame = pd.DataFrame(np.ones((2, 3)), columns=list("abc"))
    with pytest.raises(
        ValueError, match="'d', which is no column of X: it has 'a', 'b"
    ):
        SequenceReshaper(static=["d"]).fit(frame)


# -- beside lists, and in long tables --------------------------------------------------


@given(ragged(), SIZES)
@law
def test_beside_a_list(sequences, n_static):
    """Every timestep that is data has them, padding has none."""
    static = numbers((len(sequences), n_static), np.float64, 0)
    steps = pad_sequences(sequences, static=static, padding="pre")
    padded = SequencePadder(padding="pre").fit_transform(sequences)
    n_features = padded.shape[2]
    assert_array_equal(steps[:, :, :n_features], padded)
    assert_array_equal(valid_steps(steps), valid_steps(padded))
    for row, sample in zip(static, steps, strict=True):
        for step in sample[valid_steps(sample[None])[0]]:
            assert_array_equal(step[n_features:], row.astype(padded.dtype))


LONG = pd.DataFrame(
    {
        "id": ["b", "a", "b", "a"],
        "age": [52, nan, 52, 34],
        "hour": [1, 2, 0, 1],
        "pulse": [81.0, 61.0, 80.0, nan],
        "sex": [1, 0, 1, 0],
        "weight": [70.0, nan, nan, nan],
    }
)


@pytest.mark.parametrize("static", [["sex", "age"], [4, 1]])
def test_of_a_long_table(static):
    """In the order asked for; they do not make a timestep out of a missing row."""
    X, ids = pad_sequences(LONG, groups="id", time="hour", static=static)
    assert_array_equal(ids, ["a", "b"])
    assert_array_equal(X[0], [[61, nan, 0, 34], [nan] * 4])
    assert_array_equal(X[1], [[80, nan, 1, 52], [81, 70, 1, 52]])
    X, _ = pad_sequences(LONG, groups="id", time="hour", elapsed=True, static=static)
    assert_array_equal(X[1], [[0, 80, nan, 1, 52], [1, 81, 70, 1, 52]])


@pytest.mark.parametrize(
    ("static", "message"),
    [
        (["pulse"], "'pulse' of static changes within group 'b'"),
        (["id"], "has a column of groups or time"),
        (["size"], "static='size' is no column of X"),
        ("age", "'static' parameter of pad_sequences must be"),
    ],
)
def test_wrong_static_columns(static, message):
    """The message names column and group."""
    with pytest.raises(ValueError, match=message):
        pad_sequences(LONG, groups="id", time="hour", static=static)


@pytest.mark.parametrize(
    ("static", "message"),
    [
        (
            [[1], [2]],
            r"static has 2 rows \(shape \(2, 1\)\), but there are 3 sequences",
        ),
        ([["f"], ["m"], ["f"]], "no numbers.* Encode categories first"),
        ([[1], [np.inf], [2]], "static contains infinity"),
    ],
)
def test_wrong_rows(static, message):
    """One row of numbers for every sequence."""
    with pytest.raises(ValueError, match=message):
        pad_sequences([[1, 2], [3], [4]], static=static)


# -- learnt from -----------------------------------------------------------------------


def problem(n_samples, rng):
    """A class that neither the sequence nor the static columns tell alone."""
    rises, treated = rng.integers(0, 2, size=(2, n_samples))
    slope = np.where(rises, 1.0, -1.0)[:, None] * np.linspace(-1, 1, 6)
    series = slope + rng.normal(scale=0.3, size=(n_samples, 6))
    age = rng.uniform(20, 80, size=n_samples)
    table = np.column_stack([age, series, treated])
    return table, rises ^ treated


def test_it_learns_from_both():
    """Either alone is worth a guess; scaled, searched and shown like any feature."""
    table, y = problem(600, np.random.default_rng(0))
    pipeline = make_pipeline(
        SequenceReshaper(6, static=[0, 7]),
        SequenceScaler(),
        BiLSTMClassifier(8, epochs=60, random_state=0, learning_rate=0.01),
    )
    assert explain_shapes(pipeline, table, y).steps[1].shape_out == (
        "600 samples x 6 timesteps x 3 features"
    )
    assert pipeline.fit(table[:400], y[:400]).score(table[400:], y[400:]) > 0.95
    hidden = table.copy()
    hidden[:, 7] = 0
    alone = clone(pipeline).fit(hidden[:400], y[:400])
    assert alone.score(hidden[400:], y[400:]) < 0.65


def test_static_columns_are_searched():
    """A parameter like any other."""
    table, y = problem(30, np.random.default_rng(0))
    pipeline = make_pipeline(
        SequenceReshaper(static=[0, 7]),
        BiLSTMRegressor(2, epochs=1, random_state=0),
    )
    grid = {"sequencereshaper__static": [[0, 7], [7], None]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(table, y)
    assert len(search.cv_results_["params"]) == 3
