"""Checks that every estimator of sequences must pass, beside scikit-learn's own.

scikit-learn checks estimators with matrices. These checks give three axes and lists of
sequences of unequal length, and ask for what sklstm promises about them.
"""

from __future__ import annotations

import copy
import io
import os
import pickle
import random
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.utils import get_tags
from threadpoolctl import threadpool_info

from sklstm.sequences.ragged import is_ragged

Sequences = list[NDArray[np.float64]]

N_SAMPLES = 18
N_TIMESTEPS = 5
N_FEATURES = 2


def yield_sequence_checks(
    estimator: BaseEstimator, checks: Any = None
) -> Iterator[tuple[BaseEstimator, Callable[[BaseEstimator], None]]]:
    """Checks of an estimator with three axes and sequences of unequal length.

    Every check clones the estimator, so its parameters decide how long the checks
    take: choose few units and epochs. It needs the parameter `random_state` and the
    fitted attributes `weights_` and `history_`.

    Parameters
    ----------
    estimator : estimator instance
    checks : sequence of callable, default=None
        None is all, `SEQUENCE_CHECKS`.

    Yields
    ------
    estimator : estimator instance
        The one given.
    check : callable
        To be called with the estimator. Raises AssertionError if the estimator fails.
    """
    name = type(estimator).__name__
    for check in SEQUENCE_CHECKS if checks is None else checks:
        yield estimator, partial(check, name)


# -- what goes in ------------------------------------------------------------------


def check_three_axes(name: str, estimator_orig: BaseEstimator) -> None:
    """Fit and predict an array of three axes; know its sizes."""
    X, y = _problem(estimator_orig)
    estimator = _fitted(estimator_orig, X, y)
    _assert_sizes(estimator, N_FEATURES)
    assert not hasattr(estimator, "feature_names_in_"), (
        f"{name} has column names from an array."
    )
    _check_outputs(name, estimator, X, y)


def check_list_of_matrices(name: str, estimator_orig: BaseEstimator) -> None:
    """Fit and predict a list of sequences of several features; know its sizes."""
    sequences, y = _ragged_problem(estimator_orig, N_FEATURES)
    estimator = _fitted(estimator_orig, sequences, y)
    _assert_sizes(estimator, N_FEATURES)
    _check_outputs(name, estimator, sequences, y)


def check_list_of_vectors(name: str, estimator_orig: BaseEstimator) -> None:
    """A list of 1D sequences is one of a single feature."""
    sequences, y = _ragged_problem(estimator_orig, 1)
    vectors = [sequence[:, 0] for sequence in sequences]
    estimator = _fitted(estimator_orig, vectors, y)
    _assert_sizes(estimator, 1)
    _check_outputs(name, estimator, vectors, y)
    _assert_same(estimator, _fitted(estimator_orig, sequences, y), vectors, sequences)


def check_list_is_padded_array(name: str, estimator_orig: BaseEstimator) -> None:
    """Sequences of unequal length are an array padded with NaN."""
    sequences, y = _ragged_problem(estimator_orig, N_FEATURES)
    padded = _scatter(sequences, N_TIMESTEPS, "behind")
    by_list = _fitted(estimator_orig, sequences, y)
    by_array = _fitted(estimator_orig, padded, y)
    _assert_same(by_list, by_array, sequences, padded)


def check_matrix_is_one_feature(name: str, estimator_orig: BaseEstimator) -> None:
    """A matrix is as many timesteps of one feature as it has columns."""
    X, y = _problem(estimator_orig)
    steps = X[:, :, :1]
    table = steps[:, :, 0]
    by_table = _fitted(estimator_orig, table, y)
    by_steps = _fitted(estimator_orig, steps, y)
    _assert_sizes(by_table, N_TIMESTEPS)
    _assert_sizes(by_steps, 1)
    _assert_same(by_table, by_steps, table, steps)
    _assert_same(by_table, by_steps, steps, table)


def check_data_frame(name: str, estimator_orig: BaseEstimator) -> None:
    """The names of a data frame's columns are remembered, and forgotten again."""
    X, y = _problem(estimator_orig)
    columns = [f"t{k}" for k in range(N_TIMESTEPS)]
    frame = pd.DataFrame(X[:, :, 0], columns=columns)
    estimator = _fitted(estimator_orig, frame, y)
    assert_array_equal(estimator.feature_names_in_, columns)
    _assert_sizes(estimator, N_TIMESTEPS)
    _assert_refused(name, estimator.predict, frame[columns[::-1]], "feature names")
    estimator.fit(X, y)
    assert not hasattr(estimator, "feature_names_in_"), (
        f"{name} keeps column names of an earlier fit."
    )


