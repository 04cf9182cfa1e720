"""SlidingWindows and make_windows against plain loops, by law, and in pipelines."""

import copy
import datetime
import pickle
import re

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    TimeSeriesSplit,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import _safe_indexing
from sklearn.utils.estimator_checks import (
    check_pipeline_consistency,
    check_transformer_data_not_an_array,
    check_transformer_general,
)
from sklearn.utils.validation import _num_samples
from strategies import dtypes, law, numbers

from sklstm import BiLSTMRegressor, SlidingWindows, make_windows, pad_sequences
from sklstm.sequences.reading import read_sequences
from sklstm.sequences.windows import Windows, sliding_windows, windows_of

sizes = st.integers(1, 4)
labels_of_rows = st.lists(st.sampled_from("abc"), min_size=1, max_size=12)


def windows_by_loop(table, labels, n_timesteps, sampling_rate, before=(), old=()):
    """The window of every row, from the rows of its series, one by one."""
    n_features = table.shape[1]
    windows = np.full((len(table), n_timesteps, n_features), np.nan)
    for i in range(len(table)):
        series = [
            row for row, label in zip(before, old, strict=True) if label == labels[i]
        ]
        series += [table[k] for k in range(i + 1) if labels[k] == labels[i]]
        steps = series[::-1][::sampling_rate][:n_timesteps]
        for back, row in enumerate(steps, start=1):
            windows[i, -back] = row
    return windows


def with_labels(table, labels):
    """The labels as a first column, in an array of objects."""
    return np.column_stack([np.array(labels, dtype=object), table.astype(object)])


def long_enough(labels, n_timesteps, sampling_rate):
    longest = max(list(labels).count(label) for label in labels)
    return longest > (n_timesteps - 1) * sampling_rate


# -- the windows -------------------------------------------------------------------


@given(st.integers(1, 12), sizes, sizes, sizes, dtypes)
@law
def test_one_series_is_the_loop(n_rows, n_features, n_timesteps, rate, dtype):
    """A view in the dtype of the table, and its rows back."""
    table = numbers((n_rows, n_features), dtype, n_rows)
    transformer = SlidingWindows(n_timesteps, sampling_rate=rate)
    if not long_enough([0] * n_rows, n_timesteps, rate):
        with pytest.raises(ValueError, match="Choose n_timesteps of at most"):
            transformer.fit(table)
        return
    windows = transformer.fit_transform(table)
    expected = windows_by_loop(table, [0] * n_rows, n_timesteps, rate)
    assert_array_equal(windows, expected.astype(dtype), strict=True)
    assert_array_equal(transformer.transform(table), windows, strict=True)
    assert_array_equal(transformer.inverse_transform(windows), table, strict=True)
    assert type(windows) is np.ndarray
    assert not windows.flags.owndata
    assert (transformer.n_timesteps_out_, transformer.n_features_out_) == (
        windows.shape[1:]
    )


@given(labels_of_rows, sizes, sizes, sizes, st.data())
@law
def test_groups_are_the_loop(labels, n_features, n_timesteps, rate, data):
    """By column or function; read by any index, like the array of all windows."""
    table = numbers((len(labels), n_features), np.float64, len(labels))
    if not long_enough(labels, n_timesteps, rate):
        return
    expected = windows_by_loop(table, labels, n_timesteps, rate)
    mixed = with_labels(table, labels)
    transformer = SlidingWindows(n_timesteps, sampling_rate=rate, groups=0)
    windows = transformer.fit_transform(mixed)
    assert isinstance(windows, Windows)
    assert windows.shape == expected.shape
    assert windows.dtype == expected.dtype
    assert_array_equal(np.asarray(windows), expected, strict=True)
    assert_array_equal(transformer.inverse_transform(windows), table)
    assert_array_equal(transformer.inverse_transform(expected), table)
    by_function = SlidingWindows(
        n_timesteps, sampling_rate=rate, groups=lambda X: np.array(labels)
    )
    assert_array_equal(np.asarray(by_function.fit_transform(table)), expected)
    n = len(labels)
    rows = data.draw(st.lists(st.integers(-n, n - 1), max_size=5))
    for key in (
        np.array(rows, dtype=int),
        rows,
        slice(None, None, 2),
        slice(2, 0),
        -1,
        np.int64(0),
        np.arange(n) % 2 == 0,
        ...,
        (slice(None), -1),
        (0, -1),
        (0, ...),
        (np.arange(n), ..., 0),
        (..., 0),
    ):
        assert_array_equal(windows[key], expected[key], strict=True)


@pytest.mark.filterwarnings("ignore:The longest series of X")
@given(labels_of_rows, st.integers(1, 11), sizes, sizes, st.booleans())
@law
def test_context_is_what_fit_has_seen(labels, cut, n_timesteps, rate, grouped):
    """Later rows get the windows that they have in the whole table."""
    cut = min(cut, len(labels))
    labels = labels if grouped else ["a"] * len(labels)
    table = numbers((len(labels), 2), np.float64, cut)
    X = with_labels(table, labels) if grouped else table
    if not long_enough(labels[:cut], n_timesteps, rate) or cut == len(labels):
        return
    transformer = SlidingWindows(
        n_timesteps, sampling_rate=rate, groups=0 if grouped else None, context="fit"
    ).fit(X[:cut])
    expected = windows_by_loop(
        table[cut:], labels[cut:], n_timesteps, rate, table[:cut], labels[:cut]
    )
    assert_array_equal(np.asarray(transformer.transform(X[cut:])), expected)
    whole = windows_by_loop(table, labels, n_timesteps, rate)
    assert_array_equal(whole[cut:], expected)
    own = transformer.fit_transform(X[:cut])
    assert_array_equal(np.asarray(own), whole[:cut])
    without = clone(transformer).set_params(context=None).fit(X[:cut])
    alone = windows_by_loop(table[cut:], labels[cut:], n_timesteps, rate)
    assert_array_equal(np.asarray(without.transform(X[cut:])), alone)


