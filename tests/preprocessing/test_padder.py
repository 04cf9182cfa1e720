"""SequencePadder and pad_sequences against a loop, by law, and word by word."""

from datetime import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import law, ragged, scattered

from sklstm import SequencePadder, SlidingWindows, pad_sequences

ends = st.sampled_from(["pre", "post"])


def pad_by_loop(sequences, n_timesteps, padding, truncating):
    """One sequence after the other."""
    rows = []
    for sequence in sequences:
        if len(sequence) > n_timesteps:
            start = len(sequence) - n_timesteps if truncating == "pre" else 0
            sequence = sequence[start : start + n_timesteps]
        rest = np.full((n_timesteps - len(sequence), sequence.shape[1]), np.nan)
        parts = [rest, sequence] if padding == "pre" else [sequence, rest]
        rows.append(np.concatenate(parts))
    return np.array(rows, dtype=sequences[0].dtype)


@given(scattered(), st.none() | st.integers(1, 8), ends, ends)
@law
def test_transform_is_the_loop(pair, n_timesteps, padding, truncating):
    """A list, an array padded anywhere and the plain function give the same."""
    sequences, values = pair
    params = {"padding": padding, "truncating": truncating}
    longest = max(map(len, sequences))
    expected = pad_by_loop(sequences, n_timesteps or longest, **params)
    padder = SequencePadder(n_timesteps, **params)
    for X in (sequences, values):
        assert_array_equal(padder.fit_transform(X), expected, strict=True)
        assert padder.n_timesteps_out_ == (n_timesteps or longest)
        assert_array_equal(
            pad_sequences(X, n_timesteps, **params), expected, strict=True
        )


@given(ragged(), st.integers(0, 3), ends)
@law
def test_inverse_transform_gives_the_sequences_back(sequences, extra, padding):
    """Padding then unpadding is the identity, and so is doing it twice."""
    padder = SequencePadder(max(map(len, sequences)) + extra, padding=padding)
    padded = padder.fit_transform(sequences)
    unpadded = padder.inverse_transform(padded)
    assert len(unpadded) == len(sequences)
    for before, after in zip(sequences, unpadded, strict=True):
        assert_array_equal(after, before, strict=True)
    assert_array_equal(padder.transform(padded), padded, strict=True)
    assert_array_equal(padder.transform(unpadded), padded, strict=True)


class Awkward(list):
    """Has `to_list` and iterates, as an Awkward Array; has no `shape`."""

    ndim = 2

    def to_list(self):
        return list(self)


SHORT = [[1, 2, 3], [4]]
PADDED = np.array([[1, 2, 3], [4, np.nan, np.nan]])
NAMES = ["t0", "t1", "t2"]


@pytest.mark.parametrize(
    "X",
    [
        SHORT,
        tuple(SHORT),
        [np.array(sequence) for sequence in SHORT],
        [np.array(sequence)[:, None] for sequence in SHORT],
        [pd.Series(sequence) for sequence in SHORT],
        [pd.DataFrame({"a": sequence}) for sequence in SHORT],
        [pl.DataFrame({"a": sequence}) for sequence in SHORT],
        np.array(SHORT, dtype=object),
        pd.Series(SHORT),
        pl.Series(SHORT),
        PADDED,
        np.array([[1, 2, 3], [np.nan, np.nan, 4]]),
        np.array([[1, 2, 3], [np.nan, 4, np.nan]]),
        PADDED[:, :, None],
        pd.DataFrame(PADDED, columns=NAMES),
        pd.DataFrame(PADDED, columns=NAMES, dtype="Float64"),
        pl.DataFrame(PADDED, schema=NAMES),
        pl.DataFrame({"t0": [1, 4], "t1": [2, None], "t2": [3, None]}),
        pd.DataFrame({"a": SHORT}),
        pd.DataFrame({"a": [pd.Series(sequence) for sequence in SHORT]}),
        pl.DataFrame({"a": SHORT}),
        Awkward(SHORT),
        [Awkward(sequence) for sequence in SHORT],
    ],
)
def test_sequences_of_every_kind(X):
    """Two sequences of one feature, however they are held."""
    padder = SequencePadder().fit(X)
    assert_array_equal(padder.transform(X), PADDED[:, :, None])
    assert [len(row) for row in padder.inverse_transform(padder.transform(X))] == [3, 1]
    assert padder.n_timesteps_in_ == 3


