"""Whatever holds the values: masks, what is missing, arrays of pyarrow, and views."""

import re
from decimal import Decimal

import dask.array as da
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal
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
    WindowedEnsemble,
    explain_shapes,
    make_windows,
    pad_sequences,
)
from sklstm.displays import IntervalDisplay, TimestepDisplay, WindowDisplay
from sklstm.inspection import occlusion_importance, timestep_importance
from sklstm.metrics import make_pinball_scorer, make_timestep_scorer

TINY = {"units": 2, "epochs": 1, "random_state": 0}
rng = np.random.default_rng(0)
X = rng.normal(size=(8, 3, 2))
TABLE = X[:, :, 0].copy()
PADDED = X.copy()
PADDED[0, 2] = np.nan
y = np.array([0, 1] * 4)
WORDS = np.array(["no", "yes"] * 4)
STEPS = np.arange(24).reshape(8, 3) % 2
GROUPS = np.array(list("aabbccdd"))
NEXT = pd.DataFrame({"t": TABLE[:, 0], "g": GROUPS})


def masked(values):
    """One value is masked, the first."""
    array = np.ma.array(values)
    array.mask = np.zeros(array.shape, bool)
    array[(0,) * array.ndim] = np.ma.masked
    return array


def cells(*values):
    """An object array of them."""
    array = np.empty(len(values), dtype=object)
    for k, value in enumerate(values):
        array[k] = value
    return array


MX, MT, MY, MS = masked(X), masked(TABLE), masked(y), masked(STEPS)
MG, MW = masked(GROUPS), masked(np.ones(8))
MASKED_X = {
    "three axes": MX,
    "nothing masked": np.ma.array(X),
    "whole numbers": masked(X.round().astype(int)),
    "list": [*MX],
    "one in a list": [MX[0], *X[1:]],
    "unequal lengths": [MX[0], X[1, :2], *X[2:]],
    "one feature": [*MX[:, :, 0]],
    "objects": cells(*MX),
    "Series": pd.Series([*MX[:, :, 0]]),
    "cells": pd.DataFrame({"a": cells(*MX[:, :, 0]), "b": cells(*X[:, :, 1])}),
    "values in lists": [[[1.0, np.ma.masked]], [[1.0, 2.0], [3.0, 4.0]]],
    "tuple": tuple(MX),
    "dask": da.ma.masked_greater(da.from_array(X), 0),
}
SEQUENCES = {
    "classifier": BiLSTMClassifier(**TINY),
    "timesteps": BiLSTMTimestepRegressor(**TINY),
    "ensemble": WindowedEnsemble(BiLSTMClassifier(**TINY), n_timesteps=2),
    "padder": SequencePadder(),
    "features first": SequencePadder(layout="channels_first"),
    "scaler": SequenceScaler(),
    "imputer": SequenceImputer(),
    "framer": SequenceFramer(2, hop_length=1),
    "differencer": SequenceDifferencer(),
    "pipeline": make_pipeline(SequenceScaler(), BiLSTMClassifier(**TINY)),
}
NO_MASKS = r"(?s)is a masked array, but \w[\w ]* does not read masks\. Use |is masked, "


def no_masks():
    return pytest.raises(ValueError, match=NO_MASKS)


@pytest.mark.parametrize("given", MASKED_X.values(), ids=MASKED_X)
@pytest.mark.parametrize("name", SEQUENCES)
def test_masked_sequences(name, given):
    """What is masked would be data: no estimator and no transformer takes it."""
    with no_masks():
        SEQUENCES[name].fit(given, y)


@pytest.fixture(scope="module")
def classifier():
    return BiLSTMClassifier(**TINY).fit(X, y)


@pytest.fixture(scope="module")
def regressor():
    return BiLSTMRegressor(loss="quantile", **TINY).fit(X, TABLE[:, 0])


@pytest.fixture(scope="module")
def tagger():
    return BiLSTMTimestepClassifier(**TINY).fit(X, STEPS)


