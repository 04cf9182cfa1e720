"""Which timesteps matter: slow references, planted signals, and the pictures."""

from itertools import permutations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepClassifier,
    SequenceReshaper,
    SequenceScaler,
    SlidingWindows,
    WindowedEnsemble,
    pad_sequences,
)
from sklstm.displays import TimestepImportanceDisplay
from sklstm.displays.style import COLOURS
from sklstm.inspection import occlusion_importance, timestep_importance
from sklstm.inspection.permutation import exchange
from sklstm.metrics import make_timestep_scorer

mpl.use("agg")
rng = np.random.default_rng(0)
N_TIMESTEPS, N_FEATURES = 6, 2
X = rng.normal(size=(160, N_TIMESTEPS, N_FEATURES))
TABLE = X.reshape(160, -1)
RAGGED = [sequence[: 3 + k % 4] for k, sequence in enumerate(X)]
# Feature 1 of timestep 2 decides, which all of them have.
SIGNAL = X[:, 2, 1]
LABELS = np.where(SIGNAL > 0, "up", "down")


class Reader(RegressorMixin, BaseEstimator):
    """Not of sklstm: a weighted sum of what it is given, padding as zero."""

    def __init__(self, weights):
        self.weights = weights

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def predict(self, X):
        return np.nansum(X * self.weights, axis=(1, 2))


WEIGHTS = np.zeros((N_TIMESTEPS, N_FEATURES))
WEIGHTS[2, 1], WEIGHTS[4, 0] = 2.0, 1.0
READER = Reader(WEIGHTS).fit(X)


@pytest.fixture(scope="module")
def networks():
    """By name, trained to see the signal."""
    params = {"units": 8, "epochs": 30, "learning_rate": 0.02, "random_state": 0}
    return {
        "regressor": BiLSTMRegressor(**params).fit(X, SIGNAL),
        "classifier": BiLSTMClassifier(**params).fit(X, LABELS),
        "ragged": BiLSTMRegressor(**params).fit(RAGGED, SIGNAL),
        "table": make_pipeline(
            StandardScaler(),
            SequenceReshaper(n_features=N_FEATURES),
            BiLSTMRegressor(**params),
        ).fit(TABLE, SIGNAL),
    }


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


# -- how samples change places --------------------------------------------------------


