"""SequenceTokenizer against CountVectorizer, alone and in front of estimators."""

import io
import pickle
import subprocess
import sys

import dask.dataframe
import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import skops.io
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits
from sklearn.exceptions import SkipTestWarning
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepClassifier,
    SequencePadder,
    SequenceTokenizer,
    WindowedEnsemble,
    explain_shapes,
    to_onnx,
)
from sklstm.base.persistence import TRUSTED_TYPES
from sklstm.preprocessing.tokenizer import WORDS

TEXTS = [
    "The café was good, VERY good",
    "a bad film",
    "bad bad bad",
    "",
    "the end of the film",
]
TINY = {"units": 3, "epochs": 2, "random_state": 0, "categorical_features": [0]}


def classifier(**params):
    return make_pipeline(SequenceTokenizer(), BiLSTMClassifier(**TINY, **params))


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"lowercase": False},
        {"strip_accents": "unicode"},
        {"analyzer": "char"},
        {"analyzer": str.split},
        {"token_pattern": r"\w+|[^\w\s]"},
        {"stop_words": "english"},
        {"stop_words": ["bad", "the"]},
        {"min_df": 2},
        {"max_df": 0.3},
        {"max_features": 2},
        {"analyzer": "char", "max_features": 5, "min_df": 2},
    ],
    ids=str,
)
def test_tokens_are_those_of_count_vectorizer(params):
    """Which are known, in which order, and where each stands."""
    tokenizer = SequenceTokenizer(**params).fit(TEXTS)
    words = {} if "analyzer" in params else {"token_pattern": WORDS}
    vectorizer = CountVectorizer(**words | params).fit(TEXTS)
    known = vectorizer.get_feature_names_out().tolist()
    assert list(tokenizer.vocabulary_) == known
    assert list(tokenizer.vocabulary_.values()) == list(range(1, len(known) + 1))
    split = vectorizer.build_analyzer()
    for text, codes in zip(TEXTS, tokenizer.transform(TEXTS), strict=True):
        tokens = split(text) or ["?"]
        expected = [known.index(t) + 1 if t in known else 0 for t in tokens]
        assert codes.shape == (len(tokens), 1)
        assert codes[:, 0].tolist() == expected
        assert codes.dtype == np.int32


def test_counts_are_those_of_count_vectorizer():
    """Summed up over a sequence, the codes are its bag of words."""
    X = SequenceTokenizer().fit_transform(TEXTS)
    counts = CountVectorizer(token_pattern=WORDS).fit_transform(TEXTS).toarray()
    bags = [np.bincount(codes[:, 0], minlength=counts.shape[1] + 1)[1:] for codes in X]
    assert_array_equal(bags, counts)


@pytest.mark.parametrize(
    "given",
    [
        tuple,
        np.array,
        lambda X: np.array(X, dtype=object),
        pd.Series,
        lambda X: pd.Series(X, index=range(9, 9 + len(X)), dtype="string"),
        pl.Series,
        iter,
        lambda X: [text.encode() for text in X],
    ],
)
def test_kinds_of_texts(given):
    """Whatever holds the texts."""
    expected = SequenceTokenizer().fit_transform(TEXTS)
    X = SequenceTokenizer().fit_transform(given(TEXTS))
    assert [codes.tolist() for codes in X] == [codes.tolist() for codes in expected]


def test_words_of_one_letter_are_words():
    """In a sequence "I" and "a" stand where they stand; punctuation is no word."""
    tokenizer = SequenceTokenizer().fit(["I saw a cat, a 7!"])
    assert tokenizer.vocabulary_ == {"7": 1, "a": 2, "cat": 3, "i": 4, "saw": 5}
    assert tokenizer.transform(["A cat: I."])[0][:, 0].tolist() == [2, 3, 4]


def one_column(texts):
    return np.array(texts)[:, None]


