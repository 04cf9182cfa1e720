"""Which shapes X may have, and what fit learns from them."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator

from sklstm import (
    SequenceDifferencer,
    SequenceFramer,
    SequenceImputer,
    SequencePadder,
    SequenceReshaper,
    SequenceScaler,
    SlidingWindows,
    make_windows,
    pad_sequences,
)
from sklstm.sequences.checks import as_three_axes, check_sequences, n_step_features

TABLE = np.arange(6.0).reshape(2, 3)
NAMES = ["a", "b", "c"]


@pytest.mark.parametrize(
    ("X", "shape", "n_features_in", "n_timesteps_in"),
    [
        (TABLE, (2, 3, 1), 3, 3),
        (TABLE.tolist(), (2, 3, 1), 3, 3),
        (pd.DataFrame(TABLE, columns=NAMES), (2, 3, 1), 3, 3),
        (np.ones((4, 3, 2)), (4, 3, 2), 2, 3),
        ([[1, 2, 3], [4]], (2, 3, 1), 1, 3),
        ([np.ones((1, 2)), np.ones((4, 2))], (2, 4, 2), 2, 4),
        (pd.Series([[1, 2], [3, 4]]), (2, 2, 1), 1, 2),
        (pa.table(dict(zip(NAMES, TABLE.T, strict=True))), (2, 3, 1), 3, 3),
    ],
)
def test_three_axes(X, shape, n_features_in, n_timesteps_in):
    """Every accepted X becomes (n_samples, n_timesteps, n_features)."""
    estimator = BaseEstimator()
    assert as_three_axes(estimator, X, reset=True).shape == shape
    assert estimator.n_features_in_ == n_features_in
    assert estimator.n_timesteps_in_ == n_timesteps_in
    assert n_step_features(estimator) == shape[2]
    assert as_three_axes(estimator, X, reset=False).shape == shape


def test_one_feature_in_any_shape():
    """A table and an array of one feature are the same sequences."""
    for fitted_on, given in [(TABLE, TABLE[:, :, None]), (TABLE[:, :, None], TABLE)]:
        estimator = BaseEstimator()
        as_three_axes(estimator, fitted_on, reset=True)
        values = as_three_axes(estimator, given, reset=False)
        assert_array_equal(values, TABLE[:, :, None])


def test_other_lengths_after_sequences():
    """Only a table fixes the number of timesteps."""
    estimator = BaseEstimator()
    as_three_axes(estimator, np.ones((4, 3, 2)), reset=True)
    assert as_three_axes(estimator, np.ones((1, 9, 2)), reset=False).shape == (1, 9, 2)
    assert estimator.n_timesteps_in_ == 3


def test_fitting_again_forgets_the_columns():
    """Column names of an earlier table do not outlive it."""
    estimator = BaseEstimator()
    as_three_axes(estimator, pd.DataFrame(TABLE, columns=NAMES), reset=True)
    as_three_axes(estimator, np.ones((4, 3, 2)), reset=True)
    assert not hasattr(estimator, "feature_names_in_")


def test_check_sequences_reads_lengths():
    """Ragged input comes back with its lengths."""
    batch = check_sequences(BaseEstimator(), [[1, 2, 3], [4]], reset=True)
    assert_array_equal(batch.lengths, [3, 1])
    assert batch.right_padded


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.float64(3), "2 or 3 axes, got a scalar"),
        (np.ones(3), r"1D array of shape \(3,\) .* X.reshape\(1, -1\) makes it one"),
        (np.ones((2, 2, 2, 2)), r"X has 4 axes \(shape \(2, 2, 2, 2\)\)"),
        (np.ones((2, 0, 2)), "at least one timestep and one feature"),
    ],
)
def test_shapes_refused_in_fit(X, message):
    """The message says what came and what was expected."""
    with pytest.raises(ValueError, match=message):
        as_three_axes(BaseEstimator(), X, reset=True)


@pytest.mark.parametrize(
    ("fitted_on", "X", "message"),
    [
        (TABLE, np.ones((2, 4)), "X has 4 features, but BaseEstimator is expecting 3"),
        (TABLE, np.ones((2, 3, 2)), "2 features per timestep .* was fitted with 1"),
        (
            np.ones((2, 3, 2)),
            np.ones((2, 4)),
            r"4 columns are 2 timesteps of 2 features, put SequenceReshaper\(n_feature",
        ),
        (
            np.ones((2, 3, 2)),
            np.ones((2, 5)),
            "5 columns cannot be timesteps of 2 features",
        ),
    ],
)
def test_shapes_refused_after_fit(fitted_on, X, message):
    """What was learnt in fit is named beside what came."""
    estimator = BaseEstimator()
    as_three_axes(estimator, fitted_on, reset=True)
    with pytest.raises(ValueError, match=message):
        as_three_axes(estimator, X, reset=False)


# -- dates -------------------------------------------------------------------------

HOURS = [datetime(2026, 5, 1, hour) for hour in range(4)]
TIMES = pd.Series(HOURS)
IDS = [1, 1, 2, 2]

READERS = {
    "estimator": lambda X: check_sequences(BaseEstimator(), X, reset=True),
    "reshaper": SequenceReshaper().fit_transform,
    "padder": SequencePadder().fit_transform,
    "framer": SequenceFramer().fit_transform,
    "differencer": SequenceDifferencer().fit_transform,
    "scaler": SequenceScaler().fit_transform,
    "imputer": SequenceImputer().fit_transform,
    "windows": SlidingWindows(2, groups="id").fit_transform,
    "make_windows": lambda X: make_windows(X, 1, groups="id", target="a"),
    "pad_sequences": lambda X: pad_sequences(X, groups="id"),
}


DATES = {
    "datetime64": TIMES,
    "timedelta64": TIMES - TIMES[0],
    "with a zone": TIMES.dt.tz_localize("UTC"),
    "date": TIMES.dt.date,
    "time": TIMES.dt.time,
    "objects of datetime64": pd.Series(list(TIMES.to_numpy()), dtype=object),
    "categories": TIMES.astype("category"),
    "pyarrow in pandas": TIMES.astype("timestamp[ns][pyarrow]"),
    "polars datetime": pl.Series(HOURS),
    "polars date": pl.Series(HOURS).dt.date(),
    "polars time": pl.Series(HOURS).dt.time(),
    "polars duration": pl.Series([timedelta(hours=k) for k in range(4)]),
    "pyarrow": pa.array(HOURS),
}
FRAMES = {pd.Series: pd.DataFrame, pl.Series: pl.DataFrame}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("when", DATES.values(), ids=DATES)
def test_dates_are_no_numbers(when, reader):
    """Whatever holds them, alone or beside numbers, the column is named."""
    frame = FRAMES.get(type(when), pa.table)
    for others in ({"id": IDS}, {"id": IDS, "a": [0.5, 1.5, 2.5, 3.5]}):
        with pytest.raises(ValueError, match="dates or durations in column 'when' "):
            reader(frame({"when": when, **others}))


def test_columns_of_any_name():
    """A frame of pandas has its columns for attributes; they are data all the same."""
    names = ["column_names", "dtype", "kind"]
    estimator = BaseEstimator()
    as_three_axes(estimator, pd.DataFrame(TABLE, columns=names), reset=True)
    assert_array_equal(estimator.feature_names_in_, names)
    windows = SlidingWindows(1).fit(pd.DataFrame(TABLE, columns=names))
    assert_array_equal(windows.feature_names_out_, names)


def test_a_frame_of_nothing_but_dates():
    """They have a type in common, which NumPy makes integers."""
    for frame in (TIMES.to_frame("when"), pl.DataFrame({"when": HOURS})):
        for name in ("estimator", "reshaper", "padder", "scaler"):
            with pytest.raises(ValueError, match="durations in column 'when' "):
                READERS[name](frame)


def test_times_may_be_dates():
    """What is given to `time` is not refused."""
    table = {"id": IDS, "when": HOURS, "a": [0.5, 1.5, 2.5, 3.5]}
    for frame in (pd.DataFrame(table), pl.DataFrame(table), pa.table(table)):
        X, _ = pad_sequences(frame, groups="id", time="when")
        assert X.shape == (2, 2, 1)
        windows = SlidingWindows(2, groups="id", time="when")
        assert windows.fit_transform(frame).shape == (4, 2, 2)


def test_objects_of_dates_in_sequences():
    """NumPy makes numbers of objects that are dates."""
    dates = np.array([np.datetime64("2026-05-01"), 1.0], dtype=object)
    with pytest.raises(TypeError, match=r"Sequence 1 of X .* it holds dates"):
        as_three_axes(BaseEstimator(), [np.ones(3), dates], reset=True)
    with pytest.raises(ValueError, match=r"dates or durations \(dtype object\)"):
        as_three_axes(BaseEstimator(), dates.reshape(1, 2, 1), reset=True)


@pytest.mark.parametrize("reader", ["estimator", "reshaper", "padder", "scaler"])
def test_objects_that_are_no_numbers(reader):
    """A period is an object without a number: what it is, and what to do."""
    frame = pd.DataFrame({"when": TIMES.dt.to_period("D")})
    with pytest.raises(TypeError, match=r"no numbers: float\(\) argument .*'Period'"):
        READERS[reader](frame)
