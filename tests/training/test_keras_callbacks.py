"""Keras' callbacks: told what a network of Keras tells them; modes found by Keras."""

import re

import keras
import numpy as np
import pytest
from recipes import recipe
from sklearn.base import clone
from sklearn.metrics import f1_score

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepClassifier,
    BiLSTMTimestepRegressor,
)
from sklstm.sequences.batch import SequenceBatch
from sklstm.targets import TrainingSet
from sklstm.training import epochs, model, runtime
from sklstm.training.lending import POOL

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
    ours.fit(data, **told, validation_data=data, callbacks=[mine])
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
    monkeypatch.setattr(epochs, "CHUNK_BYTES", 1)
    monkeypatch.setattr(epochs, "batch_order", lambda *_: np.split(np.arange(24), 3))
    ours.fit(data, **recipe(), validation_data=data, callbacks=[recorder])
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


# -- what callbacks see of the network ------------------------------------------------


class AtTheEnd(keras.callbacks.Callback):
    """Keeps what a function makes of `self.model` at the end of every epoch."""

    kept = []  # noqa: RUF012

    def __init__(self, look):
        super().__init__()
        self.look = look

    def on_epoch_end(self, epoch, logs=None):
        self.kept.append(self.look(self.model))


@pytest.fixture
def seen(monkeypatch):
    """Fits an estimator, and gives what a function saw of its network."""

    def look_at(estimator, look, X, y, **data):
        monkeypatch.setattr(AtTheEnd, "kept", [])
        estimator.set_params(callbacks=AtTheEnd(look)).fit(X, y, **data)
        return AtTheEnd.kept

    return look_at


