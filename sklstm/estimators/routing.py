"""What a meta-estimator hands to the `fit` of the one inside, and by which name."""

from __future__ import annotations

from typing import Any, NoReturn

from sklearn import get_config
from sklearn.utils.validation import has_fit_parameter

from sklstm.estimators.base import BaseBiLSTM


def early_stopping_of(estimator: Any) -> str | None:
    """The parameter of an estimator, or pipeline, whose early stopping knows groups."""
    from sklearn.pipeline import Pipeline

    if isinstance(estimator, BaseBiLSTM):
        return "early_stopping"
    if isinstance(estimator, Pipeline) and isinstance(estimator[-1], BaseBiLSTM):
        return f"{estimator.steps[-1][0]}__early_stopping"
    return None


def sets_groups_aside(estimator: Any) -> bool:
    """Whether it sets samples aside and is to be told which belong together."""
    name = early_stopping_of(estimator)
    return name is not None and bool(estimator.get_params()[name])


def routed(estimator: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Those that are not None, under the names by which `fit` takes them.

    Raises
    ------
    ValueError
        If it does not take one.
    """
    from sklearn.pipeline import Pipeline

    is_pipeline = isinstance(estimator, Pipeline)
    routing = is_pipeline and get_config()["enable_metadata_routing"]
    names = {}
    for name in params:
        if routing or has_fit_parameter(estimator, name):
            names[name] = name
        # What is validated has to go through the transformers.
        elif is_pipeline and not name.endswith("_val"):
            step, last = estimator.steps[-1]
            if has_fit_parameter(last, name):
                names[name] = f"{step}__{name}"
    given = {name: value for name, value in params.items() if value is not None}
    for name in given:
        if name not in names:
            _refuse(estimator, name)
    return {names[name]: value for name, value in given.items()}


def _refuse(estimator: Any, name: str) -> NoReturn:
    message = f"{type(estimator).__name__}.fit takes no {name}, but "
    if name == "sample_weight":
        raise ValueError(
            f"{message}the windows need weights for every sequence to count as much as "
            "it should: the sequences have unequal numbers of windows, or "
            "sample_weight was given. Choose an estimator that takes it."
        )
    raise ValueError(
        f"{message}validation data were given. Choose an estimator that takes them; a "
        'pipeline does with transform_input=["X_val"], metadata routing, and '
        "set_fit_request(X_val=True, y_val=True) of its last step."
    )
