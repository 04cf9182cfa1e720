"""Settings of Keras and TensorFlow that a process has: no part of a fit, or refused.

After one fit in float32 the same setting does no harm, so each is there before anything
is traced: in a process of its own, with no idle network, in a thread of its own, since
Keras remembers its policy by thread.
"""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from sklstm import BiLSTMClassifier
from sklstm.training import runtime, settings

FITS = """
import numpy as np

from sklstm import BiLSTMClassifier, BiLSTMRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(24, 4, 2)).astype(np.float32)
X[..., 1] = rng.integers(0, 3, size=(24, 4))
sums = X.sum(axis=(1, 2))
SMALL = {"direction": "forward", "pooling": "last", "epochs": 2, "random_state": 0}


def problems():
    import keras

    decay = keras.optimizers.schedules.CosineDecay(0.3, 10)
    return {
        "classifier": (BiLSTMClassifier(2, **SMALL), sums > 0),
        "schedule and moments": (
            BiLSTMRegressor(2, **SMALL, loss="huber", optimizer="nadam"), sums
        ),
        "codes and decay": (
            BiLSTMClassifier(
                2,
                **SMALL,
                categorical_features=[1],
                loss="categorical_focal_crossentropy",
                optimizer=keras.optimizers.SGD(decay),
            ),
            np.digitize(sums, [2, 5]),
        ),
    }


def learnt(only=""):
    return {
        name: model.fit(X, y).network_.flat.tobytes().hex()
        for name, (model, y) in problems().items()
        if only in name
    }
"""

IN_A_PROCESS = """
import contextlib
import json
import os
import sys
import tempfile
import threading
import warnings


def refused(call):
    try:
        call()
    except RuntimeError as error:
        return str(error)


# Before anything has imported Keras.
os.environ["KERAS_BACKEND"] = "jax"
report = {"KERAS_BACKEND": refused(learnt_by_one)}
del os.environ["KERAS_BACKEND"]
with tempfile.TemporaryDirectory() as home:
    with open(os.path.join(home, "keras.json"), "w") as file:
        json.dump({"backend": "torch"}, file)
    os.environ["KERAS_HOME"] = home
    report["keras.json"] = refused(learnt_by_one)
    with open(os.path.join(home, "keras.json"), "w") as file:
        json.dump({"floatx": "float16", "epsilon": 1e-3}, file)
    import keras
import tensorflow as tf

from sklstm.training.lending import POOL

config, v1 = keras.config, tf.compat.v1


def in_a_thread(call):
    answers = []

    def answer():
        try:
            answers.append(call())
        except Exception as error:
            answers.append(repr(error))

    thread = threading.Thread(target=answer)
    thread.start()
    thread.join()
    return answers[0]


def after(change, only="schedule"):
    def call():
        with contextlib.ExitStack() as stack:
            within = change()
            if hasattr(within, "__enter__"):
                stack.enter_context(within)
            POOL.clear()
            found = config.floatx(), config.epsilon()
            given = learnt(only)
            assert (config.floatx(), config.epsilon()) == found
            worst = 0.0
            for name in given:
                model, y = problems()[name]
                network = model.fit(X, y).to_keras()
                expected = getattr(model, "predict_proba", model.predict)(X)
                outputs = np.asarray(network(X))
                assert outputs.dtype == np.float32, outputs.dtype
                shape = outputs.shape
                expected = expected.reshape(len(X), -1)[:, -shape[1]:]
                worst = max(worst, float(abs(outputs - expected).max()))
            return [given, worst]
    return in_a_thread(call)


report["keras.json of float16"] = after(lambda: None, "")
for policy in ("mixed_float16", "mixed_bfloat16", "float64", "int8_from_float32"):
    only = "" if policy == "mixed_float16" else "codes"
    report[policy] = after(lambda: config.set_dtype_policy(policy), only)
for floatx in ("float64", "bfloat16"):
    report["floatx " + floatx] = after(lambda: config.set_floatx(floatx))
config.set_floatx("float32")
report["epsilon"] = after(lambda: config.set_epsilon(0.01), "codes")
config.set_epsilon(1e-7)
warnings.simplefilter("ignore")
tf.config.run_functions_eagerly(True)
report["functions eagerly"] = after(lambda: None)
tf.config.run_functions_eagerly(False)
tf.config.optimizer.set_jit(True)
report["jit"] = after(lambda: tf.device("/GPU:0"))
tf.config.optimizer.set_jit(False)
tf.experimental.numpy.experimental_enable_numpy_behavior()
report["numpy"] = after(lambda: None)

fitted = BiLSTMClassifier(2, **SMALL).fit(X, sums > 0)


def refused_in(scope, leave=lambda: None):
    def call():
        with scope or contextlib.nullcontext():
            return [refused(learnt_by_one), refused(fitted.to_keras)]
    try:
        return in_a_thread(call)
    finally:
        leave()


report["graph"] = refused_in(tf.Graph().as_default())
report["strategy"] = refused_in(tf.distribute.OneDeviceStrategy("/cpu:0").scope())
tf.distribute.experimental_set_strategy(tf.distribute.OneDeviceStrategy("/cpu:0"))
report["set strategy"] = [refused(learnt_by_one), refused(fitted.to_keras)]
tf.distribute.experimental_set_strategy(None)
function = tf.function(
    lambda: report.update(function=[refused(learnt_by_one)]), autograph=False
)
function()
tf.debugging.enable_check_numerics()
report["numerics"] = [refused(learnt_by_one)]
tf.debugging.disable_check_numerics()
report["none"] = after(lambda: None)
numpy_behavior = tf.experimental.numpy.experimental_enable_numpy_behavior
numpy_behavior(dtype_conversion_mode="all")
report["numpy types"] = [refused(learnt_by_one), refused(fitted.to_keras)]
numpy_behavior(dtype_conversion_mode="legacy")
v1.disable_v2_behavior()
report["v2 behavior"] = [refused(learnt_by_one), refused(fitted.to_keras)]
print(json.dumps(report))
"""

