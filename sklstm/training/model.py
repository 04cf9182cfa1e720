"""The network that trains as callbacks of Keras see it: as `to_keras` would give it."""

from __future__ import annotations

from typing import Any, NoReturn, Protocol

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sklstm.network import Architecture, Network
from sklstm.network.architecture import split_parameters
from sklstm.sequences.batch import SequenceBatch
from sklstm.sequences.codes import Codes
from sklstm.targets import Codec, TrainingSet
from sklstm.training.layers import keras_layers

# What callbacks may ask of the network that trains itself: how it is compiled, and how
# training goes on.
_OF_TRAINING = frozenset(
    {
        "built",
        "compile",
        "compiled",
        "history",
        "jit_compile",
        "loss",
        "metrics",
        "metrics_names",
        "optimizer",
        "parameters",
        "run_eagerly",
        "stop_training",
        "trainable",
    }
)

# What would train it, or trace graphs of it.
_REFUSED = frozenset(
    {
        "train_on_batch",
        "train_step",
        "test_step",
        "predict_step",
        "make_train_function",
        "make_test_function",
        "make_predict_function",
        "stateless_call",
    }
)

# What a network of layers has beside what `keras.Model` says that it has.
_OF_LAYERS = frozenset(
    {
        "input_names",
        "input_shape",
        "inputs",
        "name",
        "output_names",
        "output_shape",
        "outputs",
    }
)


class Reader(Protocol):
    """Reads what a callback gives, as the estimator reads what `fit` is given."""

    @property
    def codec(self) -> Codec:
        """Of the targets."""

    def sequences(self, X: Any) -> SequenceBatch:
        """X, checked."""

    def training_set(self, X: Any, y: Any, sample_weight: Any) -> TrainingSet:
        """X and y, checked and encoded."""