def test_masks_after_fit(classifier, regressor, tagger):
    """Every method, metric and display that takes data."""
    unit = {"sample_weight": MW}
    ensemble = WindowedEnsemble(BiLSTMClassifier(**TINY), n_timesteps=2).fit(X, y)
    scorer, pinball = make_timestep_scorer("f1_macro"), make_pinball_scorer()
    scaler, padder = SequenceScaler().fit(X), SequencePadder().fit(X)
    reshaper, windows = SequenceReshaper(3).fit(TABLE), SlidingWindows(2).fit(TABLE)
    tokenizer = SequenceTokenizer().fit(["some words"])
    quantiles = regressor.predict_quantiles(X)
    for call in (
        lambda: classifier.predict(MX),
        lambda: classifier.predict_proba([*MX]),
        lambda: classifier.transform(MX),
        lambda: classifier.score(X, MY),
        lambda: classifier.score(X, y, MW),
        lambda: regressor.score(X, masked(TABLE[:, 0])),
        lambda: tagger.predict(MX),
        lambda: tagger.score(X, MS),
        lambda: tagger.score(X, [*MS]),
        lambda: tagger.score(X, STEPS, masked(np.ones((8, 3)))),
        lambda: tagger.score(X, STEPS, [*masked(np.ones((8, 3)))]),
        lambda: ensemble.score(X, MY),
        lambda: ensemble.score(X, y, MW),
        lambda: classifier.fit(X, y, X_val=MX, y_val=y),
        lambda: classifier.fit(X, y, X_val=X, y_val=MY),
        lambda: classifier.fit(X, y, X_val=X, y_val=y, sample_weight_val=MW),
        lambda: classifier.fit(X, MY),
        lambda: classifier.fit(X, y, MW),
        lambda: classifier.fit(X, y, groups=MG),
        lambda: classifier.partial_fit(MX, y),
        lambda: classifier.partial_fit(X, MY),
        lambda: classifier.partial_fit(X, y, masked(np.arange(2))),
        lambda: ensemble.fit(X, y, groups=MG),
        lambda: regressor.fit(X, masked(TABLE)),
        lambda: tagger.fit(X, MS),
        lambda: tagger.fit(X, [*MS]),
        lambda: tagger.fit(X, STEPS, masked(np.ones((8, 3)))),
        lambda: scorer(tagger, X, MS),
        lambda: scorer(tagger, X, STEPS, MW),
        lambda: pinball(regressor, X, masked(TABLE[:, 0])),
        lambda: pinball(regressor, X, TABLE[:, 0], MW),
        lambda: timestep_importance(classifier, MX, y),
        lambda: timestep_importance(classifier, X, MY),
        lambda: timestep_importance(classifier, X, y, scoring="accuracy", **unit),
        lambda: occlusion_importance(classifier, MX),
        lambda: explain_shapes([SequenceScaler(), classifier], MX),
        lambda: explain_shapes([SequenceScaler(), classifier], X, MY),
        lambda: IntervalDisplay.from_estimator(regressor, X, masked(TABLE[:, 0])),
        lambda: IntervalDisplay.from_predictions(
            TABLE[:, 0], masked(quantiles), regressor.quantiles_
        ),
        lambda: TimestepDisplay.from_estimator(tagger, X, MS),
        lambda: TimestepDisplay.from_predictions(MS[0], STEPS[0]),
        lambda: TimestepDisplay.from_predictions(STEPS[0], MS[0]),
        lambda: WindowDisplay.from_series(MT, 2, target=0),
        lambda: WindowDisplay.from_estimator(windows, MT),
        lambda: scaler.transform(MX),
        lambda: scaler.inverse_transform(MX),
        lambda: SequenceScaler().partial_fit(MX),
        lambda: padder.transform([*MX]),
        lambda: padder.inverse_transform(MX),
        lambda: reshaper.transform(MT),
        lambda: SequenceReshaper(3).fit([*MT]),
        lambda: reshaper.inverse_transform(masked(TABLE[:, :, None])),
        lambda: windows.transform(MT),
        lambda: windows.inverse_transform(masked(np.ones((8, 2, 3)))),
        lambda: tokenizer.transform(masked(WORDS)),
        lambda: tokenizer.transform([masked(WORDS)]),
        lambda: tokenizer.inverse_transform([masked([1, 2])]),
    ):
        with no_masks():
            call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: make_windows(np.ma.masked_equal([1.0, 2, 999, 4, 5], 999), 2),
        lambda: make_windows([1.0, 2.0, np.ma.masked, 4.0], 2),
        lambda: make_windows(MT, 2),
        lambda: make_windows([*MT], 2),
        lambda: make_windows(TABLE, 2, groups=MG, target=0),
        lambda: make_windows(TABLE, 2, groups=lambda X: MG, target=0),
        lambda: make_windows(TABLE, 2, known=masked([False, True, True])),
        lambda: SlidingWindows(2).fit(MT),
        lambda: SlidingWindows(2, groups=lambda X: MG).fit(TABLE),
        lambda: SlidingWindows(2, time=0).fit(masked(np.arange(16.0).reshape(8, 2))),
        lambda: pad_sequences(MX),
        lambda: pad_sequences([*MX]),
        lambda: pad_sequences(MT, groups=0),
        lambda: pad_sequences(TABLE, groups=MG),
        lambda: pad_sequences(X, static=MT),
        lambda: pad_sequences(X, static=[*MT]),
        lambda: pad_sequences(X, layout="channels_first", static=MW),
    ],
)
def test_masks_in_functions(call):
    """Tables, labels, static values and which columns are known."""
    with no_masks():
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: SequenceScaler().fit(masked(X.astype(int))),
            "X is a masked array, but SequenceScaler does not read masks. Use "
            "X.astype(float).filled(np.nan): a timestep whose features are all NaN is "
            "padding.",
        ),
        (
            lambda: SequenceScaler().fit([X[0], MX[0]]),
            "X[1] is a masked array, but SequenceScaler does not read masks. Use "
            "X[1].filled(np.nan): a timestep whose features are all NaN is padding.",
        ),
        (
            lambda: BiLSTMClassifier().fit(MASKED_X["dask"], y),
            "X is a masked array, but BiLSTMClassifier does not read masks. Use "
            "dask.array.ma.filled(X, np.nan): a timestep whose features are all NaN is "
            "padding.",
        ),
        (
            lambda: BiLSTMClassifier().fit(X, masked(WORDS)),
            "y is a masked array, but BiLSTMClassifier does not read masks. Use "
            "y.astype(object).filled(np.nan): NaN is a target that is missing.",
        ),
        (
            lambda: BiLSTMClassifier().fit(X, y, MW),
            "sample_weight is a masked array, but BiLSTMClassifier does not read "
            "masks. Use sample_weight.filled(0): what weighs nothing does not count.",
        ),
        (
            lambda: make_windows(TABLE, 2, groups=MG),
            "groups is a masked array, but make_windows does not read masks. Use "
            "groups.filled(value), with a value for what is masked.",
        ),
    ],
)
def test_what_to_do_about_masks(call, message):
    """The advice can be followed."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call()


def test_advice_about_masks_works():
    """Filled as the messages say, whatever is masked is missing."""
    steps = masked(X)
    steps[3, 1] = np.ma.masked
    filled = steps.filled(np.nan)
    assert SequencePadder().fit_transform(filled[3:4]).shape == (1, 2, 2)
    whole = masked(X.round().astype(int)).astype(float).filled(np.nan)
    assert np.isnan(whole).sum() == 1
    words = masked(WORDS).astype(object).filled(np.nan)
    with pytest.raises(ValueError, match=r"Input y contains NaN\. BiLSTMClassifier"):
        BiLSTMClassifier().fit(X, words)


class Stored:
    """An array that gives masked arrays, as netCDF files do."""

    def __init__(self, array):
        self.array = array
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, rows):
        return self.array[rows]


def test_masks_of_files(classifier):
    """Read in parts, they are seen when they are read; none masked is none."""
    expected = classifier.predict_proba(X)
    stored = Stored(np.ma.array(X))
    assert_array_equal(classifier.predict_proba(stored), expected)
    with pytest.raises(ValueError, match=r"X\[:\] is a masked array, but sklstm does"):
        classifier.predict(Stored(MX))


# -- what is missing -----------------------------------------------------------

NA = pd.NA
MISSING = np.array([[1.0, np.nan, 3.0], [4.0, 5.0, np.nan]])
ARROW_DECIMAL = pd.ArrowDtype(pa.decimal128(5, 2))
WITH_NA = {
    "objects": np.array([[1.0, NA, 3], [4, 5, NA]], dtype=object),
    "list": [[1.0, NA, 3], [4, 5, NA]],
    "list of None": [[1.0, None, 3], [4, 5, None]],
    "frame of objects": pd.DataFrame([[1.0, NA, 3], [4, 5, NA]], dtype=object),
    "nullable": pd.DataFrame([[1.0, NA, 3], [4, 5, NA]], dtype="Int64"),
    "decimals of pandas": pd.DataFrame(
        [[Decimal(1), NA, Decimal(3)], [Decimal(4), Decimal(5), NA]],
        dtype=ARROW_DECIMAL,
    ),
    "decimals of polars": pl.DataFrame(
        {
            "a": [Decimal(1), Decimal(4)],
            "b": [None, Decimal(5)],
            "c": [Decimal(3), None],
        }
    ),
    "decimals of pyarrow": pa.table(
        {
            "a": [Decimal(1), Decimal(4)],
            "b": [None, Decimal(5)],
            "c": [Decimal(3), None],
        }
    ),
    "one column of objects": pd.DataFrame(
        {"a": [1.0, 4.0], "b": cells(NA, 5), "c": cells(3, NA)}
    ),
}


@pytest.mark.parametrize("given", WITH_NA.values(), ids=WITH_NA)
def test_na_is_nan(given):
    """In every table, for all who read tables."""
    kept = given.copy() if isinstance(given, pd.DataFrame) else None
    padded = SequencePadder(padding="pre").fit_transform(MISSING)
    assert_array_equal(SequencePadder(padding="pre").fit_transform(given), padded)
    assert_array_equal(SequenceReshaper(1).fit_transform(given)[:, 0], MISSING)
    assert_array_equal(SlidingWindows(1).fit_transform(given)[:, 0], MISSING)
    windows, target = make_windows(given, 1)
    assert_array_equal(windows[0, 0], MISSING[0])
    assert_array_equal(target, MISSING[1:])
    steps, _ = pad_sequences(given, groups=["a", "a"])
    assert_array_equal(steps, MISSING[None])
    static = pad_sequences([[1.0], [2.0]], static=given)
    assert_array_equal(static[:, 0, 1:], MISSING)
    if kept is not None:
        pd.testing.assert_frame_equal(given, kept)


SEQUENCE_CELLS = [[1.0, None], [3.0, 4.0, 5.0]]
RAGGED = np.array([[[1.0], [np.nan], [np.nan]], [[3.0], [4.0], [5.0]]])
TWO_FEATURES = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]]
LISTS = {
    "NA in lists": [[1.0, NA], [3.0, 4.0, 5.0]],
    "nullable Series": [pd.Series(row, dtype="Int64") for row in SEQUENCE_CELLS],
    "nullable arrays": [pd.array(row, dtype="Int64") for row in SEQUENCE_CELLS],
    "objects": cells(np.array([1.0, NA], dtype=object), np.array([3.0, 4.0, 5.0])),
    "frames": [pd.DataFrame({"a": pd.array(r, dtype="Int64")}) for r in SEQUENCE_CELLS],
    "cells": pd.DataFrame({"a": [pd.Series(r, dtype="Int64") for r in SEQUENCE_CELLS]}),
    "pyarrow": pa.array(SEQUENCE_CELLS),
    "pyarrow, in chunks": pa.chunked_array([[cell] for cell in SEQUENCE_CELLS]),
    "list of pyarrow": [pa.array(cell) for cell in SEQUENCE_CELLS],
    "pyarrow in pandas": pd.Series(
        pa.array(SEQUENCE_CELLS), dtype=pd.ArrowDtype(pa.list_(pa.float64()))
    ),
    "table of pyarrow": pa.table({"a": SEQUENCE_CELLS}),
    "polars": pl.Series(SEQUENCE_CELLS),
}


@pytest.mark.parametrize("given", LISTS.values(), ids=LISTS)
def test_na_in_sequences(given):
    """Lists, nested frames and arrays of lists: a row for every sequence."""
    assert_array_equal(pad_sequences(given), RAGGED)


@pytest.mark.parametrize(
    "given",
    [pa.array(TWO_FEATURES), pl.Series(TWO_FEATURES), pd.Series(TWO_FEATURES)],
    ids=["pyarrow", "polars", "pandas"],
)
def test_lists_in_lists(given):
    """Sequences of several features."""
    expected = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [np.nan, np.nan]]]
    assert_array_equal(pad_sequences(given), expected)


def test_tensors_of_pyarrow():
    """They keep their axes, which pyarrow's own conversion to NumPy flattens."""
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(X)
    assert_array_equal(SequencePadder().fit_transform(tensors), X)
    chunks = pa.chunked_array([tensors])
    assert_array_equal(SequencePadder().fit_transform(chunks), X)


