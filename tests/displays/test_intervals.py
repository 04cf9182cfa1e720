"""Quantiles judged and drawn: the pinball scorer, IntervalDisplay, calibration."""

import pickle

import guide
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import make_scorer, mean_pinball_loss
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline

from sklstm import BiLSTMRegressor, BiLSTMTimestepRegressor, SequenceScaler
from sklstm.displays import IntervalDisplay
from sklstm.metrics import make_pinball_scorer

mpl.use("agg")

rng = np.random.default_rng(0)
N = 30
X = rng.normal(size=(N, 4, 2))
LENGTHS = np.resize([4, 2, 3, 1], N)
VALID = np.arange(4) < LENGTHS[:, None]
PADDED = np.where(VALID[:, :, None], X, np.nan)
STEPS = X[:, :, :1].cumsum(axis=1)
NUMBERS = STEPS[:, -1, 0]
Y = {
    "one": NUMBERS,
    "several": np.stack([NUMBERS, 9 - 5 * NUMBERS], axis=1),
    "steps": STEPS[:, :, 0],
    "several at steps": np.concatenate([STEPS, 9 - 5 * STEPS], axis=2),
}
LEVELS = [0.1, 0.25, 0.5, 0.9]


def in_list(array):
    return [row[:n] for row, n in zip(array, LENGTHS, strict=True)]


@pytest.fixture(scope="module")
def fitted():
    """A model for every kind of y; those at timesteps are of padded sequences."""
    params = {"loss": "quantile", "quantiles": LEVELS, "epochs": 3, "random_state": 0}
    return {
        name: (BiLSTMTimestepRegressor if "steps" in name else BiLSTMRegressor)(
            3, **params
        ).fit(PADDED, y)
        for name, y in Y.items()
    }


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


# -- the scorer ------------------------------------------------------------------------


def pinball(y, quantiles, weights, levels=LEVELS):
    """Number by number, padded ones left out; `weights` in the shape of `y`."""
    total = weight = 0.0
    for place in np.ndindex(y.shape):
        if np.isnan(quantiles[place]).any():
            continue
        for k, level in enumerate(LEVELS):
            if level in levels:
                error = y[place] - quantiles[(*place, k)]
                loss = level * error if error > 0 else (level - 1) * error
                total += weights[place] * loss
                weight += weights[place]
    return total / weight


@pytest.mark.parametrize("levels", [None, [0.5], [0.25, 0.9]])
@pytest.mark.parametrize("name", Y)
def test_score_is_the_mean_pinball_loss(name, levels, fitted):
    """Over quantiles, targets, samples and valid timesteps."""
    quantiles = fitted[name].predict_quantiles(PADDED)
    expected = pinball(Y[name], quantiles, np.ones_like(Y[name]), levels or LEVELS)
    score = make_pinball_scorer(levels)(fitted[name], PADDED, Y[name])
    assert score == pytest.approx(-expected)


@pytest.mark.parametrize("form", ["X and y", "y", "neither"])
@pytest.mark.parametrize("name", ["steps", "several at steps"])
def test_score_of_lists(name, form, fitted):
    """Of valid timesteps only, as `fit` takes them, weights of timesteps too."""
    weights = rng.integers(0, 3, size=(N, 4)).astype(float)
    y = np.array(Y[name])
    expanded = weights.reshape(N, 4, *[1] * (y.ndim - 2)) * np.ones_like(y)
    quantiles = fitted[name].predict_quantiles(PADDED)
    expected = pinball(y, quantiles, expanded)
    y[~VALID] = np.nan
    y[weights == 0] = np.nan  # no target is needed there
    given = {"X and y": in_list(X)}.get(form, PADDED)
    as_lists = form != "neither"
    score = make_pinball_scorer()(
        fitted[name],
        given,
        in_list(y) if as_lists else y,
        sample_weight=in_list(weights) if as_lists else weights,
    )
    assert score == pytest.approx(-expected, rel=1e-5)


@pytest.mark.parametrize("name", Y)
def test_weights_of_samples(name, fitted):
    """They count for every number of a sample."""
    weights = rng.uniform(0.1, 2, N)
    y = Y[name]
    expanded = weights.reshape(N, *[1] * (y.ndim - 1)) * np.ones_like(y)
    expected = pinball(y, fitted[name].predict_quantiles(PADDED), expanded)
    score = make_pinball_scorer()(fitted[name], PADDED, y, sample_weight=weights)
    assert score == pytest.approx(-expected)


