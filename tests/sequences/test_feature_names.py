"""Names of the features of sequences: frames whose cells are sequences, and lists."""

import pickle
import warnings
from functools import partial

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
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
    SlidingWindows,
    WindowedEnsemble,
    pad_sequences,
)
from sklstm.inspection import occlusion_importance, timestep_importance

TINY = {"units": 3, "epochs": 2, "random_state": 0}
SHORT = {"units": 2, "epochs": 1, "random_state": 0}
LENGTHS = [3, 1, 4, 2, 4, 3, 2, 4]
rng = np.random.default_rng(0)
# The first feature is a code, the others are numbers.
SEQUENCES = [
    np.column_stack([rng.integers(0, 3, n), rng.normal(size=(n, 2))]).astype(float)
    for n in LENGTHS
]
NAMES = ["a", "b", "c"]
PLACES = {"a": 0, "b": 1, "c": 2, "x": 2}
VALUES = [float(sequence[:, 1:].sum()) for sequence in SEQUENCES]
LABELS = np.array(["high", "low"] * 4)

PANDAS = {"lists": list, "series": pd.Series, "arrays": np.asarray}

MAKERS = {
    "pandas": pd.DataFrame,
    "nullable": lambda x: pd.DataFrame(x).convert_dtypes(),
    "arrow types": lambda x: pd.DataFrame(x).convert_dtypes(dtype_backend="pyarrow"),
    "polars": pl.DataFrame,
    "table": pa.table,
    "batch": pa.record_batch,
    "dask": lambda x: dd.from_pandas(pd.DataFrame(x), npartitions=1),
}


def nested(kind, names=NAMES):
    """A frame whose cells are sequences."""
    cells = {name: [x[:, PLACES[name]].tolist() for x in SEQUENCES] for name in names}
    if kind in PANDAS:
        return pd.DataFrame({k: list(map(PANDAS[kind], v)) for k, v in cells.items()})
    if kind == "arrow types":
        return pa.table(cells).to_pandas(types_mapper=pd.ArrowDtype)
    return {"polars": pl.DataFrame, "table": pa.table, "batch": pa.record_batch}[kind](
        cells
    )


def frames(kind, names=NAMES):
    """A list of frames, one for every sequence."""
    return [
        MAKERS[kind]({name: x[:, PLACES[name]] for name in names}) for x in SEQUENCES
    ]


def as_object_array(sequences):
    held = np.empty(len(sequences), dtype=object)
    held[:] = sequences
    return held


def of_several_libraries(names=NAMES):
    pandas, polars, arrow = (frames(k, names) for k in ("pandas", "polars", "table"))
    return pandas[:3] + polars[3:6] + arrow[6:]


CELLS = [*PANDAS, "arrow types", "polars", "table", "batch"]
FORMS = {
    **{f"nested {kind}": partial(nested, kind) for kind in CELLS},
    **{f"list of {kind}": partial(frames, kind) for kind in MAKERS},
    "tuple": lambda names=NAMES: tuple(frames("pandas", names)),
    "series of frames": lambda names=NAMES: pd.Series(frames("pandas", names)),
    "array of frames": lambda names=NAMES: as_object_array(frames("polars", names)),
    "mixed": of_several_libraries,
}
OTHER_ORDER = "same order as they were in fit"
MISSING_NAMES = "X does not have valid feature names, but"

TRANSFORMERS = [
    SequencePadder(),
    SequencePadder(layout="channels_first"),
    SequenceScaler(),
    SequenceDifferencer(),
    SequenceFramer(2, hop_length=1),
    SequenceImputer(),
]
ESTIMATORS = [
    (BiLSTMClassifier(**SHORT), LABELS),
    (BiLSTMRegressor(**SHORT), VALUES),
    (
        BiLSTMTimestepClassifier(**SHORT),
        [np.resize(["on", "off"], n) for n in LENGTHS],
    ),
    (BiLSTMTimestepRegressor(**SHORT), [x[:, 1] for x in SEQUENCES]),
    (WindowedEnsemble(BiLSTMClassifier(**SHORT), n_timesteps=3), LABELS),
    (make_pipeline(SequencePadder(), BiLSTMRegressor(**SHORT)), VALUES),
]


@pytest.fixture(scope="module")
def regressor():
    """Fitted on names, the first of which is that of codes; not to be changed."""
    regressor = BiLSTMRegressor(categorical_features=["a"], **TINY)
    return regressor.fit(frames("pandas"), VALUES)


