"""Data that can be read, but look like a mistake: who is warned, and who is not."""

import warnings

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepRegressor,
    SequenceFramer,
    SequenceReshaper,
    SequenceScaler,
    SlidingWindows,
    WindowedEnsemble,
    make_windows,
)

rng = np.random.default_rng(0)
WALK = np.cumsum(rng.normal(size=120)) / 10
WINDOWS, NEXT = make_windows(WALK, 6)
NOISE = rng.normal(size=(60, 5, 2))
LABELS = np.arange(60) % 2
SMOOTH = np.cumsum(rng.normal(size=(60, 24, 3)), axis=1) * [1, 5, 9]
PEAKS = np.exp(-(((np.arange(64) - 64 * rng.random((60, 10, 1))) / 8) ** 2))
DAYS = np.sin(np.arange(24) / 4 + rng.normal(size=(60, 1))) + WALK[:60, None]
DATES = pd.date_range("2020-01-01", periods=len(WALK))
LAGGED = pd.DataFrame(WINDOWS[:, :, 0], index=DATES[6:])

TINY = {"units": 2, "epochs": 1, "pooling": "last", "random_state": 0}


def classifier():
    return BiLSTMClassifier(**TINY)


def regressor():
    return BiLSTMRegressor(**TINY)


def scaled_dates(frame):
    scaler = StandardScaler().set_output(transform="pandas")
    return make_pipeline(scaler, regressor()).fit(frame, NEXT)