def check_other_lengths(name: str, estimator_orig: BaseEstimator) -> None:
    """The number of timesteps may differ in `predict`, that of features may not."""
    X, y = _problem(estimator_orig)
    estimator = _fitted(estimator_orig, X, y)
    before = estimator.n_timesteps_in_
    for other in (X[:, :2], np.concatenate([X, X], axis=1), _ragged(N_FEATURES)):
        n_predicted = len(estimator.predict(other))
        assert n_predicted == len(X), f"{name} predicts {n_predicted} of {len(X)}."
    assert estimator.n_timesteps_in_ == before, (
        f"{name}.predict changes n_timesteps_in_."
    )
    for other in (X[:, :, :1], np.concatenate([X, X], axis=2)):
        _assert_refused(name, estimator.predict, other, "features per timestep")


# -- padding -----------------------------------------------------------------------


def check_padding_is_ignored(name: str, estimator_orig: BaseEstimator) -> None:
    """NaN in front, behind or in a gap, and more of it, changes nothing."""
    sequences, y = _ragged_problem(estimator_orig, N_FEATURES)
    reference = _fitted(estimator_orig, sequences, y)
    for where in ("behind", "front", "gap"):
        for n_timesteps in (N_TIMESTEPS, N_TIMESTEPS + 4):
            padded = _scatter(sequences, n_timesteps, where)
            estimator = _fitted(estimator_orig, padded, y)
            _assert_same(estimator, reference, padded, sequences, atol=1e-6)


def check_zeros_are_data(name: str, estimator_orig: BaseEstimator) -> None:
    """Timesteps of zeros change a prediction, timesteps of NaN do not."""
    X, y = _problem(estimator_orig)
    estimator = _fitted(estimator_orig, X, y)
    reference = _method(estimator)(X)
    for value, is_padding in ((np.nan, True), (0.0, False)):
        added = np.full_like(X[:, :2], value)
        outputs = _method(estimator)(np.concatenate([added, X, added], axis=1))
        if _every_step(estimator):
            outputs = outputs[:, 2:-2]
        difference = np.abs(outputs - reference).max()
        assert (difference < 1e-6) == is_padding, (
            f"Timesteps of {value} around the others change the outputs of {name} by "
            f"{difference}."
        )


def check_samples_are_independent(name: str, estimator_orig: BaseEstimator) -> None:
    """A prediction depends neither on its place nor on its company."""
    sequences, y = _ragged_problem(estimator_orig, N_FEATURES)
    estimator = _fitted(estimator_orig, sequences, y)
    alone = [_outputs(estimator, [sequence]) for sequence in sequences]
    together = _outputs(estimator, sequences)
    assert_allclose(
        np.concatenate(alone), together, rtol=0, atol=1e-6, err_msg="one by one"
    )
    order = np.random.default_rng(1).permutation(len(sequences))
    shuffled = _outputs(estimator, [sequences[k] for k in order])
    expected = np.concatenate([alone[k] for k in order])
    assert_allclose(shuffled, expected, rtol=0, atol=1e-6, err_msg="in another order")


# -- what stays as it was ----------------------------------------------------------


def check_arguments_are_left_alone(name: str, estimator_orig: BaseEstimator) -> None:
    """`fit` and `predict` change neither data nor parameters."""
    X, y = _problem(estimator_orig)
    X[:3, -1] = np.nan
    arguments = (X, y, np.linspace(0.5, 2, len(y)))
    for array in arguments:
        array.flags.writeable = False
    estimator = clone(estimator_orig)
    parameters = estimator.get_params()
    before = joblib.hash((arguments, parameters))
    estimator.fit(*arguments).predict(X)
    after = joblib.hash((arguments, estimator.get_params()))
    assert after == before, f"{name} changes its data or parameters."
    for parameter, value in estimator.get_params().items():
        assert value is parameters[parameter], f"{name} replaces {parameter}."


def check_failing_fit_leaves_no_trace(name: str, estimator_orig: BaseEstimator) -> None:
    """An estimator that refuses new data still is what it was."""
    X, y = _problem(estimator_orig)
    estimator = _fitted(estimator_orig, X, y)
    before = dict(vars(estimator))
    outputs = _outputs(estimator, X)
    infinite = np.concatenate([X, X], axis=2)
    infinite[0, 0, 0] = np.inf
    for arguments in (
        (infinite, y),
        (np.concatenate([X, X], axis=2), y[:-1]),
        (X[:, :, 0], None),
        (X[:, :, 0], y, -np.ones(len(y))),
    ):
        _assert_refused(name, estimator.fit, *arguments, "")
        after = vars(estimator)
        changed = [
            key for key in before | after if after.get(key) is not before.get(key)
        ]
        assert not changed, f"A failing fit of {name} changes {changed}."
        assert_array_equal(_outputs(estimator, X), outputs)


