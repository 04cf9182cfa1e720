"""Transformers over windows: what stays on the table, what is computed when read.

The reference is always the same transformer on an array of all windows.
"""

import pickle
import tracemalloc

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold, TimeSeriesSplit, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from strategies import law

from sklstm import (
    BiLSTMRegressor,
    SequenceDifferencer,
    SequenceFramer,
    SequenceImputer,
    SequencePadder,
    SequenceScaler,
    SlidingWindows,
    make_windows,
    pad_sequences,
)
from sklstm.preprocessing import base
from sklstm.preprocessing.base import StepTable
from sklstm.sequences.batch import SequenceBatch
from sklstm.sequences.lazy_arrays import ChangedSequences, LazyArray
from sklstm.sequences.reading import read_sequences
from sklstm.sequences.windows import Windows, count_windows, windows_of

rng = np.random.default_rng(0)
N_ROWS = 60


def table_of(dtype=np.float64, gaps=False):
    values = rng.normal(3, 2, size=(N_ROWS, 2)).astype(dtype)
    if gaps:
        values[20:23] = values[40] = np.nan
    return values


def series_of(table):
    """The rows of three series, mixed, one of them too short for a window."""
    labels = np.arange(len(table)) % 2
    labels[10:13] = 7
    return np.column_stack([table, labels])


def by_series(table, **parameters):
    columns = pd.DataFrame(table, columns=["a", "b"])
    columns = columns.assign(store=series_of(table)[:, -1])
    return SlidingWindows(6, groups="store", **parameters).fit_transform(columns)


WINDOWS = {
    "full": lambda table: make_windows(table, 8, target=0)[0],
    "stride": lambda table: make_windows(table, 8, target=0, stride=3)[0],
    "some of them": lambda table: make_windows(table, 8, target=0)[0][7:30:2],
    "padded in front": lambda table: SlidingWindows(8).fit_transform(table),
    "every third row": lambda table: SlidingWindows(8, sampling_rate=3).fit_transform(
        table
    ),
    "of series": lambda table: by_series(table, sampling_rate=2),
    "of series, full": lambda table: make_windows(
        series_of(table), 6, target=0, groups=2, horizon=2
    )[0],
    "some columns": lambda table: SlidingWindows(8).fit_transform(table)[:, :, 1:],
    "some timesteps": lambda table: SlidingWindows(9).fit_transform(table)[9:, ::2],
    "integers": lambda table: sliding_window_view(
        np.arange(2 * len(table)).reshape(-1, 2), 8, axis=0
    ).swapaxes(1, 2),
    "integers with gaps": lambda table: sliding_window_view(
        np.arange(2 * len(table)).reshape(-1, 2), 12, axis=0
    )[::4].swapaxes(1, 2)[:, ::2],
}

SCALERS = [
    None,
    MinMaxScaler(),
    MaxAbsScaler(),
    RobustScaler(),
    QuantileTransformer(n_quantiles=9),
    KBinsDiscretizer(3, encode="onehot", quantile_method="averaged_inverted_cdf"),
    FunctionTransformer(np.abs),
    StandardScaler(copy=False),
    make_pipeline(SimpleImputer(), StandardScaler()),
    ColumnTransformer([("scaled", StandardScaler(), [0])]),
]

OTHERS = [
    SequenceDifferencer(order=2),
    SequenceDifferencer(keep_values=False),
    SequenceImputer(),
    SequencePadder(),
    SequencePadder(5, truncating="pre", padding="pre"),
    SequencePadder(14),
    SequenceFramer(4, hop_length=2),
    SequenceFramer(5, hop_length=3),
    SequenceFramer(20),
]


def assert_same(lazily, array):
    """As an array, and however it is indexed."""
    assert lazily.shape == array.shape
    assert lazily.dtype == array.dtype
    assert len(lazily) == len(array)
    assert lazily.ndim == 3
    digits = 1e-5 if array.dtype == np.float32 else 1e-9
    whole = np.asarray(lazily)
    assert_allclose(whole, array, rtol=digits, atol=digits)
    again = pickle.loads(pickle.dumps(lazily))
    assert_array_equal(np.asarray(again), whole)
    assert joblib.hash(lazily) == joblib.hash(lazily)
    even = np.arange(len(array)) % 2 == 0
    keys = [3, -1, slice(2, 7, 2), np.array([3, 1, 1]), even, [0, 2], ..., slice(0, 0)]
    keys += [(2, -1, 0), (slice(None), -1), (..., 0), (np.array([1, 0]), slice(None))]
    for key in keys:
        assert_array_equal(lazily[key], whole[key])
    assert_array_equal(np.asarray(lazily, dtype=np.float32), whole.astype(np.float32))