@pytest.mark.parametrize("missing", [None, np.nan, NA], ids=str)
def test_a_sequence_that_is_missing(missing):
    """As a join leaves it, also in front: the message says which it is."""
    two, one = [[1.0, 2.0], [3.0]], np.ones((2, 2))
    for given, k in (
        (cells(two[0], missing), 1),
        (cells(missing, two[0]), 0),
        ([two[0], missing], 1),
        ([one, missing, one], 1),
        (pd.Series([missing, *two], dtype=object), 0),
        (pd.DataFrame({"a": cells(missing, *two), "b": cells(missing, *two)}), 0),
    ):
        with pytest.raises(ValueError, match=f"^Sequence {k} of X is missing: in its "):
            pad_sequences(given)


EMPTY = {
    "lists": ([[1.0, 2.0], []], 1),
    "all": ([[], []], 0),
    "alone": ([[]], 0),
    "arrays": ([np.ones((2, 2)), np.empty((0, 2))], 1),
    "objects": (cells([], [1.0]), 0),
    "cells": (pd.DataFrame({"a": [[1.0], []], "b": [[1.0], []]}), 1),
    "pyarrow": (pa.array([[], [1.0]]), 0),
    "polars": (pl.Series([[1.0], []]), 1),
}


@pytest.mark.parametrize(("given", "k"), EMPTY.values(), ids=EMPTY)
def test_an_empty_sequence(given, k):
    """Through every first step of a pipeline: which it is, and what it lacks."""
    for step in (SequencePadder(), SequenceScaler(), FunctionTransformer()):
        pipeline = make_pipeline(step, BiLSTMClassifier(**TINY))
        with pytest.raises(
            ValueError,
            match=f"^Sequence {k} of X is empty: it has 0 timesteps. Drop it from X "
            "and y; every sequence needs at least one timestep.",
        ):
            pipeline.fit(given, [0, 1][: len(given)])


