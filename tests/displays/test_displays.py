"""What the displays draw: lines, labels and colours, read back from the figures."""

import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    ParameterGrid,
    RandomizedSearchCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepClassifier,
    BiLSTMTimestepRegressor,
    SequencePadder,
    SequenceReshaper,
    SlidingWindows,
    WindowedEnsemble,
    make_windows,
    pad_sequences,
)
from sklstm.displays import (
    HistoryDisplay,
    IntervalDisplay,
    MergeModeDisplay,
    TimestepDisplay,
    TimestepImportanceDisplay,
    WindowDisplay,
)
from sklstm.displays.style import COLOURS

DISPLAYS = [
    HistoryDisplay,
    IntervalDisplay,
    MergeModeDisplay,
    TimestepDisplay,
    TimestepImportanceDisplay,
    WindowDisplay,
]

rng = np.random.default_rng(0)
X = rng.normal(size=(12, 4, 2))
y = np.arange(12) % 2


mpl.use("agg")


@pytest.fixture(autouse=True)
def _close_figures():
    """Those of a test are gone before the next."""
    yield
    plt.close("all")


@pytest.fixture
def ax():
    """Axes of somebody else."""
    return plt.subplots()[1]


def colours_of(*artists):
    """As RGBA, so that names and arrays compare."""
    return [mpl.colors.to_rgba(artist.get_color()) for artist in artists]


def legend_of(ax):
    """What the legend says."""
    return [text.get_text() for text in ax.get_legend().get_texts()]


def drawn(display):
    """The figure after a full drawing: ticks and layout are settled then."""
    display.figure_.canvas.draw()
    return display


# -- what all have in common ----------------------------------------------------------


def test_the_package_needs_no_matplotlib():
    """It is imported, says what to install, and imports no TensorFlow either."""
    code = """
import sys
sys.modules["matplotlib"] = None
import numpy as np
from sklstm import SlidingWindows, displays
for make in (
    lambda: displays.HistoryDisplay.from_estimator(None),
    lambda: displays.HistoryDisplay.from_estimators([None]),
    lambda: displays.HistoryDisplay({}).plot(),
    lambda: displays.MergeModeDisplay.from_estimator(None),
    lambda: displays.WindowDisplay.from_estimator(SlidingWindows(1), np.ones((3, 1))),
    lambda: displays.WindowDisplay.from_series([1.0, 2.0], 1),
    lambda: displays.TimestepDisplay.from_estimator(None, None, None),
    lambda: displays.TimestepDisplay.from_predictions([1.0], [1.0]),
    lambda: displays.IntervalDisplay.from_estimator(None, None, None),
    lambda: displays.IntervalDisplay.from_predictions([1.0], [[1.0]], [0.5]),
    lambda: displays.TimestepImportanceDisplay.from_estimator(None, None),
    lambda: displays.TimestepImportanceDisplay.from_importance(None),
):
    try:
        make()
    except ImportError as error:
        print(error)
print("tensorflow" in sys.modules)
"""
    run = [sys.executable, "-c", code]
    said = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    *errors, tensorflow = said.splitlines()
    assert len(errors) == 12
    assert errors[3] == (
        "MergeModeDisplay.from_estimator requires matplotlib. Install it with "
        "pip install 'sklstm[plot]'."
    )
    assert {error.partition(" requires ")[2] for error in errors} == {
        "matplotlib. Install it with pip install 'sklstm[plot]'."
    }
    assert tensorflow == "False"


def in_lab(linear):
    """Linear RGB as CIE L*a*b*, in which distances are those that people see."""
    to_xyz = [
        [0.4124, 0.3576, 0.1805],
        [0.2126, 0.7152, 0.0722],
        [0.0193, 0.1192, 0.95],
    ]
    xyz = np.clip(linear, 0, 1) @ np.transpose(to_xyz) / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = f.T
    return np.column_stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