# -- every container -------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_names_are_remembered_in_every_form(form):
    """The same names in the same order give the same numbers, others an error."""
    make = FORMS[form]
    padder = SequencePadder().fit(make())
    assert padder.feature_names_in_.tolist() == NAMES
    assert padder.n_features_in_ == 3
    assert_array_equal(padder.transform(make()), pad_sequences(SEQUENCES))
    with pytest.raises(ValueError, match=OTHER_ORDER):
        padder.transform(make(names=["c", "b", "a"]))
    with pytest.raises(ValueError, match="now missing:\n- b"):
        padder.transform(make(names=["a", "c"]))
    assert_array_equal(
        padder.fit(make(names=["b", "a"])).transform(make(names=["b", "a"])),
        pad_sequences(SEQUENCES)[:, :, [1, 0]],
    )


@pytest.mark.parametrize("form", FORMS)
def test_names_in_fit_alone_and_in_transform_alone(form):
    """scikit-learn's warnings."""
    padder = SequencePadder().fit(FORMS[form]())
    for X in (SEQUENCES, pad_sequences(SEQUENCES), as_object_array(SEQUENCES)):
        with pytest.warns(UserWarning, match=MISSING_NAMES):
            transformed = padder.transform(X)
        assert_array_equal(transformed, pad_sequences(SEQUENCES))
    padder.fit(SEQUENCES)
    assert not hasattr(padder, "feature_names_in_")
    with pytest.warns(UserWarning, match="X has feature names, but SequencePadder was"):
        padder.transform(FORMS[form]())


@pytest.mark.parametrize("form", [form for form in FORMS if "nested" not in form])
@pytest.mark.parametrize("names", [["b", "a", "c"], ["a", "b", "x"]])
def test_other_columns_within_a_list(form, names):
    """They are refused, with both named."""
    same, other = list(FORMS[form]()), list(FORMS[form](names=names))
    words = rf"Sequence 5 of X has the columns \['{names[0]}', .*'a', 'b', 'c'\]"
    for refuse in (pad_sequences, SequencePadder().fit, SequenceScaler().fit):
        with pytest.raises(ValueError, match=words):
            refuse([*same[:5], *other[5:]])


def test_columns_in_another_order_as_reported():
    """Two sequences of one timestep."""
    with pytest.raises(
        ValueError, match=r"\['b', 'a'\], but sequence 0 .* change plac"
    ):
        pad_sequences(
            [pd.DataFrame({"a": [1], "b": [2]}), pd.DataFrame({"b": [2], "a": [1]})]
        )
    wide = pd.DataFrame(np.zeros((2, 30))).add_prefix("c")
    order = [*wide.columns[:20], "c21", "c20", *wide.columns[22:]]
    with pytest.raises(ValueError, match=r"'c9', ...\] \(column 20 is 'c21' and 'c20'"):
        pad_sequences([wide, wide[order]])


def test_frames_beside_arrays():
    """Such a list has no names; frames in it must not contradict those of fit."""
    beside = SEQUENCES[:4] + frames("polars")[4:]
    padder = SequencePadder().fit(beside)
    assert not hasattr(padder, "feature_names_in_")
    padder.fit(frames("polars"))
    with pytest.warns(UserWarning, match=MISSING_NAMES):
        padder.transform(beside)
    with pytest.raises(ValueError, match=OTHER_ORDER):
        padder.transform(SEQUENCES[:4] + frames("polars", ["c", "b", "a"])[4:])
    with pytest.raises(ValueError, match="Sequence 5 of X has the columns"):
        padder.fit(beside[:5] + frames("table", ["c", "b", "a"])[5:])
    with pytest.raises(ValueError, match="X has no feature names"):
        BiLSTMRegressor(categorical_features=["a"], **TINY).fit(beside, VALUES)


def test_names_that_are_no_strings():
    """They are not remembered, as by scikit-learn, but compared within a list."""
    numbered = [frame.set_axis([0, 1, 2], axis=1) for frame in frames("pandas")]
    levels = pd.MultiIndex.from_product([["x"], NAMES])
    of_levels = nested("lists").set_axis(levels, axis=1)
    for X in (numbered, of_levels, nested("lists").set_axis([0, 1, 2], axis=1)):
        padder = SequencePadder().fit(X)
        assert not hasattr(padder, "feature_names_in_")
        assert_array_equal(padder.transform(X), pad_sequences(SEQUENCES))
    with pytest.raises(
        ValueError, match=r"columns \[2, 1, 0\], but sequence 0 has \[0,"
    ):
        pad_sequences([*numbered[:3], numbered[3][[2, 1, 0]]])
    with pytest.raises(
        ValueError, match=r"columns \[0, 1, 2\], but sequence 0 has \['a"
    ):
        pad_sequences([*frames("polars")[:3], *numbered[3:]])
    # Cut out of a wider table they tell places, not features.
    wide = pd.DataFrame(np.arange(12.0).reshape(2, 6))
    cut = [wide.loc[:, :2], wide.loc[:, 3:]]
    assert_array_equal(pad_sequences(cut), [wide.to_numpy()[:, :3], wide.loc[:, 3:]])
    with pytest.raises(
        TypeError, match="only supported if all input features have str"
    ):
        pad_sequences(nested("lists").set_axis(["a", 1, 2], axis=1))


