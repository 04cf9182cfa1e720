"""The examples of the gallery run, and the classic experiment comes out as reported."""

import ast
import contextlib
import io
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.metrics import mean_squared_error

from sklstm import BiLSTMRegressor, BiLSTMTimestepClassifier
from sklstm.datasets import make_counting, make_cumulative_sum

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
SEEDS = range(2)

# Constants of the examples, in capitals there, and what makes them short.
SMALL = {
    "plot_anomalies": {"EPOCHS": "2"},
    "plot_cumulative_sum": {"N_SEQUENCES": "100"},
    "plot_directions": {
        "EPOCHS": "2",
        "NEW_SEEDS": "range(2)",
        "FIXED_SEEDS": "range(2)",
    },
    "plot_forecast_panel": {"EPOCHS": "1"},
    "plot_grid_search": {"EPOCHS": "1"},
    "plot_hyphenation": {"EPOCHS": "1", "EVERY": "60"},
    # With fewer, an event is never predicted, and its precision is not defined.
    "plot_imbalanced": {"EPOCHS": "10"},
    "plot_intervals": {"EPOCHS": "1", "N_SERIES": "4"},
    "plot_life_cycle": {"EPOCHS": "5"},
    "plot_merge_modes": {
        "EPOCHS": "2",
        "NEW_SEEDS": "range(2)",
        "FIXED_SEEDS": "range(2)",
    },
    "plot_names": {"EPOCHS": "1", "EVERY": "60"},
    "plot_series": {"EPOCHS": "1"},
    "plot_sine_to_cosine": {"EPOCHS": "1"},
    "plot_unequal_lengths": {"EPOCHS": "1"},
}


@pytest.fixture
def pyplot(monkeypatch):
    """Figures that are not shown, and closed at the end."""
    backend = plt.get_backend()
    plt.switch_backend("agg")
    monkeypatch.setattr(plt, "show", lambda: None)
    yield plt
    plt.close("all")
    plt.switch_backend(backend)


def shortened(source, constants):
    """The code of an example, with other values of its constants."""
    tree = ast.parse(source)
    left = dict(constants)
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = left.pop(node.targets[0].id, None)
            if value is not None:
                node.value = ast.parse(value, mode="eval").body
    assert not left, f"the example has no {', '.join(left)}"
    return ast.fix_missing_locations(tree)


def test_all_examples_are_run():
    """A new example needs constants that make it short."""
    assert sorted(SMALL) == sorted(path.stem for path in EXAMPLES.glob("plot_*.py"))


@pytest.mark.parametrize("name", SMALL)
def test_example(name, pyplot, tmp_path, monkeypatch):
    """It runs, prints numbers and leaves a picture."""
    monkeypatch.chdir(tmp_path)
    path = EXAMPLES / f"{name}.py"
    code = compile(
        shortened(path.read_text(encoding="utf-8"), SMALL[name]), str(path), "exec"
    )
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {"__name__": "__main__"})
    assert any(character.isdigit() for character in printed.getvalue())
    assert pyplot.get_fignums()
    for number in pyplot.get_fignums():
        assert pyplot.figure(number).axes
        pyplot.figure(number).canvas.draw()


def test_counting():
    """A mean squared error below 5e-4, and the first decimals are right."""
    X, y = make_counting()
    network = BiLSTMRegressor(
        units=10, direction="forward", epochs=1000, batch_size=9, random_state=0
    )
    predicted = network.fit(X, y).predict(X)
    assert mean_squared_error(y, predicted) < 5e-4
    assert_array_equal(predicted.round(1), y.round(1))


def test_one_new_sequence_every_epoch_is_one_epoch_in_batches_of_one():
    """What the classic experiment calls 1,000 epochs is one pass over 1,000."""
    X, y = make_cumulative_sum(12, random_state=0)
    one_by_one = BiLSTMTimestepClassifier(units=20, random_state=0)
    for k in range(len(X)):
        one_by_one.partial_fit(X[k : k + 1], y[k : k + 1], classes=[0, 1])
    at_once = BiLSTMTimestepClassifier(
        units=20, batch_size=1, shuffle=False, epochs=1, random_state=0
    )
    at_once.set_params(schedule="constant").fit(X, y)
    for name, weights in at_once.weights_.items():
        assert_array_equal(one_by_one.weights_[name], weights)


@pytest.mark.parametrize(
    ("n_sequences", "params"),
    [
        # 1,000 new sequences, a step on each.
        (1000, {"batch_size": 1, "shuffle": False, "epochs": 1}),
        # The same sequences again and again.
        (64, {"epochs": 150}),
    ],
    ids=["new sequences", "fixed set"],
)
def test_cumulative_sum(n_sequences, params):
    """90 to 100 % of the timesteps of held-out sequences are right, as reported."""
    X_test, y_test = make_cumulative_sum(1000, random_state=1_000_000)
    scores = []
    for seed in SEEDS:
        X, y = make_cumulative_sum(n_sequences, random_state=seed)
        network = BiLSTMTimestepClassifier(units=20, random_state=seed, **params)
        scores.append(network.fit(X, y).score(X_test, y_test))
    assert np.mean(scores) > 0.9
