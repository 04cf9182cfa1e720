"""Times and group labels of every kind: compared exactly, never mixed in silence."""

import datetime as dt
import pickle

import dask.array
import dask.dataframe
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import law

from sklstm import (
    BiLSTMRegressor,
    SequencePadder,
    SequenceReshaper,
    SlidingWindows,
    make_windows,
    pad_sequences,
)

DAY = 86_400
UTC = dt.UTC


def dates(years):
    return [dt.datetime(year, 1, 1) for year in years]


def in_containers(years):
    """The first days of years in all that holds dates."""
    days = dates(years)
    plain = [day.date() for day in days]
    yield "datetime", np.array(days, dtype=object)
    yield "date", np.array(plain, dtype=object)
    for unit in ("Y", "D", "s", "ms", "us"):
        yield unit, np.array(days, dtype=f"datetime64[{unit}]")
    yield "pandas", pd.Series(np.array(days, dtype="datetime64[us]"))
    yield "aware", pd.Series(np.array(days, dtype="datetime64[us]")).dt.tz_localize(UTC)
    yield (
        "period",
        pd.Series(pd.PeriodIndex([f"{year:04d}" for year in years], freq="Y")),
    )
    yield "periods", np.array([pd.Period(f"{y:04d}-01", "M") for y in years], object)
    yield "polars", pl.Series(days)
    yield "polars date", pl.Series(plain)
    yield "polars aware", pl.Series(days).dt.replace_time_zone("UTC")
    yield "arrow", pa.chunked_array([pa.array(days, pa.timestamp("us"))])
    yield "arrow date", pa.chunked_array([pa.array(plain)])
    yield "arrow dtype", pd.Series(days, dtype=pd.ArrowDtype(pa.timestamp("us")))
    yield "arrow in pandas", pd.Series(plain, dtype=pd.ArrowDtype(pa.date32()))


def table_of(times, values):
    """One group, in the library of the times."""
    group = np.zeros(len(values))
    if isinstance(times, pa.ChunkedArray):
        return pa.table({"g": group, "t": times, "a": values})
    make = pl.DataFrame if isinstance(times, pl.Series) else pd.DataFrame
    return make({"g": group, "t": times, "a": values})


YEARS = [[2020, 2021, 9999], [1500, 1600, 2020], [1, 1970, 9999]]


@pytest.mark.parametrize("years", YEARS, ids=str)
@pytest.mark.parametrize("kind", [kind for kind, _ in in_containers([2020])])
def test_dates_beyond_nanoseconds(kind, years):
    """Their order and the seconds between them are those of the calendar."""
    shuffled = [years[2], years[0], years[1]]
    times = dict(in_containers(shuffled))[kind]
    table = table_of(times, [3.0, 1.0, 2.0])
    X, _ = pad_sequences(table, groups="g", time="t", elapsed=True)
    ordinals = [day.toordinal() for day in dates(years)]
    expected = np.diff(ordinals, prepend=ordinals[0]) * float(DAY)
    assert_array_equal(X[0], np.column_stack([expected, [1, 2, 3]]))
    rising = table_of(dict(in_containers(years))[kind], [1.0, 2.0, 3.0])
    windows = SlidingWindows(1, time="t", groups="g").fit_transform(rising)
    assert_array_equal(np.asarray(windows)[:, 0], X[0])
    if years[0] != 1:  # a day before the first year is no date
        with pytest.raises(ValueError, match=f"after {years[2]}-01-01.* in row 0"):
            SlidingWindows(1, time="t", groups="g").fit(table)


