"""The NumPy forward pass against a plain loop in float64."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import network_logits
from threadpoolctl import threadpool_info, threadpool_limits

from sklstm.network import forward, recurrence
from sklstm.network.architecture import (
    DIRECTIONS,
    MERGE_MODES,
    Architecture,
    initial_parameters,
    split_parameters,
)
from sklstm.network.forward import ForwardPass, sigmoid, softmax
from sklstm.sequences.batch import SequenceBatch


def random_batch(rng, n_samples=11, n_timesteps=7, n_features=3, ragged=True):
    lengths = np.full(n_samples, n_timesteps)
    if ragged:
        lengths = rng.integers(1, n_timesteps + 1, n_samples)
    values = rng.normal(size=(n_samples, n_timesteps, n_features)).astype(np.float32)
    return SequenceBatch(values, lengths, True)


def reference_logits(batch, flat, architecture):
    weights = split_parameters(flat, architecture)
    logits = [
        network_logits(values[:length], weights, architecture)
        for values, length in zip(batch.values, batch.lengths, strict=True)
    ]
    return np.concatenate(logits) if architecture.every_step else np.array(logits)


@pytest.mark.parametrize("every_step", [False, True])
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("units", [(4,), (5, 2), (2, 3, 4)])
@pytest.mark.parametrize("merge_mode", MERGE_MODES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_outputs_equal_a_plain_loop(direction, merge_mode, units, ragged, every_step):
    """Every direction, merge mode, stack and head, for equal and unequal lengths."""
    rng = np.random.default_rng(0)
    architecture = Architecture(
        3, units, direction, merge_mode, 2, "linear", every_step
    )
    flat = initial_parameters(architecture, rng)
    batch = random_batch(rng, ragged=ragged)
    outputs = ForwardPass(flat, architecture)(batch)
    assert_allclose(outputs, reference_logits(batch, flat, architecture), atol=1e-6)


@pytest.mark.parametrize("block_entries", [1, 200, 2**15])
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize(
    "pooling", [("mean",), ("max", "last"), ("last", "mean"), ("last", "mean", "max")]
)
@pytest.mark.parametrize(
    ("direction", "merge_mode"),
    [("forward", "concat"), ("backward", "concat")]
    + [("bidirectional", merge_mode) for merge_mode in MERGE_MODES],
)
def test_pooled_outputs_equal_a_plain_loop(
    direction, merge_mode, pooling, ragged, block_entries, monkeypatch
):
    """Merged states are pooled over valid timesteps, in blocks of any length."""
    monkeypatch.setattr(recurrence, "BLOCK_ENTRIES", block_entries)
    rng = np.random.default_rng(4)
    architecture = Architecture(
        3, (5, 3), direction, merge_mode, 2, "linear", pooling=pooling
    )
    flat = initial_parameters(architecture, rng)
    batch = random_batch(rng, ragged=ragged)
    outputs = ForwardPass(flat, architecture)(batch)
    assert_allclose(outputs, reference_logits(batch, flat, architecture), atol=1e-6)


@pytest.mark.parametrize("every_step", [False, True])
@pytest.mark.parametrize(
    ("activation", "function"), [("sigmoid", sigmoid), ("softmax", softmax)]
)
def test_many_rows_in_chunks(activation, function, every_step):
    """Chunks on several threads give each row its own outputs, in order."""
    rng = np.random.default_rng(1)
    architecture = Architecture(
        3, (4,), "bidirectional", "concat", 3, activation, every_step
    )
    flat = initial_parameters(architecture, rng)
    batch = random_batch(rng, n_samples=2500)
    threads = [pool["num_threads"] for pool in threadpool_info()]
    outputs = ForwardPass(flat, architecture)(batch)
    assert_allclose(
        outputs, function(reference_logits(batch, flat, architecture)), atol=1e-6
    )
    assert threads == [pool["num_threads"] for pool in threadpool_info()]


def interrupted_at(step, function):
    """Call a function, with Ctrl-C at one of the steps that our code takes in it.

    Of the interpreter's steps, in this thread: the main thread is the one where Python
    raises KeyboardInterrupt. Whether the function ended before it came to that.
    """
    steps = iter(range(step))

    def trace(frame, event, arg):
        frame.f_trace_opcodes = True
        if event == "opcode" and next(steps, None) is None:
            raise KeyboardInterrupt
        return trace

    def calls(frame, event, arg):
        name = frame.f_globals.get("__name__")
        return trace(frame, event, arg) if name in TRACED else None

    before = sys.gettrace()
    sys.settrace(calls)
    try:
        function()
    except KeyboardInterrupt:
        return False
    finally:
        sys.settrace(before)
    return True


TRACED = (
    "sklstm.network.forward",
    "sklstm.network.forward",
    "threadpoolctl",
    "contextlib",
)


def test_control_c_gives_blas_its_threads_back():
    """At whatever step of predicting in chunks it comes."""
    rng = np.random.default_rng(0)
    architecture = Architecture(1, (2,), "forward", "concat", 1, "linear", False)
    forward_pass = ForwardPass(initial_parameters(architecture, rng), architecture)
    forward_pass.chunk_rows = 2
    batch = random_batch(rng, n_samples=6, n_timesteps=1, n_features=1, ragged=False)
    with threadpool_limits(3, user_api="blas"):
        forward._threadpools()  # looked up once a process
        before = [pool["num_threads"] for pool in threadpool_info()]
        step, ended = 0, False
        while not ended:
            step, ended = step + 1, interrupted_at(step, lambda: forward_pass(batch))
            assert before == [pool["num_threads"] for pool in threadpool_info()], step
    assert step > 100


def test_activations_do_not_overflow():
    """Logits of any size give probabilities, without a warning."""
    logits = np.array([[-1e4, 0.0, 1e4]])
    assert_allclose(sigmoid(logits), [[0, 0.5, 1]])
    assert_allclose(softmax(logits), [[0, 0, 1]])


def test_products_that_overflow():
    """Gates saturate, as they do in float64; what has no value is an error."""
    architecture = Architecture(3, (4,), "bidirectional", "concat", 2, "linear")
    rng = np.random.default_rng(2)
    flat = 1e10 * np.abs(initial_parameters(architecture, rng)) + np.float32(1e9)
    batch = random_batch(rng, ragged=False)
    values = np.float32(1e30) * (1 + np.abs(batch.values))
    batch = SequenceBatch(values, batch.lengths, True)
    outputs = ForwardPass(flat, architecture)(batch)
    assert_allclose(outputs, reference_logits(batch, flat, architecture))
    undefined = ForwardPass(np.full_like(flat, np.inf), architecture)
    with pytest.raises(ValueError, match=r"outputs are not finite.* lower learning"):
        undefined(batch)


@pytest.mark.parametrize("units", [(4,), (32, 16), (100,)])
@pytest.mark.parametrize("ragged", [False, True])
def test_alone_or_in_a_batch(units, ragged):
    """The figure in the guide: rounding depends on how many rows are multiplied."""
    architecture = Architecture(3, units, "bidirectional", "concat", 3, "softmax")
    rng = np.random.default_rng(3)
    forward_pass = ForwardPass(initial_parameters(architecture, rng), architecture)
    batch = random_batch(rng, n_samples=40, n_timesteps=30, ragged=ragged)
    together = forward_pass(batch)
    for size in (1, 3, 7):
        parts = [np.arange(k, min(k + size, 40)) for k in range(0, 40, size)]
        apart = np.concatenate([forward_pass(batch.at(rows)) for rows in parts])
        assert_allclose(apart, together, rtol=0, atol=5e-7)