# Seen with two kinds of cones only: Machado, Oliveira & Fernandes (2009), severity 1.
SIGHTS = {
    "all": np.eye(3),
    "protan": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deutan": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritan": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


@pytest.mark.parametrize("sight", SIGHTS)
def test_colours_are_told_apart_by_the_colour_blind(sight):
    """Any two; matplotlib's own first four come as near as 5."""
    shades = np.array([mpl.colors.to_rgb(shade) for shade in COLOURS])
    linear = np.where(
        shades <= 0.04045, shades / 12.92, ((shades + 0.055) / 1.055) ** 2.4
    )
    seen = in_lab(linear @ np.transpose(SIGHTS[sight]))
    distances = np.linalg.norm(seen[:, None] - seen, axis=2)
    assert distances[~np.eye(len(seen), dtype=bool)].min() > 15


# -- HistoryDisplay -------------------------------------------------------------------


@pytest.fixture(scope="module")
def networks():
    """Fitted with early stopping, in both directions."""
    return [
        BiLSTMClassifier(
            units=2,
            epochs=3,
            direction=direction,
            early_stopping=True,
            validation_fraction=0.5,
            random_state=0,
        ).fit(X, y)
        for direction in ("forward", "bidirectional")
    ]


def test_history_of_one(networks):
    """Every entry by epoch from 1, in one colour, validation dashed."""
    display = HistoryDisplay.from_estimator(networks[0])
    history = networks[0].history_
    (lines,) = display.lines_.values()
    assert set(lines) == set(history)
    for key, line in lines.items():
        assert_array_equal(line.get_xdata(), [1, 2, 3])
        assert_allclose(line.get_ydata(), history[key])
        assert line.get_linestyle() == ("--" if key.startswith("val_") else "-")
        assert line.get_color() == COLOURS[0]
        assert line.get_marker() == "."
        assert line.axes.get_ylabel() == key.removeprefix("val_")
    assert [ax.get_xlabel() for ax in display.axes_] == ["epoch", "epoch"]
    assert display.ax_ is display.axes_[0]
    assert display.figure_ is display.ax_.figure
    assert legend_of(display.ax_) == ["training", "validation"]
    assert display.ax_.get_legend().get_title().get_text() == "BiLSTMClassifier"
    assert_array_equal(drawn(display).ax_.get_xticks() % 1, 0)


def test_history_of_several(networks):
    """A colour each, named by what they differ in; training and validation grey."""
    display = HistoryDisplay.from_estimators(networks)
    names = ["direction='forward'", "direction='bidirectional'"]
    assert list(display.lines_) == names
    assert legend_of(display.ax_) == [*names, "training", "validation"]
    handles = display.ax_.get_legend().get_lines()
    assert colours_of(*handles) == [
        mpl.colors.to_rgba(shade) for shade in (*COLOURS[:2], "0.4", "0.4")
    ]
    assert [handle.get_linestyle() for handle in handles] == ["-", "-", "-", "--"]
    for k, (name, network) in enumerate(zip(names, networks, strict=True)):
        for key, line in display.lines_[name].items():
            assert_allclose(line.get_ydata(), network.history_[key])
            assert line.get_color() == COLOURS[k]
    assert display.bands_ == {name: {} for name in names}


def test_history_in_given_axes(networks, ax):
    """One takes the loss, or what is chosen; several take a metric each."""
    display = HistoryDisplay.from_estimator(networks[0], ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert ax.get_ylabel() == "loss"
    assert set(display.lines_["BiLSTMClassifier"]) == {"loss", "val_loss"}
    other = plt.subplots()[1]
    display.plot(other, metrics="accuracy", line_kw={"color": "red", "alpha": 0.5})
    assert display.ax_ is other
    assert other.get_ylabel() == "accuracy"
    line = display.lines_["BiLSTMClassifier"]["accuracy"]
    assert (line.get_color(), line.get_alpha()) == ("red", 0.5)
    axes = plt.subplots(2, 1)[1]
    display.plot(axes, metrics=["accuracy", "loss"])
    assert [one.get_ylabel() for one in axes] == ["accuracy", "loss"]
    assert_array_equal(display.axes_, axes)


def test_history_of_runs():
    """Mean and standard deviation of those runs that got as far."""
    runs = [{"loss": [3.0, 2.0, 1.0]}, {"loss": [5.0, 2.0]}, {"loss": [4.0]}]
    display = HistoryDisplay({"seeds": runs, "single": [{"loss": [1.0]}]}).plot()
    line = display.lines_["seeds"]["loss"]
    assert_allclose(line.get_ydata(), [4, 2, 1])
    band = display.bands_["seeds"]["loss"].get_paths()[0].vertices
    spread = np.std([3, 5, 4])
    for epoch, low, high in [(1, 4 - spread, 4 + spread), (2, 2, 2), (3, 1, 1)]:
        heights = band[band[:, 0] == epoch, 1]
        assert_allclose([heights.min(), heights.max()], [low, high])
    assert not display.bands_["single"]
    assert legend_of(display.ax_) == ["seeds", "single"]


def test_history_of_runs_of_estimators(networks):
    """A list under one name is one line."""
    display = HistoryDisplay.from_estimators({"both": networks, "one": networks[0]})
    expected = np.mean([network.history_["loss"] for network in networks], axis=0)
    assert_allclose(display.lines_["both"]["loss"].get_ydata(), expected)
    assert set(display.bands_["both"]) == set(networks[0].history_)


def test_smoothing():
    """The mean of the last epochs, of each run by itself; a gap lasts as long."""
    losses = [4.0, 2.0, np.nan, 1.0, 5.0, 3.0]
    histories = {"a": [{"loss": losses}], "b": [{"loss": [1.0, 3.0]}, {"loss": [5.0]}]}
    display = HistoryDisplay(histories).plot(smoothing=2)
    nan = np.nan
    assert_allclose(display.lines_["a"]["loss"].get_ydata(), [4, 3, nan, nan, 3, 4])
    assert_allclose(display.lines_["b"]["loss"].get_ydata(), [3, 2])
    again = HistoryDisplay.from_estimators([Fitted(), Fitted(2)], smoothing=5)
    assert_allclose(again.lines_["units=2"]["loss"].get_ydata(), [1])
    with pytest.raises(ValueError, match=r"'smoothing' parameter of .*plot must .* 0"):
        display.plot(smoothing=0)


def test_history_of_many_epochs_has_no_markers():
    """And a diverged loss is a gap, without a warning."""
    losses = [1.0] * 40 + [np.nan]
    display = HistoryDisplay({"a": [{"loss": losses}], "b": [{"loss": [1.0]}]}).plot()
    assert display.lines_["a"]["loss"].get_marker() == "None"
    assert display.lines_["b"]["loss"].get_marker() == "."
    assert_array_equal(display.lines_["a"]["loss"].get_ydata(), losses)


def test_one_epoch_has_one_tick():
    """Not a scale of fractions around it."""
    display = drawn(HistoryDisplay({"a": [{"loss": [1.0]}]}).plot())
    low, high = display.ax_.get_xlim()
    ticks = display.ax_.get_xticks()
    assert_array_equal(ticks[(ticks >= low) & (ticks <= high)], [1])


@pytest.mark.parametrize("wrap", ["pipeline", "search", "ensemble", "target"])
def test_history_is_found_inside(wrap):
    """Of pipelines, searches, ensembles and transformed targets."""
    inner = BiLSTMRegressor(units=2, epochs=2, random_state=0)
    target = X[:, 0, 0]
    outer = {
        "pipeline": make_pipeline(SequencePadder(), inner),
        "search": GridSearchCV(make_pipeline(inner), {}, cv=2),
        "ensemble": WindowedEnsemble(inner, n_timesteps=4),
        "target": TransformedTargetRegressor(inner, transformer=StandardScaler()),
    }[wrap].fit(X, target)
    display = HistoryDisplay.from_estimator(outer, name="mine")
    expected = inner.fit(X, target).history_["loss"]
    if wrap != "target":
        assert_allclose(display.lines_["mine"]["loss"].get_ydata(), expected)
    assert len(display.lines_["mine"]["loss"].get_xdata()) == 2
    assert len(display.axes_) == 1
    assert legend_of(display.ax_) == ["mine"]


class Fitted(BaseEstimator):
    """Has parameters and a history."""

    def __init__(self, units=1, random_state=0):
        self.units = units
        self.random_state = random_state
        self.history_ = {"loss": [1.0]}


class Other(Fitted):
    """Of another class."""


@pytest.mark.parametrize(
    ("estimators", "names"),
    [
        ([Fitted(1), Fitted((2, 3))], ["units=1", "units=(2, 3)"]),
        ([Fitted(), Other()], ["Fitted", "Other"]),
        ([Fitted(1), Other(2)], ["Fitted, units=1", "Other, units=2"]),
        ([Fitted(), Fitted(random_state=1)], ["Fitted (1)", "Fitted (2)"]),
        ([Fitted(1), Fitted(2), Fitted(2)], ["units=1", "units=2 (1)", "units=2 (2)"]),
        ([Fitted()], ["Fitted"]),
    ],
)
def test_names(estimators, names):
    """What differs, numbered where nothing does."""
    assert list(HistoryDisplay.from_estimators(estimators).lines_) == names


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: HistoryDisplay.from_estimator(BiLSTMClassifier()),
            "BiLSTMClassifier has no history_. Give a fitted estimator",
        ),
        (
            lambda: HistoryDisplay.from_estimator(make_pipeline(StandardScaler())),
            "Pipeline has no history_",
        ),
        (lambda: HistoryDisplay.from_estimators([]), "No estimator came"),
        (lambda: HistoryDisplay.from_estimators({"a": []}), "No estimator came"),
        (
            lambda: HistoryDisplay.from_estimator(Fitted(), metrics=["loss", "f1"]),
            "'f1'] is not in the histories, which have loss",
        ),
        (
            lambda: HistoryDisplay.from_estimator(Fitted(), ax=plt.subplots(1, 2)[1]),
            "2 Axes came for 1 metrics: loss",
        ),
    ],
)
def test_history_that_cannot_be_drawn(make, message):
    """Says what to give instead."""
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        make()