@pytest.mark.parametrize(
    "units", [("ns", "us"), ("us", "ns"), ("D", "ns"), ("s", "ms")]
)
def test_other_units_at_transform(units):
    """The rows of fit are in front of those that follow, whatever the units."""
    days = np.array(["2020-01-01", "2020-01-02", "2020-01-04", "2020-01-08"])
    first, later = (days.astype(f"datetime64[{unit}]") for unit in units)
    far = np.array(["9999-01-01"], dtype="datetime64[us]")
    windows = SlidingWindows(2, time="t", context="fit")
    windows.fit(pd.DataFrame({"t": first[:2], "a": [0.0, 1]}))
    X = windows.transform(pd.DataFrame({"t": later[2:], "a": [2.0, 3]}))
    assert_array_equal(X, [[[DAY, 1], [2 * DAY, 2]], [[2 * DAY, 2], [4 * DAY, 3]]])
    X = windows.transform(pd.DataFrame({"t": far, "a": [2.0]}))
    n_days = dt.date(9999, 1, 1).toordinal() - dt.date(2020, 1, 2).toordinal()
    assert_array_equal(X, [[[DAY, 1], [n_days * DAY, 2]]])


INTEGERS = {
    "int64": np.array([2**62, 2**62 + 1, 2**62 + 3]),
    "uint64": np.array([2**63 + 5, 2**63 + 6, 2**63 + 8], dtype=np.uint64),
    "around int64": np.array([2**63 - 1, 2**63, 2**63 + 2], dtype=object),
    "of Python": np.array([2**70, 2**70 + 1, 2**70 + 3], dtype=object),
    "negative": np.array([-(2**63), 1 - 2**63, 3 - 2**63]),
    "nullable": pd.Series([2**62, 2**62 + 1, 2**62 + 3], dtype="Int64"),
    "arrow": pd.Series([2**62, 2**62 + 1, 2**62 + 3], dtype="int64[pyarrow]"),
    "polars": pl.Series([2**62, 2**62 + 1, 2**62 + 3]),
}


@pytest.mark.parametrize("kind", INTEGERS)
def test_large_integers(kind):
    """One apart is one apart, in order and in what has elapsed."""
    times = INTEGERS[kind]
    rows = table_of(times, [1.0, 2.0, 3.0])
    expected = [[0, 1], [1, 2], [2, 3]]
    X, _ = pad_sequences(rows[::-1], groups="g", time="t", elapsed=True)
    assert_array_equal(X[0], expected)
    windows = SlidingWindows(2, time="t", groups="g", context="fit")
    assert_array_equal(np.asarray(windows.fit_transform(rows))[:, -1], expected)
    later = np.asarray(windows.fit(rows[:2]).transform(rows[2:]))
    assert_array_equal(later, [expected[1:]])


def test_the_widest_difference():
    """All 64 bits, and fit and transform on two sides of int64."""
    rows = pd.DataFrame({"t": [-(2**63), 2**63 - 1], "a": [1.0, 2.0]})
    X = SlidingWindows(1, time="t").fit_transform(rows)
    assert_array_equal(X[:, 0], [[0, 1], [2.0**64 - 1, 2]])
    windows = SlidingWindows(1, time="t", context="fit").fit(rows[:1])
    large = pd.DataFrame({"t": np.array([2**64 - 1], np.uint64), "a": [3.0]})
    assert_array_equal(windows.transform(large), [[[2.0**64 + 2.0**63 - 1, 3]]])
    floats = pd.DataFrame({"t": [0.5], "a": [3.0]})
    assert_array_equal(windows.transform(floats), [[[2.0**63, 3]]])


def test_epochs_in_lists():
    """Nanoseconds since 1970 beside floats stay integers."""
    now = 1_700_000_000_000_000_000
    rows = [[7, now + 2, 2.5], [7, now + 1, 1.5]]
    X, _ = pad_sequences(rows, groups=0, time=1, elapsed=True)
    assert_array_equal(X[0], [[0, 1.5], [1, 2.5]])
    windows = SlidingWindows(2, time=1, groups=0).fit_transform(rows[::-1])
    assert_array_equal(np.asarray(windows)[1], X[0])
    twice = [[7, now, 2.5], [7, now, 1.5]]
    with pytest.raises(ValueError, match="has the same time as row 0"):
        pad_sequences(twice, groups=0, time=1)