@pytest.mark.parametrize("names", [["a", "a", "b"], ["b", "a", "a"]])
def test_names_of_several_columns(names):
    """Features are told apart by names."""
    columns = {"names": names}
    for X in (
        nested("lists").set_axis(names, axis=1),
        pa.table(list(nested("table").columns), **columns),
    ):
        with pytest.raises(ValueError, match="X has several columns named 'a'"):
            pad_sequences(X)
    for X in (
        [frame.set_axis(names, axis=1) for frame in frames("pandas")],
        [pa.table(list(frame.columns), **columns) for frame in frames("table")],
    ):
        with pytest.raises(ValueError, match="frame in X has several columns"):
            pad_sequences(X)


def test_series_have_no_names_of_features():
    """The name of a Series is that of a column the user has chosen."""
    columns = nested("series")
    padder = SequencePadder().fit(columns["a"])
    assert not hasattr(padder, "feature_names_in_")
    expected = pad_sequences([x[:, 1] for x in SEQUENCES])
    assert_array_equal(padder.transform(columns["b"]), expected)
    assert_array_equal(padder.transform(list(columns["b"])), expected)


def test_names_of_features_in_front():
    """With channels first the rows of a frame are features; pandas can name them."""
    turned = [frame.T for frame in frames("pandas")]
    padder = SequencePadder(layout="channels_first").fit(turned)
    assert padder.feature_names_in_.tolist() == NAMES
    assert_array_equal(padder.transform(turned), pad_sequences(SEQUENCES))
    other = [frame.T for frame in frames("pandas", ["c", "b", "a"])]
    with pytest.raises(ValueError, match=OTHER_ORDER):
        padder.transform(other)
    with pytest.raises(ValueError, match=r"Sequence 3 of X has the columns \['c'"):
        pad_sequences(turned[:3] + other[3:], layout="channels_first")
    # Rows that were cut out of a longer frame have numbers that are no names.
    cut = [pd.concat(turned, ignore_index=True)[3 * k : 3 * k + 3] for k in range(8)]
    unnamed = SequencePadder(layout="channels_first").fit(cut)
    assert not hasattr(unnamed, "feature_names_in_")


# -- every class -----------------------------------------------------------------------


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=str)
@pytest.mark.parametrize("form", ["nested lists", "nested polars", "list of table"])
def test_transformers(transformer, form):
    """In `fit`, `transform`, `partial_fit`, copies and files."""
    make = FORMS[form]
    if "first" in str(transformer) and "list of" in form:
        make = lambda names=NAMES: [x.T for x in frames("pandas", names)]  # noqa: E731
    fitted = clone(transformer).fit(make())
    expected = fitted.transform(make())
    assert fitted.feature_names_in_.tolist() == NAMES
    for other in (fitted, pickle.loads(pickle.dumps(fitted))):
        assert_array_equal(other.transform(make()), expected)
        with pytest.raises(ValueError, match=OTHER_ORDER):
            other.transform(make(names=NAMES[::-1]))
    if hasattr(fitted, "partial_fit"):
        with pytest.raises(ValueError, match=OTHER_ORDER):
            fitted.partial_fit(make(names=NAMES[::-1]))
    if hasattr(fitted, "inverse_transform"):
        fitted.inverse_transform(expected)
        fitted.inverse_transform(list(expected))


