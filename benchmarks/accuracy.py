"""Real sequences: how many of the test set does each recurrent classifier get right?

The problems that aeon's package contains, in their own split into training and test
set; the accuracy on the test set over several seeds, and the time of a fit. Once with
the same units, epochs, batch size and Adam's learning rate for all, once with every
library's own defaults. Features are standardised, the same for all but our pipeline for
series, which does so itself. Sequences of unequal length go to the peers that cannot
take them with zeros in front. Published figures of other methods stand beside.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from itertools import count
from statistics import mean, median, stdev
from typing import Any

import numpy as np
from common import in_turn, print_heading, print_table, worker


@dataclass(frozen=True)
class Settings:
    """What all contenders have in common; None in its place: own defaults."""

    units: int = 32
    epochs: int = 100
    batch_size: int = 32
    learning_rate: float = 0.005


@dataclass(frozen=True)
class Problem:
    """Training and test set; sequences end in NaN where they are shorter."""

    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray

    def zeros_in_front(self) -> tuple[np.ndarray, np.ndarray]:
        """X_train and X_test as sktime and aeon want them: (n, features, timesteps)."""
        longest = max(self.X_train.shape[1], self.X_test.shape[1])
        both = []
        for X in (self.X_train, self.X_test):
            padded = np.zeros((len(X), longest, X.shape[2]), np.float32)
            for row, sequence in zip(padded, X, strict=True):
                steps = sequence[~np.isnan(sequence).all(axis=1)]
                row[longest - len(steps) :] = steps
            both.append(padded.transpose(0, 2, 1))
        return both[0], both[1]


@cache
def problem(name: str, scaled: bool = True) -> Problem:
    """One of aeon's problems, labels numbered, training set in random order.

    The order is random because sktime's classifiers never shuffle, and JapaneseVowels
    is sorted by class.
    """
    from aeon.datasets import load_classification

    from sklstm import SequenceScaler, pad_sequences

    sets = []
    for split in ("train", "test"):
        cases, labels = load_classification(name, split=split)
        X = pad_sequences([np.asarray(case, np.float32).T for case in cases])
        sets += [X, np.unique(labels, return_inverse=True)[1]]
    X_train, y_train, X_test, y_test = sets
    if scaled:
        scaler = SequenceScaler().fit(X_train)
        X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
    order = np.random.default_rng(0).permutation(len(y_train))
    return Problem(X_train[order], y_train[order], X_test, y_test)


Outcome = dict[str, float]


def outcome(
    problem: Problem, fit: Callable[[], Any], predict: Callable[[Any], np.ndarray]
) -> Outcome:
    """Time the fit and score the predictions."""
    start = time.perf_counter()
    fitted = fit()
    seconds = time.perf_counter() - start
    return {
        "accuracy": float(np.mean(predict(fitted) == problem.y_test)),
        "seconds": seconds,
    }


def sklstm(name: str, settings: Settings | None, seed: int) -> Outcome:
    """Ours; read-out, schedule and rate by default whatever the settings."""
    from sklstm import BiLSTMClassifier

    return fitted_by(BiLSTMClassifier(**sizes(settings), random_state=seed), name)


def sklstm_for_series(name: str, settings: Settings | None, seed: int) -> Outcome:
    """Ours behind the steps that the guide recommends for series."""
    from sklearn.pipeline import make_pipeline

    from sklstm import (
        BiLSTMClassifier,
        SequenceDifferencer,
        SequenceFramer,
        SequenceScaler,
    )

    pipe = make_pipeline(
        SequenceDifferencer(),
        SequenceScaler(),
        SequenceFramer(),
        BiLSTMClassifier(dropout=0.2, **sizes(settings), random_state=seed),
    )
    return fitted_by(pipe, name, scaled=False)


def sklstm_last_states(name: str, settings: Settings | None, seed: int) -> Outcome:
    """Ours as the peers' layers are: the last states, a constant rate."""
    from sklstm import BiLSTMClassifier

    own = {} if settings is None else vars(settings)
    network = BiLSTMClassifier(
        pooling="last", schedule="constant", **own, random_state=seed
    )
    return fitted_by(network, name)


