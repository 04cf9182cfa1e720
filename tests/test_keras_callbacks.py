"""Keras' callbacks: told what a network of Keras tells them; modes found by Keras."""

import keras
import numpy as np
import pytest
from recipes import recipe

from sklstm import BiLSTMClassifier, BiLSTMRegressor
from sklstm.sequences.batch import SequenceBatch
from sklstm.targets import TrainingSet
from sklstm.training import batches, epochs, runtime
from sklstm.training.pool import POOL

rng = np.random.default_rng(0)
X = rng.normal(size=(24, 4, 2)).astype(np.float32)
y = (X.sum(axis=(1, 2)) > 0).astype(int)
HOOKS = [name for name in dir(keras.callbacks.Callback) if name.startswith("on_")]


class Recorder(keras.callbacks.Callback):
    """Every hook that is called, at which epoch or batch, and the names in its logs."""

    def __init__(self):
        super().__init__()
        self.events = []
        for name in HOOKS:
            setattr(self, name, self.hook(name))

    def hook(self, name):
        def called(*arguments, **named):
            *place, logs = [*arguments, *named.values()]
            self.events.append((name, *place, sorted(logs or {})))

        return called


@pytest.fixture
def network():
    """A network of ours, as `fit` borrows it, and its training set."""
    classifier = BiLSTMClassifier(2, epochs=1, random_state=0).fit(X, y)
    network = POOL.networks()[-1]
    fitted = classifier.network_
    network.assign(fitted.flat, fitted.architecture, np.random.default_rng(0))
    sequences = SequenceBatch(X, np.full(24, 4), True)
    data = TrainingSet(sequences, y[:, None].astype(np.float32), np.ones(24, "f"))
    return network, data, classifier.to_keras()


def test_hooks_come_as_in_keras(network):
    """All of them, around the validation data too, in the same order."""
    ours, data, theirs = network
    mine, expected = Recorder(), Recorder()
    told = recipe(batch_size=24, epochs=2)
    ours.fit(data, recipe=told, validation_data=data, callbacks=[mine])
    theirs.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    theirs.run_eagerly = True
    settings = {"batch_size": 24, "epochs": 2, "verbose": 0, "validation_data": (X, y)}
    theirs.fit(X, y, **settings, callbacks=[expected])
    assert mine.events == expected.events
    called = {name for name, *_ in mine.events}
    assert called == {name for name in HOOKS if "predict" not in name} - {
        "on_batch_begin",
        "on_batch_end",
    }


def test_batch_hooks_once_a_chunk(network, monkeypatch):
    """The last batch of a chunk is named, of training and of validation."""
    ours, data, _ = network
    recorder = Recorder()
    monkeypatch.setattr(batches, "CHUNK_BYTES", 1)
    monkeypatch.setattr(epochs, "batch_order", lambda *_: np.split(np.arange(24), 3))
    ours.fit(data, recipe=recipe(), validation_data=data, callbacks=[recorder])
    for kind in ("train", "test"):
        hook = f"on_{kind}_batch_end"
        assert [e[1] for e in recorder.events if e[0] == hook] == [0, 1, 2]


class Logs(keras.callbacks.Callback):
    """Adds a column."""

    def on_epoch_end(self, epoch, logs=None):
        logs["mse"] = epoch / 4


def test_what_a_callback_logs_is_history():
    """By the name it has there."""
    classifier = BiLSTMClassifier(2, epochs=2, callbacks=Logs(), random_state=0)
    assert classifier.fit(X, y).history_["mse"] == [0, 0.25]


class Scripted(keras.callbacks.Callback):
    """Gives the callbacks after it an accuracy that rises, and then does not."""

    ACCURACY = (0.1, 0.2, 0.3, 0.3, 0.3, 0.3)

    def on_epoch_end(self, epoch, logs=None):
        assert {"accuracy", "val_accuracy"} <= logs.keys()
        logs["accuracy"] = logs["val_accuracy"] = self.ACCURACY[epoch]


# Both networks are compiled alike, and Keras' layers take long to trace.
@pytest.mark.parametrize(
    ("n_classes", "on_layers"),
    [(2, False), (3, False), (2, True)],
    ids=["two on kernel", "three on kernel", "two on layers"],
)
@pytest.mark.parametrize("monitor", ["accuracy", "val_accuracy"])
def test_more_accuracy_is_better(monitor, n_classes, on_layers, tmp_path, monkeypatch):
    """Callbacks whose mode is left to Keras stop, slow down and save accordingly."""
    monkeypatch.setattr(runtime, "has_gpu", lambda: on_layers)
    callbacks = [
        Scripted(),
        keras.callbacks.ReduceLROnPlateau(monitor, 0.5, patience=1),
        keras.callbacks.ModelCheckpoint(
            tmp_path / "{epoch}.weights.h5",
            monitor=monitor,
            save_best_only=True,
            save_weights_only=True,
        ),
        keras.callbacks.EarlyStopping(monitor, patience=2),
    ]
    classifier = BiLSTMClassifier(2, direction="forward", early_stopping=True, epochs=9)
    classifier.set_params(callbacks=callbacks, schedule="constant", random_state=0)
    classifier.fit(X, np.arange(24) % n_classes)
    assert classifier.n_epochs_ == 5
    rates = np.array(classifier.history_["learning_rate"])
    np.testing.assert_allclose(rates / rates[0], [1, 1, 1, 1, 0.5])
    assert sorted(path.name[0] for path in tmp_path.iterdir()) == ["1", "2", "3"]


def test_less_loss_is_better_and_regressors_have_no_accuracy():
    """Their networks name the loss alone."""
    stop = keras.callbacks.EarlyStopping("loss", min_delta=9, patience=1)
    regressor = BiLSTMRegressor(2, epochs=9, callbacks=stop, random_state=0)
    assert regressor.fit(X, X[:, 0, 0]).n_epochs_ == 2
    regressor.set_params(callbacks=keras.callbacks.EarlyStopping("accuracy"))
    with pytest.raises(ValueError, match="Pass `mode='max'`"):
        regressor.fit(X, X[:, 0, 0])