# -- targets -------------------------------------------------------------------

TEXT = np.array(["ab cd", "ef"])
ARROW_TEXT = pd.ArrowDtype(pa.string())
needs_strings = pytest.mark.skipif(
    not hasattr(np.dtypes, "StringDType"), reason="StringDType came with NumPy 2"
)


def strings(values, **params):
    return np.array(values, dtype=np.dtypes.StringDType(**params))


LABELS = {
    "pyarrow": lambda: pa.array(WORDS),
    "pyarrow, in chunks": lambda: pa.chunked_array([WORDS[:3], WORDS[3:]]),
    "dictionary of pyarrow": lambda: pa.array(WORDS).dictionary_encode(),
    "pyarrow in pandas": lambda: pd.Series(WORDS, dtype=ARROW_TEXT),
    "extension array": lambda: pd.array(WORDS, dtype="string"),
    "polars": lambda: pl.Series(WORDS),
    "StringDType": lambda: strings(WORDS),
}


@needs_strings
@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_of_any_kind(labels):
    """Labels, groups and those of validation; the same network, bit for bit."""
    plain = BiLSTMClassifier(**TINY)
    plain.fit(X, WORDS, X_val=X, y_val=WORDS)
    other = BiLSTMClassifier(**TINY).fit(X, labels(), X_val=X, y_val=labels())
    assert_array_equal(other.network_.flat, plain.network_.flat)
    assert_array_equal(other.predict(X), plain.predict(X))
    assert other.score(X, labels()) == plain.score(X, WORDS)
    stopped = BiLSTMClassifier(early_stopping=True, **TINY)
    expected = stopped.fit(X, y, groups=WORDS).network_.flat.copy()
    assert_array_equal(stopped.fit(X, y, groups=labels()).network_.flat, expected)
    _, target = make_windows(TABLE, 2, groups=labels(), target=0)
    assert_array_equal(target, make_windows(TABLE, 2, groups=[*WORDS], target=0)[1])
    _, ids = pad_sequences(TABLE, groups=labels())
    assert_array_equal(ids, ["no", "yes"])


