"""Optimizers by name or by example: as in a network of Keras, or refused."""

import copy
import inspect
import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklstm import BiLSTMClassifier, SequenceReshaper
from sklstm.training import runtime
from sklstm.training.optimizers import ELEMENTWISE, read_optimizer

Adam, AdamW, SGD = (keras.optimizers.get(n).__class__ for n in ("adam", "adamw", "sgd"))
schedules = keras.optimizers.schedules

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3, 2)).astype(np.float32)
y = (X.sum(axis=(1, 2)) > 0).astype(int)


@keras.saving.register_keras_serializable(package="tests")
class Inverse(schedules.LearningRateSchedule):
    """A schedule of the user's own."""

    def __init__(self, first):
        self.first = first

    def __call__(self, step):
        return self.first / (1.0 + tf.cast(step, tf.float32))

    def get_config(self):
        return {"first": self.first}


def changed_later():
    """Attributes that are set after construction."""
    optimizer = SGD(0.1)
    optimizer.learning_rate = 0.5
    optimizer.momentum = 0.7
    optimizer.exclude_from_weight_decay()  # spares nothing
    return optimizer


# Every argument of every optimizer, with another value than its default; in few
# settings, since each is traced.
HONOURED = {
    "Adadelta": lambda: keras.optimizers.Adadelta(5.0, rho=0.8, epsilon=1e-3),
    "Adagrad": lambda: keras.optimizers.Adagrad(
        0.1, initial_accumulator_value=0.3, epsilon=1e-3
    ),
    "Adam": lambda: Adam(np.float64(0.05), 0.5, np.float32(0.9), 1e-3, amsgrad=True),
    "AdamW": lambda: AdamW(0.05, 0.2, 0.5, 0.9, 1e-3, amsgrad=True),
    "Adamax": lambda: keras.optimizers.Adamax(0.05, 0.5, 0.9, 1e-3),
    "Ftrl": lambda: keras.optimizers.Ftrl(
        0.1,
        learning_rate_power=-0.4,
        initial_accumulator_value=0.2,
        l1_regularization_strength=0.01,
        l2_regularization_strength=0.02,
        l2_shrinkage_regularization_strength=0.03,
        beta=0.04,
    ),
    "Lion": lambda: keras.optimizers.Lion(0.01, beta_1=0.5, beta_2=0.7),
    "Nadam": lambda: keras.optimizers.Nadam(0.05, 0.5, 0.9, 1e-3),
    "RMSprop": lambda: keras.optimizers.RMSprop(
        0.01, rho=0.5, momentum=0.5, epsilon=1e-3, centered=True
    ),
    "own schedule": lambda: SGD(Inverse(0.5), momentum=0.5, nesterov=True),
    "clipvalue": lambda: SGD(2.0, clipvalue=0.01, use_ema=True, ema_momentum=0.8),
    "global_clipnorm": lambda: SGD(0.5, global_clipnorm=0.1, weight_decay=0.2),
    "ema_overwrite_frequency": lambda: SGD(
        0.5,
        use_ema=True,
        ema_momentum=0.5,
        ema_overwrite_frequency=3,
        loss_scale_factor=1024.0,
        name="mine",
    ),
    "gradient_accumulation_steps": lambda: SGD(
        schedules.CosineDecay(0.5, 5),
        gradient_accumulation_steps=3,
        global_clipnorm=0.1,
        weight_decay=0.2,
        use_ema=True,
    ),
    "changed later": changed_later,
}

# One that works by elements alone, and what looks at all gradients and counts steps.
ON_BOTH_NETWORKS = {"Adam", "gradient_accumulation_steps"}


@pytest.fixture(scope="module")
def start():
    """A network to train further, with any optimizer."""
    classifier = BiLSTMClassifier(2, direction="forward", epochs=1, batch_size=10)
    classifier.set_params(
        pooling="last", shuffle=False, random_state=0, warm_start=True
    )
    classifier.set_params(schedule="constant")
    return classifier.fit(X, y)


@pytest.fixture(scope="module")
def of_keras(start):
    """The same as a network of Keras; whoever trains it begins with its weights."""
    return start.to_keras()


def trained_by_keras(network, weights, optimizer):
    """Two fits of one epoch each, in a network of Keras."""
    network.set_weights(weights)
    network.compile(optimizer, "binary_crossentropy", run_eagerly=True)
    for _ in range(2):
        network.fit(X, y, batch_size=10, shuffle=False, verbose=0)
    return flat(network.get_weights())


def trained(start, optimizer):
    """The same here; the second fit goes on with the state of the first."""
    ours = copy.deepcopy(start).set_params(optimizer=optimizer)
    return flat(ours.fit(X, y).fit(X, y).weights_.values())


def flat(weights):
    return np.concatenate([array.ravel() for array in weights])