def slow_permutation(order, present):
    """Who gets whose timestep: cycle by cycle, without the samples that lack it."""
    cycles = []
    for sample in order:
        if not cycles or sample > max(max(cycle) for cycle in cycles):
            cycles.append([])
        cycles[-1].append(sample)
    source = {}
    for cycle in cycles:
        left = [sample for sample in cycle if present[sample]]
        source.update(zip(left, left[1:] + left[:1], strict=True))
    return source


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("region", [np.s_[1:3, :], np.s_[:, 1:2], np.s_[4:, 0:1]])
def test_exchange_is_that_of_the_cycles(seed, region):
    """What is outside of the region, and padding, stays where it is."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(9, 6, 2))
    values[rng.uniform(size=(9, 6)) < 0.4] = np.nan
    present = ~np.isnan(values).all(axis=2)
    order = rng.permutation(9)
    expected = values.copy()
    steps, features = region
    for t in range(6)[steps]:
        for sample, source in slow_permutation(order, present[:, t]).items():
            expected[sample, t, features] = values[source, t, features]
    permuted = values.copy()
    exchange(permuted, values, present, region, order)
    assert_array_equal(permuted, expected)
    assert_array_equal(np.sort(permuted, axis=0), np.sort(values, axis=0))


@pytest.mark.parametrize("missing", [[], [1], [0, 3]])
def test_all_permutations_are_equally_likely(missing):
    """Of those samples that have the timestep, if all orders are."""
    values = np.arange(5.0).reshape(5, 1, 1)
    values[missing] = np.nan
    present = ~np.isnan(values[:, :, 0])
    counts = {}
    for order in permutations(range(5)):
        permuted = values.copy()
        exchange(permuted, values, present, np.s_[:, :], np.array(order))
        key = tuple(permuted[present[:, 0], 0, 0])
        counts[key] = counts.get(key, 0) + 1
    n_left = 5 - len(missing)
    assert len(counts) == len(list(permutations(range(n_left))))
    assert len(set(counts.values())) == 1


def test_equal_lengths_change_whole_series_of_a_feature():
    """A feature keeps its course: all its timesteps come from the same sample."""
    values = np.arange(20.0).reshape(5, 4, 1)
    permuted = values.copy()
    exchange(permuted, values, np.ones((5, 4), bool), np.s_[:, :], rng.permutation(5))
    assert sorted(map(tuple, permuted[:, :, 0])) == list(map(tuple, values[:, :, 0]))


# -- timestep_importance --------------------------------------------------------------


def test_scores_are_those_of_permuted_sequences():
    """One by one, with the orders that the generator gives."""
    result = timestep_importance(
        READER, X, SIGNAL, by="both", n_repeats=2, random_state=3
    )
    generator = np.random.RandomState(3)
    orders = [generator.permutation(len(X)) for _ in range(2)]
    full = READER.score(X, SIGNAL)
    for t, feature in [(0, 0), (2, 1), (4, 0)]:
        for k, order in enumerate(orders):
            permuted = X.copy()
            source = slow_permutation(order, np.ones(len(X), bool))
            for sample in range(len(X)):
                permuted[sample, t, feature] = X[source[sample], t, feature]
            lost = full - READER.score(permuted, SIGNAL)
            assert_allclose(result.importances[t, feature, k], lost)
    assert_allclose(result.importances_mean, result.importances.mean(axis=-1))
    assert_allclose(result.importances_std, result.importances.std(axis=-1))


def test_as_scikit_learn_does_for_columns():
    """The expected loss is the same, for another draw of permutations."""
    pipeline = make_pipeline(SequenceReshaper(n_features=N_FEATURES), READER)
    y = READER.predict(X)
    pipeline.fit(TABLE, y)
    theirs = permutation_importance(pipeline, TABLE, y, n_repeats=60, random_state=0)
    ours = timestep_importance(
        pipeline, TABLE, y, by="both", n_repeats=60, random_state=0
    )
    expected = theirs.importances_mean.reshape(N_TIMESTEPS, N_FEATURES)
    assert_allclose(ours.importances_mean, expected, atol=0.03)


@pytest.mark.parametrize("name", ["regressor", "classifier", "ragged", "table"])
def test_a_planted_signal_is_found(networks, name):
    """By timestep, by feature and by both, in arrays, lists and pipelines of tables."""
    given = {"ragged": RAGGED, "table": TABLE}.get(name, X)
    y = LABELS if name == "classifier" else SIGNAL
    for by, shape in {
        "timestep": (N_TIMESTEPS,),
        "feature": (N_FEATURES,),
        "both": (N_TIMESTEPS, N_FEATURES),
    }.items():
        result = timestep_importance(networks[name], given, y, by=by, random_state=0)
        assert result.by == by
        assert result.importances.shape == (*shape, 5)
        mean = result.importances_mean
        found = np.unravel_index(mean.argmax(), shape)
        assert found == {"timestep": (2,), "feature": (1,), "both": (2, 1)}[by]
        assert mean.max() > 1.5 * np.sort(mean, axis=None)[-2]


def test_neighbours_that_say_the_same():
    """Each alone hides behind the other; together they do not."""
    twins = X.copy()
    twins[:, 3] = twins[:, 2]
    weights = np.zeros((N_TIMESTEPS, N_FEATURES))
    weights[2:4, 1] = 0.5
    reader = Reader(weights).fit(twins)
    alone = timestep_importance(reader, twins, SIGNAL, random_state=0)
    pairs = timestep_importance(reader, twins, SIGNAL, span=2, random_state=0)
    mean = pairs.importances_mean
    assert mean.shape == (N_TIMESTEPS,)
    assert mean[2] == mean[3] > 1.5 * alone.importances_mean[2:4].max()
    assert_array_equal(mean[[0, 1, 4, 5]], 0)
    whole = timestep_importance(reader, twins, SIGNAL, span=4, random_state=0)
    assert_allclose(whole.importances_mean, [mean[2]] * 4 + [0] * 2)


def test_seeds_and_jobs():
    """The same result from the same seed, in any number of jobs."""
    with parallel_config("threading"):
        results = [
            timestep_importance(READER, X, SIGNAL, random_state=seed, n_jobs=n_jobs)
            for seed, n_jobs in [(0, None), (0, 2), (1, None)]
        ]
    same, jobs, other = (result.importances for result in results)
    assert_array_equal(same, jobs)
    assert not np.array_equal(same, other)


def test_nothing_that_is_given_is_changed(networks):
    """X is what it was, and the pipeline predicts as it did."""
    before, predicted = TABLE.copy(), networks["table"].predict(TABLE)
    timestep_importance(networks["table"], TABLE, SIGNAL, n_repeats=1, random_state=0)
    occlusion_importance(networks["table"], TABLE)
    assert_array_equal(TABLE, before)
    assert_array_equal(networks["table"].predict(TABLE), predicted)


def test_scoring_and_weights():
    """Names and callables; weights reach them, those of zero count for nothing."""
    weights = np.r_[np.ones(80), np.zeros(80)]
    y = READER.predict(X)
    wrong = np.r_[y[:80], np.full(80, 1e6)]
    result = timestep_importance(
        READER,
        X,
        wrong,
        scoring="neg_mean_absolute_error",
        sample_weight=weights,
        random_state=0,
    )
    assert_array_equal(result.importances_mean > 0.5, [0, 0, 1, 0, 1, 0])
    same = timestep_importance(
        READER,
        X,
        wrong,
        scoring=make_scorer(mean_absolute_error, greater_is_better=False),
        sample_weight=weights,
        random_state=0,
    )
    assert_array_equal(result.importances, same.importances)


def test_of_a_search_its_own_scoring():
    """Through the best pipeline, as permutation_importance of scikit-learn has it."""
    pipeline = make_pipeline(SequenceReshaper(n_features=N_FEATURES), READER)
    for scoring, refit in [
        ("neg_max_error", True),
        (["r2", "neg_max_error"], "neg_max_error"),
    ]:
        search = GridSearchCV(pipeline, {}, cv=2, scoring=scoring, refit=refit)
        search.fit(TABLE, SIGNAL)
        result = timestep_importance(search, TABLE, SIGNAL, random_state=0)
        expected = timestep_importance(
            READER, X, SIGNAL, scoring="neg_max_error", random_state=0
        )
        assert_array_equal(result.importances, expected.importances)
    frozen = FrozenEstimator(search.best_estimator_)
    assert_array_equal(
        timestep_importance(frozen, TABLE, SIGNAL, random_state=0).importances,
        timestep_importance(READER, X, SIGNAL, random_state=0).importances,
    )


def test_of_timestep_estimators():
    """Accuracy over timesteps, also of lists; other scorers as everywhere."""
    labels = [(sequence[:, 0] > 0).astype(int) for sequence in RAGGED]
    network = BiLSTMTimestepClassifier(8, epochs=30, random_state=0)
    network.fit(RAGGED, labels)
    by = {"by": "feature", "random_state": 0}
    result = timestep_importance(network, RAGGED, labels, **by)
    assert result.importances_mean[0] > 10 * abs(result.importances_mean[1])
    f1 = make_timestep_scorer("f1")
    scored = timestep_importance(network, RAGGED, labels, scoring=f1, **by)
    assert scored.importances_mean[0] > 0.2
    with pytest.raises(ValueError, match="predicts at every timestep, so that there"):
        occlusion_importance(network, RAGGED)


def test_a_table_without_a_reshaper_is_timesteps_of_one_feature():
    """Columns of a data frame, with their names checked by the estimator."""
    frame = pd.DataFrame(TABLE[:, :4], columns=list("abcd"))
    network = BiLSTMRegressor(4, epochs=1, random_state=0).fit(frame, frame["c"])
    result = timestep_importance(network, frame, frame["c"], random_state=0)
    assert result.importances_mean.shape == (4,)
    with pytest.raises(ValueError, match="feature names should match"):
        timestep_importance(network, frame[list("dcba")], frame["c"])


@pytest.mark.parametrize(
    ("function", "params", "message"),
    [
        (timestep_importance, {"by": "step"}, "'by' parameter of timestep_importance"),
        (timestep_importance, {"span": 0}, "'span' parameter of timestep_importance"),
        (timestep_importance, {"n_repeats": 0}, "'n_repeats' parameter of"),
        (timestep_importance, {"scoring": ["r2"]}, "'scoring' parameter of"),
        (occlusion_importance, {"span": 0.5}, "'span' parameter of occlusion_import"),
        (occlusion_importance, {"span": 6}, "span=6 leaves nothing: .* 6 timesteps"),
        (occlusion_importance, {"target": 1}, r"target=1 is none of .*: \[0\]. Give"),
    ],
)
def test_wrong_parameters(function, params, message):
    """Says what came and what was expected."""
    y = (SIGNAL,) if function is timestep_importance else ()
    with pytest.raises(ValueError, match=message):
        function(READER, X, *y, **params)


def test_what_cannot_be_looked_at(networks):
    """What is not fitted, and a matrix that comes to what may reshape it itself."""
    with pytest.raises(NotFittedError):
        timestep_importance(BiLSTMRegressor(), X, SIGNAL)
    with pytest.raises(NotFittedError):
        occlusion_importance(GridSearchCV(BiLSTMRegressor(), {}), X)
    message = (
        r"cannot tell the timesteps: Reader is given a matrix of shape \(160, 12\)"
    )
    with pytest.raises(ValueError, match=message):
        timestep_importance(READER, TABLE, SIGNAL)
    with pytest.raises(ValueError, match="3 features per timestep"):
        occlusion_importance(networks["regressor"], np.ones((2, 4, 3)))


# -- occlusion_importance -------------------------------------------------------------


def without(sequence, steps):
    """A sequence as if these timesteps had never been."""
    return np.delete(sequence, steps, axis=0)[None]


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        (X[:, :, 0][:, 0], "Expected X with 2 or 3 axes, got a 1D array"),
        (None, "Expected X with 2 or 3 axes, got a scalar"),
        (X[..., None], r"X has 4 axes .*, but Reader takes"),
        (X[:, :0], "needs at least one timestep and one feature"),
        (X[:, :, :0], "needs at least one timestep and one feature"),
        (X.astype(str), "X holds text .*, but Reader takes numbers"),
        (["abc"] * len(X), "X holds text .*, but Reader takes numbers"),
        (X.astype("datetime64[D]"), "X holds dates .*, but Reader takes numbers"),
        (X + 1j, "X has dtype complex128, but Reader takes real numbers"),
        (
            [pd.DataFrame(x, columns=["a", "a"]) for x in X],
            "several columns named 'a', but Reader tells",
        ),
    ],
)
def test_others_are_given_what_ours_would_take(sequences, message):
    reader = Reader(np.ones((N_TIMESTEPS, N_FEATURES))).fit(X)
    with pytest.raises(ValueError, match=message):
        occlusion_importance(reader, sequences)
    with pytest.raises(ValueError, match=message):
        timestep_importance(reader, sequences, SIGNAL)


class Stored:
    """An array on disk, which counts how often it is read."""

    def __init__(self, values):
        self.values = values
        self.shape, self.dtype, self.ndim = values.shape, values.dtype, values.ndim
        self.chunks = (10, *values.shape[1:])
        self.n_reads = 0

    def __len__(self):
        return len(self.values)

    def __getitem__(self, rows):
        self.n_reads += 1
        return self.values[rows]


def test_stored_arrays_are_read_in_parts_for_others():
    reader = Reader(np.ones((N_TIMESTEPS, N_FEATURES))).fit(X)
    stored = Stored(X)
    importances = occlusion_importance(reader, stored)
    assert_allclose(importances, occlusion_importance(reader, X))
    assert stored.n_reads < 10


@pytest.mark.parametrize("span", [1, 2, 4])
def test_occlusion_is_prediction_without(networks, span):
    """Exactly that of the sequence from which the timesteps were cut out."""
    network = networks["regressor"]
    importance = occlusion_importance(network, X[:3], span=span)
    assert importance.shape == (3, N_TIMESTEPS)
    for sequence, row in zip(X[:3], importance, strict=True):
        full = network.predict(sequence[None])[0]
        for t in range(N_TIMESTEPS):
            first = t // span * span
            cut = without(sequence, list(range(first, min(first + span, N_TIMESTEPS))))
            expected = full - network.predict(cut)[0]
            assert_allclose(row[t], expected, atol=2e-6)


def test_occlusion_of_unequal_lengths(networks):
    """A list gives a list, arrays have NaN at padding, wherever it is."""
    network = networks["ragged"]
    of_list = occlusion_importance(network, RAGGED[:5])
    assert of_list.shape == (5,)
    assert [len(row) for row in of_list] == [len(s) for s in RAGGED[:5]]
    padded = pad_sequences(RAGGED[:5], padding="pre")
    of_array = occlusion_importance(network, padded)
    assert_array_equal(np.isnan(of_array), np.isnan(padded).all(axis=2))
    assert_allclose(of_array[~np.isnan(of_array)], np.concatenate(of_list), atol=2e-6)


def test_nothing_is_left_of_a_single_timestep(networks):
    """There is no prediction without it to compare with."""
    network = networks["ragged"]
    single = (
        r"Sequence {} of X has 1 timestep, all in .*\({} such .* out, or ask timestep_"
    )
    for given, k, n in (
        ([X[0, :1], X[1, :3]], 0, 1),
        ([X[0, :3], X[1, :1], X[2, :1]], 1, 2),
    ):
        with pytest.warns(UserWarning, match=single.format(k, n)):
            importance = occlusion_importance(network, given)
        empty = [np.isnan(row).all() for row in importance]
        assert empty == [len(sequence) == 1 for sequence in given]
    for given, k, n in ((X[:4, :1], 0, 4), ([X[0, :1]], 0, 1)):
        with pytest.raises(ValueError, match=single.format(k, n)):
            occlusion_importance(network, given)
    with pytest.raises(ValueError, match="Sequence 0 of X has 1 timestep, all in"):
        occlusion_importance(network, X[:4, :1], span=3)
    pair = "Sequence 0 of X has 2 timesteps, all .*, or choose a smaller span, or ask"
    with pytest.warns(UserWarning, match=pair):
        occlusion_importance(network, [X[0, :2], X[1, :3]], span=2)
    in_one_span = X[:2].copy()
    in_one_span[1, :4] = np.nan
    with pytest.warns(UserWarning, match="Sequence 1 of X has 2 timesteps.* is NaN"):
        occlusion_importance(network, in_one_span, span=2)
    assert np.isfinite(occlusion_importance(network, X[:2, :2])).all()


@pytest.mark.parametrize("target", [None, "up", LABELS[:20]], ids=str)
def test_occlusion_of_classes(networks, target):
    """Probability of the class predicted, of one class, or of the true one."""
    network, given = networks["classifier"], X[:20]
    importance = occlusion_importance(network, given, target=target)
    labels = network.predict(given) if target is None else np.broadcast_to(target, 20)
    for k in range(20):
        column = list(network.classes_).index(labels[k])
        full = network.predict_proba(given[k : k + 1])[0, column]
        cut = network.predict_proba(without(given[k], 2))[0, column]
        assert_allclose(importance[k, 2], full - cut, atol=2e-6)


def test_occlusion_of_several_targets():
    """The number of one of them has to be given."""
    y = np.stack([SIGNAL, SIGNAL + X[:, 0, 0]], axis=1)
    several = BiLSTMRegressor(2, epochs=1, random_state=0).fit(X, y)
    labels = BiLSTMClassifier(2, epochs=1, random_state=0).fit(X, (y > 0).astype(int))
    for network, predict in [
        (several, several.predict),
        (labels, labels.predict_proba),
    ]:
        importance = occlusion_importance(network, X[:4], target=1)
        expected = predict(X[:4])[:, 1] - predict(np.delete(X[:4], 3, axis=1))[:, 1]
        assert_allclose(importance[:, 3], expected, atol=2e-6)
        with pytest.raises(ValueError, match=r"target=None is none of .*: \[0, 1\]"):
            occlusion_importance(network, X[:4])


def test_occlusion_of_unknown_classes(networks):
    """Says which there are."""
    with pytest.raises(
        ValueError, match=r"target='left' .* \['down', 'up'\]. Give one"
    ):
        occlusion_importance(networks["classifier"], X, target="left")
    with pytest.raises(ValueError, match="one for each of the 160 samples"):
        occlusion_importance(networks["classifier"], X, target=["up", "down"])


def test_a_planted_timestep_stands_out():
    """Of a sum, the timestep that is far from zero adds most, and in its direction."""
    given = 0.2 * X[:, :, :1]
    spikes = rng.integers(N_TIMESTEPS, size=len(X))
    given[np.arange(len(X)), spikes] = np.sign(SIGNAL)[:, None]
    total = given.sum(axis=(1, 2))
    regressor = BiLSTMRegressor(8, epochs=30, learning_rate=0.02, random_state=0)
    pipeline = make_pipeline(SequenceReshaper(n_features=1), regressor)
    importance = occlusion_importance(
        pipeline.fit(given[:, :, 0], total), given[:, :, 0]
    )
    found = np.abs(importance).argmax(axis=1)
    assert np.mean(found == spikes) > 0.95
    of_spikes = importance[np.arange(len(X)), spikes]
    assert np.mean(np.sign(of_spikes) == np.sign(SIGNAL)) > 0.95


def test_occlusion_in_parts(networks, monkeypatch):
    """Memory is bounded, the result the same."""
    expected = occlusion_importance(networks["regressor"], X[:7])
    monkeypatch.setattr("sklstm.sequences.batch.CHUNK_BYTES", 3 * X[0].nbytes)
    assert_allclose(
        occlusion_importance(networks["regressor"], X[:7]), expected, atol=2e-6
    )


def test_windows_and_integers():
    """Windows of a table, whole numbers, and ensembles of long sequences."""
    table = rng.integers(0, 9, size=(30, 2))
    pipeline = make_pipeline(SlidingWindows(4), BiLSTMRegressor(2, epochs=1))
    with pytest.warns(UserWarning, match="Sequence 0 of X has 1 timestep, all"):
        importance = occlusion_importance(pipeline.fit(table, table[:, 0]), table)
    assert_array_equal(np.isnan(importance[:5]).sum(axis=1), [4, 2, 1, 0, 0])
    ensemble = WindowedEnsemble(BiLSTMRegressor(2, epochs=1), n_timesteps=4)
    given = make_pipeline(SequenceScaler(), ensemble).fit(X, SIGNAL)
    assert occlusion_importance(given, X[:2]).shape == (2, N_TIMESTEPS)


class Voter(ClassifierMixin, BaseEstimator):
    """Knows two classes, by the sign of the sum."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        p = 1 / (1 + np.exp(-np.nansum(X, axis=(1, 2))))
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def test_any_classifier_of_sequences():
    """What is not of sklstm is asked the same way."""
    voter = Voter().fit(X, LABELS)
    importance = occlusion_importance(voter, X[:3], target="up")
    full = voter.predict_proba(X[:3])[:, 1]
    expected = full - voter.predict_proba(np.delete(X[:3], 4, axis=1))[:, 1]
    assert_allclose(importance[:, 4], expected)