def test_a_single_quantile_scores_as_scikit_learns(fitted):
    """`predict` is then that quantile, for any tool that calls it."""
    model = BiLSTMRegressor(2, loss="quantile", quantiles=(0.9,), epochs=2)
    model.set_params(random_state=0)
    theirs = make_scorer(mean_pinball_loss, alpha=0.9, greater_is_better=False)
    scores = [
        cross_val_score(model, X, NUMBERS, cv=2, scoring=scorer)
        for scorer in (theirs, make_pinball_scorer())
    ]
    assert_allclose(*scores)


@pytest.mark.parametrize(
    ("estimator", "given", "y"),
    [
        (BiLSTMRegressor, X, NUMBERS),
        (BiLSTMTimestepRegressor, in_list(X), in_list(STEPS[:, :, 0])),
    ],
)
def test_search(estimator, given, y):
    """Through a pipeline, beside another score, and of the search itself."""
    model = estimator(2, loss="quantile", epochs=1, random_state=0)
    pipeline = make_pipeline(SequenceScaler(), model)
    grid = {f"{estimator.__name__.lower()}__units": [1, 2]}
    scorer = pickle.loads(pickle.dumps(make_pinball_scorer((0.1, 0.9))))
    scoring = {"pinball": scorer, "median": make_pinball_scorer([0.5])}
    cv = KFold(2)
    search = GridSearchCV(pipeline, grid, scoring=scoring, refit="pinball", cv=cv)
    search.fit(given, y)
    train, test = next(cv.split(given))
    candidate = search.estimator.set_params(**search.cv_results_["params"][0])
    candidate.fit([given[k] for k in train], [y[k] for k in train])
    score = scorer(candidate, [given[k] for k in test], [y[k] for k in test])
    assert search.cv_results_["split0_test_pinball"][0] == pytest.approx(score)
    best = search.best_estimator_
    assert scorer(search, given, y) == scorer(best, given, y)


def test_repr():
    """As it is written."""
    assert repr(make_pinball_scorer()) == "make_pinball_scorer()"
    assert repr(make_pinball_scorer((0.1,))) == "make_pinball_scorer((0.1,))"


@pytest.mark.parametrize(
    ("name", "levels", "y", "message"),
    [
        ("one", (0.2, 0.5), Y["one"], r"The quantiles \[0.2\] are to be scored, but.*"),
        ("one", None, Y["one"][1:], "y_true has 29 values, but quantiles .* for 30. "),
        ("steps", None, Y["steps"][1:], "has 116 values, .* for 120, 44 of them padd"),
        ("several", None, Y["one"], "y_true has 30 values, but quantiles .* for 60. "),
    ],
)
def test_what_cannot_be_scored(name, levels, y, message, fitted):
    """Quantiles that are not there, and shapes that do not agree."""
    with pytest.raises(ValueError, match=message):
        make_pinball_scorer(levels)(fitted[name], PADDED, y)


@pytest.mark.parametrize("piped", [False, True])
def test_no_quantiles_to_score(piped):
    """The message says what to fit instead."""
    model = BiLSTMRegressor(2, epochs=1)
    model = make_pipeline(SequenceScaler(), model) if piped else model
    with pytest.raises(ValueError, match=r"BiLSTMRegressor predicts no quantiles\."):
        make_pinball_scorer()(model.fit(X, NUMBERS), X, NUMBERS)


# -- the display -----------------------------------------------------------------------


def edges_of(band):
    """Lower and upper edge, place by place."""
    vertices = band.get_paths()[0].vertices
    places = np.unique(vertices[:, 0])
    heights = [vertices[vertices[:, 0] == place, 1] for place in places]
    return np.array([(height.min(), height.max()) for height in heights]).T


