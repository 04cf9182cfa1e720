"""The state of what is fitted: plain arrays and types, examined when it is loaded."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklstm.base.checksum import Checksum, ObjectChecksum
from sklstm.base.messages import listed, shown, unquoted
from sklstm.base.parameters import unchanged_on_error

# Raised when older versions could not read what is written, or would misread it.
# 1: the networks alone have a header, and the checksum is in it.
# 2: everything has one, and parameters and the objects of others are checked as well.
FORMAT = 2

# What `skops.io.load` has to be told to trust, beside what it trusts of NumPy and
# scikit-learn: the public classes, by the modules in which they are defined.
TRUSTED_TYPES = [
    "sklstm.estimators.classifier.BiLSTMClassifier",
    "sklstm.estimators.regressor.BiLSTMRegressor",
    "sklstm.estimators.timestep.BiLSTMTimestepClassifier",
    "sklstm.estimators.timestep.BiLSTMTimestepRegressor",
    "sklstm.estimators.windowed_ensemble.WindowedEnsemble",
    "sklstm.metrics.PinballScorer",
    "sklstm.metrics.TimestepScorer",
    "sklstm.preprocessing.differencer.SequenceDifferencer",
    "sklstm.preprocessing.framer.SequenceFramer",
    "sklstm.preprocessing.imputer.SequenceImputer",
    "sklstm.preprocessing.padder.SequencePadder",
    "sklstm.preprocessing.reshaper.SequenceReshaper",
    "sklstm.preprocessing.scaler.SequenceScaler",
    "sklstm.preprocessing.tokenizer.SequenceTokenizer",
    "sklstm.preprocessing.sliding_windows.SlidingWindows",
]

# Two entries, so that a file in which one of them lost its name is not taken for one
# of version 0.1, where transformers had neither.
_HEADER = "_saved_by_sklstm"
_CHECKSUM = "_checksum_of_sklstm"

_DAMAGED = (AttributeError, TypeError, ValueError, LookupError, ArithmeticError)


class SavedState:
    """Mixin of everything that is fitted: how it is saved, loaded and copied."""

    #: The attribute without which nothing can be predicted or transformed.
    _learnt: ClassVar[str]

    #: Attributes that follow from others, and are not saved.
    _derived: ClassVar[frozenset[str]] = frozenset()

    #: Parameters from which what is fitted follows: it goes by what they were in `fit`.
    _shaping: ClassVar[tuple[str, ...]] = ()

    _shaped_by: dict[str, Any]

    # -- what a subclass defines ----------------------------------------------------

    def _pack(self, state: dict[str, Any]) -> dict[str, Any]:
        """The attributes as arrays and plain types; `state` may be changed."""
        return state

    def _unpack(self, state: dict[str, Any]) -> dict[str, Any]:
        """The inverse of `_pack`."""
        return state

    def _contradictions(self) -> Iterator[str]:
        """What fitted attributes say against each other.

        Only the first is asked for, so each may rely on those before it. Parameters
        have no part in it: users may set them after `fit`. A size that is fitted
        follows from what `fit` saw, or from what a parameter was then.
        """
        yield from ()

    def _derive(self) -> None:
        """Set the derived attributes."""

    def _keep_parameters(self) -> None:
        """Keep, in `fit`, what the shaping parameters are."""
        self._shaped_by = {name: getattr(self, name) for name in self._shaping}

    # -- Python's protocol ----------------------------------------------------------

    def __copy__(self) -> Self:
        # Not by way of the saved state: scikit-learn's callbacks copy an estimator
        # while it is being fitted.
        copied = type(self).__new__(type(self))
        copied.__dict__.update(self.__dict__)
        return copied

    def __getstate__(self) -> dict[str, Any]:
        # Now is the time to say so: in the file it could not be mended.
        _refuse_contradictions(self, "fitted")
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]
        kept = {k: value for k, value in state.items() if k not in self._derived}
        return _sealed(self._pack(kept), type(self)._get_param_names())  # type: ignore[attr-defined]

    def __setstate__(self, state: dict[str, Any]) -> None:
        name = type(self).__name__
        unsealed = _unsealed(state, name)
        with unchanged_on_error(self):
            try:
                attributes = self._unpack(unsealed)
            except _DAMAGED as error:
                raise _incomplete(name, shown(error)) from error
            super().__setstate__(_defaults(type(self)) | attributes)  # type: ignore[misc]
            if self._shaping and _is_fitted(self) and "_shaped_by" not in attributes:
                self._keep_parameters()  # a version did not keep them
            _refuse_contradictions(self, "saved")
            if _is_fitted(self):
                self._derive()
            elif "n_features_in_" in vars(self):
                raise _incomplete(name, f"it lacks {self._learnt!r}")


def is_count(value: Any) -> bool:
    """Whether it is an integer of at least one."""
    is_int = isinstance(value, Integral) and not isinstance(value, bool)
    return is_int and int(value) >= 1


def is_finite_array(value: Any, dtype: type[Any], shape: tuple[int, ...]) -> bool:
    """Whether it is an array of this dtype and shape, without NaN and infinity."""
    return (
        isinstance(value, np.ndarray)
        and value.dtype == dtype
        and value.shape == shape
        and bool(np.isfinite(value).all())
    )


def input_contradictions(estimator: Any) -> Iterator[str]:
    """Of what `check_sequences` sets."""
    for name in ("n_features_in_", "n_timesteps_in_"):
        if not is_count(value := getattr(estimator, name)):
            yield f"{name}={shown(value)} is no number of {name.split('_')[1]}"
    if not isinstance(on_table := estimator._fitted_on_table, bool):
        yield f"_fitted_on_table={shown(on_table)} is neither True nor False"
    n_features = estimator.n_features_in_
    names = vars(estimator).get("feature_names_in_")
    if names is not None and (
        len(names) != n_features or not all(isinstance(name, str) for name in names)
    ):
        yield (
            f"feature_names_in_={shown(list(names))} are no names of {n_features} "
            "features"
        )


def _is_fitted(estimator: Any) -> bool:
    return type(estimator)._learnt in vars(estimator)


def check_fitted(estimator: Any) -> None:
    """scikit-learn's `check_is_fitted`, which collects all tags before it looks.

    Raises
    ------
    sklearn.exceptions.NotFittedError
    """
    if not _is_fitted(estimator):
        check_is_fitted(estimator)


def _refuse_contradictions(estimator: Any, how: str) -> None:
    try:
        why = next(_all_contradictions(estimator), None)
    except _DAMAGED as error:
        why = f"examining it ends in {shown(error)}"
    if why is None:
        return
    if how == "saved":
        advice = (
            "sklstm did not save it like this: get the file from where it was made, or "
            "fit and save again."
        )
    else:
        advice = (
            "Nothing could load it again: put back what was changed, or call fit again."
        )
    name = type(estimator).__name__
    raise ValueError(f"The {how} {name} contradicts itself: {why}. {advice}")


def _all_contradictions(estimator: Any) -> Iterator[str]:
    attributes = vars(estimator).keys() - set(type(estimator)._get_param_names())
    for base in type(estimator).__mro__:
        if base.__module__.partition(".")[0] in ("sklstm", "sklearn"):
            for name in attributes & vars(base).keys():
                yield f"it has an attribute {shown(name)}, which belongs to the class"
    if _is_fitted(estimator):
        yield from estimator._contradictions()


def _defaults(cls: type) -> dict[str, Any]:
    """The constructor's defaults: for parameters that came after a file was saved."""
    parameters = inspect.signature(cls).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def _incomplete(name: str, why: str) -> ValueError:
    return ValueError(
        f"The saved {name} is incomplete: {why}. Copy the file again from the "
        "original, or save the model again."
    )