@pytest.mark.parametrize(
    ("X", "n_features_in"),
    [
        (PADDED, 3),
        (pd.DataFrame(PADDED, columns=NAMES), 3),
        (PADDED[:, :, None], 1),
        (np.ones((4, 3, 2)), 2),
        (SHORT, 1),
        ([np.ones(3), np.ones(3)], 1),
    ],
)
def test_n_features_in(X, n_features_in):
    """Columns of a table, features of a timestep."""
    padder = SequencePadder().fit(X)
    assert padder.n_features_in_ == n_features_in
    assert hasattr(padder, "feature_names_in_") == hasattr(X, "columns")


def test_arrays_of_equal_length_are_still_sequences():
    """That sequences happened to be equally long in fit binds nobody later."""
    padder = SequencePadder().fit([np.arange(4.0), np.arange(4.0)])
    padded = padder.transform([np.arange(3.0), np.arange(3.0)])
    assert_array_equal(padded[0].ravel(), [0, 1, 2, np.nan])


def test_length_is_learnt_without_padding():
    """A step that is padding in every sample is not counted."""
    X = np.array([[np.nan, 1, np.nan, 2], [np.nan, np.nan, 3, np.nan]])
    padder = SequencePadder().fit(X)
    assert padder.n_timesteps_in_ == 4
    assert padder.n_timesteps_out_ == 2
    assert_array_equal(padder.transform(X)[:, :, 0], [[1, 2], [3, np.nan]])


@pytest.mark.parametrize(
    ("truncating", "expected"), [("pre", [3, 4, 5]), ("post", [1, 2, 3])]
)
def test_longer_sequences_are_cut_at_transform(truncating, expected):
    """The length learnt in fit holds for what comes later."""
    padder = SequencePadder(truncating=truncating).fit([[1, 2, 3], [4]])
    padded = padder.transform([[1, 2, 3, 4, 5], [6]])
    assert_array_equal(padded[:, :, 0], [expected, [6, np.nan, np.nan]])


def test_full_sequences_are_not_copied():
    """What has the right length already comes back as it is."""
    X = np.ones((3, 4, 2), dtype=np.float32)
    assert np.shares_memory(SequencePadder().fit_transform(X), X)


def test_the_table_is_left_alone():
    """Padding happens in a copy."""
    X = np.array([[np.nan, 1.0], [2.0, 3.0]])
    before = X.copy()
    SequencePadder().fit_transform(X)
    assert_array_equal(X, before)


LONG = [[1], [2, 3, 4, 5], [6, 7, 8]]


@pytest.mark.parametrize("function", [SequencePadder.fit, SequencePadder.transform])
def test_truncating_raise_refuses(function):
    """The message counts the longer sequences and names the ways out."""
    padder = SequencePadder(2, truncating="raise").fit([[1, 2], [3]])
    message = (
        r"Sequence 1 of X has 4 timesteps, more than n_timesteps=2 \(2 such sequences "
        r"of 3; the longest has 4\). Choose a larger n_timesteps, or truncating="
    )
    with pytest.raises(ValueError, match=message):
        function(padder, LONG)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.ones(3), ValueError, "Expected X with 2 or 3 axes, got a 1D array"),
        ([], ValueError, "0 sequences came"),
        ([[], [1]], ValueError, "Sequence 0 of X is empty"),
        ([["a"], [1, 2]], TypeError, "Sequence 0 of X is not numeric"),
        ([[1, 2], [np.nan]], ValueError, "Sample 1 of X is nothing but padding"),
        ([[1, 2], [np.inf]], ValueError, "sample 1, timestep 0, feature 0"),
        ([np.ones((2, 2)), np.ones((1, 3))], ValueError, "3 features, but sequence 0"),
        (
            [[[1, 2], [3]], [[4, 5]]],
            ValueError,
            r"Sequence 0 of X is ragged itself: its timesteps have shapes \(1,\), \(2,",
        ),
        (scipy.sparse.csr_array(np.eye(2)), TypeError, "[Ss]parse"),
        (
            pd.DataFrame({"a": [[1, 2], [3]], "b": [[1, 2], [3, 4]]}),
            ValueError,
            r"cells of row 1 of X have shapes \(1,\), \(2,\)",
        ),
    ],
)
def test_what_cannot_be_padded(X, error, message):
    """Class and function refuse in the same words."""
    with pytest.raises(error, match=message):
        SequencePadder().fit(X)
    with pytest.raises(error, match=message):
        pad_sequences(X)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_timesteps": 0}, "'n_timesteps' parameter of {} .* Got 0 instead"),
        ({"padding": "front"}, "'padding' parameter of {} .* Got 'front' instead"),
        ({"truncating": None}, "'truncating' parameter of {} .* Got None instead"),
    ],
)
def test_wrong_parameters(params, message):
    """Class and function each name themselves."""
    with pytest.raises(ValueError, match=message.format("SequencePadder")):
        SequencePadder(**params).fit(SHORT)
    with pytest.raises(ValueError, match=message.format("pad_sequences")):
        pad_sequences(SHORT, **params)