@pytest.mark.parametrize(
    "given",
    [
        one_column,
        lambda X: one_column(X).astype(object),
        lambda X: one_column(X).astype(bytes if all(map(str.isascii, X)) else object),
        lambda X: pd.DataFrame({"text": X}),
        lambda X: pd.DataFrame({"text": X}, index=range(9, 9 + len(X)), dtype=object),
        lambda X: pd.DataFrame({"text": X}, dtype="string[pyarrow]"),
        lambda X: pd.DataFrame({"text": pd.Categorical(X)}),
        lambda X: pl.DataFrame({"text": X}),
        lambda X: pa.table({"text": X}),
        lambda X: pa.array(X),
        lambda X: pa.chunked_array([X[:1], X[1:]]),
        lambda X: dask.dataframe.from_pandas(pd.DataFrame({"t": X}), npartitions=2),
        lambda X: SimpleImputer(strategy="constant").fit_transform(
            one_column(X).astype(object)
        ),
        lambda X: ColumnTransformer([("texts", "passthrough", ["t"])]).fit_transform(
            pd.DataFrame({"n": range(len(X)), "t": X})
        ),
    ],
)
@pytest.mark.parametrize("params", [{}, {"analyzer": "char"}, {"analyzer": str.split}])
def test_tables_of_one_column(given, params):
    """Their cells are texts, in fit and transform, and none is one token."""
    expected = SequenceTokenizer(**params).fit_transform(TEXTS)
    for tokenizer in (SequenceTokenizer(**params), SequenceTokenizer(**params)):
        coded = tokenizer.fit_transform(given(TEXTS))
        assert [row.tolist() for row in coded] == [row.tolist() for row in expected]
        again = tokenizer.transform(given(TEXTS[:1]))
        assert again[0].tolist() == expected[0].tolist()


@pytest.mark.parametrize(
    "given",
    [
        lambda rows: pd.DataFrame({"tokens": rows}),
        lambda rows: pl.DataFrame({"tokens": rows}),
        lambda rows: pa.table({"tokens": rows}),
        pd.Series,
        pl.Series,
        pa.array,
    ],
)
def test_columns_of_tokens(given):
    """Lists in the cells of whatever library."""
    rows = [["New York", "a"], ["a"]]
    coded = SequenceTokenizer().fit_transform(given(rows))
    assert [row[:, 0].tolist() for row in coded] == [[1, 2], [2]]


@pytest.mark.parametrize("row", [list, tuple, np.array, pd.Series])
def test_lists_of_one_text(row):
    """As a database gives them: no token, and both ways that are advised work."""
    tokenizer, texts = SequenceTokenizer(), ["not bad", "bad"]
    X = [row([text]) for text in texts]
    words = (
        r"lists of one string each, such as \['not bad'\].*\[row\[0\] for row in X\]"
    )
    with pytest.raises(ValueError, match=words):
        tokenizer.fit(X)
    flat = [next(iter(row)) for row in X]
    assert tokenizer.fit(flat).vocabulary_ == {"bad": 1, "not": 2}
    with pytest.raises(ValueError, match=words):
        tokenizer.transform(X)
    with pytest.raises(ValueError, match="lists of one string each"):
        SequenceTokenizer(analyzer="char").fit(X)
    as_tokens = SequenceTokenizer(analyzer=list).fit(X)
    assert as_tokens.vocabulary_ == {"bad": 1, "not bad": 2}


def test_one_token_each():
    """Lists of single tokens are tokens: short ones, and where fit has seen tokens."""
    coded = SequenceTokenizer().fit_transform([["she"], ["Rome"]])
    assert [row.tolist() for row in coded] == [[[2]], [[1]]]
    tokenizer = SequenceTokenizer().fit([["New York", "a"], ["Rome", "b"]])
    for X in ([["New York"], ["New Town"]], np.array([["New York"], ["New Town"]])):
        assert [row.tolist() for row in tokenizer.transform(X)] == [[[1]], [[0]]]


def test_several_columns_of_text():
    """An array of tokens has none with blanks; the columns of a table do."""
    tokens = np.array([["a", "b"], ["b", "c"]])
    coded = SequenceTokenizer().fit_transform(tokens)
    assert [row[:, 0].tolist() for row in coded] == [[1, 2], [2, 3]]
    texts = np.array([["A title", "not bad"], ["B", "bad"]])
    with pytest.raises(ValueError, match=r"array of shape \(2, 2\).*such as 'A title'"):
        SequenceTokenizer().fit(texts)
    assert "title" in SequenceTokenizer().fit(texts[:, [0]]).vocabulary_
    assert "A title" in SequenceTokenizer().fit(list(texts)).vocabulary_
    with pytest.raises(ValueError, match="ndarray of 3 axes, but"):
        SequenceTokenizer().fit(texts[None])
    with pytest.raises(TypeError, match=r"Give it X\.collect\(\)"):
        SequenceTokenizer().fit(pl.LazyFrame({"t": TEXTS}))