ONE = dt.datetime(2024, 5, 1)
KINDS = {
    "numbers": 5,
    "dates": ONE,
    "dates with a time zone": ONE.replace(tzinfo=UTC),
    "durations": dt.timedelta(hours=5),
}
LATER = {
    "numbers": 6,
    "dates": dt.datetime(2024, 5, 2),
    "dates with a time zone": dt.datetime(2024, 5, 2, tzinfo=UTC),
    "durations": dt.timedelta(hours=6),
}


@pytest.mark.parametrize("one", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_kinds_are_not_mixed(one, other):
    """Neither in one column nor between fit and transform."""
    mixed = np.array([KINDS[one], LATER[other]], dtype=object)
    rows = pd.DataFrame({"g": 0, "t": mixed, "a": [1.0, 2.0]})
    read = SlidingWindows(2, time="t", groups="g", context="fit")
    if one == other:
        assert read.fit_transform(rows).shape == (2, 2, 2)
        return
    message = rf"The time column has {one} in row 0 .* but {other} in row 1"
    with pytest.raises(ValueError, match=message):
        read.fit(rows)
    with pytest.raises(ValueError, match=message):
        pad_sequences(rows, groups="g", time="t")
    fitted = SlidingWindows(1, time="t").fit(
        pd.DataFrame({"t": [KINDS[one]], "a": [1.0]})
    )
    with pytest.raises(ValueError, match=f"column has {other}, but .* with {one}"):
        fitted.transform(pd.DataFrame({"t": [LATER[other]], "a": [1.0]}))


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (["2024", "2025"], "has (str|object|<U)"),
        ([dt.date(2024, 1, 1), "2025"], "has str in row 1.* pandas.to_datetime"),
        ([dt.time(1), dt.time(2)], "has time in row 0"),
        ([True, False], "has bool"),
        ([1.0, np.inf], r"Row 1 of X has time inf \(1 of 2 rows are infinite\)"),
        ([np.array([1]), 2], "has ndarray in row 0"),
    ],
)
def test_what_is_no_time(times, message):
    """The message says what came, and where."""
    column = np.empty(2, dtype=object)
    column[:] = times
    rows = pd.DataFrame({"t": column, "a": [1.0, 2.0]}).infer_objects()
    with pytest.raises(ValueError, match=message):
        SlidingWindows(2, time="t").fit(rows)


def test_instants_of_several_zones():
    """With a time zone each, dates are one kind: what counts is the instant."""
    east = dt.timezone(dt.timedelta(hours=2))
    times = [
        dt.datetime(2024, 5, 1, 2, tzinfo=east),
        dt.datetime(2024, 5, 1, 1, tzinfo=UTC),
    ]
    rows = pd.DataFrame({"t": np.array(times, dtype=object), "a": [1.0, 2.0]})
    X = SlidingWindows(1, time="t").fit_transform(rows)
    assert_array_equal(X[:, 0, 0], [0, 3600])


def test_timestamps_keep_nanoseconds():
    """Also as objects, beside dates of Python."""
    times = [pd.Timestamp("2024-05-01"), pd.Timestamp("2024-05-01").as_unit("ns")]
    times[1] += pd.Timedelta(1, "ns")
    column = np.array([ONE, times[1]], dtype=object)
    rows = pd.DataFrame({"t": pd.Series(column, dtype=object), "a": [1.0, 2.0]})
    X = SlidingWindows(1, time="t").fit_transform(rows)
    assert_allclose(X[:, 0, 0], [0, 1e-9])


# -- context -----------------------------------------------------------------------