def test_other_features_than_in_fit():
    """The features of a timestep belong to what was learnt, its length does not."""
    padder = SequencePadder().fit(np.ones((2, 3, 2)))
    assert padder.transform(np.ones((2, 5, 2))).shape == (2, 3, 2)
    with pytest.raises(ValueError, match=r"3 features per timestep .* fitted with 2"):
        padder.transform(np.ones((2, 3, 3)))


@pytest.mark.parametrize("X", [PADDED, SHORT[0], np.ones((1, 1, 1, 1))])
def test_inverse_transform_wants_three_axes(X):
    """A table does not tell timesteps from features."""
    padder = SequencePadder().fit(SHORT)
    with pytest.raises(ValueError, match="inverse_transform expects the three axes"):
        padder.inverse_transform(X)


def test_inverse_transform_checks_the_features():
    """Sequences of something else are not unpadded."""
    padder = SequencePadder().fit(SHORT)
    with pytest.raises(ValueError, match=r"2 features per timestep .* fitted with 1"):
        padder.inverse_transform(np.ones((1, 3, 2)))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([[1], []], "Sequence 1 of X is empty"),
        ([[1, 2], [np.nan]], "nothing but padding"),
        ([[1] * 9, [2]], "more than n_timesteps=3"),
    ],
)
def test_a_failing_fit_leaves_no_trace(bad, message):
    """All attributes as they were, whichever check fails."""
    padder = SequencePadder(3, truncating="raise").fit(np.ones((2, 3, 2)))
    before = dict(vars(padder))
    with pytest.raises(ValueError, match=message):
        padder.fit(bad)
    assert vars(padder) == before


# -- nested frames --------------------------------------------------------------------


def test_nested_frame():
    """Columns are features, cells are sequences."""
    cells = {"a": [[1, 2, 3], [4]], "b": [[5, 6, 7], [8]]}
    expected = [[[1, 5], [2, 6], [3, 7]], [[4, 8]]]
    for frame in (
        pd.DataFrame(cells),
        pd.DataFrame({k: list(map(pd.Series, v)) for k, v in cells.items()}),
        pl.DataFrame(cells),
    ):
        assert_array_equal(pad_sequences(frame), pad_sequences(expected))
        assert SequencePadder().fit(frame).n_features_in_ == 2


# -- long tables ----------------------------------------------------------------------


@given(ragged(), st.randoms(use_true_random=False), ends)
@law
def test_long_table_is_the_list(sequences, random, padding):
    """Rows in any order: one sequence per id, sorted by time."""
    rows = [
        (k, t, *step)
        for k, sequence in enumerate(sequences)
        for t, step in enumerate(sequence)
    ]
    random.shuffle(rows)
    table = np.array(rows, dtype=sequences[0].dtype)
    frame = pd.DataFrame(table).add_prefix("c")
    expected = pad_sequences(sequences, padding=padding)
    for given_as, groups, time in (
        (table, 0, 1),
        (table.tolist(), 0, 1),
        (frame, "c0", "c1"),
        (frame[frame.columns[::-1]], "c0", -2),
        (pl.DataFrame(frame), "c0", "c1"),
    ):
        X, ids = pad_sequences(given_as, groups=groups, time=time, padding=padding)
        assert_array_equal(ids, np.arange(len(sequences)))
        if given_as is not table and time == -2:
            X = X[:, :, ::-1]
        assert_array_equal(X, expected, strict=not isinstance(given_as, list))


TABLE = pd.DataFrame(
    {
        "patient": ["b", "a", "b", "a", "b"],
        "day": pd.to_datetime(
            ["2024-01-03", "2024-01-09", "2024-01-01"] + ["2024-01-02"] * 2
        ),
        "pulse": [61, 83, 60, 80, 59],
        "weight": [70.5, 81.0, 71.0, 80.5, 70.0],
    }
)
BY_PATIENT = [[[80, 80.5], [83, 81]], [[60, 71], [59, 70], [61, 70.5]]]