def test_classifies_a_column_of_texts():
    """The text of a table with gaps: what the messages advise, from end to end."""
    frame = pd.DataFrame({"n": range(6), "t": ["not bad", "bad", None] * 2})
    y = ["praise", "blame", "blame"] * 2
    fill = SimpleImputer(strategy="constant", fill_value="")
    for texts in ("passthrough", fill):
        X = frame.fillna("") if texts == "passthrough" else frame
        column = ColumnTransformer([("texts", texts, ["t"])])
        pipe = make_pipeline(
            column, *classifier().steps[0][1:], BiLSTMClassifier(**TINY)
        )
        expected = classifier().fit(frame["t"].fillna(""), y)
        assert_array_equal(
            pipe.fit(X, y).predict_proba(X),
            expected.predict_proba(frame["t"].fillna("")),
        )


def spoken(pipe, X=TEXTS, y=(1, 0, 0, 1, 1)):
    """Fit, and be told that codes are no quantities."""
    with pytest.warns(
        UserWarning, match=r"categorical_features=\[0\] to have a vector"
    ):
        return pipe.fit(X, list(y))


PLAIN = {key: TINY[key] for key in ("units", "epochs", "random_state")}


@pytest.mark.parametrize(
    "steps",
    [
        [BiLSTMClassifier(**PLAIN)],
        [BiLSTMRegressor(**PLAIN)],
        [SequencePadder(), BiLSTMClassifier(**PLAIN)],
        [WindowedEnsemble(BiLSTMClassifier(**PLAIN), n_timesteps=2)],
    ],
    ids=lambda steps: type(steps[-1]).__name__ + f" {len(steps)}",
)
def test_codes_that_would_be_quantities(steps):
    """The estimators say so, if the codes are the tokenizer's; [] is an answer, too."""
    spoken(make_pipeline(SequenceTokenizer(), *steps))
    X = SequenceTokenizer().fit_transform(TEXTS)
    copied = pickle.loads(pickle.dumps([X, list(X), X[::-1]]))
    for given in copied:
        spoken(make_pipeline(*steps), given)
    for features in ([], [0]):
        last = clone(steps[-1])
        inner = getattr(last, "estimator", last)
        inner.set_params(categorical_features=features)
        make_pipeline(SequenceTokenizer(), *steps[:-1], last).fit(
            TEXTS, [1, 0, 0, 1, 1]
        )


def test_codes_at_every_timestep_would_be_quantities():
    """Also the first call of partial_fit; later ones go on without a word."""
    X, y = SequenceTokenizer().fit_transform([["a", "b"], ["b"]]), [[0, 1], [1]]
    tagger = BiLSTMTimestepClassifier(**PLAIN)
    spoken(tagger, X, y)
    with pytest.warns(UserWarning, match="takes them for quantities"):
        fitted = clone(tagger).partial_fit(X, y, classes=[0, 1])
    fitted.partial_fit(X, y)


def test_other_integers_are_quantities():
    """No codes without the tokenizer's mark: digits, counts, arrays of any integers."""
    digits = load_digits().data[:20, :6].astype(np.int32)
    for X in (digits, list(digits[:, :, None]), list(digits)):
        BiLSTMClassifier(**PLAIN).fit(X, np.arange(20) % 2)


@pytest.mark.parametrize("given", [list, tuple, np.array])
def test_lists_of_tokens(given):
    """They are taken as they are: no token is changed, split or left out."""
    X = [given(["New York", "a", "A"]), given(["a", "!", "a"]), given(["z", "a", "!"])]
    tokenizer = SequenceTokenizer(min_df=2).fit(X)
    assert tokenizer.vocabulary_ == {"!": 1, "a": 2}
    codes = [row[:, 0].tolist() for row in tokenizer.transform(X)]
    assert codes == [[0, 2, 0], [2, 1, 2], [0, 2, 1]]
    assert_array_equal(
        np.concatenate(tokenizer.fit_transform(X)),
        np.concatenate(tokenizer.transform(X)),
    )


