"""Tables of text, numbers and dates, by way of a ColumnTransformer, into sequences."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from sklstm import (
    BiLSTMRegressor,
    SequenceDifferencer,
    SequenceFramer,
    SequencePadder,
    SequenceReshaper,
    SequenceScaler,
    SlidingWindows,
    explain_shapes,
)

N_ROWS = 12
rng = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "machine": np.tile(["drill", "lathe", "press"], 4),
        "when": pd.date_range("2026-01-01", periods=N_ROWS, freq="h"),
        "plant": np.repeat(["north", "south"], 6),
        "load": rng.normal(size=N_ROWS),
        "heat": rng.normal(size=N_ROWS),
    }
)
FRAMES = {"pandas": FRAME, "polars": pl.from_pandas(FRAME)}
y = np.arange(N_ROWS, dtype=float)


def encoded(*kept, **params):
    """Machines one-hot, numbers scaled, some columns as they are."""
    return make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["machine"]),
        (StandardScaler(), ["load", "heat"]),
        ("passthrough", list(kept)),
        **{"verbose_feature_names_out": False, **params},
    )


def windows(**params):
    return SlidingWindows(3, groups="plant", time="when", **params)


NETWORK = BiLSTMRegressor(2, epochs=1, random_state=0)


@pytest.mark.parametrize("container", FRAMES)
def test_windows_of_a_mixed_table(container):
    """Names go through; the windows are those of the encoded numbers."""
    frame = FRAMES[container]
    pipeline = make_pipeline(encoded("plant", "when"), windows())
    pipeline.set_output(transform=container)
    cut = np.asarray(pipeline.fit_transform(frame))
    numbers = encoded().fit_transform(FRAME)
    for row in range(N_ROWS):
        first = max(row - 2, row // 6 * 6)  # of the window, within its plant
        n_steps = row - first + 1
        assert np.isnan(cut[row, : 3 - n_steps]).all()
        assert_allclose(cut[row, 3 - n_steps :, :5], numbers[first : row + 1])
    assert_array_equal(
        pipeline[-1].feature_names_out_,
        ["machine_drill", "machine_lathe", "machine_press", "load", "heat", "elapsed"],
    )


def test_without_set_output():
    """Columns go by number then; text beside numbers makes objects of all."""
    by_name = make_pipeline(encoded("plant", "when"), windows())
    by_name.set_output(transform="pandas")
    by_number = make_pipeline(
        encoded("plant", "when"), SlidingWindows(3, groups=5, time=6)
    )
    assert_array_equal(
        np.asarray(by_number.fit_transform(FRAME)),
        np.asarray(by_name.fit_transform(FRAME)),
    )


@pytest.mark.parametrize("how", ["set_output", "config"])
def test_pipelines_learn_search_and_clone(how):
    """With data frames between all steps, whoever asked for them."""
    steps = encoded("plant", "when"), windows(), SequenceScaler(), NETWORK
    pipeline = make_pipeline(*steps)
    if how == "set_output":
        pipeline.set_output(transform="pandas")
    with sklearn.config_context(
        transform_output="pandas" if how == "config" else "default"
    ):
        predicted = clone(pipeline).fit(FRAME, y).predict(FRAME)
        assert predicted.shape == (N_ROWS,)
        grid = {"slidingwindows__n_timesteps": [2, 3]}
        search = GridSearchCV(pipeline, grid, cv=2).fit(FRAME, y)
        assert search.predict(FRAME).shape == (N_ROWS,)


def test_reshaper_of_a_mixed_table():
    """A lagged table with a category beside it."""
    pipeline = make_pipeline(encoded(), SequenceReshaper(n_timesteps=1), NETWORK)
    pipeline.set_output(transform="pandas").fit(FRAME, y)
    assert_array_equal(
        pipeline[1].feature_names_in_,
        ["machine_drill", "machine_lathe", "machine_press", "load", "heat"],
    )
    assert pipeline[:-1].transform(FRAME).shape == (N_ROWS, 1, 5)


def hours(frame):
    return pd.DataFrame({"hour": frame["when"].dt.hour.astype(float)})


def test_dates_become_numbers():
    """A function of the column, with a name for what it makes."""
    hour = FunctionTransformer(
        hours, feature_names_out=lambda self, names: np.array(["hour"], dtype=object)
    )
    columns = make_column_transformer((hour, ["when"]), ("passthrough", ["load"]))
    pipeline = make_pipeline(columns, SlidingWindows(2))
    pipeline.set_output(transform="pandas")
    cut = np.asarray(pipeline.fit_transform(FRAME))
    assert_array_equal(cut[1:, 1, 0], np.arange(1, N_ROWS))
    assert list(pipeline[-1].feature_names_out_) == [
        "functiontransformer__hour",
        "passthrough__load",
    ]


THREE_AXES = [
    SequenceReshaper(),
    SequencePadder(),
    SequenceFramer(2, hop_length=1),
    SequenceDifferencer(),
    SlidingWindows(2),
]


@pytest.mark.parametrize("container", FRAMES)
@pytest.mark.parametrize("transformer", [*THREE_AXES, SequenceScaler()], ids=str)
def test_set_output(transformer, container):
    """A table becomes a data frame, three axes stay an array, however asked for."""
    numbers = FRAMES[container][["load", "heat"]]
    plain = np.asarray(clone(transformer).fit_transform(numbers))
    given = clone(transformer).set_output(transform=container)
    with sklearn.config_context(transform_output=container):
        results = [
            given.fit_transform(numbers),
            given.fit(numbers).transform(numbers),
            clone(transformer).fit_transform(numbers),
        ]
    for result in results:
        assert_array_equal(np.asarray(result), plain)
        assert hasattr(result, "columns") == (plain.ndim == 2)
    assert hasattr(given, "get_feature_names_out") == (plain.ndim == 2)


def test_explain_shapes_of_a_mixed_table():
    """Encoded columns, then windows of them."""
    pipeline = make_pipeline(encoded("plant", "when"), windows(), NETWORK)
    report = explain_shapes(pipeline.set_output(transform="pandas"), FRAME, y)
    assert [step.shape_out for step in report.steps[:3]] == [
        "12 samples x 5 columns",
        "12 samples x 7 columns",
        "12 samples x 3 timesteps x 6 features",
    ]


def test_many_categories_are_sparse():
    """A ColumnTransformer makes mostly zeros sparse: the repair is named."""
    one_hot = make_column_transformer((OneHotEncoder(), ["machine", "plant", "when"]))
    for step in (SequenceReshaper(), SlidingWindows(2), NETWORK):
        with pytest.raises(TypeError, match=r"ColumnTransformer, set its sparse_thres"):
            make_pipeline(one_hot, step).fit(FRAME, y)
    dense = clone(one_hot).set_params(sparse_threshold=0)
    assert make_pipeline(dense, SlidingWindows(2)).fit_transform(FRAME).shape[0] == 12
