"""Long sequences cut into overlapping windows, and the answers of those averaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklstm.sequences.batch import SequenceBatch, chunks
from sklstm.sequences.windows import Windows, front_padded


@dataclass(frozen=True, eq=False)
class CutSequences:
    """The windows of all sequences of a batch.

    Parameters
    ----------
    windows : Windows of shape (n_windows, n_timesteps, n_features)
        Sequence after sequence.
    owners : ndarray of shape (n_windows,)
        Which sequence each belongs to; every sequence has a window.
    """

    windows: Windows
    owners: NDArray[np.intp]

    @classmethod
    def of(cls, batch: SequenceBatch, n_timesteps: int, stride: int) -> Self:
        """Cut a batch; no timestep is left out."""
        owners, ends, n_steps = window_places(batch.lengths, n_timesteps, stride)
        steps = batch.steps()
        if steps.dtype.kind != "f":  # a window is padded with NaN
            steps = steps.astype(np.float64)
        # Windows of short sequences reach back before the sequence, maybe before all.
        missing = max(0, n_timesteps - 1 - int(ends.min()))
        if missing:
            steps = front_padded(steps, missing)
        return cls(Windows(steps, ends + missing, n_steps, n_timesteps, 1), owners)

    def weights(
        self, of_sequences: NDArray[np.float64] | None
    ) -> NDArray[np.float64] | None:
        """Each sequence's weight in equal parts for its windows.

        None if all windows weigh the same, as None as the weights of the sequences.
        """
        n_windows = np.bincount(self.owners)
        parts = (1.0 if of_sequences is None else of_sequences) / n_windows
        if (parts == parts[0]).all():
            return None
        return parts[self.owners]

    def mean(self, function: Callable[[NDArray[Any]], Any]) -> NDArray[np.float64]:
        """A function of windows, averaged over the windows of each sequence.

        Parameters
        ----------
        function : callable
            Of windows, shape (n_some, n_timesteps, n_features); it gives a number or a
            row for each.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_columns)
        """
        n_windows = np.bincount(self.owners)
        _, n_timesteps, n_features = self.windows.shape
        totals: NDArray[np.float64] | None = None
        for rows in chunks(len(self.windows), 4 * n_timesteps * n_features):
            outputs = np.asarray(function(self.windows[rows]), dtype=np.float64)
            if totals is None:
                totals = np.zeros((len(n_windows), *outputs.shape[1:]))
            np.add.at(totals, self.owners[rows], outputs)
        assert totals is not None  # a batch has at least one window
        return totals / n_windows.reshape(-1, *[1] * (totals.ndim - 1))


def window_places(
    lengths: NDArray[np.intp], n_timesteps: int, stride: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Where the windows of sequences lie that stand one behind the other.

    Parameters
    ----------
    lengths : ndarray of shape (n_samples,)
        Timesteps of each sequence.
    n_timesteps : int
        Timesteps of a window.
    stride : int
        From one window to the next; the last ends with its sequence.

    Returns
    -------
    owners : ndarray of shape (n_windows,)
        The sequence of each window.
    ends : ndarray of shape (n_windows,)
        The last timestep of each window, counted through all sequences.
    n_steps : ndarray of shape (n_windows,)
        Timesteps of each window, fewer than `n_timesteps` if its sequence has fewer.
    """
    n_windows = 1 + -(-np.maximum(lengths - n_timesteps, 0) // stride)
    owners = np.repeat(np.arange(len(lengths)), n_windows)
    rank = np.arange(len(owners)) - (n_windows.cumsum() - n_windows)[owners]
    n_steps = np.minimum(lengths, n_timesteps)[owners]
    stops = np.minimum(rank * stride + n_steps, lengths[owners])
    starts = lengths.cumsum() - lengths
    return owners, starts[owners] + stops - 1, n_steps
