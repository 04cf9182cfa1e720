"""Validation under the user's control: data of their own, groups, and splitters."""

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    PredefinedSplit,
    StratifiedGroupKFold,
    TimeSeriesSplit,
    cross_val_score,
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
    SequenceScaler,
    WindowedEnsemble,
)
from sklstm.training import scikeras_wrapper

pytestmark = pytest.mark.filterwarnings(
    "ignore:early_stopping=True, but all epochs:sklearn.exceptions.ConvergenceWarning"
)
rng = np.random.default_rng(0)
X, X_VAL = rng.normal(size=(40, 5, 2)), rng.normal(size=(18, 5, 2))
SUMS, SUMS_VAL = X[:, :, 0].sum(axis=1), X_VAL[:, :, 0].sum(axis=1)
LABELS, LABELS_VAL = np.digitize(SUMS, [-1, 2]), np.digitize(SUMS_VAL, [-1, 2])
WEIGHTS_VAL = rng.uniform(size=18)
SMALL = {"units": 2, "epochs": 3, "random_state": 0}


@pytest.fixture
def trained_on(monkeypatch):
    """What a network is trained on, and what it is validated on."""
    seen = []
    fit_network = scikeras_wrapper.fit_network

    def spy(architecture, codes, start, data, *args, **kwargs):
        seen.append((data, kwargs["validation_data"]))
        return fit_network(architecture, codes, start, data, *args, **kwargs)

    monkeypatch.setattr(scikeras_wrapper, "fit_network", spy)
    return seen


def rows_of(data):
    """Which rows of X these are, by their first value."""
    firsts = X[:, 0, 0].astype(np.float32).tolist()
    return [firsts.index(value) for value in data.sequences.take(slice(None))[:, 0, 0]]


def same_network(one, other):
    """Bit by bit."""
    return all(
        np.array_equal(one.weights_[name], other.weights_[name])
        for name in one.weights_
    )


# -- data of their own ----------------------------------------------------------------


def test_loss_of_labels():
    """That of the network after each epoch, weighted, on labels in another order."""
    model = BiLSTMClassifier(**SMALL).fit(
        X, LABELS, X_val=X_VAL, y_val=LABELS_VAL, sample_weight_val=WEIGHTS_VAL
    )
    assert sorted(model.history_) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    proba = model.predict_proba(X_VAL)
    expected = log_loss(LABELS_VAL, proba, sample_weight=WEIGHTS_VAL, labels=[0, 1, 2])
    assert_allclose(model.history_["val_loss"][-1], expected, rtol=1e-4)
    right = model.predict(X_VAL) == LABELS_VAL
    accuracy = np.average(right, weights=WEIGHTS_VAL)
    assert_allclose(model.history_["val_accuracy"][-1], accuracy, rtol=1e-4)


def test_loss_of_numbers():
    """In the scale of the targets of training."""
    model = BiLSTMRegressor(**SMALL).fit(X, SUMS, X_val=X_VAL, y_val=SUMS_VAL)
    error = mean_squared_error(SUMS_VAL, model.predict(X_VAL)) / SUMS.var()
    assert_allclose(model.history_["val_loss"][-1], error, rtol=1e-4)


def test_loss_of_timesteps():
    """Of lists as well, padding and missing targets left out."""
    lengths = 2 + np.arange(58) % 4
    sequences = [x[:n] for x, n in zip([*X, *X_VAL], lengths, strict=True)]
    numbers = [x[:, 0].cumsum() for x in sequences]
    model = BiLSTMTimestepRegressor(normalize_y=False, **SMALL)
    weights = [np.r_[0.0, np.ones(len(x) - 1)] for x in sequences[40:]]
    held_out = {"X_val": sequences[40:], "y_val": numbers[40:]}
    model.fit(sequences[:40], numbers[:40], **held_out, sample_weight_val=weights)
    errors = np.concatenate(
        [
            (a - b)[1:] ** 2
            for a, b in zip(model.predict(sequences[40:]), numbers[40:], strict=True)
        ]
    )
    assert_allclose(model.history_["val_loss"][-1], errors.mean(), rtol=1e-4)
    labels = [(y > 0).astype(int) for y in numbers]
    tagger = BiLSTMTimestepClassifier(**SMALL)
    tagger.fit(sequences[:40], labels[:40], X_val=sequences[40:], y_val=labels[40:])
    accuracy = tagger.score(sequences[40:], labels[40:])
    assert_allclose(tagger.history_["val_accuracy"][-1], accuracy, rtol=1e-4)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 3.0, 1: 0.5}])