@pytest.mark.parametrize(("estimator", "y"), ESTIMATORS, ids=lambda e: str(e)[:20])
def test_estimators(estimator, y):
    """As in a column-by-column loop, and refused in every other order."""
    fitted = clone(estimator).fit(nested("lists"), y)
    assert fitted.feature_names_in_.tolist() == NAMES
    expected = clone(estimator).fit(SEQUENCES, y).predict(SEQUENCES)
    for X in (nested("lists"), frames("polars")):
        predicted = fitted.predict(X)
        assert_array_equal(np.hstack(list(predicted)), np.hstack(list(expected)))
    for X in (nested("polars", ["b", "a", "c"]), frames("pandas", ["c", "b", "a"])):
        for method in ("predict", "predict_proba", "transform"):
            if hasattr(fitted, method):
                with pytest.raises(ValueError, match=OTHER_ORDER):
                    getattr(fitted, method)(X)
        with pytest.raises(ValueError, match=OTHER_ORDER):
            fitted.score(X, y)
    with pytest.warns(UserWarning, match=MISSING_NAMES):
        fitted.predict(pad_sequences(SEQUENCES))
    fitted.fit(SEQUENCES, y)
    assert not hasattr(fitted, "feature_names_in_")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_validation_data_and_further_training():
    """X_val, `partial_fit` and `warm_start` are compared with the first names."""
    X, other = frames("pandas"), nested("lists", NAMES[::-1])
    words = rf"(?s)In the validation data.*{OTHER_ORDER}"
    for model in (
        BiLSTMRegressor(**SHORT),
        WindowedEnsemble(BiLSTMRegressor(**SHORT), n_timesteps=3),
    ):
        model.fit(X, VALUES, X_val=frames("polars"), y_val=VALUES)
        with pytest.raises(ValueError, match=words):
            model.fit(X, VALUES, X_val=other, y_val=VALUES)
        with pytest.warns(UserWarning, match=MISSING_NAMES):
            model.fit(X, VALUES, X_val=SEQUENCES, y_val=VALUES)
    further = BiLSTMRegressor(warm_start=True, **SHORT).fit(X, VALUES)
    for train in (further.fit, further.partial_fit):
        train(nested("table"), VALUES)
        with pytest.raises(ValueError, match=OTHER_ORDER):
            train(other, VALUES)
    assert further.feature_names_in_.tolist() == NAMES


def test_a_search_and_a_pipeline_of_names():
    """The folds keep the names, and the first step compares them."""
    pipeline = make_pipeline(SequencePadder(), FunctionTransformer(_sums))
    pipeline.steps.append(("last", LinearRegression()))
    search = GridSearchCV(pipeline, {"sequencepadder__padding": ["pre", "post"]}, cv=2)
    search.fit(nested("lists"), VALUES)
    assert search.best_estimator_.feature_names_in_.tolist() == NAMES
    with pytest.raises(ValueError, match=OTHER_ORDER):
        search.predict(nested("lists", NAMES[::-1]))


def _sums(X):
    return np.nan_to_num(X).sum(axis=1)


# -- codes by name ---------------------------------------------------------------------


@pytest.mark.parametrize("form", ["list of pandas", "list of polars", "nested table"])
def test_codes_by_name(form, regressor):
    """The feature of that name is embedded, wherever it stands, and stays there."""
    make = FORMS[form]
    assert_array_equal(regressor.predict(make()), regressor.predict(frames("pandas")))
    order = ["b", "c", "a"]
    named = clone(regressor).fit(make(names=order), VALUES)
    numbered = clone(regressor).set_params(categorical_features=[2])
    numbered.fit([x[:, [1, 2, 0]] for x in SEQUENCES], VALUES)
    assert named.is_categorical_.tolist() == [False, False, True]
    assert_array_equal(named.network_.flat, numbered.network_.flat)
    for fitted, given in ((named, NAMES), (regressor, order)):
        with pytest.raises(ValueError, match=OTHER_ORDER):
            fitted.predict(make(names=given))


def test_training_on_codes_by_name_goes_on_without_names():
    """Then the fitted names say which feature it is, and scikit-learn warns."""
    model = BiLSTMRegressor(categorical_features=["a"], **TINY)
    model.partial_fit(nested("lists"), VALUES)
    with pytest.warns(UserWarning, match=MISSING_NAMES):
        model.partial_fit(SEQUENCES, VALUES)
    expected = BiLSTMRegressor(categorical_features=[0], **TINY)
    expected.partial_fit(SEQUENCES, VALUES).partial_fit(SEQUENCES, VALUES)
    assert_array_equal(model.network_.flat, expected.network_.flat)


def test_codes_by_name_without_names():
    """Of timesteps, or of nothing."""
    model = BiLSTMRegressor(categorical_features=["a"], **TINY)
    numbers = nested("lists").set_axis([0, 1, 2], axis=1)
    for X in (SEQUENCES, numbers, pad_sequences(SEQUENCES)):
        with pytest.raises(
            ValueError, match=r"X has no feature names.*list of data fra"
        ):
            model.fit(X, VALUES)


