"""Refused in `fit`: data that are no sequences of numbers."""

import keras
import numpy as np
import pandas as pd
import polars as pl
import scipy.sparse
from inline_snapshot import snapshot
from refusals import (
    CODES,
    DAYS,
    FRAME,
    INDEXED,
    TABLE,
    X,
    again,
    but,
    classifier,
    on_x,
    refused,
    regressor,
    y,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

ADAM = keras.optimizers.Adam


def test_1d_x():
    assert refused(lambda: classifier().fit(TABLE[:, 0], y)) == snapshot("""\
ValueError: Expected X with 2 or 3 axes, got a 1D array of shape (8,)
instead. The first axis is samples. Reshape your data: X.reshape(1, -1)
makes it one sequence of 8 timesteps, X.reshape(-1, 1) 8 sequences of one
timestep.\
""")


def test_4d_x():
    assert refused(lambda: classifier().fit(X[None], y)) == snapshot("""\
ValueError: X has 4 axes (shape (1, 8, 3, 2)), but BiLSTMClassifier takes
(n_samples, n_columns) or (n_samples, n_timesteps, n_features). Merge the
axes that make up one timestep, for example X.reshape(n_samples,
n_timesteps, -1).\
""")


def test_x_is_a_number():
    assert refused(lambda: classifier().fit(3, y)) == snapshot("""\
ValueError: Expected X with 2 or 3 axes, got a scalar instead, of type int.
Give BiLSTMClassifier an array or a data frame of shape (n_samples,
n_columns), an array (n_samples, n_timesteps, n_features), or a list of
sequences.\
""")


def test_x_is_none():
    assert refused(lambda: classifier().fit(None, y)) == snapshot("""\
ValueError: Expected X with 2 or 3 axes, got a scalar instead, of type
NoneType. Give BiLSTMClassifier an array or a data frame of shape
(n_samples, n_columns), an array (n_samples, n_timesteps, n_features), or a
list of sequences.\
""")


def test_x_is_a_dict():
    assert refused(lambda: classifier().fit({"a": [1, 2]}, y)) == snapshot("""\
ValueError: X is a dict, whose keys BiLSTMClassifier does not read: it takes
data frames, arrays, or lists of them. Give it pandas.DataFrame(X).\
""")


def test_list_of_numbers():
    assert refused(lambda: classifier().fit([1, 2, 3], [0, 1, 0])) == snapshot("""\
ValueError: Expected X with 2 or 3 axes, got a 1D array of shape (3,)
instead. The first axis is samples. Reshape your data: X.reshape(1, -1)
makes it one sequence of 3 timesteps, X.reshape(-1, 1) 3 sequences of one
timestep.\
""")


def test_series_of_numbers():
    assert refused(lambda: classifier().fit(FRAME["a"], y)) == snapshot("""\
ValueError: Expected X with 2 or 3 axes, got a 1D array of shape (8,)
instead. The first axis is samples. Reshape your data: X.reshape(1, -1)
makes it one sequence of 8 timesteps, X.reshape(-1, 1) 8 sequences of one
timestep.\
""")


def test_no_samples():
    assert refused(lambda: classifier().fit(X[:0], y[:0])) == snapshot("""\
ValueError: Found array with 0 sample(s) (shape=(0, 3, 2)) while a minimum
of 1 is required by BiLSTMClassifier. Nothing is left of X: see how its rows
and columns were selected.\
""")


def test_no_columns():
    assert refused(lambda: classifier().fit(TABLE[:, :0], y)) == snapshot("""\
ValueError: Found array with 0 feature(s) (shape=(8, 0)) while a minimum of
1 is required by BiLSTMClassifier. Nothing is left of X: see how its rows
and columns were selected.\
""")


def test_no_columns_in_a_data_frame():
    assert refused(lambda: classifier().fit(FRAME[[]], y)) == snapshot("""\
ValueError: X has no columns; a minimum of 1 is required by
BiLSTMClassifier. Nothing is left of X: see how its rows and columns were
selected.\
""")


def test_no_timesteps():
    assert refused(lambda: classifier().fit(X[:, :0], y)) == snapshot("""\
ValueError: X has shape (8, 0, 2), axes (n_samples, n_timesteps,
n_features): every sequence needs at least one timestep and one feature.\
""")


def test_text():
    assert refused(lambda: classifier().fit(np.full((8, 3), "a"), y)) == snapshot("""\
ValueError: X holds text (dtype <U1), but BiLSTMClassifier takes numbers.
Encode categories first, for example with
sklearn.preprocessing.OneHotEncoder; SequenceTokenizer makes codes of texts
and of lists of tokens.\
""")


def test_text_in_three_axes():
    assert refused(lambda: classifier().fit(np.full((8, 3, 2), "a"), y)) == snapshot("""\
ValueError: X holds text (dtype <U1), but BiLSTMClassifier takes numbers.
Encode categories first, for example with
sklearn.preprocessing.OneHotEncoder; SequenceTokenizer makes codes of texts
and of lists of tokens.\
""")


def test_text_among_objects():
    assert refused(
        lambda: classifier().fit(np.full((8, 3, 2), "a", dtype=object), y)
    ) == snapshot("""\
ValueError: X holds values that are no numbers: could not convert string to
float: 'a'. BiLSTMClassifier takes numbers only. Encode categories first,
for example with sklearn.preprocessing.OneHotEncoder; SequenceTokenizer
makes codes of texts and of lists of tokens.\
""")


def test_text_in_a_frame():
    assert refused(lambda: classifier().fit(FRAME.assign(a="x"), y)) == snapshot("""\
ValueError: X holds values that are no numbers: could not convert string to
float: 'x'. BiLSTMClassifier takes numbers only. Encode categories first,
for example with sklearn.preprocessing.OneHotEncoder; SequenceTokenizer
makes codes of texts and of lists of tokens.\
""")


def test_list_of_text():
    assert refused(lambda: classifier().fit(["abc", "de"], [0, 1])) == snapshot("""\
ValueError: X holds text (dtype <U3), but BiLSTMClassifier takes numbers. If
they are texts, put SequenceTokenizer in front: it makes sequences of codes,
of which categorical_features=[0] learns vectors.\
""")


def test_series_of_text():
    assert refused(
        lambda: classifier().fit(pd.Series(["abc", "de"]), [0, 1])
    ) == snapshot("""\
ValueError: X holds text (in a 1D array of shape (2,)), but BiLSTMClassifier
takes numbers. If they are texts, put SequenceTokenizer in front: it makes
sequences of codes, of which categorical_features=[0] learns vectors.\
""")


def test_a_column_of_text():
    assert refused(
        lambda: classifier().fit(pl.DataFrame({"a": ["not bad", "bad"]}), [0, 1])
    ) == snapshot("""\
ValueError: X holds values that are no numbers: could not convert string to
float: 'not bad'. BiLSTMClassifier takes numbers only. If they are texts,
put SequenceTokenizer in front: it makes sequences of codes, of which
categorical_features=[0] learns vectors.\
""")


def test_counts_of_words():
    assert refused(
        lambda: make_pipeline(TfidfVectorizer(), classifier()).fit(
            ["ab", "c d"], [0, 1]
        ),
        "their place. ...",
    ) == snapshot("""\
TypeError: Sparse data was passed for X, but dense data is required. Counts
of words, as CountVectorizer and TfidfVectorizer give them, are no
sequences: put SequenceTokenizer in their place. ...\
""")


def test_dates():
    assert refused(
        lambda: classifier().fit(
            np.full((8, 3), "2020-01-01", dtype="datetime64[D]"), y
        )
    ) == snapshot("""\
ValueError: X holds dates or durations in columns 0, 1, 2 (dtype
datetime64[D]), but BiLSTMClassifier takes numbers. Make them numbers that
mean something to a network, for example hours since the timestep before.\
""")


def test_dates_in_three_axes():
    assert refused(
        lambda: classifier().fit(np.full((8, 3, 2), "2020", dtype="datetime64[Y]"), y)
    ) == snapshot("""\
ValueError: X holds dates or durations (dtype datetime64[Y]), but
BiLSTMClassifier takes numbers. Make them numbers that mean something to a
network, for example hours since the timestep before.\
""")


def test_a_column_of_dates():
    assert refused(
        lambda: classifier().fit(FRAME.assign(when=DAYS), y),
        "(dtype datetime64[...]), but",
    ) == snapshot("""\
ValueError: X holds dates or durations in column 'when' (dtype
datetime64[...]), but BiLSTMClassifier takes numbers. Make them numbers that
mean something to a network, for example hours since the timestep before.\
""")


def test_dates_in_a_frame_of_polars():
    assert refused(
        lambda: regressor().fit(pl.DataFrame({"when": list(DAYS), "a": y}), y),
        "(dtype datetime64[...]), but",
    ) == snapshot("""\
ValueError: X holds dates or durations in column 'when' (dtype
datetime64[...]), but BiLSTMRegressor takes numbers. Make them numbers that
mean something to a network, for example hours since the timestep before.\
""")


def test_a_date_in_a_sequence():
    assert refused(
        lambda: classifier().fit([[DAYS[0], DAYS[1]], [DAYS[2]]], [0, 1])
    ) == snapshot("""\
TypeError: Sequence 0 of X is not numeric: it holds dates or durations
(dtype object). Every sequence must be an array of numbers of shape
(n_timesteps,) or (n_timesteps, n_features).\
""")


def test_objects_that_are_no_numbers():
    assert refused(
        lambda: classifier().fit(FRAME.assign(a=DAYS.to_period("D")), y)
    ) == snapshot("""\
TypeError: X holds values that are no numbers: float() argument must be a
string or a real number, not 'Period'. BiLSTMClassifier takes numbers only.
Encode categories first, for example with
sklearn.preprocessing.OneHotEncoder; SequenceTokenizer makes codes of texts
and of lists of tokens.\
""")


def test_complex():
    assert refused(lambda: classifier().fit(X + 1j, y)) == snapshot("""\
ValueError: Complex data not supported: X has dtype complex128, but
BiLSTMClassifier takes real numbers. Give real and imaginary part as two
features, for example np.concatenate([X.real, X.imag], axis=-1).\
""")


def test_sparse():
    assert refused(
        lambda: classifier().fit(scipy.sparse.csr_array(TABLE), y),
        "...dense data",
        "is required...toarray()",
        "toarray()...",
    ) == snapshot("TypeError: ...dense data is required...toarray()...")


def test_masked_array():
    assert refused(
        lambda: classifier().fit(np.ma.masked_array(X, X > 0), y)
    ) == snapshot("""\
ValueError: X is a masked array, but BiLSTMClassifier does not read masks.
Use X.filled(np.nan): a timestep whose features are all NaN is padding.\
""")


def test_names_not_all_text():
    assert refused(
        lambda: classifier().fit(FRAME.set_axis(["a", 1, "b"], axis=1), y),
        "only supported...",
    ) == snapshot("TypeError: Feature names are only supported...")


def test_infinity():
    assert refused(lambda: classifier().fit(but(X, (1, 2, 0), np.inf), y)) == snapshot("""\
ValueError: X contains infinity or a value too large for float32 (sample 1,
timestep 2, feature 0: inf). Replace or drop it, or scale the features
first.\
""")


def test_too_large_for_float32():
    assert refused(lambda: classifier().fit(but(X, (1, 2, 0), 1e39), y)) == snapshot("""\
ValueError: X contains infinity or a value too large for float32 (sample 1,
timestep 2, feature 0: 1e+39). Replace or drop it, or scale the features
first.\
""")


def test_a_code_that_is_no_integer():
    assert refused(
        lambda: classifier(categorical_features=[1]).fit(but(CODES, (1, 2, 1), 0.5), y)
    ) == snapshot("""\
ValueError: Feature 1 of X is in categorical_features, but holds 0.5 (sample
1, timestep 2). A category is an integer of at least 0 and at most 2**53;
NaN and negative numbers are missing. Encode it first, for example with
sklearn.preprocessing.OrdinalEncoder, or leave the feature out of
categorical_features.\
""")


def test_categorical_features_no_such_feature():
    assert refused(
        lambda: classifier(categorical_features=[2]).fit(CODES, y)
    ) == snapshot("""\
ValueError: categorical_features has 2, but X has 2 features per timestep:
give numbers from 0 to 1.\
""")


def test_categorical_features_of_a_table():
    assert refused(
        lambda: classifier(categorical_features=["a"]).fit(FRAME, y)
    ) == snapshot("""\
ValueError: categorical_features names features, but X is a table, whose
columns are timesteps of one feature. Give BiLSTMClassifier their numbers,
or a boolean mask; names go with a data frame whose cells are sequences, or
a list of data frames.\
""")


def test_categorical_features_then_others():
    assert refused(
        lambda: again(classifier(), CODES, categorical_features=[0])
    ) == snapshot("""\
ValueError: categorical_features=[0] is features [0], but training began
with []. Give it the fitted value, or call fit with warm_start=False to
start again.\
""")


def test_nan_in_half_a_timestep():
    assert refused(lambda: classifier().fit(but(X, (1, 2, 0), np.nan), y)) == snapshot("""\
ValueError: X contains NaN in only some features of a timestep (sample 1,
timestep 2, feature 0). A timestep whose features are all NaN is padding;
NaN beside numbers is a missing value. Put SequenceImputer behind the step
that makes the sequences, or impute the rows before, for example with
sklearn.impute.SimpleImputer.\
""")


def test_nothing_but_padding():
    assert refused(lambda: classifier().fit(but(X, 1, np.nan), y)) == snapshot("""\
ValueError: Sample 1 of X is nothing but padding: all its timesteps are NaN
(1 such samples of 8). Every sample needs at least one timestep with
numbers; drop these rows from X and y.\
""")


def test_empty_sequence():
    assert refused(lambda: classifier().fit([[1.0], []], [0, 1])) == snapshot("""\
ValueError: Sequence 1 of X is empty: it has 0 timesteps. Drop it from X and
y; every sequence needs at least one timestep.\
""")


def test_empty_list():
    assert refused(lambda: classifier().fit([], [])) == snapshot(
        """\
ValueError: X is an empty list: 0 sequences came, a minimum of 1 is
required.\
"""
    )


def test_unequal_features():
    assert refused(
        lambda: classifier().fit([np.ones((2, 2)), np.ones((4, 3))], [0, 1])
    ) == snapshot("""\
ValueError: Sequence 1 of X has 3 features, but sequence 0 has 2. Every
sequence must be an array of shape (n_timesteps, n_features) with the same
n_features.\
""")


def test_axes_swapped():
    assert refused(
        lambda: classifier().fit([np.ones((3, 43)), np.ones((3, 30))], [0, 1])
    ) == snapshot("""\
ValueError: Sequence 1 of X has 30 features, but sequence 0 has 43. Every
sequence must be an array of shape (n_timesteps, n_features) with the same
n_features. The first axis of all is 3: the axes look swapped, (n_features,
n_timesteps), as sktime and aeon have them. If so, give [x.T for x in X], or
put SequencePadder(layout="channels_first") in front.\
""")


def test_padding_along_features():
    assert refused(
        lambda: classifier().fit(
            np.where(np.arange(9) < 5, np.ones((2, 3, 9)), np.nan), [0, 1]
        )
    ) == snapshot("""\
ValueError: X contains NaN in only some features of a timestep (sample 0,
timestep 0, feature 5). A timestep whose features are all NaN is padding;
NaN beside numbers is a missing value. Put SequenceImputer behind the step
that makes the sequences, or impute the rows before, for example with
sklearn.impute.SimpleImputer. Or these NaN are padding, and the last two
axes of X are swapped: (n_samples, n_features, n_timesteps) is what
SequencePadder(layout="channels_first") reads.\
""")


def test_axes_swapped_after_fit():
    assert refused(lambda: on_x().predict(np.ones((4, 2, 9)))) == snapshot("""\
ValueError: X has 9 features per timestep (shape (4, 2, 9), axes (n_samples,
n_timesteps, n_features)), but BiLSTMClassifier was fitted with 2. Give it
the same features, in the same order. If the second axis is the features,
put SequencePadder(layout="channels_first") in front.\
""")


def test_a_query_of_polars():
    assert refused(
        lambda: classifier().fit(pl.LazyFrame({"a": [1.0]}), [0])
    ) == snapshot("""\
TypeError: X is a LazyFrame, a query that has not been run, but
BiLSTMClassifier takes data. Give it X.collect().\
""")


def test_a_long_table_and_a_y_for_each_sequence():
    assert refused(lambda: classifier().fit(INDEXED, [0, 1])) == snapshot("""\
ValueError: Found input variables with inconsistent numbers of samples: X
has 8 (shape (8, 3, 1)), y has 2. The first axis of X is samples, and every
sample needs one target. If several rows of X are the timesteps of one
sequence, make sequences of them first: pad_sequences(X, groups=...) takes
the column that tells them apart.\
""")


def test_sequence_of_three_axes():
    assert refused(
        lambda: classifier().fit([np.ones((2, 2, 2)), np.ones(3)], [0, 1])
    ) == snapshot("""\
ValueError: Sequence 0 of X has shape (2, 2, 2). Every sequence must have
shape (n_timesteps,) or (n_timesteps, n_features).\
""")


def test_list_with_a_number():
    assert refused(lambda: classifier().fit([1, [2, 3]], [0, 1])) == snapshot("""\
ValueError: Sequence 0 of X has shape (). Every sequence must have shape
(n_timesteps,) or (n_timesteps, n_features).\
""")


def test_list_with_none():
    assert refused(lambda: classifier().fit([None, [2, 3]], [0, 1])) == snapshot("""\
ValueError: Sequence 0 of X is missing: in its place stands None. Drop it
from X and y; every sequence needs at least one timestep.\
""")


def test_text_in_a_sequence():
    assert refused(lambda: classifier().fit([["a"], ["b", "c"]], [0, 1])) == snapshot("""\
TypeError: Sequence 0 of X is not numeric: its dtype is <U1. Every sequence
must be an array of numbers of shape (n_timesteps,) or (n_timesteps,
n_features). SequenceTokenizer makes codes of lists of tokens.\
""")


def test_tokens_in_the_cells_of_a_frame():
    assert refused(
        lambda: classifier().fit(pd.DataFrame({"a": [["a"], ["b", "c"]]}), [0, 1]),
        "not numeric: ... SequenceTokenizer makes",
    ) == snapshot("""\
TypeError: Sequence 0 of X is not numeric: ... SequenceTokenizer makes codes
of lists of tokens.\
""")


def test_complex_sequence():
    assert refused(
        lambda: classifier().fit([np.ones(2) * 1j, np.ones(3)], [0, 1])
    ) == snapshot("""\
TypeError: Sequence 0 of X is not numeric: its dtype is complex128. Every
sequence must be an array of numbers of shape (n_timesteps,) or
(n_timesteps, n_features).\
""")
