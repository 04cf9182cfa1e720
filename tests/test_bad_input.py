"""Wrong inputs, and the words each of them gets.

Every message says what came, what was expected and what to do. "..." stands for any
text: words of other packages, an order that Python leaves open.
"""

import re
from functools import cache

import keras
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepClassifier,
    BiLSTMTimestepRegressor,
    SequenceDifferencer,
    SequenceFramer,
    SequenceImputer,
    SequencePadder,
    SequenceReshaper,
    SequenceScaler,
    SequenceTokenizer,
    SlidingWindows,
    make_windows,
    pad_sequences,
)
from sklstm.inspection import occlusion_importance, timestep_importance

rng = np.random.default_rng(0)
X = rng.normal(size=(8, 3, 2))
TABLE = X[:, :, 0]
CODES = X.round().clip(0)
FRAME = pd.DataFrame(TABLE, columns=["a", "b", "c"])
y = np.array([0, 1] * 4)
DAYS = pd.date_range("2026-05-01", periods=8)
INDEXED = FRAME.set_index([pd.Index(y, name="id"), pd.RangeIndex(8, name="step")])
STEPS = np.arange(24).reshape(8, 3) % 2
SEVERAL = np.array([[1, 0], [1, 1]] * 4)
ADAM = keras.optimizers.Adam


def classifier(**params):
    return BiLSTMClassifier(**{"units": 2, "epochs": 1, **params})


def regressor(**params):
    return BiLSTMRegressor(**{"units": 2, "epochs": 1, **params})


def timestep_classifier(**params):
    return BiLSTMTimestepClassifier(**{"units": 2, "epochs": 1, **params})


def timestep_regressor(**params):
    return BiLSTMTimestepRegressor(**{"units": 2, "epochs": 1, **params})


def but(array, place, value, dtype=float):
    """A copy of an array with one value, or several, replaced."""
    array = np.array(array, dtype=dtype)
    array[place] = value
    return array


def first_column(rows):
    return rows[:, :1]


@cache
def on_x():
    return classifier().fit(X, y)


@cache
def on_table():
    return classifier().fit(TABLE, y)


@cache
def on_frame():
    return classifier().fit(FRAME, y)


def again(estimator, X=X, y=y, **params):
    """Fit with warm_start, after a first fit and a change of parameters."""
    fitted = estimator.set_params(warm_start=True).fit(globals()["X"], globals()["y"])
    return fitted.set_params(**params).fit(X, y)


def twice(first, second, **params):
    """Two calls of partial_fit."""
    fitted = classifier(**params).partial_fit(*first)
    return fitted.partial_fit(*second)


TEXTS = (
    "If they are texts, put SequenceTokenizer in front: it makes sequences of codes, "
    "of which categorical_features=[0] learns vectors."
)
CATEGORIES = (
    "Encode categories first, for example with sklearn.preprocessing.OneHotEncoder; "
    "SequenceTokenizer makes codes of texts and of lists of tokens."
)

# Its name changed with NumPy 2.
NUMPY_BOOL = f"numpy.{np.bool_.__name__}"