@pytest.mark.parametrize("how", WINDOWS)
@pytest.mark.parametrize("scaler", SCALERS, ids=lambda scaler: str(scaler)[:40])
def test_a_scaler_of_windows_is_that_of_their_array(how, scaler):
    """Statistics, windows, and the way back; windows before are windows after."""
    dtype = np.float32 if scaler is None else np.float64
    table = table_of(dtype, gaps=scaler is None)
    given = table.copy()
    X = WINDOWS[how](table)
    if how == "some columns" and isinstance(scaler, ColumnTransformer):
        X = X[:, :, :1]
    array = np.array(X)
    ours, reference = (clone(SequenceScaler(scaler)) for _ in range(2))
    scaled = ours.fit(X).transform(X)
    expected = reference.fit(array.copy()).transform(array.copy())
    assert_same(scaled, expected)
    assert windows_of(scaled) is not None
    assert isinstance(scaled, Windows) == isinstance(X, Windows)
    assert_array_equal(table, given)
    assert_array_equal(np.asarray(X), array)
    if hasattr(ours, "inverse_transform") and not isinstance(scaler, type(SCALERS[-2])):
        restored = ours.inverse_transform(scaled)
        assert windows_of(restored) is not None
        digits = 1e-4 if dtype == np.float32 else 1e-9
        assert_allclose(
            np.asarray(restored), reference.inverse_transform(expected), rtol=digits
        )


@pytest.mark.parametrize("how", WINDOWS)
@pytest.mark.parametrize("transformer", OTHERS, ids=str)
def test_other_transformers_of_windows_are_those_of_their_array(how, transformer):
    """Computed when it is read or a view, with the values it always had."""
    dtype = np.float32 if "some" in how else np.float64
    X = WINDOWS[how](table_of(dtype, gaps="full" not in how))
    array = np.array(X)
    ours, reference = clone(transformer), clone(transformer)
    changed = ours.fit(X).transform(X)
    assert_same(changed, reference.fit(array).transform(array))
    is_view = isinstance(changed, np.ndarray) and not changed.flags.owndata
    assert is_view or isinstance(changed, LazyArray)


@pytest.mark.parametrize("how", ["full", "padded in front", "of series"])
@pytest.mark.parametrize("strategy", ["ffill", "bfill", "linear"])
@pytest.mark.parametrize("fill_value", ["mean", "median", 0.5])
def test_missing_values_in_windows(how, strategy, fill_value):
    """No window takes from another; the mean and median count rows as often."""
    table = table_of()
    table[rng.random(table.shape) < 0.3] = np.nan
    table[:, 1] = np.where(np.isnan(table[:, 0]), 1, table[:, 1])
    X = WINDOWS[how](table)
    array = np.array(X)
    imputer = SequenceImputer(strategy, fill_value=fill_value, add_indicator=True)
    reference = clone(imputer).fit(array)
    imputer.fit(X)
    assert_allclose(imputer.statistics_, reference.statistics_, rtol=1e-12)
    assert_array_equal(imputer.indicator_features_, reference.indicator_features_)
    assert_same(imputer.transform(X), reference.transform(array))
    # With nothing to fill in, indicators are columns of the table.
    known = WINDOWS[how](np.nan_to_num(table))
    flagged = imputer.transform(known)
    assert windows_of(flagged) is not None
    assert_same(flagged, reference.transform(np.array(known)))


def test_a_feature_that_is_missing_everywhere():
    """The message counts the timesteps of all windows."""
    table = table_of()
    table[:, 1] = np.nan
    X, _ = make_windows(table, 8, target=0)
    with pytest.raises(ValueError, match=rf"missing at all {len(X) * 8} timesteps"):
        SequenceImputer().fit(X)


# -- statistics -----------------------------------------------------------------------


@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=20),
    st.integers(1, 5),
    st.integers(1, 3),
)
@settings(law, max_examples=20)
def test_windows_of_a_row_are_counted(labels, n_timesteps, rate):
    """As a loop counts them, through series, padding and every second window."""
    labels = np.repeat(labels, 1 + (n_timesteps - 1) * rate)
    table = np.arange(1.0, len(labels) + 1)[:, None]
    frame = pd.DataFrame({"value": table[:, 0], "series": labels})
    windows = SlidingWindows(n_timesteps, sampling_rate=rate, groups="series")
    X = windows.fit_transform(frame)
    counts = count_windows(X)
    values, expected = np.unique(np.asarray(X), return_counts=True)
    found = dict(zip(values, expected, strict=True))
    for row, count in zip(X.table[:, 0], counts, strict=True):
        assert count == (0 if np.isnan(row) else found[row])


