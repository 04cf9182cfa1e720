"""What the fuzz tests draw from, and how they judge what came out.

hypothesis draws shapes, types, flaws and parameters; the numbers themselves come from a
seed. Half of the draws have no flaw at all. The parameters that need a network of their
own are few, since each costs half a second.
"""

import dis
import faulthandler
import re
import sys
import warnings
from contextlib import contextmanager

import numpy as np
import pandas as pd
import scipy.sparse
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning

SECONDS_A_CASE = 120

seeds = st.integers(0, 2**16)
KINDS = ("normal", "constant", "wide", "zero")
SCALES = (1.0, 1e-300, 1e-40, 1e-8, 1e8, 1e30, 1e38, 1e300)
DTYPES = ("float64", "float32", "float16", "int64", "int8", "uint8", "bool", "object")
ODD_DTYPES = ("text", "dates", "durations", "complex", "words", "mixed")
HOLES = ("steps", "back", "front", "feature", "sample", "inf", "-inf", "everything")


def usually(value, *others):
    """One value in most draws, else one of the others."""
    return st.integers(0, 11).flatmap(
        lambda k: st.sampled_from(others) if k == 5 else st.just(value)
    )


def numbers(rng, shape, kind, scale):
    """Numbers of a kind: usual ones, all alike, of all magnitudes, zeros among them."""
    if kind == "constant":
        return np.full(shape, rng.normal() * scale)
    values = rng.normal(size=shape)
    if kind == "wide":
        values *= 10.0 ** rng.integers(-30, 30, size=shape)
    if kind == "zero":
        values *= rng.integers(0, 2, size=shape)
    with np.errstate(over="ignore", under="ignore"):
        return values * scale