def test_there_and_back():
    """Known tokens come back; unknown ones are None, padding is left out."""
    tokenizer = SequenceTokenizer().fit(TEXTS)
    X = tokenizer.transform(["a new film, good", ""])
    expected = [["a", None, "film", "good"], [None]]
    assert tokenizer.inverse_transform(X) == expected
    padded = SequencePadder().fit_transform(X)
    assert tokenizer.inverse_transform(padded) == expected


def test_classifies_texts():
    """What a bag of words cannot tell: the order of the same words."""
    rng = np.random.default_rng(0)
    words = ["so", "this", "it", "was", "really"]
    texts, labels = [], []
    for k in range(240):
        pair = ["not bad", "bad not"][k % 2].split()
        text = list(rng.choice(words, 4))
        place = rng.integers(0, 4)
        texts.append(" ".join([*text[:place], *pair, *text[place:]]))
        labels.append(["praise", "blame"][k % 2])
    pipe = make_pipeline(
        SequenceTokenizer(),
        BiLSTMClassifier(8, epochs=15, categorical_features=[0], random_state=0),
    )
    assert pipe.fit(texts[:160], labels[:160]).score(texts[160:], labels[160:]) > 0.9


def test_search_over_texts():
    """Units, merge modes and what is known, on lists of texts."""
    texts, labels = TEXTS * 4, ["a", "b", "b", "a", "a"] * 4
    grid = {
        "sequencetokenizer__max_features": [3, None],
        "bilstmclassifier__merge_mode": ["sum", "mul"],
    }
    search = GridSearchCV(classifier(), grid, cv=2).fit(texts, labels)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(cross_val_predict(classifier(), texts, labels, cv=2)) == 20


def test_tags_tokens():
    """A label for every token, found among texts of other lengths."""
    words = ["banana", "kiwi", "fig", "melon", "plum", "lime", "pear", "date"] * 8
    X = [list(word) for word in words]
    y = [np.isin(letters, list("aeiou")).astype(int) for letters in X]
    tagger = BiLSTMTimestepClassifier(
        4, epochs=20, learning_rate=0.05, categorical_features=[0], random_state=0
    )
    pipe = make_pipeline(SequenceTokenizer(), tagger).fit(X, y)
    assert pipe.predict([list("oval"), ["e"]])[0].tolist() == [1, 0, 1, 0]
    predicted = cross_val_predict(pipe, X[:8], y[:8], cv=KFold(2))
    assert [len(row) for row in predicted] == [len(word) for word in words[:8]]


SERVE = """
import sys
for name in ("tensorflow", "keras", "scikeras"):
    sys.modules[name] = None
import joblib, numpy as np
pipe = joblib.load(sys.argv[1])
np.save(sys.argv[2], pipe.predict_proba(["a bad film", "unseen", ""]))
"""


def test_saved_and_served_without_tensorflow(tmp_path):
    """One file, loaded where nothing of TensorFlow can be imported."""
    pipe = classifier().fit(TEXTS, [1, 0, 0, 1, 1])
    joblib.dump(pipe, tmp_path / "pipe.joblib")
    command = [sys.executable, "-c", SERVE, "pipe.joblib", "proba.npy"]
    subprocess.run(command, cwd=tmp_path, check=True)
    expected = pipe.predict_proba(["a bad film", "unseen", ""])
    assert_array_equal(np.load(tmp_path / "proba.npy"), expected)
    assert_array_equal(expected[1], expected[2])  # unknown words, and none


def test_skops():
    """No types beyond those that are listed need trust."""
    pipe = classifier().fit(TEXTS, [1, 0, 0, 1, 1])
    loaded = skops.io.loads(skops.io.dumps(pipe), trusted=TRUSTED_TYPES)
    assert_array_equal(loaded.predict_proba(TEXTS), pipe.predict_proba(TEXTS))