def check_fan(display, true, quantiles, name):
    """Bands, line and marks of these numbers, in this order."""
    assert display.ax_.get_xlabel() == name
    assert len(display.bands_) == quantiles.shape[1] // 2
    for k, band in enumerate(display.bands_):
        assert_allclose(edges_of(band), quantiles[:, [k, -1 - k]].T)
    if quantiles.shape[1] % 2:
        middle = quantiles[:, quantiles.shape[1] // 2]
        assert_allclose(display.middle_.get_ydata(), middle)
    else:
        assert display.middle_ is None
    assert_allclose(display.true_.get_ydata(), true)


@pytest.mark.parametrize(
    ("name", "choice", "place", "along"),
    [
        ("one", {}, np.s_[:], "sample"),
        ("several", {}, np.s_[0], "step"),
        ("several", {"sample": 3}, np.s_[3], "step"),
        ("several", {"target": 1}, np.s_[:, 1], "sample"),
        ("steps", {}, np.s_[0], "step"),
        ("several at steps", {"sample": 4}, np.s_[4, :, 0], "step"),
        ("several at steps", {"sample": 4, "target": 1}, np.s_[4, :, 1], "step"),
    ],
)
def test_fan(name, choice, place, along, fitted):
    """Over samples, over the horizon of one, over its timesteps."""
    display = IntervalDisplay.from_estimator(fitted[name], X, Y[name], **choice)
    quantiles = fitted[name].predict_quantiles(X)
    check_fan(display, Y[name][place], quantiles[place], along)


@pytest.mark.parametrize("as_list", [False, True])
def test_fan_of_padded_sequences(as_list, fitted):
    """What is padded is not drawn, whatever y holds there; a list has nothing there."""
    y = np.where(VALID, Y["steps"], 1e9)
    display = IntervalDisplay.from_estimator(
        fitted["steps"], PADDED, in_list(y) if as_list else y, sample=1
    )
    quantiles = fitted["steps"].predict_quantiles(PADDED)[1]
    true = np.where(VALID[1], y[1], np.nan)
    if as_list:
        check_fan(display, true[:2], quantiles[:2], "step")
    else:
        assert_allclose(display.true_.get_ydata(), true)
        assert_allclose(edges_of(display.bands_[0])[:, :2], quantiles[:2, [0, -1]].T)


def test_legend_names_what_is_drawn(fitted):
    """Of every band the share that it should hold."""
    quantiles = fitted["one"].predict_quantiles(X)[:, [0, 1, 3]]
    display = IntervalDisplay.from_predictions(NUMBERS, quantiles, [0.05, 0.5, 0.9])
    said = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert said == ["85 %", "median", "true"]
    display = IntervalDisplay.from_predictions(NUMBERS, quantiles, [0.05, 0.4, 0.9])
    assert display.middle_.get_label() == "0.4"


@pytest.mark.parametrize("name", Y)
def test_coverage(name, fitted):
    """The share of all valid numbers that is not above each quantile."""
    _, ax = plt.subplots()
    display = IntervalDisplay.from_estimator(
        fitted[name], PADDED, Y[name], kind="coverage", ax=ax
    )
    quantiles = fitted[name].predict_quantiles(PADDED)
    valid = ~np.isnan(quantiles[..., 0])
    expected = (Y[name][..., None] <= quantiles)[valid].mean(axis=0)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert_array_equal(display.coverage_, expected)
    assert_array_equal(display.observed_.get_xdata(), LEVELS)
    assert_array_equal(display.observed_.get_ydata(), expected)


def test_what_is_not_known_yet():
    """It is not drawn, and counts for no coverage."""
    quantiles = np.tile([0.0, 1.0], (4, 1))
    y = np.array([0.5, 2.0, np.nan, np.nan])
    display = IntervalDisplay.from_predictions(y, quantiles, [0.1, 0.9])
    assert_array_equal(display.coverage_, [0, 0.5])
    assert_array_equal(display.true_.get_ydata(), y)
    assert len(edges_of(display.bands_[0])[0]) == 4
    with pytest.raises(ValueError, match="contains NaN"):
        make_pinball_scorer()(OneSeries(quantiles), None, y)


class OneSeries:
    """Stands in for an estimator with quantiles."""

    quantiles_ = np.array([0.1, 0.9])

    def __init__(self, quantiles):
        self.quantiles = quantiles

    def predict_quantiles(self, X):
        return self.quantiles


def test_many_samples_are_a_line():
    """Where marks would run into each other."""
    y = np.sin(np.arange(300) / 9)
    quantiles = y[:, None] + [-0.1, 0.1]
    display = IntervalDisplay.from_predictions(y, quantiles, [0.1, 0.9])
    assert display.true_.get_marker() == "None"


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("one", {"sample": 0}, "a sample has one number: all samples are drawn"),
        ("several", {"sample": 0, "target": 0}, "together are one number"),
        ("several", {"sample": N}, f"sample=30 is not there: there are {N}. Choose"),
        ("several", {"target": 2}, "target=2 is not there: there are 2. Choose"),
        ("several at steps", {"target": -3}, "target=-3 is not there"),
        ("one", {"kind": "band"}, "'kind' parameter of IntervalDisplay.plot must be"),
    ],
)
def test_what_is_not_there(name, params, message, fitted):
    """To choose from."""
    with pytest.raises(ValueError, match=message):
        IntervalDisplay.from_estimator(fitted[name], X, Y[name], **params)