def sizes(settings: Settings | None) -> dict[str, Any]:
    """The common settings but for the rate."""
    if settings is None:
        return {}
    return {k: v for k, v in vars(settings).items() if k != "learning_rate"}


def fitted_by(estimator: Any, name: str, *, scaled: bool = True) -> Outcome:
    """Fit an estimator of ours."""
    data = problem(name, scaled)
    return outcome(
        data,
        lambda: estimator.fit(data.X_train, data.y_train),
        lambda fitted: fitted.predict(data.X_test),
    )


def skorch(name: str, settings: Settings | None, seed: int) -> Outcome:
    """torch.nn.LSTM, packed where lengths differ. Own defaults: torch's for Adam."""
    import torch
    from skorch import NeuralNetClassifier
    from torch_peer import Network

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    data = problem(name)
    settings = settings or Settings(learning_rate=1e-3)
    network = NeuralNetClassifier(
        Network,
        module__n_features=data.X_train.shape[2],
        module__units=settings.units,
        module__n_outputs=len(np.unique(data.y_train)),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=settings.learning_rate,
        max_epochs=settings.epochs,
        batch_size=settings.batch_size,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )
    inputs = []
    for X in (data.X_train, data.X_test):
        lengths = (~np.isnan(X).all(axis=2)).sum(axis=1)
        inputs.append({"x": np.nan_to_num(X)})
        if (lengths < X.shape[1]).any():
            inputs[-1]["lengths"] = lengths
    return outcome(
        data,
        lambda: network.fit(inputs[0], data.y_train.astype(np.int64)),
        lambda fitted: fitted.predict(inputs[1]),
    )


def channels_first(name: str, network: Any) -> Outcome:
    """Fit a classifier of sktime or aeon."""
    data = problem(name)
    X_train, X_test = data.zeros_in_front()
    return outcome(
        data,
        lambda: network.fit(X_train, data.y_train),
        lambda fitted: fitted.predict(X_test),
    )


def in_sktimes_words(settings: Settings) -> dict[str, Any]:
    """The common settings of sktime's torch classifiers."""
    return {
        "num_epochs": settings.epochs,
        "batch_size": settings.batch_size,
        "optimizer": "Adam",
        "lr": settings.learning_rate,
    }


def sktime_gru(name: str, settings: Settings | None, seed: int) -> Outcome:
    """sktime's GRU; unless told batch_first it takes the samples for timesteps."""
    import torch
    from sktime.classification.deep_learning import GRUClassifier

    torch.set_num_threads(1)
    own = {}
    if settings:
        own = in_sktimes_words(settings) | {
            "hidden_dim": settings.units,
            "n_layers": 1,
            "batch_first": True,
            "bidirectional": True,
        }
    return channels_first(name, GRUClassifier(**own, random_state=seed))


def sktime_rnn(name: str, settings: Settings | None, seed: int) -> Outcome:
    """sktime's plain recurrent network."""
    import torch
    from sktime.classification.deep_learning import SimpleRNNClassifierTorch

    torch.set_num_threads(1)
    own = {}
    if settings:
        own = in_sktimes_words(settings) | {
            "hidden_dim": settings.units,
            "bidirectional": True,
            "callbacks": None,
        }
    return channels_first(name, SimpleRNNClassifierTorch(**own, random_state=seed))


def sktime_lstm_fcn(name: str, settings: Settings | None, seed: int) -> Outcome:
    """sktime's LSTM beside three convolutions."""
    import torch
    from sktime.classification.deep_learning.lstmfcn import LSTMFCNClassifierTorch

    torch.set_num_threads(1)
    own = {}
    if settings:
        own = in_sktimes_words(settings) | {
            "lstm_size": settings.units,
            "callbacks": None,
        }
    return channels_first(name, LSTMFCNClassifierTorch(**own, random_state=seed))