def test_rows_in_no_window_do_not_count():
    """Not even if no scaler could take them, or the imputer or the padder."""
    table = table_of()
    poisoned = np.concatenate([np.full((9, 2), np.inf), table, [[np.nan, 1]] * 9])
    X = sliding_window_view(poisoned, 8, axis=0).swapaxes(1, 2)[9:-9]
    between = table_of()
    between[8::10] = between[9::10] = 1e30
    gaps = sliding_window_view(between, 8, axis=0).swapaxes(1, 2)[::10]
    groups = np.repeat([0, 1], [6, N_ROWS - 6])
    frame = pd.DataFrame(table, columns=["a", "b"]).assign(series=groups)
    frame.loc[:5, ["a", "b"]] = 1e30  # a series too short for a window
    short = make_windows(frame, 8, groups="series", target="a")[0]
    for windows in (X, short):
        assert windows_of(windows) is not None
    for windows in (X, gaps, short):
        for transformer in (SequenceScaler(), SequenceScaler(RobustScaler())):
            fitted = clone(transformer).fit(windows)
            reference = clone(transformer).fit(np.array(windows))
            assert_same(
                fitted.transform(windows), reference.transform(np.array(windows))
            )
        assert_array_equal(
            np.asarray(SequenceDifferencer().fit_transform(windows)),
            SequenceDifferencer().fit_transform(np.array(windows)),
        )


def test_statistics_count_a_row_as_often_as_it_is_in_a_window():
    """Of the StandardScaler by weights, of others by rows that are repeated."""
    X, _ = make_windows(np.arange(20.0), 8)
    scaler = SequenceScaler().fit(X).scaler_
    assert_allclose(scaler.mean_, np.mean(X))
    assert_allclose(scaler.var_, np.var(X))
    assert scaler.n_samples_seen_ == X.size
    robust = SequenceScaler(RobustScaler()).fit(X).scaler_
    assert_array_equal(robust.center_, [np.median(X)])
    parts = SequenceScaler().partial_fit(X[:6]).partial_fit(X[6:]).scaler_
    assert_allclose(parts.mean_, np.mean(X))
    assert parts.n_samples_seen_ == X.size


