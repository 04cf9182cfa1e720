"""Whatever comes in: a valid result, or a ValueError or TypeError that says why not.

Here a few dozen cases; `make fuzz` runs thousands. A finding becomes a test in
one of the files test_refused_*.py.
"""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from fuzzing import arrays, is_ours, judged, parameters, targets, usually, weights
from hypothesis import assume, event, given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.base import is_classifier
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, RobustScaler

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
    make_windows,
    pad_sequences,
)
from sklstm.preprocessing.imputer import STRATEGIES
from sklstm.sequences.axes import channels_last
from sklstm.sequences.batch import split_sequences, valid_steps
from sklstm.sequences.ragged import is_ragged, pad_ragged


def as_steps(X):
    """X with three axes, in float64."""
    if is_ragged(X):
        return pad_ragged(X).astype(float)
    values = np.asarray(X, dtype=float)
    return values[:, :, None] if values.ndim == 2 else values


def rows_of(result, valid, per_step):
    """What was predicted, without padded timesteps."""
    if not per_step:
        assert len(result) == len(valid)
        return result
    if result.ndim == 1:
        assert [len(row) for row in result] == valid.sum(axis=1).tolist()
        return np.concatenate(result)
    assert result.shape[:2] == valid.shape
    assert pd.isna(result[~valid]).all()
    return result[valid]


def check_outputs(estimator, X, *, per_step=False):
    """Predictions are finite, consistent, blind to padding and survive pickling."""
    estimator.predict(X)  # refuses what is no X
    steps = as_steps(X)
    longer = np.concatenate([steps, np.full_like(steps[:, :1], np.nan)], axis=1)
    restored = pickle.loads(pickle.dumps(estimator))

    def answers(estimator, X, steps, method):
        result = getattr(estimator, method)(X)
        return rows_of(result, valid_steps(steps), per_step)

    predicted = answers(estimator, X, steps, "predict")
    assert_array_equal(answers(estimator, longer, longer, "predict"), predicted)
    assert_array_equal(answers(restored, X, steps, "predict"), predicted)
    if not is_classifier(estimator):
        assert predicted.dtype == np.float64
        assert np.isfinite(predicted).all()
        return
    proba = answers(estimator, X, steps, "predict_proba")
    assert_array_equal(answers(restored, X, steps, "predict_proba"), proba)
    assert ((proba >= 0) & (proba <= 1)).all()
    if predicted.ndim == 2:
        assert_array_equal(predicted, proba > 0.5)
        return
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    expected = estimator.classes_[proba.argmax(axis=1)]
    assert predicted.tolist() == expected.tolist()


@st.composite
def problems(draw, per_step=False):
    """X, y and sample_weight that go together, more or less, and another X."""
    X = draw(arrays())
    n_samples = draw_length(X)
    n_timesteps = X.shape[1] if len(getattr(X, "shape", ())) > 1 else 3
    shape = (n_samples, n_timesteps) if per_step else (n_samples,)
    y, sample_weight = (
        draw(targets(shape)),
        draw(weights(shape[: draw(st.sampled_from([1, 2]))])),
    )
    per_row = not scipy.sparse.issparse(y) and np.ndim(y) > 1 and len(y)
    if per_step and isinstance(X, list) and is_ragged(X) and per_row:
        y = [np.resize(y[0], (len(row), *np.shape(y)[2:])) for row in X]
    return X, y, sample_weight, draw(arrays())


def draw_length(X):
    shape = getattr(X, "shape", None)
    if shape is not None:
        return shape[0] if shape else 0
    return len(X) if hasattr(X, "__len__") else 0


def train(estimator, X, y, sample_weight, how):
    if how == "partial_fit":
        known = {"classes": [0, 1, 2]} if is_classifier(estimator) else {}
        return estimator.partial_fit(X, y, sample_weight=sample_weight, **known)
    if how == "twice":
        estimator.set_params(warm_start=True).fit(X, y, sample_weight)
    return estimator.fit(X, y, sample_weight)