def check_global_state(name: str, estimator_orig: BaseEstimator) -> None:
    """Nothing that belongs to the process is changed by `fit` and `predict`.

    But for NumPy's random state, which `random_state=None` is. The first fit is not
    looked at: it imports TensorFlow.
    """
    X, y = _problem(estimator_orig)
    _fitted(estimator_orig, X, y)
    for random_state in (None, 0):
        estimator = clone(estimator_orig).set_params(random_state=random_state)
        # A seed that fit might set must not be the state it finds.
        random.random(), np.random.random()  # noqa: NPY002
        before = _global_state()
        estimator.fit(X, y).predict(X)
        after = _global_state()
        if random_state is None:
            del after["NumPy's random numbers"]
        for key, value in after.items():
            assert value == before[key], (
                f"{name}(random_state={random_state}) changes {key}."
            )


# -- the same again ----------------------------------------------------------------


def check_same_seed_same_weights(name: str, estimator_orig: BaseEstimator) -> None:
    """An integer `random_state` determines every bit, fitted anew or again."""
    sequences, y = _ragged_problem(estimator_orig, N_FEATURES)
    first = _fitted(estimator_orig, sequences, y)
    second = _fitted(estimator_orig, sequences, y)
    _assert_same(first, second, sequences, sequences)
    second.fit(*_problem(estimator_orig))
    second.fit(sequences, y)
    _assert_same(first, second, sequences, sequences)
    other = clone(estimator_orig).set_params(random_state=1).fit(sequences, y)
    assert any(
        (other.weights_[key] != value).any() for key, value in first.weights_.items()
    ), f"{name} has the same weights whatever its random_state."


def check_copies_predict_the_same(name: str, estimator_orig: BaseEstimator) -> None:
    """Pickle, deepcopy and joblib keep every bit."""
    X, y = _problem(estimator_orig)
    estimator = _fitted(estimator_orig, X, y)
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    for restored in (
        pickle.loads(pickle.dumps(estimator)),
        copy.deepcopy(estimator),
        joblib.load(file),
    ):
        _assert_same(estimator, restored, X, X)
        assert restored.history_ == estimator.history_, f"{name} loses its history_."


def check_holds_no_keras(name: str, estimator_orig: BaseEstimator) -> None:
    """A fitted estimator is arrays and plain objects; nothing of Keras hangs on it."""
    X, y = _problem(estimator_orig)
    estimator = _fitted(estimator_orig, X, y)
    for path, found in _reachable(vars(estimator), name):
        package = type(found).__module__.partition(".")[0]
        assert package not in ("keras", "tensorflow", "scikeras"), (
            f"{path} is a {type(found)}."
        )


SEQUENCE_CHECKS = (
    check_three_axes,
    check_list_of_matrices,
    check_list_of_vectors,
    check_list_is_padded_array,
    check_matrix_is_one_feature,
    check_data_frame,
    check_other_lengths,
    check_padding_is_ignored,
    check_zeros_are_data,
    check_samples_are_independent,
    check_arguments_are_left_alone,
    check_failing_fit_leaves_no_trace,
    check_global_state,
    check_same_seed_same_weights,
    check_copies_predict_the_same,
    check_holds_no_keras,
)

# Those that one direction, merge mode or stack could fail while others pass.
ARCHITECTURE_CHECKS = (
    check_list_is_padded_array,
    check_padding_is_ignored,
    check_zeros_are_data,
    check_samples_are_independent,
)


# -- data and comparisons ----------------------------------------------------------


def _every_step(estimator: BaseEstimator) -> bool:
    """Whether an estimator predicts at every timestep."""
    return not get_tags(estimator).target_tags.single_output


