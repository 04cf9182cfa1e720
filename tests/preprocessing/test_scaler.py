"""SequenceScaler against a loop over timesteps, by law, and word by word."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)
from strategies import law, ragged, scattered

from sklstm import SequencePadder, SequenceReshaper, SequenceScaler

rng = np.random.default_rng(0)
X = rng.normal(3, 2, size=(6, 5, 2))
SHORT = [[1.0, 2.0, 3.0], [4.0], [5.0, 6.0]]


def scaled_by_loop(values, scaler):
    """Timestep after timestep, with a scaler fitted on those that are data."""
    steps = [step for row in values for step in row if not np.isnan(step).all()]
    scaler = clone(scaler).fit(np.array(steps))
    result = np.full(values.shape, np.nan)
    for row, steps in zip(result, values, strict=True):
        for t, step in enumerate(steps):
            if not np.isnan(step).all():
                row[t] = scaler.transform(step[None])[0]
    return result


# -- the values -----------------------------------------------------------------------

SCALERS = [
    StandardScaler(),
    MinMaxScaler(),
    MaxAbsScaler(),
    RobustScaler(),
    PowerTransformer(),
]


@given(scattered(), st.sampled_from(SCALERS[:4]))
@law
def test_transform_is_the_loop(pair, scaler):
    """Any padding, any scaler: each timestep as if it stood alone."""
    sequences, values = pair
    transformer = SequenceScaler(scaler).fit(values)
    expected = scaled_by_loop(values.astype(np.float64), scaler)
    scaled = transformer.transform(values)
    assert scaled.dtype == values.dtype
    assert_allclose(scaled, expected, rtol=1e-4, atol=1e-4)
    assert_array_equal(np.isnan(scaled), np.isnan(values))
    padded = SequencePadder().fit_transform(sequences)
    assert_array_equal(
        SequencePadder().fit_transform(scaled), transformer.transform(padded)
    )
    assert_array_equal(transformer.transform(sequences), transformer.transform(padded))


@given(ragged(), st.sampled_from(SCALERS[:4]))
@law
def test_inverse_transform_gives_the_values_back(sequences, scaler):
    """Scaling and scaling back is the identity, padding included."""
    transformer = SequenceScaler(scaler)
    scaled = transformer.fit_transform(sequences)
    restored = transformer.inverse_transform(scaled)
    padded = SequencePadder().fit_transform(sequences)
    assert restored.dtype == padded.dtype
    assert_allclose(restored, padded, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "scaler", [None, *SCALERS, QuantileTransformer(n_quantiles=5)], ids=str
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_scaler_and_dtype(scaler, dtype):
    """The type of the values is kept, whatever the scaler computes in."""
    values = X.astype(dtype)
    values[2, 3:] = np.nan
    transformer = SequenceScaler(scaler).fit(values)
    scaled = transformer.transform(values)
    assert scaled.dtype == dtype
    assert_array_equal(np.isnan(scaled), np.isnan(values))
    assert_allclose(transformer.inverse_transform(scaled), values, rtol=1e-4)


def test_zeros_are_data_and_padding_is_not():
    """A zero pulls the mean down, a NaN does not."""
    values = np.array([[2.0, 4.0, 0.0], [6.0, np.nan, np.nan]])[:, :, None]
    assert_array_equal(SequenceScaler().fit(values).scaler_.mean_, [3])
    values[values == 0] = np.nan
    assert_array_equal(SequenceScaler().fit(values).scaler_.mean_, [4])


def test_features_are_scaled_each_by_itself():
    """Over samples and timesteps; not over features."""
    scaled = SequenceScaler().fit_transform(X)
    assert_allclose(scaled.mean(axis=(0, 1)), 0, atol=1e-12)
    assert_allclose(scaled.std(axis=(0, 1)), 1)


def test_integers_become_floats():
    """Counts are scaled as numbers."""
    assert SequenceScaler().fit_transform(np.arange(12).reshape(2, 3, 2)).dtype == float
    same = SequenceScaler(FunctionTransformer())
    assert same.fit_transform(np.arange(12).reshape(2, 3, 2)).dtype.kind == "i"
    assert np.isnan(same.fit_transform(SHORT)[1, 1:]).all()


# -- the shape ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scaler", "n_features"),
    [
        (PCA(1), 1),
        (SplineTransformer(n_knots=3, degree=1), 6),
        (KBinsDiscretizer(3, strategy="uniform"), 6),
        (OneHotEncoder(handle_unknown="ignore"), 60),
        (make_pipeline(StandardScaler(), PCA(2)), 2),
    ],
    ids=str,
)
def test_another_number_of_features(scaler, n_features):
    """What the transformer returns are the features, sparse or not."""
    transformer = SequenceScaler(scaler).fit(X)
    scaled = transformer.transform(X)
    assert scaled.shape == (6, 5, n_features) == (6, 5, transformer.n_features_out_)
    expected = clone(scaler).fit_transform(X.reshape(-1, 2))
    expected = expected.toarray() if scipy.sparse.issparse(expected) else expected
    assert_allclose(scaled.reshape(30, -1), expected)


def test_inverse_of_fewer_features():
    """A projection comes back in the features it came from."""
    transformer = SequenceScaler(PCA(1)).fit(X)
    assert transformer.inverse_transform(transformer.transform(X)).shape == X.shape


def test_a_table_stays_a_table():
    """In front of a reshaper or behind it: its columns are one feature."""
    table = X[:, :, 0]
    for X_in in (table, table.tolist(), pd.DataFrame(table), pl.DataFrame(table)):
        transformer = SequenceScaler().fit(X_in)
        scaled = transformer.transform(X_in)
        assert_allclose(scaled, (table - table.mean()) / table.std())
        assert_allclose(transformer.inverse_transform(scaled), table)
    behind = make_pipeline(SequenceReshaper(), SequenceScaler()).fit_transform(table)
    assert_allclose(behind[:, :, 0], scaled)
    assert transformer.transform(table[:, :, None]).shape == (6, 5, 1)


def test_a_table_of_several_features_is_one_no_more():
    """Two numbers per timestep need three axes."""
    table = X[:, :, 0]
    transformer = SequenceScaler(SplineTransformer(n_knots=2, degree=1)).fit(table)
    assert transformer.transform(table).shape == (6, 5, 2)
    assert not hasattr(transformer, "get_feature_names_out")


def test_full_sequences_are_not_copied_on_the_way_in():
    """The scaler sees the values themselves, as rows."""
    seen = []
    spy = FunctionTransformer(lambda rows: seen.append(rows) or rows)
    SequenceScaler(spy).fit(X).transform(X)
    assert seen
    assert all(np.shares_memory(rows, X) for rows in seen)


def test_x_is_left_alone():
    """Even by a scaler that works in place."""
    values = X.copy()
    values[0, 0] = np.nan
    before = values.copy()
    SequenceScaler(StandardScaler(copy=False)).fit_transform(values)
    assert_array_equal(values, before)


# -- missing values --------------------------------------------------------------------

GAPS = X.copy()
GAPS[0, 3:] = GAPS[1, 0] = np.nan  # padding
GAPS[1, 1, 0] = GAPS[2, 2, 1] = GAPS[5, 4, 0] = np.nan
CODES = np.concatenate([GAPS, rng.integers(0, 3, size=(6, 5, 1))], axis=2)
CODES[np.isnan(GAPS).all(axis=2)] = np.nan


@pytest.mark.parametrize(
    "scaler",
    [
        None,
        RobustScaler(),
        FunctionTransformer(),
        SimpleImputer(add_indicator=True),
        KNNImputer(n_neighbors=2),
        OneHotEncoder(),
        make_pipeline(KNNImputer(), PCA(1)),
        make_pipeline(StandardScaler(), SimpleImputer()),
        ColumnTransformer(
            [("codes", OneHotEncoder(), [2]), ("numbers", StandardScaler(), [0, 1])]
        ),
    ],
    ids=str,
)
def test_missing_values_are_seen(scaler):
    """Any transformer of rows that takes them: rows that are data, none of padding."""
    transformer = SequenceScaler(scaler).fit(CODES)
    valid = ~np.isnan(CODES).all(axis=2)
    rows = CODES[valid]
    expected = clone(scaler or StandardScaler()).fit_transform(rows)
    expected = expected.toarray() if scipy.sparse.issparse(expected) else expected
    changed = transformer.transform(CODES)
    assert_allclose(changed[valid], expected)
    assert np.isnan(changed[~valid]).all()
    assert_array_equal(~np.isnan(changed).all(axis=2), valid)


def test_what_was_missing_is_missing_again():
    """An imputer with indicators knows what it filled in."""
    imputer = SequenceScaler(SimpleImputer(add_indicator=True)).fit(GAPS)
    changed = imputer.transform(GAPS)
    assert_array_equal(np.isnan(changed).any(axis=2), np.isnan(GAPS).all(axis=2))
    assert_array_equal(imputer.inverse_transform(changed), GAPS)
    scaler = SequenceScaler().fit(GAPS)
    assert_allclose(scaler.inverse_transform(scaler.transform(GAPS)), GAPS)


def test_a_transformer_that_takes_no_missing_values():
    """The message says where one is and what to do."""
    message = (
        r"^X contains NaN in only some features of a timestep \(sample 1, timestep 1, "
        r"feature 0\), which PCA\(\) does not take. Put SequenceImputer in front"
    )
    with pytest.raises(ValueError, match=message):
        SequenceScaler(PCA()).fit(GAPS)
    fitted = SequenceScaler(PCA()).fit(X)
    with pytest.raises(ValueError, match=message):
        fitted.transform(GAPS)


def test_data_do_not_become_padding():
    """Neither by leaving the known values out, nor by losing them."""
    first = ColumnTransformer([("first", "passthrough", [0])])
    transformer = SequenceScaler(first).fit(GAPS)
    with pytest.raises(ValueError, match="nothing but NaN is padding, and this one ho"):
        transformer.transform(GAPS)
    loses = FunctionTransformer(lambda rows: np.where(rows > 3, np.nan, rows))
    with pytest.raises(ValueError, match=r"returned nan in column . for the timestep"):
        SequenceScaler(loses).fit_transform(X)


# -- names and output -----------------------------------------------------------------


def test_names_where_the_output_has_columns():
    """A data frame keeps its names; three axes have none."""
    frame = pd.DataFrame(X[:, :, 0], columns=list("abcde"))
    transformer = SequenceScaler().set_output(transform="pandas").fit(frame)
    assert_array_equal(transformer.get_feature_names_out(), list("abcde"))
    scaled = transformer.transform(frame)
    assert isinstance(scaled, pd.DataFrame)
    assert list(scaled.columns) == list("abcde")
    assert not hasattr(transformer.fit(X), "get_feature_names_out")
    assert isinstance(transformer.transform(X), np.ndarray)


def test_pandas_output_leaves_three_axes_alone():
    """Neither the scaler inside nor the result becomes a data frame."""
    with sklearn.config_context(transform_output="pandas"):
        assert isinstance(SequenceScaler().fit_transform(X), np.ndarray)
        assert SequenceScaler().fit(X).scaler_.mean_.shape == (2,)
    fitted = SequenceScaler().fit(X).set_output(transform="pandas")
    assert isinstance(fitted.transform(X), np.ndarray)


# -- in parts -------------------------------------------------------------------------


def test_partial_fit_is_fit():
    """Batch after batch gives the moments of all."""
    transformer = SequenceScaler()
    for rows in (slice(0, 2), slice(2, 6)):
        assert transformer.partial_fit(X[rows]) is transformer
    assert_allclose(transformer.transform(X), SequenceScaler().fit_transform(X))
    with pytest.raises(ValueError, match=r"3 features per timestep .* fitted with 2"):
        transformer.partial_fit(np.ones((1, 2, 3)))
    transformer.fit(X[:2])
    assert_array_equal(transformer.scaler_.n_samples_seen_, 10)


@pytest.mark.parametrize(
    ("scaler", "method", "expected"),
    [
        (None, "partial_fit", True),
        (RobustScaler(), "partial_fit", False),
        (None, "inverse_transform", True),
        (SplineTransformer(), "inverse_transform", False),
        (make_pipeline(StandardScaler()), "inverse_transform", True),
        (make_pipeline(StandardScaler()), "partial_fit", False),
    ],
)
def test_methods_are_those_of_the_scaler(scaler, method, expected):
    """Before fit as after."""
    transformer = SequenceScaler(scaler)
    assert hasattr(transformer, method) == expected
    assert hasattr(transformer.fit(X), method) == expected


def test_the_scaler_is_cloned():
    """What was given stays unfitted."""
    scaler = StandardScaler()
    SequenceScaler(scaler).fit(X).partial_fit(X)
    assert not hasattr(scaler, "mean_")


# -- what is refused ------------------------------------------------------------------

BAD = [
    ([], ValueError, "0 sequences came"),
    ([[1.0], []], ValueError, "Sequence 1 of X is empty"),
    ([np.ones((2, 2)), np.ones((1, 3))], ValueError, "3 features, but sequence 0"),
    ([[[1, 2], [3]], [[1, 2]]], ValueError, "Sequence 0 of X is ragged itself"),
    ([["a"], [1, 2]], TypeError, "Sequence 0 of X is not numeric"),
    (np.array([[["a", "b"]]]), ValueError, "X holds text"),
    (scipy.sparse.csr_array(np.eye(3)), TypeError, "[Ss]parse"),
    (np.full((2, 2, 2), np.nan), ValueError, "nothing but padding"),
    (np.full((1, 1, 2), np.inf), ValueError, "infinity"),
    (np.ones(3), ValueError, "Expected X with 2 or 3 axes"),
]


@pytest.mark.parametrize(("bad", "error", "message"), BAD)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_bad_input_leaves_no_trace(method, bad, error, message):
    """A clear error, and all attributes as they were."""
    transformer = SequenceScaler().fit(X)
    before = dict(vars(transformer))
    moments = transformer.scaler_.mean_.copy()
    with pytest.raises(error, match=message):
        getattr(transformer, method)(bad)
    assert vars(transformer) == before
    assert_array_equal(transformer.scaler_.mean_, moments)


@pytest.mark.parametrize("bad", [X[0], X[:, :, :1], X[0, 0], X[None]])
def test_inverse_transform_wants_what_transform_gives(bad):
    """Three axes, with the features that transform returned."""
    transformer = SequenceScaler().fit(X)
    with pytest.raises(ValueError, match=r"inverse_transform expects .*n_features=2"):
        transformer.inverse_transform(bad)


def test_a_scaler_that_makes_nan():
    """It would be taken for padding."""
    logarithm = SequenceScaler(FunctionTransformer(np.log)).fit(np.ones((1, 2, 1)))
    message = "FunctionTransformer.* returned -inf in column 0 for the timestep"
    with (
        np.errstate(divide="ignore"),
        pytest.raises(ValueError, match=message),
    ):
        logarithm.transform(np.zeros((1, 2, 1)))


def test_a_scaler_that_drops_rows():
    """One row for each timestep, or padding could not be put back."""
    dropping = SequenceScaler(FunctionTransformer(lambda a: a[:1]))
    with pytest.raises(ValueError, match="returned 1 rows for 30 timesteps"):
        dropping.fit_transform(X)


@pytest.mark.parametrize("scaler", ["standard", 3, object(), KMeans])
def test_what_is_no_scaler(scaler):
    """An instance with fit and transform."""
    with pytest.raises((ValueError, TypeError)):
        SequenceScaler(scaler).fit(X)