@pytest.mark.parametrize(
    "table",
    [
        TABLE,
        TABLE.astype({"pulse": "Int64", "weight": "Float32", "patient": "category"}),
        TABLE.assign(day=TABLE["day"].dt.tz_localize("UTC")),
        TABLE.assign(day=TABLE["day"].dt.day),
        pl.DataFrame(TABLE),
    ],
)
def test_long_table_of_every_kind(table):
    """Ids as text, times as dates, values as numbers of any kind."""
    X, ids = pad_sequences(table, groups="patient", time="day")
    assert list(ids) == ["a", "b"]
    assert_array_equal(X, pad_sequences(BY_PATIENT))
    labels = pd.Series({"b": 1, "c": 5, "a": 0})
    assert_array_equal(labels.loc[ids], [0, 1])
    cut, _ = pad_sequences(table, 2, groups="patient", time="day", truncating="pre")
    assert_array_equal(cut, pad_sequences(BY_PATIENT, 2, truncating="pre"))


def test_long_table_of_lists_with_text():
    """Numbers stay numbers, which as text would have another order."""
    table = [["b", 10, 1.5], ["b", 9, 0.5], ["a", 1, 2.5]]
    X, ids = pad_sequences(table, groups=0, time=1)
    assert list(ids) == ["a", "b"]
    assert_array_equal(X[:, :, 0], [[2.5, np.nan], [0.5, 1.5]])


def test_long_table_by_labels():
    """As make_windows takes them: a Series, or a function of the table."""
    table, patient = TABLE.drop(columns="patient"), TABLE["patient"]
    expected, labels = pad_sequences(TABLE, groups="patient", time="day")
    for groups in (patient, list(patient), lambda table: patient):
        X, ids = pad_sequences(table, groups=groups, time="day")
        assert_array_equal(ids, labels)
        assert_array_equal(X, expected)


def test_numbers_are_indices_of_columns():
    """Whatever the names: as for SlidingWindows and make_windows."""
    table = np.array([[1, 7.0, 61], [0, 5, 83], [1, 5, 80]])
    frame = pd.DataFrame(table, columns=[1, 0, 2])
    X, ids = pad_sequences(frame, groups=1, time=0)
    assert_array_equal(ids, [5, 7])
    assert_array_equal(X[0, :, 0], [83, 80])
    windows = SlidingWindows(2, groups=1, time=0).fit_transform(frame)
    assert_array_equal(windows[2, :, -1], [83, 80])


def test_long_table_without_time():
    """The rows of an id in the order in which they stand, however far apart."""
    X, _ = pad_sequences(TABLE.drop(columns="day"), groups="patient")
    assert_array_equal(X[1, :, 0], [61, 60, 59])


def test_long_table_keeps_single_precision():
    """If all value columns have it."""
    table = TABLE.astype({"pulse": "float32", "weight": "float32"})
    assert pad_sequences(table, groups="patient", time="day")[0].dtype == np.float32
    assert pad_sequences(TABLE, groups="patient", time="day")[0].dtype == np.float64


def test_rows_without_any_number_are_left_out():
    """A missing timestep, as everywhere."""
    table = TABLE.copy()
    table.loc[3, ["pulse", "weight"]] = np.nan
    X, ids = pad_sequences(table, groups="patient", time="day")
    assert list(ids) == ["a", "b"]
    assert_array_equal(X[0], [[83, 81], [np.nan] * 2, [np.nan] * 2])


