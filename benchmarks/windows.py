"""Windows over a long table: time and memory of one epoch over all of them.

A table of a million rows and ten features, every row a window of a hundred rows: 4 GB
if all windows are made. Each contender fits a small bidirectional LSTM for one epoch in
a process of its own. Memory is the peak of the process above what it held after its
imports and with the table, so tracing and the network count. Seconds are those of the
whole first fit, and of the prediction of all rows that follows; Keras gives no
prediction for the first rows, whose windows are not full.

Then transformers between the windows of one series and the network: the same figures
for windows of 500 out of a table of 32,000 rows and four features, 256 MB if all are
made.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import psutil
from common import in_fresh_process, in_turn, print_heading, print_table

N_SERIES = 100
UNITS, BATCH_SIZE = 4, 1024

# What a contender gives: fits once, returns how to predict, and the loss.
Fitted = tuple[Callable[[], Any], float]


def problem(n_rows: int, n_features: int) -> tuple[np.ndarray, np.ndarray]:
    """A table, and for each row whether its last ten rows sum up to more than zero."""
    rng = np.random.default_rng(0)
    table = rng.standard_normal((n_rows, n_features), dtype=np.float32)
    totals = np.cumsum(table[:, 0], dtype=np.float64)
    totals[10:] -= totals[:-10].copy()
    return table, (totals > 0).astype(np.float32)


def sklstm_network() -> Any:
    from sklstm import BiLSTMClassifier

    return BiLSTMClassifier(
        UNITS,
        epochs=1,
        batch_size=BATCH_SIZE,
        learning_rate=1e-3,
        schedule="constant",
        pooling="last",
        random_state=0,
    )


def sklstm_view(table: np.ndarray, y: np.ndarray, n_timesteps: int) -> Fitted:
    """One series: a view of the table."""
    from sklearn.pipeline import make_pipeline

    from sklstm import SlidingWindows

    network = make_pipeline(SlidingWindows(n_timesteps), sklstm_network()).fit(table, y)
    return lambda: network.predict_proba(table), network[-1].history_["loss"][-1]


def sklstm_groups(table: np.ndarray, y: np.ndarray, n_timesteps: int) -> Fitted:
    """Many series whose rows are mixed: an index."""
    from sklearn.pipeline import make_pipeline

    from sklstm import SlidingWindows

    windows = SlidingWindows(n_timesteps, groups=series_of_rows)
    network = make_pipeline(windows, sklstm_network()).fit(table, y)
    return lambda: network.predict_proba(table), network[-1].history_["loss"][-1]


def series_of_rows(table: np.ndarray) -> np.ndarray:
    """As `mixed` leaves them."""
    return np.arange(len(table)) % N_SERIES


def mixed(rows: np.ndarray) -> np.ndarray:
    """Cut into series, of which every one has a row before the next rows come."""
    rows = rows[: len(rows) // N_SERIES * N_SERIES]
    series = rows.reshape(N_SERIES, -1, *rows.shape[1:])
    return series.swapaxes(0, 1).reshape(rows.shape)


def sklstm_array(table: np.ndarray, y: np.ndarray, n_timesteps: int) -> Fitted:
    """An array of all windows, made before the fit."""
    X = all_windows(table, n_timesteps)
    network = sklstm_network().fit(X, y)
    return lambda: network.predict_proba(X), network.history_["loss"][-1]


def all_windows(table: np.ndarray, n_timesteps: int) -> np.ndarray:
    padding = np.full((n_timesteps - 1, table.shape[1]), np.nan, np.float32)
    padded = np.concatenate([padding, table])
    windows = np.lib.stride_tricks.sliding_window_view(padded, n_timesteps, axis=0)
    return np.ascontiguousarray(windows.transpose(0, 2, 1))


def keras_dataset(table: np.ndarray, y: np.ndarray, n_timesteps: int) -> Fitted:
    """keras.utils.timeseries_dataset_from_array, shuffled."""
    import keras
    import keras_peer

    def windows(shuffle: bool) -> Any:
        return keras.utils.timeseries_dataset_from_array(
            table,
            y[n_timesteps - 1 :],
            n_timesteps,
            batch_size=BATCH_SIZE,
            shuffle=shuffle,
            seed=0,
        )

    network = keras_peer.network(n_timesteps, table.shape[1], UNITS)
    history = network.fit(windows(True), epochs=1, verbose=0).history
    return lambda: network.predict(windows(False), verbose=0), history["loss"][-1]


def keras_array(table: np.ndarray, y: np.ndarray, n_timesteps: int) -> Fitted:
    """Keras on an array of all full windows."""
    import keras_peer

    X, y = all_windows(table, n_timesteps)[n_timesteps - 1 :], y[n_timesteps - 1 :]
    network = keras_peer.network(n_timesteps, table.shape[1], UNITS)
    history = network.fit(X, y, batch_size=BATCH_SIZE, verbose=0).history
    return (
        lambda: network.predict(X, batch_size=BATCH_SIZE, verbose=0),
        history["loss"][-1],
    )


def behind_windows(steps: Callable[[], list[Any]]) -> Callable[..., Fitted]:
    """Transformers behind windows that nobody copies."""

    def fit(table: np.ndarray, y: np.ndarray, n_timesteps: int) -> Fitted:
        from sklearn.pipeline import make_pipeline

        from sklstm import make_windows

        X, _ = make_windows(table, n_timesteps, target=0)
        network = make_pipeline(*steps(), sklstm_network()).fit(X, y[n_timesteps:])
        return lambda: network.predict_proba(X), network[-1].history_["loss"][-1]

    return fit


def scaler(inner: str = "StandardScaler") -> Any:
    import sklearn.preprocessing

    from sklstm import SequenceScaler

    return SequenceScaler(getattr(sklearn.preprocessing, inner)())


def differencer() -> Any:
    from sklstm import SequenceDifferencer

    return SequenceDifferencer()


def imputer() -> Any:
    from sklstm import SequenceImputer

    return SequenceImputer()


def framer() -> Any:
    from sklstm import SequenceFramer

    return SequenceFramer(frame_length=10, hop_length=5)


CONTENDERS = {
    "sklstm, view": sklstm_view,
    "sklstm, groups": sklstm_groups,
    "sklstm, all windows": sklstm_array,
    "keras, timeseries_dataset": keras_dataset,
    "keras, all windows": keras_array,
}

BEHIND = {
    "nothing": list,
    "SequenceScaler": lambda: [scaler()],
    "SequenceScaler(RobustScaler())": lambda: [scaler("RobustScaler")],
    "SequenceImputer, nothing missing": lambda: [imputer()],
    "SequenceFramer": lambda: [framer()],
    "SequenceDifferencer": lambda: [differencer()],
    "SequenceDifferencer, SequenceScaler": lambda: [differencer(), scaler()],
}
BEHIND_SIZES = 32_000, 4, 500


def measure(name: str, n_rows: int, n_features: int, n_timesteps: int) -> dict:
    """Seconds, megabytes above imports and table, and the loss of one contender."""
    import keras.src.utils.timeseries_dataset_utils  # noqa: F401
    import sklearn.pipeline  # noqa: F401

    import sklstm.training.scikeras_wrapper  # noqa: F401

    table, y = problem(n_rows, n_features)
    if CONTENDERS.get(name) is sklstm_groups:
        table, y = mixed(table), mixed(y)
    contender = CONTENDERS.get(name) or behind_windows(BEHIND[name])
    start_memory = psutil.Process().memory_info().rss / 2**20
    start = time.perf_counter()
    predict, loss = contender(table, y, n_timesteps)
    fitted = time.perf_counter()
    fit_memory = peak_memory() - start_memory
    probabilities = predict()
    end = time.perf_counter()
    assert np.isfinite(probabilities).all()
    return {
        "fit": fitted - start,
        "fit_memory": fit_memory,
        "predict": end - fitted,
        "memory": peak_memory() - start_memory,
        "loss": loss,
    }


def peak_memory() -> float:
    """Megabytes, the most that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=10)
    parser.add_argument("--timesteps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=list(CONTENDERS))
    parser.add_argument("--behind", nargs="*", default=list(BEHIND))
    options = parser.parse_args()
    print_heading("Windows")
    sizes = options.rows, options.features, options.timesteps
    for names, of in [(options.only, sizes), (options.behind, BEHIND_SIZES)]:
        if names:
            compare(names, *of, rounds=options.rounds)


def compare(
    names: list[str], n_rows: int, n_features: int, n_timesteps: int, *, rounds: int
) -> None:
    """A table of contenders."""
    n_bytes = 4 * n_rows * n_features
    print(
        f"\n{n_rows} rows x {n_features} features x windows of {n_timesteps}, float32: "
        f"the table {1e-6 * n_bytes:.3g} MB, all windows "
        f"{1e-6 * n_bytes * n_timesteps:.0f} MB\n"
    )

    def run(name: str) -> Callable[[], dict]:
        sizes = n_rows, n_features, n_timesteps
        return lambda: in_fresh_process(__file__, "--contender", name, *sizes)

    results = in_turn({name: run(name) for name in names}, rounds)
    columns = ["fit", "fit_memory", "predict", "memory", "loss"]
    print_table(
        ["contender", "fit, s", "MB in fit", "predict, s", "MB in all", "loss"],
        [
            (name, *(float(median(r[column] for r in times)) for column in columns))
            for name, times in results.items()
        ],
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--contender"]:
        numbers = (int(argument) for argument in sys.argv[3:])
        print(json.dumps(measure(sys.argv[2], *numbers)))
    else:
        main()