def test_context_goes_back_to_a_row_of_data():
    """A row of nothing but NaN at the end of fit is not the step before."""
    table = pd.DataFrame({"t": [0, 10, 20, 30, 40], "a": [1.0, 2, np.nan, 3, 4]})
    windows = SlidingWindows(2, time="t", context="fit")
    trained = windows.fit_transform(table)
    assert_array_equal(trained[-1], [[20, 3], [10, 4]])
    for cut in range(2, 5):
        served = windows.fit(table[:cut]).transform(table[cut:])
        assert_array_equal(served, trained[cut:])


@given(st.data())
@law
def test_what_is_served_is_what_was_trained(data):
    """Windows of later rows are those of the whole table, wherever rows are empty."""
    n = data.draw(st.integers(2, 24))
    cut = data.draw(st.integers(1, n - 1))
    labels = data.draw(st.lists(st.sampled_from([7, 8]), min_size=n, max_size=n))
    valid = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    n_timesteps, rate = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
    grouped, timed = data.draw(st.booleans()), data.draw(st.booleans())
    rng = np.random.default_rng(n)
    frame = pd.DataFrame({"t": rng.integers(1, 9, n).cumsum(), "g": labels})
    frame[["a", "b"]] = np.where(valid[:, None], rng.normal(size=(n, 2)), np.nan)
    series = labels if grouped else [0] * n
    if max(series[:cut].count(k) for k in {*series}) <= (n_timesteps - 1) * rate:
        return
    windows = SlidingWindows(
        n_timesteps,
        sampling_rate=rate,
        time="t" if timed else None,
        groups="g" if grouped else None,
        context="fit",
    )
    kept = [
        name for name in "tgab" if (timed or name != "t") and (grouped or name != "g")
    ]
    served = windows.fit(frame[kept][:cut]).transform(frame[kept][cut:])
    for row, window in zip(range(cut, n), np.asarray(served), strict=True):
        back = [k for k in range(row, -1, -1) if series[k] == series[row]][::rate]
        for place, k in enumerate(back[:n_timesteps], start=1):
            step = frame.loc[k, ["a", "b"]].to_numpy(dtype=float)
            if timed:
                older = [j for j in back[place:] if valid[j]]
                since = frame["t"][k] - frame["t"][older[0]] if older else 0
                step = np.insert(step, 0, since if valid[k] else np.nan)
            assert_array_equal(window[-place], step)
        assert np.isnan(window[: max(0, n_timesteps - len(back))]).all()


# -- labels ------------------------------------------------------------------------

LABELS = {
    "integers": [1, 2],
    "floats": [1.0, 2.0],
    "nullable": pd.array([1, 2], dtype="Int64"),
    "text": ["1", "2"],
    "text of NumPy": np.array(["1", "2"]),
    "text of pandas": pd.array(["1", "2"], dtype="string"),
    "objects of NumPy": np.array([np.str_("1"), np.str_("2")], dtype=object),
    "categories": pd.Categorical(["1", "2"]),
    "categories of numbers": pd.Categorical([1, 2]),
    "bytes": np.array([b"1", b"2"]),
    "dates": np.array(["2024-01-01", "2024-02-01"], dtype="datetime64[ns]"),
    "days": np.array(["2024-01-01", "2024-02-01"], dtype="datetime64[s]"),
    "date objects": np.array([dt.date(2024, 1, 1), dt.date(2024, 2, 1)], dtype=object),
    "aware": pd.to_datetime(["2024-01-01", "2024-02-01"], utc=True),
    "periods": pd.period_range("2024-01", periods=2, freq="M"),
    "days of a period": pd.PeriodIndex(["2024-01-01", "2024-02-01"], freq="D"),
}
SAME = [
    {"integers", "floats", "nullable", "categories of numbers"},
    {"text", "text of NumPy", "text of pandas", "objects of NumPy", "categories"},
    {"bytes"},
    {"dates", "days", "date objects"},
    {"aware"},
    {"periods"},
    {"days of a period"},
]


