"""One training step with learnt vectors: what vocabularies cost, and the optimizer.

A bidirectional LSTM of 64 units over 100 sequences of 100 timesteps a batch: 10,000
tokens. A timestep is 64 numbers, or a code with a vector of 64. With SGD the optimizer
takes next to nothing: what is more with Adam is the cost of the dense update.
"""

from __future__ import annotations

import argparse
from functools import cache, partial
from statistics import median
from typing import Any

import numpy as np
from common import in_turn, print_heading, print_table, worker
from training_step import epoch_clock, on_cpu

DIM = UNITS = 64
BATCH_SIZE = N_TIMESTEPS = 100
N_STEPS = 6
EPOCHS = 4
VOCABULARIES = (0, 200, 5_000, 20_000, 50_000)


@cache
def problem(n_codes: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers, or codes as frequent as words are, each of them there."""
    rng = np.random.default_rng(0)
    shape = (BATCH_SIZE * N_STEPS, N_TIMESTEPS)
    y = np.arange(shape[0]) % 2
    if not n_codes:
        return rng.normal(size=(*shape, DIM)).astype(np.float32), y
    codes = (rng.zipf(1.3, shape) - 1) % n_codes
    codes.ravel()[:n_codes] = np.arange(n_codes)
    return codes[..., None].astype(np.float32), y


def sklstm_step(optimizer: str, n_codes: int) -> float:
    """Seconds of a step of ours."""
    from sklstm import BiLSTMClassifier

    clock = epoch_clock()
    BiLSTMClassifier(
        units=UNITS,
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        optimizer=optimizer,
        learning_rate=1e-3,
        categorical_features=[0] if n_codes else None,
        embedding_dim=DIM,
        callbacks=[clock],
        random_state=0,
    ).fit(*problem(n_codes))
    return median(np.diff(clock.ends)) / N_STEPS


@cache
def _keras_network(n_codes: int) -> Any:
    import keras

    layers = [keras.Input((N_TIMESTEPS, DIM))]
    if n_codes:
        layers = [keras.Input((N_TIMESTEPS,)), keras.layers.Embedding(n_codes, DIM)]
    lstm = keras.layers.Bidirectional(keras.layers.LSTM(UNITS))
    head = keras.layers.Dense(1, activation="sigmoid")
    model = keras.Sequential([*layers, lstm, head])
    model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy")
    return model


def keras_step(n_codes: int) -> float:
    """Seconds of a step of keras.layers.Embedding and keras.layers.LSTM."""
    clock = epoch_clock()
    X, y = problem(n_codes)
    _keras_network(n_codes).fit(
        X[..., 0] if n_codes else X,
        y,
        batch_size=BATCH_SIZE,
        epochs=EPOCHS,
        callbacks=[clock],
        verbose=0,
    )
    return median(np.diff(clock.ends)) / N_STEPS


CONTENDERS = {
    "sklstm": partial(on_cpu, partial(sklstm_step, "adam")),
    "sklstm, SGD": partial(on_cpu, partial(sklstm_step, "sgd")),
    "keras": partial(on_cpu, keras_step),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--codes", nargs="+", type=int, default=list(VOCABULARIES))
    parser.add_argument("--only", nargs="+", default=list(CONTENDERS))
    options = parser.parse_args()
    print_heading("One training step with learnt vectors")
    workers = {name: worker() for name in options.only}
    rows = []
    for n_codes in options.codes:
        calls = {
            name: lambda name=name, n=n_codes: (
                workers[name].submit(CONTENDERS[name], n).result()
            )
            for name in options.only
        }
        seconds = {n: median(s) for n, s in in_turn(calls, options.rounds).items()}
        what = f"{n_codes:,} codes" if n_codes else f"{DIM} numbers"
        rows.append((what, *(1e3 * seconds[name] for name in options.only)))
    for process in workers.values():
        process.shutdown()
    print("Milliseconds a step:\n")
    print_table(["timesteps are", *options.only], rows)


if __name__ == "__main__":
    main()