@needs_strings
def test_texts_of_any_kind():
    """Texts and lists of tokens."""
    codes = SequenceTokenizer().fit_transform([*TEXT])
    for texts in (pa.array(TEXT), pa.chunked_array([TEXT]), strings(TEXT)):
        for found, expected in zip(
            SequenceTokenizer().fit_transform(texts), codes, strict=True
        ):
            assert_array_equal(found, expected)
    tokens = pa.array([["ab", "cd"], ["ef"]])
    assert_array_equal(SequenceTokenizer().fit_transform(tokens)[1], codes[1])


@pytest.mark.parametrize("missing", [None, np.nan, NA], ids=str)
@pytest.mark.parametrize(
    "container",
    [
        list,
        lambda values: np.array(values, dtype=object),
        lambda values: pd.Series(values, dtype=object),
        lambda values: pd.Series(values, dtype="string"),
        lambda values: pd.Series(values, dtype="str"),
        lambda values: pd.Series([None, *values[1:]], dtype="string[pyarrow]"),
        lambda values: pd.Series([None, *values[1:]], dtype=ARROW_TEXT),
        lambda values: pd.Series(values, dtype="category"),
        lambda values: pd.array(values, dtype="string"),
        lambda values: pa.array([None, *values[1:]]),
    ],
    ids=[
        "list",
        "objects",
        "Series",
        "string",
        "str",
        "string of pyarrow",
        "pyarrow in pandas",
        "category",
        "extension array",
        "pyarrow",
    ],
)
def test_text_with_a_label_missing(classifier, container, missing):
    """It is no label, and none by the name of nan: sequences and timesteps."""
    labels = container([missing, *WORDS[1:]])
    with pytest.raises(ValueError, match=r"^Input y contains N\w+\. BiLSTMClassifier "):
        BiLSTMClassifier(**TINY).fit(X, labels)
    with pytest.raises(ValueError, match=r"^Input y contains NaN: 1 timesteps of X h"):
        BiLSTMTimestepClassifier(**TINY).fit([X.reshape(-1, 2)[:8]], [labels])


