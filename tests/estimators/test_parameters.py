"""The flat vector: its layout, and what it starts with."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklstm.network.architecture import (
    DIRECTIONS,
    MERGE_MODES,
    Architecture,
    initial_parameters,
    split_parameters,
)


def architecture(**changes):
    sizes = {"n_features": 3, "units": (5, 2), "n_outputs": 4}
    kind = {"direction": "bidirectional", "merge_mode": "concat"}
    return Architecture(**{**sizes, **kind, "activation": "softmax", **changes})


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("merge_mode", MERGE_MODES)
def test_layout_is_that_of_keras(direction, merge_mode):
    """The arrays are those of a Keras network, in its order."""
    from sklstm.training.layers import keras_layers

    arch = architecture(direction=direction, merge_mode=merge_mode)
    shapes = [weights.shape for weights in keras_layers(arch).get_weights()]
    assert list(arch.shapes.values()) == shapes
    assert arch.n_parameters == sum(map(np.prod, shapes))


def test_split_parameters_gives_views_without_gaps():
    """Writing through the parts fills the whole vector, each entry once."""
    arch = architecture()
    flat = np.zeros(arch.n_parameters, np.float32)
    for part in split_parameters(flat, arch).values():
        part += 1
    assert (flat == 1).all()


def test_initial_parameters_follow_keras():
    """Glorot kernels, orthonormal recurrent kernels, forget bias one."""
    arch = architecture(units=(8,))
    parts = split_parameters(initial_parameters(arch, np.random.default_rng(0)), arch)
    kernel = parts["lstm_1/forward/kernel"]
    limit = np.sqrt(6 / (3 + 32))
    assert 0.8 * limit < np.abs(kernel).max() <= limit
    recurrent = parts["lstm_1/backward/recurrent_kernel"]
    assert_allclose(recurrent @ recurrent.T, np.eye(8), atol=1e-6)
    assert_allclose(parts["lstm_1/forward/bias"], np.repeat([0, 1, 0, 0], 8))
    assert not parts["dense/bias"].any()
    assert not np.array_equal(kernel, parts["lstm_1/backward/kernel"])