def test_windows_written_out():
    """Two stores whose days are mixed, for the reader."""
    frame = pd.DataFrame(
        {
            "store": ["A", "B", "A", "B", "A"],
            "sold": [1.0, 10.0, 2.0, 20.0, 3.0],
            "price": [5.0, 6.0, 7.0, 8.0, 9.0],
        }
    )
    transformer = SlidingWindows(2, groups="store")
    windows = transformer.fit_transform(frame)
    nan = np.nan
    assert_array_equal(
        windows[:, :, 0], [[nan, 1], [nan, 10], [1, 2], [10, 20], [2, 3]]
    )
    assert_array_equal(transformer.feature_names_in_, ["store", "sold", "price"])
    assert_array_equal(transformer.feature_names_out_, ["sold", "price"])
    assert not hasattr(transformer, "get_feature_names_out")


@pytest.mark.parametrize("groups", ["store", 1, -2])
@pytest.mark.parametrize("kind", ["text", "numbers", "categories", "nullable", "days"])
@pytest.mark.parametrize("library", ["pandas", "polars", "objects"])
def test_labels_of_every_kind(groups, kind, library):
    """The same windows, whatever the labels are and whatever holds them."""
    codes = [0, 1, 0, 0, 1]
    kinds = {
        "text": ["A", "B"],
        "numbers": [1.5, 2.5],
        "categories": ["A", "B"],
        "nullable": [1, 2],
        "days": [datetime.datetime(2024, 1, 1), datetime.datetime(2024, 1, 2)],
    }
    values = np.arange(10.0).reshape(5, 2)
    labels = [kinds[kind][code] for code in codes]
    data = {"a": values[:, 0], "store": labels, "b": values[:, 1]}
    if library == "pandas":
        X = pd.DataFrame(data)
        if kind == "categories":
            X = X.astype({"store": "category"})
        if kind == "nullable":
            X = X.astype({"store": "Int64"})
    elif library == "polars":
        X = pl.DataFrame(data)
        if kind == "categories":
            X = X.cast({"store": pl.Categorical})
    else:
        X = np.array([data["a"], labels, data["b"]], dtype=object).T
        if groups == "store":
            groups = 1
    windows = SlidingWindows(2, groups=groups).fit_transform(X)
    assert_array_equal(np.asarray(windows), windows_by_loop(values, codes, 2, 1))


def test_lists_with_text():
    """Numbers stay numbers beside a column of text."""
    X = [["A", 1, 2.5], ["B", 3, 4], ["A", 5, 6]]
    windows = SlidingWindows(2, groups=0).fit_transform(X)
    assert_array_equal(windows[2], [[1, 2.5], [5, 6]])


def test_windows_behave_like_an_array():
    """scikit-learn indexes them, pickle copies them, and they are small."""
    table = numbers((1000, 3), np.float32, 0)
    windows = SlidingWindows(50, groups=0).fit_transform(
        with_labels(table, [k % 7 for k in range(1000)])
    )
    array = np.asarray(windows)
    assert len(windows) == _num_samples(windows) == 1000
    assert windows.ndim == 3
    assert windows.nbytes < array.nbytes / 5
    assert repr(windows) == (
        "<Windows of shape (1000, 50, 3), float64, over 1049 rows>"
    )
    assert_array_equal(_safe_indexing(windows, [5, 3]), array[[5, 3]])
    assert_array_equal(_safe_indexing(windows, np.arange(1000) > 990), array[991:])
    train, test = train_test_split(windows, random_state=0)
    assert (len(train), len(test)) == (750, 250)
    for restored in (pickle.loads(pickle.dumps(windows)), copy.deepcopy(windows)):
        assert_array_equal(np.asarray(restored), array)
    assert joblib.hash(windows) == joblib.hash(copy.deepcopy(windows))
    assert np.asarray(windows, dtype=np.float32).dtype == np.float32
    one = windows[3]
    one[:] = 0
    assert_array_equal(windows[3], array[3])
    with pytest.raises(ValueError, match=r"use np.asarray\(windows\)"):
        windows.__array__(copy=False)
    with pytest.raises(IndexError, match="1000 is out of bounds"):
        windows[1000]


# -- irregular time ----------------------------------------------------------------


def elapsed_by_loop(times, labels, sampling_rate, valid):
    """Since the last valid row of the same series a whole number of steps back."""
    elapsed = np.full(len(times), np.nan)
    for i in np.flatnonzero(valid):
        series = [k for k in range(i + 1) if labels[k] == labels[i]]
        steps = [k for k in series[::-1][::sampling_rate] if valid[k]]
        elapsed[i] = times[i] - times[steps[1]] if len(steps) > 1 else 0
    return elapsed


@given(labels_of_rows, sizes, st.booleans(), st.data())
@law
def test_elapsed_is_the_loop(labels, rate, dates, data):
    """The time column becomes a difference; padding rows are passed over."""
    n = len(labels)
    steps = data.draw(st.lists(st.integers(1, 9), min_size=n, max_size=n))
    valid = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    times = np.cumsum(steps).astype(float)
    table = numbers((n, 2), np.float64, n)
    table[~valid] = np.nan
    frame = pd.DataFrame({"a": table[:, 0], "when": times, "b": table[:, 1]})
    if dates:
        frame["when"] = pd.Timestamp("2024-03-31") + pd.to_timedelta(times, unit="s")
    frame["series"] = labels
    transformer = SlidingWindows(1, sampling_rate=rate, time="when", groups="series")
    windows = transformer.fit_transform(frame)
    assert_array_equal(transformer.feature_names_out_, ["a", "elapsed", "b"])
    expected = elapsed_by_loop(times, labels, rate, valid)
    assert_allclose(windows[:, 0, 1], expected, rtol=1e-12)
    assert_array_equal(windows[:, 0, [0, 2]], table)