# -- MergeModeDisplay -----------------------------------------------------------------

GRID = {"merge_mode": ["mul", "concat", "sum"], "units": [16, 4]}


class Scored(ClassifierMixin, BaseEstimator):
    """Its score follows from its parameters and its training samples."""

    def __init__(self, merge_mode="concat", units=32, slow=False):
        self.merge_mode = merge_mode
        self.units = units
        self.slow = slow

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        if self.merge_mode == "ave":
            raise RuntimeError("no average")
        self.start_ = X[0, 0]
        return self

    def score(self, X, y):
        quality = {"concat": 3, "sum": 2, "mul": 1}[self.merge_mode]
        width = sum(np.atleast_1d(self.units))
        return quality / 10 + width / 100 - 0.05 * self.slow + self.start_ / 1000


table = np.arange(20.0)[:, None]
labels = np.arange(20) % 2


def search(grid, estimator=None, fit=True, **params):
    """Over two folds."""
    params = {"cv": KFold(2), "error_score": np.nan, **params}
    found = GridSearchCV(estimator or Scored(), grid, **params)
    return found.fit(table, labels) if fit else found


def test_merge_modes_of_a_halving_search():
    """Each as in its last round; the ring is on the winner, others may be higher."""
    grid = {**GRID, "units": [5, 4]}
    halving = HalvingGridSearchCV(
        Scored(), grid, resource="slow", max_resources=4, factor=2, cv=KFold(2)
    ).set_params(min_resources=1)
    display = MergeModeDisplay.from_estimator(halving.fit(table, labels))
    results = halving.cv_results_
    for place in np.ndindex(3, 2):
        mode, units = display.merge_modes[place[0]], display.units[place[1]]
        of_candidate = [
            k
            for k, params in enumerate(results["params"])
            if (params["merge_mode"], params["units"]) == (mode, units)
        ]
        last = max(of_candidate, key=results["iter"].__getitem__)
        scores = [results[f"split{k}_test_score"][last] for k in range(2)]
        assert_array_equal(display.scores[place], scores)
    (height,) = display.best_.get_ydata()
    assert height == halving.best_score_ < np.nanmax(display.scores.mean(axis=2))


def expected_score(merge_mode, units, start):
    return Scored(merge_mode, units).fit(table[start:], labels).score(None, None)


def test_merge_modes():
    """Mean and spread of each cell, in the order of the modes and of the units."""
    display = MergeModeDisplay.from_estimator(search(GRID))
    assert display.merge_modes == ["concat", "sum", "mul"]
    assert display.units == [4, 16]
    ax = display.ax_
    assert [text.get_text() for text in ax.get_xticklabels()] == display.merge_modes
    assert_array_equal(ax.get_xticks(), [0, 1, 2])
    assert ax.get_xlabel() == "merge mode"
    assert ax.get_ylabel() == "accuracy\nmean ± std of 2 folds"
    assert legend_of(ax) == ["4", "16", "best"]
    assert ax.get_legend().get_title().get_text() == "units"
    for k, units in enumerate(display.units):
        line, caps, (bars,) = display.errorbars_[k]
        folds = display.folds_[k].get_ydata().reshape(3, 2)
        for m, merge_mode in enumerate(display.merge_modes):
            # The first fold trains on the second half, the second on the first.
            both = [expected_score(merge_mode, units, start) for start in (10, 0)]
            assert_allclose(folds[m], both)
            assert_allclose(line.get_ydata()[m], np.mean(both))
            assert_allclose(np.diff(bars.get_segments()[m][:, 1]), 2 * np.std(both))
            assert abs(line.get_xdata()[m] - m) < 0.4
        assert len(caps) == 2
    first, second = (errorbar[0] for errorbar in display.errorbars_)
    assert (first.get_xdata() < second.get_xdata()).all()
    assert first.get_color() is not second.get_color()
    (x,), (best,) = display.best_.get_data()
    assert (x, best) == (second.get_xdata()[0], second.get_ydata()[0])