# -- the header --------------------------------------------------------------------


def _sealed(state: dict[str, Any], parameters: list[str]) -> dict[str, Any]:
    """A state with a header that lists what it holds, and with its checksums."""
    from sklstm import __version__

    header = {
        "format": FORMAT,
        "version": __version__,
        "attributes": sorted(set(state) - set(parameters)),
        "parameters": sorted(set(state) & set(parameters)),
    }
    checksums, packages = _checksums(state, header)
    header["packages"] = packages
    return state | {_HEADER: header, _CHECKSUM: checksums}


def _unsealed(saved: dict[str, Any], name: str) -> dict[str, Any]:
    """The state without header and checksums, which are compared.

    Raises
    ------
    ValueError
        If it was written in a newer format, lacks a part, or is not what was saved.
    """
    state = dict(saved)
    header = state.pop(_HEADER, None)
    checksums = state.pop(_CHECKSUM, None)
    if header is None:
        if checksums is not None or "_flat" in state:
            raise _incomplete(name, f"it has no {_HEADER!r}")
        return state  # of a transformer that version 0.1 saved
    try:
        if header["format"] > FORMAT:
            raise ValueError(
                f"The saved {name} has format {shown(header['format'])}, this sklstm "
                f"reads up to {FORMAT}. Load it with sklstm "
                f"{unquoted(header['version'])} or newer."
            )
        names = [*header["attributes"], *header.get("parameters", [])]
        if missing := [key for key in names if key not in state]:
            raise _incomplete(name, f"it lacks {listed(missing)}")
        if checksums is None and header["format"] == 1:
            damage = _damage_by_format_1(state, header)
        else:
            damage = _damage(state, header, checksums)
    except (KeyError, TypeError) as error:
        raise _incomplete(name, f"its header is damaged ({shown(error)})") from error
    if damage:
        raise ValueError(
            f"The saved {name} is damaged: the checksum of {damage} does not match. "
            "Copy the file again from the original, or save the model again."
        )
    return state | {key: _unmapped(state[key]) for key in header["attributes"]}