@given(labels_of_rows, st.integers(1, 11), sizes, sizes)
@law
def test_elapsed_with_context_is_that_of_the_whole_table(labels, cut, n_steps, rate):
    """Also at the first step of a window, which lies in the rows of fit."""
    cut = min(cut, len(labels))
    if cut == len(labels) or not long_enough(labels[:cut], n_steps, rate):
        return
    rng = np.random.default_rng(cut)
    times = np.cumsum(rng.integers(1, 9, len(labels)))
    frame = pd.DataFrame({"t": times, "id": labels, "a": rng.normal(size=len(labels))})
    transformer = SlidingWindows(
        n_steps, sampling_rate=rate, groups="id", time="t", context="fit"
    )
    whole = np.asarray(transformer.fit_transform(frame))
    transformer.fit(frame[:cut])
    assert_array_equal(np.asarray(transformer.transform(frame[cut:])), whole[cut:])


@pytest.mark.parametrize("grouped", [True, False])
def test_elapsed_goes_on_from_context(grouped):
    """The first row that transform sees knows how long ago the last row of fit was."""
    frame = pd.DataFrame(
        {
            "when": pd.to_datetime(
                ["2024-01-01", "2024-01-03", "2024-01-04", "2024-01-08"], utc=True
            ),
            "a": [1.0, 2.0, 3.0, 4.0],
            "id": "x",
        }
    )
    X = frame if grouped else frame[["when", "a"]]
    transformer = SlidingWindows(
        2, time="when", groups="id" if grouped else None, context="fit"
    )
    transformer.fit(X[:2])
    day = 86400.0
    windows = np.asarray(transformer.transform(X[2:]))
    assert_array_equal(windows, [[[2 * day, 2], [day, 3]], [[day, 3], [4 * day, 4]]])
    # Rows that are not later than those of fit have no context among them.
    assert_array_equal(
        np.asarray(transformer.transform(X[:2])),
        np.asarray(transformer.fit_transform(X[:2])),
    )
    again = np.asarray(transformer.transform(X[1:]))
    assert_array_equal(again[0], [[0, 1], [2 * day, 2]])