def test_class_weights_are_those_of_training(class_weight):
    """Balanced in y, however the classes are distributed in y_val."""
    model = BiLSTMClassifier(class_weight=class_weight, **SMALL)
    model.fit(X, LABELS, X_val=X_VAL, y_val=LABELS_VAL)
    by_class = {0: 3.0, 1: 0.5, 2: 1.0}
    if class_weight == "balanced":
        by_class = 40 / (3 * np.bincount(LABELS))
    weights = [by_class[label] for label in LABELS_VAL]
    expected = log_loss(
        LABELS_VAL, model.predict_proba(X_VAL), sample_weight=weights, labels=[0, 1, 2]
    )
    assert_allclose(model.history_["val_loss"][-1], expected, rtol=1e-4)


def test_several_labels_balanced():
    """Column by column, as in training."""
    several, of_val = LABELS[:, None] > [0, 1], LABELS_VAL[:, None] > [0, 1]
    model = BiLSTMClassifier(class_weight="balanced", **SMALL)
    model.fit(X, several * 1, X_val=X_VAL, y_val=of_val * 1)
    share = several.mean(axis=0)
    weights = (0.5 / np.where(of_val, share, 1 - share)).prod(axis=1)
    proba = np.clip(model.predict_proba(X_VAL), 1e-7, 1 - 1e-7)
    losses = -np.log(np.where(of_val, proba, 1 - proba)).mean(axis=1)
    expected = np.average(losses, weights=weights)
    assert_allclose(model.history_["val_loss"][-1], expected, rtol=1e-4)


def test_watching_does_not_change_the_network():
    """Not even with dropout, of which more would be drawn."""
    model = BiLSTMClassifier(dropout=0.3, **SMALL)
    alone = clone(model).fit(X, LABELS)
    watched = model.fit(X, LABELS, X_val=X_VAL, y_val=LABELS_VAL)
    assert same_network(alone, watched)
    assert alone.history_["loss"] == watched.history_["loss"]
    assert "val_loss" not in alone.history_


def test_early_stopping_goes_by_it(trained_on):
    """All samples are trained on, and the best parameters are those for X_val."""
    noise = rng.permutation(LABELS)
    model = BiLSTMClassifier(
        units=8,
        epochs=60,
        learning_rate=0.05,
        early_stopping=True,
        patience=3,
        random_state=0,
    ).fit(X, noise, X_val=X_VAL, y_val=LABELS_VAL)
    ((data, held_out),) = trained_on
    assert (len(data), len(held_out)) == (40, 18)
    losses = model.history_["val_loss"]
    assert len(losses) == np.argmin(losses) + 1 + 3 < 60
    proba = model.predict_proba(X_VAL)
    assert_allclose(log_loss(LABELS_VAL, proba, labels=[0, 1, 2]), min(losses), 1e-4)


def test_going_on():
    """Each call of fit with warm_start adds to the history."""
    model = BiLSTMRegressor(warm_start=True, **SMALL)
    for _ in range(2):
        model.fit(X, SUMS, X_val=X_VAL, y_val=SUMS_VAL)
    assert len(model.history_["val_loss"]) == 6


def test_through_a_pipeline():
    """transform_input sends X_val through the transformers that X went through."""
    tables = X.reshape(40, -1), X_VAL.reshape(18, -1)
    with sklearn.config_context(enable_metadata_routing=True):
        model = BiLSTMRegressor(**SMALL).set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(
            StandardScaler(),
            SequenceReshaper(n_features=2),
            model,
            transform_input=["X_val"],
        )
        pipeline.fit(tables[0], SUMS, X_val=tables[1], y_val=SUMS_VAL)
    error = mean_squared_error(SUMS_VAL, pipeline.predict(tables[1])) / SUMS.var()
    assert_allclose(pipeline[-1].history_["val_loss"][-1], error, rtol=1e-4)


def test_data_frames_and_other_lengths():
    """X_val is held to what X was, names included."""
    frame = pd.DataFrame(X[:, :, 0], columns=list("abcde"))
    held_out = pd.DataFrame(X_VAL[:, :, 0], columns=list("abcde"))
    model = BiLSTMRegressor(**SMALL).fit(frame, SUMS, X_val=held_out, y_val=SUMS_VAL)
    assert len(model.history_["val_loss"]) == 3
    with pytest.raises(
        ValueError, match=r"In the validation data .*names should match"
    ):
        model.fit(frame, SUMS, X_val=held_out[list("edcba")], y_val=SUMS_VAL)
    shorter = BiLSTMRegressor(**SMALL).fit(X, SUMS, X_val=X_VAL[:, :2], y_val=SUMS_VAL)
    assert len(shorter.history_["val_loss"]) == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"X_val": X_VAL}, r"^X_val came without y_val. Give X_val and y_val together"),
        ({"y_val": LABELS_VAL}, "^y_val came without X_val"),
        (
            {"sample_weight_val": [1.0]},
            "^sample_weight_val came without X_val and y_val",
        ),
        (
            {"X_val": X_VAL[:, :, :1], "y_val": LABELS_VAL},
            r"^In the validation data \(X_val, .*_val\): X has 1 features per timestep",
        ),
        ({"X_val": X_VAL, "y_val": LABELS}, "X has 18 .* y has 40"),
        ({"X_val": X_VAL, "y_val": LABELS_VAL + 2}, r"known classes: \[3 4\]"),
        (
            {"X_val": X_VAL, "y_val": LABELS_VAL, "sample_weight_val": -np.ones(18)},
            "validation data .* Negative values",
        ),
        ({"groups": [1, 2]}, "^groups has 2 entries, but X has 40 samples"),
    ],
)
def test_what_is_refused(given, message):
    """Says what came, of which data, and leaves the estimator as it was."""
    model = BiLSTMClassifier(**SMALL).fit(X, LABELS)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=message):
        model.fit(X, LABELS, **given)
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is value for name, value in before.items())


