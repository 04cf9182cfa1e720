"""The same network in torch, as a skorch user writes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence


class Network(nn.Module):
    """Bidirectional LSTM and a linear layer: logits of shape (n_rows, n_outputs).

    Other poolings than of the last states are of concatenated ones, without lengths.
    `vectors`: rows and columns of the table of vectors that stand for codes.
    """

    def __init__(
        self,
        n_features: int,
        units: int,
        n_outputs: int = 1,
        merge_mode: str = "concat",
        *,
        pooling: Sequence[str] = ("last",),
        vectors: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.merge_mode = merge_mode
        self.pooling = pooling
        if vectors:
            self.embedding = nn.Embedding(*vectors)
            n_features += vectors[1]
        self.lstm = nn.LSTM(n_features, units, batch_first=True, bidirectional=True)
        merged = 2 * units if merge_mode == "concat" else units
        self.dense = nn.Linear(merged * len(pooling), n_outputs)

    def forward(
        self, x: Tensor, lengths: Tensor | None = None, codes: Tensor | None = None
    ) -> Tensor:
        if codes is not None:
            x = torch.cat([x, self.embedding(codes)], dim=2)
        if lengths is not None:
            x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        states, (h, _) = self.lstm(x)
        pooled = []
        for name in self.pooling:
            match name:
                case "last":
                    pooled.append(self._merged(h))
                case "mean":
                    pooled.append(states.mean(dim=1))
                case "max":
                    pooled.append(states.amax(dim=1))
        return self.dense(torch.cat(pooled, dim=1) if len(pooled) > 1 else pooled[0])

    def _merged(self, h: Tensor) -> Tensor:
        match self.merge_mode:
            case "concat":
                return torch.cat([h[0], h[1]], dim=1)
            case "sum":
                return h[0] + h[1]
            case "mul":
                return h[0] * h[1]
            case _:
                return (h[0] + h[1]) / 2


def load_keras_weights(network: Network, weights: Sequence[np.ndarray]) -> None:
    """Copy weights in Keras' order; the gate orders agree, torch has a second bias."""
    *table, kernel, bias = weights[:-8] + weights[-2:]
    with torch.no_grad():
        for vectors in table:
            network.embedding.weight.copy_(torch.from_numpy(vectors))
        network.dense.weight.copy_(torch.from_numpy(kernel.T))
        network.dense.bias.copy_(torch.from_numpy(bias))
        for suffix, (kernel, recurrent, bias) in zip(
            ("", "_reverse"), (weights[-8:-5], weights[-5:-2]), strict=True
        ):
            lstm = network.lstm
            getattr(lstm, f"weight_ih_l0{suffix}").copy_(torch.from_numpy(kernel.T))
            getattr(lstm, f"weight_hh_l0{suffix}").copy_(torch.from_numpy(recurrent.T))
            getattr(lstm, f"bias_ih_l0{suffix}").copy_(torch.from_numpy(bias))
            getattr(lstm, f"bias_hh_l0{suffix}").zero_()


class BinaryCrossEntropy(nn.BCEWithLogitsLoss):
    """Of one output."""

    def forward(self, outputs: Tensor, y: Tensor) -> Tensor:
        return super().forward(outputs[:, 0], y)


class Pinball(nn.Module):
    """The loss of quantiles of one target, an output each."""

    def __init__(self, quantiles: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("levels", torch.tensor(quantiles))

    def forward(self, outputs: Tensor, y: Tensor) -> Tensor:
        above = y[:, None] - outputs
        return torch.maximum(self.levels * above, (self.levels - 1) * above).mean()


class Trainer:
    """A plain training loop with Adam, at a constant rate or along a cosine.

    Batches are rows picked by a random permutation, which is faster than a
    DataLoader; sequences are packed when their lengths are given.
    """

    def __init__(
        self,
        network: Network,
        batch_size: int,
        loss: nn.Module | None = None,
        n_cosine_steps: int | None = None,
    ) -> None:
        self.network = network
        self.batch_size = batch_size
        self.optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
        self.loss = loss or BinaryCrossEntropy()
        self.schedule = None
        if n_cosine_steps:
            self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
                self.optimizer, n_cosine_steps
            )

    def epoch(
        self,
        X: Tensor,
        y: Tensor,
        lengths: Tensor | None = None,
        codes: Tensor | None = None,
    ) -> float:
        """Mean loss of one pass over the rows."""
        beside = {"lengths": lengths, "codes": codes}
        losses = []
        for rows in torch.randperm(len(X)).split(self.batch_size):
            self.optimizer.zero_grad(set_to_none=True)
            taken = {n: v[rows] for n, v in beside.items() if v is not None}
            loss = self.loss(self.network(X[rows], **taken), y[rows])
            loss.backward()
            self.optimizer.step()
            if self.schedule:
                self.schedule.step()
            losses.append(loss.item())
        return float(np.mean(losses))