def aeon_lstm(name: str, settings: Settings | None, seed: int) -> Outcome:
    """aeon's recurrent network, bidirectional; it has no default as a classifier."""
    from aeon_peer import RecurrentClassifier

    settings = settings or Settings(learning_rate=1e-3)
    network = RecurrentClassifier(
        settings.units,
        settings.epochs,
        settings.batch_size,
        settings.learning_rate,
        random_state=seed,
    )
    return channels_first(name, network)


CONTENDERS: dict[str, Callable[[str, Settings | None, int], Outcome]] = {
    "sklstm": sklstm,
    "sklstm, for series": sklstm_for_series,
    "sklstm, last states": sklstm_last_states,
    "skorch, torch BiLSTM": skorch,
    "sktime GRU": sktime_gru,
    "sktime SimpleRNN": sktime_rnn,
    "sktime LSTM-FCN": sktime_lstm_fcn,
    "aeon LSTM": aeon_lstm,
}
# InceptionTime (Ismail Fawaz et al. 2020), an ensemble of five: its repository's
# results-InceptionTime-85.csv and results-mts.csv. ROCKET (Dempster et al. 2020), mean
# of ten: its repository's results_ucr.csv. On the same split.
PUBLISHED = {
    "InceptionTime": {
        "GunPoint": 1.0,
        "ItalyPowerDemand": 0.968,
        "BasicMotions": 1.0,
        "JapaneseVowels": 0.992,
    },
    "ROCKET": {"GunPoint": 1.0, "ItalyPowerDemand": 0.970},
}

DATASETS = ["JapaneseVowels", "ItalyPowerDemand", "BasicMotions", "GunPoint"]


Run = Callable[[str, str, Settings | None, int], Outcome]


def compare(
    run: Run, dataset: str, settings: Settings | None, names: list[str], seeds: int
) -> None:
    """Fit all contenders with all seeds, in turn, and print the table."""
    for name in names:
        run(name, dataset, Settings(epochs=1), 0)
    numbers = {name: count() for name in names}
    calls = {
        name: lambda name=name: run(name, dataset, settings, next(numbers[name]))
        for name in names
    }
    results = in_turn(calls, seeds)
    seconds = {n: median(r["seconds"] for r in rs) for n, rs in results.items()}
    rows = []
    for name, runs in results.items():
        scores = [run["accuracy"] for run in runs]
        spread = stdev(scores) if seeds > 1 else 0.0
        figures = [f"{x:.3f}" for x in (mean(scores), spread, min(scores))]
        rows.append((name, *figures, seconds[name], seconds[name] / seconds[names[0]]))
    times = f"times {names[0]}"
    print_table(["", "accuracy", "spread", "lowest", "fit, s", times], rows)
    for method, accuracy in PUBLISHED.items():
        if dataset in accuracy:
            print(f"published for {method}: {accuracy[dataset]:.3f}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", nargs="+", default=DATASETS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=Settings.epochs)
    parser.add_argument("--rates", type=float, nargs="*", default=[0.005])
    parser.add_argument("--own", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--quick", action="store_true", help="two seeds, five epochs")
    parser.add_argument("--only", nargs="+", default=list(CONTENDERS))
    options = parser.parse_args()
    if options.quick:
        options.seeds, options.epochs, options.own = 2, 5, False
    print_heading(f"Accuracy on real sequences, {options.seeds} seeds")
    print(
        f"aeon {version('aeon')}, sktime {version('sktime')}; torch with one thread\n"
    )
    cases: list[Settings | None] = [
        Settings(epochs=options.epochs, learning_rate=rate) for rate in options.rates
    ]
    cases += [None] * options.own
    with ExitStack() as stack:
        workers = {name: stack.enter_context(worker()) for name in options.only}

        def run(name: str, *arguments: Any) -> Outcome:
            return workers[name].submit(CONTENDERS[name], *arguments).result()

        for dataset in options.datasets:
            for settings in cases:
                print(f"{dataset}, {settings or 'own defaults'}:\n")
                compare(run, dataset, settings, options.only, options.seeds)


if __name__ == "__main__":
    main()
