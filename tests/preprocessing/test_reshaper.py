"""SequenceReshaper against a loop, by law, and word by word."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version
from strategies import dtypes, law, numbers

from sklstm import SequencePadder, SequenceReshaper
from sklstm.preprocessing.wide_table import steps_and_features
from sklstm.sequences.reading import read_sequences

layouts = st.sampled_from(["timestep", "feature"])
sizes = st.integers(1, 8)


def reshape_by_loop(X, n_timesteps, n_features, layout):
    """Put every column where the layout says, then fill as the Notes say."""
    n_samples, n_columns = X.shape
    n_filled = -(-n_columns // n_features)
    steps = np.full((n_samples, n_timesteps, n_features), np.nan)
    has_column = np.zeros((n_timesteps, n_features), dtype=bool)
    for k in range(n_columns):
        if layout == "timestep":
            step, feature = divmod(k, n_features)
        else:
            feature, step = divmod(k, n_filled)
        steps[:, step, feature] = X[:, k]
        has_column[step, feature] = True
    for row in steps:
        for step in range(n_timesteps):
            if not np.isnan(row[step]).all():
                row[step, ~has_column[step]] = 0
    return steps


@given(sizes, sizes, layouts, dtypes, st.integers(0, 99))
@law
def test_reshape_is_the_loop(n_timesteps, n_features, layout, dtype, seed):
    """Sizes that hold exactly the columns: a view in the same dtype, and back."""
    X = numbers((3, n_timesteps * n_features), dtype, seed)
    for sizes_given in (
        {"n_timesteps": n_timesteps},
        {"n_features": n_features},
        {"n_timesteps": n_timesteps, "n_features": n_features},
    ):
        reshaper = SequenceReshaper(**sizes_given, layout=layout).fit(X)
        steps = reshaper.transform(X)
        expected = reshape_by_loop(X, n_timesteps, n_features, layout)
        assert_array_equal(steps, expected.astype(dtype), strict=True)
        assert np.shares_memory(steps, X)
        assert (reshaper.n_timesteps_out_, reshaper.n_features_out_) == steps.shape[1:]
        assert_array_equal(reshaper.inverse_transform(steps), X, strict=True)


@given(st.integers(1, 12), sizes, st.integers(0, 2), layouts, dtypes)
@law
def test_padding_is_the_loop(n_columns, n_timesteps, which, layout, dtype):
    """Any sizes with pad=True: as the loop, readable, and back without loss."""
    X = numbers((3, n_columns), dtype, n_columns)
    n_features = -(-n_columns // n_timesteps)
    sizes_given = [
        {"n_timesteps": n_timesteps},
        {"n_features": n_features},
        {"n_timesteps": n_timesteps, "n_features": n_features},
    ][which]
    reshaper = SequenceReshaper(**sizes_given, layout=layout, pad=True)
    steps = reshaper.fit_transform(X)
    n_filled = -(-n_columns // n_features)
    expected_timesteps = sizes_given.get("n_timesteps", n_filled)
    expected = reshape_by_loop(X, expected_timesteps, n_features, layout)
    assert_array_equal(steps, expected.astype(dtype), strict=True)
    assert_array_equal(read_sequences(steps).lengths, [n_filled] * 3)
    assert_array_equal(reshaper.inverse_transform(steps), X, strict=True)


@given(st.integers(1, 12), sizes, layouts, st.data())
@law
def test_padding_leaves_padded_steps_padded(n_columns, n_timesteps, layout, data):
    """Where a row's own numbers in a timestep are all NaN, no zero is put beside."""
    X = numbers((1, n_columns), np.float64, n_columns)
    reshaper = SequenceReshaper(n_timesteps, layout=layout, pad=True).fit(X)
    steps = reshaper.transform(X).copy()
    n_filled = -(-n_columns // reshaper.n_features_out_)
    missing = data.draw(st.sets(st.integers(0, n_filled - 1), max_size=n_filled - 1))
    steps[:, sorted(missing)] = np.nan
    table = reshaper.inverse_transform(steps)
    assert_array_equal(reshaper.transform(table), steps)
    assert_array_equal(read_sequences(steps).lengths, [n_filled - len(missing)])


@pytest.mark.parametrize(
    ("params", "first_sample"),
    [
        ({"n_timesteps": 2}, [[0, 1, 2], [3, 4, 5]]),
        ({"n_timesteps": 2, "layout": "feature"}, [[0, 2, 4], [1, 3, 5]]),
        ({}, [[0], [1], [2], [3], [4], [5]]),
        ({"n_timesteps": 1}, [[0, 1, 2, 3, 4, 5]]),
        ({"n_features": 2}, [[0, 1], [2, 3], [4, 5]]),
        ({"n_features": 2, "layout": "feature"}, [[0, 3], [1, 4], [2, 5]]),
        ({"n_timesteps": 4, "pad": True}, [[0, 1], [2, 3], [4, 5], [np.nan] * 2]),
        ({"n_features": 4, "pad": True}, [[0, 1, 2, 3], [4, 5, 0, 0]]),
        (
            {"n_features": 4, "pad": True, "layout": "feature"},
            [[0, 2, 4, 0], [1, 3, 5, 0]],
        ),
        (
            {"n_timesteps": 4, "n_features": 2, "pad": True, "layout": "feature"},
            [[0, 3], [1, 4], [2, 5], [np.nan] * 2],
        ),
    ],
)
def test_where_the_columns_go(params, first_sample):
    """Six columns written out, for the reader."""
    X = np.arange(12).reshape(2, 6)
    assert_array_equal(SequenceReshaper(**params).fit_transform(X)[0], first_sample)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((12, None, None, False), (12, 1)),
        ((12, 3, None, False), (3, 4)),
        ((12, None, 3, False), (4, 3)),
        ((12, 3, 4, False), (3, 4)),
        ((12, 5, None, True), (5, 3)),
        ((12, None, 5, True), (3, 5)),
        ((12, 5, 5, True), (5, 5)),
        ((12, 20, None, True), (20, 1)),
        ((12, None, None, True), (12, 1)),
    ],
)
def test_steps_and_features(arguments, expected):
    """The shape arithmetic by itself."""
    *counts, pad = arguments
    assert steps_and_features(*counts, pad=pad) == expected


