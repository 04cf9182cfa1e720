"""Labels: what may stand in y, the codec that is learnt from it, weights by class."""

from __future__ import annotations

import reprlib
from numbers import Real
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import column_or_1d

from sklstm.base.messages import labels_shown, said, shown
from sklstm.base.parameters import warn_caller
from sklstm.sequences.containers import plain
from sklstm.targets.checks import check_target, warn_of_several_labels
from sklstm.targets.codecs import Indicators, Labels
from sklstm.targets.training_set import relative_weights


def check_labels(
    estimator: BaseEstimator, y: object, *, regressor: str
) -> NDArray[Any]:
    """Rows of y that are labels or indicators.

    Parameters
    ----------
    estimator : estimator instance
    y : array-like of shape (n_rows,) or (n_rows, n_columns)
    regressor : str
        The class for y that is numbers, for messages.

    Raises
    ------
    ValueError
        As :func:`~sklstm.targets.checks.check_target`, and if y holds numbers that are
        no labels or labels that cannot be sorted.
    """
    y = check_target(estimator, y)
    try:
        with np.errstate(invalid="ignore"):  # numbers beyond all integers
            kind = type_of_target(y)
    except TypeError:  # labels that cannot be sorted
        kind = "unknown"
    if kind.startswith("continuous"):
        fractions = y[y % 1 != 0]
        example = (fractions if fractions.size else y).flat[0]
        raise ValueError(
            f"Unknown label type: {kind}. y holds numbers that are no labels, such as "
            f"{example}. To predict numbers use {regressor}; to predict classes make y "
            "integers or text."
        )
    if kind == "unknown":
        _refuse_objects(y)
    return y


def _refuse_objects(y: NDArray[Any]) -> NoReturn:
    """Say what is wrong with labels that scikit-learn cannot tell the type of."""
    types = {type(label) for label in y.ravel()}
    what = (
        f"Unknown label type: unknown. y holds values of type "
        f"{', '.join(sorted(found.__name__ for found in types))}"
    )
    if all(issubclass(found, (Real, np.bool_)) for found in types):
        dtype = np.asarray(y.tolist()).dtype.kind
        name = {"b": "bool", "f": "float"}.get(dtype, "int")
        raise ValueError(
            f"{what} as objects (dtype {y.dtype}), which scikit-learn takes for labels "
            f"only if they are text. Use y.astype({name})."
        )
    raise ValueError(
        f"{what}. Make all labels integers or all text, for example with y.astype(str)."
    )


def learn_labels(
    y: NDArray[Any],
    classes: object,
    name: str,
    *,
    n_timesteps: int | None,
    in_parts: bool,
) -> Labels | Indicators:
    """The codec for labels.

    Parameters
    ----------
    y : ndarray of shape (n_rows,) or (n_rows, n_columns)
    classes : array-like of shape (n_classes,) or None
        None takes those of y.
    name : str
        Of the estimator, for messages.
    n_timesteps : int or None
        Of X; None if the rows of y are timesteps themselves.
    in_parts : bool
        Whether y is only a part, so that `classes` must be given.

    Raises
    ------
    ValueError
        If there are several columns of labels, fewer than two classes, or no
        `classes` where they must be given.
    """
    kind = type_of_target(y)
    if kind == "multiclass-multioutput":
        raise ValueError(
            f"y has {y.shape[1]} columns of more than two classes each. Give one "
            "column of labels, an indicator matrix of zeros and ones for several "
            "labels, or fit one classifier per column with "
            "sklearn.multioutput.MultiOutputClassifier."
        )
    if kind == "multilabel-indicator":
        warn_of_several_labels(y, n_timesteps)
        return Indicators(y.shape[1])
    if in_parts and classes is None:
        raise ValueError(
            "The first call of partial_fit needs classes: all labels that will ever "
            "come, for example classes=np.unique(y_all)."
        )
    if classes is None:
        known = np.unique(y)
        warn_of_many_classes(len(known), len(y), name)
    else:
        known = _unique_labels(classes)
    if len(known) < 2:
        raise ValueError(
            f"There is only one class, {shown(known.tolist()[0])}, but {name} needs "
            "samples "
            "of at least two (those of sample weight zero do not count). Give it "
            "samples of another class too; StratifiedKFold keeps every class in every "
            "fold."
        )
    return Labels(known)


def are_many_classes(n_classes: int, n_rows: int) -> bool:
    """Whether scikit-learn would take labels for numbers to predict."""
    return n_rows > 20 and n_classes > round(0.5 * n_rows)


def warn_of_many_classes(n_classes: int, n_rows: int, name: str) -> None:
    """Say that labels may be numbers to predict, in scikit-learn's first words.

    Parameters
    ----------
    n_classes : int
    n_rows : int
        Of y.
    name : str
        Of the estimator.
    """
    if not are_many_classes(n_classes, n_rows):
        return
    regressor = name.replace("Classifier", "Regressor")
    instead = f" with {regressor}" if regressor != name else ""
    warn_caller(
        "The number of unique classes is greater than 50% of the number of samples: "
        f"{name} takes the {n_rows} values of y for labels, of which {n_classes} "
        "differ. If y holds quantities, this is a regression problem; predict numbers"
        f"{instead}.",
        UserWarning,
    )


