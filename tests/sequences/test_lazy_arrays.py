"""Data on disk: read in parts, to the same weights and predictions as in memory."""

import dask.array
import h5py
import numpy as np
import pytest
import zarr
from numpy.testing import assert_array_equal

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepRegressor,
)
from sklstm.network import forward
from sklstm.sequences import batch
from sklstm.sequences.lazy_arrays import StoredArray
from sklstm.training import epochs

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 5, 2)).astype(np.float32)
X[::4, 3:] = np.nan
X[1::4, :2] = np.nan
y = rng.integers(0, 2, 60)


class OnlySlices:
    """The least that an array on disk offers; counts what is read of it."""

    def __init__(self, values):
        self.values = values
        self.shape, self.dtype = values.shape, values.dtype
        self.largest = 0

    def __getitem__(self, rows):
        if not isinstance(rows, slice):
            raise TypeError("only slices")
        read = self.values[rows]
        self.largest = max(self.largest, read.nbytes)
        return read


def stored(values, how, folder):
    """The same values in a file, or computed when asked."""
    if how == "memmap":
        np.save(folder / "values.npy", values)
        return np.load(folder / "values.npy", mmap_mode="r")
    if how == "hdf5":
        return h5py.File(folder / "values.h5", "w").create_dataset("X", data=values)
    if how == "zarr":
        array = zarr.create_array(
            store=folder / "values.zarr",
            shape=values.shape,
            dtype=values.dtype,
            chunks=(7, *values.shape[1:]),
        )
        array[:] = values
        return array
    if how == "dask":
        return dask.array.from_array(values, chunks=(7, *values.shape[1:]))
    return OnlySlices(values)


HOW = ["memmap", "hdf5", "zarr", "dask", "slices"]


@pytest.fixture
def small_chunks(monkeypatch):
    """So that data as small as these are read in many parts, every epoch anew."""
    n_bytes = X[:8].nbytes
    for module in (batch, epochs, forward):
        monkeypatch.setattr(module, "CHUNK_BYTES", n_bytes)
    monkeypatch.setattr(batch, "IN_MEMORY_BYTES", n_bytes)
    return n_bytes


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("n_axes", [2, 3])
def test_fit_and_predict_from_disk(how, n_axes, tmp_path, small_chunks):
    """Shuffled batches, padding anywhere; a matrix, too."""
    values = X if n_axes == 3 else np.nan_to_num(X[:, :, 0])
    classifier = BiLSTMClassifier(3, epochs=2, batch_size=4, random_state=0)
    weights = classifier.fit(values, y).weights_
    proba = classifier.predict_proba(values)
    on_disk = stored(values, how, tmp_path)
    classifier.fit(on_disk, y)
    for name, value in weights.items():
        assert_array_equal(classifier.weights_[name], value)
    assert_array_equal(classifier.predict_proba(on_disk), proba)
    assert classifier.n_features_in_ == values.shape[-1]
    assert classifier.n_timesteps_in_ == 5


@pytest.mark.parametrize("how", HOW)
def test_timesteps_from_disk(how, tmp_path, small_chunks):
    """Targets of valid timesteps find their places, too."""
    targets = np.nan_to_num(X[:, :, 0]).cumsum(axis=1)
    regressor = BiLSTMTimestepRegressor(3, epochs=1, random_state=0)
    predicted = regressor.fit(X, targets).predict(X)
    on_disk = stored(X, how, tmp_path)
    assert_array_equal(regressor.fit(on_disk, targets).predict(on_disk), predicted)
    assert_array_equal(np.isnan(predicted), np.isnan(X).all(axis=2))


def test_little_is_read_at_a_time(small_chunks):
    """No read takes more than a chunk, in fit and predict."""
    source = OnlySlices(X)
    BiLSTMRegressor(3, epochs=2, random_state=0).fit(source, y).predict(source)
    assert source.largest <= small_chunks


def test_rows_in_any_order():
    """Unsorted and repeated, from what takes slices only."""
    array = StoredArray(OnlySlices(X))
    for rows in ([3, 1, 2], [5, 5, 0], [59], [7, 8, 9, 30, 31]):
        assert_array_equal(array[np.array(rows)], X[rows])
    assert_array_equal(array[4:9], X[4:9])
    assert_array_equal(np.asarray(array), X)
    matrix = StoredArray(OnlySlices(X[:, :, 0]), one_feature=True)
    assert matrix.shape == (60, 5, 1)
    assert_array_equal(matrix[np.array([2, 0])], X[[2, 0], :, :1])


def test_refusals(tmp_path):
    """What is wrong is said as for arrays in memory."""
    broken = X.copy()
    broken[41, 2, 1] = np.inf
    with pytest.raises(ValueError, match=r"infinity .*sample 41, timestep 2, feature"):
        BiLSTMRegressor().fit(OnlySlices(broken), y)
    fitted = BiLSTMRegressor(2, epochs=1).fit(OnlySlices(X), y)
    with pytest.raises(ValueError, match="X has 1 features per timestep"):
        fitted.predict(OnlySlices(X[:, :, :1]))
    with pytest.raises(ValueError, match="X has 2 axes"):
        fitted.predict(OnlySlices(X[:, :, 0]))
    fitted = BiLSTMRegressor(2, epochs=1).fit(OnlySlices(np.nan_to_num(X[:, :, 0])), y)
    with pytest.raises(ValueError, match=r"X has 4 features, but .* expecting 5"):
        fitted.predict(OnlySlices(np.nan_to_num(X[:, :4, 0])))
