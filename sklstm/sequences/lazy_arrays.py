"""Arrays that are read in parts: on disk, or computed only when asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.sparse import issparse

from sklstm.sequences.containers import refuse_mask

Change = Callable[[NDArray[Any]], NDArray[Any]]

# What is computed when it is read is computed so many bytes at a time.
PART_BYTES = 4 * 2**20


class SequenceArray(Protocol):
    """What is read like an array of NumPy along its first axis.

    An array, one that is in a file, or a :class:`LazyArray`.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> Any: ...


class LazyArray(ABC):
    """An array of sequences that is not held as a whole.

    To be read like an array of NumPy along its first axis: it has `shape`, `dtype` and
    `ndim`, an index gives an array, and `np.asarray` makes an array of all.
    """

    _shape: tuple[int, ...]
    _dtype: np.dtype[Any]

    @abstractmethod
    def _rows(self, rows: object) -> NDArray[Any]:
        """What an index or a slice along the first axis gives."""

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of shape {self.shape}, {self.dtype}>"

    def __getitem__(self, key: object) -> NDArray[Any]:
        return self._by_axes(*key) if isinstance(key, tuple) else self._rows(key)

    def _by_axes(self, rows: Any = ..., *others: Any) -> NDArray[Any]:
        if rows is Ellipsis:
            return np.asarray(self)[(rows, *others)]
        values = self[rows]
        along = (slice(None),) * (values.ndim - self.ndim + 1)
        return values[(*along, *others)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            name = type(self).__name__
            raise ValueError(
                f"{name} become an array by copying: use np.asarray({name.lower()})."
            )
        return self.read(slice(None), dtype or self.dtype)

    def read(self, rows: slice | NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
        """Some rows in another dtype, a few megabytes at a time.

        Parameters
        ----------
        rows : slice or ndarray of int of shape (n_rows,)
        dtype : dtype

        Returns
        -------
        ndarray of shape (n_rows, n_timesteps, n_features)
            A new array.
        """
        places = np.arange(len(self))[rows]
        values = np.empty((len(places), *self.shape[1:]), dtype)
        for part, read in self.parts(places):
            values[part] = read
        return values

    def parts(
        self, rows: NDArray[np.intp] | None = None
    ) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Some rows, None is all, a few megabytes at a time: which, and what they are.

        Parameters
        ----------
        rows : ndarray of int of shape (n_rows,) or None
        """
        if rows is None:
            rows = np.arange(len(self))
        n_bytes = int(np.prod(self.shape[1:])) * self.dtype.itemsize
        n_rows = max(1, PART_BYTES // max(1, n_bytes))
        for start in range(0, len(rows), n_rows):
            part = slice(start, start + n_rows)
            yield part, self._part(rows[part])

    def _part(self, rows: NDArray[np.intp]) -> NDArray[Any]:
        return self[rows]


def read_rows(values: SequenceArray, rows: Any, dtype: DTypeLike) -> NDArray[Any]:
    """Some rows of an array in another dtype, without one more copy of them.

    Parameters
    ----------
    values : array-like of shape (n_samples, n_timesteps, n_features)
    rows : slice or ndarray of int
    dtype : dtype
    """
    if isinstance(values, LazyArray):
        return values.read(rows, dtype)
    return np.asarray(values[rows], dtype=dtype)


class ChangedSequences(LazyArray):
    """Sequences that are changed, each by itself, when they are read.

    Parameters
    ----------
    source : array-like of shape (n_samples, n_timesteps, n_features)
    change : callable
        Of an array of some of the sequences, to an array of as many.
    dtype : dtype
        Of what it gives.
    shape : tuple of int, default=None
        Timesteps and features of what it gives; None means those of the source.
    """

    def __init__(
        self,
        source: Any,
        change: Change,
        dtype: DTypeLike,
        shape: tuple[int, int] | None = None,
    ) -> None:
        self.source = source
        self.change = change
        self._dtype = np.dtype(dtype)
        steps = source.shape[1:] if shape is None else shape
        self._shape = (int(source.shape[0]), *map(int, steps))

    @property
    def nbytes(self) -> int:
        """Bytes held: those of the source."""
        return int(self.source.nbytes)

    def compute(self) -> None:
        """Compute all sequences and drop them again, so that what fails does so now."""
        for _ in self.parts():
            pass

    def _rows(self, rows: Any) -> NDArray[Any]:
        places = np.arange(len(self))[rows]
        read = self.read(places.ravel(), self.dtype)
        return read.reshape(*places.shape, *self.shape[1:])

    def _part(self, rows: NDArray[np.intp]) -> NDArray[Any]:
        return self.change(np.asarray(self.source[rows]))


class StoredArray(LazyArray):
    """Rows, in any order, of an array that need not take more than slices.

    HDF5 files, zarr and dask arrays agree on shape, dtype and slices; which row numbers
    they take, and whether unsorted or repeated, differs.

    Parameters
    ----------
    source : array-like of shape (n_samples, ...)
        Anything with `shape`, `dtype` and slicing along its first axis.
    one_feature : bool, default=False
        Whether to read a matrix as sequences of one feature, with a last axis of one.
    """

    def __init__(self, source: SequenceArray, *, one_feature: bool = False) -> None:
        self.source = source
        self.one_feature = one_feature
        self._shape = (*map(int, source.shape), *[1] * one_feature)
        self._dtype = np.dtype(source.dtype)
        self._takes_any_rows = _takes_any_rows(source)

    def _rows(self, rows: Any) -> NDArray[Any]:
        """An int, a slice or an array of int."""
        if isinstance(rows, (int, np.integer)):
            return self[int(rows) : int(rows) + 1][0]
        if isinstance(rows, np.ndarray) and not self._takes_any_rows:
            read = self._in_slices(rows)
        else:
            read = self._unmasked(self.source[rows])
        return read[..., None] if self.one_feature else read

    def _in_slices(self, rows: NDArray[np.intp]) -> NDArray[Any]:
        wanted, places = np.unique(rows, return_inverse=True)
        read = np.empty((len(wanted), *self.source.shape[1:]), self.dtype)
        gaps = np.flatnonzero(np.diff(wanted) > 1) + 1
        for run in np.split(np.arange(len(wanted)), gaps):
            stop = int(wanted[run[-1]]) + 1
            read[run] = self._unmasked(self.source[int(wanted[run[0]]) : stop])
        return read[places]

    def _unmasked(self, read: object) -> NDArray[Any]:
        """What was read; netCDF files give masked arrays, masked or not."""
        if np.ma.is_masked(read):
            refuse_mask(read, "X[:]", "sklstm")
        return np.asarray(read)

    def read(self, rows: slice | NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
        """Some rows in another dtype, as the source gives them: all at a time.

        Parameters
        ----------
        rows : slice or ndarray of int of shape (n_rows,)
        dtype : dtype
        """
        return np.asarray(self._rows(rows), dtype=dtype)


def _takes_any_rows(source: SequenceArray) -> bool:
    """Whether row numbers need be neither sorted nor unique."""
    try:
        rows = source[np.array([source.shape[0] - 1, 0, 0])]
        return tuple(rows.shape) == (3, *source.shape[1:])
    except (TypeError, ValueError, IndexError, KeyError, NotImplementedError):
        return False


def is_stored(X: object) -> bool:
    """Whether X is a numeric array of two or three axes that NumPy does not hold.

    Then X is read in parts and never becomes an array as a whole.
    """
    if isinstance(X, (np.ndarray, LazyArray)) or issparse(X):
        return False
    shape = getattr(X, "shape", ())
    kind = getattr(getattr(X, "dtype", None), "kind", "")
    return (
        len(shape) in (2, 3)
        and kind in set("fiub")
        and hasattr(X, "__getitem__")
        and not hasattr(X, "columns")
        and all(isinstance(size, (int, np.integer)) and size > 0 for size in shape)
    )