# -- groups and splitters -------------------------------------------------------------

GROUPS = np.repeat([f"series {k}" for k in range(10)], 4)
STOPPED = BiLSTMClassifier(early_stopping=True, **SMALL)


def test_groups_are_set_aside_together(trained_on):
    """So many of them as validation_fraction says, others with another seed."""
    for seed in (0, 1):
        model = clone(STOPPED).set_params(validation_fraction=0.2, random_state=seed)
        model.fit(X, LABELS, groups=GROUPS)
    held_out = [set(GROUPS[rows_of(validation)]) for _, validation in trained_on]
    assert [len(groups) for groups in held_out] == [2, 2]
    assert held_out[0] != held_out[1]
    for data, validation in trained_on:
        assert not set(GROUPS[rows_of(data)]) & set(GROUPS[rows_of(validation)])
        assert len(data) + len(validation) == 40


def test_groups_of_samples_that_count(trained_on):
    """Those of weight zero, by sample or by class, are gone before the split."""
    weights = np.where(np.arange(40) % 3, 1.0, 0.0)
    model = clone(STOPPED).set_params(class_weight={0: 0.0}, validation_fraction=0.3)
    model.fit(X, LABELS, weights, groups=GROUPS)
    ((data, validation),) = trained_on
    train, held_out = rows_of(data), rows_of(validation)
    assert sorted(train + held_out) == np.flatnonzero(weights * LABELS).tolist()
    assert not set(GROUPS[train]) & set(GROUPS[held_out])


@pytest.mark.parametrize(
    ("splitter", "expected"),
    [
        (TimeSeriesSplit(9), range(36, 40)),
        (TimeSeriesSplit(9, gap=2), range(36, 40)),
        (KFold(4), range(30, 40)),
        (PredefinedSplit(np.where(np.arange(40) % 8, -1, 0)), range(0, 40, 8)),
    ],
)
def test_a_splitter_has_its_last_split_taken(splitter, expected, trained_on):
    """So that in time, the end is held out."""
    BiLSTMRegressor(early_stopping=True, validation_split=splitter, **SMALL).fit(
        X, SUMS
    )
    ((data, validation),) = trained_on
    assert rows_of(validation) == list(expected)
    left = [k for k in range(40) if k not in expected]
    assert rows_of(data) == (left[:-2] if getattr(splitter, "gap", 0) else left)


def test_a_splitter_by_groups_and_classes(trained_on):
    """It is given the classes and the groups."""
    splitter = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    model = clone(STOPPED).set_params(validation_split=splitter)
    model.fit(X, LABELS, groups=GROUPS)
    *_, (train, held_out) = splitter.split(X, LABELS, GROUPS)
    ((data, validation),) = trained_on
    assert_array_equal(rows_of(data), train)
    assert_array_equal(rows_of(validation), held_out)


def test_splits_that_fail():
    """Which parameter, and why."""
    model = clone(STOPPED)
    message = (
        r"validation_fraction=0.1 cannot split 40 samples: .* another validation_f"
    )
    with pytest.raises(ValueError, match=message):
        model.fit(X, LABELS, groups=np.zeros(40))
    model.set_params(validation_split=TimeSeriesSplit(50))
    with pytest.raises(
        ValueError, match=r"validation_split=TimeSeriesSplit\(.*n_splits=50"
    ):
        model.fit(X, LABELS)
    model.set_params(validation_split=GroupShuffleSplit(1, random_state=0))
    with pytest.raises(ValueError, match="'groups' parameter should not be None"):
        model.fit(X, LABELS)
    model.set_params(validation_split=PredefinedSplit(np.arange(40) % 2))
    with (
        pytest.warns(UserWarning, match="groups parameter is ignored"),
        pytest.raises(ValueError, match="samples of one group would be on both sides"),
    ):
        model.fit(X, LABELS, groups=GROUPS)
    with pytest.raises(ValueError, match="'validation_split' parameter of BiLSTMClass"):
        model.set_params(validation_split=0.2).fit(X, LABELS)