ONE = """
def learnt_by_one():
    BiLSTMClassifier(2, **SMALL).fit(X, sums > 0)
"""

SAME = [
    "keras.json of float16",
    "mixed_float16",
    "mixed_bfloat16",
    "float64",
    "int8_from_float32",
    "floatx float64",
    "floatx bfloat16",
    "epsilon",
    "functions eagerly",
    "jit",
    "numpy",
    "none",
]

REFUSED = {
    "graph": r"in a graph that is being built\. Call it outside of `with tf\.Graph",
    "strategy": r"in the scope of a OneDeviceStrategy of TensorFlow\. Call it outside",
    "set strategy": r"scope of a OneDeviceStrategy .* call that with None first",
    "function": r"inside a tf\.function\. Call it outside",
    "numerics": r"enable_check_numerics\(\) .* Call tf\.debugging\.disable_check_num",
    "numpy types": r"dtype_conversion_mode='all'.* Leave that out",
    "v2 behavior": r"tf\.compat\.v1\.disable_eager_execution\(\) has turned off",
}


@pytest.fixture(scope="module")
def report():
    """What a process says of each of its settings."""
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", FITS + ONE + IN_A_PROCESS],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def plain():
    """What is learnt in a process without any."""
    names = {}
    exec(FITS, names)
    return names["learnt"]()


@pytest.mark.parametrize("setting", SAME)
def test_training_is_in_float32_whatever_is_set(setting, report, plain):
    """The same bits, and a network of Keras that predicts the same."""
    assert isinstance(report[setting], list), report[setting]
    learnt, difference = report[setting]
    assert learnt == {name: plain[name] for name in learnt}
    assert difference < 1e-5


@pytest.mark.parametrize("setting", REFUSED)
def test_what_makes_another_tensorflow_is_refused(setting, report):
    """One error, whichever method was called: what is set, and what to do."""
    for message, method in zip(report[setting], ["fit", "to_keras"], strict=False):
        with pytest.raises(RuntimeError, match=REFUSED[setting]):
            raise RuntimeError(message)
        assert message.startswith(f"{method} ")


def test_another_backend_is_refused_before_it_is_imported(report):
    """By what has chosen it; it need not be installed."""
    message = report["KERAS_BACKEND"]
    assert "the environment variable KERAS_BACKEND has given Keras the back" in message
    assert "'jax'. Set it to 'tensorflow'" in message
    assert "keras.json has given Keras the backend 'torch'." in report["keras.json"]


def test_another_backend_that_is_in_use_is_refused(monkeypatch):
    """Whatever the environment says by now."""
    monkeypatch.setattr(keras.config, "backend", lambda: "torch")
    with pytest.raises(RuntimeError, match=r"the process or .* the backend 'torch'"):
        runtime._check_backend()


def test_what_others_set_meanwhile_stays():
    """Another thread may, while a network is traced in this one."""
    try:
        with settings.keras_defaults():
            keras.config.set_floatx("float16")
            with settings.keras_defaults():
                pass
        assert keras.config.floatx() == "float16"
        with settings.keras_defaults():
            assert keras.config.floatx() == "float32"
        assert keras.config.floatx() == "float16"
    finally:
        keras.config.set_floatx("float32")


def test_a_policy_does_not_reach_the_optimizer():
    """partial_fit goes on with the state that it left."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(8, 3, 1)), np.arange(8) % 2
    plain = BiLSTMClassifier(2, random_state=0).partial_fit(X, y, classes=[0, 1])
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_float16")
        mixed = BiLSTMClassifier(2, random_state=0).partial_fit(X, y, classes=[0, 1])
        mixed.partial_fit(X, y)
    finally:
        keras.config.set_dtype_policy(before)
    plain.partial_fit(X, y)
    np.testing.assert_array_equal(mixed.network_.flat, plain.network_.flat)
