"""The parameters of a network: slices of one flat float32 vector. Pure NumPy.

The order is Keras' own: the tables of embedded features; for every layer the forward
and then the backward LSTM, each as kernel, recurrent kernel and bias (gates i, f, c, o
side by side); the dense output layer. So kernel and recurrent kernel of one LSTM lie
back to back and are one matrix of shape ``(n_inputs + units, 4 * units)``, as the fused
kernel wants it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sklstm.base.messages import shown
from sklstm.base.schema import FLAG, Check, Declared, Each, Kind, Part, one_of, size

# Above it float32, in which a batch is read, does not hold every integer.
MOST_CODES = 2**24 - 1

MOST_DIMENSIONS = 64


@dataclass(frozen=True)
class Embedding(Declared):
    """A feature that is a code, and the size of its table of vectors."""

    feature: int  # its number in X
    n_codes: int  # known ones; the table has a row more
    dim: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.n_codes + 1, self.dim

    _saved: ClassVar[dict[str, Kind]] = {
        "feature": Check(lambda k: type(k) is int and k >= 0, "is no feature"),
        "n_codes": Check(
            lambda n: type(n) is int and 0 <= n <= MOST_CODES,
            f"is no number of codes from 0 to {MOST_CODES}",
        ),
        "dim": size("dimensions"),
    }


def choose_dim(n_codes: int) -> int:
    """Dimensions for so many codes: fastai's rule of thumb, but at most 64."""
    return max(1, min(MOST_DIMENSIONS, round(1.6 * n_codes**0.56)))


def initial_table(
    shape: tuple[int, ...], rng: np.random.Generator
) -> NDArray[np.float64]:
    """As `keras.layers.Embedding` draws it, but for a row of zeros in front.

    Missing codes train that row; if there were none, unknown codes add nothing.
    """
    table = rng.uniform(-0.05, 0.05, shape)
    table[0] = 0
    return table