@pytest.mark.parametrize("before", LABELS)
@pytest.mark.parametrize("after", LABELS)
def test_labels_find_their_history(before, after):
    """Whatever holds them; of another type, they are refused."""
    past = pd.DataFrame({"g": LABELS[before], "a": [1.0, 10.0]})
    past = pd.concat([past, past.assign(a=[2.0, 20.0])])
    new = pd.DataFrame({"g": LABELS[after], "a": [3.0, 30.0]})
    windows = SlidingWindows(2, groups="g", context="fit").fit(past)
    windows = pickle.loads(pickle.dumps(windows))
    if any({before, after} <= same for same in SAME):
        X = np.asarray(windows.transform(new))
        assert_array_equal(X[:, :, 0], [[2, 3], [20, 30]])
        return
    with pytest.raises(ValueError, match=r"^The groups of X are .* of the type that"):
        windows.transform(new)
    # Without history nothing is to be found.
    windows.set_params(context=None).fit(past)
    both = pd.concat([new, new])
    assert windows.transform(both).shape == (4, 2, 1)


def test_labels_beyond_float():
    """As integers of any width, next to each other and at transform."""
    ids = [2**53, 2**53 + 1, 2**63 + 1, 2**63 + 2]
    signed, unsigned = np.array(ids[:2]), np.array(ids, dtype=np.uint64)
    past = pd.DataFrame({"g": unsigned, "a": [1.0, 2, 3, 4]})
    past = pd.concat([past, past])
    windows = SlidingWindows(2, groups="g", context="fit").fit(past)
    X = windows.transform(pd.DataFrame({"g": signed, "a": [5.0, 6.0]}))
    assert_array_equal(X[:, :, 0], [[1, 5], [2, 6]])
    rows = [[k, 0.5 + n] for n, k in enumerate(ids)] * 2
    for groups in (0, [row[0] for row in rows]):
        X, y = make_windows(rows, 1, groups=groups, target=1)
        assert_array_equal(y, [0.5, 1.5, 2.5, 3.5])
        assert len(X) == 4
        _, found = pad_sequences(rows, groups=groups)
        assert list(found) == ids


def test_labels_that_may_be_one():
    """A number beside its text, integers that were rounded, lists of both."""
    message = "has both '1', a text, and 1, a number"
    table = np.array([[1, 0.5], ["1", 1.5], ["a", 2.5], [1, 3.5]], dtype=object)
    with pytest.raises(ValueError, match=message):
        SlidingWindows(2, groups=0).fit(table)
    with pytest.raises(ValueError, match=message):
        make_windows(np.arange(4.0), 1, groups=[1, "1", "a", 1])
    with pytest.raises(ValueError, match=message):
        pad_sequences(np.ones((4, 1)), groups=[1, "1", "a", 1])
    mixed = np.array([["7", 0.5], [1, 1.5], [1, 2.5]], dtype=object)
    assert SlidingWindows(2, groups=0).fit_transform(mixed).shape == (3, 2, 1)
    for dtype, one in ((np.float64, 2**53), (np.float32, 2**24)):
        table = np.array([[one, 0.5], [one + 1, 1.5]], dtype=dtype)
        for read in (
            SlidingWindows(1, groups=0).fit,
            lambda rows: make_windows(rows, 1, groups=0),
            lambda rows: pad_sequences(rows, groups=0),
        ):
            with pytest.raises(
                ValueError, match=f"which does not hold every .* {one} on"
            ):
                read(table)


def test_fractions_of_another_precision():
    """0.1 in float32 is another number; whole numbers are the same."""
    past = pd.DataFrame({"g": [0.1, 0.1, 2.0], "a": [1.0, 2, 3]})
    windows = SlidingWindows(2, groups="g", context="fit").fit(past)
    with pytest.raises(ValueError, match=r"fractions of type float32, .* with float64"):
        windows.transform(past.astype({"g": "float32"}))
    windows.fit(past.assign(g=[1.0, 1, 2]))
    X = windows.transform(past.assign(g=np.array([1, 1, 2], dtype=np.float32)))
    assert_array_equal(X[0, :, 0], [2, 1])