def ask_in_a_callback(X):
    class Asking(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.predict(X)

    network = classifier().set_params(callbacks=[Asking()])
    make_pipeline(SequenceScaler(), network).fit(X, LABELS)


def with_offsets(values):
    """One feature as it is, one at a level that the network cannot see through."""
    return np.concatenate([values, 1e4 + values], axis=-1)


SUSPICIOUS = {
    "large": (
        lambda: regressor().fit(1e6 + 1e4 * WINDOWS, NEXT),
        r"X is not scaled: feature 0 is of the order of 1e\+06, which saturates",
    ),
    "one of two is large": (
        lambda: classifier().fit(with_offsets(NOISE), LABELS),
        r"X is not scaled: feature [23] is of the order of 1e\+04",
    ),
    "small": (
        lambda: regressor().fit(1e-5 * WINDOWS, NEXT),
        "which hardly moves the gates",
    ),
    "on a level": (
        lambda: regressor().fit(5 + 1e-3 * WINDOWS, NEXT),
        r"feature 0 is 5 \+- .*, which hardly moves the gates",
    ),
    "large, at every timestep": (
        lambda: BiLSTMTimestepRegressor(units=2, epochs=1).fit(
            1e4 * WINDOWS, WINDOWS[:, :, 0]
        ),
        "BiLSTMTimestepRegressor learns less",
    ),
    "large, inside an ensemble": (
        lambda: WindowedEnsemble(classifier(), n_timesteps=3).fit(1e4 * NOISE, LABELS),
        "BiLSTMClassifier learns less",
    ),
    "validation data without the scaler": (
        lambda: make_pipeline(SequenceScaler(), classifier()).fit(
            NOISE * 50,
            LABELS,
            bilstmclassifier__X_val=NOISE[:20] * 50,
            bilstmclassifier__y_val=LABELS[:20],
        ),
        "X_val does not look like X: around the means of X its features spread 5",
    ),
    "validation data of a smaller scale": (
        lambda: make_pipeline(SequenceScaler(), classifier()).fit(
            NOISE / 50,
            LABELS,
            bilstmclassifier__X_val=NOISE[:20] / 50,
            bilstmclassifier__y_val=LABELS[:20],
        ),
        "X_val does not look like X: around the means of X its features spread 0.0",
    ),
    "what a callback asks about": (
        lambda: ask_in_a_callback(NOISE * 50),
        "What a callback asks about does not look like X.* by the same steps",
    ),
    "swapped axes": (
        lambda: classifier().fit(SMOOTH.swapaxes(1, 2), LABELS),
        "X is read as 3 timesteps of 24 features, but it is smooth along the features",
    ),
    "swapped axes of one feature": (
        lambda: classifier().fit(SMOOTH[:, :, :1].swapaxes(1, 2), LABELS),
        r"X is read as 1 timestep of 24 features.* SequencePadder\(layout=",
    ),
    "swapped axes of arrays in a list": (
        lambda: classifier().fit(list(SMOOTH.swapaxes(1, 2)), LABELS),
        "X is read as 3 timesteps of 24 features",
    ),
    "y is the next row": (
        lambda: regressor().fit(WALK[:-1, None], WALK[1:]),
        r"rows of X follow each other \(y is column 0 one row later\), .* 1 timestep",
    ),
    "y is in the next row": (
        lambda: regressor().fit(np.c_[NOISE[:, 0], WALK[:60]][:-1], WALK[1:60]),
        r"y is column 2 one row later\), .* 3 timesteps of one feature",
    ),
    "y is in the next row, scaled": (
        lambda: make_pipeline(StandardScaler(), regressor()).fit(
            np.c_[NOISE[:, 0], WALK[:60]][:-1], WALK[1:60]
        ),
        r"y is column 2 one row later",
    ),
    "dates": (
        lambda: classifier().fit(pd.DataFrame(NOISE[:, 0], index=DATES[:60]), LABELS),
        r"rows of X have an index of dates \(DatetimeIndex\), but BiLSTMClassifier",
    ),
    "periods": (
        lambda: SequenceScaler().fit(
            pd.DataFrame(NOISE[:, 0], index=DATES[:60].to_period())
        ),
        r"an index of dates \(PeriodIndex\), but SequenceScaler reads each row",
    ),
    "series and dates": (
        lambda: classifier().fit(
            pd.DataFrame(NOISE[:, 0], index=[LABELS, DATES[:60]]), LABELS
        ),
        r"an index of dates \(DatetimeIndex\)",
    ),
    "a column for a window": (
        lambda: regressor().fit(WINDOWS, NEXT).predict(WALK[-6:, None]),
        r"X has shape \(6, 1\) and is read as 6 samples of one timestep, but "
        r"BiLSTMRegressor was fitted on sequences of 6.* X\[None\]",
    ),
    "the last row of a table": (
        lambda: SlidingWindows(4).fit(NOISE[:, 0]).transform(NOISE[-1:, 0]),
        r"longest series of X has 1 row, but a window reaches over 4: .* last 4 rows",
    ),
    "the last rows of every series": (
        lambda: (
            SlidingWindows(3, sampling_rate=2, groups=0)
            .fit(np.c_[LABELS, WALK[:60]])
            .transform(np.c_[LABELS, WALK[:60]][-6:])
        ),
        "longest series of X has 3 rows, but a window reaches over 5",
    ),
    "one window without its first axis": (
        lambda: SequenceScaler().fit(WINDOWS).transform(WINDOWS[0]),
        "SequenceScaler was fitted on sequences of 6",
    ),
}

RIGHT = {
    "the rows of a window": lambda: (
        SlidingWindows(4).fit(NOISE[:, 0]).transform(NOISE[-4:, 0])
    ),
    "the last row behind those of fit": lambda: (
        SlidingWindows(4, context="fit").fit(NOISE[:, 0]).transform(NOISE[-1:, 0])
    ),
    "windows": lambda: regressor().fit(WINDOWS, NEXT).predict(WINDOWS[:1]),
    "samples of one timestep": lambda: (
        regressor().fit(WINDOWS, NEXT).predict(WALK[-6:, None, None])
    ),
    "lagged columns": lambda: regressor().fit(WINDOWS[:, :, 0], NEXT),
    "lagged columns, scaled": lambda: make_pipeline(StandardScaler(), regressor()).fit(
        WINDOWS[:, :, 0], NEXT
    ),
    "lagged columns with dates": lambda: regressor().fit(LAGGED, NEXT),
    "lagged columns with dates, the newest first": lambda: regressor().fit(
        LAGGED.iloc[:, ::-1], NEXT
    ),
    "lagged columns with dates, scaled": lambda: scaled_dates(LAGGED),
    "some lags with dates": lambda: regressor().fit(LAGGED.iloc[:, [0, 3, 5]], NEXT),
    "lags between other columns": lambda: regressor().fit(
        LAGGED.assign(rain=NEXT[::-1])[[0, "rain", 5]].to_numpy(), NEXT
    ),
    "lags and dates, shuffled": lambda: regressor().fit(
        LAGGED.sample(frac=1, random_state=0), NEXT
    ),
    "days of hours": lambda: classifier().fit(
        pd.DataFrame(DAYS, index=DATES[:60]), LABELS
    ),
    "a line on a grid": lambda: regressor().fit(
        np.c_[np.linspace(0, 1, 60), NOISE[:, 0]], 3 * np.linspace(0, 1, 60) + 1
    ),
    "spectra": lambda: classifier().fit(PEAKS, LABELS),
    "small, but seen": lambda: regressor().fit(WINDOWS * 0.01, NEXT),
    "validation data of rare indicators": lambda: classifier().fit(
        np.eye(20)[rng.integers(0, 20, (60, 5))],
        LABELS,
        X_val=np.eye(20)[rng.integers(0, 20, (4, 5))],
        y_val=LABELS[:4],
    ),
    "one sequence near the mean": lambda: classifier().fit(
        NOISE, LABELS, X_val=np.full((1, 5, 2), 0.05), y_val=LABELS[:1]
    ),
    "rows with numbers": lambda: classifier().fit(pd.DataFrame(NOISE[:, 0]), LABELS),
    "smooth over time": lambda: classifier().fit(SMOOTH, LABELS),
    "few smooth samples": lambda: classifier().fit(
        SMOOTH[:4].swapaxes(1, 2), LABELS[:4]
    ),
    "many features without order": lambda: classifier().fit(
        rng.normal(size=(60, 2, 24)), LABELS
    ),
    "frames that overlap": lambda: make_pipeline(
        SequenceFramer(16, hop_length=4), classifier()
    ).fit(SMOOTH[:, :, :1], LABELS),
    "frames side by side": lambda: make_pipeline(
        SequenceFramer(8, hop_length=8), classifier()
    ).fit(SMOOTH[:, :, :1], LABELS),
    "a series as two timesteps": lambda: make_pipeline(
        SequenceReshaper(n_timesteps=2), classifier()
    ).fit(SMOOTH[:, :, 0], LABELS),
    "a constant beside numbers": lambda: classifier().fit(
        np.concatenate([NOISE, np.ones((60, 5, 1))], axis=2), LABELS
    ),
    "nothing but a constant": lambda: classifier().fit(np.ones((60, 5, 1)), LABELS),
    "a rare indicator beside numbers": lambda: classifier().fit(
        np.concatenate([NOISE, 1.0 * (NOISE[:, :, :1] > 3)], axis=2), LABELS
    ),
    "codes of categories": lambda: BiLSTMClassifier(
        **TINY, categorical_features=[0]
    ).fit(rng.integers(500, 900, size=(60, 5, 1)), LABELS),
    "pixels": lambda: classifier().fit(rng.integers(0, 17, size=(60, 8, 8)), LABELS),
    "validation data that go on with a trend": lambda: regressor().fit(
        WINDOWS, NEXT, X_val=WINDOWS[-20:] + 3 * WINDOWS.std(), y_val=NEXT[-20:]
    ),
    "validation data of one sequence": lambda: classifier().fit(
        NOISE, LABELS, X_val=NOISE[:1], y_val=LABELS[:1]
    ),
}


@pytest.mark.parametrize("case", SUSPICIOUS)
def test_warned(case):
    do, message = SUSPICIOUS[case]
    with pytest.warns(UserWarning, match=message):
        do()


@pytest.mark.parametrize("case", RIGHT)
def test_not_warned(case):
    """Any warning is an error here."""
    RIGHT[case]()


def test_what_is_suspicious_is_learnt_all_the_same():
    """A warning changes nothing."""
    plain = regressor().fit(WALK[:-1, None, None], WALK[1:])
    with pytest.warns(UserWarning, match="follow each other"):
        warned = regressor().fit(WALK[:-1, None], WALK[1:])
    np.testing.assert_array_equal(plain.network_.flat, warned.network_.flat)


def test_partial_fit_warns_at_the_first_call():
    with pytest.warns(UserWarning, match="not scaled"):
        going_on = regressor().partial_fit(1e4 * WINDOWS, NEXT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        going_on.partial_fit(1e4 * WINDOWS, NEXT)
