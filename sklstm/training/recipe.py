"""How a network is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.training.optimizers import OptimizerSpec
from sklstm.training.program import Rates


@dataclass(frozen=True)
class Recipe:
    """All that training is told, apart from the network and the data.

    Parameters
    ----------
    loss : str
    optimizer : OptimizerSpec
    learning_rate : float or None
        The peak. None leaves it to the optimizer's own schedule.
    schedule : {"constant", "cosine", "one_cycle"}
        Over all steps of this call.
    gives_way : bool
        Whether a callback that sets the rate ends the schedule, and is no error.
    clipnorm : float or None
        Largest norm of the gradient of all parameters together.
    dropout, recurrent_dropout : float
    epochs, batch_size : int
    shuffle : bool
    patience : int or None
        Epochs without a better validation loss before training stops and the best
        parameters are restored; None never stops.
    verbose : {0, 1, 2}
    """

    loss: str
    optimizer: OptimizerSpec
    learning_rate: float | None
    schedule: str
    gives_way: bool
    clipnorm: float | None
    dropout: float
    recurrent_dropout: float
    epochs: int
    batch_size: int
    shuffle: bool
    patience: int | None
    verbose: int

    @property
    def rates(self) -> Rates:
        clipnorm = float("inf") if self.clipnorm is None else self.clipnorm
        return Rates(self.dropout, self.recurrent_dropout, clipnorm)


@dataclass(frozen=True, eq=False)
class Start:
    """From where training goes on.

    Parameters
    ----------
    parameters : ndarray of shape (n_parameters,)
    rng : numpy.random.Generator
        For the order of samples and for dropout.
    epoch : int, default=0
        How many epochs were run before; callbacks count on from there.
    optimizer_state : list of ndarray, default=None
        None starts afresh.
    """

    parameters: NDArray[np.float32]
    rng: np.random.Generator
    epoch: int = 0
    optimizer_state: list[NDArray[Any]] | None = None