def test_several_columns_of_labels():
    """One column tells series apart; the message says how to make one."""
    frame = pd.DataFrame({"a": list("xxyy"), "b": [1, 1, 2, 2], "c": np.arange(4.0)})
    for groups in (["a", "b"], ("a", "b"), [0, 1]):
        for read in (
            SlidingWindows(1, groups=groups).fit,
            lambda X, groups=groups: make_windows(X, 1, groups=groups),
            lambda X, groups=groups: pad_sequences(X, groups=groups),
        ):
            with pytest.raises(ValueError, match=r"lists columns.* groups='series'"):
                read(frame)
    with pytest.raises(ValueError, match=r"is a list, but .* Write groups='a'"):
        SlidingWindows(1, groups=["a"]).fit(frame)
    numbers = frame[["b", "c"]]
    make_windows(numbers, 1, groups=list("xxyy"))
    make_windows(numbers.set_axis(["x", "y"], axis=1)[:2], 1, groups=["x", "x"])
    with pytest.raises(ValueError, match="one group label for each of the 4 rows"):
        make_windows(numbers, 1, groups=["x", "y"])


# -- containers --------------------------------------------------------------------


def test_tables_of_dask():
    """They are computed: a table for windows has to be in memory."""
    frame = pd.DataFrame({"g": [1, 1, 1, 2, 2, 2], "t": [1, 2, 4] * 2})
    frame["a"], frame["y"] = np.arange(6.0), np.arange(6.0) + 10
    lazy = dask.dataframe.from_pandas(frame, npartitions=2)
    array = dask.array.from_array(frame.to_numpy(), chunks=2)
    by_name, by_place = {"groups": "g", "time": "t"}, {"groups": 0, "time": 1}
    expected = SlidingWindows(2, **by_name).fit_transform(frame)
    for X, keys in ((lazy, by_name), (array, by_place)):
        windows = SlidingWindows(2, **keys, context="fit")
        assert_array_equal(np.asarray(windows.fit_transform(X)), np.asarray(expected))
        assert windows.transform(X).shape == (6, 2, 3)
        for one, other in zip(
            pad_sequences(X, **keys, elapsed=True),
            pad_sequences(frame, **by_name, elapsed=True),
            strict=True,
        ):
            assert_array_equal(one, other)
        found = make_windows(X, 1, target=3, **keys)
        groups = array[:, 0] if X is array else lazy["g"]
        again = make_windows(lazy[["a", "y"]], 1, target=1, groups=groups)
        for one, other in zip(found, again, strict=True):
            assert_array_equal(np.asarray(one), np.asarray(other))
    X, y = make_windows(lazy["a"], 2)
    assert_array_equal(y, frame["a"][2:])
    with pytest.raises(ValueError, match=r"X is one series of shape \(6,\)"):
        SlidingWindows(2).fit(lazy["a"])
    with pytest.raises(ValueError, match="Expected X with 2 or 3 axes, got a 1D array"):
        SequencePadder().fit(lazy["a"])
    assert SequenceReshaper(2).fit_transform(lazy).shape == (6, 2, 2)


def test_columns_of_one_name():
    """They are named, whatever reads the table."""
    frame = pd.DataFrame([[1.0, 2, 3, 4]] * 4, columns=["a", "b", "a", "b"])
    readers = [
        SlidingWindows(2).fit,
        SequencePadder().fit,
        SequenceReshaper(2).fit,
        BiLSTMRegressor().fit,
        lambda X, y=None: make_windows(X, 1),
        lambda X, y=None: pad_sequences(X, groups=np.zeros(4)),
    ]
    for read in readers:
        with pytest.raises(ValueError, match="several columns named 'a', 'b', but"):
            read(frame, np.arange(4.0))