def columns(dtype, missing=None):
    """A frame of STEPS without the timestep that is padded in PADDED."""
    steps = STEPS.astype(object) if "nt" in str(dtype) else (STEPS > 0).astype(object)
    steps[0, 2] = missing
    return pd.DataFrame(steps, columns=["a", "b", "c"]).astype(dtype)


NUMBERS = ["Int64", "int64[pyarrow]"]
BOOLEANS = ["boolean", "bool[pyarrow]"]
AT_STEPS = {
    "frame": lambda frame: frame,
    "objects": lambda frame: frame.to_numpy(dtype=object),
    "lists": lambda frame: frame.to_numpy(dtype=object).tolist(),
    "lists of None": lambda frame: (
        frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    ),
    "Series": lambda frame: [
        row.astype(frame.dtypes.iloc[0]) for _, row in frame.T.items()
    ],
    "polars": pl.from_pandas,
    "pyarrow": pa.Table.from_pandas,
    "lists of pyarrow": lambda frame: pa.array(pl.from_pandas(frame).rows(), type=None),
}


@pytest.mark.parametrize("container", AT_STEPS.values(), ids=AT_STEPS)
@pytest.mark.parametrize("dtype", [*NUMBERS, *BOOLEANS])
def test_na_at_padding_is_padding(tagger, container, dtype):
    """Nullable integers and booleans; the same network as of plain labels."""
    plain = STEPS if dtype in NUMBERS else STEPS > 0
    expected = BiLSTMTimestepClassifier(**TINY).fit(PADDED, plain)
    labels = container(columns(dtype))
    found = BiLSTMTimestepClassifier(**TINY).fit(
        PADDED, labels, X_val=PADDED, y_val=labels
    )
    assert_array_equal(found.network_.flat, expected.network_.flat)
    assert_array_equal(found.classes_, expected.classes_)
    assert found.score(PADDED, labels) == expected.score(PADDED, plain)
    scorer = make_timestep_scorer("f1_macro")
    assert scorer(found, PADDED, labels) == scorer(expected, PADDED, plain)
    regressor = BiLSTMTimestepRegressor(**TINY).fit(PADDED, plain)
    other = BiLSTMTimestepRegressor(**TINY).fit(PADDED, labels)
    assert_array_equal(other.network_.flat, regressor.network_.flat)


@pytest.mark.parametrize("container", AT_STEPS.values(), ids=AT_STEPS)
@pytest.mark.parametrize("dtype", [*NUMBERS, *BOOLEANS])
def test_na_at_a_timestep_is_missing(tagger, container, dtype):
    """The message is that of NaN; a weight of zero needs no target."""
    labels = container(columns(dtype))
    message = "^Input y contains NaN: 1 timesteps of X have data but no target, the fir"
    weights = np.ones((8, 3))
    weights[0, 2] = 0
    plain = STEPS if dtype in NUMBERS else STEPS > 0
    for estimator in (
        BiLSTMTimestepClassifier(**TINY),
        BiLSTMTimestepRegressor(**TINY),
    ):
        with pytest.raises(ValueError, match=message):
            estimator.fit(X, labels)
        expected = estimator.fit(X, plain, weights).network_.flat.copy()
        assert_array_equal(estimator.fit(X, labels, weights).network_.flat, expected)
    with pytest.raises(ValueError, match=message):
        make_timestep_scorer("f1_macro")(tagger, X, labels)


def test_large_integers_beside_na():
    """They are no floats on the way: these two labels would be one."""
    labels = [[2**53, 2**53 + 1, NA], *(STEPS[1:] + 2**53).tolist()]
    tagger = BiLSTMTimestepClassifier(**TINY).fit(PADDED, labels)
    assert tagger.classes_.tolist() == [2**53, 2**53 + 1]


WEIGHTS = {
    "list": lambda values: [None if v != v else v for v in values],
    "NA": lambda values: [NA if v != v else v for v in values],
    "objects": lambda values: np.array([NA if v != v else v for v in values], object),
    "nullable": lambda values: pd.Series(values, dtype="Float64"),
    "extension array": lambda values: pd.array(values, dtype="Float64"),
    "decimals": lambda values: pd.Series(
        [None if v != v else Decimal(v) for v in values], dtype=ARROW_DECIMAL
    ),
    "polars": lambda values: pl.Series(values, nan_to_null=True),
    "pyarrow": lambda values: pa.array(values, from_pandas=True),
}


@pytest.mark.parametrize("container", WEIGHTS.values(), ids=WEIGHTS)
def test_weights_of_any_kind(container):
    """One that is missing is none."""
    weights = np.arange(1.0, 9)
    for estimator, target in (
        (BiLSTMClassifier(**TINY), y),
        (BiLSTMTimestepClassifier(**TINY), STEPS),
    ):
        expected = estimator.fit(X, target, weights).network_.flat.copy()
        estimator.fit(X, target, container(weights))
        assert_array_equal(estimator.network_.flat, expected)
        with pytest.raises(ValueError, match=r"^Input sample_weight contains NaN. Gi"):
            estimator.fit(X, target, container(np.array([np.nan, *weights[1:]])))