# -- TimestepImportanceDisplay --------------------------------------------------------


def result_by(by, given=X):
    return timestep_importance(READER, given, SIGNAL, by=by, random_state=0)


def test_bars_of_timesteps():
    """As high as the means, with the standard deviations."""
    result = result_by("timestep")
    display = TimestepImportanceDisplay.from_importance(result)
    heights = [bar.get_height() for bar in display.bars_]
    assert_allclose(heights, result.importances_mean)
    (segments,) = display.bars_.errorbar.lines[2]
    spreads = [np.ptp(segment[:, 1]) / 2 for segment in segments.get_segments()]
    assert_allclose(spreads, result.importances_std)
    assert display.ax_.get_xlabel() == "timestep"
    assert display.ax_.get_ylabel() == "score lost when permuted"
    assert display.cells_ is None
    assert display.lines_ == display.padding_ == []
    assert display.figure_ is display.ax_.figure


def test_bars_of_features():
    """With their names below."""
    result = result_by("feature")
    for names, shown in [(None, ["0", "1"]), (["load", "speed"], ["load", "speed"])]:
        ax = plt.subplots()[1]
        display = TimestepImportanceDisplay.from_importance(
            result, feature_names=names, ax=ax
        )
        assert display.ax_ is ax
        assert [text.get_text() for text in ax.get_xticklabels()] == shown
        assert ax.get_xlabel() == "feature"