def test_merge_modes_inside_a_pipeline(ax):
    """Whatever the parameter is called there."""
    pipeline = make_pipeline(StandardScaler(with_mean=False), Scored())
    grid = {f"scored__{name}": values for name, values in GRID.items()}
    display = MergeModeDisplay.from_estimator(search(grid, pipeline), ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert display.scores.shape == (3, 2, 2)
    assert np.isfinite(display.scores).all()


def test_merge_modes_alone():
    """Units that were not searched are those of the estimator; layers are listed."""
    grid = {"merge_mode": ["sum", "concat"]}
    display = MergeModeDisplay.from_estimator(search(grid))
    assert display.units == [32]
    assert_allclose(display.errorbars_[0][0].get_xdata(), [0, 1])
    grid["units"] = [[8, 4], 16, (2, 2)]
    display = MergeModeDisplay.from_estimator(search(grid))
    assert display.units == [(2, 2), (8, 4), 16]
    assert legend_of(display.ax_) == ["2, 2", "8, 4", "16", "best"]


def test_the_best_of_other_parameters():
    """Stands for its cell, in whatever order they were tried."""
    for slow in ([True, False], [False, True]):
        display = MergeModeDisplay.from_estimator(search({**GRID, "slow": slow}))
        best = MergeModeDisplay.from_estimator(search(GRID))
        assert_array_equal(display.scores, best.scores)


def test_a_randomized_search_leaves_cells_out():
    """They stay empty; so does what failed."""
    found = RandomizedSearchCV(
        Scored(), GRID, n_iter=4, cv=KFold(2), random_state=0
    ).fit(table, labels)
    tried = found.cv_results_["params"]
    display = MergeModeDisplay.from_estimator(found)
    for m, merge_mode in enumerate(display.merge_modes):
        for k, units in enumerate(display.units):
            cell = {"merge_mode": merge_mode, "units": units}
            assert np.isfinite(display.scores[m, k]).all() == (cell in tried)
    assert len(tried) == 4 < len(ParameterGrid(GRID))


@pytest.mark.filterwarnings("ignore:\\s*2 fits failed", "ignore:One or more of the")
def test_failed_fits():
    """Are gaps; if there is nothing else, an error."""
    grid = {"merge_mode": ["concat", "ave"]}
    display = MergeModeDisplay.from_estimator(search(grid, cv=KFold(2)))
    assert_array_equal(np.isnan(display.errorbars_[0][0].get_ydata()), [False, True])
    assert display.best_.get_xdata() == [0]
    scores = np.full((1, 1, 2), np.nan)
    failed = MergeModeDisplay(merge_modes=["ave"], units=[1], scores=scores)
    with pytest.raises(ValueError, match="There is no score to draw: all fits"):
        failed.plot()


def test_networks_that_merge_nothing():
    """Candidates without merge_mode have no place in the picture."""
    grid = [{"merge_mode": ["sum"], "units": [4]}, {"units": [8]}]
    display = MergeModeDisplay.from_estimator(search(grid))
    assert display.merge_modes == ["sum"]
    assert display.units == [4]


class Directed(Scored):
    """One that reads in one direction has better scores, whatever its merge mode."""

    def __init__(self, merge_mode="concat", units=32, slow=False, direction="forward"):
        super().__init__(merge_mode, units, slow)
        self.direction = direction

    def score(self, X, y):
        return super().score(X, y) + (self.direction != "bidirectional")


@pytest.mark.parametrize("inside", [False, True])
def test_one_direction_merges_nothing(inside):
    """It has no bar, however good it is; the others are as if it had not been tried."""
    estimator, prefix = Directed(), ""
    if inside:
        estimator, prefix = make_pipeline(StandardScaler(), estimator), "directed__"
    grid = {f"{prefix}{name}": values for name, values in GRID.items()}
    both = {**grid, f"{prefix}direction": ["bidirectional"]}
    mixed = {**grid, f"{prefix}direction": ["backward", "bidirectional", "forward"]}
    expected = MergeModeDisplay.from_estimator(search(both, estimator))
    with pytest.warns(UserWarning, match="12 of 18 candidates read in one direction"):
        display = MergeModeDisplay.from_estimator(search(mixed, estimator))
    assert_array_equal(display.scores, expected.scores)
    assert display.best_.get_xydata().tolist() == expected.best_.get_xydata().tolist()
    with pytest.raises(ValueError, match=f"Search it with {prefix}direction='bidirec"):
        MergeModeDisplay.from_estimator(search(grid, estimator))


def test_one_direction_without_a_merge_mode():
    """A grid of its own needs no warning."""
    grid = [{**GRID, "direction": ["bidirectional"]}, {"direction": ["forward"]}]
    display = MergeModeDisplay.from_estimator(search(grid, Directed()))
    assert display.scores.shape == (3, 2, 2)
    assert np.nanmax(display.scores) < 1


class Regressed(RegressorMixin, Scored):
    """A regressor of the same scores."""

    def predict(self, X):
        return np.full(len(X), float(self.units))


def test_score_names():
    """From the search; the sign can be changed, and the best is then the lowest."""
    grid = {"merge_mode": ["sum"], "units": [1, 2, 5]}
    assert MergeModeDisplay.from_estimator(search(grid, Regressed())).score_name == "R²"
    found = search(grid, Regressed(), scoring="neg_mean_absolute_error")
    display = MergeModeDisplay.from_estimator(found)
    assert display.score_name == "negative mean absolute error"
    assert (display.scores < 0).all()
    negated = MergeModeDisplay.from_estimator(found, negate_score=True)
    assert negated.score_name == "mean absolute error"
    assert_array_equal(negated.scores, -display.scores)
    for one in (display, negated):
        assert one.best_.get_xdata() == one.errorbars_[0][0].get_xdata()[0]
    named = MergeModeDisplay.from_estimator(
        found, score_name="error", negate_score=True
    )
    assert named.ax_.get_ylabel().startswith("error\n")


def test_several_scores():
    """That of `refit`, or the one that is asked for."""
    scoring = {"mae": "neg_mean_absolute_error", "mse": "neg_mean_squared_error"}
    grid = {"merge_mode": ["sum"], "units": [1, 2]}
    found = search(grid, Regressed(), scoring=scoring, refit="mse")
    display = MergeModeDisplay.from_estimator(found)
    assert display.score_name == "mse"
    assert_allclose(display.scores[0, 0, 0], found.cv_results_["split0_test_mse"][0])
    display = MergeModeDisplay.from_estimator(found, metric="mae")
    assert_allclose(display.scores[0, 1, 1], found.cv_results_["split1_test_mae"][1])
    found = search(grid, Regressed(), scoring=scoring, refit=False)
    with pytest.raises(ValueError, match=r"metric=None .* which has mae, mse"):
        MergeModeDisplay.from_estimator(found)


def test_merge_modes_of_a_network():
    """A search over the estimator itself."""
    network = BiLSTMClassifier(units=2, epochs=1, random_state=0)
    grid = {"bilstmclassifier__merge_mode": ["sum", "ave"]}
    found = GridSearchCV(make_pipeline(SequencePadder(), network), grid, cv=2).fit(X, y)
    display = MergeModeDisplay.from_estimator(found)
    assert display.units == [2]
    assert_allclose(
        display.scores.mean(axis=2)[:, 0], found.cv_results_["mean_test_score"]
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: search(GRID, fit=False), "GridSearchCV has no cv_results_"),
        (Scored, "Scored has no cv_results_. Give a GridSearchCV"),
        (
            lambda: search(
                {"scored__units": [1, 2]}, make_pipeline(StandardScaler(), Scored())
            ),
            r"did not vary merge_mode, only scored__units. Add 'scored__merge_mode': "
            r"\['concat', 'sum', 'mul', 'ave'\] to it",
        ),
        (
            lambda: search({"units": [1]}, Unmerged()),
            r"did not vary merge_mode, only units\.$",
        ),
        (
            lambda: search(
                {"merge_mode": ["sum"], "inner__merge_mode": ["sum"]}, Double(Scored())
            ),
            "several merge modes: .*inner__merge_mode",
        ),
    ],
)
def test_searches_that_cannot_be_drawn(make, message):
    """Says what is missing, and how the parameter is called."""
    with pytest.raises(ValueError, match=message):
        MergeModeDisplay.from_estimator(make())


