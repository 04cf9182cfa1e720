"""Embedded features: which they are, and the vectors that stand for their codes.

A network reads numbers first and then, for every embedded feature, the places of its
codes, counted from 1. Place 0 is for codes that are missing, or were in `fit` unknown.
Pure NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sklstm.base.schema import Check, Declared, Kind, size

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