def test_predictions_that_do_not_fit():
    """Levels, and shapes of truth and quantiles."""
    quantiles = np.zeros((3, 2))
    with pytest.raises(
        ValueError, match=r"quantiles has shape \(3,\), but .* has 2 of"
    ):
        IntervalDisplay.from_predictions(np.zeros(3), quantiles, LEVELS[:3])
    with pytest.raises(ValueError, match="y_true has 4 values"):
        IntervalDisplay.from_predictions(np.zeros(4), quantiles, LEVELS[:2])
    ragged = [quantiles, quantiles[:1]]
    with pytest.raises(
        ValueError, match="target=0 came, but a timestep has one number"
    ):
        IntervalDisplay.from_predictions(
            [np.zeros(3), np.zeros(1)], ragged, LEVELS[:2], target=0
        )


# -- MAPIE -----------------------------------------------------------------------------


def test_conformalized_quantiles():
    """The recipe moves each end by what was missing on the samples held out."""
    pytest.importorskip("mapie", reason="MAPIE is not installed")
    generator = np.random.default_rng(1)
    X = generator.normal(size=(2200, 4, 2))
    noise = generator.normal(size=2200) * np.exp(X[:, -1, 1])
    y = X[:, :, 0].sum(axis=1) + noise
    train, held_out, new = np.split(np.arange(2200), [200, 1200])
    names = {
        "network": BiLSTMRegressor(8, epochs=20, random_state=0),
        "X_train": X[train],
        "y_train": y[train],
        "X_held_out": X[held_out],
        "y_held_out": y[held_out],
        "X_new": X[new],
    }
    exec(guide.recipe("intervals.md", "conformalized"), names)
    network, bounds = names["network"], names["bounds"][:, :, 0]
    assert_allclose(names["predicted"], network.predict(X[new]))
    # The 951st of 1,000: rank ceil(0.95 * 1001).
    missing = y[held_out] - network.predict_quantiles(X[held_out])[:, 2]
    above = network.predict_quantiles(X[new])[:, 2] + np.sort(missing)[950]
    assert_allclose(bounds[:, 1], above)
    covered = (bounds[:, 0] <= y[new]) & (y[new] <= bounds[:, 1])
    # Three standard deviations of a coverage over 1,000 and 1,000 samples.
    assert covered.mean() == pytest.approx(0.9, abs=0.04)
    width = np.diff(bounds, axis=1)[:, 0]
    noisy = X[new, -1, 1] > 0.5
    assert width[noisy].mean() > 1.5 * width[~noisy].mean()


def test_what_came_true_is_needed(fitted):
    """None says what to give; NaN where it is not known draws the fan alone."""
    with pytest.raises(
        ValueError, match=r"from_estimator needs y, .*full_like\(estima"
    ):
        IntervalDisplay.from_estimator(fitted["one"], X, None)
    with pytest.raises(
        ValueError, match=r"from_estimator needs X, and got None\. Give"
    ):
        IntervalDisplay.from_estimator(fitted["one"], None, NUMBERS)
    predicted = fitted["one"].predict_quantiles(X)
    with pytest.raises(ValueError, match="from_predictions needs y_true, and got None"):
        IntervalDisplay.from_predictions(None, predicted, LEVELS)
    unknown = np.full_like(fitted["one"].predict(X), np.nan)
    display = IntervalDisplay.from_estimator(fitted["one"], X, unknown)
    assert np.isnan(display.true_.get_ydata()).all()
    assert len(display.bands_) == 2
