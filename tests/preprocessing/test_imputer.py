"""SequenceImputer against pandas, sequence by sequence, and by law."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from strategies import law, scattered

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    SequenceImputer,
    SequencePadder,
    SequenceReshaper,
    SequenceScaler,
    SlidingWindows,
    explain_shapes,
    pad_sequences,
)
from sklstm.preprocessing.imputer import STRATEGIES
from sklstm.sequences.batch import split_sequences, valid_steps

nan = np.nan
rng = np.random.default_rng(0)


@st.composite
def with_missing(draw):
    """Sequences with padding anywhere, and NaN beside numbers."""
    _, values = draw(scattered())
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    values[rng.random(values.shape) < draw(st.sampled_from([0.2, 0.6]))] = nan
    values[:, 0] = np.arange(values.shape[2])  # no sample and no feature is empty
    values[-1, 0, 1:] = nan
    return values


def imputed_by_pandas(values, strategy, statistics):
    """One data frame after the other, without its padding."""
    result = np.full(values.shape, nan)
    for row, steps in zip(result, values, strict=True):
        valid = ~np.isnan(steps).all(axis=1)
        frame = pd.DataFrame(steps[valid].astype(float))
        fill = {"ffill": frame.ffill, "bfill": frame.bfill, "linear": frame.interpolate}
        row[valid] = fill[strategy]().fillna(pd.Series(statistics))
    return result


@given(with_missing(), st.sampled_from(STRATEGIES), st.sampled_from(["mean", "median"]))
@law
def test_transform_is_pandas(values, strategy, fill_value):
    """Whatever is missing, wherever the padding is; then nothing is missing."""
    statistic = getattr(pd.DataFrame(values.reshape(-1, values.shape[2])), fill_value)()
    if statistic.isna().any():
        return
    imputer = SequenceImputer(strategy, fill_value=fill_value).fit(values)
    assert_allclose(imputer.statistics_, statistic.astype(float), rtol=1e-5, atol=1e-7)
    filled = imputer.transform(values)
    expected = imputed_by_pandas(values, strategy, imputer.statistics_)
    assert filled.dtype == values.dtype
    assert_allclose(filled, expected, rtol=1e-5, atol=1e-6)
    assert_array_equal(
        np.isnan(filled), ~valid_steps(values)[:, :, None] & (filled != 0)
    )
    assert_array_equal(imputer.transform(filled), filled)


@given(with_missing(), st.sampled_from(STRATEGIES))
@law
def test_samples_and_lists_are_alike(values, strategy):
    """Each sample as if it were alone; a list as the array that it becomes."""
    imputer = SequenceImputer(strategy, fill_value=0).fit(values)
    filled = imputer.transform(values)
    alone = [imputer.transform(row[None])[0] for row in values]
    assert_array_equal(filled, alone)
    sequences = split_sequences(values)
    assert_array_equal(
        imputer.transform(sequences), SequencePadder().fit_transform(filled)
    )


def test_nothing_comes_from_another_sample():
    """Not even where one sequence ends and the next begins with a gap."""
    X = [[[1.0, 10.0], [2.0, 20.0]], [[3.0, nan], [nan, 40.0]], [[nan, 50.0]]]
    filled = SequenceImputer(fill_value=-1.0).fit_transform(X)
    assert_array_equal(filled[1], [[3, -1], [3, 40]])
    assert_array_equal(filled[2], [[-1, 50], [nan, nan]])


def test_indicators():
    """One for each feature of which fit saw a missing value, as in scikit-learn."""
    X = np.array([[[1.0, nan, 5.0], [2.0, 3.0, 5.0], [nan] * 3]])
    imputer = SequenceImputer(add_indicator=True).fit(X)
    assert_array_equal(imputer.indicator_features_, [1])
    assert imputer.n_features_out_ == 4
    filled = imputer.transform(X)[0]
    assert_array_equal(filled, [[1, 3, 5, 1], [2, 3, 5, 0], [nan] * 4])
    rows = np.array([[nan, 1.0, 5.0]])
    of_sklearn = SimpleImputer(add_indicator=True).fit(X[0, :2]).transform(rows)
    assert_array_equal(imputer.transform(rows[None])[0, 0, 1:], of_sklearn[0, 1:])


def test_a_table_has_nothing_to_impute():
    """Its columns are timesteps of one feature: NaN is padding, before and behind."""
    table = np.array([[1.0, nan, 3.0], [4.0, 5.0, nan]])
    filled = SequenceImputer().fit_transform(table)
    assert_array_equal(filled[:, :, 0], table)
    columns = [[1.0, 2.0, nan, 4.0], [5.0, nan, 7.0, 8.0]]
    behind = make_pipeline(SequenceReshaper(2), SequenceImputer())
    assert_array_equal(
        behind.fit_transform(columns), [[[1, 2], [1, 4]], [[5, 14 / 3], [7, 8]]]
    )


def test_what_is_complete_is_not_copied():
    """Nor is an array of windows changed that overlap."""
    X = rng.normal(size=(3, 4, 2))
    assert np.shares_memory(SequenceImputer().fit_transform(X), X)
    rows = np.array([[1.0, 2.0], [nan, 3.0], [4.0, nan]])
    windows = SlidingWindows(2).fit_transform(rows)
    filled = SequenceImputer().fit_transform(windows)
    assert_array_equal(filled[1:, 1], [[1, 3], [4, 3]])
    assert_array_equal(windows[1, 1], [nan, 3])


def test_a_feature_without_values():
    """Nothing can be learnt of it, but a number can be given."""
    X = [[[1.0, nan], [2.0, nan]]]
    with pytest.raises(ValueError, match="Feature 1 of X is missing at all 2 timeste"):
        SequenceImputer().fit(X)
    filled = SequenceImputer(fill_value=0).fit_transform(X)
    assert_array_equal(filled[0], [[1, 0], [2, 0]])


@pytest.mark.parametrize(
    "params",
    [
        {"strategy": "mean"},
        {"fill_value": "ffill"},
        {"fill_value": nan},
        {"fill_value": np.inf},
        {"fill_value": None},
        {"add_indicator": "yes"},
    ],
)
def test_wrong_parameters(params):
    """Named with what is allowed."""
    (name,) = params
    with pytest.raises(ValueError, match=f"'{name}' parameter of SequenceImputer"):
        SequenceImputer(**params).fit([[[1.0, 2.0]]])


# -- in pipelines ---------------------------------------------------------------------

X = rng.normal(size=(24, 6, 3))
X[:, :, 1] = X[:, :, 1] * 5 + 50
X[rng.random(X.shape) < 0.3] = nan
X[:, 0, 2] = 1.0
y = np.arange(24) % 2
TINY = {"units": 2, "epochs": 1, "random_state": 0}


@pytest.mark.parametrize(
    "steps",
    [
        (SequenceScaler(StandardScaler()), SequenceImputer()),
        (SequenceImputer(add_indicator=True), SequenceScaler()),
        (SequencePadder(8, padding="pre"), SequenceImputer("linear")),
        (SequenceScaler(SimpleImputer(add_indicator=True)),),
    ],
    ids=str,
)
def test_pipelines_with_missing_values(steps):
    """Scale, then impute, or the other way round; lists as well as arrays."""
    pipeline = make_pipeline(*steps, BiLSTMClassifier(**TINY)).fit(X, y)
    assert_array_equal(pipeline.predict(split_sequences(X)), pipeline.predict(X))
    assert explain_shapes(pipeline, X, y).failed is None


def test_a_search_over_strategies():
    """What is put in comes from the training folds alone."""
    pipeline = make_pipeline(SequenceImputer(), BiLSTMClassifier(**TINY))
    grid = {"sequenceimputer__strategy": ["ffill", "linear"]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_estimator_[0].statistics_.shape == (3,)


def test_a_long_table_with_holes():
    """Missing values pass pad_sequences, empty rows are left out."""
    table = pd.DataFrame(
        {
            "id": [1, 1, 1, 2],
            "time": [3, 1, 2, 1],
            "a": [nan, 1.0, nan, 4.0],
            "b": [7.0, nan, nan, 6.0],
        }
    )
    padded, _ = pad_sequences(table, groups="id", time="time")
    assert_array_equal(padded[0], [[1, nan], [nan, 7]])
    filled = SequenceImputer().fit_transform(padded)
    assert_array_equal(filled[0], [[1, 6.5], [1, 7]])


def test_carried_values_are_learnt_from():
    """A sensor that reports only when it changes: the last report is the answer."""
    rng = np.random.default_rng(0)
    state = rng.normal(size=(400, 12)).round(1)
    state = np.repeat(state[:, ::4], 4, axis=1)
    reports = np.where(np.arange(12) % 4 == 0, state, nan)
    X = np.stack([rng.normal(size=(400, 12)), reports], axis=2)
    y = state[:, -1] + X[:, -1, 0]
    carried = make_pipeline(
        SequenceImputer(), BiLSTMRegressor(8, epochs=30, random_state=0)
    )
    assert carried.fit(X[:300], y[:300]).score(X[300:], y[300:]) > 0.9
