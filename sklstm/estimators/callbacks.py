"""scikit-learn's callbacks, told of every epoch; without effect before version 1.9."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sklstm.base.messages import shown
from sklstm.base.sklearn_compat import callback_context
from sklstm.network import Network


def copy_callbacks(callbacks: Any, name: str) -> list[Any]:
    """Copies of Keras' callbacks, which hang the network on those they are given.

    Parameters
    ----------
    callbacks : keras.callbacks.Callback, list of them or None
    name : str
        Of the estimator, for messages.

    Raises
    ------
    ValueError
        If they are none, or `BackupAndRestore` is among them.
    """
    callbacks = [] if callbacks is None else callbacks
    if not isinstance(callbacks, (list, tuple)):
        callbacks = [callbacks]
    for callback in callbacks:
        if isinstance(callback, type) or not hasattr(callback, "on_epoch_end"):
            raise ValueError(
                f"The 'callbacks' parameter of {name} must be a "
                "keras.callbacks.Callback, a list of them or None. Got "
                f"{shown(callback)}; give an instance, such as "
                "keras.callbacks.TerminateOnNaN()."
            )
        if type(callback).__name__ == "BackupAndRestore":
            raise ValueError(
                "keras.callbacks.BackupAndRestore does not know the state of "
                f"{name}: training would start again from other parameters. Save the "
                "estimator itself between calls of fit, with warm_start=True and "
                "keep_optimizer_state=True."
            )
    return copy.deepcopy(list(callbacks))


class EpochReporter:
    """Tells an estimator's callbacks where its `fit` is.

    Parameters
    ----------
    estimator : estimator instance
    X, y, sample_weight : as given to `fit`
        Passed on, for callbacks that score.
    epochs : int
        How many there are at most.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any, *, epochs: int
    ) -> None:
        self._fit = callback_context(estimator, epochs)
        self._data = {"estimator": estimator, "X": X, "y": y}
        if sample_weight is not None:
            self._data["metadata"] = {"sample_weight": sample_weight}
        self._epoch: Any = None
        if self._fit is not None:
            self._fit.call_on_fit_task_begin(**self._data)

    def begin_epoch(self) -> None:
        """An epoch begins."""
        if self._fit is not None:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(**self._data)

    def end_epoch(self, network: Callable[[], Network]) -> bool:
        """An epoch has ended; gives whether a callback asks to stop.

        Parameters
        ----------
        network : callable
            Gives the network after this epoch; called if a callback wants an estimator
            that predicts with it.
        """
        if self._epoch is None:
            return False
        return bool(
            self._epoch.call_on_fit_task_end(
                **self._data, reconstruction_attributes=lambda: {"network_": network()}
            )
        )

    def end_fit(self) -> None:
        """The estimator is fitted."""
        if self._fit is not None:
            self._fit.call_on_fit_task_end(**self._data, reconstruction_attributes={})


@contextmanager
def inner_fit(outer: Any, inner: Any, X: Any, y: Any) -> Iterator[None]:
    """The fit of a meta-estimator, around that of its only inner estimator.

    Parameters
    ----------
    outer, inner : estimator instance
    X, y : as given to `outer`
    """
    fit = callback_context(outer, 1)
    if fit is None:
        yield
        return
    data = {"estimator": outer, "X": X, "y": y}
    fit.call_on_fit_task_begin(**data)
    task = fit.subcontext(task_name="fit-on-windows")
    with task.propagate_callback_context(inner):
        task.call_on_fit_task_begin(**data)
        yield
        task.call_on_fit_task_end(**data)
    fit.call_on_fit_task_end(**data)