def test_map_of_both():
    """Timesteps from left to right, features from the top, white at zero."""
    result = result_by("both")
    display = TimestepImportanceDisplay.from_importance(
        result, feature_names=["a", "b"]
    )
    assert_allclose(display.cells_.get_array(), result.importances_mean.T)
    low, high = display.cells_.get_clim()
    assert low == -high == -np.abs(result.importances_mean).max()
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == ["a", "b"]
    assert display.ax_.yaxis_inverted()
    assert display.bars_ is None
    display.figure_.canvas.draw()


def test_a_sequence_on_its_importances(networks):
    """Lines of features, a colour for each timestep, hatched where it is padded."""
    padded = pad_sequences(RAGGED)
    display = TimestepImportanceDisplay.from_estimator(
        networks["ragged"], RAGGED, sample=1, feature_names=["a", "b"]
    )
    expected = occlusion_importance(networks["ragged"], padded)[1]
    shown = np.ma.filled(display.cells_.get_array(), np.nan)[0]
    assert_allclose(shown, expected, atol=2e-6)
    for k, line in enumerate(display.lines_):
        assert_array_equal(line.get_ydata(), padded[1, :, k])
        assert line.get_color() == COLOURS[k]
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["a", "b"]
    assert len(display.padding_) == 1
    assert display.ax_.get_xlim() == (-0.5, N_TIMESTEPS - 0.5)
    display.figure_.canvas.draw()


