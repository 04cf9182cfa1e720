"""What is known in advance: windows that go on over the horizon, and learning."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import make_pipeline
from strategies import dtypes, law, numbers

from sklstm import (
    BiLSTMRegressor,
    BiLSTMTimestepRegressor,
    SequenceScaler,
    make_windows,
)

nan = np.nan
SIZES = st.integers(1, 3)


def framed_by_loop(table, labels, n_timesteps, horizon, stride, is_known):
    """Window after window, in the order of their last rows."""
    found = []
    for label in sorted(set(labels)):
        rows = [k for k, other in enumerate(labels) if other == label]
        for start in range(0, len(rows) - n_timesteps - horizon + 1, stride):
            past = rows[start : start + n_timesteps]
            future = rows[start + n_timesteps :][:horizon]
            steps = [[*table[row], 0] for row in past]
            steps += [[*np.where(is_known, table[row], 0), 1] for row in future]
            found.append((past[-1], steps, future))
    found.sort(key=lambda window: window[0])
    _, X, index = zip(*found, strict=True)
    return np.array(X), np.array(index)


@given(
    st.lists(st.sampled_from("ab"), min_size=8, max_size=14),
    SIZES,
    SIZES,
    SIZES,
    SIZES,
    st.booleans(),
    dtypes,
)
@law
def test_known_is_the_loop(
    labels, n_features, n_timesteps, horizon, stride, grouped, dtype
):
    """Any sizes, one series or several; the index says where each target is."""
    labels = labels if grouped else ["a"] * len(labels)
    if max(map(labels.count, "ab")) < n_timesteps + horizon:
        return
    table = numbers((len(labels), n_features + 1), dtype, len(labels))
    is_known = np.arange(n_features + 1) > 0
    X, y, index = make_windows(
        table,
        n_timesteps,
        horizon=horizon,
        target=0,
        stride=stride,
        groups=labels if grouped else None,
        known=is_known,
        return_index=True,
    )
    sizes = (n_timesteps, horizon, stride)
    expected, rows = framed_by_loop(table, labels, *sizes, is_known)
    assert X.dtype == dtype
    assert_array_equal(X, expected)
    assert_array_equal(index, rows[:, 0] if horizon == 1 else rows)
    assert_array_equal(y, table[index, 0])


FRAME = pd.DataFrame(
    {
        "shop": list("ababab"),
        "sold": [1.0, 10, 2, 20, 3, 30],
        "price": [5.0, 50, 6, 60, 7, 70],
        "holiday": [0, 0, 1, 1, 0, 0],
    }
)


@pytest.mark.parametrize(
    "known", [["price"], [2], [-2], [False, False, True, False], pd.Index(["price"])]
)
def test_written_out(known):
    """By name, index or mask; what is not known is blank."""
    X, y = make_windows(FRAME, 2, groups="shop", target="sold", known=known)
    past = [[[1, 5, 0, 0], [2, 6, 1, 0]], [[10, 50, 0, 0], [20, 60, 1, 0]]]
    assert_array_equal(X[:, :2], past)
    assert_array_equal(X[:, 2], [[0, 7, 0, 1], [0, 70, 0, 1]])
    assert_array_equal(y, [3, 30])


def test_the_target_may_be_all_that_is_not_known():
    """Then it need not be named."""
    series = FRAME[["sold", "price"]]
    X, y = make_windows(series, 3, horizon=2, known=["price"])
    named = make_windows(series, 3, horizon=2, known=["price"], target="sold")
    assert_array_equal(X, named[0])
    assert_array_equal(y, named[1])


def test_rows_without_values_stay_padding():
    """The flag does not make data of them; a future without target needs no value."""
    series = np.array([[nan, nan], [1.0, 5.0], [nan, 6.0]])
    X, y = make_windows(series, 2, target=0, known=[1])
    assert_array_equal(X[0], [[nan] * 3, [1, 5, 0], [0, 6, 1]])
    assert np.isnan(y).all()


def test_index_without_known():
    """When each target was, of series that stand in one another."""
    days = pd.Series(pd.date_range("2026-05-01", periods=6))
    _, y, index = make_windows(
        FRAME, 1, groups="shop", target="sold", horizon=2, return_index=True
    )
    assert_array_equal(index, [[2, 4], [3, 5]])
    assert_array_equal(FRAME["sold"].to_numpy()[index], y)
    assert days.to_numpy()[index].shape == y.shape
    *_, index = make_windows(np.arange(5.0), 2, return_index=True)
    assert_array_equal(index, [2, 3, 4])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"known": ["price"]}, r"does not go with target=None: what is to be forecast"),
        ({"known": ["sold"], "target": "sold"}, "target='sold': what is to be forec"),
        ({"known": ["shop"], "target": "sold"}, "has the column of groups"),
        ({"known": ["size"], "target": "sold"}, "'size', which is no column"),
        ({"known": [9], "target": "sold"}, "has 9, which is no column"),
        ({"known": [True], "target": "sold"}, "for each of the 4 columns"),
        ({"known": "price"}, "'known' parameter of make_windows must be an array-like"),
        ({"return_index": 1}, "'return_index' parameter of make_windows"),
    ],
)
def test_what_cannot_be_known(arguments, message):
    """The message says what came and what to do."""
    with pytest.raises(ValueError, match=message):
        make_windows(FRAME, 2, groups="shop", **arguments)


# -- learnt from -----------------------------------------------------------------------


def load_series(n_rows, seed=0):
    """Heaters that are charged for tomorrow, and what the weekday does."""
    rng = np.random.default_rng(seed)
    day = np.arange(n_rows)
    cold = np.maximum(rng.normal(8, 6, size=n_rows), 0)
    load = cold + np.append(cold[1:], 0) - 15 * (day % 7 >= 5)
    columns = {"load": load, "cold": cold, "weekend": day % 7 >= 5}
    return pd.DataFrame(columns).astype(float)


@pytest.fixture(scope="module")
def errors():
    """Mean absolute errors on days that were not trained on."""
    known = ["cold", "weekend"]
    table = load_series(500)
    train, test = slice(0, 380), slice(390, None)
    settings = {"epochs": 30, "learning_rate": 0.01, "random_state": 0}
    found = {}
    for name, columns in {"known": known, "unknown": None}.items():
        X, y = make_windows(table, 7, horizon=3, target="load", known=columns)
        pipeline = make_pipeline(SequenceScaler(), BiLSTMRegressor(12, **settings))
        predicted = pipeline.fit(X[train], y[train]).predict(X[test])
        found[name] = mean_absolute_error(y[test], predicted)
    X, y = make_windows(table, 7, horizon=3, target="load", known=known)
    is_future = X[:, :, -1]
    steps = np.full(is_future.shape, nan)
    steps[:, 7:] = y
    for direction, units in {"bidirectional": 12, "forward": 24}.items():
        network = BiLSTMTimestepRegressor(units, direction=direction, **settings)
        pipeline = make_pipeline(SequenceScaler(), network).fit(
            X[train],
            steps[train],
            bilstmtimestepregressor__sample_weight=is_future[train],
        )
        predicted = pipeline.predict(X[test])[:, 7:]
        # The day after the last is in no window.
        found[direction] = mean_absolute_error(y[test, :2], predicted[:, :2])
    return found


def test_one_output_per_window(errors):
    """With what is known the error is a fraction of that without."""
    assert errors["known"] < errors["unknown"] / 2


def test_an_output_at_every_timestep(errors):
    """Weight zero on the past; who reads backwards knows tomorrow's weather."""
    assert errors["bidirectional"] < errors["known"]
    assert errors["bidirectional"] < errors["forward"] / 2