HOW = usually("fit", "partial_fit", "twice")


def run(estimator, problem, how, per_step=False):
    X, y, sample_weight, X_new = problem
    with judged() as errors:
        train(estimator, X, y, sample_weight, how)
        check_outputs(estimator, X, per_step=per_step)
    event("refused" if errors else "fitted")
    if not errors:
        with judged():
            check_outputs(estimator, X_new, per_step=per_step)


@given(parameters(BiLSTMClassifier().get_params()), problems(), HOW)
def test_classifier(params, problem, how):
    """BiLSTMClassifier answers or refuses."""
    run(BiLSTMClassifier(**params), problem, how)


@given(parameters(BiLSTMRegressor().get_params()), problems(), HOW)
def test_regressor(params, problem, how):
    """BiLSTMRegressor answers or refuses."""
    run(BiLSTMRegressor(**params), problem, how)


@given(parameters(BiLSTMTimestepClassifier().get_params()), problems(True), HOW)
def test_timestep_classifier(params, problem, how):
    """BiLSTMTimestepClassifier answers or refuses."""
    run(BiLSTMTimestepClassifier(**params), problem, how, per_step=True)


@given(parameters(BiLSTMTimestepRegressor().get_params()), problems(True), HOW)
def test_timestep_regressor(params, problem, how):
    """BiLSTMTimestepRegressor answers or refuses."""
    run(BiLSTMTimestepRegressor(**params), problem, how, per_step=True)


SIZES = st.sampled_from([1, 2, 3, 200, 0, -1, 1.5, None, "2"])


@given(
    st.sampled_from([BiLSTMClassifier, BiLSTMRegressor, None]),
    usually(2, 1, 3, 200, 0, 1.5, None),
    usually(None, 1, 2, 3, 0, -1),
    problems(),
)
def test_windowed_ensemble(inner, n_timesteps, stride, problem):
    """WindowedEnsemble answers or refuses."""
    estimator = inner and inner(2, epochs=1, random_state=0)
    ensemble = WindowedEnsemble(estimator, n_timesteps=n_timesteps, stride=stride)
    run(ensemble, problem, "fit")


COLUMNS = (0, 1, -1, 5, "c0", "nope", "f0")


def transform(transformer, X, X_new, check):
    """Fit and transform, compare with another way to it, transform something else."""
    with judged() as errors:
        X_trans = transformer.fit_transform(X)
        check(transformer, X, X_trans)
        restored = pickle.loads(pickle.dumps(transformer.fit(X)))
        assert_array_equal(restored.transform(X), transformer.transform(X))
    event("refused" if errors else "transformed")
    if not errors:
        with judged():
            check(transformer, X_new, transformer.transform(X_new))


@given(
    st.fixed_dictionaries(
        {
            "n_timesteps": usually(None, 1, 2, 3, 6, 0, "a"),
            "n_features": usually(None, 1, 2, 3, 0, 1.5),
            "layout": usually("timestep", "feature", "other"),
            "pad": st.sampled_from([False, True]),
            "time": usually(None, 0, 1, 5, -1),
            "static": usually(None, [0], [-1], [9], ["c0"], [True, False], "c0", 0),
        }
    ),
    arrays(axes=2),
    arrays(axes=2),
)
def test_reshaper(params, X, X_new):
    """SequenceReshaper comes back to the table, or refuses."""

    def check(reshaper, X, X_trans):
        assert X_trans.shape[1:] == (
            reshaper.n_timesteps_out_,
            reshaper.n_features_out_,
        )
        if reshaper.time is None and reshaper.static is None:
            table = pad_ragged(X)[:, :, 0] if is_ragged(X) else np.asarray(X, float)
            assert_array_equal(reshaper.inverse_transform(X_trans), table)

    transform(SequenceReshaper(**params), X, X_new, check)