@pytest.mark.parametrize("setting", HONOURED)
def test_trains_as_keras(start, of_keras, setting, monkeypatch):
    """With any setting, and again without a trace; some on Keras' layers as well."""
    weights = list(start.weights_.values())
    expected = trained_by_keras(of_keras, weights, HONOURED[setting]())
    assert np.abs(expected - flat(weights)).max() > 0.01
    for on_layers in (False, True) if setting in ON_BOTH_NETWORKS else (False,):
        monkeypatch.setattr(runtime, "has_gpu", lambda on_layers=on_layers: on_layers)
        ours = trained(start, HONOURED[setting]())
        assert_allclose(ours, expected, atol=1e-5)
        assert_array_equal(trained(start, HONOURED[setting]()), ours)


@pytest.mark.parametrize("name", sorted(ELEMENTWISE))
def test_names_are_those_of_keras(name):
    """A name stands for the Keras optimizer with its defaults."""
    ours = read_optimizer(name, 0.05)[0].build()
    theirs = keras.optimizers.get(name)
    assert type(ours) is type(theirs)
    neither = {"name": None, "learning_rate": None}
    assert ours.get_config() | neither == theirs.get_config() | neither


def arguments_of(kind):
    return inspect.signature(kind).parameters.keys() - {"kwargs"}


SHARED = set.intersection(*map(arguments_of, ELEMENTWISE.values()))


@pytest.fixture(scope="module")
def tried():
    """The arguments that HONOURED has a value of its own for, by kind of optimizer."""
    tried = {kind: set() for kind in ELEMENTWISE.values()}
    for make in HONOURED.values():
        optimizer = make()
        default = type(optimizer)().get_config()
        settings = optimizer.get_config().items()
        tried[type(optimizer)] |= {k for k, value in settings if value != default[k]}
    return tried


@pytest.mark.parametrize("kind", ELEMENTWISE.values(), ids=ELEMENTWISE)
def test_every_argument_is_tried(kind, tried):
    """So that one that Keras adds is decided on before anybody uses it."""
    assert arguments_of(kind) - SHARED <= tried[kind]


def test_every_shared_argument_is_tried_or_refused(tried):
    """All but clipnorm are honoured."""
    assert SHARED - set.union(*tried.values()) == {"clipnorm"}


def test_learning_rate():
    """Ours by default for the Adam family, the object's own, or the one given."""
    assert read_optimizer("adam", None)[1] == 0.005
    assert read_optimizer("SGD", None)[1] == pytest.approx(0.01)
    assert read_optimizer(Adam(0.25), None)[1] == 0.25
    assert read_optimizer(Adam(0.25), 0.5)[1] == 0.5


def test_what_is_no_part_of_the_description():
    """Networks are shared between rates, names, and a name and an object."""
    first, _ = read_optimizer("adam", 0.1)
    second, _ = read_optimizer(Adam(0.2, name="mine", loss_scale_factor=8.0), None)
    assert first == second
    other, _ = read_optimizer(Adam(beta_1=0.5), None)
    assert first != other


def spared(**which):
    optimizer = AdamW(0.1)
    optimizer.exclude_from_weight_decay(**which)
    return optimizer


def used():
    optimizer = Adam(0.1)
    variable = keras.Variable([1.0, 2.0])
    optimizer.apply([tf.constant([1.0, 1.0])], [variable])
    return optimizer


def with_a_method():
    optimizer = Adam(0.1)
    optimizer.apply = lambda *arguments, **more: None
    return optimizer


def ahead():
    optimizer = SGD(0.1)
    optimizer.iterations.assign(7)
    return optimizer


def a_rate():
    return 0.1


def unregistered():
    class Unregistered(Inverse):
        """Keras does not find it by its name."""

    return Unregistered(0.1)