@pytest.mark.parametrize(
    ("times", "elapsed"),
    [
        (np.array([1, 2, 4]), [0, 1, 2]),
        (np.array([0.5, 1, 4], dtype=np.float32), [0, 0.5, 3]),
        (np.array([0, 2, 3], dtype="datetime64[D]"), [0, 172800, 86400]),
        (np.array([0, 2, 3], dtype="timedelta64[ms]"), [0, 0.002, 0.001]),
        ([datetime.datetime(2024, 1, k) for k in (1, 2, 4)], [0, 86400, 172800]),
        ([datetime.date(2024, 1, k) for k in (1, 2, 4)], [0, 86400, 172800]),
        (pd.to_datetime(["2024-01-01", "2024-01-02"] * 1 + ["2024-01-04"], utc=True),
         [0, 86400, 172800]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_times_of_every_kind(times, elapsed, make):
    """Numbers keep their unit, dates become seconds; other features are not needed."""
    frame = make({"t": times})
    windows = SlidingWindows(1, time="t").fit_transform(frame)
    assert_allclose(windows[:, 0, 0], elapsed)


# -- what is wrong -----------------------------------------------------------------

FRAME = pd.DataFrame(
    {
        "store": ["A", "B", "A", "B", "A"],
        "day": [1, 1, 2, 2, 3],
        "sold": [1.0, 2.0, 3.0, 4.0, 5.0],
    }
)
TEXT = FRAME.assign(sold=["1", "2", "three", "4", "5"])
GAP = FRAME.assign(store=["A", "B", None, "B", "A"])


@pytest.mark.parametrize(
    ("params", "X", "message"),
    [
        (
            {"groups": "shop"},
            FRAME,
            r"^groups='shop' is no column of X, which has 'store', 'day', 'sold'\. "
            r"Name one of these, or give its index\.$",
        ),
        ({"time": "date"}, FRAME, "time='date' is no column of X"),
        ({"groups": 3}, FRAME, r"groups=3 is no column .* 3 \(shape \(5, 3\)\).* to 2"),
        ({"groups": "store"}, np.ones((5, 3)), "without column names. Give the index"),
        ({"groups": "day", "time": 1}, FRAME, "are the same column of X"),
        ({}, FRAME, "no numbers in 'store': could not convert .* goes to groups="),
        ({"groups": "store"}, TEXT, "no numbers in 'sold': could not convert"),
        ({"groups": "store"}, GAP, r"Row 2 of X has no group: .* \(1 of 5 rows\)"),
        (
            {"groups": lambda X: np.ones(4)},
            np.ones((5, 3)),
            r"one group label for each of the 5 rows of X, but groups\(X\) has shape",
        ),
        ({"groups": 0}, np.arange(5.0)[:, None], "no column is left for a feature"),
        (
            {"groups": "store", "n_timesteps": 4},
            FRAME,
            r"^n_timesteps=4 with sampling_rate=1 reaches over 4 rows, but the longest "
            r"series in X has 3 samples\. Choose n_timesteps of at most 3, or give a "
            r"longer series\.$",
        ),
        (
            {"n_timesteps": 3, "sampling_rate": 2},
            np.ones((4, 2)),
            "reaches over 5 rows, but X has 4 samples. Choose n_timesteps of at most 2",
        ),
        ({}, np.ones((1, 2)), "reaches over 2 rows, but X has 1 sample. Choose"),
        (
            {"time": "day"},
            FRAME.drop(columns="store"),
            r"Row 1 of X has the same time as row 0: 1 \(2 such rows\)\. A series has "
            "one row for each time: merge or drop",
        ),
        (
            {"time": "day", "groups": "store"},
            FRAME.assign(day=[1, 1, 3, 2, 2]),
            r"The times of X of group 'A' are not sorted: row 4 has 2, after 3 in row "
            r"2 \(1 such rows\)\. Sort X, and y alike, by time",
        ),
        (
            {"time": "day", "groups": "store"},
            FRAME.assign(day=pd.to_datetime(["2024-01-02"] * 4 + ["2024-01-01"])),
            "row 2 has the same time|Row 2 of X of group 'A' has the same time as row "
            "0: 2024-01-02",
        ),
        (
            {"time": "day", "groups": "store"},
            FRAME.assign(day=[1, 1, np.nan, 2, 3]),
            r"Row 2 of X has no time \(1 of 5 rows\)",
        ),
        (
            {"time": "store"},
            FRAME[["store", "sold"]],
            "takes numbers or dates for times, but .* pandas.to_datetime",
        ),
        ({}, np.ones((5, 2, 2)), r"X has 3 axes .* is already .* leave it out"),
        ({}, np.ones(5), r"one series of shape \(5,\).*X\.reshape\(-1, 1\) is a table"),
        ({}, np.ones((0, 2)), r"0 sample\(s\)"),
        ({}, np.ones((2, 2)) * 1j, "Complex data not supported"),
        ({"n_timesteps": 0}, np.ones((5, 2)), "'n_timesteps' parameter of SlidingWin"),
        ({"sampling_rate": 0.5}, np.ones((5, 2)), "'sampling_rate' parameter of Slid"),
        ({"groups": 0.5}, np.ones((5, 2)), "'groups' parameter of SlidingWindows must"),
        ({"context": "last"}, np.ones((5, 2)), "'context' parameter .* Got 'last'"),
    ],
)  # fmt: skip
def test_bad_input_leaves_no_trace(params, X, message):
    """What came, what was expected and what to do; a fitted object stays as it was."""
    transformer = SlidingWindows(2).fit(np.ones((5, 4)))
    transformer.set_params(**params)
    before = dict(vars(transformer))
    for method in (transformer.fit, transformer.fit_transform):
        with pytest.raises(ValueError, match=message):
            method(X)
        assert vars(transformer) == before
    unfitted = SlidingWindows(2).set_params(**params)
    with pytest.raises(ValueError, match=message):
        unfitted.fit(X)
    assert not hasattr(unfitted, "n_features_in_")


def test_sparse_is_refused():
    """As by scikit-learn's own transformers."""
    with pytest.raises(TypeError, match="dense data is required"):
        SlidingWindows(2).fit(csr_array(np.eye(3)))
    with pytest.raises(TypeError, match="dense data is required"):
        SlidingWindows(2, groups=0).fit(csr_array(np.eye(3)))


@pytest.mark.filterwarnings("ignore:The longest series of X")
def test_bad_input_of_transform():
    """Other columns, another clock, other windows; but short series are read."""
    transformer = SlidingWindows(3, groups="store", time="day").fit(FRAME)
    assert transformer.transform(FRAME[:1]).shape == (1, 3, 2)
    assert transformer.transform(FRAME.assign(store="new")[::2]).shape == (3, 3, 2)
    with pytest.raises(ValueError, match="feature names should match"):
        transformer.transform(FRAME[["day", "store", "sold"]])
    with pytest.raises(ValueError, match=r"has dates, but .* fitted with num"):
        transformer.transform(FRAME.assign(day=pd.to_datetime(FRAME["day"])))
    with pytest.raises(ValueError, match="Row 2 of X of group 'A' has the same time"):
        transformer.transform(FRAME.assign(day=1))
    with pytest.raises(ValueError, match=r"expects .* \(n_samples, 3, 2\)"):
        transformer.inverse_transform(np.ones((4, 3, 3)))


# -- in a pipeline -----------------------------------------------------------------


class Recorder(RegressorMixin, BaseEstimator):
    """Notes which rows reach it in `fit` and in `predict`; feature 0 is the row."""

    log: list = []  # noqa: RUF012

    def fit(self, X, y):
        self.seen_ = np.asarray(X)[:, :, 0]
        return self

    def predict(self, X):
        self.log.append((self.seen_, np.asarray(X)[:, :, 0]))
        return np.zeros(len(X))


def rows_of(windows):
    return set(windows[~np.isnan(windows)].astype(int).tolist())


@pytest.mark.parametrize("context", [None, "fit"])
def test_time_series_split_does_not_leak(context):
    """No test row in a window of fit; training rows in predict only if asked for."""
    X = np.arange(40.0)[:, None]
    Recorder.log.clear()
    pipeline = make_pipeline(SlidingWindows(4, context=context), Recorder())
    split = TimeSeriesSplit(4)
    cross_val_score(pipeline, X, X[:, 0], cv=split, error_score="raise")
    for (train, test), (fitted, predicted) in zip(
        split.split(X), Recorder.log, strict=True
    ):
        assert rows_of(fitted) == set(train)
        assert_array_equal(predicted[:, -1], test)
        before = {test[0] - 1, test[0] - 2, test[0] - 3} if context else set()
        assert rows_of(predicted) == set(test) | before
        assert np.nanmax(predicted - test[:, None]) == 0


def test_group_k_fold_does_not_leak():
    """Every window has rows of one group, and no group is on both sides."""
    groups = np.arange(40) % 5
    X = np.column_stack([np.arange(40.0), groups])
    Recorder.log.clear()
    pipeline = make_pipeline(SlidingWindows(3, groups=1, context="fit"), Recorder())
    cross_val_score(
        pipeline, X, X[:, 0], groups=groups, cv=GroupKFold(5), error_score="raise"
    )
    assert len(Recorder.log) == 5
    for fitted, predicted in Recorder.log:
        assert not {k % 5 for k in rows_of(fitted)} & {
            k % 5 for k in rows_of(predicted)
        }
        for window in [*fitted, *predicted]:
            assert len({k % 5 for k in rows_of(window)}) == 1


def test_shifted_target_is_not_learnable_across_the_boundary():
    """A feature that holds the next row's target is of no use in a series' first row.

    The rows of many short series stand one behind the other, so windows that crossed a
    boundary would know the target of every first row, too.
    """
    rng = np.random.default_rng(0)
    n_series, length = 120, 3
    y = rng.choice([-1.0, 1.0], n_series * length)
    series = np.repeat(np.arange(n_series), length)
    X = np.column_stack([series, np.append(y[1:], 0)])
    network = BiLSTMRegressor(
        6, epochs=25, learning_rate=0.03, direction="forward", random_state=0
    )
    first = np.arange(len(y)) % length == 0
    errors = {}
    for groups in (0, None):
        table = X if groups is not None else X[:, 1:]
        pipeline = make_pipeline(SlidingWindows(2, groups=groups), network)
        train, test = np.split(np.arange(len(y)), 2)
        pipeline.fit(table[train], y[train])
        wrong = np.sign(pipeline.predict(table[test])) != y[test]
        errors[groups] = wrong[first[test]].mean(), wrong[~first[test]].mean()
    assert errors[0][0] > 0.3
    assert errors[0][1] < 0.05
    # What the test finds where windows cross from series to series.
    assert max(errors[None]) < 0.05


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_grid_search_over_groups(make, routing):
    """A frame with a text column of stores, split by store, tuned as usual."""
    rng = np.random.default_rng(0)
    stores = np.repeat(["A", "B", "C"], 12)
    frame = make({"a": rng.normal(size=36), "store": stores, "b": rng.normal(size=36)})
    y = rng.normal(size=36)
    pipeline = make_pipeline(
        SlidingWindows(3, groups="store"),
        BiLSTMRegressor(2, epochs=1, random_state=0),
    )
    search = GridSearchCV(
        pipeline,
        {"slidingwindows__n_timesteps": [2, 4]},
        cv=GroupKFold(3),
        error_score="raise",
    )
    with sklearn.config_context(enable_metadata_routing=routing):
        search.fit(frame, y, groups=stores)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(frame).shape == (36,)
    restored = pickle.loads(pickle.dumps(search.best_estimator_))
    assert_array_equal(restored.predict(frame), search.predict(frame))


def test_scaled_before_windows():
    """A ColumnTransformer scales the numbers and passes the store on."""
    frame = FRAME.assign(price=[9.0, 8.0, 7.0, 9.0, 5.0])
    scale = make_column_transformer(
        (StandardScaler(), ["sold", "price"]),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    windows = SlidingWindows(2, groups="store", time="day")
    X = make_pipeline(scale, windows).fit_transform(frame)
    assert_array_equal(windows.feature_names_out_, ["sold", "price", "elapsed"])
    assert_allclose(X[:, -1, :2].mean(axis=0), 0, atol=1e-12)
    assert_array_equal(X[:, -1, 2], [0, 0, 1, 1, 1])


# -- estimators read windows in parts ----------------------------------------------


@given(labels_of_rows, st.integers(1, 6), st.integers(1, 3), st.booleans(), st.data())
@law
def test_read_sequences_is_the_same_for_an_array(labels, n_steps, rate, view, data):
    """Lengths, padding and errors follow from the table as from all windows."""
    n = len(labels)
    table = numbers((n, 2), np.float64, n)
    for row in data.draw(st.sets(st.integers(0, n - 1))):
        table[row] = np.nan
    wrong = data.draw(st.sampled_from([None, None, np.nan, np.inf, 1e300]))
    if wrong is not None:
        table[data.draw(st.integers(0, n - 1)), 0] = wrong
    X = table if view else with_labels(table, labels)
    transformer = SlidingWindows(
        n_steps, sampling_rate=rate, groups=None if view else 0
    )
    if not long_enough("a" * n if view else labels, n_steps, rate):
        return
    windows = transformer.fit_transform(X)
    array = np.array(windows)
    try:
        expected = read_sequences(array)
    except ValueError as error:
        expected = str(error)
    if isinstance(expected, str):
        with pytest.raises(ValueError, match=re.escape(expected)):
            read_sequences(windows)
        return
    found = read_sequences(windows)
    assert_array_equal(found.lengths, expected.lengths)
    assert found.right_padded == expected.right_padded
    rows = np.array(data.draw(st.lists(st.integers(0, n - 1), min_size=1)))
    for key in (rows, slice(0, n)):
        assert_array_equal(found.take(key), expected.take(key), strict=True)
    assert_array_equal(np.array(windows), array)


def test_tables_under_views():
    """Overlap is recognised whatever made it, and never invented."""
    table = numbers((30, 2), np.float64, 0)
    for view in (
        sliding_windows(table, 8, 1),
        sliding_windows(table, 5, 3),
        sliding_windows(table, 9, 1)[::2],
        sliding_windows(table, 9, 1)[3:20, 1:8, 1:],
        sliding_windows(np.asfortranarray(table), 8, 1),
        sliding_windows(table[::2, ::-1], 6, 1),
    ):
        assert_array_equal(np.asarray(windows_of(view)), view)
    for other in (
        np.array(sliding_windows(table, 8, 1)),
        sliding_windows(table, 8, 1)[:, ::-1],
        np.broadcast_to(table, (9, 30, 2)),
        table.reshape(3, 10, 2),
        table.reshape(3, 10, 2).transpose(1, 0, 2),
        table[:, None],
        table[None],
    ):
        assert windows_of(other) is None


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("groups", [None, 0])
def test_estimators_take_windows_as_an_array(groups):
    """The same bits from windows and from the array of all of them."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(60, 2))
    X = np.column_stack([np.arange(60) % 3, table]) if groups == 0 else table
    windows = SlidingWindows(5, groups=groups).fit_transform(X)
    y = table[:, 0]
    for params in ({}, {"early_stopping": True}):
        network = BiLSTMRegressor(2, epochs=2, random_state=0, **params)
        by_index = clone(network).fit(windows, y)
        by_array = clone(network).fit(np.array(windows), y)
        assert_array_equal(by_index.predict(windows), by_array.predict(windows))
        assert_array_equal(
            by_index.predict(windows), by_array.predict(np.array(windows))
        )


class OnDisk:
    """What a store of arrays offers, and no more."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self.rows_read = 0

    def __getitem__(self, rows):
        picked = self.array[rows]
        self.rows_read += len(picked)
        return picked


class Increasing(OnDisk):
    """As HDF5 datasets do, refuses rows out of order."""

    def __getitem__(self, rows):
        if isinstance(rows, np.ndarray) and (np.diff(rows) < 0).any():
            raise TypeError("Indexing elements must be in increasing order")
        return super().__getitem__(rows)


@pytest.mark.parametrize("kind", [OnDisk, Increasing])
def test_estimators_read_anything_that_takes_slices(kind):
    """shape, dtype and slices are enough; what cannot become an array is read."""
    X = numbers((20, 4, 2), np.float32, 0)
    y = X[:, 0, 0]
    network = BiLSTMRegressor(2, epochs=1, random_state=0)
    expected = clone(network).fit(X, y).predict(X)
    source = kind(X)
    assert_array_equal(clone(network).fit(source, y).predict(source), expected)
    assert source.rows_read > 0


def test_nothing_makes_all_windows(monkeypatch):
    """Fit and predict read each window in bounded parts, never all of them."""
    n_rows, n_timesteps = 10_000, 200
    most = 0
    read = Windows.__getitem__

    def watched(self, key):
        nonlocal most
        windows = read(self, key)
        most = max(most, windows.nbytes)
        return windows

    monkeypatch.setattr(Windows, "__getitem__", watched)
    monkeypatch.setattr("sklstm.training.epochs.CHUNK_BYTES", 2**20)
    monkeypatch.setattr("sklstm.sequences.batch.IN_MEMORY_BYTES", 2**20)
    table = numbers((n_rows, 4), np.float32, 0)
    X = pd.DataFrame(table).assign(store=np.arange(n_rows) % 3)
    X.columns = [str(name) for name in X.columns]
    network = BiLSTMRegressor(
        1, epochs=1, batch_size=1024, direction="forward", random_state=0
    )
    pipeline = make_pipeline(SlidingWindows(n_timesteps, groups="store"), network)
    pipeline.fit(X, table[:, 0]).predict(X)
    whole = n_rows * n_timesteps * 4 * 4
    assert 0 < most < whole / 4


# -- make_windows ------------------------------------------------------------------


def frame_by_loop(table, labels, n_timesteps, horizon, stride):
    """Where each window starts, in the order of the last rows."""
    found = []
    for label in sorted(set(labels)):
        rows = [k for k, other in enumerate(labels) if other == label]
        start = 0
        while start + n_timesteps + horizon <= len(rows):
            steps = rows[start : start + n_timesteps]
            found.append((steps, rows[start + n_timesteps :][:horizon]))
            start += stride
    found.sort(key=lambda pair: pair[0][-1])
    X = np.array([table[steps] for steps, _ in found])
    return X, np.array([table[ahead] for _, ahead in found])


@given(labels_of_rows, sizes, sizes, sizes, sizes, st.integers(0, 2), dtypes)
@law
def test_make_windows_is_the_loop(
    labels, n_features, n_timesteps, horizon, stride, how, dtype
):
    """Any sizes, one series or several, told apart by column, labels or function."""
    table = numbers((len(labels), n_features), dtype, len(labels))
    target = n_features - 1
    for grouped in (False, True):
        names = labels if grouped else ["a"] * len(labels)
        if max(names.count(name) for name in names) < n_timesteps + horizon:
            with pytest.raises(ValueError, match=r"need \d+ rows, but"):
                make_windows(
                    table,
                    n_timesteps,
                    horizon=horizon,
                    target=target,
                    groups=names if grouped else None,
                )
            continue
        series, groups, shift = table, None, 0
        if grouped:
            groups = [0, names, lambda X, names=names: names][how]
            if how == 0:
                series, shift = with_labels(table, names), 1
        X, y = make_windows(
            series,
            n_timesteps,
            horizon=horizon,
            target=target + shift,
            stride=stride,
            groups=groups,
        )
        steps, ahead = frame_by_loop(table, names, n_timesteps, horizon, stride)
        assert_array_equal(np.asarray(X), steps)
        expected = ahead[:, :, target]
        assert_array_equal(y, expected[:, 0] if horizon == 1 else expected)
        if how != 0 or not grouped:
            assert X.dtype == y.dtype == dtype
        if not grouped:
            assert np.shares_memory(X, table)
            assert not X.flags.writeable
        assert y.flags.writeable
        assert not np.shares_memory(y, table)


def test_make_windows_written_out():
    """Three ways to name the target, for the reader."""
    frame = pd.DataFrame({"a": [1.0, 2, 3, 4, 5, 6], "b": [10.0, 20, 30, 40, 50, 60]})
    X, y = make_windows(frame, 3, target="b", horizon=2, stride=1)
    assert_array_equal(X[1], [[2, 20], [3, 30], [4, 40]])
    assert_array_equal(y, [[40, 50], [50, 60]])
    X, y = make_windows(frame, 3)
    assert_array_equal(y, [[4, 40], [5, 50], [6, 60]])
    X, y = make_windows(pd.Series([1, 2, 3, 4]), 2)
    assert_array_equal(X[:, :, 0], [[1, 2], [2, 3]])
    assert_array_equal(y, [3.0, 4.0])
    X, y = make_windows(pl.Series([1, 2, 3, 4, 5, 6]), 1, groups=list("ababab"))
    assert_array_equal(X[:, 0, 0], [1, 2, 3, 4])
    assert_array_equal(y, [3, 4, 5, 6])
    X, y = make_windows(frame.assign(s=list("aaabbb")), 2, groups="s")
    assert_array_equal(y, [[3, 30], [6, 60]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"series": [1, 2, 3], "n_timesteps": 3},
            r"^n_timesteps=3 and horizon=1 need 4 rows, but X has 3 samples\. Choose "
            r"sizes that add up to at most 3, or give a longer series\.$",
        ),
        (
            {"series": np.ones((9, 2)), "n_timesteps": 3, "horizon": 2},
            "horizon=2 forecasts one column, but series has 2: 'x0', 'x1'. Name it",
        ),
        (
            {"series": FRAME, "n_timesteps": 1, "groups": "store", "target": "store"},
            "target='store' is the column of groups",
        ),
        (
            {"series": FRAME, "n_timesteps": 1, "groups": "store", "target": "cost"},
            "target='cost' is no column of X, which has 'store', 'day', 'sold'",
        ),
        (
            {"series": [1, 2, 3], "n_timesteps": 1, "groups": [0, 1]},
            r"make_windows needs one group label for each of the 3 rows .*\(2,\)",
        ),
        ({"series": FRAME, "n_timesteps": 1}, "no numbers in 'store'"),
        ({"series": [], "n_timesteps": 1}, r"0 sample\(s\)"),
        ({"series": np.ones((4, 2, 2)), "n_timesteps": 1}, "Found array with dim 3"),
        ({"series": [1, 2], "n_timesteps": 0}, "'n_timesteps' parameter of make_win"),
        ({"series": [1, 2], "n_timesteps": 1, "horizon": 0}, "'horizon' parameter of"),
        ({"series": [1, 2], "n_timesteps": 1, "stride": 0}, "'stride' parameter of"),
    ],
)
def test_make_windows_refuses(arguments, message):
    """Both what came and what to do."""
    with pytest.raises(ValueError, match=message):
        make_windows(**arguments)


# -- scikit-learn's checks that its tag for row-wise methods leaves out ------------


class Deterministic(SlidingWindows):
    """The tag says only that rows cannot be transformed one by one."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = False
        return tags


def one_series(X):
    """Every row belongs to the same."""
    return np.zeros(len(X))


@pytest.mark.parametrize(
    "check",
    [
        check_transformer_general,
        check_transformer_data_not_an_array,
        check_pipeline_consistency,
    ],
)
@pytest.mark.parametrize("groups", [None, one_series])
def test_the_same_every_time(check, groups):
    """Checks that scikit-learn skips where results are random, which these are not."""
    check("SlidingWindows", Deterministic(3, groups=groups))
    assert sklearn.utils.get_tags(SlidingWindows()).non_deterministic


# -- the order of time -------------------------------------------------------------

HOURS = pd.date_range("2026-01-05", periods=48, freq="h")
LOADS = pd.DataFrame({"load": np.arange(48.0), "heat": np.arange(48.0) + 100})


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("how", ["column", "position", "array", "list"])
def test_make_windows_reads_time(make, how):
    """A column is no feature; rows that do not rise are refused."""
    table = {"when": HOURS.to_numpy(), **{k: LOADS[k].to_numpy() for k in LOADS}}
    time = {"column": "when", "position": 0}.get(how, HOURS)
    if how in ("array", "list"):
        del table["when"]
        time = list(HOURS) if how == "list" else HOURS
    expected = make_windows(LOADS, 3, target="load", horizon=2)
    found = make_windows(make(table), 3, target="load", horizon=2, time=time)
    for one, other in zip(found, expected, strict=True):
        assert_array_equal(one, other)
    backwards = {name: values[::-1] for name, values in table.items()}
    with pytest.raises(ValueError, match=r"times of X are not sorted: row 1 has 2026-"):
        make_windows(
            make(backwards),
            3,
            target="load",
            time=time if isinstance(time, (str, int)) else time[::-1],
        )


def test_time_of_several_series():
    """Within each series times rise; a duplicate is found in its own."""
    table = pd.DataFrame({"t": [1, 1, 2, 2], "g": list("abab"), "a": np.arange(4.0)})
    X, y = make_windows(table, 1, groups="g", time="t", target="a")
    assert_array_equal(X[:, 0, 0], [0, 1])
    assert_array_equal(y, [2, 3])
    with pytest.raises(ValueError, match="Row 2 of X of group 'a' has the same time"):
        make_windows(table.assign(t=[1, 1, 1, 2]), 1, groups="g", time="t")
    with pytest.raises(ValueError, match="time has 3 times, but series has 4 rows"):
        make_windows(table[["a"]], 1, time=[1, 2, 3])
    with pytest.raises(ValueError, match="target='t' is the column of time, which is"):
        make_windows(table, 1, groups="g", time="t", target="t")
    with pytest.raises(ValueError, match="has the column of time, which is no feature"):
        make_windows(table, 1, groups="g", time="t", target="a", known=["t"])
    with pytest.raises(ValueError, match="no column is left for a feature beside"):
        make_windows(table[["t"]], 1, time="t")
    with pytest.raises(ValueError, match=r"goes to time= of make_windows\."):
        make_windows(LOADS.assign(when=HOURS), 3)


SHUFFLED = np.random.default_rng(0).permutation(48)
INDEXES = {
    "dates": HOURS,
    "aware": HOURS.tz_localize("Europe/Berlin"),
    "periods": pd.period_range("1500-01", periods=48, freq="M"),
    "durations": pd.timedelta_range(0, periods=48, freq="min"),
    "objects": pd.Index([datetime.date(2026, 1, 1 + k // 24) for k in range(48)]),
    "level": pd.MultiIndex.from_arrays([["a"] * 48, HOURS]),
}


@pytest.mark.parametrize("kind", INDEXES)
@pytest.mark.parametrize("rows", [slice(None, None, -1), SHUFFLED], ids=["-1", "?"])
def test_an_index_that_goes_back(kind, rows):
    """Newest first or shuffled rows are refused, unless time= says when they were."""
    frame = LOADS.set_index(INDEXES[kind])
    message = r"index of X.* goes back in time: row \d+ has .* after .*sort_index\(\)"
    readers = [
        lambda X: make_windows(X, 3),
        lambda X: make_windows(X["load"], 3),
        lambda X: make_windows(X, 1, groups=np.arange(48) % 2),
        SlidingWindows(3).fit,
        SlidingWindows(3).fit_transform,
        SlidingWindows(3).fit(LOADS).transform,
        lambda X: pad_sequences(X, groups=np.arange(48) % 2),
    ]
    for read in readers:
        read(frame)
        with pytest.raises(ValueError, match=message):
            read(frame.iloc[rows])
        read(frame.iloc[rows].reset_index(drop=True))
    timed = frame.iloc[rows].assign(t=np.arange(48))
    SlidingWindows(3, time="t").fit(timed)
    make_windows(timed, 3, time="t")


def test_an_index_that_need_not_rise():
    """Series one behind the other, the same date twice, no dates, two of them."""
    panel = pd.concat([LOADS.set_index(HOURS), LOADS.set_index(HOURS)])
    make_windows(panel, 3, groups=np.repeat([0, 1], 48))
    with pytest.raises(ValueError, match=r"row 48 has 2026-01-05.* apart with groups="):
        make_windows(panel, 3)
    stores = panel.assign(store=np.repeat(["a", "b"], 48)).rename_axis("day")
    stores = stores.set_index("store", append=True)
    with pytest.raises(ValueError, match=r"groups=, after reset_index\(\) .*'store'\]"):
        make_windows(stores, 3)
    make_windows(panel.sort_index(kind="stable"), 3)
    make_windows(LOADS[::-1], 3)
    make_windows(LOADS[::-1].set_index(pd.Index(["x"] * 48)), 3)
    made = pd.MultiIndex.from_arrays([HOURS, HOURS + pd.Timedelta(days=1)])
    make_windows(LOADS.set_index(made)[::-1], 3)
    with_nat = LOADS.set_index(pd.DatetimeIndex([pd.NaT, *HOURS[1:]]))
    make_windows(with_nat[::-1], 3)


def evenly(freq, n, start="2024-01-01"):
    return pd.date_range(start, periods=n, freq=freq).to_numpy()


@pytest.mark.parametrize("as_index", [True, False])
@pytest.mark.parametrize(
    ("times", "step", "gap"),
    [
        (np.delete(evenly("h", 200), [50, 51]), "3600 s", "10800 s after row 49"),
        (np.delete(evenly("D", 60), 30), "86400 s", "172800 s after row 29"),
        (np.delete(evenly("W", 60), 30), "604800 s", "1.2096e.06 s after row 29"),
        (np.delete(evenly("10min", 500), 150), "600 s", "1200 s after row 149"),
    ],
)
def test_gaps_are_said(times, step, gap, as_index):
    """Where few rows are missing among rows that are evenly spaced."""
    frame = pd.DataFrame({"a": np.arange(float(len(times)))})
    message = f"most rows follow {step} after .* follows {gap} .1 such gaps"
    time = None if as_index else "t"
    frame = (
        frame.set_index(pd.DatetimeIndex(times)) if as_index else frame.assign(t=times)
    )
    with pytest.warns(UserWarning, match=message) as said:
        make_windows(frame, 3, time=time)
    assert said[0].filename == __file__


def opening_hours(freq, n_days, first, last):
    days = pd.date_range("2024-01-01", periods=n_days, freq=freq)
    return np.concatenate(
        [
            evenly("min", (last - first) * 60, day + pd.Timedelta(hours=first))
            for day in days
        ]
    )


LOCAL = pd.date_range("2024-03-01", periods=24 * 60, freq="h", tz="Europe/Berlin")
AS_THEY_SHOULD_BE = {
    "even": evenly("h", 100),
    "business days": evenly("B", 300),
    "three weeks": evenly("B", 21),
    "holidays": np.delete(evenly("B", 300), [60, 110, 200]),
    "month ends": evenly("ME", 60),
    "month starts": evenly("MS", 60),
    "quarters": evenly("QS", 40),
    "years": evenly("YS", 40),
    "opening hours": opening_hours("D", 20, 8, 20),
    "trading": opening_hours("B", 20, 9, 16),
    "one night": opening_hours("D", 2, 9, 16),
    "summer time": LOCAL.tz_localize(None)[: 24 * 58].to_numpy(),
    "a year of local time": pd.date_range(
        "2024-01-01", periods=8784, freq="h", tz="Europe/Berlin"
    ).tz_localize(None),
    "markets": evenly("min", 60 * 24 * 12)[
        pd.DatetimeIndex(evenly("min", 60 * 24 * 12)).day_of_week < 5
    ],
    "irregular": evenly("s", 5000)[np.sort(SHUFFLED) ** 2],
    "jitter": evenly("h", 90) + SHUFFLED[np.arange(90) % 48] * np.timedelta64(1, "s"),
    "few": np.delete(evenly("h", 20), 10),
    "every other": np.delete(evenly("h", 90), np.arange(1, 90, 10)),
}


@pytest.mark.parametrize("kind", AS_THEY_SHOULD_BE)
def test_no_false_alarms(kind):
    """Calendars, opening hours and irregular times have gaps by their nature."""
    times = AS_THEY_SHOULD_BE[kind]
    frame = pd.DataFrame({"a": np.arange(float(len(times)))})
    X, _ = make_windows(frame.set_index(pd.DatetimeIndex(times)), 3)
    assert len(X) == len(times) - 3


# -- the words of others -----------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: make_windows([1, 2, 3], lookback=2),
            "'lookback'. .* write n_timesteps=",
        ),
        (lambda: make_windows([1, 2, 3], 1, n_out=2), "'n_out'. .* horizon here"),
        (lambda: pad_sequences([[1]], maxlen=2), "'maxlen'. It is called n_timesteps"),
        (lambda: pad_sequences([[1]], value=0.0), "Padding is always NaN, so that"),
        (lambda: SlidingWindows(window_size=2), "^SlidingWindows got .* n_timesteps"),
        (
            lambda: BiLSTMRegressor(hidden_size=2),
            "^BiLSTMRegressor got .* write units=",
        ),
        (lambda: BiLSTMRegressor(lr=0.1), "'lr'. It is called learning_rate here"),
        (lambda: BiLSTMRegressor(layers=2), r"unexpected keyword argument 'layers'$"),
        (lambda: make_windows([1, 2, 3], 1, shift=2), "keyword argument 'shift'"),
    ],
)
def test_words_of_others(call, message):
    """A common name elsewhere is answered with ours."""
    with pytest.raises(TypeError, match=message):
        call()
