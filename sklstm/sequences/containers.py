"""What values come in: masks are refused, NA and arrays of pyarrow made NumPy's."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from sklstm.base.messages import shown

# What is no container and needs no change; NumPy's scalars are masked or plain.
_PLAIN = (int, float, complex, str, bytes, type(None), np.generic)
_NUMBERS = "fiubcMm"
_COMMON = {int, float, bool, type(None)}


def plain(values: Any, name: str, reader: str) -> Any:
    """Values as NumPy and scikit-learn read them, whoever holds them.

    Every public function and method hands its data to this one first.

    Parameters
    ----------
    values : array-like, data frame or collection of them
    name : str
        Of the argument, for messages.
    reader : str
        Of the class or function that was given it, for messages.

    Returns
    -------
    array-like, data frame or collection of them
        The same object if nothing is to be changed. pandas' NA is NaN in an array of
        objects and None in a list, arrays of pyarrow and of NumPy's StringDType are
        arrays that NumPy has always had, and pandas' extension arrays are Series.

    Raises
    ------
    ValueError
        If there is a masked array anywhere, or if it is all that a function returned,
        which was not unpacked.
    """
    if type(values) is np.ndarray and values.dtype.kind not in "OT":
        return values
    if isinstance(values, (list, tuple)):
        _refuse_several(values, name, reader)
        return _plain_list(values, name, reader)
    # An array of dask says by an empty example what its blocks are.
    is_dask = type(values).__module__.startswith("dask.array")
    if isinstance(values._meta if is_dask else values, np.ma.MaskedArray):
        refuse_mask(values, name, reader)
    if isinstance(values, np.ndarray):
        return _plain_array(values, name, reader)
    if is_arrow_array(values):
        return _plain_array(from_arrow(values), name, reader)
    pandas = _pandas()
    if pandas is None:
        return values
    if isinstance(values, pandas.api.extensions.ExtensionArray):
        values = pandas.Series(values)
    if isinstance(values, pandas.Series):
        changed = _plain_column(values, name, reader)
        return values if changed is None else changed
    if isinstance(values, pandas.DataFrame):
        return _plain_frame(values, name, reader)
    return values


def refuse_mask(values: Any, name: str, reader: str) -> NoReturn:
    """Raise the one message about masked arrays."""
    if values is np.ma.masked:
        raise ValueError(
            f"{name} is masked, but {reader} does not read masks. Put NaN there."
        )
    dtype = {**dict.fromkeys("iub", "float"), **dict.fromkeys("USMm", "object")}
    cast = dtype.get(values.dtype.kind)
    filled = f"{name}{f'.astype({cast})' if cast else ''}.filled(np.nan)"
    if not isinstance(values, np.ndarray):
        filled = f"dask.array.ma.filled({name}, np.nan)"
    instead = f"{filled}: a timestep whose features are all NaN is padding"
    if "weight" in name:
        instead = f"{name}.filled(0): what weighs nothing does not count"
    elif name.startswith("y"):
        instead = f"{filled}: NaN is a target that is missing"
    elif not name.startswith(("X", "series", "static")):
        instead = f"{name}.filled(value), with a value for what is masked"
    raise ValueError(
        f"{name} is a masked array, but {reader} does not read masks. Use {instead}."
    )


def _refuse_several(values: object, name: str, reader: str) -> None:
    """Refuse a tuple of X and something else: no sequence has three axes."""
    if not isinstance(values, tuple) or len(values) not in (2, 3):
        return
    shapes = [tuple(getattr(part, "shape", ())) for part in values]
    if len(shapes[0]) == 3:
        raise ValueError(
            f"{name} is a tuple of {len(values)} arrays of shapes "
            f"{', '.join(map(str, shapes))}, but {reader} takes one. pad_sequences "
            "with groups, make_windows and the datasets return several: unpack them, "
            "as in X, ids = pad_sequences(...) or X, y = make_windows(...), and give "
            "one of them."
        )


def is_arrow_array(values: object) -> bool:
    """Whether it is an array of pyarrow, in one piece or in chunks."""
    pyarrow = sys.modules.get("pyarrow")
    return pyarrow is not None and isinstance(
        values, (pyarrow.Array, pyarrow.ChunkedArray, pyarrow.Tensor)
    )


def from_arrow(values: Any) -> NDArray[Any]:
    """An array of pyarrow as one of NumPy; lists become objects."""
    whole = values.combine_chunks() if hasattr(values, "chunks") else values
    if isinstance(whole, sys.modules["pyarrow"].Tensor):
        return np.asarray(whole.to_numpy())
    if hasattr(whole, "to_numpy_ndarray"):  # tensors, which NumPy is given flat
        tensors: NDArray[Any] = whole.to_numpy_ndarray()
        return tensors
    return np.asarray(whole)


def without_na(values: NDArray[Any]) -> NDArray[Any]:
    """The same array, or a copy with NaN in place of pandas' NA among objects."""
    pandas = _pandas()
    if values.dtype != object or pandas is None:
        return values
    missing = np.fromiter((v is pandas.NA for v in values.flat), bool, values.size)
    if not missing.any():
        return values
    values = values.copy()
    values[missing.reshape(values.shape)] = np.nan
    return values


