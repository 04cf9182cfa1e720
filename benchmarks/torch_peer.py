"""The same network in torch, as a skorch user writes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence


class Network(nn.Module):
    """Bidirectional LSTM and a linear layer: logits of shape (n_rows, n_outputs)."""

    def __init__(
        self,
        n_features: int,
        units: int,
        n_outputs: int = 1,
        merge_mode: str = "concat",
    ) -> None:
        super().__init__()
        self.merge_mode = merge_mode
        self.lstm = nn.LSTM(n_features, units, batch_first=True, bidirectional=True)
        merged = 2 * units if merge_mode == "concat" else units
        self.dense = nn.Linear(merged, n_outputs)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        if lengths is not None:
            x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(x)
        match self.merge_mode:
            case "concat":
                merged = torch.cat([h[0], h[1]], dim=1)
            case "sum":
                merged = h[0] + h[1]
            case "mul":
                merged = h[0] * h[1]
            case _:
                merged = (h[0] + h[1]) / 2
        return self.dense(merged)


def load_keras_weights(network: Network, weights: Sequence[np.ndarray]) -> None:
    """Copy weights in Keras' order; the gate orders agree, torch has a second bias."""
    with torch.no_grad():
        for suffix, (kernel, recurrent, bias) in zip(
            ("", "_reverse"), (weights[:3], weights[3:6]), strict=True
        ):
            lstm = network.lstm
            getattr(lstm, f"weight_ih_l0{suffix}").copy_(torch.from_numpy(kernel.T))
            getattr(lstm, f"weight_hh_l0{suffix}").copy_(torch.from_numpy(recurrent.T))
            getattr(lstm, f"bias_ih_l0{suffix}").copy_(torch.from_numpy(bias))
            getattr(lstm, f"bias_hh_l0{suffix}").zero_()
        network.dense.weight.copy_(torch.from_numpy(weights[6].T))
        network.dense.bias.copy_(torch.from_numpy(weights[7]))


class Trainer:
    """A plain training loop with Adam and binary cross-entropy.

    Batches are rows picked by a random permutation, which is faster than a
    DataLoader; sequences are packed when their lengths are given.
    """

    def __init__(self, network: Network, batch_size: int) -> None:
        self.network = network
        self.batch_size = batch_size
        self.optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
        self.loss = nn.BCEWithLogitsLoss()

    def epoch(self, X: Tensor, y: Tensor, lengths: Tensor | None = None) -> float:
        """Mean loss of one pass over the rows."""
        losses = []
        for rows in torch.randperm(len(X)).split(self.batch_size):
            self.optimizer.zero_grad(set_to_none=True)
            valid = None if lengths is None else lengths[rows]
            loss = self.loss(self.network(X[rows], valid)[:, 0], y[rows])
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
        return float(np.mean(losses))