class Unmerged(ClassifierMixin, BaseEstimator):
    """Has no merge mode."""

    def __init__(self, units=1):
        self.units = units

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def score(self, X, y):
        return 0.5


class Double(Scored):
    """Has two."""

    def __init__(self, inner=None, merge_mode="sum", units=1, slow=False):
        self.inner = inner
        super().__init__(merge_mode, units, slow)


# -- WindowDisplay --------------------------------------------------------------------


def check_window(display, values, window):
    """Colours and texts of a picture against the cells that were really cut.

    Where a cell of the window is that of the table they have the same colour, which no
    other timestep has; padding is hatched and white.
    """
    origins = display.origins
    first, _ = origins.shown(1)
    in_table, in_window = display.table_.get_array(), display.window_.get_array()
    assert in_window.shape == (*window.shape, 4)
    n_padded = 0
    for (timestep, feature), value in np.ndenumerate(window):
        row, column = (
            origins.rows[timestep, feature],
            origins.columns[timestep, feature],
        )
        shade = in_window[timestep, feature]
        said = display.texts_["window", timestep, feature].get_text()
        if row < 0:
            n_padded += 1
            assert column == -1
            assert said == ("NaN" if np.isnan(value) else "0")
            assert_array_equal(shade, 1)
            continue
        assert value == values[row, column]
        assert_array_equal(in_table[row - first, column], shade)
        same = (in_window == shade).all(axis=2) & (origins.rows >= 0)
        assert set(np.nonzero(same)[0]) == {timestep}
        assert said == (
            origins.column_names[column] if origins.from_one_row else str(row)
        )
        assert display.texts_["table", row, column].get_text() == str(timestep)
    assert len(display.padding_) == n_padded
    assert all(box.get_hatch() == "////" for box in display.padding_)
    used = np.count_nonzero(origins.rows >= 0)
    assert np.count_nonzero((in_table != 1).any(axis=2)) == used
    n_said = sum(place[0] == "table" for place in display.texts_)
    assert n_said == used


def ticks_of(axis):
    return [text.get_text() for text in axis.get_ticklabels()]


@pytest.mark.parametrize("sample", [0, 2, 7, 11])
@pytest.mark.parametrize("sampling_rate", [1, 2, 3])
def test_sliding_windows(sample, sampling_rate):
    """The rows of the window that ends at this row."""
    values = rng.normal(size=(12, 3))
    windows = SlidingWindows(4, sampling_rate=sampling_rate)
    display = WindowDisplay.from_estimator(windows, values, sample=sample)
    assert not hasattr(windows, "n_timesteps_out_")
    check_window(display, values, windows.fit_transform(values)[sample])
    assert display.origins.rows[-1, 0] == sample


@pytest.mark.parametrize("sample", range(10))
def test_windows_of_groups(sample):
    """Rows of other series are passed over; names of rows tell the series."""
    frame = pd.DataFrame(
        {
            "price": np.arange(10.0),
            "store": list("abbabaabba"),
            "demand": np.arange(10.0, 20.0),
        }
    )
    windows = SlidingWindows(3, groups="store")
    display = WindowDisplay.from_estimator(windows, frame, sample=sample)
    cut = np.asarray(windows.fit_transform(frame))[sample]
    values = frame.assign(store=-1).to_numpy()
    check_window(display, values, cut)
    first, end = display.origins.shown(1)
    assert ticks_of(display.ax_.yaxis) == [
        f"{frame['store'][row]}  {row}" for row in range(first, end)
    ]
    names = ticks_of(display.ax_.xaxis)
    assert names == ["price", "store", "demand", "price", "demand"]
    by_function = SlidingWindows(3, groups=lambda numbers: frame["store"])
    numbers = frame[["price", "demand"]]
    other = WindowDisplay.from_estimator(by_function, numbers, sample=sample)
    assert_array_equal(other.origins.rows, display.origins.rows)