# -- beside a table --------------------------------------------------------------------


def test_names_of_timesteps_are_no_names_of_features():
    """A model of a table takes sequences of one feature, and the other way round."""
    table = pd.DataFrame(rng.normal(size=(8, 3)), columns=["t0", "t1", "t2"])
    steps = table.to_numpy()[:, :, None]
    padder = SequencePadder().fit(table)
    values = [pd.DataFrame({"value": row.ravel()}) for row in steps]
    for X in (steps, list(steps), values):
        assert_array_equal(padder.transform(X), steps)
    padder.fit(values)
    assert padder.feature_names_in_.tolist() == ["value"]
    for X in (table, table.to_numpy(), steps):
        with pytest.warns(UserWarning, match=MISSING_NAMES):
            assert_array_equal(padder.transform(X), steps)
    padder.fit(steps)
    assert_array_equal(padder.transform(table), steps)


@pytest.mark.parametrize(
    "transformer",
    [SequencePadder(), SequenceReshaper(), SlidingWindows(2), BiLSTMRegressor(**SHORT)],
    ids=str,
)
@pytest.mark.parametrize(
    "make",
    [pa.record_batch, pa.table, dd.from_pandas],
    ids=["record batch", "table", "dask"],
)
def test_tables_in_which_scikit_learn_finds_no_names(transformer, make):
    """Those of dask and record batches of pyarrow."""
    columns = {"a": [1.0, 2.0, 3.0, 4.0], "b": [4.0, 3.0, 2.0, 9.0]}

    def table(names):
        chosen = {name: columns[name] for name in names}
        if make is dd.from_pandas:
            return make(pd.DataFrame(chosen), npartitions=2)
        return make(chosen)

    fitted = clone(transformer).fit(table("ab"), [1.0, 2.0, 3.0, 4.0])
    assert fitted.feature_names_in_.tolist() == ["a", "b"]
    expected = clone(transformer).fit(pd.DataFrame(columns), [1.0, 2.0, 3.0, 4.0])
    assert_allclose(
        fitted.transform(table("ab")), expected.transform(pd.DataFrame(columns))
    )
    with pytest.raises(ValueError, match=OTHER_ORDER):
        fitted.transform(table("ba"))


def test_a_nested_frame_of_dask():
    """If it is told not to make text of sequences."""
    with dask.config.set({"dataframe.convert-string": False}):
        X = dd.from_pandas(nested("lists"), npartitions=2)
        padder = SequencePadder().fit(X)
        assert padder.feature_names_in_.tolist() == NAMES
        assert_array_equal(padder.transform(X), pad_sequences(SEQUENCES))
        with pytest.raises(ValueError, match=OTHER_ORDER):
            padder.transform(X[NAMES[::-1]])


def test_a_reshaper_takes_no_nested_frame():
    """Its cells are sequences already."""
    for kind in ("lists", "polars", "table"):
        with pytest.raises(ValueError, match=r"cells are sequences.*Use Sequence"):
            SequenceReshaper().fit(nested(kind))


def test_targets_in_frames():
    """Those of timesteps, in a list: no column may change places with another."""
    y = [pd.DataFrame({"up": x[:, 1], "down": x[:, 2]}) for x in SEQUENCES]
    model = BiLSTMTimestepRegressor(**SHORT).fit(SEQUENCES, y)
    expected = BiLSTMTimestepRegressor(**SHORT)
    expected.fit(SEQUENCES, [x[:, 1:] for x in SEQUENCES])
    assert_array_equal(model.network_.flat, expected.network_.flat)
    y[3] = y[3][["down", "up"]]
    with pytest.raises(ValueError, match=r"Sequence 3 of y has the columns \['down', "):
        model.fit(SEQUENCES, y)


# -- what looks at estimators ----------------------------------------------------------


def test_inspection_asks_without_names(regressor):
    """Arrays are its own: no warning, and the names of X are compared."""
    X = nested("lists")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # The only timestep of a sequence cannot be left out.
        warnings.filterwarnings("ignore", "Sequence 1 of X has 1 timestep")
        adds = occlusion_importance(regressor, X)
        result = timestep_importance(
            regressor, X, VALUES, by="feature", n_repeats=1, random_state=0
        )
    assert [len(row) for row in adds] == LENGTHS
    assert result.importances_mean.shape == (3,)
    assert regressor.feature_names_in_.tolist() == NAMES
    with pytest.raises(ValueError, match=OTHER_ORDER):
        occlusion_importance(regressor, nested("lists", NAMES[::-1]))