class ModelInTraining:
    """What is `self.model` in a callback.

    The network that trains serves any size, and its parameters are one vector. Here
    they have the shapes and units that they have in the network of `to_keras`, whatever
    else is asked of a network of Keras is answered by such a network, made when first
    needed, and what is written to its weights is taken over.

    Parameters
    ----------
    network : EpochNetwork
        The one that trains.
    architecture : Architecture
    codes : tuple of ndarray of shape (n_codes,), int64
    reader : Reader
    """

    #: TensorBoard looks for a graph here; ours is none of Keras' making.
    train_function = None

    def __init__(
        self,
        network: keras.Model,
        architecture: Architecture,
        codes: Codes,
        reader: Reader,
    ) -> None:
        # Not by assignment, which is for callbacks.
        vars(self).update(
            _network=network,
            _architecture=architecture,
            _codes=codes,
            _reader=reader,
            _layers=None,
            _trains=False,
        )

    def fit(self, x: TrainingSet, y: Any = None, **settings: Any) -> Any:
        """Train the network: asked once, by scikeras, and never by callbacks."""
        if self._trains:
            _refuse_in_callback("fit")
        vars(self).update(_trains=True)
        return self.training.fit(x, shown=self, **settings)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> NDArray[np.float64]:
        """What the network of `to_keras` would give for X as `predict` takes it.

        Parameters
        ----------
        x : array-like, data frame or list of sequences
        batch_size, verbose
            Without effect.
        steps, callbacks : None

        Returns
        -------
        ndarray of shape (n_samples, n_outputs) or (n_samples, n_timesteps, n_outputs)
            Probabilities, one column for two classes, or targets in their units. NaN at
            padded timesteps.
        """
        _refuse_given("predict", steps=steps, callbacks=callbacks)
        sequences = self._reader.sequences(_as_numpy(x))
        scale, mean = self._units
        rows = self.as_network()(sequences) * scale + mean
        return sequences.place(rows) if self._architecture.every_step else rows

    def predict_on_batch(self, x: Any) -> NDArray[np.float64]:
        """The same."""
        return self.predict(x)

    def __call__(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        """The same as a tensor; of a tensor without padding, by the layers of Keras."""
        if training:
            raise NotImplementedError(
                "self.model(X, training=True) is not available: the network that is "
                "called here has no dropout. Call self.model(X)."
            )
        _refuse_given("__call__", mask=mask)
        if isinstance(inputs, keras.KerasTensor) or tf.is_symbolic_tensor(inputs):
            raise NotImplementedError(
                "self.model is no part of another network or graph: its weights are "
                "those of this moment. Use to_keras() of the fitted estimator."
            )
        if tf.is_tensor(inputs) and not np.isnan(inputs.numpy()).any():
            return self.as_keras()(inputs)  # gradients come through
        return tf.constant(self.predict(inputs), tf.float32)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss, and the accuracy of a classifier, on X and y as `fit` takes them.

        Those that `val_loss` and `val_accuracy` would be, class weights included.

        Parameters
        ----------
        x, y, sample_weight : as in `fit`
        batch_size, verbose
            Without effect.
        steps, callbacks : None
        return_dict : bool, default=False

        Returns
        -------
        float, list of float, or dict of str to float
        """
        _refuse_given("evaluate", steps=steps, callbacks=callbacks)
        data = self._reader.training_set(_as_numpy(x), _as_numpy(y), sample_weight)
        logs: dict[str, float] = self.training.evaluated(data)
        if return_dict:
            return logs
        return logs["loss"] if len(logs) == 1 else list(logs.values())

    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """The same."""
        return self.evaluate(x, y, sample_weight=sample_weight, return_dict=return_dict)

    def count_params(self) -> int:
        """Of the architecture, not of the vector that trains."""
        return self._architecture.n_parameters

    def get_weights(self) -> list[NDArray[Any]]:
        """Arrays that the network of `to_keras` takes, in its order."""
        named = split_parameters(self.training.parameters, self._architecture)
        return list(self._reader.codec.in_units_of_y(named).values())

    def set_weights(self, weights: list[Any]) -> None:
        """Write such arrays."""
        shapes = self._architecture.shapes
        arrays = [np.asarray(array) for array in weights]
        if [array.shape for array in arrays] != list(shapes.values()):
            raise ValueError(
                f"The network has weights of the shapes {list(shapes.values())}. Got "
                f"{[array.shape for array in arrays]}: give arrays such as "
                "get_weights() gives."
            )
        named = dict(zip(shapes, arrays, strict=True))
        scale, mean = self._units
        named["dense/kernel"] = named["dense/kernel"] / scale
        named["dense/bias"] = (named["dense/bias"] - mean) / scale
        flat = np.concatenate([np.ravel(array) for array in named.values()])
        self.training.set_parameters(flat.astype(np.float32), self._architecture)

    def load_weights(self, filepath: Any, **settings: Any) -> None:
        """Read a file that `save_weights` wrote."""
        self.as_keras().load_weights(filepath, **settings)
        self.take_over()

    def as_keras(self) -> Any:
        """A network of Keras' layers, with the parameters of this moment."""
        self.take_over()
        if self._layers is None:
            layers = keras_layers(self._architecture, codes=self._codes)
            vars(self).update(_layers=layers, _config=layers.get_config())
        self._layers.set_weights(self.get_weights())
        vars(self).update(_written=self._layers.get_weights())
        return self._layers

    def as_network(self) -> Network:
        """A fitted network, with the parameters of this moment."""
        return Network(self._architecture, self.training.parameters, self._codes)

    def take_over(self) -> None:
        """Write back what a callback has written to the layers of Keras.

        Raises
        ------
        ValueError
            If it has changed anything else about them.
        """
        if self._layers is None:
            return
        if self._layers.get_config() != self._config:
            raise ValueError(
                "A callback has changed a layer of self.model, such as its trainable "
                "or dropout. The layers show the network, they do not train: of them "
                "only weights can be set. Give the estimator its parameters instead."
            )
        weights = self._layers.get_weights()
        if not all(map(np.array_equal, weights, self._written)):
            self.set_weights(weights)
            vars(self).update(_written=weights)

    def close(self) -> None:
        """Training has ended: the network is another fit's from now on."""
        vars(self).update(_network=None, _layers=None)

    @property
    def training(self) -> Any:
        """The network that trains."""
        if self._network is None:
            raise RuntimeError(
                "self.model of a callback is not available after fit: keep what it "
                "gives, such as get_weights(), or use the fitted estimator."
            )
        return self._network

    @property
    def _units(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What outputs are multiplied with, and what is added, for those of y."""
        n_outputs = self._architecture.n_outputs
        plain = {
            "dense/kernel": np.ones((1, n_outputs)),
            "dense/bias": np.zeros(n_outputs),
        }
        in_units = self._reader.codec.in_units_of_y(plain)
        return in_units["dense/kernel"][0], in_units["dense/bias"]

    def __getattr__(self, name: str) -> Any:
        if name in _REFUSED:
            _refuse_in_callback(name)
        if name in _OF_TRAINING:
            return getattr(self.training, name)
        # Whoever asks for something else, such as scikeras, gets an answer at once.
        is_public = not name.startswith("_") and hasattr(keras.Model, name)
        if is_public or name in _OF_LAYERS:
            return getattr(self.as_keras(), name)
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OF_TRAINING:
            setattr(self.training, name, value)
        else:
            vars(self)[name] = value


def _as_numpy(values: Any) -> Any:
    """The values of a tensor; anything else as it is."""
    return values.numpy() if tf.is_tensor(values) else values


def _refuse_in_callback(name: str) -> NoReturn:
    raise AttributeError(
        f"self.model.{name} is not available in a callback: the network is trained by "
        "fit of the estimator. There are predict, evaluate, get_weights, set_weights, "
        "save and what else a trained network of Keras has."
    )


def _refuse_given(method: str, **settings: Any) -> None:
    for name, value in settings.items():
        if value is not None:
            _refuse(method, name)


def _refuse(method: str, name: str) -> NoReturn:
    raise NotImplementedError(
        f"self.model.{method} does not take {name}=: it reads X as the estimator does, "
        "padding included, and all of it at once. Leave it out."
    )