def changed(row, column, value):
    table = TABLE.astype({column: object})
    table.loc[row, column] = value
    return table


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        (
            TABLE,
            {"groups": "name"},
            r"groups='name' is no column of X, which has 'patient', 'day'",
        ),
        (
            TABLE,
            {"groups": "patient", "time": 4},
            "time=4 is no column of X, which has 4",
        ),
        (
            TABLE.set_index(["patient", "day"]),
            {"groups": "patient", "time": "day"},
            r"'patient' is no column .* index of its rows has 'patient', 'day': reset",
        ),
        (
            TABLE.set_index("patient"),
            {"groups": "patient"},
            r"The index of its rows has 'patient': reset_index\(\) makes",
        ),
        (
            TABLE.set_index("patient"),
            {"groups": "name"},
            "has 'day', 'pulse', 'weight'. Name one of these, or give its index.$",
        ),
        (TABLE, {"groups": "day", "time": "day"}, "are the same column"),
        (TABLE, {"time": "day"}, "time='day' was given without groups"),
        (
            changed(0, "day", pd.Timestamp("2024-01-02")),
            {"groups": "patient", "time": "day"},
            r"Row 4 of X of group 'b' has the same time as row 0: 2024-01-02.* \(1 su",
        ),
        (
            np.array([[7, 1, 0], [7, 2, 0], [7, 1, 0], [7, 1, 0.0]]),
            {"groups": 0, "time": 1},
            r"Row 2 of X of group 7.0 has the same time as row 0: 1.0 \(2 such rows",
        ),
        (
            changed(2, "patient", None),
            {"groups": "patient"},
            r"Row 2 of X has no group: the column groups='patient' .* \(1 of 5 rows",
        ),
        (
            changed(1, "day", pd.NaT),
            {"groups": "patient", "time": "day"},
            "Row 1 of X has no time",
        ),
        (
            changed(1, "patient", 3),
            {"groups": "patient", "time": "day"},
            "groups holds labels that cannot be sorted",
        ),
        (
            changed(0, "day", "9"),
            {"groups": "patient", "time": "day"},
            "numbers or dates for times",
        ),
        (
            TABLE,
            {"groups": "patient"},
            "holds dates or durations in column 'day' .* goes to time=",
        ),
        (
            changed(4, "pulse", "high"),
            {"groups": "patient", "time": "day"},
            "X holds values that are no numbers in 'pulse': .*'high'",
        ),
        (
            changed(4, "weight", np.inf),
            {"groups": "patient", "time": "day"},
            "column 'weight' in row 4 of the table is infinite",
        ),
        (
            pd.DataFrame({"id": [1, 2], "x": [np.nan, 3]}),
            {"groups": "id"},
            r"The sequence of group 1 has no timestep .* \(1 such groups of 2\)",
        ),
        (
            TABLE[["patient", "day"]],
            {"groups": 0, "time": 1},
            "no column beside those of groups and time",
        ),
        (TABLE[:0], {"groups": "patient"}, "0 rows, a minimum of 1 is required"),
        (
            pd.concat([TABLE, TABLE[["pulse"]]], axis=1),
            {"groups": "pulse", "time": "day"},
            "X has several columns named 'pulse', but pad_sequences tells",
        ),
        (SHORT, {"groups": 0}, "got a list of sequences. Leave groups and time out"),
        (np.ones(3), {"groups": 0}, r"got \(3,\)"),
    ],
)
def test_wrong_long_tables(table, columns, message):
    """The message names the column, the row or the id."""
    with pytest.raises(ValueError, match=message):
        pad_sequences(table, **columns)


def test_missing_values_pass():
    """NaN beside numbers is not for the padder to fill in."""
    X = [[[1, np.nan], [np.nan, np.nan], [3, 4]], [[np.nan, 5]]]
    padded = SequencePadder(3, padding="pre").fit_transform(X)
    nan = [np.nan] * 2
    assert_array_equal(padded, [[nan, [1, np.nan], [3, 4]], [nan, nan, [np.nan, 5]]])


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_elapsed(frame):
    """The time since the step before, in seconds, in the place of the time."""
    days = [datetime(2026, 5, day) for day in (1, 3, 1, 2, 9, 4)]
    pulse = [1.0, 2, 3, 4, 5, np.nan]
    table = frame({"id": [7, 5, 5, 7, 5, 5], "day": days, "pulse": pulse})
    X, ids = pad_sequences(table, groups="id", time="day", elapsed=True)
    day = 24 * 3600
    assert_array_equal(ids, [5, 7])
    assert_allclose(X[0], [[0, 3], [2 * day, 2], [6 * day, 5]])
    assert_allclose(X[1, :2], [[0, 1], [day, 4]])


def test_elapsed_is_that_of_windows():
    """The same words and the same numbers; of events there may be nothing else."""
    table = np.array([[1, 0.5, 5], [1, 2.5, 6], [2, 1.0, 7], [2, 8.0, 8]])
    X, _ = pad_sequences(table, groups=0, time=1, elapsed=True)
    windows = SlidingWindows(2, groups=0, time=1).fit_transform(table)
    assert_array_equal(X, np.asarray(windows)[[1, 3]])
    alone, _ = pad_sequences(table[:, :2], groups=0, time=1, elapsed=True)
    assert_array_equal(alone, X[:, :, :1])


def test_pandas_output_leaves_three_axes_alone():
    """A data frame holds no sequences: set_output changes nothing."""
    assert not hasattr(SequencePadder(), "get_feature_names_out")
    padder = SequencePadder().set_output(transform="pandas")
    assert isinstance(padder.fit_transform(SHORT), np.ndarray)
    with sklearn.config_context(transform_output="pandas"):
        assert isinstance(SequencePadder().fit_transform(SHORT), np.ndarray)