def as_numbers(values: NDArray[Any]) -> NDArray[Any]:
    """Objects as floats, be they numbers, missing, or sequences of equally many.

    Raises
    ------
    TypeError, ValueError
        If they are not.
    """
    if values.ndim == 1 and any(isinstance(v, np.ndarray) for v in values):
        values = np.stack([np.asarray(v) for v in values])
    return without_na(values).astype(np.float64)


def _pandas() -> Any:
    """pandas, if it is in use: what is of it cannot have come without it."""
    pandas = sys.modules.get("pandas")
    return pandas if hasattr(pandas, "api") else None


def _plain_array(values: NDArray[Any], name: str, reader: str) -> NDArray[Any]:
    if values.dtype.kind == "T":
        values = values.astype(object)
    if values.dtype != object:
        return values
    values = without_na(values)
    kinds = {*map(type, values.flat)}
    if all(issubclass(kind, _PLAIN) for kind in kinds):
        return values
    given = values.ravel().tolist()
    items = _plain_items(given, name, reader)
    if items is given:
        return values
    changed = np.empty(len(items), dtype=object)
    for k, item in enumerate(items):
        changed[k] = item
    return changed.reshape(values.shape)


def _plain_list(values: Any, name: str, reader: str) -> Any:
    kinds = {*map(type, values)}
    if kinds <= _COMMON:
        return values
    if not all(issubclass(kind, _PLAIN) for kind in kinds):
        return _plain_items(values, name, reader)
    has = [any(issubclass(kind, of) for kind in kinds) for of in (str, float)]
    if all(has) and any(value != value for value in values):
        return np.array(values, dtype=object)  # NumPy would write "nan"
    return values


def _plain_items(values: Any, name: str, reader: str) -> Any:
    """A list of what the items become; the list itself if none changes."""
    if {*map(type, values)} == {np.ndarray} and not any(
        value.dtype.kind in "OT" for value in values
    ):
        return values
    pandas = _pandas()
    na = None if pandas is None else pandas.NA
    changed = [
        None  # which leaves integers beside it as they are
        if value is na
        else value
        if isinstance(value, _PLAIN)
        else plain(value, f"{name}[{k}]", reader)
        for k, value in enumerate(values)
    ]
    if all(new is old for new, old in zip(changed, values, strict=True)):
        return values
    # Text may now stand beside NaN.
    return _plain_list(changed, name, reader)


def _plain_column(column: Any, name: str, reader: str) -> NDArray[Any] | None:
    """The cells of a Series that holds objects; None if they stay as they are."""
    if getattr(column.dtype, "kind", "O") in _NUMBERS:
        return None
    # Of other types than objects, only what is missing may need a change.
    if column.dtype != object and not column.isna().any():
        return None
    given = np.asarray(column, dtype=object)
    cells = _plain_array(given, name, reader)
    return None if cells is given else cells


def _plain_frame(frame: Any, name: str, reader: str) -> Any:
    changed = frame
    for k, dtype in enumerate(frame.dtypes):
        if getattr(dtype, "kind", "O") in _NUMBERS:
            continue
        label = f"{name}[{shown(frame.columns[k])}]"
        cells = _plain_column(frame.iloc[:, k], label, reader)
        if cells is not None:
            if changed is frame:
                changed = frame.copy(deep=False)
            changed.isetitem(k, cells)
    return changed


def is_missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where values are None, NaN, NaT or pandas' NA."""
    if values.dtype == object:
        found = np.fromiter(map(is_missing_value, values.flat), bool, values.size)
        return found.reshape(values.shape)
    missing: NDArray[np.bool_] = np.zeros(values.shape, dtype=bool)
    if values.dtype.kind in "fcMm":
        np.not_equal(values, values, out=missing)
    return missing


def is_missing_value(value: object) -> bool:
    """Whether it is None, NaN, NaT or pandas' NA; no container is."""
    if value is None:
        return True
    if isinstance(value, np.ndarray):
        return False
    same = value == value
    if isinstance(same, (bool, np.bool_)):
        return not same
    return same is value  # pandas' NA, of which every comparison is NA