def test_elapsed_time_comes_from_the_time():
    """Its cells are those of the time column, under its own name."""
    values = np.column_stack([np.arange(6.0), [0, 1, 3, 6, 10, 15], np.arange(6.0)])
    display = WindowDisplay.from_estimator(SlidingWindows(3, time=1), values, sample=4)
    assert_array_equal(display.origins.columns, [[0, 1, 2]] * 3)
    assert ticks_of(display.ax_.xaxis)[3:] == ["x0", "elapsed", "x2"]


@pytest.mark.parametrize("layout", ["timestep", "feature"])
@pytest.mark.parametrize(
    ("n_columns", "params"),
    [
        (12, {"n_timesteps": 4}),
        (6, {}),
        (6, {"n_timesteps": 1}),
        (8, {"n_timesteps": 4, "n_features": 3, "pad": True}),
        (7, {"n_features": 3, "pad": True}),
    ],
)
def test_reshaper(n_columns, params, layout):
    """Columns of one row, in either layout; what is filled up is hatched."""
    values = rng.normal(size=(5, n_columns))
    reshaper = SequenceReshaper(layout=layout, **params)
    display = WindowDisplay.from_estimator(reshaper, values, sample=-2)
    check_window(display, values, reshaper.fit_transform(values)[3])
    assert display.origins.sample == 3
    assert set(np.unique(display.origins.rows)) <= {-1, 3}
    n_features = reshaper.n_features_out_
    names = ticks_of(display.ax_.xaxis)
    assert names[-n_features:] == [f"f{k}" for k in range(n_features)]


def test_reshaper_with_a_time():
    """Its feature is called what it becomes."""
    values = np.tile(np.arange(6.0), (2, 1))
    reshaper = SequenceReshaper(3, time=1)
    display = WindowDisplay.from_estimator(reshaper, values)
    assert ticks_of(display.ax_.xaxis)[-2:] == ["f0", "elapsed"]
    assert_array_equal(display.origins.columns, np.arange(6).reshape(3, 2))


def test_reshaper_with_static_columns():
    """They come from where they are, by their names, at every timestep."""
    frame = pd.DataFrame(np.ones((2, 5)), columns=["age", "t0", "t1", "sex", "t2"])
    reshaper = SequenceReshaper(static=["age", "sex"])
    display = WindowDisplay.from_estimator(reshaper, frame)
    assert ticks_of(display.ax_.xaxis)[-3:] == ["f0", "age", "sex"]
    assert_array_equal(display.origins.columns, [[1, 0, 3], [2, 0, 3], [4, 0, 3]])


def outlines(display):
    """Corners of the target's cells: in the table, and beside the window."""
    corners = [box.get_xy() for box in display.targets_]
    assert all(box.get_edgecolor() == colours["target"] for box in display.targets_)
    return corners[::2], corners[1::2]


colours = {"target": mpl.colors.to_rgba(COLOURS[1])}


@pytest.mark.parametrize("sample", [0, 3])
@pytest.mark.parametrize("params", [{"horizon": 3, "target": 1}, {}, {"stride": 2}])
def test_series(sample, params):
    """The window, and what follows it, outlined in the table and beside the window."""
    values = rng.normal(size=(14, 2))
    X, y = make_windows(values, 4, **params)
    display = WindowDisplay.from_series(values, 4, sample=sample, **params)
    check_window(display, values, X[sample])
    rows, columns = display.origins.target_rows, display.origins.target_columns
    assert_array_equal(values[rows, columns].ravel(), y[sample])
    in_table, beside = outlines(display)
    first, _ = display.origins.shown(1)
    assert in_table == [
        (column, row - first)
        for row, column in zip(rows.ravel(), columns.ravel(), strict=True)
    ]
    assert len(beside) == y[sample].size
    assert min(x for x, _ in beside) > 2 + 2 + 2
    said = [
        display.texts_["target", *place].get_text() for place in np.ndindex(rows.shape)
    ]
    assert said == [str(row) for row in rows.ravel()]
    assert ticks_of(display.ax_.xaxis)[-1] == "y"


@pytest.mark.parametrize("groups", ["array", 1, "callable"])
def test_series_of_groups(groups):
    """However they are told."""
    values = np.column_stack([np.arange(12.0), np.arange(12) % 2, np.arange(12.0)])
    given = {
        "array": np.arange(12) % 2,
        1: 1,
        "callable": lambda table: table[:, 1],
    }[groups]
    X, y = make_windows(values, 3, horizon=2, target=2, groups=given)
    display = WindowDisplay.from_series(
        values, 3, horizon=2, target=2, groups=given, sample=1
    )
    check_window(display, values, np.asarray(X)[1])
    assert_array_equal(values[display.origins.target_rows[:, 0], 2], y[1])
    assert_array_equal(display.origins.target_columns, [[2], [2]])
    assert ticks_of(display.ax_.yaxis)[0] in ("0.0  0", "0  0")