@pytest.mark.parametrize(
    ("params", "n_columns", "message"),
    [
        (
            {"n_timesteps": 3},
            10,
            r"^X has 10 columns, which n_timesteps=3 does not divide. Choose 1, 2, 5 "
            r"or 10, or set pad=True\.$",
        ),
        ({"n_features": 4}, 6, "6 columns, which n_features=4 .* 1, 2, 3 or 6, or set"),
        ({"n_timesteps": 2}, 1, "X has 1 column, which .* Choose 1, or set pad=True"),
        (
            {"n_timesteps": 7},
            720,
            "Choose for example 2, 3, 4, 5, 6, 8, 9 or 10, or set pad=True",
        ),
        (
            {"n_timesteps": 3, "n_features": 4},
            10,
            "10 columns, but n_timesteps=3 times n_features=4 is 12. Choose two sizes "
            "whose product is 10, or .* the other follows, or set pad=True",
        ),
        (
            {"n_timesteps": 3, "n_features": 3, "pad": True},
            10,
            r"n_timesteps=3 times n_features=3 is 9. .* the other follows\.$",
        ),
        ({"n_timesteps": 0}, 4, "'n_timesteps' parameter of SequenceReshaper must be"),
        ({"n_features": 1.5}, 4, "'n_features' parameter of SequenceReshaper must be"),
        ({"layout": "time"}, 4, "'layout' parameter .* Got 'time' instead"),
        ({"pad": "yes"}, 4, "'pad' parameter .* Got 'yes' instead"),
    ],
)
def test_sizes_that_do_not_fit(params, n_columns, message):
    """The message says what came, what was asked for and what to do."""
    with pytest.raises(ValueError, match=message):
        SequenceReshaper(**params).fit(np.ones((4, n_columns)))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((2, 3, 4)), r"shape \(2, 3, 4\).* already .*no SequenceReshaper"),
        ([np.ones((3, 4))] * 2, r"shape \(2, 3, 4\).* or use SequencePadder"),
        ([[1, 2], [3]], "sequences of unequal length.* Use SequencePadder"),
        ([], "Expected 2D array, got 1D array"),
        (np.ones(3), "Expected 2D array, got 1D array"),
        ([["a", "b"]], "X holds text"),
    ],
)
def test_what_is_no_table(X, message):
    """Sequences are sent to where they belong."""
    with pytest.raises(ValueError, match=message):
        SequenceReshaper().fit(X)


def test_other_columns_than_in_fit():
    """The number of columns belongs to what was learnt."""
    reshaper = SequenceReshaper(2).fit(np.ones((3, 6)))
    with pytest.raises(ValueError, match="X has 4 features, but SequenceReshaper is"):
        reshaper.transform(np.ones((3, 4)))


@pytest.mark.parametrize("shape", [(3, 6), (3, 3, 2), (3, 2, 4), (3, 2, 3, 1)])
def test_inverse_transform_wants_what_transform_returns(shape):
    """Both the shape that came and the one expected are named."""
    reshaper = SequenceReshaper(2).fit(np.ones((3, 6)))
    with pytest.raises(ValueError, match=r"has shape .* expects .*\(n_samples, 2, 3\)"):
        reshaper.inverse_transform(np.ones(shape))


TABLE = np.array([[1.0, 2.0, np.nan, np.nan], [5.0, 6.0, 7.0, 8.0]])
NAMES = ["a0", "b0", "a1", "b1"]
# scikit-learn 1.7 asks for the interchange protocol, which polars 2 has dropped.
READS_POLARS = hasattr(pl.DataFrame, "__dataframe__") or (
    parse_version(sklearn.__version__) >= parse_version("1.9")
)