def test_rows_are_repeated_within_bounds(monkeypatch):
    """In the same proportions, as far as whole numbers allow; each at least once."""
    X, _ = make_windows(np.arange(100.0), 40)
    batch = SequenceBatch(X, np.full(len(X), 40), True)
    table = StepTable.of(batch)
    assert len(table.repeated()) == table.n_steps == X.size
    monkeypatch.setattr(base, "REPEATED_BYTES", 8 * X.size // 4)
    values, copies = np.unique(table.repeated(), return_counts=True)
    assert_array_equal(values, table.rows[:, 0])
    assert_array_equal(copies, np.maximum(np.rint(table.counts / 4), 1))
    monkeypatch.setattr(base, "REPEATED_BYTES", 0)
    assert_array_equal(np.unique(table.repeated()), table.rows[:, 0])
    assert len(table.repeated()) < 2 * len(table.rows)


# -- what stands behind ---------------------------------------------------------------


@pytest.mark.parametrize("how", ["full", "padded in front", "of series"])
def test_transformers_one_behind_the_other(how):
    """Whichever of them is a view, and whichever is computed when it is read."""
    X = WINDOWS[how](table_of())
    array = np.array(X)
    chains = [
        [SequenceScaler(), SequenceDifferencer(), SequenceScaler(), SequenceFramer(4)],
        [SequenceDifferencer(), SequenceScaler(MinMaxScaler()), SequencePadder(12)],
        [SequencePadder(9), SequenceScaler(PCA(1)), SequenceImputer()],
        [SequenceFramer(3, hop_length=1), SequenceScaler(), SequenceDifferencer()],
    ]
    for chain in chains:
        assert_same(
            make_pipeline(*map(clone, chain)).fit_transform(X),
            make_pipeline(*map(clone, chain)).fit_transform(array),
        )


def test_what_was_transformed_stays_as_it_is():
    """Neither the data nor the transformer can change it later."""
    table = table_of()
    X, _ = make_windows(table, 8, target=0)
    array = np.array(X)
    scaler, differencer = SequenceScaler(), SequenceDifferencer()
    scaled = scaler.fit_transform(X)
    differences = differencer.fit_transform(X)
    rescaled = scaler.fit(differences).transform(differences)
    expected = [np.array(part) for part in (scaled, differences, rescaled)]
    table += 100
    scaler.partial_fit(np.ones((1, 3, 4)))
    differencer.set_params(order=2).fit(array)
    for part, values in zip((scaled, differences, rescaled), expected, strict=True):
        assert_array_equal(np.asarray(part), values)
    assert not scaled.flags.writeable


@pytest.mark.parametrize("how", ["full", "of series"])
def test_estimators_and_splits_read_them_as_an_array(how, tmp_path):
    """The same bits, from pipelines, with a memory and in every split."""
    X = WINDOWS[how](table_of(np.float32))
    y = rng.normal(size=len(X))
    network = BiLSTMRegressor(2, epochs=1, random_state=0)
    for transformer in (SequenceScaler(), SequenceDifferencer()):
        changed = transformer.fit_transform(X)
        array = np.array(changed)
        expected = clone(network).fit(array, y).predict(array)
        assert_array_equal(clone(network).fit(changed, y).predict(changed), expected)
        pipeline = make_pipeline(transformer, network, memory=str(tmp_path))
        for _ in range(2):  # made, then remembered
            assert_array_equal(pipeline.fit(X, y).predict(X), expected)
        for split in (KFold(3), TimeSeriesSplit(3)):
            for train, test in split.split(changed, y):
                assert_array_equal(changed[train], array[train])
                assert_array_equal(changed[test], array[test])
        halves = [train_test_split(part, random_state=0) for part in (changed, array)]
        for half, expected_half in zip(*halves, strict=True):
            assert_array_equal(half, expected_half)


def test_a_function_gives_an_array():
    """pad_sequences promises one."""
    X = WINDOWS["padded in front"](table_of())
    padded = pad_sequences(X, 10)
    assert isinstance(padded, np.ndarray)
    assert_array_equal(padded, pad_sequences(np.array(X), 10))


# -- what is refused ------------------------------------------------------------------


def test_what_fails_does_so_in_transform():
    """Not later, in the network; and it says where, counted in samples."""
    large = np.where(np.arange(30)[:, None] % 2, 3e38, 2e38).astype(np.float32)
    X = sliding_window_view(large, 4, axis=0).swapaxes(1, 2)
    assert np.isfinite(np.asarray(SequenceDifferencer().fit_transform(X))).all()
    large[::2] *= -1
    with pytest.raises(ValueError, match="differences are too large for float32"):
        SequenceDifferencer().fit_transform(X)
    table = table_of()
    table[30, 1] = np.nan
    X, _ = make_windows(table, 8, target=0)
    message = r"sample 23, timestep 7, feature 1\), which PCA\(\) does not take"
    with pytest.raises(ValueError, match=message):
        SequenceScaler(PCA()).fit(X)
    padded = SequencePadder(9).fit_transform(X)
    assert isinstance(padded, ChangedSequences)
    scaler = SequenceScaler(PCA()).fit(padded[:10])
    with pytest.raises(ValueError, match="sample 23, timestep 7, feature 1"):
        scaler.transform(padded)
    with pytest.raises(ValueError, match="expects the three axes"):
        scaler.inverse_transform(SequencePadder(9).fit_transform(X[:, :, :1]))


def test_a_scaler_that_fails_on_windows():
    """As on an array: another number of rows, infinity, nothing but NaN."""
    X, _ = make_windows(np.arange(20.0), 4)
    for function, message in (
        (lambda rows: rows[1:], "returned 18 rows for 19"),
        (lambda rows: np.where(rows == 3, np.nan, rows), "this one holds data"),
        (lambda rows: np.where(rows == 3, np.inf, rows), "No estimator takes it"),
    ):
        scaler = SequenceScaler(FunctionTransformer(function)).fit(X)
        with pytest.raises(ValueError, match=message):
            scaler.transform(X)


def test_encoded_categories_in_windows():
    """Another number of columns, sparse, out of a table with padding."""
    codes = np.arange(30)[:, None] % 3
    X = SlidingWindows(5).fit_transform(codes)
    scaler = SequenceScaler(OneHotEncoder())
    assert_same(scaler.fit_transform(X), clone(scaler).fit_transform(np.array(X)))


# -- memory ---------------------------------------------------------------------------


@pytest.mark.parametrize("groups", [False, True])
@pytest.mark.parametrize(
    "transformers",
    [
        [SequenceScaler()],
        [SequenceScaler(RobustScaler())],
        [SequenceImputer(), SequencePadder(), SequenceScaler()],
        [SequenceFramer(10, hop_length=5)],
        [SequenceDifferencer(order=2)],
    ],
    ids=str,
)
def test_windows_are_not_made(transformers, groups):
    """Of 60 MB of windows over 128 kB of rows, nothing is made that is half as large.

    What a scaler without weights is given is bounded by itself.
    """
    table = rng.normal(size=(8_000, 2))
    if groups:
        table = np.column_stack([table, np.arange(8_000) % 3])
    X, _ = make_windows(table, 500, target=0, groups=2 if groups else None)
    whole = int(np.prod(X.shape)) * 8
    assert whole > 50e6
    tracemalloc.start()
    try:
        for transformer in transformers:
            X = clone(transformer).fit(X).transform(X)
        read_sequences(X)
        X[: len(X) // 50]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    reading = 40e6 if isinstance(X, ChangedSequences) else 0
    assert peak < 24e6 + 2 * reading
    assert X.nbytes < 3e6 or not isinstance(X, LazyArray)