@pytest.mark.parametrize(
    ("vocabulary", "words"),
    [({"a": 2}, "do not count from 1"), ({1: 1}, "is no text")],
)
def test_contradictions(vocabulary, words):
    """What cannot be loaded is not saved."""
    tokenizer = SequenceTokenizer().fit(TEXTS)
    tokenizer.vocabulary_ = vocabulary
    with pytest.raises(ValueError, match=words):
        joblib.dump(tokenizer, io.BytesIO())


def test_explain_shapes():
    """Texts, then sequences, then a target each."""
    report = explain_shapes(classifier(), TEXTS, [1, 0, 0, 1, 1])
    assert [step.shape_out for step in report.steps] == [
        "5 samples",
        "5 samples x 1 to 6 timesteps x 1 feature",
        "5 samples",
    ]


def test_no_onnx():
    """The steps behind it are exported, as the message says."""
    pipe = classifier().fit(TEXTS, [1, 0, 0, 1, 1])
    with pytest.raises(ValueError, match="whose operators split no texts"):
        to_onnx(pipe)
    assert to_onnx(pipe[1:]).graph.input[0].name == "X"


def test_column_of_a_table():
    """A ColumnTransformer in front leaves the one that the message asks for."""
    frame = pd.DataFrame({"text": TEXTS, "number": range(5)})
    with pytest.raises(ValueError, match="X is a table with columns 'text', 'number'"):
        SequenceTokenizer().fit(frame)
    column = ColumnTransformer([("texts", "passthrough", ["text"])])
    for pipe in (
        make_pipeline(column, SequenceTokenizer()),
        make_pipeline(
            clone(column).set_output(transform="pandas"), SequenceTokenizer()
        ),
    ):
        assert "film" in pipe.fit(frame)[-1].vocabulary_


def test_set_output_is_left_alone():
    """A pipeline may ask for data frames; sequences are none."""
    tokenizer = SequenceTokenizer().set_output(transform="pandas")
    assert tokenizer.fit_transform(TEXTS).dtype == object


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda t: t.fit("one text"), ValueError, r"give \[X\]"),
        (lambda t: t.fit(3), ValueError, "X is a int, but SequenceTokenizer takes"),
        (lambda t: t.fit([]), ValueError, "0 texts came, a minimum of 1"),
        (lambda t: t.fit(["a", None]), TypeError, r"X\[1\] is None, of type NoneType"),
        (lambda t: t.fit(["a", np.nan]), TypeError, r"X\[1\] is nan, of type float"),
        (lambda t: t.fit([["a"], [3]]), TypeError, r"A token of X\[1\] is 3, of type"),
        (lambda t: t.fit(["?", "!"]), ValueError, "No token of X is left to know: emp"),
        (
            lambda t: t.set_params(min_df=9).fit(TEXTS),
            ValueError,
            "No token of X is left to know: max_df corresponds",
        ),
        (lambda t: t.set_params(analyzer="sky").fit(TEXTS), ValueError, "'analyzer'"),
        (lambda t: t.transform(TEXTS), ValueError, "not fitted yet"),
    ],
)
def test_what_is_refused(call, error, words):
    """What came, what was expected, and what to do."""
    with pytest.raises(error, match=words):
        call(SequenceTokenizer())


def test_failing_fit_leaves_no_trace():
    """The vocabulary stays what it was."""
    tokenizer = SequenceTokenizer().fit(TEXTS)
    before = tokenizer.vocabulary_
    with pytest.raises(TypeError):
        tokenizer.fit([3])
    assert tokenizer.vocabulary_ is before


def test_scikit_learn_checks():
    """Those of its own text transformers: none that would give a table."""
    with pytest.warns(SkipTestWarning, match="string=True"):
        checks = list(estimator_checks_generator(SequenceTokenizer()))
    assert checks
    for estimator, check in checks:
        check(estimator)


def test_tags_are_those_of_count_vectorizer():
    """So that scikit-learn knows that texts come in."""
    ours, own = (get_tags(t()).input_tags for t in (SequenceTokenizer, CountVectorizer))
    assert (ours.string, ours.two_d_array) == (own.string, own.two_d_array)