def _problem(estimator: BaseEstimator) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Sequences of equal length, and labels or numbers that follow from them."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_SAMPLES, N_TIMESTEPS, N_FEATURES))
    totals = X.sum(axis=2).cumsum(axis=1)
    y = totals if _every_step(estimator) else totals[:, -1]
    if not is_classifier(estimator):
        return X, y
    place = np.argsort(np.argsort(y, axis=None)).reshape(y.shape)
    return X, np.array(["high", "low", "mid"])[3 * place // y.size]


def _ragged_problem(estimator: BaseEstimator, n_features: int) -> tuple[Sequences, Any]:
    """Sequences of 1 to `N_TIMESTEPS` timesteps, and labels or numbers."""
    _, y = _problem(estimator)
    sequences = _ragged(n_features)
    if _every_step(estimator):
        pairs = zip(y, sequences, strict=True)
        return sequences, [row[: len(sequence)] for row, sequence in pairs]
    return sequences, y


def _ragged(n_features: int) -> Sequences:
    rng = np.random.default_rng(2)
    return [
        rng.normal(size=(1 + k % N_TIMESTEPS, n_features)) for k in range(N_SAMPLES)
    ]


def _scatter(sequences: Sequences, n_timesteps: int, where: str) -> NDArray[np.float64]:
    """The sequences as one array, with NaN behind, in front or between."""
    shape = (len(sequences), n_timesteps, sequences[0].shape[1])
    values = np.full(shape, np.nan)
    for row, sequence in zip(values, sequences, strict=True):
        length = len(sequence)
        steps = np.arange(length)
        if where == "front":
            steps += n_timesteps - length
        elif where == "gap":
            steps[length // 2 :] += n_timesteps - length
        row[steps] = sequence
    return values


def _fitted(estimator: BaseEstimator, X: Any, y: Any) -> Any:
    return clone(estimator).set_params(random_state=0).fit(X, y)


def _method(estimator: Any) -> Callable[[Any], Any]:
    """What shows the smallest change: probabilities if there are any."""
    method: Callable[[Any], Any] = getattr(
        estimator, "predict_proba", estimator.predict
    )
    return method


def _outputs(estimator: Any, X: Any) -> NDArray[np.float64]:
    """One row per sequence, or per timestep that is not padding."""
    outputs = _method(estimator)(X)
    if is_ragged(outputs):
        return np.concatenate(outputs)
    if not _every_step(estimator):
        return np.asarray(outputs)
    rows = outputs.reshape(-1, *outputs.shape[2:])
    return np.asarray(rows[~np.isnan(rows).reshape(len(rows), -1).all(axis=1)])


def _assert_sizes(estimator: Any, n_features: int) -> None:
    sizes = (estimator.n_timesteps_in_, estimator.n_features_in_)
    assert sizes == (N_TIMESTEPS, n_features), (
        f"n_timesteps_in_ and n_features_in_ are {sizes}, not "
        f"{(N_TIMESTEPS, n_features)}."
    )


def _check_outputs(name: str, estimator: Any, X: Any, y: Any) -> None:
    predicted = estimator.predict(X)
    if isinstance(y, list):
        lengths = [[len(row) for row in rows] for rows in (predicted, y)]
        assert lengths[0] == lengths[1], f"{name}.predict has lengths {lengths[0]}."
        predicted, y = np.concatenate(predicted), np.concatenate(y)
    assert predicted.shape == y.shape, f"{name}.predict has shape {predicted.shape}."
    outputs = _outputs(estimator, X)
    assert np.isfinite(outputs).all(), f"{name} predicts NaN."
    if is_classifier(estimator):
        assert np.isin(predicted, np.unique(y)).all(), f"{name} invents labels."
        assert_allclose(outputs.sum(axis=1), 1)
    else:
        assert predicted.dtype.kind == "f", f"{name} predicts {predicted.dtype}."


def _assert_same(a: Any, b: Any, X_a: Any, X_b: Any, atol: float = 0) -> None:
    """Two estimators have the same weights and give the same outputs."""
    assert list(a.weights_) == list(b.weights_), "The weights have other names."
    for key, weights in a.weights_.items():
        assert_allclose(b.weights_[key], weights, rtol=0, atol=atol, err_msg=key)
    assert_allclose(_outputs(b, X_b), _outputs(a, X_a), rtol=0, atol=atol)


def _assert_refused(name: str, method: Any, *arguments_and_words: Any) -> None:
    """A ValueError is raised, and its message has these words."""
    *arguments, words = arguments_and_words
    message = None
    try:
        method(*arguments)
    except ValueError as error:
        message = str(error)
    assert message is not None, f"{name}.{method.__name__} raised no ValueError."
    assert words in message, f"{name} raised {message!r}, without {words!r}."


def _global_state() -> dict[str, Any]:
    state = {
        "Python's random numbers": random.getstate(),
        "NumPy's random numbers": joblib.hash(np.random.get_state()),  # noqa: NPY002
        "the filters of warnings": list(warnings.filters),
        "the environment": dict(os.environ),
        "the threads of BLAS": threadpool_info(),
        "the number of threads": threading.active_count(),
    }
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None:
        generator = tensorflow.random.get_global_generator()
        state["TensorFlow's random numbers"] = generator.state.numpy().tolist()
    return state


def _reachable(root: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every object that hangs on another, with the way to it."""
    seen: set[int] = set()
    waiting = [(path, root)]
    while waiting:
        path, found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield path, found
        if isinstance(found, dict):
            waiting += [(f"{path}[{key!r}]", value) for key, value in found.items()]
        elif isinstance(found, (list, tuple, set, frozenset)):
            waiting += [(f"{path}[{k}]", value) for k, value in enumerate(found)]
        elif isinstance(found, np.ndarray) and found.dtype == object:
            waiting += [(f"{path}[{k}]", value) for k, value in enumerate(found.flat)]
        elif hasattr(found, "__dict__") and not isinstance(found, type):
            waiting += [(f"{path}.{key}", value) for key, value in vars(found).items()]