def check_known_classes(classes: object, known: NDArray[Any]) -> None:
    """Require the classes of the first call of `partial_fit` in all later ones."""
    if not np.array_equal(_unique_labels(classes), known):
        raise ValueError(
            f"classes={shown(classes)} is not the same as in the first call of "
            f"partial_fit: {labels_shown(known)}. Give the same classes, or none."
        )


def balanced_weights(y: NDArray[Any]) -> Any:
    """What ``class_weight="balanced"`` is for these labels.

    Parameters
    ----------
    y : ndarray of shape (n_rows,) or (n_rows, n_labels)

    Returns
    -------
    dict from label to weight, or list of such dicts, one per column
    """
    columns = []
    for column in y.reshape(len(y), -1).T:
        labels = np.unique(column)
        weights = compute_class_weight("balanced", classes=labels, y=column)
        columns.append(dict(zip(labels, weights, strict=True)))
    return columns[0] if y.ndim == 1 else columns


def weights_by_class(
    class_weight: object,
    y: NDArray[Any],
    weights: NDArray[np.float64] | None,
    codec: Labels | Indicators,
) -> NDArray[np.float64] | None:
    """The weights of rows of y times those of their classes.

    Rows need not have all classes: `class_weight` is read for those of the codec.

    Raises
    ------
    ValueError
        If `class_weight` does not go with y.
    """
    if class_weight is None:
        return weights
    try:
        by_class = _weights_of_rows(class_weight, y, codec)
        if not (np.isfinite(by_class) & (by_class >= 0)).all():
            raise ValueError("a weight is negative, infinite or no number")
    except (TypeError, ValueError, LookupError) as error:
        raise ValueError(
            f"class_weight={shown(class_weight)} does not go with y ({said(error)}). "
            "Give "
            '"balanced" or a dict from label to a weight that is not negative, or for '
            "a multilabel y a list of such dicts, one per label."
        ) from error
    return by_class if weights is None else by_class * relative_weights(weights)


def _weights_of_rows(
    class_weight: object, y: NDArray[Any], codec: Labels | Indicators
) -> NDArray[np.float64]:
    """The weight of the class of every row; of several labels, the product."""
    if isinstance(class_weight, str):
        class_weight = balanced_weights(y)
    rows = np.ones(len(y))
    if isinstance(codec, Labels):
        by_class = _weights_of_classes(class_weight, codec.classes)
        if y.ndim == 1 and np.isin(y, codec.classes).all():  # or `encode` refuses them
            rows = by_class[np.searchsorted(codec.classes, y)]
        return rows
    if not isinstance(class_weight, list) or len(class_weight) != codec.n_labels:
        raise ValueError(f"y has {codec.n_labels} labels, each with two classes")
    by_label = [_weights_of_classes(given, np.arange(2)) for given in class_weight]
    if y.shape[1:] == (codec.n_labels,):
        for column, by_class in zip(y.T, by_label, strict=True):
            rows *= by_class[column.astype(np.intp)]
    return rows


def _weights_of_classes(
    class_weight: object, classes: NDArray[Any]
) -> NDArray[np.float64]:
    """A weight for each class, 1 for those that are not named.

    As in scikit-learn, a name that is no class is a mistake only where a class has no
    weight: a fold may lack a class.

    Raises
    ------
    ValueError
        If it is one.
    """
    if not isinstance(class_weight, dict):
        raise ValueError(f"{shown(class_weight)} is no dict")
    known = list(classes)
    unknown = [name for name in class_weight if name not in set(known)]
    unnamed = [label for label in known if label not in class_weight]
    if unknown and unnamed:
        raise ValueError(
            f"it names {_listed(unknown)}, which is not among the classes of y: "
            f"{_listed(known)}; {_listed(unnamed)} would have no weight"
        )
    given = [class_weight.get(label, 1.0) for label in known]
    return np.array(given, dtype=np.float64)


def _listed(labels: list[Any]) -> str:
    """The first labels, for a message."""
    plain = [getattr(label, "item", lambda label=label: label)() for label in labels]
    return ", ".join(map(reprlib.repr, plain[:8])) + ", ..." * (len(plain) > 8)


def _unique_labels(classes: object) -> NDArray[Any]:
    """The sorted labels of partial_fit's argument."""
    try:
        labels: NDArray[Any] = np.unique(
            column_or_1d(plain(classes, "classes", "partial_fit"))
        )
        if not len(labels):
            raise ValueError("it is empty")
        return labels
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"classes={shown(classes)} is no list of labels ({said(error)}). Give a 1D "
            "array of all labels, all integers or all text."
        ) from error