def test_a_series_in_one_axis(ax):
    """A list is a table of one column."""
    display = WindowDisplay.from_series([1.0, 2.0, 3.0, 4.0], 2, sample=0, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert_array_equal(display.origins.rows, [[0], [1]])
    assert_array_equal(display.origins.target_rows, [[2]])
    assert [text.get_text() for text in ax.texts if text.get_text()][-2:] == [
        "rows 0 to 3 of 4\n(each cell: its timestep)",
        "window 0\n(each cell: its row)",
    ]


def test_a_list_of_rows():
    """Is a table, too."""
    rows = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    display = WindowDisplay.from_estimator(SlidingWindows(2), rows)
    check_window(display, np.array(rows), np.array(rows[1:]))


def test_only_rows_around_the_window_are_drawn():
    """Of a large table; text that could not be read is left out."""
    values = np.zeros((100_000, 40))
    display = WindowDisplay.from_estimator(SlidingWindows(50), values, sample=70_000)
    assert display.table_.get_array().shape == (52, 40, 4)
    assert ticks_of(display.ax_.yaxis)[:2] == ["69950", "69952"]
    assert display.texts_ == {}
    assert "rows 69950 to 70001 of 100000" in [
        text.get_text() for text in display.ax_.texts
    ]


@pytest.mark.parametrize("columns", [3, 64])
def test_texts_of_a_window_stay_in_their_cells(columns):
    """When drawn in a figure of our own."""
    frame = pd.DataFrame(np.zeros((30, columns))).rename(columns="pixel {}".format)
    for transformer in (SlidingWindows(5), SequenceReshaper(columns // 1)):
        display = drawn(WindowDisplay.from_estimator(transformer, frame, sample=20))
        cell = display.ax_.transData.transform([[0, 0], [1, 1]])
        width, height = np.abs(np.diff(cell, axis=0))[0]
        for text in display.texts_.values():
            box = text.get_window_extent()
            assert box.width <= width
            assert box.height <= height


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: WindowDisplay.from_estimator(StandardScaler(), table),
            TypeError,
            "StandardScaler makes no windows of rows. Give a SlidingWindows",
        ),
        (
            lambda: WindowDisplay.from_estimator(SlidingWindows(2), table, sample=20),
            ValueError,
            "sample=20 is no window: there are 20. Choose a number from 0 to 19",
        ),
        (
            lambda: WindowDisplay.from_series(table, 5, sample=-17),
            ValueError,
            "sample=-17 is no window: there are 15",
        ),
        (
            lambda: WindowDisplay.from_estimator(SlidingWindows(30), table),
            ValueError,
            "n_timesteps=30 with sampling_rate=1 reaches over 30 rows",
        ),
        (
            lambda: WindowDisplay.from_series(np.zeros((9, 2)), 2, horizon=2),
            ValueError,
            "horizon=2 forecasts one column",
        ),
    ],
)
def test_windows_that_cannot_be_drawn(make, error, message):
    """As the transformers say it themselves."""
    with pytest.raises(error, match=message):
        make()


# -- TimestepDisplay ------------------------------------------------------------------

CLASSES = np.array(["fall", "rest", "rise"])
TRUE = np.array(["rest", "rise", "rise", "fall", "rest", "rest"], dtype=object)
PREDICTED = np.array(["rest", "rise", "rest", "fall", np.nan, np.nan], dtype=object)
PROBA = np.array([[0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.1, 0.5, 0.4], [0.9, 0.1, 0.0]])
PROBA = np.vstack([PROBA, np.full((2, 3), np.nan)])


def spans(display):
    """First and last of the timesteps in each stretch of padding."""
    corners = [
        box.get_patch_transform().transform(box.get_path().vertices)[:, 0]
        for box in display.padding_
    ]
    return [(x.min() + 0.5, x.max() - 0.5) for x in corners]


def test_labels(ax):
    """In the row of their class; wrong ones again, padding in none of them."""
    display = TimestepDisplay.from_predictions(
        TRUE, PREDICTED, classes=CLASSES, y_proba=PROBA, ax=ax
    )
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    (true,), (predicted,) = display.true_, display.predicted_
    nan = np.nan
    assert_array_equal(true.get_xdata(), range(6))
    assert_array_equal(true.get_ydata(), [1, 2, 2, 0, nan, nan])
    assert_array_equal(predicted.get_ydata(), [1, 2, 1, 0, nan, nan])
    assert_array_equal(display.wrong_.get_ydata(), [nan, nan, 1, nan, nan, nan])
    assert ticks_of(ax.yaxis) == list(CLASSES)
    assert_array_equal(ax.get_yticks(), [0, 1, 2])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("timestep", "label")
    assert legend_of(ax) == ["true", "predicted", "predicted, wrong", "padding"]
    assert spans(display) == [(4, 5)]
    assert display.padding_[0].get_hatch() == "////"
    assert ax.get_xlim() == (-0.5, 5.5)
    assert_array_equal(drawn(display).ax_.get_xticks() % 1, 0)


def test_probabilities():
    """A map of (n_classes, n_timesteps) from 0 to 1, empty where it is padded."""
    display = TimestepDisplay.from_predictions(
        TRUE, PREDICTED, classes=CLASSES, y_proba=PROBA
    )
    cells = display.probabilities_.get_array()
    assert_array_equal(cells.filled(np.nan), PROBA.T)
    assert display.probabilities_.get_clim() == (0, 1)
    _, bar = display.figure_.axes
    assert bar.get_ylabel() == "probability"
    without = TimestepDisplay.from_predictions(TRUE, PREDICTED, classes=CLASSES)
    assert without.probabilities_ is None
    assert len(without.figure_.axes) == 1


def test_integer_labels_come_as_floats_beside_padding():
    """They are labels all the same, and the padding may be anywhere."""
    predicted = np.array([np.nan, 7, 9, np.nan, 7])
    display = TimestepDisplay.from_predictions(
        [0, 7, 7, 0, 7], predicted, classes=[7, 9]
    )
    assert_array_equal(display.true_[0].get_ydata(), [np.nan, 0, 0, np.nan, 0])
    assert_array_equal(display.predicted_[0].get_ydata(), [np.nan, 0, 1, np.nan, 0])
    assert spans(display) == [(0, 0), (3, 3)]
    assert ticks_of(display.ax_.yaxis) == ["7", "9"]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA], ids=str)
def test_every_missing_value_is_padding(missing):
    """Also pandas' NA, of which no comparison is True or False."""
    predicted = np.array([missing, 7, 9, missing], dtype=object)
    display = TimestepDisplay.from_predictions([0, 7, 7, 0], predicted, classes=[7, 9])
    assert_array_equal(display.predicted_[0].get_ydata(), [np.nan, 0, 1, np.nan])
    assert spans(display) == [(0, 0), (3, 3)]


def test_long_sequences_are_lines():
    """Points of many timesteps would run into each other."""
    labels = np.repeat([0, 1, 0], 40)
    for n, style in ((60, "None"), (120, "-")):
        display = TimestepDisplay.from_predictions(
            labels[:n], labels[:n], classes=[0, 1]
        )
        for line in (*display.true_, *display.predicted_):
            assert line.get_linestyle() == style
            assert (line.get_marker() == "None") == (style == "-")
            assert_array_equal(line.get_ydata(), labels[:n])
    small = plt.subplots(figsize=(3, 3))[1]
    display.plot(small)
    assert display.true_[0].get_linestyle() == "-"
    values = TimestepDisplay.from_predictions(labels[:60], labels[:60])
    assert values.predicted_[0].get_marker() == "."
    values.plot(small)
    assert values.predicted_[0].get_marker() == ""