def as_dtype(values, dtype):
    """Numbers as something else, be it text."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        if dtype in ("text", "words"):
            return values.astype(str if dtype == "text" else object).astype(str)
        if dtype == "mixed":
            mixed = values.astype(object)
            mixed.flat[:1] = "word"
            return mixed
        if dtype in ("dates", "durations"):
            kind = "datetime64[D]" if dtype == "dates" else "timedelta64[s]"
            return np.nan_to_num(values, posinf=0, neginf=0).astype("i4").astype(kind)
        return values.astype(dtype)


def with_hole(rng, values, hole):
    """NaN or infinity somewhere; steps are the second axis, if there is one."""
    values = values.copy()
    if not values.size or values.ndim < 2:
        return values
    row = rng.integers(len(values))
    step = rng.integers(values.shape[1])
    if hole == "steps":
        values[rng.random(values.shape[:2]) < 0.3] = np.nan
    elif hole == "back":
        values[row, step:] = np.nan
    elif hole == "front":
        values[row, : step + 1] = np.nan
    elif hole == "feature":
        values[(row, step, *[0] * (values.ndim - 2))] = np.nan
    elif hole == "sample":
        values[row] = np.nan
    elif hole == "everything":
        values[:] = np.nan
    elif hole is not None:
        values[(row, step, *[0] * (values.ndim - 2))] = float(hole)
    return values


CONTAINERS = (
    "lists",
    "list of arrays",
    "ragged",
    "ragged vectors",
    "objects",
    "frame",
    "series",
    "cells",
    "tuple",
    "fortran",
    "strided",
    "read-only",
    "masked",
    "sparse",
)


def contained(rng, array, container):
    """The same in another container; itself where that does not go."""
    if container == "lists":
        return array.tolist()
    if container == "tuple":
        return tuple(array.tolist()) if array.ndim else (array.item(),)
    if container == "fortran":
        return np.asfortranarray(array)
    if container == "strided":
        return np.repeat(array, 2, axis=0)[::2] if array.ndim else array
    if container == "read-only":
        array.flags.writeable = False
        return array
    if container == "masked":
        return np.ma.masked_array(array)
    if container == "sparse" and array.ndim == 2 and array.dtype.kind in "fiu":
        return scipy.sparse.csr_array(np.nan_to_num(array.astype("f8")))
    if container == "frame" and array.ndim == 2:
        return pd.DataFrame(array, columns=[f"c{k}" for k in range(array.shape[1])])
    if container == "series" and array.ndim == 1:
        return pd.Series(array)
    if array.ndim < 2 or not len(array):
        return array
    if container == "list of arrays":
        return list(array)
    if container in ("ragged", "ragged vectors", "objects", "series", "cells"):
        rows = [row[: rng.integers(len(row) + 1) or len(row)] for row in array]
        if container == "ragged vectors" and array.ndim == 3 and array.shape[2]:
            rows = [row[:, 0] for row in rows]
        if container in ("ragged", "ragged vectors"):
            return rows
        objects = np.empty(len(rows), dtype=object)
        objects[:] = rows
        if container == "objects" or array.ndim != 3:
            return objects
        if container == "series":
            return pd.Series(list(objects))
        features = range(array.shape[2])
        return pd.DataFrame({f"f{k}": [row[:, k] for row in rows] for k in features})
    return array


@st.composite
def arrays(draw, axes=3, n_samples=None, n_timesteps=None, n_features=None):
    """X, or something like it: an array, list or data frame; and its flaws."""
    n_samples = draw(usually(6, 1, 2, 3, 0)) if n_samples is None else n_samples
    n_timesteps = draw(usually(3, 1, 5, 0)) if n_timesteps is None else n_timesteps
    n_features = draw(usually(2, 1, 3, 0)) if n_features is None else n_features
    n_axes = draw(usually(axes, 3, 2, 1, 4, 0))
    shape = (n_samples, n_timesteps, n_features, 2)[:n_axes]
    rng = np.random.default_rng(draw(seeds))
    kind, scale = draw(usually(*KINDS)), draw(usually(*SCALES))
    values = numbers(rng, shape, kind, scale)
    values = with_hole(rng, np.asarray(values), draw(usually(None, *HOLES)))
    dtype = draw(
        usually(*DTYPES, *ODD_DTYPES) if draw(st.booleans()) else st.just("f8")
    )
    container = draw(usually("array", *CONTAINERS))
    return contained(rng, np.asarray(as_dtype(values, dtype)), container)


LABELS = ("two", "three", "text", "bool", "floats", "one", "unequal", "mixed", "dates")
TARGETS = ("numbers", "huge", "tiny", "constant", "object")
Y_FLAWS = (None, "NaN", "inf", "none")
Y_CONTAINERS = ("list", "series", "frame", "column", "tuple", "sparse", "scalar")


@st.composite
def targets(draw, shape, first=LABELS, other=TARGETS):
    """A y of some shape, or nearly: usually of the first kinds."""
    rng = np.random.default_rng(draw(seeds))
    if draw(st.integers(0, 19)) == 7 and shape:
        shape = (max(0, shape[0] + draw(st.sampled_from([-1, 1]))), *shape[1:])
    if draw(st.integers(0, 9)) == 7:
        shape = (*shape, draw(st.sampled_from([2, 1, 3, 0])))
    kind = draw(usually(first[0], *first[1:], *other))
    codes = rng.permutation(np.arange(np.prod(shape, dtype=int)) % 3).reshape(shape)
    values = {
        "two": codes % 2,
        "three": codes,
        "text": np.array(["a", "b", "cc"])[codes],
        "bool": codes > 0,
        "floats": (codes % 2).astype(float),
        "one": codes * 0 + 1,
        "unequal": np.where(codes.cumsum().reshape(shape) > 1, 5, -(2**40)),
        "mixed": np.array([1, "a", None], dtype=object)[codes],
        "dates": codes.astype("datetime64[D]"),
        "numbers": rng.normal(size=shape),
        "huge": rng.normal(size=shape) * draw(st.sampled_from([1e30, 1e38, 1e300])),
        "tiny": rng.normal(size=shape) * draw(st.sampled_from([1e-30, 1e-300])),
        "constant": np.full(shape, 3.5),
        "object": rng.normal(size=shape).astype(object),
    }[kind]
    flaw = draw(usually(*Y_FLAWS))
    if flaw == "none":
        return None
    if flaw is not None and values.dtype.kind == "f" and values.size:
        values.flat[rng.integers(values.size)] = np.nan if flaw == "NaN" else np.inf
    container = draw(usually("array", *Y_CONTAINERS))
    if container == "list":
        return values.tolist()
    if container == "tuple":
        return tuple(values.tolist())
    if container == "series" and values.ndim == 1:
        return pd.Series(values)
    if container == "frame" and values.ndim <= 2:
        return pd.DataFrame(values)
    if container == "column":
        return values[..., None]
    if container == "sparse" and values.ndim == 2 and values.dtype.kind in "fi":
        return scipy.sparse.csr_array(values)
    if container == "scalar" and values.size:
        return values.flat[0]
    return values


@st.composite
def weights(draw, shape):
    """sample_weight, usually none."""
    kind = draw(usually(None, "some", "zeros", "one", "tiny", "huge", "wrong", "text"))
    if kind is None:
        return None
    rng = np.random.default_rng(draw(seeds))
    positive = rng.uniform(0.1, 2, size=shape)
    return {
        "some": positive * rng.integers(0, 2, size=shape),
        "zeros": np.zeros(shape),
        "one": 2.0,
        "tiny": positive * draw(st.sampled_from([1e-30, 1e-300, 5e-324])),
        "huge": positive * draw(st.sampled_from([1e30, 1e300])),
        "wrong": draw(st.sampled_from([-positive, positive * np.nan, positive[1:]])),
        "text": np.full(shape, "a"),
    }[kind]


# What needs a trace is drawn together, so that there are few combinations.
STRUCTURES = (
    {},
    {"units": 1},
    {"units": (2, 1)},
    {"direction": "forward", "units": [3]},
    {"direction": "backward", "optimizer": "sgd"},
    {"units": 0},
    {"units": ()},
    {"units": (2, 0)},
    {"units": 2.0},
    {"units": "2"},
    {"direction": "both"},
    {"optimizer": "lamb"},
    {"optimizer": None},
)
PARAMETERS = {
    "merge_mode": ("concat", "sum", "mul", "ave", "max", None),
    "dropout": (0.0, 0.5, 0.999, 1.0, -0.1, "a", np.nan),
    "recurrent_dropout": (0.0, 1.0, -0.1, None),
    "learning_rate": (None, 1e-3, 1.0, 1e10, 1e-30, 0.0, -1.0, np.inf, np.nan),
    "clipnorm": (None, 1.0, 1e-20, 1e30, 0.0, -1.0, np.nan),
    "epochs": (1, 2, np.int64(1), 0, -1, 1.5, None),
    "batch_size": (32, 1, 2, 3, 10**6, 0, -1, 2.0, None),
    "shuffle": (True, False, None, 2),
    "early_stopping": (False, True, 2),
    "validation_fraction": (0.1, 0.5, 0.9, 1e-9, 0.0, 1.0, 2),
    "patience": (10, 1, 0),
    "loss": (None, "mse", "binary_crossentropy", "huber"),
    "callbacks": (None, [], (), [None], "early"),
    "warm_start": (False, True),
    "verbose": (0, False, 3, "a"),
    "random_state": (0, None, np.random.RandomState(0), -1, "a", 2**32 - 1, 1.5),
    "class_weight": (None, "balanced", {0: 2.0}, {0: 0.0, 1: 1}, {7: 1}, "even", [1]),
    "normalize_y": (True, False, None),
}


@st.composite
def parameters(draw, names):
    """Parameters of an estimator, most of them left as they are."""
    params = {"units": 2, "epochs": 1, "random_state": 0}
    params |= draw(usually(*STRUCTURES))
    for name in sorted(PARAMETERS):
        if name in names and draw(st.integers(0, 19)) == 7:
            params[name] = draw(st.sampled_from(PARAMETERS[name]))
    return params


# -- judging ------------------------------------------------------------------------

#: A message of ours names what is wrong.
NAMES = re.compile(
    r"\b(X|y|Sequence|sequence|series|sample_weight|Sample weights|class|classes|"
    r"target|parameter|class_weight|loss|early_stopping|optimizer|features|feature|array|"
    r"n_timesteps|n_features|horizon|groups|time|stride|id|units|static|known|table)\b"
)
ALLOWED_WARNINGS = (ConvergenceWarning, DataConversionWarning, UserWarning)


def is_ours(error):
    """Whether an error is a ValueError or TypeError with a message of ours.

    sklstm or scikit-learn must have raised it knowingly: NumPy's and TensorFlow's own
    errors, and those of Python's operators, are raised in or at a line of other kinds.
    """
    if not isinstance(error, (ValueError, TypeError)):
        return False
    traceback = error.__traceback__
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    module = traceback.tb_frame.f_globals["__name__"].split(".")[0]
    return module in ("sklstm", "sklearn") and _raises(traceback) and _names(error)


def _names(error):
    return NAMES.search(str(error)) is not None and len(str(error)) > 30


def _raises(traceback):
    """Whether what failed is a raise statement, not a call or an operator."""
    instruction = traceback.tb_frame.f_code.co_code[traceback.tb_lasti]
    return dis.opname[instruction] == "RAISE_VARARGS"


@contextmanager
def judged():
    """Let errors of ours end a case well, and fail for all other errors and warnings.

    Gives a list that holds the error afterwards. A case that hangs ends the whole run
    with a traceback of all threads.
    """
    errors = []
    faulthandler.dump_traceback_later(SECONDS_A_CASE, exit=True, file=sys.__stderr__)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                yield errors
            except Exception as error:
                if not is_ours(error):
                    raise
                errors.append(error)
        # Keras' callbacks read the learning rate in a way that NumPy 2 deprecates.
        foreign = [
            warning
            for warning in caught
            if warning.category not in ALLOWED_WARNINGS
            and "copy keyword" not in str(warning.message)
        ]
        assert not foreign, [f"{w.category.__name__}: {w.message}" for w in foreign]
    finally:
        faulthandler.cancel_dump_traceback_later()