def test_a_window_with_what_is_before_it():
    """The transformers see all rows, not the one that is drawn."""
    table = rng.normal(size=(20, 1))
    pipeline = make_pipeline(SlidingWindows(4), BiLSTMRegressor(2, epochs=1))
    pipeline.fit(table, table[:, 0])
    display = TimestepImportanceDisplay.from_estimator(pipeline, table, sample=-1)
    assert_array_equal(display.lines_[0].get_ydata(), table[16:, 0])
    assert display.ax_.get_legend() is None


def test_no_importance_at_all():
    """All white, without a warning."""
    display = TimestepImportanceDisplay(
        importances=np.zeros((3, 2)), by="both", label="mine"
    ).plot()
    assert display.cells_.get_clim() == (-1, 1)
    nothing = TimestepImportanceDisplay(importances=np.full(3, np.nan)).plot()
    assert len(nothing.padding_) == 1


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"importances": np.zeros((3, 2))},
            r"shape \(3, 2\), but by='timestep' takes 1",
        ),
        ({"importances": np.zeros(3), "by": "both"}, "by='both' takes 2 axes"),
        (
            {"importances": np.zeros(3), "sequence": np.zeros((4, 1))},
            "sequence has 4 timesteps, importances has 3",
        ),
        (
            {"importances": np.zeros(3), "by": "feature", "feature_names": ["a"]},
            "feature_names has 1 names for 3 features",
        ),
    ],
)
def test_importances_that_do_not_fit(params, message):
    """Says what came and what was expected."""
    with pytest.raises(ValueError, match=message):
        TimestepImportanceDisplay(**params).plot()


def test_no_such_sequence():
    """Says how many there are."""
    with pytest.raises(ValueError, match="sample=4 is not in X, which has 4 sequences"):
        TimestepImportanceDisplay.from_estimator(READER, X[:4], sample=4)