def test_values():
    """True and predicted lines, with a gap where it is padded."""
    predicted = np.array([np.nan, 1.0, 2.0, 3.0])
    display = TimestepDisplay.from_predictions([9.0, 1.5, 2.5, 3.5], predicted)
    assert_array_equal(display.true_[0].get_ydata(), [np.nan, 1.5, 2.5, 3.5])
    assert_array_equal(display.predicted_[0].get_ydata(), predicted)
    assert legend_of(display.ax_) == ["true", "predicted", "padding"]
    assert spans(display) == [(0, 0)]
    assert display.wrong_ is display.probabilities_ is None
    assert display.ax_.get_ylabel() == "target"


def test_values_of_several_targets():
    """A colour each."""
    true = rng.normal(size=(5, 2))
    display = TimestepDisplay.from_predictions(true, true + 1)
    for k in range(2):
        assert_array_equal(display.true_[k].get_ydata(), true[:, k])
        assert_array_equal(display.predicted_[k].get_ydata(), true[:, k] + 1)
        assert display.true_[k].get_color() == COLOURS[k]
        assert display.predicted_[k].get_color() == COLOURS[k]
    assert legend_of(display.ax_) == ["true 0", "predicted 0", "true 1", "predicted 1"]
    assert display.padding_ == []


@pytest.fixture(scope="module")
def timesteps():
    """A classifier of text at every timestep, in a pipeline that pads."""
    sequences = [rng.normal(size=(n, 2)) for n in (3, 5, 2, 4)]
    labels = [np.where(s[:, 0] > 0, "up", "down") for s in sequences]
    labels[0][:2] = ["up", "down"]
    network = BiLSTMTimestepClassifier(units=2, epochs=1, random_state=0)
    return network.fit(sequences, labels), sequences, labels


def test_labels_of_a_network(timesteps):
    """Lists give their own sequence, arrays the padding, too."""
    network, sequences, labels = timesteps
    display = TimestepDisplay.from_estimator(network, sequences, labels, sample=1)
    proba = network.predict_proba(sequences)[1]
    assert_allclose(display.probabilities_.get_array().T, proba, atol=1e-6)
    assert_array_equal(display.predicted_[0].get_ydata(), proba.argmax(axis=1))
    assert_array_equal(display.true_[0].get_ydata(), labels[1] == "up")
    assert display.padding_ == []
    padded = pad_sequences(sequences)
    y = np.full((4, 5), "down")
    for row, of_sequence in zip(y, labels, strict=True):
        row[: len(of_sequence)] = of_sequence
    display = TimestepDisplay.from_estimator(network, padded, y, sample=-1)
    assert_array_equal(display.true_[0].get_ydata(), [*(labels[3] == "up"), np.nan])
    assert spans(display) == [(4, 4)]
    assert ticks_of(display.ax_.yaxis) == ["down", "up"]


@pytest.mark.parametrize("n_targets", [None, 2])
def test_values_of_a_network(n_targets):
    """And of a matrix in a data frame: one feature at each of its columns."""
    frame = pd.DataFrame(rng.normal(size=(6, 4)))
    y = frame.to_numpy() if n_targets is None else np.stack([frame, -frame], axis=-1)
    network = BiLSTMTimestepRegressor(units=2, epochs=1, random_state=0).fit(frame, y)
    given = pd.DataFrame(y) if n_targets is None else y
    display = TimestepDisplay.from_estimator(network, frame, given, sample=2)
    predicted = network.predict(frame)[2].reshape(4, -1)
    for k, line in enumerate(display.predicted_):
        assert_allclose(line.get_ydata(), predicted[:, k], atol=1e-6)
        assert_array_equal(display.true_[k].get_ydata(), y[2].reshape(4, -1)[:, k])
    assert len(display.predicted_) == (n_targets or 1)


@pytest.mark.parametrize(
    ("true", "predicted", "params", "message"),
    [
        ([1, 2], [1, 2, 3], {}, r"y_true has shape \(2,\), y_pred \(3,\): both are of"),
        (1.0, 1.0, {}, r"y_true has shape \(\), y_pred \(\)"),
        (
            [0, 1],
            [0, 1],
            {"classes": [0, 1], "y_proba": [[0.5, 0.5]]},
            r"y_proba has shape \(1, 2\), but 2 timesteps and 2 classes need \(2, 2\)",
        ),
        ([0, 1], [0, 1], {"y_proba": [[0.5], [0.5]]}, "2 timesteps and 0 classes"),
        (
            [0, 3],
            [0, 1],
            {"classes": [0, 1]},
            "label .*3.* of timestep 1 is not in clas",
        ),
    ],
)
def test_predictions_that_do_not_fit(true, predicted, params, message):
    """Says what came and what was expected."""
    with pytest.raises(ValueError, match=message):
        TimestepDisplay.from_predictions(true, predicted, **params)


@pytest.mark.parametrize("sample", [4, -5])
def test_no_such_sequence(timesteps, sample):
    """Says how many there are."""
    with pytest.raises(ValueError, match=f"sample={sample} is not in X, which has 4"):
        TimestepDisplay.from_estimator(*timesteps, sample=sample)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (
            lambda: TimestepDisplay.from_estimator(None, X, None),
            "needs y, and",
        ),
        (
            lambda: TimestepDisplay.from_estimator(None, None, X),
            "needs X, and",
        ),
        (
            lambda: TimestepImportanceDisplay.from_estimator(None, None),
            "needs X, and got None. Give the sequences",
        ),
        (
            lambda: WindowDisplay.from_estimator(SlidingWindows(2), None),
            "needs X, and got None. Give the table",
        ),
        (lambda: HistoryDisplay.from_estimator(None), "has no history_. Give"),
        (lambda: MergeModeDisplay.from_estimator(None), "NoneType"),
    ],
)
def test_none_is_not_drawn(draw, message):
    """It says what is needed."""
    with pytest.raises(ValueError, match=message):
        draw()
