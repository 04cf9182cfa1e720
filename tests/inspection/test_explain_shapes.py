"""explain_shapes: the rows of pipelines that work, and of those that do not."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from sklearn.decomposition import PCA
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.validation import check_is_fitted

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    SequenceDifferencer,
    SequenceFramer,
    SequencePadder,
    SequenceReshaper,
    SequenceScaler,
    SlidingWindows,
    WindowedEnsemble,
    explain_shapes,
)

X = np.random.default_rng(0).normal(size=(60, 12))
y = np.arange(60) % 2
RAGGED = [np.ones((1 + k % 9, 2)) for k in range(60)]


def pipeline(n_timesteps=4):
    return make_pipeline(
        StandardScaler(), SequenceReshaper(n_timesteps), BiLSTMClassifier(units=2)
    )


def outs(report):
    return [step.shape_out for step in report.steps]


def test_one_row_per_step():
    """Name, shape in, shape out, padding, memory: of X and of every step."""
    report = explain_shapes(pipeline(), X, y)
    assert report.failed is None
    assert report.error is None
    assert str(report).splitlines() == [
        "step              shape in                               "
        "shape out                              padding         memory",
        "X                                                        "
        "60 samples x 12 columns                               5.76 kB",
        "standardscaler    60 samples x 12 columns                "
        "60 samples x 12 columns                               5.76 kB",
        "sequencereshaper  60 samples x 12 columns                "
        "60 samples x 4 timesteps x 3 features     0.0%  5.76 kB, view",
        "bilstmclassifier  60 samples x 4 timesteps x 3 features  60 samples",
    ]
    assert repr(report) == str(report)


def test_nothing_is_fitted():
    """Clones run; what was given stays as it was."""
    given = pipeline()
    explain_shapes(given, X, y)
    for step in given:
        if not isinstance(step, SequenceReshaper):
            with pytest.raises(NotFittedError):
                check_is_fitted(step)


def test_fitted_steps_run_as_they_are():
    """Against what was learnt, not against what the new X would teach."""
    transformers = [SequencePadder().fit([[1.0, 2.0], [3.0]])]
    report = explain_shapes(transformers, [[1.0, 2.0, 3.0, 4.0], [5.0]])
    assert outs(report)[-1] == "2 samples x 2 timesteps x 1 feature"
    fitted = pipeline()
    fitted.set_params(bilstmclassifier__epochs=1).fit(X, y)
    assert explain_shapes(fitted, X[:7]).failed is None
    report = explain_shapes(fitted, X[:, :9])
    assert report.failed == "standardscaler"
    assert "is expecting 12 features" in str(report)
    report = explain_shapes([("net", fitted[-1])], X.reshape(60, 6, 2))
    assert report.failed == "net"
    assert "BiLSTMClassifier was fitted with 3" in str(report)


def test_frames_and_differences():
    """Frames are fewer timesteps of more features, and a view where they can be."""
    steps = [SequenceReshaper(), SequenceFramer(4, hop_length=2)]
    frames = explain_shapes(steps, X).steps[-1]
    assert frames.shape_out == "60 samples x 5 timesteps x 4 features"
    assert frames.is_view
    assert frames.memory == X.nbytes
    report = explain_shapes([SequenceDifferencer(), SequenceFramer(4)], RAGGED)
    assert outs(report)[1:] == [
        "60 samples x 9 timesteps x 4 features",
        "60 samples x 3 timesteps x 16 features",
    ]


@pytest.mark.parametrize(
    ("steps", "X", "failed", "message"),
    [
        (pipeline(5), X, "sequencereshaper", "n_timesteps=5 does not divide"),
        (
            [SequenceReshaper(4), LogisticRegression()],
            X,
            "logisticregression",
            "array with dim 3",
        ),
        (
            [SequencePadder(), BiLSTMClassifier()],
            [[1, 2], []],
            "sequencepadder",
            "Sequence 1 of X is empty",
        ),
        (
            [BiLSTMClassifier()],
            [[[1, 2], [3]], [[4, 5]]],
            "bilstmclassifier",
            "ragged itself",
        ),
        ([BiLSTMClassifier()], X[0], "bilstmclassifier", "got a 1D array"),
        (
            [("half", FunctionTransformer(lambda X: X[::2])), BiLSTMRegressor()],
            X,
            "half",
            "returned 30 samples for 60",
        ),
        (
            [BiLSTMRegressor()],
            np.where(X > 2, np.nan, X)[:, :, None].repeat(2, axis=2) * [1, np.inf],
            "bilstmregressor",
            "NaN in only some|infinity",
        ),
        ([StandardScaler()], [["a"]], "standardscaler", "could not convert"),
        (
            [StandardScaler(), BiLSTMClassifier()],
            X[:, :, None],
            "standardscaler",
            "have SequenceScaler(StandardScaler()) apply it to every timestep.",
        ),
        ([PCA(2), BiLSTMClassifier()], RAGGED, "pca", "have SequenceScaler(PCA())"),
        (
            [SimpleImputer(), BiLSTMClassifier()],
            RAGGED,
            "simpleimputer",
            "have SequenceScaler(SimpleImputer())",
        ),
    ],
)
def test_the_step_that_breaks(steps, X, failed, message):
    """The rows end there, and its own message follows."""
    report = explain_shapes(steps, X)
    assert report.failed == failed
    assert report.steps[-1].name == failed
    assert report.error is not None
    text = str(report)
    assert f"{failed} failed: " in text
    assert any(part in text for part in message.split("|"))
    assert "\n\n" not in text


@pytest.mark.parametrize(
    ("steps", "X"),
    [
        ([StandardScaler(), BiLSTMClassifier()], [["a"]]),
        ([SequenceReshaper(4), BiLSTMClassifier()], X[:, :, None]),
        ([SequenceScaler(), BiLSTMClassifier()], X[:, :, None] * np.inf),
        ([FunctionTransformer(np.linalg.inv), BiLSTMClassifier()], X[:, :, None]),
    ],
)
def test_other_failures_do_not_ask_for_a_scaler(steps, X):
    """Only a transformer of tables that is given sequences does."""
    report = explain_shapes(steps, X)
    assert report.failed is not None
    assert "have SequenceScaler" not in str(report)


@pytest.mark.parametrize(
    "estimator", [BiLSTMClassifier(), LogisticRegression()], ids=str
)
def test_targets_out_of_step(estimator):
    """Only if y is given can it be compared."""
    assert explain_shapes(estimator, X).failed is None
    report = explain_shapes(estimator, X, y[:-1])
    assert "inconsistent numbers of samples" in str(report.error)


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (y, "60 samples"),
        (list(y), "60 samples"),
        (np.ones((60, 3)), "60 samples x 3 targets"),
        (None, "60 samples"),
    ],
)
def test_shape_of_the_predictions(targets, words):
    """That of y."""
    assert outs(explain_shapes(BiLSTMRegressor(), X, targets))[-1] == words


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (X, "60 samples x 12 columns"),
        (X.tolist(), "60 samples x 12 columns"),
        (pd.DataFrame(X), "60 samples x 12 columns"),
        (pl.DataFrame(X), "60 samples x 12 columns"),
        (scipy.sparse.csr_array(X), "60 samples x 12 columns"),
        (X[:, :, None], "60 samples x 12 timesteps x 1 feature"),
        (X[0], "12 samples"),
        (X[None, None], "4 axes, (1, 1, 60, 12)"),
        (RAGGED, "60 samples x 1 to 9 timesteps x 2 features"),
        (RAGGED[:1], "1 sample x 1 timestep x 2 features"),
        ([[1, 2], []], "a list of 2"),
        ([1, [2, [3]]], "a list of 2"),
        ([], "a list of 0"),
    ],
)
def test_anything_can_be_described(given, words):
    """What X is, right or wrong."""
    assert outs(explain_shapes(SequencePadder(), given))[0] == words


def test_a_table_that_goes_straight_to_the_estimator():
    """It is told what its columns are taken for."""
    report = explain_shapes(BiLSTMClassifier(), X)
    assert (
        report.steps[-1].shape_in
        == "60 samples x 12 columns, read as 12 timesteps x 1 feature"
    )


def test_padding_and_memory():
    """Of what each step returns; of a list, what making it an array would take."""
    report = explain_shapes([SequencePadder(12), SequenceScaler()], RAGGED)
    filled = sum(map(len, RAGGED))
    assert report.steps[0].padding == pytest.approx(1 - filled / (60 * 9))
    assert report.steps[0].memory == filled * 2 * 8
    for step in report.steps[1:]:
        assert step.padding == pytest.approx(1 - filled / (60 * 12))
        assert step.memory == 60 * 12 * 2 * 8


def test_overlapping_windows_count_once():
    """A view of a thousand windows is as large as the rows under it."""
    rows = np.zeros((100_000, 4))
    report = explain_shapes([SlidingWindows(100), BiLSTMRegressor()], rows)
    assert outs(report)[1] == "100000 samples x 100 timesteps x 4 features"
    assert report.steps[1].memory < 2 * rows.nbytes


@pytest.mark.parametrize(
    "given",
    [
        GridSearchCV(pipeline(), {}),
        Pipeline([("data", pipeline()[:-1]), ("net", BiLSTMClassifier())]),
        Pipeline([("no", "passthrough"), ("none", None), ("yes", pipeline())]),
    ],
)
def test_pipelines_inside(given):
    """A search is its pipeline, a pipeline in a pipeline its steps."""
    report = explain_shapes(given, X, y)
    assert report.failed is None
    assert outs(report)[-1] == "60 samples"
    assert len(report.steps) == 4
    assert report.steps[1].name.endswith("standardscaler")


@pytest.mark.parametrize(
    "estimator",
    [
        WindowedEnsemble(BiLSTMClassifier()),
        GridSearchCV(BiLSTMClassifier(), {}),
        VotingClassifier([("a", BiLSTMClassifier())]),
        VotingClassifier([("a", pipeline())]),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_estimators_of_estimators(estimator):
    """Sequences for what is inside are sequences for what is outside."""
    assert explain_shapes(estimator, X[:, :, None], y).failed is None


def test_html_is_escaped():
    """Names and messages are text, not markup."""
    steps = [("<b>", StandardScaler()), ("a&b", SequenceReshaper(5))]
    html = explain_shapes(steps, X)._repr_html_()
    assert html.startswith("<table>")
    assert html.count("<tr>") == 4
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    assert "<strong>a&amp;b failed:</strong>" in html
    assert "does not divide" in html


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([], ValueError, "got no steps"),
        (None, ValueError, "got no steps"),
        ([PCA], TypeError, "Got <class .*; give an instance"),
        (["scaler"], TypeError, "Got 'scaler', which has no fit"),
        (3, TypeError, "Got 3, which has no fit"),
    ],
)
def test_what_is_no_pipeline(given, error, message):
    """This is the caller's mistake, not a step's."""
    with pytest.raises(error, match=message):
        explain_shapes(given, X)