class WithoutConfig(schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.1


ELEMENT = r"not supported.*element by element.*adam"
REFUSED = {
    "lamb": ("lamb", {}, ELEMENT),
    "muon": ("muon", {}, ELEMENT),
    "adafactor": ("adafactor", {}, ELEMENT),
    "a slip": ("adaam", {}, ELEMENT),
    "whole matrices": (keras.optimizers.Lamb(), {}, ELEMENT),
    "a subclass": (type("Adam", (Adam,), {})(), {}, ELEMENT),
    "a class": (Adam, {}, ELEMENT),
    "loss scaling": (
        keras.optimizers.LossScaleOptimizer(SGD()),
        {},
        r"LossScaleOptimizer is not supported.*Give its inner_optimizer\.",
    ),
    "clipnorm": (
        SGD(0.5, clipnorm=0.1),
        {},
        r"SGD\(clipnorm=0\.1\) is not supported: it clips .* each weight array by "
        r"itself.*SGD\(global_clipnorm=0\.1\), or with the estimator's clipnorm=0\.1",
    ),
    "clipping twice": (
        SGD(0.5, clipvalue=0.1),
        {"clipnorm": 2.0},
        r"clipnorm=2\.0 does not go with SGD\(clipvalue=0\.1\).*Leave clipnorm=None.*"
        r"SGD\(global_clipnorm=2\.0\)",
    ),
    "clipping by two norms": (
        SGD(0.5, global_clipnorm=0.1),
        {"clipnorm": 2.0},
        r"does not go with SGD\(global_clipnorm=0\.1\)",
    ),
    "clipping what accumulates": (
        SGD(0.5, gradient_accumulation_steps=3),
        {"clipnorm": 2.0},
        r"does not go with SGD\(gradient_accumulation_steps=3\)",
    ),
    "averaging the best": (
        SGD(0.5, use_ema=True),
        {"early_stopping": True},
        r"early_stopping=True does not go with SGD\(use_ema=True\).*Leave one",
    ),
    "spared by name": (
        spared(var_names=["bias"]),
        {},
        r"AdamW\.exclude_from_weight_decay\(\.\.\.\) is not supported.*biases too",
    ),
    "spared": (
        spared(var_list=[keras.Variable([1.0])]),
        {},
        r"exclude_from_weight_decay\(\.\.\.\) is not supported",
    ),
    "used": (used(), {}, r"Adam has been used .* Adam\.from_config\(optimizer\.get_c"),
    "a method": (
        with_a_method(),
        {},
        r"Adam has apply of its own, in place of the method .* as Keras makes it\.",
    ),
    "ahead": (ahead(), {}, r"SGD starts at step 7.*counts from 0\. Give a new one"),
    "two rates": (
        Adam(schedules.CosineDecay(0.5, 9)),
        {"learning_rate": 0.01},
        r"learning_rate=0\.01 does not go with Adam\(CosineDecay\).*Leave "
        r"learning_rate=None, or give Adam\(\)",
    ),
    "a function": (
        Adam(a_rate),
        {},
        r"Adam\(learning_rate=<function a_rate.*called once.*schedules, or callbacks=",
    ),
    "an unregistered schedule": (
        Adam(unregistered()),
        {},
        r"schedule Unregistered cannot be built .*register_keras_serializable\(\), and",
    ),
    "a schedule without description": (
        Adam(WithoutConfig()),
        {},
        r"schedule WithoutConfig cannot be built .*Keras says: .*override `get_config",
    ),
    "a tensor": (
        Adam(0.1, beta_1=tf.constant(0.5)),
        {},
        r"Adam\(beta_1=<tf\.Tensor: .*\) is not supported.*Give a plain number\.",
    ),
    "a schedule of arrays": (
        Adam(schedules.PiecewiseConstantDecay(np.array([1]), np.array([0.2, 0.1]))),
        {},
        r"PiecewiseConstantDecay cannot be built .*give numbers and lists instead",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_what_to_write(case):
    """What would do something else here than in Keras never trains."""
    optimizer, settings, message = REFUSED[case]
    learning_rate = settings.get("learning_rate")
    others = {k: v for k, v in settings.items() if k != "learning_rate"}
    with pytest.raises(ValueError, match=message):
        read_optimizer(optimizer, learning_rate, **others)


@pytest.mark.parametrize("copied", [clone, copy.deepcopy, pickle.dumps])
@pytest.mark.parametrize("case", ["spared", "spared by name", "used", "a method"])
def test_no_copy_loses_settings(case, copied):
    """A search clones and pickles estimators before they are fitted."""
    optimizer, _, message = REFUSED[case]
    classifier = BiLSTMClassifier(optimizer=optimizer)
    with pytest.raises(ValueError, match=message):
        copied(make_pipeline(SequenceReshaper(n_features=2), classifier))


@pytest.mark.parametrize("setting", HONOURED)
def test_copies_carry_everything(setting):
    """An optimizer that is honoured is described alike after clone and pickle."""
    classifier = BiLSTMClassifier(optimizer=HONOURED[setting]())
    expected = read_optimizer(classifier.optimizer, None)
    for copied in (clone(classifier), pickle.loads(pickle.dumps(classifier))):
        assert read_optimizer(copied.optimizer, None) == expected


def test_the_estimator_hands_on_its_settings():
    """clipnorm and early_stopping are looked at together with the optimizer."""
    for case in ("clipping twice", "averaging the best", "two rates"):
        optimizer, settings, message = REFUSED[case]
        with pytest.raises(ValueError, match=message):
            BiLSTMClassifier(optimizer=optimizer, **settings).fit(X, y)


def test_a_name_is_read_once():
    """Building an optimizer costs memory that TensorFlow never gives back."""
    assert read_optimizer("adam", 0.1)[0] is read_optimizer("adam", None)[0]