@pytest.mark.parametrize("piped", [False, True])
def test_in_a_search_by_groups(piped, trained_on):
    """With metadata routing, groups reach the folds and the network inside."""
    model = make_pipeline(SequencePadder(), STOPPED) if piped else STOPPED
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(model, {}, cv=GroupKFold(2), refit=False)
        search.fit(X, LABELS, groups=GROUPS)
    assert len(trained_on) == 2
    for data, validation in trained_on:
        assert not set(GROUPS[rows_of(data)]) & set(GROUPS[rows_of(validation)])
    scores = cross_val_score(
        make_pipeline(SequenceScaler(), clone(STOPPED)),
        X,
        LABELS,
        cv=2,
        params={"bilstmclassifier__groups": GROUPS},
    )
    assert len(scores) == 2


def test_without_early_stopping_nothing_is_split(trained_on):
    """A search may switch it on and off."""
    model = BiLSTMClassifier(validation_split=TimeSeriesSplit(3), **SMALL)
    model.fit(X, LABELS, groups=GROUPS)
    ((data, validation),) = trained_on
    assert (len(data), validation) == (40, None)


def test_a_splitter_is_copied_and_saved(tmp_path):
    """As any parameter."""
    splitter = TimeSeriesSplit(3)
    model = BiLSTMRegressor(early_stopping=True, validation_split=splitter, **SMALL)
    assert clone(model).validation_split is not splitter
    joblib.dump(model.fit(X, SUMS), tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    assert loaded.validation_split.n_splits == 3
    assert_array_equal(loaded.predict(X), model.predict(X))


# -- windows of long sequences --------------------------------------------------------


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("groups", [None, np.arange(40) // 8])
def test_an_ensemble_sets_whole_sequences_aside(piped, groups, trained_on):
    """All windows of a sequence, or of a group of them, are on one side."""
    inner = clone(STOPPED).set_params(validation_fraction=0.3)
    inner = make_pipeline(SequenceScaler(), inner) if piped else inner
    marked = X.copy()
    marked[:, :, 1] = np.arange(40)[:, None]  # whose window it is
    WindowedEnsemble(inner, n_timesteps=2).fit(marked, LABELS, groups=groups)
    ((data, validation),) = trained_on
    owners = [
        data.sequences.take(slice(None))[:, 0, 1].round(3)
        for data in (data, validation)
    ]
    of_sequence = {
        value: k for k, value in enumerate(np.unique(np.concatenate(owners)))
    }
    train, held_out = ({of_sequence[v] for v in values} for values in owners)
    assert len(train | held_out) == 40
    if groups is not None:
        train, held_out = set(groups[list(train)]), set(groups[list(held_out)])
    assert not train & held_out


def test_an_ensemble_with_data_of_its_own():
    """Cut into windows like X, each sequence with the same weight."""
    sequences = [x[: 2 + k % 4] for k, x in enumerate(X_VAL)]
    model = WindowedEnsemble(BiLSTMRegressor(**SMALL), n_timesteps=2)
    model.fit(X, SUMS, X_val=sequences, y_val=SUMS_VAL)
    predicted = model.estimator_.predict
    losses = [
        np.mean([(predicted(x[None, k : k + 2]) - y) ** 2 for k in range(len(x) - 1)])
        for x, y in zip(sequences, SUMS_VAL, strict=True)
    ]
    error = np.mean(losses) / SUMS.var()
    assert_allclose(model.estimator_.history_["val_loss"][-1], error, rtol=1e-4)


def test_an_ensemble_of_pipelines_needs_routing():
    """Or X_val would go past the transformers."""
    given = {"X_val": X_VAL, "y_val": SUMS_VAL}
    pipeline = make_pipeline(SequenceScaler(), BiLSTMRegressor(**SMALL))
    message = r"Pipeline.fit takes no X_val, .*transform_input=\[\"X_val\"\]"
    with pytest.raises(ValueError, match=message):
        WindowedEnsemble(pipeline, n_timesteps=3).fit(X, SUMS, **given)
    with sklearn.config_context(enable_metadata_routing=True):
        last = BiLSTMRegressor(**SMALL).set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(SequenceScaler(), last, transform_input=["X_val"])
        model = WindowedEnsemble(pipeline, n_timesteps=3).fit(X, SUMS, **given)
    assert len(model.estimator_[-1].history_["val_loss"]) == 3
    with pytest.raises(ValueError, match=r"In the validation data .* y has 40"):
        WindowedEnsemble(last, n_timesteps=3).fit(X, SUMS, X_val=X_VAL, y_val=SUMS)