def test_weights_that_are_missing_at_padding():
    """They are of no timestep."""
    weights = np.arange(1.0, 25).reshape(8, 3)
    tagger = BiLSTMTimestepClassifier(**TINY)
    expected = tagger.fit(PADDED, STEPS, weights).network_.flat.copy()
    given = weights.astype(object)
    given[0, 2] = NA
    for container in (
        given,
        given.tolist(),
        pd.DataFrame(given, dtype="Float64"),
        pa.array(np.where(pd.isna(given), None, given).tolist()),
    ):
        assert_array_equal(tagger.fit(PADDED, STEPS, container).network_.flat, expected)
        with pytest.raises(
            ValueError, match=r"^Input sample_weight contains NaN\. Give "
        ):
            tagger.fit(X, STEPS, container)


def test_numbers_of_pyarrow_for_y():
    """Integers, decimals and numbers in chunks."""
    numbers = np.arange(8)
    expected = BiLSTMRegressor(**TINY).fit(X, numbers).network_.flat
    decimals = pa.array([Decimal(int(number)) for number in numbers])
    for target in (pa.array(numbers), pa.chunked_array([numbers]), decimals):
        found = BiLSTMRegressor(**TINY).fit(X, target)
        assert_array_equal(found.network_.flat, expected)
    with pytest.raises(ValueError, match=r"^Input y contains NaN. BiLSTMRegressor ne"):
        BiLSTMRegressor(**TINY).fit(X, pa.array([None, *numbers[1:]]))


def test_a_group_that_is_missing():
    """Two samples of unknown groups need not be of one."""
    for groups in ([*GROUPS[1:], None], pd.Series([*GROUPS[1:], NA], dtype="string")):
        with pytest.raises(
            ValueError, match=r"^Sample 7 of X has no group: groups is m"
        ):
            BiLSTMClassifier(early_stopping=True, **TINY).fit(X, y, groups=groups)


def test_sequences_of_pyarrow_are_answered_one_by_one(tagger):
    """As a list is: an array of predictions for each."""
    lists = [[[float(v) for v in step] for step in row] for row in X]
    lists[0].pop()
    found = tagger.predict(pa.array(lists))
    expected = tagger.predict([np.array(row) for row in lists])
    assert [len(row) for row in found] == [2, *[3] * 7]
    for one, other in zip(found, expected, strict=True):
        assert_array_equal(one, other)


def test_pinball_of_any_kind(regressor):
    """What came true may be missing nowhere, and be of any kind."""
    scorer, true = make_pinball_scorer(), TABLE[:, 0]
    expected = scorer(regressor, X, true)
    for given in (
        pa.array(true),
        pd.array(true, dtype="Float64"),
        pd.Series(true, dtype="double[pyarrow]"),
        pl.Series(true),
        true.astype(object),
    ):
        assert scorer(regressor, X, given) == expected


# -- views ---------------------------------------------------------------------


def test_y_of_windows_is_a_copy():
    """Its mean may be taken off, and X stays what it was: one series or several."""
    for params in (
        {},
        {"horizon": 2},
        {"stride": 2},
        {"groups": [*"aaaabbbb"]},
        {"target": 1, "known": [0, 2]},
    ):
        table = TABLE[:, :1].copy() if params.get("horizon") else TABLE.copy()
        before = table.copy()
        windows, target = make_windows(table, 2, **params)
        seen = np.array(windows)
        target -= target.mean()
        assert_array_equal(table, before)
        assert_array_equal(np.asarray(windows), seen)


def test_windows_follow_the_table():
    """X is a view: read-only, and of what the caller has."""
    table = TABLE.copy()
    windows, target = make_windows(table, 2, target=0)
    with pytest.raises(ValueError, match="read-only"):
        windows[0, 0] = 0
    table[:] = 0
    assert not windows.any()
    assert_array_equal(target, TABLE[2:, 0])


class Same(FunctionTransformer):
    """Gives back what it is given."""