@pytest.mark.parametrize(
    "X",
    [
        TABLE.tolist(),
        list(TABLE),
        pd.Series(list(TABLE)),
        pd.DataFrame(TABLE, columns=NAMES),
        pd.DataFrame(TABLE, columns=NAMES, dtype="Float64"),
        pl.DataFrame(TABLE, schema=NAMES),
        pa.table(dict(zip(NAMES, TABLE.T, strict=True))),
    ],
    ids=["lists", "arrays", "series", "pandas", "nullable", "polars", "pyarrow"],
)
def test_tables_of_every_kind(X):
    """NaN passes through, and the column names are remembered."""
    reshaper = SequenceReshaper(n_features=2).fit(X)
    assert_array_equal(reshaper.transform(X), TABLE.reshape(2, 2, 2))
    if isinstance(X, pd.DataFrame) or (isinstance(X, pl.DataFrame) and READS_POLARS):
        assert_array_equal(reshaper.feature_names_in_, NAMES)
        with pytest.raises(ValueError, match="feature names should match"):
            reshaper.transform(X[NAMES[::-1]])


def test_integers_stay_integers_until_they_are_padded():
    """Reshaping changes no number; NaN needs a float."""
    X = np.arange(6).reshape(1, 6)
    assert SequenceReshaper(2).fit_transform(X).dtype == X.dtype
    assert SequenceReshaper(2, pad=True).fit_transform(X).dtype == X.dtype
    assert SequenceReshaper(4, pad=True).fit_transform(X).dtype == np.float64


@pytest.mark.parametrize("layout", ["timestep", "feature"])
def test_padding_writes_nothing_into_the_table(layout):
    """What pad=True fills in stands in a copy."""
    X = np.ones((2, 10))
    SequenceReshaper(3, layout=layout, pad=True).fit_transform(X)
    assert (X == 1).all()


def test_infinity_is_left_to_the_estimator():
    """The reshaper moves values and does not examine them."""
    X = np.array([[1.0, np.inf]])
    assert_array_equal(SequenceReshaper().fit_transform(X)[0], [[1], [np.inf]])


def test_pandas_output_leaves_three_axes_alone():
    """A data frame holds no sequences: set_output changes nothing behind the scaler."""
    X = pd.DataFrame(np.arange(12.0).reshape(3, 4), columns=NAMES)
    assert not hasattr(SequenceReshaper(), "get_feature_names_out")
    pipeline = make_pipeline(StandardScaler(), SequenceReshaper(2))
    with sklearn.config_context(transform_output="pandas"):
        globally = pipeline.fit_transform(X)
    locally = pipeline.set_output(transform="pandas").fit_transform(X)
    assert isinstance(pipeline[0].transform(X), pd.DataFrame)
    for steps in (globally, locally):
        assert isinstance(steps, np.ndarray)
        assert steps.shape == (3, 2, 2)


def test_there_and_back_through_a_pipeline():
    """Pipeline.inverse_transform undoes padder and reshaper together."""
    X = np.arange(20.0).reshape(2, 10)
    pipe = make_pipeline(SequenceReshaper(6, pad=True), SequencePadder(8)).fit(X)
    steps = pipe.transform(X)
    assert steps.shape == (2, 8, 2)
    assert_array_equal(pipe.inverse_transform(steps), X)


def test_time_becomes_elapsed():
    """One feature is the difference to the step before, across padding, from 0."""
    nan = np.nan
    table = np.array(
        [
            [5.0, 1, 7, 2, 12, 3],
            [nan, nan, 20, 1, 21, 2],
            [1, 4, nan, nan, 9, 5],
        ]
    )
    reshaper = SequenceReshaper(n_timesteps=3, time=0)
    steps = reshaper.fit_transform(table)
    assert_array_equal(steps[:, :, 0], [[0, 2, 5], [nan, 0, 1], [0, nan, 8]])
    assert_array_equal(steps[:, :, 1], table[:, 1::2])
    back = reshaper.inverse_transform(steps)
    assert_array_equal(back[:, ::2], [[0, 2, 7], [nan, 0, 1], [0, nan, 8]])
    assert_array_equal(back[:, 1::2], table[:, 1::2])


@pytest.mark.parametrize(
    ("table", "time", "message"),
    [
        (
            [[1.0, 0, 3, 0, 2, 0]],
            0,
            r"sample 0 do not rise: 3\.0 .* 2\.0 at timestep 2",
        ),
        (
            [[1.0, 0, 2, 0, 2, 0]],
            0,
            r"sample 0 do not rise: 2\.0 .* 2\.0 at timestep 2",
        ),
        ([[1.0, 0, 2, 0, 3, 0]], 2, r"time=2 is no feature: a timestep has 2"),
    ],
)
def test_wrong_times(table, time, message):
    """Times that stand still or go back are refused, and leave no trace."""
    reshaper = SequenceReshaper(n_timesteps=3, time=time)
    with pytest.raises(ValueError, match=message):
        reshaper.fit(table)
    assert not hasattr(reshaper, "n_timesteps_out_")
