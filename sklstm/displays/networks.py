"""The networks whose training is compared: where they are, and what to call them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.pipeline import Pipeline

# They change nothing that a reader wants to tell estimators apart by.
NOT_NAMED = {"random_state", "verbose", "callbacks", "warm_start"}


def find_network(estimator: Any) -> Any:
    """The estimator with a `history_`, in a pipeline, a search or an ensemble.

    Raises
    ------
    ValueError
        If there is none.
    """
    found = estimator
    while not isinstance(getattr(found, "history_", None), Mapping):
        if isinstance(found, Pipeline):
            found = found[-1]
            continue
        for attribute in ("best_estimator_", "estimator_", "regressor_"):
            if hasattr(found, attribute):
                found = getattr(found, attribute)
                break
        else:
            raise ValueError(
                f"{type(estimator).__name__} has no history_. Give a fitted estimator "
                "of sklstm, a pipeline that ends in one, or a search with refit=True."
            )
    return found


def names_of(networks: Sequence[Any]) -> list[str]:
    """Short names: the class if it differs, and the parameters that do."""
    kinds = [type(network).__name__ for network in networks]
    params = [network.get_params(deep=False) for network in networks]
    shared = set.intersection(*map(set, params)) - NOT_NAMED if params else set()
    varied = [
        key
        for key in (params[0] if params else ())
        if key in shared and len({repr(given[key]) for given in params}) > 1
    ]
    names = []
    for kind, given in zip(kinds, params, strict=True):
        parts = [f"{key}={given[key]!r}" for key in varied]
        if len(set(kinds)) > 1 or not parts:
            parts.insert(0, kind)
        names.append(", ".join(parts))
    return [
        name if names.count(name) == 1 else f"{name} ({names[: k + 1].count(name)})"
        for k, name in enumerate(names)
    ]