PADDING = {
    "n_timesteps": usually(None, 1, 2, 3, 9, 0, "a"),
    "padding": usually("post", "pre", "front"),
    "truncating": usually("post", "pre", "raise", None),
    "layout": usually("channels_last", "channels_first", "feature"),
}


def check_padded(X, X_trans, n_timesteps, params):
    """The same sequences, at most `n_timesteps` of each."""
    assert X_trans.shape[1] == n_timesteps
    if params["layout"] == "channels_first":
        X = channels_last(X)
    expected = [
        row[-n_timesteps:] if params["truncating"] == "pre" else row[:n_timesteps]
        for row in split_sequences(as_steps(X))
    ]
    for row, steps in zip(split_sequences(X_trans), expected, strict=True):
        assert_array_equal(row, steps)


@given(st.fixed_dictionaries(PADDING), arrays(), arrays())
def test_padder(params, X, X_new):
    """SequencePadder keeps all values that fit, or refuses."""
    transform(
        SequencePadder(**params),
        X,
        X_new,
        lambda padder, X, X_trans: check_padded(
            X, X_trans, padder.n_timesteps_out_, params
        ),
    )


@given(
    st.fixed_dictionaries(
        {
            **PADDING,
            "groups": usually(None, *COLUMNS),
            "time": usually(None, *COLUMNS),
            "elapsed": usually(False, True, "yes"),
            "static": usually(None, [0], [2], ["c1"], np.ones((6, 2)), [[1]] * 6, 0),
        }
    ),
    st.one_of(arrays(), arrays(axes=2)),
)
def test_pad_sequences(params, X):
    """pad_sequences keeps all values that fit, or refuses."""
    with judged() as errors:
        padded = pad_sequences(X, **params)
        if params["groups"] is None and params["static"] is not None:
            assert padded.shape[0] == len(X)
        elif params["groups"] is None:
            check_padded(X, padded, padded.shape[1], params)
        else:
            padded, ids = padded
            assert len(padded) == len(ids) == len(set(ids.tolist()))
    event("refused" if errors else "padded")


SCALERS = (
    None,
    MinMaxScaler(),
    RobustScaler(),
    QuantileTransformer(n_quantiles=3),
    "scaler",
)


@given(st.sampled_from(SCALERS), arrays(), arrays())
def test_scaler(scaler, X, X_new):
    """SequenceScaler gives finite numbers where numbers are, or refuses."""

    def check(scaler, X, X_trans):
        scaled = as_steps(X_trans)
        assert_array_equal(np.isfinite(scaled), np.isfinite(as_steps(X)))

    assume(not has_empty_feature(X))  # of which scikit-learn's scalers warn
    transform(SequenceScaler(scaler), X, X_new, check)


@given(
    st.fixed_dictionaries(
        {
            "frame_length": usually(2, 1, 3, 200, 0, None),
            "hop_length": usually(1, 2, 3, 0, "a"),
        }
    ),
    arrays(),
    arrays(),
)
def test_framer(params, X, X_new):
    """SequenceFramer begins with the first timesteps of every sequence, or refuses."""

    def check(framer, X, X_trans):
        length = framer.frame_length
        for steps, frames in zip(split_sequences(as_steps(X)), X_trans, strict=True):
            frame = frames[0].reshape(length, -1)
            assert_array_equal(frame[: len(steps)], steps[:length])

    transform(SequenceFramer(**params), X, X_new, check)


@given(
    st.fixed_dictionaries(
        {
            "order": usually(1, 2, 3, 200, 0, None),
            "keep_values": usually(False, True, None),
        }
    ),
    arrays(),
    arrays(),
)
def test_differencer(params, X, X_new):
    """SequenceDifferencer keeps the timesteps that are data, or refuses."""

    def check(differencer, X, X_trans):
        valid = valid_steps(as_steps(X))
        assert_array_equal(np.isfinite(X_trans).all(axis=2), valid)

    transform(SequenceDifferencer(**params), X, X_new, check)


