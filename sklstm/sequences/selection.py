"""Columns that a parameter selects: by indices, names or a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.messages import listed, shown


def column_mask(
    parameter: str, keys: Any, n_columns: int, names: list[Any] | None
) -> NDArray[np.bool_]:
    """Which columns a parameter gives by indices, names or a boolean mask.

    Parameters
    ----------
    parameter : str
        Its name, for messages.
    keys : array-like of int, str or bool
    n_columns : int
    names : list or None
        Of all columns, if they have any.

    Returns
    -------
    ndarray of shape (n_columns,), bool

    Raises
    ------
    ValueError
        If there is no such column, or the mask has another length.
    """
    given = np.asarray(keys)
    mask = np.zeros(n_columns, dtype=bool)
    if given.dtype.kind == "b" and given.shape == (n_columns,):
        return given.copy()
    if given.dtype.kind in "iu" and given.ndim == 1:
        outside = given[(given < -n_columns) | (given >= n_columns)]
        if not len(outside):
            mask[given] = True
            return mask
        raise ValueError(
            f"{parameter}={shown(keys)} has {outside[0]}, which is no column of X: it "
            f"has {n_columns}. Give indices from 0 to {n_columns - 1}."
        )
    if given.ndim == 1 and all(isinstance(key, str) for key in given):
        return _mask_of_names(parameter, keys, mask, names)
    raise ValueError(
        f"{parameter}={shown(keys)} does not tell columns. Give a list of their "
        "indices or "
        f"names, or a mask with True or False for each of the {n_columns} columns of X."
    )


def _mask_of_names(
    parameter: str, keys: Any, mask: NDArray[np.bool_], names: list[Any] | None
) -> NDArray[np.bool_]:
    for key in keys:
        if names is None:
            raise ValueError(
                f"{parameter}={shown(keys)} names columns, but those of X have no "
                "names, or not all are strings. Give indices, or X as a data frame."
            )
        if key not in names:
            raise ValueError(
                f"{parameter}={shown(keys)} has {shown(key)}, which is no column of "
                f"X: it has {listed(names)}."
            )
        mask[names.index(key)] = True
    return mask