def embedded(
    steps: NDArray[np.float32], tables: list[NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Vectors in the place of the last features, which are places in their tables.

    Parameters
    ----------
    steps : ndarray of shape (..., n_features)
    tables : list of ndarray of shape (n_codes + 1, dim)

    Returns
    -------
    ndarray of shape (..., n_numbers + sum of all dim)
    """
    if not tables:
        return steps
    n_numbers = steps.shape[-1] - len(tables)
    places = steps[..., n_numbers:].astype(np.intp)
    vectors = [table[places[..., k]] for k, table in enumerate(tables)]
    return np.concatenate([steps[..., :n_numbers], *vectors], axis=-1)


def code_contradictions(
    codes: tuple[Any, ...], embeddings: tuple[Embedding, ...]
) -> Iterator[str]:
    """What known codes and embeddings say against each other."""
    if len(codes) != len(embeddings):
        yield f"it has codes of {len(codes)} features, and embeds {len(embeddings)}"
    for known, embedding in zip(codes, embeddings, strict=True):
        fits = (
            isinstance(known, np.ndarray)
            and known.dtype == np.int64
            and known.shape == (embedding.n_codes,)
            and bool((np.diff(known, prepend=-1) > 0).all())
        )
        if not fits:
            yield (
                f"the codes of feature {embedding.feature} are not "
                f"{embedding.n_codes} integers of at least 0 in rising order"
            )


MERGE_MODES = ("concat", "sum", "mul", "ave")
DIRECTIONS = {
    "bidirectional": ("forward", "backward"),
    "forward": ("forward",),
    "backward": ("backward",),
}
ACTIVATIONS = ("sigmoid", "softmax", "linear")
POOLINGS = ("last", "mean", "max")

# Poolings by which the merged states' are the merge of each direction's own.
_COMMUTE = {
    "concat": {"last", "mean", "max"},
    "sum": {"last", "mean"},
    "ave": {"last", "mean"},
    "mul": {"last"},
}


@dataclass(frozen=True)
class Architecture(Declared):
    """All that determines the shapes and the arithmetic of a network.

    Parameters
    ----------
    n_features : int
        Features per timestep.
    units : tuple of int
        Width of each LSTM layer, from input to output.
    direction : {"bidirectional", "forward", "backward"}
    merge_mode : {"concat", "sum", "mul", "ave"}
        How the two directions are merged; without effect on one direction.
    n_outputs : int
        Width of the dense output layer.
    activation : {"sigmoid", "softmax", "linear"}
        Of the dense output layer.
    every_step : bool, default=False
        Whether the dense output layer is applied to the states of every timestep, or
        to what `pooling` makes of them.
    pooling : tuple of {"last", "mean", "max"}, default=("last",)
        What the dense output layer reads of the merged states of a sequence, side by
        side: the last in each direction's order, mean and maximum over its timesteps.
        Without effect if `every_step`.
    embeddings : tuple of Embedding, default=()
        Features that are codes, which learnt vectors stand for, behind the numbers.
    """

    n_features: int
    units: tuple[int, ...]
    direction: str
    merge_mode: str
    n_outputs: int
    activation: str
    every_step: bool = False
    pooling: tuple[str, ...] = ("last",)
    embeddings: tuple[Embedding, ...] = ()

    @property
    def categorical(self) -> NDArray[np.intp]:
        """Numbers of the features that are codes."""
        return np.array([e.feature for e in self.embeddings], dtype=np.intp)

    @property
    def n_inputs(self) -> int:
        """Features that enter the first layer: numbers and vectors."""
        n_numbers = self.n_features - len(self.embeddings)
        return n_numbers + sum(embedding.dim for embedding in self.embeddings)

    @property
    def n_embedded(self) -> int:
        """Parameters in the tables of embedded features."""
        return sum(math.prod(embedding.shape) for embedding in self.embeddings)

    @property
    def directions(self) -> tuple[str, ...]:
        return DIRECTIONS[self.direction]

    @property
    def widths(self) -> tuple[int, ...]:
        """Features that enter each layer, and of the last layer's merged states."""
        doubled = len(self.directions) == 2 and self.merge_mode == "concat"
        return (self.n_inputs, *(u * (1 + doubled) for u in self.units))

    @property
    def head(self) -> tuple[int, int]:
        """Shape of the kernel of the dense output layer."""
        n_poolings = 1 if self.every_step else len(self.pooling)
        return (self.widths[-1] * n_poolings, self.n_outputs)

    @property
    def pools_by_direction(self) -> bool:
        """Whether each direction can be pooled by itself, in its order of reading.

        Otherwise all timesteps have to be merged first.
        """
        merges = len(self.directions) == 2
        return not merges or _COMMUTE[self.merge_mode].issuperset(self.pooling)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every array, in the order in which they lie in the flat vector."""
        shapes: dict[str, tuple[int, ...]] = {
            f"embedding_{k}/embeddings": embedding.shape
            for k, embedding in enumerate(self.embeddings, start=1)
        }
        for k, (n_inputs, units) in enumerate(
            zip(self.widths[:-1], self.units, strict=True), start=1
        ):
            for direction in self.directions:
                lstm = f"lstm_{k}/{direction}"
                shapes[f"{lstm}/kernel"] = (n_inputs, 4 * units)
                shapes[f"{lstm}/recurrent_kernel"] = (units, 4 * units)
                shapes[f"{lstm}/bias"] = (4 * units,)
        shapes["dense/kernel"] = self.head
        shapes["dense/bias"] = (self.n_outputs,)
        return shapes

    @property
    def n_parameters(self) -> int:
        return sum(math.prod(shape) for shape in self.shapes.values())

    def differences(self, other: Architecture) -> tuple[str, str]:
        """What this one has that the other has not, in words, and the reverse."""
        differ = [
            f.name for f in fields(self) if vars(self)[f.name] != vars(other)[f.name]
        ]
        mine, others = (
            " and ".join(f"{name}={shown(vars(one)[name])}" for name in differ)
            for one in (self, other)
        )
        return mine, others

    _saved: ClassVar[dict[str, Kind]] = {
        "n_features": size("features"),
        "units": Each(size("units")),
        "direction": one_of(*DIRECTIONS),
        "merge_mode": one_of(*MERGE_MODES),
        "n_outputs": size("outputs"),
        "activation": one_of(*ACTIVATIONS),
        "every_step": FLAG,
        "pooling": Check(lambda pooling: is_pooling(pooling), "is no pooling"),
        "embeddings": Each(Part(Embedding)),
    }

    def _contradictions(self) -> Iterator[str]:
        if not self.units:
            yield f"there is no network of {shown(self)}, without a layer"
        numbers = [embedding.feature for embedding in self.embeddings]
        if max(numbers, default=-1) >= self.n_features:
            yield f"{shown(self)} embeds a feature that there is not"
        if len({*numbers}) < len(numbers):
            yield f"{shown(self)} embeds a feature twice"


def is_pooling(pooling: object) -> bool:
    """Whether it is a tuple of different poolings, at least one."""
    return (
        isinstance(pooling, tuple)
        and 1 <= len(pooling) == len(set(pooling))
        and set(pooling) <= set(POOLINGS)
    )


def split_parameters(
    flat: NDArray[np.float32], architecture: Architecture
) -> dict[str, NDArray[np.float32]]:
    """Name the parts of a flat vector, as views of it.

    Parameters
    ----------
    flat : ndarray of shape (architecture.n_parameters,)

    Returns
    -------
    dict of str to ndarray
        For example ``lstm_1/backward/recurrent_kernel`` or ``dense/bias``.
    """
    shapes = architecture.shapes
    ends = np.cumsum([0, *(math.prod(shape) for shape in shapes.values())])
    return {
        name: flat[start:end].reshape(shape)
        for (name, shape), (start, end) in zip(
            shapes.items(), pairwise(ends), strict=True
        )
    }


def initial_parameters(
    architecture: Architecture, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw initial values as Keras does.

    Kernels are Glorot uniform [1]_, recurrent kernels orthogonal [2]_, biases zero but
    for the forget gate's, which are one [3]_; embeddings see
    :func:`~sklstm.network.architecture.initial_table`.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (architecture.n_parameters,), float32

    References
    ----------
    .. [1] Glorot & Bengio (2010), Understanding the difficulty of training deep
       feedforward neural networks.
    .. [2] Saxe, McClelland & Ganguli (2014), Exact solutions to the nonlinear dynamics
       of learning in deep linear neural networks. :arxiv:`1312.6120`
    .. [3] Jozefowicz, Zaremba & Sutskever (2015), An empirical exploration of recurrent
       network architectures.
    """
    flat = np.zeros(architecture.n_parameters, dtype=np.float32)
    for name, array in split_parameters(flat, architecture).items():
        if name.endswith("embeddings"):
            array[:] = initial_table(array.shape, rng)
        elif name.endswith("recurrent_kernel"):
            array[:] = _orthogonal(array.shape, rng)
        elif name.endswith("kernel"):
            limit = math.sqrt(6 / sum(array.shape))
            array[:] = rng.uniform(-limit, limit, array.shape)
        elif name.startswith("lstm"):
            units = len(array) // 4
            array[units : 2 * units] = 1
    return flat


def _orthogonal(
    shape: tuple[int, ...], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Rows are orthonormal, uniformly distributed: QR with the signs of R removed."""
    q, r = np.linalg.qr(rng.normal(size=shape[::-1]))
    return (q * np.sign(np.diag(r))).T