CASES = [
    # X in fit
    (
        "1D X",
        lambda: classifier().fit(TABLE[:, 0], y),
        ValueError,
        "Expected X with 2 or 3 axes, got a 1D array of shape (8,) instead. The "
        "first axis is samples. Reshape your data: X.reshape(1, -1) makes it one "
        "sequence of 8 timesteps, X.reshape(-1, 1) 8 sequences of one timestep.",
    ),
    (
        "4D X",
        lambda: classifier().fit(X[None], y),
        ValueError,
        "X has 4 axes (shape (1, 8, 3, 2)), but BiLSTMClassifier takes (n_samples, "
        "n_columns) or (n_samples, n_timesteps, n_features). Merge the axes that "
        "make up one timestep, for example X.reshape(n_samples, n_timesteps, -1).",
    ),
    (
        "X is a number",
        lambda: classifier().fit(3, y),
        ValueError,
        "Expected X with 2 or 3 axes, got a scalar instead, of type int. Give "
        "BiLSTMClassifier an array or a data frame of shape (n_samples, n_columns), "
        "an array (n_samples, n_timesteps, n_features), or a list of sequences.",
    ),
    (
        "X is None",
        lambda: classifier().fit(None, y),
        ValueError,
        "Expected X with 2 or 3 axes, got a scalar instead, of type NoneType. Give "
        "BiLSTMClassifier an array or a data frame of shape (n_samples, n_columns), "
        "an array (n_samples, n_timesteps, n_features), or a list of sequences.",
    ),
    (
        "X is a dict",
        lambda: classifier().fit({"a": [1, 2]}, y),
        ValueError,
        "X is a dict, whose keys BiLSTMClassifier does not read: it takes data "
        "frames, arrays, or lists of them. Give it pandas.DataFrame(X).",
    ),
    (
        "list of numbers",
        lambda: classifier().fit([1, 2, 3], [0, 1, 0]),
        ValueError,
        "Expected X with 2 or 3 axes, got a 1D array of shape (3,) instead. The "
        "first axis is samples. Reshape your data: X.reshape(1, -1) makes it one "
        "sequence of 3 timesteps, X.reshape(-1, 1) 3 sequences of one timestep.",
    ),
    (
        "series of numbers",
        lambda: classifier().fit(FRAME["a"], y),
        ValueError,
        "Expected X with 2 or 3 axes, got a 1D array of shape (8,) instead. The "
        "first axis is samples. Reshape your data: X.reshape(1, -1) makes it one "
        "sequence of 8 timesteps, X.reshape(-1, 1) 8 sequences of one timestep.",
    ),
    (
        "no samples",
        lambda: classifier().fit(X[:0], y[:0]),
        ValueError,
        "Found array with 0 sample(s) (shape=(0, 3, 2)) while a minimum of 1 is "
        "required by BiLSTMClassifier. Nothing is left of X: see how its rows and "
        "columns were selected.",
    ),
    (
        "no columns",
        lambda: classifier().fit(TABLE[:, :0], y),
        ValueError,
        "Found array with 0 feature(s) (shape=(8, 0)) while a minimum of 1 is "
        "required by BiLSTMClassifier. Nothing is left of X: see how its rows and "
        "columns were selected.",
    ),
    (
        "no columns in a data frame",
        lambda: classifier().fit(FRAME[[]], y),
        ValueError,
        "X has no columns; a minimum of 1 is required by BiLSTMClassifier. Nothing is "
        "left of X: see how its rows and columns were selected.",
    ),
    (
        "complex windows",
        lambda: SlidingWindows(2).fit(TABLE * 1j),
        ValueError,
        "Complex data not supported: SlidingWindows takes real numbers. Give real and "
        "imaginary part of X as two features.",
    ),
    (
        "no columns for windows",
        lambda: SlidingWindows(2).fit(FRAME[[]]),
        ValueError,
        "X has no columns; a minimum of 1 is required by SlidingWindows. Nothing is "
        "left of X: see how its rows and columns were selected.",
    ),
    (
        "no timesteps",
        lambda: classifier().fit(X[:, :0], y),
        ValueError,
        "X has shape (8, 0, 2), axes (n_samples, n_timesteps, n_features): every "
        "sequence needs at least one timestep and one feature.",
    ),
    (
        "text",
        lambda: classifier().fit(np.full((8, 3), "a"), y),
        ValueError,
        f"X holds text (dtype <U1), but BiLSTMClassifier takes numbers. {CATEGORIES}",
    ),
    (
        "text in three axes",
        lambda: classifier().fit(np.full((8, 3, 2), "a"), y),
        ValueError,
        f"X holds text (dtype <U1), but BiLSTMClassifier takes numbers. {CATEGORIES}",
    ),
    (
        "text among objects",
        lambda: classifier().fit(np.full((8, 3, 2), "a", dtype=object), y),
        ValueError,
        "X holds values that are no numbers: could not convert string to float: 'a'. "
        f"BiLSTMClassifier takes numbers only. {CATEGORIES}",
    ),
    (
        "text in a frame",
        lambda: classifier().fit(FRAME.assign(a="x"), y),
        ValueError,
        "X holds values that are no numbers: could not convert string to float: 'x'. "
        f"BiLSTMClassifier takes numbers only. {CATEGORIES}",
    ),
    (
        "list of text",
        lambda: classifier().fit(["abc", "de"], [0, 1]),
        ValueError,
        f"X holds text (dtype <U3), but BiLSTMClassifier takes numbers. {TEXTS}",
    ),
    (
        "series of text",
        lambda: classifier().fit(pd.Series(["abc", "de"]), [0, 1]),
        ValueError,
        "X holds text (in a 1D array of shape (2,)), but BiLSTMClassifier takes "
        f"numbers. {TEXTS}",
    ),
    (
        "a column of text",
        lambda: classifier().fit(pl.DataFrame({"a": ["not bad", "bad"]}), [0, 1]),
        ValueError,
        "X holds values that are no numbers: could not convert string to float: 'not "
        f"bad'. BiLSTMClassifier takes numbers only. {TEXTS}",
    ),
    (
        "counts of words",
        lambda: make_pipeline(TfidfVectorizer(), classifier()).fit(
            ["ab", "c d"], [0, 1]
        ),
        TypeError,
        "Sparse data was passed for X, but dense data is required. Counts of words, as "
        "CountVectorizer and TfidfVectorizer give them, are no sequences: put "
        "SequenceTokenizer in their place. ...",
    ),
    (
        "dates",
        lambda: classifier().fit(
            np.full((8, 3), "2020-01-01", dtype="datetime64[D]"), y
        ),
        ValueError,
        "X holds dates or durations in columns 0, 1, 2 (dtype datetime64[D]), but "
        "BiLSTMClassifier takes numbers. Make them numbers that mean something to a "
        "network, for example hours since the timestep before.",
    ),
    (
        "dates in three axes",
        lambda: classifier().fit(np.full((8, 3, 2), "2020", dtype="datetime64[Y]"), y),
        ValueError,
        "X holds dates or durations (dtype datetime64[Y]), but BiLSTMClassifier takes "
        "numbers. Make them numbers that mean something to a network, for example "
        "hours since the timestep before.",
    ),
    (
        "a column of dates",
        lambda: classifier().fit(FRAME.assign(when=DAYS), y),
        ValueError,
        "X holds dates or durations in column 'when' (dtype datetime64[...]), but "
        "BiLSTMClassifier takes numbers. Make them numbers that mean something to a "
        "network, for example hours since the timestep before.",
    ),
    (
        "dates in a frame of polars",
        lambda: regressor().fit(pl.DataFrame({"when": list(DAYS), "a": y}), y),
        ValueError,
        "X holds dates or durations in column 'when' (dtype datetime64[...]), but "
        "BiLSTMRegressor takes numbers. Make them numbers that mean something to a "
        "network, for example hours since the timestep before.",
    ),
    (
        "reshaping dates",
        lambda: SequenceReshaper().fit(pd.DataFrame({"when": DAYS})),
        ValueError,
        "X holds dates or durations in column 'when' (dtype datetime64[...]), but "
        "SequenceReshaper takes numbers. Make them numbers that mean something to a "
        "network, for example hours since the timestep before.",
    ),
    (
        "windows over dates",
        lambda: SlidingWindows(2).fit(FRAME.assign(when=DAYS)),
        ValueError,
        "X holds dates or durations in column 'when' (dtype datetime64[...]), but "
        "SlidingWindows takes numbers. The column that tells when a row was observed "
        "goes to time= of SlidingWindows. Make them numbers that mean something to a "
        "network, for example hours since the timestep before.",
    ),
    (
        "dates in a long table",
        lambda: pad_sequences(FRAME.assign(id=y, when=DAYS), groups="id"),
        ValueError,
        "X holds dates or durations in column 'when' (dtype datetime64[...]), but "
        "pad_sequences takes numbers. The column that tells when a row was observed "
        "goes to time= of pad_sequences. Make them numbers that mean something to a "
        "network, for example hours since the timestep before.",
    ),
    (
        "a date in a sequence",
        lambda: classifier().fit([[DAYS[0], DAYS[1]], [DAYS[2]]], [0, 1]),
        TypeError,
        "Sequence 0 of X is not numeric: it holds dates or durations (dtype object). "
        "Every sequence must be an array of numbers of shape (n_timesteps,) or "
        "(n_timesteps, n_features).",
    ),
    (
        "objects that are no numbers",
        lambda: classifier().fit(FRAME.assign(a=DAYS.to_period("D")), y),
        TypeError,
        "X holds values that are no numbers: float() argument must be a string or a "
        f"real number, not 'Period'. BiLSTMClassifier takes numbers only. {CATEGORIES}",
    ),
    (
        "an id in the index",
        lambda: pad_sequences(INDEXED, groups="id", time="step"),
        ValueError,
        "groups='id' is no column of X, which has 'a', 'b', 'c'. Name one of these, or "
        "give its index. The index of its rows has 'id', 'step': reset_index() makes "
        "columns of these.",
    ),
    (
        "groups in the index",
        lambda: SlidingWindows(2, groups="id").fit(INDEXED),
        ValueError,
        "groups='id' is no column of X, which has 'a', 'b', 'c'. Name one of these, or "
        "give its index. The index of its rows has 'id', 'step': reset_index() makes "
        "columns of these.",
    ),
    (
        "complex",
        lambda: classifier().fit(X + 1j, y),
        ValueError,
        "Complex data not supported: X has dtype complex128, but BiLSTMClassifier "
        "takes real numbers. Give real and imaginary part as two features, for "
        "example np.concatenate([X.real, X.imag], axis=-1).",
    ),
    (
        "sparse",
        lambda: classifier().fit(scipy.sparse.csr_array(TABLE), y),
        TypeError,
        "...dense data is required...toarray()...",
    ),
    (
        "masked array",
        lambda: classifier().fit(np.ma.masked_array(X, X > 0), y),
        ValueError,
        "X is a masked array, but BiLSTMClassifier does not read masks. Use "
        "X.filled(np.nan): a timestep whose features are all NaN is padding.",
    ),
    (
        "names not all text",
        lambda: classifier().fit(FRAME.set_axis(["a", 1, "b"], axis=1), y),
        TypeError,
        "Feature names are only supported...",
    ),
    (
        "infinity",
        lambda: classifier().fit(but(X, (1, 2, 0), np.inf), y),
        ValueError,
        "X contains infinity or a value too large for float32 (sample 1, timestep 2, "
        "feature 0: inf). Replace or drop it, or scale the features first.",
    ),
    (
        "too large for float32",
        lambda: classifier().fit(but(X, (1, 2, 0), 1e39), y),
        ValueError,
        "X contains infinity or a value too large for float32 (sample 1, timestep 2, "
        "feature 0: 1e+39). Replace or drop it, or scale the features first.",
    ),
    (
        "tokenizer, a single text",
        lambda: SequenceTokenizer().fit("one text"),
        ValueError,
        "X is a single text, but SequenceTokenizer takes an iterable of them: give "
        "[X].",
    ),
    (
        "tokenizer, a table",
        lambda: SequenceTokenizer().fit(FRAME),
        ValueError,
        "X is a table with columns 'a', 'b', 'c', but SequenceTokenizer takes texts: "
        "give the column that holds them, X[name]. In a pipeline put "
        'ColumnTransformer([("texts", "passthrough", [name])]) in front, which leaves '
        "that column.",
    ),
    (
        "tokenizer, a missing text",
        lambda: SequenceTokenizer().fit(["one", None]),
        TypeError,
        "X[1] is None, of type NoneType, and no text. Fill what is missing with ''; "
        "numbers need no tokenizer, see categorical_features of the estimators.",
    ),
    (
        "tokenizer, no token left",
        lambda: SequenceTokenizer().fit(["?", "!"]),
        ValueError,
        "No token of X is left to know: empty vocabulary; ... Lower min_df, raise "
        "max_df, or see what token_pattern and stop_words leave.",
    ),
    (
        "a code that is no integer",
        lambda: classifier(categorical_features=[1]).fit(but(CODES, (1, 2, 1), 0.5), y),
        ValueError,
        "Feature 1 of X is in categorical_features, but holds 0.5 (sample 1, timestep "
        "2). A category is an integer of at least 0 and at most 2**53; NaN and "
        "negative numbers are missing. Encode it first, for example with "
        "sklearn.preprocessing.OrdinalEncoder, or leave the feature out of "
        "categorical_features.",
    ),
    (
        "categorical_features, no such feature",
        lambda: classifier(categorical_features=[2]).fit(CODES, y),
        ValueError,
        "categorical_features has 2, but X has 2 features per timestep: give numbers "
        "from 0 to 1.",
    ),
    (
        "categorical_features of a table",
        lambda: classifier(categorical_features=["a"]).fit(FRAME, y),
        ValueError,
        "categorical_features names features, but X is a table, whose columns are "
        "timesteps of one feature. Give BiLSTMClassifier their numbers, or a boolean "
        "mask; names go with a data frame whose cells are sequences, or a list of data "
        "frames.",
    ),
    (
        "columns of frames in another order",
        lambda: pad_sequences([FRAME, FRAME[["c", "a", "b"]]]),
        ValueError,
        "Sequence 1 of X has the columns ['c', 'a', 'b'], but sequence 0 has ['a', "
        "'b', 'c']: features would change places. Give all frames their columns in one "
        "order, by frame[columns], or by frame.select(columns) of pyarrow.",
    ),
    (
        "columns of frames with other names",
        lambda: pad_sequences([X[0], FRAME[["a", "b"]], FRAME[["a", "c"]]]),
        ValueError,
        "Sequence 2 of X has the columns ['a', 'c'], but sequence 1 has ['a', 'b']. "
        "Columns are features, and other names are other features: rename those that "
        "are the same, or give arrays, which have no names.",
    ),
    (
        "columns of frames with the same name",
        lambda: pad_sequences([FRAME[["a", "b", "a"]]]),
        ValueError,
        "X has 2 columns of the name 'a', and features are told apart by names. Rename "
        "or drop one of them, or give arrays, which have no names.",
    ),
    (
        "a frame of sequences to SequenceReshaper",
        lambda: SequenceReshaper().fit(pd.DataFrame({"a": [[1.0, 2.0], [3.0]]})),
        ValueError,
        "X is a data frame whose cells are sequences, but SequenceReshaper takes a "
        "table of numbers, of shape (n_samples, n_columns). Use SequencePadder, which "
        "makes such a frame (n_samples, n_timesteps, n_features).",
    ),
    (
        "categorical_features, then others",
        lambda: again(classifier(), CODES, categorical_features=[0]),
        ValueError,
        "categorical_features=[0] is features [0], but training began with []. Give "
        "it the fitted value, or call fit with warm_start=False to start again.",
    ),
    (
        "NaN in half a timestep",
        lambda: classifier().fit(but(X, (1, 2, 0), np.nan), y),
        ValueError,
        "X contains NaN in only some features of a timestep (sample 1, timestep 2, "
        "feature 0). A timestep whose features are all NaN is padding; NaN beside "
        "numbers is a missing value. Put SequenceImputer behind the step that makes "
        "the sequences, or impute the rows before, for example with "
        "sklearn.impute.SimpleImputer.",
    ),
    (
        "nothing but padding",
        lambda: classifier().fit(but(X, 1, np.nan), y),
        ValueError,
        "Sample 1 of X is nothing but padding: all its timesteps are NaN (1 such "
        "samples of 8). Every sample needs at least one timestep with numbers; drop "
        "these rows from X and y.",
    ),
    (
        "empty sequence",
        lambda: classifier().fit([[1.0], []], [0, 1]),
        ValueError,
        "Sequence 1 of X is empty: it has 0 timesteps. Drop it from X and y; every "
        "sequence needs at least one timestep.",
    ),
    (
        "empty list",
        lambda: classifier().fit([], []),
        ValueError,
        "X is an empty list: 0 sequences came, a minimum of 1 is required.",
    ),
    (
        "unequal features",
        lambda: classifier().fit([np.ones((2, 2)), np.ones((4, 3))], [0, 1]),
        ValueError,
        "Sequence 1 of X has 3 features, but sequence 0 has 2. Every sequence must "
        "be an array of shape (n_timesteps, n_features) with the same n_features.",
    ),
    (
        "axes swapped",
        lambda: classifier().fit([np.ones((3, 43)), np.ones((3, 30))], [0, 1]),
        ValueError,
        "Sequence 1 of X has 30 features, but sequence 0 has 43. Every sequence must "
        "be an array of shape (n_timesteps, n_features) with the same n_features. The "
        "first axis of all is 3: the axes look swapped, (n_features, n_timesteps), as "
        "sktime and aeon have them. If so, give [x.T for x in X], or put "
        'SequencePadder(layout="channels_first") in front.',
    ),
    (
        "padding along features",
        lambda: classifier().fit(
            np.where(np.arange(9) < 5, np.ones((2, 3, 9)), np.nan), [0, 1]
        ),
        ValueError,
        "X contains NaN in only some features of a timestep (sample 0, timestep 0, "
        "feature 5). A timestep whose features are all NaN is padding; NaN beside "
        "numbers is a missing value. Put SequenceImputer behind the step that makes "
        "the sequences, or impute the rows before, for example with "
        "sklearn.impute.SimpleImputer. Or these NaN are padding, and the last two axes "
        "of X are swapped: (n_samples, n_features, "
        'n_timesteps) is what SequencePadder(layout="channels_first") reads.',
    ),
    (
        "axes swapped after fit",
        lambda: on_x().predict(np.ones((4, 2, 9))),
        ValueError,
        "X has 9 features per timestep (shape (4, 2, 9), axes (n_samples, "
        "n_timesteps, n_features)), but BiLSTMClassifier was fitted with 2. Give it "
        "the same features, in the same order. If the second axis is the features, "
        'put SequencePadder(layout="channels_first") in front.',
    ),
    (
        "axes in our order after all",
        lambda: (
            SequencePadder(layout="channels_first")
            .fit(np.ones((4, 2, 9)))
            .transform(np.ones((4, 9, 2)))
        ),
        ValueError,
        "X has 9 features per timestep (shape (4, 2, 9), axes (n_samples, "
        "n_timesteps, n_features)), but SequencePadder was fitted with 2. Give it the "
        'same features, in the same order. With layout="channels_first" the last two '
        "axes of X were swapped before.",
    ),
    (
        "features of unequal length",
        lambda: pad_sequences([[[1, 2], [3]]], layout="channels_first"),
        ValueError,
        "Sequence 0 of X is ragged itself: its features have 2, 1 timesteps. With "
        'layout="channels_first" every sequence must be an array of shape '
        "(n_features, n_timesteps_i).",
    ),
    (
        "axes of a long table",
        lambda: pad_sequences(FRAME, groups="a", layout="channels_first"),
        ValueError,
        'layout="channels_first" was given with groups, but the rows of a long table '
        "are timesteps and its columns features, whatever their order. Leave it out.",
    ),
    (
        "layout of columns for axes",
        lambda: SequencePadder(layout="feature").fit(X),
        ValueError,
        "The 'layout' parameter of SequencePadder must be a str among {...}. Got "
        "'feature' instead.",
    ),
    (
        "a query of polars",
        lambda: classifier().fit(pl.LazyFrame({"a": [1.0]}), [0]),
        TypeError,
        "X is a LazyFrame, a query that has not been run, but BiLSTMClassifier takes "
        "data. Give it X.collect().",
    ),
    (
        "sparse columns",
        lambda: SequenceReshaper().fit(scipy.sparse.csr_array(TABLE)),
        TypeError,
        "Sparse data was passed for X, but dense data is required. Counts of words, as "
        "CountVectorizer and TfidfVectorizer give them, are no sequences: put "
        "SequenceTokenizer in their place. To get a dense table from a "
        "ColumnTransformer, set its sparse_threshold=0; from a OneHotEncoder, its "
        "sparse_output=False; otherwise X.toarray().",
    ),
    (
        "a long table and a y for each sequence",
        lambda: classifier().fit(INDEXED, [0, 1]),
        ValueError,
        "Found input variables with inconsistent numbers of samples: X has 8 (shape "
        "(8, 3, 1)), y has 2. The first axis of X is samples, and every sample needs "
        "one target. If several rows of X are the timesteps of one sequence, make "
        "sequences of them first: pad_sequences(X, groups=...) takes the column that "
        "tells them apart.",
    ),
    (
        "a name that a ColumnTransformer changed",
        lambda: SlidingWindows(2, groups="a").fit(FRAME.add_prefix("remainder__")),
        ValueError,
        "groups='a' is no column of X, which has 'remainder__a', 'remainder__b', "
        "'remainder__c'. Name one of these, or give its index. A ColumnTransformer has "
        "named it 'remainder__a': give that name, or set "
        "verbose_feature_names_out=False there.",
    ),
    (
        "sequence of three axes",
        lambda: classifier().fit([np.ones((2, 2, 2)), np.ones(3)], [0, 1]),
        ValueError,
        "Sequence 0 of X has shape (2, 2, 2). Every sequence must have shape "
        "(n_timesteps,) or (n_timesteps, n_features).",
    ),
    (
        "list with a number",
        lambda: classifier().fit([1, [2, 3]], [0, 1]),
        ValueError,
        "Sequence 0 of X has shape (). Every sequence must have shape (n_timesteps,) "
        "or (n_timesteps, n_features).",
    ),
    (
        "list with None",
        lambda: classifier().fit([None, [2, 3]], [0, 1]),
        ValueError,
        "Sequence 0 of X is missing: in its place stands None. Drop it from X and y; "
        "every sequence needs at least one timestep.",
    ),
    (
        "text in a sequence",
        lambda: classifier().fit([["a"], ["b", "c"]], [0, 1]),
        TypeError,
        "Sequence 0 of X is not numeric: its dtype is <U1. Every sequence must be an "
        "array of numbers of shape (n_timesteps,) or (n_timesteps, n_features). "
        "SequenceTokenizer makes codes of lists of tokens.",
    ),
    (
        "tokens in the cells of a frame",
        lambda: classifier().fit(pd.DataFrame({"a": [["a"], ["b", "c"]]}), [0, 1]),
        TypeError,
        "Sequence 0 of X is not numeric: ... SequenceTokenizer makes codes of lists of "
        "tokens.",
    ),
    (
        "complex sequence",
        lambda: classifier().fit([np.ones(2) * 1j, np.ones(3)], [0, 1]),
        TypeError,
        "Sequence 0 of X is not numeric: its dtype is complex128. Every sequence "
        "must be an array of numbers of shape (n_timesteps,) or (n_timesteps, "
        "n_features).",
    ),
    # X in predict
    (
        "other columns",
        lambda: on_table().predict(TABLE[:, :2]),
        ValueError,
        "X has 2 features, but BiLSTMClassifier is expecting 3 features as input. "
        "The columns of a matrix are timesteps: give the same ones, or sequences of "
        "another length with three axes, X[:, :, None].",
    ),
    (
        "other features",
        lambda: on_x().predict(X[:, :, :1]),
        ValueError,
        "X has 1 features per timestep (shape (8, 3, 1), axes (n_samples, "
        "n_timesteps, n_features)), but BiLSTMClassifier was fitted with 2. Give it "
        "the same features, in the same order.",
    ),
    (
        "features after a matrix",
        lambda: on_table().predict(X),
        ValueError,
        "X has 2 features per timestep (shape (8, 3, 2), axes (n_samples, "
        "n_timesteps, n_features)), but BiLSTMClassifier was fitted with 1, on a "
        "matrix whose columns are timesteps of one feature. Give it the same "
        "features, in the same order.",
    ),
    (
        "other features in a list",
        lambda: on_x().predict([np.ones((2, 3))]),
        ValueError,
        "X has 3 features per timestep (shape (1, 2, 3), axes (n_samples, "
        "n_timesteps, n_features)), but BiLSTMClassifier was fitted with 2. Give it "
        "the same features, in the same order. If the second axis is the features, "
        'put SequencePadder(layout="channels_first") in front.',
    ),
    (
        "vectors after features",
        lambda: on_x().predict([np.ones(3), np.ones(2)]),
        ValueError,
        "X has 1 features per timestep (shape (2, 3, 1), axes (n_samples, "
        "n_timesteps, n_features)), but BiLSTMClassifier was fitted with 2. Give it "
        "the same features, in the same order.",
    ),
    (
        "one sample without its axis",
        lambda: on_x().predict(X[0]),
        ValueError,
        "X has 2 axes (shape (3, 2)), but BiLSTMClassifier was fitted on (n_samples, "
        "n_timesteps, n_features) with n_features=2. If X is one sample of 3 "
        "timesteps, make it X[None], shape (1, 3, 2); if its rows are samples of one "
        "timestep, X[:, None].",
    ),
    (
        "matrix of whole timesteps",
        lambda: on_x().predict(np.hstack([TABLE, TABLE])),
        ValueError,
        "X has 2 axes (shape (8, 6)), but BiLSTMClassifier was fitted on (n_samples, "
        "n_timesteps, n_features) with n_features=2. If its 6 columns are 3 "
        "timesteps of 2 features, put SequenceReshaper(n_features=2) in front.",
    ),
    (
        "matrix of no timesteps",
        lambda: on_x().predict(TABLE),
        ValueError,
        "X has 2 axes (shape (8, 3)), but BiLSTMClassifier was fitted on (n_samples, "
        "n_timesteps, n_features) with n_features=2. 3 columns cannot be timesteps "
        "of 2 features: give X the three axes it had in fit.",
    ),
    (
        "one timestep",
        lambda: on_x().predict(X[0, 0]),
        ValueError,
        "Expected X with 2 or 3 axes, got a 1D array of shape (2,) instead. The "
        "first axis is samples. Reshape your data: X.reshape(1, -1) makes it one "
        "sequence of 2 timesteps, X.reshape(-1, 1) 2 sequences of one timestep.",
    ),
    (
        "NaN in half a timestep of predict",
        lambda: on_x().predict(but(X, (1, 2, 0), np.nan)),
        ValueError,
        "X contains NaN in only some features of a timestep (sample 1, timestep 2, "
        "feature 0). A timestep whose features are all NaN is padding; NaN beside "
        "numbers is a missing value. Put SequenceImputer behind the step that makes "
        "the sequences, or impute the rows before, for example with "
        "sklearn.impute.SimpleImputer.",
    ),
    (
        "other names",
        lambda: on_frame().predict(FRAME.rename(columns={"c": "d"})),
        ValueError,
        "The feature names should match...- d...- c...",
    ),
    (
        "no samples to predict",
        lambda: on_x().predict(X[:0]),
        ValueError,
        "Found array with 0 sample(s) (shape=(0, 3, 2)) while a minimum of 1 is "
        "required by BiLSTMClassifier. Nothing is left of X: see how its rows and "
        "columns were selected.",
    ),
    (
        "empty list to predict",
        lambda: on_x().predict([]),
        ValueError,
        "X is an empty list: 0 sequences came, a minimum of 1 is required.",
    ),
    # y
    (
        "y too short",
        lambda: classifier().fit(X, y[:5]),
        ValueError,
        "Found input variables with inconsistent numbers of samples: X has 8 (shape "
        "(8, 3, 2)), y has 5. The first axis of X is samples, and every sample needs "
        "one target.",
    ),
    (
        "y too long",
        lambda: classifier().fit(X[:4], y),
        ValueError,
        "Found input variables with inconsistent numbers of samples: X has 4 (shape "
        "(4, 3, 2)), y has 8. The first axis of X is samples, and every sample needs "
        "one target. If windows were cut from the rows of X, cut y alike: ...",
    ),
    (
        "one sample of all rows",
        lambda: classifier().fit(TABLE[None], y),
        ValueError,
        "Found input variables with inconsistent numbers of samples: X has 1 (shape "
        "(1, 8, 3)), y has 8. The first axis of X is samples, and every sample needs "
        "one target. X is one sample of 8 timesteps. If the rows are the samples, "
        "make it X.reshape(8, 1, 3); ...",
    ),
    (
        "one sequence against all labels",
        lambda: regressor().fit(TABLE[:, :1][None], y),
        ValueError,
        "Found input variables with inconsistent numbers of samples: X has 1 (shape "
        "(1, 8, 1)), y has 8. The first axis of X is samples, and every sample needs "
        "one target. X is one sample of 8 timesteps. If the rows are the samples, "
        "make it X.reshape(8, 1, 1); ...",
    ),
    (
        "y is None",
        lambda: classifier().fit(X, None),
        ValueError,
        "BiLSTMClassifier requires y to be passed, but the target y is None. Give "
        "one target per sequence.",
    ),
    (
        "y is None for numbers",
        lambda: regressor().fit(X, None),
        ValueError,
        "BiLSTMRegressor requires y to be passed, but the target y is None. Give one "
        "target per sequence.",
    ),
    (
        "y is missing",
        lambda: classifier().fit(X),
        TypeError,
        "BiLSTMClassifier.fit() missing 1 required positional argument: 'y'",
    ),
    (
        "y is a number",
        lambda: classifier().fit(X, 1),
        ValueError,
        "y is a scalar, 1, but BiLSTMClassifier takes one target per sequence: shape "
        "(n_samples,) or (n_samples, n_columns).",
    ),
    (
        "y of three axes",
        lambda: classifier().fit(X, X),
        ValueError,
        "y has 3 axes (shape (8, 3, 2)), but BiLSTMClassifier takes one target per "
        "sequence: shape (n_samples,) or (n_samples, n_columns). ...",
    ),
    (
        "y sparse",
        lambda: classifier().fit(X, scipy.sparse.csr_array(SEVERAL)),
        ValueError,
        "y is sparse (shape (8, 2)), but BiLSTMClassifier takes dense targets. Use "
        "y.toarray().",
    ),
    (
        "y of unequal rows",
        lambda: classifier().fit(X, [[1], [1, 2]] * 4),
        ValueError,
        "setting an array element with a sequence. The requested array has an "
        "...BiLSTMClassifier needs a y of one finite target, or one row of targets, "
        "per sequence: correct y, or drop these samples from X and y.",
    ),
    (
        "NaN in y",
        lambda: classifier().fit(X, but(y, 0, np.nan)),
        ValueError,
        "Input y contains NaN. BiLSTMClassifier needs a y of one finite target, or "
        "one row of targets, per sequence: correct y, or drop these samples from X "
        "and y.",
    ),
    (
        "None in y of numbers",
        lambda: regressor().fit(X, but(y, 0, None, object)),
        ValueError,
        "Input y contains None. BiLSTMRegressor needs a y of one finite target, or "
        "one row of targets, per sequence: correct y, or drop these samples from X "
        "and y.",
    ),
    (
        "NA of pandas in y",
        lambda: classifier().fit(X, but(y, 0, pd.NA, object)),
        ValueError,
        "Input y contains NaN. BiLSTMClassifier needs a y of one finite target, or "
        "one row of targets, per sequence: correct y, or drop these samples from X "
        "and y.",
    ),
    (
        "NaN in y of numbers",
        lambda: regressor().fit(X, but(y, 0, np.nan)),
        ValueError,
        "Input y contains NaN. BiLSTMRegressor needs a y of one finite target, or "
        "one row of targets, per sequence: correct y, or drop these samples from X "
        "and y.",
    ),
    (
        "infinity in y",
        lambda: regressor().fit(X, but(y, 0, np.inf)),
        ValueError,
        "Input y contains infinity.... BiLSTMRegressor needs a y of one finite "
        "target, or one row of targets, per sequence: correct y, or drop these "
        "samples from X and y.",
    ),
    (
        "y too large for float32",
        lambda: regressor().fit(X, y * 1e300),
        ValueError,
        "y holds values as large as 1e+300, too large for float32. Scale y first, "
        "for example with sklearn.compose.TransformedTargetRegressor.",
    ),
    (
        "y complex",
        lambda: regressor().fit(X, y + 1j),
        ValueError,
        "Complex data not supported. BiLSTMRegressor needs a y of one finite target, "
        "or one row of targets, per sequence: correct y, or drop these samples from "
        "X and y.",
    ),
    (
        "y without columns",
        lambda: regressor().fit(X, np.ones((8, 0))),
        ValueError,
        "Found array with 0 feature(s) (shape=(8, 0)) while a minimum of 1 is "
        "required by BiLSTMRegressor. BiLSTMRegressor needs a y of one finite "
        "target, or one row of targets, per sequence: correct y, or drop these "
        "samples from X and y.",
    ),
    (
        "text for numbers",
        lambda: regressor().fit(X, ["a", "b"] * 4),
        ValueError,
        "BiLSTMRegressor needs numbers for y, got <U1 (...). For labels use "
        "BiLSTMClassifier.",
    ),
    (
        "dates for numbers",
        lambda: regressor().fit(X, np.full(8, "2020-01-01", dtype="datetime64[D]")),
        ValueError,
        "BiLSTMRegressor needs numbers for y, got datetime64[D] (dates have no unit "
        "of their own). For labels use BiLSTMClassifier.",
    ),
    (
        "numbers for labels",
        lambda: classifier().fit(X, y + 0.5),
        ValueError,
        "Unknown label type: continuous. y holds numbers that are no labels, such as "
        "0.5. To predict numbers use BiLSTMRegressor; to predict classes make y "
        "integers or text.",
    ),
    (
        "rows of numbers for labels",
        lambda: classifier().fit(X, SEVERAL + 0.5),
        ValueError,
        "Unknown label type: continuous-multioutput. y holds numbers that are no "
        "labels, such as 1.5. To predict numbers use BiLSTMRegressor; to predict "
        "classes make y integers or text.",
    ),
    (
        "labels of two types",
        lambda: classifier().fit(X, np.array([1, "a"] * 4, dtype=object)),
        ValueError,
        "Unknown label type: unknown. y holds values of type int, str. Make all "
        "labels integers or all text, for example with y.astype(str).",
    ),
    (
        "integers among objects",
        lambda: classifier().fit(X, y.astype(object)),
        ValueError,
        "Unknown label type: unknown. y holds values of type int as objects (dtype "
        "object), which scikit-learn takes for labels only if they are text. Use "
        "y.astype(int).",
    ),
    (
        "several multiclass columns",
        lambda: classifier().fit(X, [[0, 1], [1, 2]] * 4),
        ValueError,
        "y has 2 columns of more than two classes each. Give one column of labels, "
        "an indicator matrix of zeros and ones for several labels, or fit one "
        "classifier per column with sklearn.multioutput.MultiOutputClassifier.",
    ),
    (
        "one class",
        lambda: classifier().fit(X, np.zeros(8)),
        ValueError,
        "There is only one class, 0.0, but BiLSTMClassifier needs samples of at "
        "least two (those of sample weight zero do not count). Give it samples of "
        "another class too; StratifiedKFold keeps every class in every fold.",
    ),
    (
        "one class by weight",
        lambda: classifier().fit(X, y, sample_weight=y),
        ValueError,
        "There is only one class, 1, but BiLSTMClassifier needs samples of at least "
        "two (those of sample weight zero do not count). Give it samples of another "
        "class too; StratifiedKFold keeps every class in every fold.",
    ),
    # weights
    (
        "negative weight",
        lambda: classifier().fit(X, y, but(np.ones(8), 2, -1)),
        ValueError,
        "Negative values...Give sample_weight one number for each of the 8 samples "
        "of X, none negative and at least one positive, or None.",
    ),
    (
        "all weights zero",
        lambda: classifier().fit(X, y, np.zeros(8)),
        ValueError,
        "...Give sample_weight one number for each of the 8 samples of X, none "
        "negative and at least one positive, or None.",
    ),
    (
        "NaN weight",
        lambda: classifier().fit(X, y, but(np.ones(8), 2, np.nan)),
        ValueError,
        "...Give sample_weight one number for each of the 8 samples of X, none "
        "negative and at least one positive, or None.",
    ),
    (
        "infinite weight",
        lambda: classifier().fit(X, y, but(np.ones(8), 2, np.inf)),
        ValueError,
        "...Give sample_weight one number for each of the 8 samples of X, none "
        "negative and at least one positive, or None.",
    ),
    (
        "weights too few",
        lambda: regressor().fit(X, y, np.ones(5)),
        ValueError,
        "...(5,)...(8,)...Give sample_weight one number for each of the 8 samples of "
        "X, none negative and at least one positive, or None.",
    ),
    (
        "weights per timestep",
        lambda: classifier().fit(X, y, np.ones((8, 3))),
        ValueError,
        "sample_weight has shape (8, 3), but BiLSTMClassifier takes one weight for "
        "each sequence: shape (8,). Weights of timesteps go with "
        "BiLSTMTimestepClassifier and BiLSTMTimestepRegressor.",
    ),
    (
        "weights of timesteps in a list",
        lambda: classifier().fit(X, y, [np.ones(2), np.ones(3)] * 4),
        ValueError,
        "sample_weight is a list of arrays, but BiLSTMClassifier takes one weight for "
        "each sequence: shape (8,). Weights of timesteps go with "
        "BiLSTMTimestepClassifier and BiLSTMTimestepRegressor.",
    ),
    (
        "weights in a column",
        lambda: regressor().fit(X, y, np.ones((8, 1))),
        ValueError,
        "sample_weight has shape (8, 1), but BiLSTMRegressor takes one weight for "
        "each sequence: shape (8,). Use sample_weight[:, 0].",
    ),
    (
        "weights in a column, of timesteps",
        lambda: timestep_regressor().fit(X, STEPS, np.ones((8, 1))),
        ValueError,
        "sample_weight has shape (8, 1), but BiLSTMTimestepRegressor takes one row for "
        "every timestep of X: an array (n_samples, n_timesteps), here (8, 3), or a "
        "list with an array for every sequence. For one weight per sequence use "
        "sample_weight[:, 0].",
    ),
    (
        "weights of targets",
        lambda: timestep_regressor().fit(X, X, np.ones((8, 3, 2))),
        ValueError,
        "sample_weight has 2 numbers for every timestep, but BiLSTMTimestepRegressor "
        "takes one weight: an array (n_samples, n_timesteps), or one of shape "
        "(n_samples,) for whole sequences. The targets of a timestep share its weight: "
        "give the mean over the last axis, or fit one estimator for each target.",
    ),
    (
        "weights of targets in a list",
        lambda: timestep_classifier().fit(X, STEPS, [*np.ones((8, 3, 2))]),
        ValueError,
        "sample_weight has 2 numbers for every timestep, but BiLSTMTimestepClassifier "
        "takes one weight: an array (n_samples, n_timesteps), or one of shape "
        "(n_samples,) for whole sequences. The targets of a timestep share its weight: "
        "give the mean over the last axis, or fit one estimator for each target.",
    ),
    (
        "weights by name",
        lambda: classifier().fit(X, y, "balanced"),
        ValueError,
        "...'balanced'...Give sample_weight one number for each of the 8 samples of "
        "X, none negative and at least one positive, or None.",
    ),
    (
        "class_weight by another name",
        lambda: classifier(class_weight="balance").fit(X, y),
        ValueError,
        "The 'class_weight' parameter of BiLSTMClassifier must be an instance of "
        "'dict', an instance of 'list', a str among {...} or None. Got 'balance' "
        "instead.",
    ),
    (
        "class_weight of unknown class",
        lambda: classifier(class_weight={7: 1}).fit(X, y),
        ValueError,
        "class_weight={7: 1} does not go with y (it names 7, which is not among the "
        "classes of y: 0, 1; 0, 1 would have no weight). Give ...",
    ),
    (
        "class_weight negative",
        lambda: classifier(class_weight={0: -1}).fit(X, y),
        ValueError,
        "class_weight={0: -1} does not go with y (a weight is negative, infinite or no "
        'number). Give "balanced" or a dict from label to a weight that is not '
        "negative, or for a multilabel y a list of such dicts, one per label.",
    ),
    (
        "class_weight infinite",
        lambda: classifier(class_weight={0: np.inf}).fit(X, y),
        ValueError,
        "class_weight={0: inf} does not go with y (a weight is negative, infinite or "
        'no number). Give "balanced" or a dict from label to a weight that is not '
        "negative, or for a multilabel y a list of such dicts, one per label.",
    ),
    (
        "class_weight is text",
        lambda: classifier(class_weight={0: "a"}).fit(X, y),
        ValueError,
        "class_weight={0: 'a'} does not go with y (...). Give \"balanced\" or a dict "
        "from label to a weight that is not negative, or for a multilabel y a list "
        "of such dicts, one per label.",
    ),
    (
        "class_weight is a list, at every timestep",
        lambda: timestep_classifier(class_weight=[1]).fit(X, STEPS),
        ValueError,
        'class_weight=[1] does not go with y (...). Give "balanced" or a dict '
        "from label to a weight that is not negative, or for a multilabel y a list "
        "of such dicts, one per label.",
    ),
    (
        "class_weight is a list",
        lambda: classifier(class_weight=[1, 2]).fit(X, y),
        ValueError,
        'class_weight=[1, 2] does not go with y (...). Give "balanced" or a dict '
        "from label to a weight that is not negative, or for a multilabel y a list "
        "of such dicts, one per label.",
    ),
    (
        "class_weight all zero",
        lambda: classifier(class_weight={0: 0, 1: 0}).fit(X, y),
        ValueError,
        "class_weight times sample_weight is zero for all samples: none is left to "
        "fit. Give a class of y that has samples a positive weight.",
    ),
    # parameters
    (
        "unknown merge_mode",
        lambda: classifier(merge_mode="add").fit(X, y),
        ValueError,
        "The 'merge_mode' parameter of BiLSTMClassifier must be a str among {...}. "
        "Got 'add' instead.",
    ),
    (
        "unknown direction",
        lambda: classifier(direction="both").fit(X, y),
        ValueError,
        "The 'direction' parameter of BiLSTMClassifier must be a str among {...}. "
        "Got 'both' instead.",
    ),
    (
        "misspelt in the constructor",
        lambda: BiLSTMClassifier(unit=3),
        TypeError,
        "BiLSTMClassifier.__init__() got an unexpected keyword argument 'unit'...",
    ),
    (
        "misspelt in set_params",
        lambda: regressor().set_params(learnng_rate=1),
        ValueError,
        "Invalid parameter 'learnng_rate' for...Valid parameters are: "
        "...'learning_rate'...",
    ),
    (
        "second argument by position",
        lambda: BiLSTMClassifier(3, "forward"),
        TypeError,
        "BiLSTMClassifier.__init__() takes from 1 to 2 positional arguments but 3 "
        "were given",
    ),
    (
        "class_weight for numbers",
        lambda: BiLSTMRegressor(class_weight="balanced"),
        TypeError,
        "BiLSTMRegressor.__init__() got an unexpected keyword argument 'class_weight'",
    ),
    (
        "units=0",
        lambda: classifier(units=0).fit(X, y),
        ValueError,
        "The 'units' parameter of BiLSTMClassifier must be an int in the range [1, "
        "inf), an instance of 'tuple' or an instance of 'list'. Got 0 instead.",
    ),
    (
        "units=()",
        lambda: classifier(units=()).fit(X, y),
        ValueError,
        "The 'units' parameter of BiLSTMClassifier must be an int or a tuple of "
        "ints, each at least 1: one for every stacked LSTM layer. Got () instead.",
    ),
    (
        "units=(8, 0)",
        lambda: classifier(units=(8, 0)).fit(X, y),
        ValueError,
        "The 'units' parameter of BiLSTMClassifier must be an int or a tuple of "
        "ints, each at least 1: one for every stacked LSTM layer. Got (8, 0) instead.",
    ),
    (
        'units="8"',
        lambda: classifier(units="8").fit(X, y),
        ValueError,
        "The 'units' parameter of BiLSTMClassifier must be an int in the range [1, "
        "inf), an instance of 'tuple' or an instance of 'list'. Got '8' instead.",
    ),
    (
        "units=2.5",
        lambda: classifier(units=2.5).fit(X, y),
        ValueError,
        "The 'units' parameter of BiLSTMClassifier must be an int in the range [1, "
        "inf), an instance of 'tuple' or an instance of 'list'. Got 2.5 instead.",
    ),
    (
        "units=[4, 2.5]",
        lambda: classifier(units=[4, 2.5]).fit(X, y),
        ValueError,
        "The 'units' parameter of BiLSTMClassifier must be an int or a tuple of "
        "ints, each at least 1: one for every stacked LSTM layer. Got [4, 2.5] "
        "instead.",
    ),
    (
        "dropout=1",
        lambda: classifier(dropout=1).fit(X, y),
        ValueError,
        "The 'dropout' parameter of BiLSTMClassifier must be a float in the range "
        "[0.0, 1.0). Got 1 instead.",
    ),
    (
        "recurrent_dropout=-0.1",
        lambda: classifier(recurrent_dropout=-0.1).fit(X, y),
        ValueError,
        "The 'recurrent_dropout' parameter of BiLSTMClassifier must be a float in "
        "the range [0.0, 1.0). Got -0.1 instead.",
    ),
    (
        "epochs=0",
        lambda: classifier(epochs=0).fit(X, y),
        ValueError,
        "The 'epochs' parameter of BiLSTMClassifier must be an int in the range [1, "
        "inf). Got 0 instead.",
    ),
    (
        "batch_size=None",
        lambda: classifier(batch_size=None).fit(X, y),
        ValueError,
        "The 'batch_size' parameter of BiLSTMClassifier must be an int in the range "
        "[1, inf). Got None instead.",
    ),
    (
        "learning_rate=0",
        lambda: classifier(learning_rate=0).fit(X, y),
        ValueError,
        "The 'learning_rate' parameter of BiLSTMClassifier must be a float in the "
        "range (0.0, inf) or None. Got 0 instead.",
    ),
    (
        "unknown pooling",
        lambda: classifier(pooling="sum").fit(X, y),
        ValueError,
        "The 'pooling' parameter of BiLSTMClassifier must be a str among {...}, an "
        "instance of 'tuple' or an instance of 'list'. Got 'sum' instead.",
    ),
    (
        "unknown pooling among several",
        lambda: classifier(pooling=("last", "sum")).fit(X, y),
        ValueError,
        "The 'pooling' parameter of BiLSTMClassifier must be one of 'last', 'mean', "
        "'max', or a tuple of different ones of them. Got ('last', 'sum') instead.",
    ),
    (
        "pooling twice",
        lambda: regressor(pooling=["max", "max"]).fit(X, y),
        ValueError,
        "The 'pooling' parameter of BiLSTMRegressor must be one of 'last', 'mean', "
        "'max', or a tuple of different ones of them. Got ['max', 'max'] instead.",
    ),
    (
        "no pooling",
        lambda: regressor(pooling=()).fit(X, y),
        ValueError,
        "The 'pooling' parameter of BiLSTMRegressor must be one of 'last', 'mean', "
        "'max', or a tuple of different ones of them. Got () instead.",
    ),
    (
        "unknown schedule",
        lambda: classifier(schedule="linear").fit(X, y),
        ValueError,
        "The 'schedule' parameter of BiLSTMClassifier must be a str among {...}. Got "
        "'linear' instead.",
    ),
    (
        "two schedules",
        lambda: classifier(
            schedule="cosine",
            optimizer=ADAM(keras.optimizers.schedules.CosineDecay(0.01, 5)),
        ).fit(X, y),
        ValueError,
        "schedule='cosine' does not go with Adam(CosineDecay), which brings a schedule "
        "of its own. Give schedule='constant', or Adam() without it.",
    ),
    (
        "clipnorm=0",
        lambda: classifier(clipnorm=0).fit(X, y),
        ValueError,
        "The 'clipnorm' parameter of BiLSTMClassifier must be a float in the range "
        "(0.0, inf) or None. Got 0 instead.",
    ),
    (
        'shuffle="batch"',
        lambda: classifier(shuffle="batch").fit(X, y),
        ValueError,
        "The 'shuffle' parameter of BiLSTMClassifier must be an instance of 'bool' "
        f"or an instance of '{NUMPY_BOOL}'. Got 'batch' instead.",
    ),
    (
        "verbose=3",
        lambda: classifier(verbose=3).fit(X, y),
        ValueError,
        "The 'verbose' parameter of BiLSTMClassifier must be an int in the range [0, "
        f"2] or an instance of 'bool' or an instance of '{NUMPY_BOOL}'. Got 3 instead.",
    ),
    (
        'random_state="seed"',
        lambda: classifier(random_state="seed").fit(X, y),
        ValueError,
        "The 'random_state' parameter of BiLSTMClassifier must be an int in the "
        "range [0, 4294967295], an instance of 'numpy.random.mtrand.RandomState' or "
        "None. Got 'seed' instead.",
    ),
    (
        "random_state is a Generator",
        lambda: classifier(random_state=rng).fit(X, y),
        ValueError,
        "The 'random_state' parameter of BiLSTMClassifier must be an int in the "
        "range [0, 4294967295], an instance of 'numpy.random.mtrand.RandomState' or "
        "None. Got ... instead.",
    ),
    (
        'normalize_y="x"',
        lambda: regressor(normalize_y="x").fit(X, y),
        ValueError,
        "The 'normalize_y' parameter of BiLSTMRegressor must be an instance of "
        f"'bool' or an instance of '{NUMPY_BOOL}'. Got 'x' instead.",
    ),
    (
        "no quantiles",
        lambda: regressor(loss="quantile", quantiles=()).fit(X, y),
        ValueError,
        "The 'quantiles' parameter of BiLSTMRegressor must be one or more numbers "
        "between 0 and 1, each larger than the one before, or None. Got "
        "() instead. For intervals of 80 % give (0.1, 0.5, 0.9).",
    ),
    (
        "a quantile of 1",
        lambda: regressor(loss="quantile", quantiles=(0.5, 1)).fit(X, y),
        ValueError,
        "The 'quantiles' parameter of BiLSTMRegressor must be one or more numbers "
        "between 0 and 1, each larger than the one before, or None. Got "
        "(0.5, 1) instead. For intervals of 80 % give (0.1, 0.5, 0.9).",
    ),
    (
        "a quantile in percent",
        lambda: regressor(loss="quantile", quantiles=[10, 90]).fit(X, y),
        ValueError,
        "The 'quantiles' parameter of BiLSTMRegressor must be one or more numbers "
        "between 0 and 1, each larger than the one before, or None. Got "
        "[10, 90] instead. For intervals of 80 % give (0.1, 0.5, 0.9).",
    ),
    (
        "a quantile twice",
        lambda: regressor(loss="quantile", quantiles=(0.5, 0.5)).fit(X, y),
        ValueError,
        "The 'quantiles' parameter of BiLSTMRegressor must be one or more numbers "
        "between 0 and 1, each larger than the one before, or None. Got "
        "(0.5, 0.5) instead. For intervals of 80 % give (0.1, 0.5, 0.9).",
    ),
    (
        "quantiles not in order",
        lambda: regressor(loss="quantile", quantiles=(0.9, 0.1)).fit(X, y),
        ValueError,
        "The 'quantiles' parameter of BiLSTMRegressor must be one or more numbers "
        "between 0 and 1, each larger than the one before, or None. Got "
        "(0.9, 0.1) instead. For intervals of 80 % give (0.1, 0.5, 0.9).",
    ),
    (
        "a quantile of text",
        lambda: regressor(loss="quantile", quantiles=("median",)).fit(X, y),
        ValueError,
        "The 'quantiles' parameter of BiLSTMRegressor must be one or more numbers "
        "between 0 and 1, each larger than the one before, or None. Got "
        "('median',) instead. For intervals of 80 % give (0.1, 0.5, 0.9).",
    ),
    (
        "a quantile of NaN",
        lambda: regressor(loss="quantile", quantiles=(np.nan, 0.5)).fit(X, y),
        ValueError,
        "The 'quantiles' parameter of BiLSTMRegressor must be one or more numbers "
        "between 0 and 1, each larger than the one before, or None. Got "
        "(nan, 0.5) instead. For intervals of 80 % give (0.1, 0.5, 0.9).",
    ),
    (
        "quantiles in two axes",
        lambda: regressor(loss="quantile", quantiles=((0.1, 0.9),)).fit(X, y),
        ValueError,
        "The 'quantiles' parameter of BiLSTMRegressor must be one or more numbers "
        "between 0 and 1, each larger than the one before, or None. Got "
        "((0.1, 0.9),) instead. For intervals of 80 % give (0.1, 0.5, 0.9).",
    ),
    (
        "a single number for quantiles",
        lambda: regressor(loss="quantile", quantiles=0.9).fit(X, y),
        ValueError,
        "The 'quantiles' parameter of BiLSTMRegressor must be an array-like or None. "
        "Got 0.9 instead.",
    ),
    (
        "quantiles of another loss",
        lambda: timestep_regressor(quantiles=(0.1, 0.9)).fit(X, STEPS),
        ValueError,
        'quantiles=(0.1, 0.9) has no effect with loss=None. Set loss="quantile", or '
        "quantiles=None.",
    ),
    (
        "other quantiles in the next fit",
        lambda: again(regressor(loss="quantile"), quantiles=(0.1, 0.9)),
        ValueError,
        "Training cannot go on with other quantiles: fitted are [0.1, 0.5, 0.9], loss "
        "and quantiles ask for [0.1, 0.9]. Give the parameters the fitted values, or "
        "call fit with warm_start=False to start again.",
    ),
    (
        "quantiles that were not learnt",
        lambda: regressor().fit(X, y).predict_quantiles(X),
        AttributeError,
        "This BiLSTMRegressor learns one number for every target, no quantiles. Set "
        'loss="quantile" and quantiles, for example to (0.1, 0.5, 0.9), and fit again.',
    ),
    (
        "loss for numbers",
        lambda: classifier(loss="mean_squared_error").fit(X, y),
        ValueError,
        "The 'loss' parameter of BiLSTMClassifier must be a str among {...} or None. "
        "Got 'mean_squared_error' instead.",
    ),
    (
        "loss for labels",
        lambda: regressor(loss="binary_crossentropy").fit(X, y),
        ValueError,
        "The 'loss' parameter of BiLSTMRegressor must be a str among {...} or None. "
        "Got 'binary_crossentropy' instead.",
    ),
    (
        "loss for more classes",
        lambda: classifier(loss="categorical_crossentropy").fit(X, y),
        ValueError,
        "loss='categorical_crossentropy' does not go with this target, for which the "
        "output is sigmoid. Choose one of binary_crossentropy, "
        "binary_focal_crossentropy, or None to have it chosen.",
    ),
    (
        "unknown optimizer",
        lambda: classifier(optimizer="adm").fit(X, y),
        ValueError,
        "optimizer='adm' is not supported. Choose one that works element by element: "
        "adadelta, adagrad, adam, adamax, adamw, ftrl, lion, nadam, rmsprop, sgd.",
    ),
    (
        'optimizer="lamb"',
        lambda: classifier(optimizer="lamb").fit(X, y),
        ValueError,
        "optimizer='lamb' is not supported. Choose one that works element by "
        "element: adadelta, adagrad, adam, adamax, adamw, ftrl, lion, nadam, "
        "rmsprop, sgd.",
    ),
    (
        'optimizer="muon"',
        lambda: classifier(optimizer="muon").fit(X, y),
        ValueError,
        "optimizer='muon' is not supported. Choose one that works element by "
        "element: adadelta, adagrad, adam, adamax, adamw, ftrl, lion, nadam, "
        "rmsprop, sgd.",
    ),
    (
        'optimizer="adafactor"',
        lambda: classifier(optimizer="adafactor").fit(X, y),
        ValueError,
        "optimizer='adafactor' is not supported. Choose one that works element by "
        "element: adadelta, adagrad, adam, adamax, adamw, ftrl, lion, nadam, "
        "rmsprop, sgd.",
    ),
    (
        "Lamb()",
        lambda: classifier(optimizer=keras.optimizers.Lamb()).fit(X, y),
        ValueError,
        "optimizer=<keras...> is not supported: it must be a name or an instance of "
        "a Keras optimizer that works element by element, one of adadelta, adagrad, "
        "adam, adamax, adamw, ftrl, lion, nadam, rmsprop, sgd.",
    ),
    (
        "Muon()",
        lambda: classifier(optimizer=keras.optimizers.Muon()).fit(X, y),
        ValueError,
        "optimizer=<keras...> is not supported: it must be a name or an instance of "
        "a Keras optimizer that works element by element, one of adadelta, adagrad, "
        "adam, adamax, adamw, ftrl, lion, nadam, rmsprop, sgd.",
    ),
    (
        "Adafactor()",
        lambda: classifier(optimizer=keras.optimizers.Adafactor()).fit(X, y),
        ValueError,
        "optimizer=<keras...> is not supported: it must be a name or an instance of "
        "a Keras optimizer that works element by element, one of adadelta, adagrad, "
        "adam, adamax, adamw, ftrl, lion, nadam, rmsprop, sgd.",
    ),
    (
        "optimizer that clips each array",
        lambda: classifier(optimizer=ADAM(clipnorm=1.0)).fit(X, y),
        ValueError,
        "Adam(clipnorm=1.0) is not supported: it clips the gradient of each weight "
        "array by itself. Clip the norm of all parameters together with "
        "Adam(global_clipnorm=1.0), or with the estimator's clipnorm=1.0.",
    ),
    (
        "optimizer is a class",
        lambda: classifier(optimizer=ADAM).fit(X, y),
        ValueError,
        "optimizer=<class 'keras...'> is not supported: it must be a name or an "
        "instance of a Keras optimizer that works element by element, one of "
        "adadelta, adagrad, adam, adamax, adamw, ftrl, lion, nadam, rmsprop, sgd.",
    ),
    (
        "optimizer is a number",
        lambda: classifier(optimizer=3).fit(X, y),
        ValueError,
        "The 'optimizer' parameter of BiLSTMClassifier must be an instance of 'str' "
        "or an object implementing 'apply' and 'get_config'. Got 3 instead.",
    ),
    (
        "callbacks is text",
        lambda: classifier(callbacks="history").fit(X, y),
        ValueError,
        "The 'callbacks' parameter of BiLSTMClassifier must be an instance of "
        "'list', an instance of 'tuple', an object implementing 'on_epoch_end' and "
        "'set_model' or None. Got 'history' instead.",
    ),
    (
        "callbacks has a number",
        lambda: classifier(callbacks=[3]).fit(X, y),
        ValueError,
        "The 'callbacks' parameter of BiLSTMClassifier must be a "
        "keras.callbacks.Callback, a list of them or None. Got 3; give an instance, "
        "such as keras.callbacks.TerminateOnNaN().",
    ),
    (
        "callbacks has a class",
        lambda: classifier(callbacks=[keras.callbacks.History]).fit(X, y),
        ValueError,
        "The 'callbacks' parameter of BiLSTMClassifier must be a "
        "keras.callbacks.Callback, a list of them or None. Got <class 'keras...'>; "
        "give an instance, such as keras.callbacks.TerminateOnNaN().",
    ),
    (
        "validation_fraction=0",
        lambda: classifier(validation_fraction=0).fit(X, y),
        ValueError,
        "The 'validation_fraction' parameter of BiLSTMClassifier must be a float in "
        "the range (0.0, 1.0). Got 0 instead.",
    ),
    (
        "patience=0",
        lambda: classifier(patience=0).fit(X, y),
        ValueError,
        "The 'patience' parameter of BiLSTMClassifier must be an int in the range "
        "[1, inf). Got 0 instead.",
    ),
    (
        "too few to split",
        lambda: classifier(early_stopping=True).fit(X, y),
        ValueError,
        "early_stopping=True with validation_fraction=0.1 cannot split 8 samples: "
        "... Give more samples, another validation_fraction, or set "
        "early_stopping=False.",
    ),
    (
        "class of one to split",
        lambda: classifier(early_stopping=True).fit(X, [0] * 7 + [1]),
        ValueError,
        "early_stopping=True with validation_fraction=0.1 cannot split 8 samples: "
        "... Give more samples, another validation_fraction, or set "
        "early_stopping=False.",
    ),
    (
        "one sample to split",
        lambda: regressor(early_stopping=True).fit(X[:1], y[:1]),
        ValueError,
        "early_stopping=True with validation_fraction=0.1 cannot split 1 samples: "
        "... Give more samples, another validation_fraction, or set "
        "early_stopping=False.",
    ),
    (
        "training diverges",
        lambda: regressor(normalize_y=False).fit(X, y * 1e30),
        ValueError,
        "Training diverged: the loss became inf in epoch 1. The usual causes are "
        "features or targets that are not scaled (put a StandardScaler in front), "
        "too high a learning_rate, and long sequences without clipnorm (try "
        "clipnorm=1).",
    ),
    # going on
    (
        "partial_fit without classes",
        lambda: classifier().partial_fit(X, y),
        ValueError,
        "The first call of partial_fit needs classes: all labels that will ever "
        "come, for example classes=np.unique(y_all).",
    ),
    (
        "partial_fit without y",
        lambda: classifier().partial_fit(X, None),
        ValueError,
        "BiLSTMClassifier requires y to be passed, but the target y is None. Give "
        "one target per sequence.",
    ),
    (
        "partial_fit of numbers",
        lambda: classifier().partial_fit(X, y + 0.5),
        ValueError,
        "Unknown label type: continuous. y holds numbers that are no labels, such as "
        "0.5. To predict numbers use BiLSTMRegressor; to predict classes make y "
        "integers or text.",
    ),
    (
        "X_val without y_val",
        lambda: classifier().fit(X, y, X_val=X),
        ValueError,
        "X_val came without y_val. Give X_val and y_val together, or neither to have "
        "samples of X set aside.",
    ),
    (
        "X_val of other features",
        lambda: classifier().fit(X, y, X_val=X[:, :, :1], y_val=y),
        ValueError,
        "In the validation data (X_val, y_val, sample_weight_val): X has 1 features "
        "per timestep (shape (8, 3, 1), axes (n_samples, n_timesteps, n_features)), "
        "but BiLSTMClassifier was fitted with 2. Give it the same features, in the "
        "same order.",
    ),
    (
        "too few groups",
        lambda: classifier(early_stopping=True).fit(X, y, groups=[0, 1]),
        ValueError,
        "groups has 2 entries, but X has 8 samples. Give each sample the label of its "
        "group.",
    ),
    (
        "one group",
        lambda: classifier(early_stopping=True).fit(X, y, groups=[0] * 8),
        ValueError,
        "early_stopping=True with validation_fraction=0.1 cannot split 8 samples: "
        "... Give more samples, another validation_fraction, or set "
        "early_stopping=False.",
    ),
    (
        "validation_split=0.1",
        lambda: classifier(validation_split=0.1).fit(X, y),
        ValueError,
        "The 'validation_split' parameter of BiLSTMClassifier must be an object "
        "implementing 'split' (a share of the samples is validation_fraction, beside "
        "early_stopping=True) or None. Got 0.1 instead.",
    ),
    (
        "a matrix to look at that is no sequences",
        lambda: timestep_importance(Ridge().fit(TABLE, y), TABLE, y),
        ValueError,
        "timestep_importance cannot tell the timesteps: Ridge is given a matrix of "
        "shape (8, 3). Put what makes sequences of it in front of Ridge, as in "
        "make_pipeline(SequenceReshaper(...), Ridge(...)), or give sequences.",
    ),
    (
        "one prediction of many",
        lambda: occlusion_importance(timestep_classifier().fit(X, STEPS), X),
        ValueError,
        "BiLSTMTimestepClassifier predicts at every timestep, so that there is no one "
        "prediction to explain, and none for a timestep that is taken out. "
        "timestep_importance says which timesteps matter to its score.",
    ),
    (
        "partial_fit, early_stopping",
        lambda: classifier(early_stopping=True).partial_fit(X, y, [0, 1]),
        ValueError,
        "partial_fit does not support early_stopping=True: each call trains one "
        "epoch on the samples it is given. Set early_stopping=False.",
    ),
    (
        "partial_fit, balanced",
        lambda: classifier(class_weight="balanced").partial_fit(X, y, [0, 1]),
        ValueError,
        "class_weight='balanced' is not supported by partial_fit, which cannot see "
        "how frequent the classes are. Give a dict of weights instead.",
    ),
    (
        "partial_fit of one class",
        lambda: classifier().partial_fit(X, y, classes=[0]),
        ValueError,
        "There is only one class, 0, but BiLSTMClassifier needs samples of at least "
        "two (those of sample weight zero do not count). Give it samples of another "
        "class too; StratifiedKFold keeps every class in every fold.",
    ),
    (
        "classes without a label",
        lambda: classifier().partial_fit(X, y, classes=[0, 2]),
        ValueError,
        "y holds labels that are not among the known classes: [1]. BiLSTMClassifier "
        "knows [0 2]; name all classes in the first call of partial_fit, or fit "
        "again without warm_start.",
    ),
    (
        "classes of other type",
        lambda: classifier().partial_fit(X, y, classes=["a", "b"]),
        ValueError,
        "y holds labels that are not among the known classes: [0 1]. "
        "BiLSTMClassifier knows ['a' 'b']; name all classes in the first call of "
        "partial_fit, or fit again without warm_start.",
    ),
    (
        "no classes",
        lambda: classifier().partial_fit(X, y, classes=[]),
        ValueError,
        "classes=[] is no list of labels (it is empty). Give a 1D array of all labels, "
        "all integers or all text.",
    ),
    (
        "classes in two axes",
        lambda: classifier().partial_fit(X, y, classes=[[0, 1]]),
        ValueError,
        "classes=[[0, 1]] is no list of labels (...). Give a 1D array of all labels, "
        "all integers or all text.",
    ),
    (
        "classes with None",
        lambda: classifier().partial_fit(X, y, classes=[0, None]),
        ValueError,
        "classes=[0, None] is no list of labels (...). Give a 1D array of all "
        "labels, all integers or all text.",
    ),
    (
        "classes change",
        lambda: twice((X, y, [0, 1]), (X, y, [0, 1, 2])),
        ValueError,
        "classes=[0, 1, 2] is not the same as in the first call of partial_fit: [0 "
        "1]. Give the same classes, or none.",
    ),
    (
        "labels change",
        lambda: twice((X, y, [0, 1]), (X, y + 1)),
        ValueError,
        "y holds labels that are not among the known classes: [2]. BiLSTMClassifier "
        "knows [0 1]; name all classes in the first call of partial_fit, or fit "
        "again without warm_start.",
    ),
    (
        "features change",
        lambda: twice((X, y, [0, 1]), (X[:, :, :1], y)),
        ValueError,
        "X has 1 features per timestep (shape (8, 3, 1), axes (n_samples, "
        "n_timesteps, n_features)), but BiLSTMClassifier was fitted with 2. Give it "
        "the same features, in the same order.",
    ),
    (
        "label, then several",
        lambda: twice((X, y, [0, 1]), (X, SEVERAL)),
        ValueError,
        "y has shape (8, 2), but BiLSTMClassifier was fitted on one label per "
        "sequence, one of [0 1].",
    ),
    (
        "several, then label",
        lambda: twice((X, SEVERAL), (X, y)),
        ValueError,
        "y has shape (8,), but BiLSTMClassifier was fitted on 2 labels: give an "
        "indicator matrix of shape (n_samples, 2).",
    ),
    (
        "other number of labels",
        lambda: twice((X, SEVERAL), (X, SEVERAL[:, [0, 1, 1]])),
        ValueError,
        "y has shape (8, 3), but BiLSTMClassifier was fitted on 2 labels: give an "
        "indicator matrix of shape (n_samples, 2).",
    ),
    (
        "warm_start, unknown label",
        lambda: again(classifier(), y=y + 1),
        ValueError,
        "y holds labels that are not among the known classes: [2]. BiLSTMClassifier "
        "knows [0 1]; name all classes in the first call of partial_fit, or fit "
        "again without warm_start.",
    ),
    (
        "warm_start, other pooling",
        lambda: again(classifier(), pooling=["max", "last"], merge_mode="sum"),
        ValueError,
        "Training cannot go on with another architecture: the fitted one has "
        "merge_mode='concat' and pooling=('last', 'mean', 'max'), the parameters ask "
        "for merge_mode='sum' and pooling=('max', 'last'). Give the parameters the "
        "fitted values, or call fit with warm_start=False to start again.",
    ),
    (
        "warm_start, other units",
        lambda: again(classifier(), units=3),
        ValueError,
        "Training cannot go on with another architecture: the fitted one has "
        "units=(2,), the parameters ask for units=(3,). Give the parameters the fitted "
        "values, or call fit with warm_start=False to start again.",
    ),
    (
        "warm_start, other features",
        lambda: again(classifier(), X=X[:, :, :1]),
        ValueError,
        "X has 1 features per timestep (shape (8, 3, 1), axes (n_samples, "
        "n_timesteps, n_features)), but BiLSTMClassifier was fitted with 2. Give it "
        "the same features, in the same order.",
    ),
    (
        "warm_start, other targets",
        lambda: again(regressor(), y=SEVERAL),
        ValueError,
        "y has 2 targets, but BiLSTMRegressor was fitted on 1. Give as many, or call "
        "fit with warm_start=False to start again.",
    ),
    # unfitted
    (
        "unfitted predict",
        lambda: classifier().predict(X),
        NotFittedError,
        "This BiLSTMClassifier instance is not fitted yet...",
    ),
    (
        "unfitted predict_proba",
        lambda: classifier().predict_proba(X),
        NotFittedError,
        "This BiLSTMClassifier instance is not fitted yet...",
    ),
    (
        "unfitted weights_",
        lambda: classifier().weights_,
        NotFittedError,
        "This BiLSTMClassifier instance is not fitted yet...",
    ),
    (
        "unfitted to_keras",
        lambda: regressor().to_keras(),
        NotFittedError,
        "This BiLSTMRegressor instance is not fitted yet...",
    ),
    (
        "weights_ are read-only",
        lambda: on_x().weights_["dense/bias"].fill(0),
        ValueError,
        "...read-only",
    ),
    (
        "numbers have no probabilities",
        lambda: regressor().predict_proba(X),
        AttributeError,
        "'BiLSTMRegressor' object has no attribute 'predict_proba'",
    ),
    # transformers
    (
        "n_timesteps does not divide",
        lambda: SequenceReshaper(2).fit(TABLE),
        ValueError,
        "X has 3 columns, which n_timesteps=2 does not divide. Choose 1 or 3, or set "
        "pad=True.",
    ),
    (
        "product does not match",
        lambda: SequenceReshaper(2, n_features=2).fit(TABLE),
        ValueError,
        "X has 3 columns, but n_timesteps=2 times n_features=2 is 4. Choose two "
        "sizes whose product is 3, or give one of them and the other follows, or set "
        "pad=True.",
    ),
    (
        "reshaping sequences",
        lambda: SequenceReshaper().fit(X),
        ValueError,
        "X has 3 axes (shape (8, 3, 2)), but SequenceReshaper takes a table of shape "
        "(n_samples, n_columns). X is already (n_samples, n_timesteps, n_features) "
        "and needs no SequenceReshaper: leave it out, or use SequencePadder if the "
        "sequences need another length. Where features come before timesteps, "
        'SequencePadder(layout="channels_first") reads them.',
    ),
    (
        "reshaping a ragged list",
        lambda: SequenceReshaper().fit([[1, 2], [3]]),
        ValueError,
        "X is a list of sequences of unequal length, but SequenceReshaper takes a "
        "table of shape (n_samples, n_columns). Use SequencePadder, which makes such "
        "a list (n_samples, n_timesteps, n_features).",
    ),
    (
        "reshaping other columns",
        lambda: SequenceReshaper().fit(TABLE).transform(TABLE[:, :2]),
        ValueError,
        "X has 2 features, but SequenceReshaper is expecting 3 features as input.",
    ),
    (
        "inverse of a table",
        lambda: SequenceReshaper().fit(TABLE).inverse_transform(TABLE),
        ValueError,
        "X has shape (8, 3), but inverse_transform expects the three axes "
        "(n_samples, n_timesteps, n_features) that transform returns: "
        "(n_samples, 3, 1).",
    ),
    (
        "unknown layout",
        lambda: SequenceReshaper(layout="time").fit(TABLE),
        ValueError,
        "The 'layout' parameter of SequenceReshaper must be a str among {...}. Got "
        "'time' instead.",
    ),
    (
        "unfitted reshaper",
        lambda: SequenceReshaper().transform(TABLE),
        NotFittedError,
        "This SequenceReshaper instance is not fitted yet...",
    ),
    (
        "longer than n_timesteps",
        lambda: SequencePadder(2, truncating="raise").fit(TABLE),
        ValueError,
        "Sequence 0 of X has 3 timesteps, more than n_timesteps=2 (8 such sequences "
        'of 8; the longest has 3). Choose a larger n_timesteps, or truncating="pre" '
        'or "post" to cut them.',
    ),
    (
        'n_timesteps="3"',
        lambda: SequencePadder("3").fit(TABLE),
        ValueError,
        "The 'n_timesteps' parameter of SequencePadder must be an int in the range "
        "[1, inf) or None. Got '3' instead.",
    ),
    (
        "padding 1D",
        lambda: SequencePadder().fit([1, 2, 3]),
        ValueError,
        "Expected X with 2 or 3 axes, got a 1D array of shape (3,) instead. The "
        "first axis is samples. Reshape your data: X.reshape(1, -1) makes it one "
        "sequence of 3 timesteps, X.reshape(-1, 1) 3 sequences of one timestep.",
    ),
    (
        "padding nothing",
        lambda: pad_sequences([]),
        ValueError,
        "X is an empty list: 0 sequences came, a minimum of 1 is required.",
    ),
    (
        "unknown padding",
        lambda: pad_sequences([[1]], padding="left"),
        ValueError,
        "The 'padding' parameter of pad_sequences must be a str among {...}. Got "
        "'left' instead.",
    ),
    (
        "unpadding a table",
        lambda: SequencePadder().fit(TABLE).inverse_transform(TABLE),
        ValueError,
        "X has shape (8, 3), but inverse_transform expects the three axes "
        "(n_samples, n_timesteps, n_features) that transform returns.",
    ),
    (
        "unfitted padder",
        lambda: SequencePadder().transform(TABLE),
        NotFittedError,
        "This SequencePadder instance is not fitted yet...",
    ),
    (
        "timesteps between frames",
        lambda: SequenceFramer(4, hop_length=6).fit(X),
        ValueError,
        "hop_length=6 is greater than frame_length=4: timesteps between two frames "
        "would be in none. Choose hop_length of at most 4, or frame_length of at "
        "least 6.",
    ),
    (
        "frames without timesteps",
        lambda: SequenceFramer(0).fit(X),
        ValueError,
        "The 'frame_length' parameter of SequenceFramer must be an int in the range "
        "[1, inf). Got 0 instead.",
    ),
    (
        "frames of other features",
        lambda: SequenceFramer().fit(X).transform(X[:, :, :1]),
        ValueError,
        "X has 1 features per timestep (shape (8, 3, 1), axes (n_samples, "
        "n_timesteps, n_features)), but SequenceFramer was fitted with 2. Give it the "
        "same features, in the same order.",
    ),
    (
        "unfitted framer",
        lambda: SequenceFramer().transform(X),
        NotFittedError,
        "This SequenceFramer instance is not fitted yet...",
    ),
    (
        "order=0",
        lambda: SequenceDifferencer(0).fit(X),
        ValueError,
        "The 'order' parameter of SequenceDifferencer must be an int in the range "
        "[1, inf). Got 0 instead.",
    ),
    (
        "differences too large",
        lambda: SequenceDifferencer().fit_transform(np.float32([[3e38, -3e38]])),
        ValueError,
        "X holds values whose differences are too large for float32. Scale the "
        "features first, for example with SequenceScaler().",
    ),
    (
        "unfitted differencer",
        lambda: SequenceDifferencer().transform(X),
        NotFittedError,
        "This SequenceDifferencer instance is not fitted yet...",
    ),
    # found by fuzzing
    (
        "reshaping text",
        lambda: SequenceReshaper().fit(np.full((8, 3), "a")),
        ValueError,
        f"X holds text (dtype <U1), but SequenceReshaper takes numbers. {CATEGORIES}",
    ),
    (
        "reshaping text among objects",
        lambda: SequenceReshaper().fit(np.array([[1, "a"]], dtype=object)),
        ValueError,
        "X holds values that are no numbers: could not convert string to float: 'a'. "
        f"SequenceReshaper takes numbers only. {CATEGORIES}",
    ),
    (
        "windows over unequal rows",
        lambda: SlidingWindows(1).fit([[1.0, 2.0], [3.0]]),
        ValueError,
        "X is a list of rows of unequal length, but SlidingWindows takes a table of "
        "shape (n_samples, n_columns), a row for each time. If every item of the list "
        "is a series of its own, put them one behind the other and tell them apart "
        "with groups=.",
    ),
    (
        "framing unequal rows",
        lambda: make_windows([[1.0, 2.0], [3.0]], 1),
        ValueError,
        "X is a list of rows of unequal length, but make_windows takes a table of "
        "shape (n_samples, n_columns), a row for each time. If every item of the list "
        "is a series of its own, put them one behind the other and tell them apart "
        "with groups=.",
    ),
    (
        "framing a series of sequences",
        lambda: make_windows(pd.Series([[1.0, 2.0], [3.0], [4.0]]), 1),
        ValueError,
        "X holds values that are no numbers in 'x0': setting an array element with a "
        "sequence. The column that tells series "
        "apart goes to groups=, the one that tells when a row was observed to time=; "
        "encode other text, for example with sklearn.preprocessing.OneHotEncoder, or "
        "leave it out.",
    ),
    # targets at every timestep
    (
        "timesteps without y",
        lambda: timestep_classifier().fit(X, None),
        ValueError,
        "BiLSTMTimestepClassifier requires y to be passed, but the target y is "
        "None. Give one target for every timestep.",
    ),
    (
        "timesteps with one label per sequence",
        lambda: timestep_classifier().fit(X, y),
        ValueError,
        "y has shape (8,), but BiLSTMTimestepClassifier takes one row for every "
        "timestep of X: an array (n_samples, n_timesteps), here (8, 3), or a list "
        "with an array for every sequence. For one target per sequence use "
        "BiLSTMClassifier.",
    ),
    (
        "one sample of timesteps without its axis",
        lambda: timestep_regressor().fit(X[:1], STEPS[0]),
        ValueError,
        "y has shape (3,), but BiLSTMTimestepRegressor takes one row for every "
        "timestep of X: an array (n_samples, n_timesteps), here (1, 3), or a list "
        "with an array for every sequence. X is one sample: make it y[None].",
    ),
    (
        "labels for too few timesteps",
        lambda: timestep_classifier().fit(X, STEPS[:, :2]),
        ValueError,
        "y has shape (8, 2), but BiLSTMTimestepClassifier takes one row for every "
        "timestep of X: an array (n_samples, n_timesteps), here (8, 3), or a list "
        "with an array for every sequence.",
    ),
    (
        "labels for too few sequences",
        lambda: timestep_classifier().fit(X, STEPS[:5]),
        ValueError,
        "y has shape (5, 3), but BiLSTMTimestepClassifier takes one row for every "
        "timestep of X: an array (n_samples, n_timesteps), here (8, 3), or a list "
        "with an array for every sequence.",
    ),
    (
        "labels of four axes",
        lambda: timestep_classifier().fit(X, STEPS[:, :, None, None]),
        ValueError,
        "y has shape (8, 3, 1, 1), but BiLSTMTimestepClassifier takes one row for "
        "every timestep of X: an array (n_samples, n_timesteps), here (8, 3), or a "
        "list with an array for every sequence.",
    ),
    (
        "no labels on the last axis",
        lambda: timestep_classifier().fit(X, np.empty((8, 3, 0))),
        ValueError,
        "y has shape (8, 3, 0), but BiLSTMTimestepClassifier takes one row for "
        "every timestep of X: an array (n_samples, n_timesteps), here (8, 3), or a "
        "list with an array for every sequence.",
    ),
    (
        "a list with a sequence of labels too short",
        lambda: timestep_classifier().fit(X, [*STEPS[:7], STEPS[7, :2]]),
        ValueError,
        "Sequence 7 of X has 3 timesteps, but y[7] has shape (2,). Every timestep "
        "needs one row of y, and padding none.",
    ),
    (
        "a list with too many sequences of labels",
        lambda: timestep_classifier().fit(X, [*STEPS, STEPS[0, :2]]),
        ValueError,
        "Found input variables with inconsistent numbers of samples: X has 8 "
        "sequences, y has 9. Give y one array for every sequence.",
    ),
    (
        "a list of targets of unequal width",
        lambda: timestep_regressor().fit([X[0], X[1, :2]], [X[0], X[1, :2, :1]]),
        ValueError,
        "y[1] has shape (2, 1), but y[0] has shape (3, 2): all but the number of "
        "timesteps must be the same.",
    ),
    (
        "a timestep without label",
        lambda: timestep_classifier().fit(X, but(STEPS, (2, 1), np.nan)),
        ValueError,
        "Input y contains NaN: 1 timesteps of X have data but no target, the first "
        "is sample 2, valid timestep 1. Give them a target, or weight zero in a "
        "sample_weight of shape (n_samples, n_timesteps); at padded timesteps y may"
        " hold anything.",
    ),
    (
        "NA of pandas at a timestep",
        lambda: timestep_classifier().fit(X, but(STEPS, (2, 1), pd.NA, object)),
        ValueError,
        "Input y contains NaN: 1 timesteps of X have data but no target, the first "
        "is sample 2, valid timestep 1. Give them a target, or weight zero in a "
        "sample_weight of shape (n_samples, n_timesteps); at padded timesteps y may"
        " hold anything.",
    ),
    (
        "a timestep without number",
        lambda: timestep_regressor().fit(X, but(STEPS, (2, 1), np.nan)),
        ValueError,
        "Input y contains NaN: 1 timesteps of X have data but no target, the first "
        "is sample 2, valid timestep 1. Give them a target, or weight zero in a "
        "sample_weight of shape (n_samples, n_timesteps); at padded timesteps y may"
        " hold anything.",
    ),
    (
        "sparse labels of timesteps",
        lambda: timestep_classifier().fit(X, scipy.sparse.csr_array(STEPS)),
        ValueError,
        "y is sparse (shape (8, 3)), but BiLSTMTimestepClassifier takes dense "
        "values. Use y.toarray().",
    ),
    (
        "a missing value for PCA",
        lambda: SequenceScaler(PCA()).fit(but(X, (1, 2, 0), np.nan)),
        ValueError,
        "X contains NaN in only some features of a timestep (sample 1, timestep 2, "
        "feature 0), which PCA() does not take. Put SequenceImputer in front, or give "
        "SequenceScaler a pipeline that imputes first, such as "
        "make_pipeline(SimpleImputer(), ...).",
    ),
    (
        "a transformer that leaves nothing but NaN",
        lambda: SequenceScaler(FunctionTransformer(first_column)).fit_transform(
            but(X, (1, 2), [np.nan, 7])
        ),
        ValueError,
        "FunctionTransformer(func=<function first_column at ...>) returned nan in "
        "column 0 for the timestep [nan  7.]. A timestep of nothing but NaN is "
        "padding, and this one holds data: choose a transformer that returns finite "
        "numbers for all timesteps of X, or put SequenceImputer in front if values are "
        "missing.",
    ),
    (
        "a feature without values",
        lambda: SequenceImputer().fit(but(X, (..., 1), np.nan)),
        ValueError,
        "Feature 1 of X is missing at all 24 timesteps (1 such features of 2): "
        "nothing is there to learn its mean from. Leave it out, or give a number, "
        "fill_value=0.",
    ),
    (
        "a strategy of SimpleImputer",
        lambda: SequenceImputer("most_frequent").fit(X),
        ValueError,
        "The 'strategy' parameter of SequenceImputer must be a str among {...}. Got "
        "'most_frequent' instead.",
    ),
    (
        "a static column that changes",
        lambda: pad_sequences(FRAME.assign(id=y), groups="id", static=["c"]),
        ValueError,
        "The column 'c' of static changes within group 0: row 2 of the table has ..., "
        "a row before it .... Leave it out of static: what changes is a feature like "
        "the others.",
    ),
    (
        "static values of too few sequences",
        lambda: pad_sequences(X, static=np.ones((2, 1))),
        ValueError,
        "static has 2 rows (shape (2, 1)), but there are 8 sequences. Give one row of "
        "static values for every sequence, in the same order. Of a long table, name "
        "columns of it, and id=.",
    ),
    (
        "all columns static",
        lambda: SequenceReshaper(static=[0, 1, 2]).fit(TABLE),
        ValueError,
        "static has all 3 columns of X: none is left that changes over time. If so, "
        "there is no sequence in X; n_timesteps=1 makes its columns features of a "
        "single timestep.",
    ),
    (
        "a static column that is not there",
        lambda: SequenceReshaper(static=["age"]).fit(FRAME),
        ValueError,
        "static=['age'] has 'age', which is no column of X: it has 'a', 'b', 'c'.",
    ),
    (
        "a static column by name in an array",
        lambda: SequenceReshaper(static=["age"]).fit(TABLE),
        ValueError,
        "static=['age'] names columns, but those of X have no names, or not all are "
        "strings. Give indices, or X as a data frame.",
    ),
    (
        "a target that is known",
        lambda: make_windows(FRAME, 2, target="a", known=["a"]),
        ValueError,
        "known=['a'] does not go with target='a': what is to be forecast is not known. "
        "Name one column with target= that is not in known=.",
    ),
    (
        "groups that are known",
        lambda: make_windows(FRAME, 2, groups="c", target="a", known=[2]),
        ValueError,
        "known=[2] has the column of groups, which is no feature. Leave it out.",
    ),
    (
        "a known column that is not there",
        lambda: make_windows(TABLE, 2, target=0, known=[3]),
        ValueError,
        "known=[3] has 3, which is no column of X: it has 3. Give indices from 0 to 2.",
    ),
    (
        "a known column without brackets",
        lambda: make_windows(FRAME, 2, target="a", known="b"),
        ValueError,
        "The 'known' parameter of make_windows must be an array-like or None. Got 'b' "
        "instead.",
    ),
    (
        "a mask of other columns",
        lambda: make_windows(FRAME, 2, target="a", known=[True]),
        ValueError,
        "known=[True] does not tell columns. Give a list of their indices or names, or "
        "a mask with True or False for each of the 3 columns of X.",
    ),
    (
        "elapsed without time",
        lambda: pad_sequences(FRAME, groups="a", elapsed=True),
        ValueError,
        "elapsed=True needs groups and time: name the columns of a long table that "
        "tell its sequences apart and when a row was observed.",
    ),
    (
        "fractions as labels of timesteps",
        lambda: timestep_classifier().fit(X, STEPS + 0.5),
        ValueError,
        "Unknown label type: continuous. y holds numbers that are no labels, such "
        "as 0.5. To predict numbers use BiLSTMTimestepRegressor; to predict classes"
        " make y integers or text.",
    ),
    (
        "huge numbers as labels",
        lambda: classifier().fit(X, np.linspace(1e30, 1e31, 8)),
        ValueError,
        "Unknown label type: continuous. y holds numbers that are no labels, such "
        "as 1e+30. To predict numbers use BiLSTMRegressor; to predict classes make "
        "y integers or text.",
    ),
    (
        "text and numbers as labels of timesteps",
        lambda: timestep_classifier().fit(
            X, np.where(STEPS == 0, "a", STEPS.astype(object))
        ),
        ValueError,
        "Unknown label type: unknown. y holds values of type int, str. Make all "
        "labels integers or all text, for example with y.astype(str).",
    ),
    (
        "text as targets of timesteps",
        lambda: timestep_regressor().fit(X, np.full((8, 3), "a")),
        ValueError,
        "BiLSTMTimestepRegressor needs numbers for y, got <U1 (could not convert "
        "string to float: ...). For labels use BiLSTMTimestepClassifier.",
    ),
    (
        "one class at all timesteps",
        lambda: timestep_classifier().fit(X, np.ones((8, 3))),
        ValueError,
        "There is only one class, 1.0, but BiLSTMTimestepClassifier needs samples "
        "of at least two (those of sample weight zero do not count). Give it "
        "samples of another class too; StratifiedKFold keeps every class in every "
        "fold.",
    ),
    (
        "weights for too few timesteps",
        lambda: timestep_classifier().fit(X, STEPS, np.ones((8, 2))),
        ValueError,
        "sample_weight has shape (8, 2), but BiLSTMTimestepClassifier takes one row"
        " for every timestep of X: an array (n_samples, n_timesteps), here (8, 3), "
        "or a list with an array for every sequence.",
    ),
    (
        "negative weights of timesteps",
        lambda: timestep_classifier().fit(X, STEPS, -np.ones((8, 3))),
        ValueError,
        "Negative values in data passed to `sample_weight`. Give sample_weight one "
        "number for each of the 24 timesteps of X, none negative and at least one "
        "positive, or None.",
    ),
    (
        "weights of timesteps all zero",
        lambda: timestep_classifier().fit(X, STEPS, np.zeros((8, 3))),
        ValueError,
        "Sample weights must contain at least one non-zero number. Give "
        "sample_weight one number for each of the 24 timesteps of X, none negative "
        "and at least one positive, or None.",
    ),
    (
        "score with one label per sequence",
        lambda: timestep_classifier().fit(X, STEPS).score(X, y),
        ValueError,
        "y has shape (8,), but BiLSTMTimestepClassifier takes one row for every "
        "timestep of X: an array (n_samples, n_timesteps), here (8, 3), or a list "
        "with an array for every sequence. For one target per sequence use "
        "BiLSTMClassifier.",
    ),
    (
        "partial_fit of timesteps without classes",
        lambda: timestep_classifier().partial_fit(X, STEPS),
        ValueError,
        "The first call of partial_fit needs classes: all labels that will ever "
        "come, for example classes=np.unique(y_all).",
    ),
    (
        "an unknown label at a timestep",
        lambda: timestep_classifier().partial_fit(X, STEPS, [0, 2]),
        ValueError,
        "y holds labels that are not among the known classes: [1]. "
        "BiLSTMTimestepClassifier knows [0 2]; name all classes in the first call "
        "of partial_fit, or fit again without warm_start.",
    ),
]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [pytest.param(*case, id=name) for name, *case in CASES],
)
def test_message(call, error, message):
    """Each wrong input gets exactly these words."""
    words = re.escape(message).replace(re.escape("..."), ".*")
    with pytest.raises(error, match=f"(?s)^{words}$"):
        call()


def test_names_are_unique_and_plenty():
    """No case hides another; the issue asked for thirty."""
    names = [name for name, *_ in CASES]
    assert len(set(names)) == len(names) >= 100