def has_empty_feature(X):
    """Whether some feature of X is missing at every timestep that is data."""
    try:
        steps = as_steps(X)
        steps = steps[valid_steps(steps)]
    except Exception:  # whatever X is, SequenceScaler will say so
        return False
    return bool(len(steps) and np.isnan(steps).all(axis=0).any())


@given(
    st.fixed_dictionaries(
        {
            "strategy": usually(*STRATEGIES, "mean"),
            "fill_value": usually("mean", "median", 0, 1.5, np.nan, None),
            "add_indicator": st.sampled_from([False, True]),
        }
    ),
    arrays(),
    arrays(),
)
def test_imputer(params, X, X_new):
    """SequenceImputer leaves nothing missing and nothing else changed, or refuses."""

    def check(imputer, X, X_trans):
        steps = as_steps(X)
        assert_array_equal(np.isfinite(X_trans).all(axis=2), valid_steps(steps))
        known = np.isfinite(steps)
        filled = X_trans[:, :, : steps.shape[2]]
        assert_array_equal(filled[known], steps.astype(filled.dtype)[known])

    transform(SequenceImputer(**params), X, X_new, check)


def same_group(X):
    return np.zeros(len(X))


@given(
    st.fixed_dictionaries(
        {
            "n_timesteps": usually(2, 1, 3, 200, 0, None),
            "sampling_rate": usually(1, 2, 3, 0),
            "groups": usually(None, *COLUMNS, len, same_group),
            "time": usually(None, *COLUMNS),
            "context": usually(None, "fit", "other"),
        }
    ),
    arrays(axes=2),
    arrays(axes=2),
)
def test_sliding_windows(params, X, X_new):
    """SlidingWindows end at the rows of the table, or it refuses."""

    def check(windows, X, X_trans):
        assert X_trans.shape == (len(X), params["n_timesteps"], windows.n_features_out_)
        if params["groups"] is None and params["time"] is None:
            table = np.asarray(X, dtype=X_trans.dtype)
            assert_array_equal(windows.inverse_transform(X_trans), table)

    transform(SlidingWindows(**params), X, X_new, check)


@given(
    st.fixed_dictionaries(
        {
            "n_timesteps": usually(2, 1, 3, 200, 0, None),
            "horizon": usually(1, 2, 0, 1.5),
            "target": usually(None, *COLUMNS),
            "stride": usually(1, 2, 0),
            "groups": usually(None, *COLUMNS, [0, 0, 0, 1, 1, 1], [0, None], len),
            "known": usually(None, [0], [1], [0, -1], ["c1"], [True, False], [], 0),
            "return_index": usually(False, True, None),
        }
    ),
    st.one_of(arrays(axes=2), arrays(axes=1)),
)
def test_make_windows(params, series):
    """make_windows gives windows and what follows them, or refuses."""
    with judged() as errors:
        X, y, *index = make_windows(series, **params)
        n_ahead = params["horizon"] if params["known"] is not None else 0
        assert X.shape[:2] == (len(y), params["n_timesteps"] + n_ahead)
        values = np.asarray(series, dtype=float).reshape(len(series), -1)
        for rows in index:
            assert rows.shape == y.shape[: rows.ndim]
        if params["groups"] is None and params["horizon"] == 1:
            goal = params["target"] if isinstance(params["target"], int) else 0
            follows = values[params["n_timesteps"] :: params["stride"]]
            assert_array_equal(y.reshape(len(y), -1)[:, 0], follows[:, goal])
    event("refused" if errors else "cut")


def test_foreign_errors_are_told_apart():
    """What NumPy and Python raise by themselves does not count as an answer."""
    for call in (
        lambda: np.zeros(3).reshape(2, 2),
        lambda: [] + 1,
        lambda: SequencePadder().fit([[1], [2]]).transform.nothing,
    ):
        with pytest.raises((ValueError, TypeError, AttributeError)) as error:
            call()
        assert not is_ours(error.value)
    with pytest.raises(ValueError, match="1D array") as error:
        SequencePadder().fit([1, 2])
    assert is_ours(error.value)
