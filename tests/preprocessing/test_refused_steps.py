"""Refused by the transformers."""

import keras
import numpy as np
import pandas as pd
import scipy.sparse
from inline_snapshot import snapshot
from refusals import (
    DAYS,
    FRAME,
    INDEXED,
    TABLE,
    X,
    but,
    first_column,
    refused,
    y,
)
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.preprocessing import FunctionTransformer

from sklstm import (
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
from sklstm.inspection import timestep_importance

ADAM = keras.optimizers.Adam


def test_complex_windows():
    assert refused(lambda: SlidingWindows(2).fit(TABLE * 1j)) == snapshot("""\
ValueError: Complex data not supported: SlidingWindows takes real numbers.
Give real and imaginary part of X as two features.\
""")


def test_no_columns_for_windows():
    assert refused(lambda: SlidingWindows(2).fit(FRAME[[]])) == snapshot("""\
ValueError: X has no columns; a minimum of 1 is required by SlidingWindows.
Nothing is left of X: see how its rows and columns were selected.\
""")


def test_reshaping_dates():
    assert refused(
        lambda: SequenceReshaper().fit(pd.DataFrame({"when": DAYS})),
        "(dtype datetime64[...]), but",
    ) == snapshot("""\
ValueError: X holds dates or durations in column 'when' (dtype
datetime64[...]), but SequenceReshaper takes numbers. Make them numbers that
mean something to a network, for example hours since the timestep before.\
""")


def test_windows_over_dates():
    assert refused(
        lambda: SlidingWindows(2).fit(FRAME.assign(when=DAYS)),
        "(dtype datetime64[...]), but",
    ) == snapshot("""\
ValueError: X holds dates or durations in column 'when' (dtype
datetime64[...]), but SlidingWindows takes numbers. The column that tells
when a row was observed goes to time= of SlidingWindows. Make them numbers
that mean something to a network, for example hours since the timestep
before.\
""")


def test_dates_in_a_long_table():
    assert refused(
        lambda: pad_sequences(FRAME.assign(id=y, when=DAYS), groups="id"),
        "(dtype datetime64[...]), but",
    ) == snapshot("""\
ValueError: X holds dates or durations in column 'when' (dtype
datetime64[...]), but pad_sequences takes numbers. The column that tells
when a row was observed goes to time= of pad_sequences. Make them numbers
that mean something to a network, for example hours since the timestep
before.\
""")


def test_an_id_in_the_index():
    assert refused(
        lambda: pad_sequences(INDEXED, groups="id", time="step")
    ) == snapshot("""\
ValueError: groups='id' is no column of X, which has 'a', 'b', 'c'. Name one
of these, or give its index. The index of its rows has 'id', 'step':
reset_index() makes columns of these.\
""")


def test_groups_in_the_index():
    assert refused(lambda: SlidingWindows(2, groups="id").fit(INDEXED)) == snapshot("""\
ValueError: groups='id' is no column of X, which has 'a', 'b', 'c'. Name one
of these, or give its index. The index of its rows has 'id', 'step':
reset_index() makes columns of these.\
""")


def test_tokenizer_a_single_text():
    assert refused(lambda: SequenceTokenizer().fit("one text")) == snapshot("""\
ValueError: X is a single text, but SequenceTokenizer takes an iterable of
them: give [X].\
""")


def test_tokenizer_a_table():
    assert refused(lambda: SequenceTokenizer().fit(FRAME)) == snapshot("""\
ValueError: X is a table with columns 'a', 'b', 'c', but SequenceTokenizer
takes texts: give the column that holds them, X[name]. In a pipeline put
ColumnTransformer([("texts", "passthrough", [name])]) in front, which leaves
that column.\
""")


def test_tokenizer_a_missing_text():
    assert refused(lambda: SequenceTokenizer().fit(["one", None])) == snapshot("""\
TypeError: X[1] is None, of type NoneType, and no text. Fill what is missing
with ''; numbers need no tokenizer, see categorical_features of the
estimators.\
""")


def test_tokenizer_no_token_left():
    assert refused(
        lambda: SequenceTokenizer().fit(["?", "!"]),
        "empty vocabulary; ... Lower min_df,",
    ) == snapshot("""\
ValueError: No token of X is left to know: empty vocabulary; ... Lower
min_df, raise max_df, or see what token_pattern and stop_words leave.\
""")


def test_columns_of_frames_in_another_order():
    assert refused(lambda: pad_sequences([FRAME, FRAME[["c", "a", "b"]]])) == snapshot("""\
ValueError: Sequence 1 of X has the columns ['c', 'a', 'b'], but sequence 0
has ['a', 'b', 'c']: features would change places. Give all frames their
columns in one order, by frame[columns], or by frame.select(columns) of
pyarrow.\
""")


def test_columns_of_frames_with_other_names():
    assert refused(
        lambda: pad_sequences([X[0], FRAME[["a", "b"]], FRAME[["a", "c"]]])
    ) == snapshot("""\
ValueError: Sequence 2 of X has the columns ['a', 'c'], but sequence 1 has
['a', 'b']. Columns are features, and other names are other features: rename
those that are the same, or give arrays, which have no names.\
""")


def test_columns_of_frames_with_the_same_name():
    assert refused(lambda: pad_sequences([FRAME[["a", "b", "a"]]])) == snapshot("""\
ValueError: A data frame in X has several columns named 'a', but
SequencePadder tells columns apart by their names. Rename them, or drop
those that were meant to be there once: frame.loc[:,
~frame.columns.duplicated()]. An array has no names.\
""")


def test_a_frame_of_sequences_to_sequencereshaper():
    assert refused(
        lambda: SequenceReshaper().fit(pd.DataFrame({"a": [[1.0, 2.0], [3.0]]}))
    ) == snapshot("""\
ValueError: X is a data frame whose cells are sequences, but
SequenceReshaper takes a table of numbers, of shape (n_samples, n_columns).
Use SequencePadder, which makes such a frame (n_samples, n_timesteps,
n_features).\
""")


def test_axes_in_our_order_after_all():
    assert refused(
        lambda: (
            SequencePadder(layout="channels_first")
            .fit(np.ones((4, 2, 9)))
            .transform(np.ones((4, 9, 2)))
        )
    ) == snapshot("""\
ValueError: X has 9 features per timestep (shape (4, 2, 9), axes (n_samples,
n_timesteps, n_features)), but SequencePadder was fitted with 2. Give it the
same features, in the same order. With layout="channels_first" the last two
axes of X were swapped before.\
""")


def test_features_of_unequal_length():
    assert refused(
        lambda: pad_sequences([[[1, 2], [3]]], layout="channels_first")
    ) == snapshot("""\
ValueError: Sequence 0 of X is ragged itself: its features have 2, 1
timesteps. With layout="channels_first" every sequence must be an array of
shape (n_features, n_timesteps_i).\
""")


def test_axes_of_a_long_table():
    assert refused(
        lambda: pad_sequences(FRAME, groups="a", layout="channels_first")
    ) == snapshot("""\
ValueError: layout="channels_first" was given with groups, but the rows of a
long table are timesteps and its columns features, whatever their order.
Leave it out.\
""")


def test_layout_of_columns_for_axes():
    assert refused(lambda: SequencePadder(layout="feature").fit(X)) == snapshot("""\
InvalidParameterError: The 'layout' parameter of SequencePadder must be a
str among {'channels_first', 'channels_last'}. Got 'feature' instead.\
""")


def test_sparse_columns():
    assert refused(
        lambda: SequenceReshaper().fit(scipy.sparse.csr_array(TABLE))
    ) == snapshot("""\
TypeError: Sparse data was passed for X, but dense data is required. Counts
of words, as CountVectorizer and TfidfVectorizer give them, are no
sequences: put SequenceTokenizer in their place. To get a dense table from a
ColumnTransformer, set its sparse_threshold=0; from a OneHotEncoder, its
sparse_output=False; otherwise X.toarray().\
""")


def test_a_name_that_a_columntransformer_changed():
    assert refused(
        lambda: SlidingWindows(2, groups="a").fit(FRAME.add_prefix("remainder__"))
    ) == snapshot("""\
ValueError: groups='a' is no column of X, which has 'remainder__a',
'remainder__b', 'remainder__c'. Name one of these, or give its index. A
ColumnTransformer has named it 'remainder__a': give that name, or set
verbose_feature_names_out=False there.\
""")


def test_a_matrix_to_look_at_that_is_no_sequences():
    assert refused(
        lambda: timestep_importance(Ridge().fit(TABLE, y), TABLE, y)
    ) == snapshot("""\
ValueError: timestep_importance cannot tell the timesteps: Ridge is given a
matrix of shape (8, 3). Put what makes sequences of it in front of Ridge, as
in make_pipeline(SequenceReshaper(...), Ridge(...)), or give sequences.\
""")


def test_n_timesteps_does_not_divide():
    assert refused(lambda: SequenceReshaper(2).fit(TABLE)) == snapshot("""\
ValueError: X has 3 columns, which n_timesteps=2 does not divide. Choose 1
or 3, or set pad=True.\
""")


def test_product_does_not_match():
    assert refused(lambda: SequenceReshaper(2, n_features=2).fit(TABLE)) == snapshot("""\
ValueError: X has 3 columns, but n_timesteps=2 times n_features=2 is 4.
Choose two sizes whose product is 3, or give one of them and the other
follows, or set pad=True.\
""")


def test_reshaping_sequences():
    assert refused(lambda: SequenceReshaper().fit(X)) == snapshot("""\
ValueError: X has 3 axes (shape (8, 3, 2)), but SequenceReshaper takes a
table of shape (n_samples, n_columns). X is already (n_samples, n_timesteps,
n_features) and needs no SequenceReshaper: leave it out, or use
SequencePadder if the sequences need another length. Where features come
before timesteps, SequencePadder(layout="channels_first") reads them.\
""")


def test_reshaping_a_ragged_list():
    assert refused(lambda: SequenceReshaper().fit([[1, 2], [3]])) == snapshot("""\
ValueError: X is a list of sequences of unequal length, but SequenceReshaper
takes a table of shape (n_samples, n_columns). Use SequencePadder, which
makes such a list (n_samples, n_timesteps, n_features).\
""")


def test_reshaping_other_columns():
    assert refused(
        lambda: SequenceReshaper().fit(TABLE).transform(TABLE[:, :2])
    ) == snapshot(
        """\
ValueError: X has 2 features, but SequenceReshaper is expecting 3 features
as input.\
"""
    )


def test_inverse_of_a_table():
    assert refused(
        lambda: SequenceReshaper().fit(TABLE).inverse_transform(TABLE)
    ) == snapshot("""\
ValueError: X has shape (8, 3), but inverse_transform expects the three axes
(n_samples, n_timesteps, n_features) that transform returns: (n_samples, 3,
1).\
""")


def test_unknown_layout():
    assert refused(lambda: SequenceReshaper(layout="time").fit(TABLE)) == snapshot("""\
InvalidParameterError: The 'layout' parameter of SequenceReshaper must be a
str among {'feature', 'timestep'}. Got 'time' instead.\
""")


def test_unfitted_reshaper():
    assert refused(
        lambda: SequenceReshaper().transform(TABLE), "fitted yet..."
    ) == snapshot("NotFittedError: This SequenceReshaper instance is not fitted yet...")


def test_longer_than_n_timesteps():
    assert refused(
        lambda: SequencePadder(2, truncating="raise").fit(TABLE)
    ) == snapshot("""\
ValueError: Sequence 0 of X has 3 timesteps, more than n_timesteps=2 (8 such
sequences of 8; the longest has 3). Choose a larger n_timesteps, or
truncating="pre" or "post" to cut them.\
""")


def test_n_timesteps_3():
    assert refused(lambda: SequencePadder("3").fit(TABLE)) == snapshot("""\
InvalidParameterError: The 'n_timesteps' parameter of SequencePadder must be
an int in the range [1, inf) or None. Got '3' instead.\
""")


def test_padding_1d():
    assert refused(lambda: SequencePadder().fit([1, 2, 3])) == snapshot("""\
ValueError: Expected X with 2 or 3 axes, got a 1D array of shape (3,)
instead. The first axis is samples. Reshape your data: X.reshape(1, -1)
makes it one sequence of 3 timesteps, X.reshape(-1, 1) 3 sequences of one
timestep.\
""")


def test_padding_nothing():
    assert refused(lambda: pad_sequences([])) == snapshot(
        """\
ValueError: X is an empty list: 0 sequences came, a minimum of 1 is
required.\
"""
    )


def test_unknown_padding():
    assert refused(lambda: pad_sequences([[1]], padding="left")) == snapshot("""\
InvalidParameterError: The 'padding' parameter of pad_sequences must be a
str among {'post', 'pre'}. Got 'left' instead.\
""")


def test_unpadding_a_table():
    assert refused(
        lambda: SequencePadder().fit(TABLE).inverse_transform(TABLE)
    ) == snapshot("""\
ValueError: X has shape (8, 3), but inverse_transform expects the three axes
(n_samples, n_timesteps, n_features) that transform returns.\
""")


def test_unfitted_padder():
    assert refused(
        lambda: SequencePadder().transform(TABLE), "fitted yet..."
    ) == snapshot("NotFittedError: This SequencePadder instance is not fitted yet...")


def test_timesteps_between_frames():
    assert refused(lambda: SequenceFramer(4, hop_length=6).fit(X)) == snapshot("""\
ValueError: hop_length=6 is greater than frame_length=4: timesteps between
two frames would be in none. Choose hop_length of at most 4, or frame_length
of at least 6.\
""")


def test_frames_without_timesteps():
    assert refused(lambda: SequenceFramer(0).fit(X)) == snapshot("""\
InvalidParameterError: The 'frame_length' parameter of SequenceFramer must
be an int in the range [1, inf). Got 0 instead.\
""")


def test_frames_of_other_features():
    assert refused(lambda: SequenceFramer().fit(X).transform(X[:, :, :1])) == snapshot("""\
ValueError: X has 1 features per timestep (shape (8, 3, 1), axes (n_samples,
n_timesteps, n_features)), but SequenceFramer was fitted with 2. Give it the
same features, in the same order.\
""")


def test_unfitted_framer():
    assert refused(lambda: SequenceFramer().transform(X), "fitted yet...") == snapshot(
        "NotFittedError: This SequenceFramer instance is not fitted yet..."
    )


def test_order_0():
    assert refused(lambda: SequenceDifferencer(0).fit(X)) == snapshot("""\
InvalidParameterError: The 'order' parameter of SequenceDifferencer must be
an int in the range [1, inf). Got 0 instead.\
""")


def test_differences_too_large():
    assert refused(
        lambda: SequenceDifferencer().fit_transform(np.float32([[3e38, -3e38]]))
    ) == snapshot("""\
ValueError: X holds values whose differences are too large for float32.
Scale the features first, for example with SequenceScaler().\
""")


def test_unfitted_differencer():
    assert refused(
        lambda: SequenceDifferencer().transform(X), "fitted yet..."
    ) == snapshot(
        "NotFittedError: This SequenceDifferencer instance is not fitted yet..."
    )


def test_reshaping_text():
    assert refused(lambda: SequenceReshaper().fit(np.full((8, 3), "a"))) == snapshot("""\
ValueError: X holds text (dtype <U1), but SequenceReshaper takes numbers.
Encode categories first, for example with
sklearn.preprocessing.OneHotEncoder; SequenceTokenizer makes codes of texts
and of lists of tokens.\
""")


def test_reshaping_text_among_objects():
    assert refused(
        lambda: SequenceReshaper().fit(np.array([[1, "a"]], dtype=object))
    ) == snapshot("""\
ValueError: X holds values that are no numbers: could not convert string to
float: 'a'. SequenceReshaper takes numbers only. Encode categories first,
for example with sklearn.preprocessing.OneHotEncoder; SequenceTokenizer
makes codes of texts and of lists of tokens.\
""")


def test_windows_over_unequal_rows():
    assert refused(lambda: SlidingWindows(1).fit([[1.0, 2.0], [3.0]])) == snapshot("""\
ValueError: X is a list of rows of unequal length, but SlidingWindows takes
a table of shape (n_samples, n_columns), a row for each time. If every item
of the list is a series of its own, put them one behind the other and tell
them apart with groups=.\
""")


def test_framing_unequal_rows():
    assert refused(lambda: make_windows([[1.0, 2.0], [3.0]], 1)) == snapshot("""\
ValueError: X is a list of rows of unequal length, but make_windows takes a
table of shape (n_samples, n_columns), a row for each time. If every item of
the list is a series of its own, put them one behind the other and tell them
apart with groups=.\
""")


def test_framing_a_series_of_sequences():
    assert refused(
        lambda: make_windows(pd.Series([[1.0, 2.0], [3.0], [4.0]]), 1)
    ) == snapshot("""\
ValueError: X holds values that are no numbers in 'x0': setting an array
element with a sequence. The column that tells series apart goes to groups=,
the one that tells when a row was observed to time=; encode other text, for
example with sklearn.preprocessing.OneHotEncoder, or leave it out.\
""")


def test_a_missing_value_for_pca():
    assert refused(
        lambda: SequenceScaler(PCA()).fit(but(X, (1, 2, 0), np.nan))
    ) == snapshot("""\
ValueError: X contains NaN in only some features of a timestep (sample 1,
timestep 2, feature 0), which PCA() does not take. Put SequenceImputer in
front, or give SequenceScaler a pipeline that imputes first, such as
make_pipeline(SimpleImputer(), ...).\
""")


def test_a_transformer_that_leaves_nothing_but_nan():
    assert refused(
        lambda: SequenceScaler(FunctionTransformer(first_column)).fit_transform(
            but(X, (1, 2), [np.nan, 7])
        ),
        "first_column at ...>) returned",
    ) == snapshot("""\
ValueError: FunctionTransformer(func=<function first_column at ...>)
returned nan in column 0 for the timestep [nan  7.]. A timestep of nothing
but NaN is padding, and this one holds data: choose a transformer that
returns finite numbers for all timesteps of X, or put SequenceImputer in
front if values are missing.\
""")


def test_a_feature_without_values():
    assert refused(lambda: SequenceImputer().fit(but(X, (..., 1), np.nan))) == snapshot("""\
ValueError: Feature 1 of X is missing at all 24 timesteps (1 such features
of 2): nothing is there to learn its mean from. Leave it out, or give a
number, fill_value=0.\
""")


def test_a_strategy_of_simpleimputer():
    assert refused(lambda: SequenceImputer("most_frequent").fit(X)) == snapshot("""\
InvalidParameterError: The 'strategy' parameter of SequenceImputer must be a
str among {'bfill', 'ffill', 'linear'}. Got 'most_frequent' instead.\
""")


def test_a_static_column_that_changes():
    assert refused(
        lambda: pad_sequences(FRAME.assign(id=y), groups="id", static=["c"]),
        "table has ..., a",
        "before it .... Leave",
    ) == snapshot("""\
ValueError: The column 'c' of static changes within group 0: row 2 of the
table has ..., a row before it .... Leave it out of static: what changes is
a feature like the others.\
""")


def test_static_values_of_too_few_sequences():
    assert refused(lambda: pad_sequences(X, static=np.ones((2, 1)))) == snapshot("""\
ValueError: static has 2 rows (shape (2, 1)), but there are 8 sequences.
Give one row of static values for every sequence, in the same order. Of a
long table, name columns of it, and groups=.\
""")


def test_all_columns_static():
    assert refused(lambda: SequenceReshaper(static=[0, 1, 2]).fit(TABLE)) == snapshot("""\
ValueError: static has all 3 columns of X: none is left that changes over
time. If so, there is no sequence in X; n_timesteps=1 makes its columns
features of a single timestep.\
""")


def test_a_static_column_that_is_not_there():
    assert refused(lambda: SequenceReshaper(static=["age"]).fit(FRAME)) == snapshot(
        """\
ValueError: static=['age'] has 'age', which is no column of X: it has 'a',
'b', 'c'.\
"""
    )


def test_a_static_column_by_name_in_an_array():
    assert refused(lambda: SequenceReshaper(static=["age"]).fit(TABLE)) == snapshot("""\
ValueError: static=['age'] names columns, but those of X have no names, or
not all are strings. Give indices, or X as a data frame.\
""")


def test_a_target_that_is_known():
    assert refused(lambda: make_windows(FRAME, 2, target="a", known=["a"])) == snapshot("""\
ValueError: known=['a'] does not go with target='a': what is to be forecast
is not known. Name one column with target= that is not in known=.\
""")


def test_groups_that_are_known():
    assert refused(
        lambda: make_windows(FRAME, 2, groups="c", target="a", known=[2])
    ) == snapshot(
        """\
ValueError: known=[2] has the column of groups, which is no feature. Leave
it out.\
"""
    )


def test_a_known_column_that_is_not_there():
    assert refused(lambda: make_windows(TABLE, 2, target=0, known=[3])) == snapshot("""\
ValueError: known=[3] has 3, which is no column of X: it has 3. Give indices
from 0 to 2.\
""")


def test_a_known_column_without_brackets():
    assert refused(lambda: make_windows(FRAME, 2, target="a", known="b")) == snapshot("""\
InvalidParameterError: The 'known' parameter of make_windows must be an
array-like or None. Got 'b' instead.\
""")


def test_a_mask_of_other_columns():
    assert refused(
        lambda: make_windows(FRAME, 2, target="a", known=[True])
    ) == snapshot("""\
ValueError: known=[True] does not tell columns. Give a list of their indices
or names, or a mask with True or False for each of the 3 columns of X.\
""")


def test_elapsed_without_time():
    assert refused(lambda: pad_sequences(FRAME, groups="a", elapsed=True)) == snapshot("""\
ValueError: elapsed=True needs groups and time: name the columns of a long
table that tell its sequences apart and when a row was observed.\
""")
