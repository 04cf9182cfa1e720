"""What networks can do beside the plain one: in sklstm, in Keras and in torch.

A problem is sequences and the network that reads them. The one list of capabilities,
which training_step.py and predict.py measure, is at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from common import print_table
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    import keras
    import torch_peer


@dataclass(frozen=True)
class Problem:
    """Whether the mean of a sequence is above the middle, or its quantiles.

    `frame`: its length and hop. With `n_codes` a feature of codes is behind the
    numbers, with learnt vectors of `dim`.
    """

    n_timesteps: int
    n_features: int
    units: int
    pooling: tuple[str, ...] = ("last",)
    schedule: str = "constant"
    frame: tuple[int, int] | None = None
    n_codes: int = 0
    dim: int = 16
    quantiles: tuple[float, ...] = ()

    def __str__(self) -> str:
        return f"T={self.n_timesteps} F={self.n_features} U={self.units}"

    def data(self, n_samples: int) -> tuple[np.ndarray, np.ndarray]:
        """Sequences and what is to be learnt about them; codes are all as frequent."""
        rng = np.random.default_rng(0)
        shape = (n_samples, self.n_timesteps, self.n_features)
        X = rng.random(shape, dtype=np.float32)
        means = X.mean(axis=(1, 2))
        y = means > np.median(means)
        if self.quantiles:
            y = (means - means.mean()) / (means.std() or 1)
        if self.n_codes:
            codes = rng.permutation(X[:, :, 0].size) % self.n_codes
            X = np.dstack([X, codes.reshape(shape[:2])])
        return X.astype(np.float32), y.astype(np.float32)

    # -- ours -----------------------------------------------------------------------

    def estimator(self, **training: Any) -> Any:
        """Not yet fitted; it reads what comes out of `pipeline`'s other steps."""
        from sklstm import BiLSTMClassifier, BiLSTMRegressor

        if self.quantiles:
            training |= {"loss": "quantile", "quantiles": self.quantiles}
            training["normalize_y"] = False
        return (BiLSTMRegressor if self.quantiles else BiLSTMClassifier)(
            units=self.units,
            pooling=self.pooling,
            schedule=self.schedule,
            categorical_features=[self.n_features] if self.n_codes else None,
            embedding_dim=self.dim,
            learning_rate=1e-3,
            random_state=0,
            **training,
        )

    def pipeline(self, estimator: Any) -> Any:
        """The estimator, behind a framer if there are frames."""
        from sklearn.pipeline import make_pipeline

        from sklstm import SequenceFramer

        if not self.frame:
            return estimator
        length, hop = self.frame
        return make_pipeline(SequenceFramer(length, hop_length=hop), estimator)

    # -- the peers ------------------------------------------------------------------

    def parts(self, X: np.ndarray) -> list[np.ndarray]:
        """What a network of standard layers reads: numbers, and codes if there are.

        Code 0 is one more, as ours has it, for those that were not there in training.
        """
        numbers, codes = X[..., : self.n_features], X[..., self.n_features :]
        places = (codes[..., 0].astype(np.int32) + 1,) if self.n_codes else ()
        return [np.ascontiguousarray(numbers), *places]

    def framed(self, numbers: np.ndarray) -> np.ndarray:
        """Frames cut, if there are."""
        if not self.frame:
            return numbers
        length, hop = self.frame
        frames = sliding_window_view(numbers, length, axis=1)[:, ::hop]
        frames = frames.swapaxes(2, 3).reshape(*frames.shape[:2], -1)
        return np.ascontiguousarray(frames)

    @property
    def _read(self) -> tuple[int, int]:
        """Timesteps and numbers of each, when they are framed."""
        sizes = (1, self.n_timesteps, self.n_features)
        return self.framed(np.empty(sizes, np.float32)).shape[1:]

    @property
    def _layers(self) -> dict[str, Any]:
        vectors = (self.n_codes + 1, self.dim) if self.n_codes else None
        return {"pooling": self.pooling, "vectors": vectors}

    def keras_network(self, n_steps: int = 1) -> keras.Model:
        """Compiled; the rate falls over so many steps, if it does."""
        import keras
        import keras_peer

        rate = 1e-3
        if self.schedule == "cosine":
            rate = keras.optimizers.schedules.CosineDecay(rate, n_steps)
        return keras_peer.network(
            *self._read,
            self.units,
            **self._layers,
            quantiles=self.quantiles,
            learning_rate=rate,
        )

    def torch_network(self) -> torch_peer.Network:
        """Its outputs are logits or quantiles."""
        import torch_peer

        n_outputs = max(1, len(self.quantiles))
        n_features = self._read[1]
        return torch_peer.Network(n_features, self.units, n_outputs, **self._layers)

    def torch_trainer(
        self, batch_size: int, n_steps: int, device: str = "cpu"
    ) -> torch_peer.Trainer:
        """With a new network; the rate falls over so many steps, if it does."""
        import torch_peer

        loss = torch_peer.BinaryCrossEntropy()
        if self.quantiles:
            loss = torch_peer.Pinball(self.quantiles)
        n_cosine_steps = n_steps if self.schedule == "cosine" else None
        network = self.torch_network().to(device)
        return torch_peer.Trainer(network, batch_size, loss.to(device), n_cosine_steps)


PLAIN = Problem(n_timesteps=64, n_features=4, units=64)
CAPABILITIES = {
    "plain": PLAIN,
    "pooling": replace(PLAIN, pooling=("last", "mean", "max")),
    "schedule": replace(PLAIN, schedule="cosine"),
    "frames": replace(PLAIN, frame=(8, 4)),
    "embeddings": replace(PLAIN, n_codes=1_000),
    "quantiles": replace(PLAIN, quantiles=(0.1, 0.5, 0.9)),
}
CAPABILITIES["all but frames"] = replace(
    PLAIN,
    pooling=CAPABILITIES["pooling"].pooling,
    schedule=CAPABILITIES["schedule"].schedule,
    n_codes=CAPABILITIES["embeddings"].n_codes,
    quantiles=CAPABILITIES["quantiles"].quantiles,
)


def print_costs(seconds: Mapping[str, Mapping[str, float]], first: str) -> None:
    """A row per capability: what it costs, and against the peers.

    Parameters
    ----------
    seconds : dict of str to dict of str to float
        By capability, "plain" among them, the seconds of every contender.
    first : str
        What is in a row.
    """
    rows = []
    for capability, of in seconds.items():
        ours, torch = of["sklstm"], [t for n, t in of.items() if n.startswith("torch")]
        against = (of.get("keras", np.nan) / ours, min(torch, default=np.nan) / ours)
        cost = f"{ours / seconds['plain']['sklstm']:.2f}"
        rows.append((capability, *(1e3 * t for t in of.values()), cost, *against))
    names = list(seconds["plain"])
    header = [first, *names, "sklstm, of plain", "times keras", "times torch's best"]
    print_table(header, rows)