FIRST = {"direction": "forward", "pooling": "last", "epochs": 2, "random_state": 0}
SUMS = X.sum(axis=(1, 2))
CODED = np.concatenate([X, np.arange(96).reshape(24, 4, 1) % 3], axis=2)
KINDS = {
    "two classes": (BiLSTMClassifier(2, **FIRST), X, np.where(y, "up", "down")),
    "several classes": (BiLSTMClassifier(2, **FIRST), X, np.digitize(SUMS, [-1, 1])),
    "labels": (BiLSTMClassifier(2, **FIRST), X, np.stack([y, X[:, 0, 0] > 0], axis=1)),
    "numbers": (BiLSTMRegressor(2, **FIRST), X, 1e5 + 300 * SUMS),
    "two numbers": (BiLSTMRegressor(2, **FIRST), X, np.stack([SUMS, 9 + y], axis=1)),
    "quantiles": (
        BiLSTMRegressor(2, **FIRST, loss="quantile", quantiles=[0.1, 0.5]),
        X,
        9 - 5 * SUMS,
    ),
    "codes": (BiLSTMClassifier(2, **FIRST, categorical_features=[2]), CODED, y),
    "a table": (BiLSTMClassifier(2, **FIRST), X[:, :, 0], y),
    "at timesteps": (
        BiLSTMTimestepRegressor(2, random_state=0, epochs=2),
        X,
        7 + X.cumsum(axis=1)[..., 0],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_and_weights_are_those_of_to_keras(kind, seen):
    """Of the fitted one, since the last epoch is the last."""
    estimator, X, y = KINDS[kind]
    estimator = clone(estimator)

    def look(model):
        return model.predict(X), model(X), model.get_weights(), model.count_params()

    predicted, called, weights, n_parameters = seen(estimator, look, X, y)[-1]
    network = estimator.to_keras()
    read = X if X.ndim == 3 else X[:, :, None]
    expected = np.asarray(network(read.astype(np.float32)))
    assert predicted.shape == expected.shape
    np.testing.assert_allclose(predicted, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(called.numpy(), predicted, rtol=1e-6)
    assert n_parameters == network.count_params() == estimator.network_.flat.size
    for array, theirs in zip(weights, network.get_weights(), strict=True):
        np.testing.assert_allclose(array, theirs, rtol=1e-6)


def test_it_reads_x_as_the_estimator_does(seen):
    """Lists, frames and padding; at padded timesteps NaN."""
    pd = pytest.importorskip("pandas")
    padded = X.copy()
    padded[::2, 2:] = np.nan
    ragged = [sample[: 2 + 2 * (k % 2)] for k, sample in enumerate(X)]
    classifier = BiLSTMClassifier(2, **FIRST)

    def look(model):
        return model.predict(padded), model.predict(ragged), model(ragged)

    first, *others = seen(classifier, look, padded, y)[-1]
    np.testing.assert_allclose(first[:, 0], classifier.predict_proba(padded)[:, 1])
    for other in others:
        np.testing.assert_allclose(other, first, rtol=1e-6)
    table = pd.DataFrame(X[:, :, 0], columns=list("abcd"))
    with pytest.raises(ValueError, match="feature names should match"):
        seen(classifier, lambda model: model.predict(table[list("dcba")]), table, y)
    labels = np.where(np.isnan(padded[..., 0]), -1, y[:, None])
    tagger = BiLSTMTimestepClassifier(2, epochs=1, random_state=0)
    (given,) = seen(tagger, lambda model: model.predict(padded), padded, labels)
    np.testing.assert_allclose(given[..., 0], tagger.predict_proba(padded)[..., 1])


class F1(keras.callbacks.Callback):
    """What is asked for most, as it is written for Keras."""

    def __init__(self, X, y):
        super().__init__()
        self.X, self.y = X, y

    def on_epoch_end(self, epoch, logs=None):
        predicted = self.model.predict(self.X, verbose=0).ravel() > 0.5
        logs["val_f1"] = f1_score(self.y, predicted)


def test_a_score_of_the_users_own_stops_training():
    """Other callbacks monitor what it logs, and keep the best weights by it."""
    data = X[:8], y[:8]
    best = keras.callbacks.EarlyStopping(
        "val_f1", mode="max", patience=2, restore_best_weights=True
    )
    classifier = BiLSTMClassifier(2, **FIRST).set_params(epochs=9, schedule="constant")
    classifier.set_params(callbacks=[F1(*data), best]).fit(X[8:], y[8:])
    by_epoch = classifier.history_["val_f1"]
    assert len(by_epoch) == classifier.n_epochs_
    assert f1_score(data[1], classifier.predict(data[0])) == max(by_epoch)
    shorter = clone(classifier).set_params(callbacks=None)
    shorter.set_params(epochs=int(np.argmax(by_epoch)) + 1).fit(X[8:], y[8:])
    np.testing.assert_array_equal(classifier.network_.flat, shorter.network_.flat)


@pytest.mark.parametrize("kind", ["two classes", "numbers", "at timesteps"])
def test_evaluate_is_validation(kind, seen):
    """On the same data the same numbers; and the fit is the same without."""
    estimator, X, y = KINDS[kind]
    estimator = clone(estimator)

    def look(model):
        as_list = model.evaluate(X[:8], y[:8], batch_size=3, verbose=0)
        return as_list, model.evaluate(X[:8], y[:8], return_dict=True)

    evaluated = seen(estimator, look, X, y, X_val=X[:8], y_val=y[:8])
    names = [name for name in estimator.history_ if name.startswith("val_")]
    for epoch, (as_list, as_dict) in enumerate(evaluated):
        expected = {name[4:]: estimator.history_[name][epoch] for name in names}
        assert as_dict == expected
        assert np.ravel(as_list).tolist() == list(as_dict.values())
    plain = clone(estimator).set_params(callbacks=None).fit(X, y)
    np.testing.assert_array_equal(plain.network_.flat, estimator.network_.flat)


@pytest.mark.parametrize("kind", ["two classes", "numbers", "codes"])
def test_checkpoints_are_read_by_to_keras(kind, tmp_path):
    """Weights alone, and whole networks."""
    estimator, X, y = KINDS[kind]
    checkpoint = keras.callbacks.ModelCheckpoint
    estimator = clone(estimator).set_params(
        callbacks=[
            checkpoint(tmp_path / "{epoch}.weights.h5", save_weights_only=True),
            checkpoint(tmp_path / "{epoch}.keras"),
        ]
    )
    network = estimator.fit(X, y).to_keras()
    expected = np.asarray(network(X))
    whole = keras.models.load_model(tmp_path / "2.keras")
    np.testing.assert_allclose(whole(X), expected, rtol=1e-6)
    network.load_weights(tmp_path / "1.weights.h5")
    assert not np.allclose(network(X), expected)
    network.load_weights(tmp_path / "2.weights.h5")
    np.testing.assert_allclose(network(X), expected, rtol=1e-6)


def test_what_a_network_of_keras_has(seen, capsys):
    """Layers, summary, weights and gradients, of this moment."""
    import tensorflow as tf

    def look(model):
        model.summary()
        inputs = tf.constant(X[:3])
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = model(inputs)
        return (
            [layer.name for layer in model.layers],
            [weights.numpy() for weights in model.weights],
            model.get_layer("lstm_1").units,
            tape.gradient(outputs, inputs).numpy(),
        )

    classifier = BiLSTMClassifier(2, **FIRST)
    names, weights, units, gradient = seen(classifier, look, X, y)[-1]
    assert names == ["sequences", "lstm_1", "dense"]
    assert units == 2
    assert np.abs(gradient).max() > 0
    for array, learnt in zip(weights, classifier.weights_.values(), strict=True):
        np.testing.assert_array_equal(array, learnt)
    n_parameters = classifier.network_.flat.size
    assert f"Total params: {n_parameters}" in capsys.readouterr().out


def halves(model):
    model.set_weights([array / 2 for array in model.get_weights()])


def halves_by_layer(model):
    for layer in model.layers:
        layer.set_weights([array / 2 for array in layer.get_weights()])


def halves_by_variable(model):
    for variable in model.trainable_variables:
        variable.assign(variable / 2)


@pytest.mark.parametrize("halve", [halves, halves_by_layer, halves_by_variable])
def test_what_is_written_to_weights_is_taken_over(halve, seen):
    """However it is written, as a callback that averages weights does."""
    regressor, X, y = KINDS["numbers"]
    regressor = clone(regressor).set_params(epochs=1)
    ((before, after),) = seen(
        regressor,
        lambda model: (model.get_weights(), halve(model), model.get_weights())[::2],
        X,
        y,
    )
    np.testing.assert_allclose(after[-1], before[-1] / (1 + (halve is halves)))
    weights = regressor.to_keras().get_weights()
    for array, half in zip(weights, before, strict=True):
        np.testing.assert_allclose(array, half / 2, rtol=1e-5)


REFUSED_LOOKS = {
    "fit": (lambda model: model.fit(X, y), "model.fit is not available in a callback"),
    "batch": (lambda model: model.train_on_batch(X, y), "train_on_batch is not avail"),
    "dropout": (lambda model: model(X, training=True), "has no dropout. Call self.mod"),
    "mask": (lambda model: model(X, mask=X[..., 0] > 0), "not take mask=: it reads X"),
    "steps": (lambda model: model.predict(X, steps=3), "not take steps=: it reads X"),
    "symbolic": (lambda model: model(keras.Input((4, 2))), "Use to_keras() of the fit"),
    "frozen": (
        lambda model: setattr(model.layers[-1], "trainable", False),
        "changed a layer of self.model, such as its trainable",
    ),
    "shapes": (lambda model: model.set_weights([X]), "Got [(24, 4, 2)]: give arrays"),
}


@pytest.mark.parametrize("look", REFUSED_LOOKS)
def test_what_it_is_not_there_for_says_what_to_use(look, seen):
    """An error that ends the fit, which leaves the estimator as it was."""
    function, message = REFUSED_LOOKS[look]
    classifier = BiLSTMClassifier(2, **FIRST)
    errors = (AttributeError, NotImplementedError, ValueError)
    with pytest.raises(errors, match=re.escape(message)):
        seen(classifier, function, X, y)
    assert not hasattr(classifier, "network_")


def test_no_layers_are_made_that_nobody_asks_for(monkeypatch, tmp_path):
    """They take longer than a small fit."""
    monkeypatch.setattr(model, "keras_layers", None)
    classifier = BiLSTMClassifier(2, **FIRST)
    classifier.set_params(
        callbacks=[
            F1(X, y),
            keras.callbacks.EarlyStopping("val_f1", mode="max", patience=1),
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate),
            keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        ]
    )
    assert classifier.fit(X, y).n_epochs_ == 2


def test_after_fit_it_is_gone(seen):
    """The network that trained is another fit's by then."""
    (kept, *_) = seen(BiLSTMClassifier(2, **FIRST), lambda model: model, X, y)
    for use in (kept.get_weights, lambda: kept.predict(X), lambda: kept.optimizer):
        with pytest.raises(RuntimeError, match="not available after fit: keep what it"):
            use()


def test_swapped_averages():
    """Keras' callback swaps them by way of the optimizer."""
    optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    plain = BiLSTMClassifier(2, **FIRST).set_params(optimizer=optimizer).fit(X, y)
    swapped = clone(plain).set_params(callbacks=keras.callbacks.SwapEMAWeights())
    swapped.fit(X, y)
    np.testing.assert_allclose(swapped.network_.flat, plain.network_.flat, atol=1e-6)