def _damage(
    state: dict[str, Any], header: dict[str, Any], expected: dict[str, int]
) -> str | None:
    """What is not as it was saved, in words; None if all is."""
    found, _ = _checksums(state, header)
    if found["own"] != expected["own"]:
        return "its weights, other fitted attributes and parameters"
    # Another version of a package may load its objects otherwise; scikit-learn warns.
    packages = header["packages"]
    same = packages == {name: _version(name) for name in packages}
    if same and found["others"] != expected["others"]:
        return f"what it holds of {', '.join(map(unquoted, sorted(packages)))}"
    return None


def _damage_by_format_1(state: dict[str, Any], header: dict[str, Any]) -> str | None:
    checksum = Checksum()
    for name in header["attributes"]:
        checksum.add(name)
        checksum.add(state[name])
    same = checksum.value == header["checksum"]
    return None if same else "its weights and other fitted attributes"


def _checksums(
    state: dict[str, Any], header: dict[str, Any]
) -> tuple[dict[str, int], dict[str, str | None]]:
    """Checksums of a state, and the versions of packages whose objects it holds.

    "own" is of the header, of parameters and of attributes; "others" of what is inside
    the objects among the attributes. Parameters that are objects predict nothing.
    """
    own, others = Checksum(), ObjectChecksum()
    own.add([header[key] for key in ("format", "version", "attributes", "parameters")])
    own.add([state[name] for name in header["parameters"]])
    own.objects = others
    own.add([state[name] for name in header["attributes"]])
    packages = {name: _version(name) for name in sorted(others.packages)}
    return {"own": own.value, "others": others.value}, packages


def _version(package: str) -> str | None:
    version = getattr(sys.modules.get(package), "__version__", None)
    return version if isinstance(version, str) else None


def _unmapped(value: Any) -> Any:
    """Arrays that joblib mapped into memory as plain views of the same memory.

    Copies and files of them would hold a type of their own, which skops does not trust.
    """
    if isinstance(value, np.memmap):
        return np.asarray(value)
    if isinstance(value, dict):
        return {key: _unmapped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unmapped(item) for item in value]
    return value


def check_copied_whole(optimizer: Any) -> None:
    """Refuse an optimizer of which a copy would be another.

    Keras copies what `get_config` gives, whoever asks for the copy.

    Parameters
    ----------
    optimizer : str or keras.optimizers.Optimizer
        Or anything else: what is no optimizer is not refused here.

    Raises
    ------
    ValueError
        If it belongs to another network, spares parameters from weight decay, or has a
        method of its own.
    """
    kind = type(optimizer)
    name = kind.__name__
    if getattr(optimizer, "built", False):
        raise ValueError(
            f"The optimizer {name} has been used to train another network, to which "
            "its moments and count of steps belong. Give a new one, as "
            f"{name}.from_config(optimizer.get_config()) makes it."
        )
    spared = ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern")
    if any(getattr(optimizer, attribute, None) for attribute in spared):
        raise ValueError(
            f"{name}.exclude_from_weight_decay(...) is not supported: copies of the "
            "optimizer, such as those that are trained with, do not keep it. Give one "
            "that spares nothing (its weight_decay is then for all parameters, biases "
            "too), or has no weight_decay."
        )
    attributes = getattr(optimizer, "__dict__", {})
    own = [key for key in attributes if callable(getattr(kind, key, None))]
    if own:
        raise ValueError(
            f"The optimizer {name} has {', '.join(own)} of its own, in place of the "
            "method of its class: copies of the optimizer, such as those that are "
            "trained with, do not keep it. Give an optimizer as Keras makes it."
        )