VIEWS = {
    "pad_sequences": (pad_sequences, X),
    "pad_sequences of a table": (pad_sequences, TABLE),
    "padder": (SequencePadder().fit(X).transform, X),
    "padder, features first": (
        SequencePadder(layout="channels_first").fit(X).transform,
        X,
    ),
    "reshaper": (SequenceReshaper(3).fit(TABLE).transform, TABLE),
    "reshaper of a frame": (
        SequenceReshaper(3).fit(pd.DataFrame(TABLE)).transform,
        pd.DataFrame(TABLE),
    ),
    "reshaper, back": (
        SequenceReshaper(3).fit(TABLE).inverse_transform,
        TABLE[:, :, None].copy(),
    ),
    "imputer": (SequenceImputer().fit(X).transform, X),
    "scaler": (SequenceScaler(Same()).fit(X).transform, X),
    "scaler, back": (SequenceScaler(Same()).fit(X).inverse_transform, X),
    "framer": (SequenceFramer(2, hop_length=1).fit(X).transform, X),
    "differencer": (SequenceDifferencer().fit(X).transform, X),
    "windows": (SlidingWindows(1).fit(TABLE).transform, TABLE),
    "windows, back": (SlidingWindows(3).fit(TABLE[:, :2]).inverse_transform, X),
}


@pytest.mark.parametrize(("call", "given"), VIEWS.values(), ids=VIEWS)
def test_no_result_is_a_door_to_what_was_given(call, given):
    """Either it may not be written to, or it lies elsewhere."""
    before = np.array(given)
    result = call(given)
    if result.flags.writeable:
        result[...] = -1
    else:
        with pytest.raises(ValueError, match="read-only"):
            result[...] = -1
    assert_array_equal(np.asarray(given), before)


def test_padded_sequences_may_be_written_to():
    """Whether or not anything was padded: a function's result is the caller's."""
    for given in (X, TABLE, [*X], PADDED, X.astype(np.float32)):
        assert pad_sequences(given).flags.writeable


# -- what is no sequence of numbers --------------------------------------------

RECORDS = [{"a": 1.0, "b": 2.0}] * 8
READERS = {
    **SEQUENCES,
    "reshaper": SequenceReshaper(1),
    "windows": SlidingWindows(1),
}


@pytest.mark.parametrize("name", READERS)
def test_records_and_results_that_were_not_unpacked(name):
    """Lists of dicts, dicts of columns, and all that a function returned."""
    fit = READERS[name].fit
    table = pd.DataFrame({"g": GROUPS, "v": TABLE[:, 0], "w": TABLE[:, 1]})
    with pytest.raises(ValueError, match=r"^X is a list of dicts, .*DataFrame\(X\)\.$"):
        fit(RECORDS, y)
    with pytest.raises(ValueError, match=r"^X is a list of dicts, .*DataFrame\(X\)\.$"):
        fit(pa.array(RECORDS), y)
    with pytest.raises(ValueError, match=r"^X is a dict, whose .*DataFrame\(X\)\.$"):
        fit({"a": [1.0] * 8}, y)
    with pytest.raises(ValueError, match=r"^X is a dict, whose .*list\(X.values\(\)\)"):
        fit({"a": X[0], "b": X[1]}, y)
    with pytest.raises(ValueError, match=r"X is a list of lists of dicts, .* in X\]"):
        fit([RECORDS[:2], RECORDS], y)
    for several in (
        pad_sequences(table, groups="g"),
        make_windows(table, 1, groups="g", target="v"),
        make_windows(TABLE, 1, return_index=True),
        (X, STEPS),
    ):
        with pytest.raises(
            ValueError, match=r"^X is a tuple of [23] arrays of shapes \(.*: unpack the"
        ):
            fit(several, y)
        with pytest.raises(ValueError, match=r"^X is a tuple of [23] arrays of shapes"):
            explain_shapes(READERS[name], several)


def test_results_that_were_not_unpacked_as_targets():
    """Also for y and its weights."""
    labels = pd.DataFrame({"g": GROUPS, "label": y})
    several = pad_sequences(labels, groups="g")
    for estimator, target in (
        (BiLSTMClassifier(**TINY), [0, 1, 0, 1]),
        (BiLSTMTimestepClassifier(**TINY), several[0][:, :, 0]),
    ):
        with pytest.raises(ValueError, match=r"^y is a tuple of 2 arrays of shapes \("):
            estimator.fit(X[:4, :2], several)
        with pytest.raises(ValueError, match=r"^sample_weight is a tuple of 2 arrays "):
            estimator.fit(X[:4, :2], target, several)


def test_records_in_functions():
    """The same in functions, and where the advice is followed."""
    with pytest.raises(ValueError, match=r"^series is a list of dicts, whose keys ma"):
        make_windows(RECORDS, 2)
    with pytest.raises(ValueError, match=r"^X is a list of dicts, whose keys pad_seq"):
        pad_sequences(RECORDS, groups="a")
    with pytest.raises(ValueError, match=r"^static is a list of dicts, whose keys pa"):
        pad_sequences(X, static=RECORDS)
    assert make_windows(pd.DataFrame(RECORDS), 2)[0].shape == (6, 2, 2)
