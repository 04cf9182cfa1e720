"""Arrays that are read in parts: on disk, or computed only when asked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from sklstm.sequences.containers import refuse_mask
from sklstm.sequences.windows import Windows


class StoredArray:
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

    def __init__(self, source: Any, *, one_feature: bool = False) -> None:
        self.source = source
        self.one_feature = one_feature
        self.shape = (*map(int, source.shape), *[1] * one_feature)
        self.dtype = np.dtype(source.dtype)
        self.ndim = len(self.shape)
        self._takes_any_rows = _takes_any_rows(source)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        """Read some rows.

        Parameters
        ----------
        rows : int, slice or ndarray of int
        """
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

    def _unmasked(self, read: Any) -> NDArray[Any]:
        """What was read; netCDF files give masked arrays, masked or not."""
        if np.ma.is_masked(read):
            refuse_mask(read, "X[:]", "sklstm")
        return np.asarray(read)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype=dtype)


def _takes_any_rows(source: Any) -> bool:
    """Whether row numbers need be neither sorted nor unique."""
    try:
        rows = source[np.array([source.shape[0] - 1, 0, 0])]
        return tuple(rows.shape) == (3, *source.shape[1:])
    except (TypeError, ValueError, IndexError, KeyError, NotImplementedError):
        return False


def is_stored(X: Any) -> bool:
    """Whether X is a numeric array of two or three axes that NumPy does not hold.

    Then X is read in parts and never becomes an array as a whole.
    """
    if isinstance(X, (np.ndarray, Windows, StoredArray)) or issparse(X):
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
