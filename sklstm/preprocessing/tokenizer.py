"""Texts, or lists of tokens, to sequences of codes: SequenceTokenizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, NoReturn, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from sklstm.documentation import DocumentationLinkMixin
from sklstm.parameters import Interval, StrOptions, _fit_context, unchanged_on_error
from sklstm.persistence import SavedState, check_fitted
from sklstm.preprocessing.output import ThreeAxesOutputMixin
from sklstm.sequences.containers import plain

Tokens = list[str]

WORDS = r"(?u)\b\w\w+\b"


class SequenceTokenizer(
    SavedState,
    DocumentationLinkMixin,
    ThreeAxesOutputMixin,
    TransformerMixin,
    BaseEstimator,
):
    """Turn texts, or lists of tokens, into sequences of codes.

    Every token becomes a timestep of one feature: the code of the token, which
    `categorical_features=[0]` of an estimator turns into a learnt vector. Nothing is
    left out or cut off: sequences are as long as their texts.

    Texts are split and the vocabulary is chosen by scikit-learn's
    :class:`~sklearn.feature_extraction.text.CountVectorizer`, whose parameters these
    are.

    Parameters
    ----------
    analyzer : {"word", "char"} or callable, default="word"
        Whether a text is split into words or characters; a function is given each
        text and returns its tokens. A list of tokens is taken as it is.
    lowercase : bool, default=True
        Whether texts become lower case before they are split.
    strip_accents : {"ascii", "unicode"}, callable or None, default=None
        How accents are taken off the letters of texts before they are split.
    token_pattern : str, default=r"(?u)\\b\\w\\w+\\b"
        What a word is: two letters or more. ``r"\\w+|[^\\w\\s]"`` keeps words of one
        letter and punctuation.
    stop_words : "english", list of str or None, default=None
        Words that are left out of texts. A network usually needs them.
    min_df : int or float, default=1
        Tokens of fewer sequences are unknown; a float is a share of the sequences.
    max_df : int or float, default=1.0
        Tokens of more sequences are unknown; a float is a share of the sequences.
    max_features : int, default=None
        How many tokens are known, the most frequent ones; None is all.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        The code of every known token, from 1 on, in the order of the tokens. Unknown
        tokens have code 0.

    See Also
    --------
    SequencePadder : Cuts sequences off, and makes them an array.
    BiLSTMClassifier : Embeds codes, with `categorical_features`.

    Notes
    -----
    A text without tokens becomes one timestep of code 0: every sequence needs one.

    With ``analyzer="char"`` several spaces count as one, as in CountVectorizer. For a
    label at every character give lists of characters, ``list(text)``.

    Examples
    --------
    >>> from sklstm import SequenceTokenizer
    >>> tokenizer = SequenceTokenizer().fit(["The old man", "the sea"])
    >>> tokenizer.vocabulary_
    {'man': 1, 'old': 2, 'sea': 3, 'the': 4}
    >>> tokenizer.transform(["the old, old boat"])[0].ravel()
    array([4, 2, 2, 0], dtype=int32)
    """

    _learnt: ClassVar[str] = "vocabulary_"

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "analyzer": [StrOptions({"word", "char"}), callable],
        "lowercase": ["boolean"],
        "strip_accents": [StrOptions({"ascii", "unicode"}), callable, None],
        "token_pattern": [str],
        "stop_words": [StrOptions({"english"}), list, None],
        "min_df": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="both"),
        ],
        "max_df": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="both"),
        ],
        "max_features": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        analyzer: Literal["word", "char"] | Callable[[Any], Any] = "word",
        *,
        lowercase: bool = True,
        strip_accents: Literal["ascii", "unicode"] | Callable[..., str] | None = None,
        token_pattern: str = WORDS,
        stop_words: Literal["english"] | list[str] | None = None,
        min_df: float = 1,
        max_df: float = 1.0,
        max_features: int | None = None,
    ) -> None:
        self.analyzer = analyzer
        self.lowercase = lowercase
        self.strip_accents = strip_accents
        self.token_pattern = token_pattern
        self.stop_words = stop_words
        self.min_df = min_df
        self.max_df = max_df
        self.max_features = max_features

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the vocabulary.

        Parameters
        ----------
        X : iterable of str, or of lists of str
            Texts, or sequences that are tokens already.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        SequenceTokenizer
            The fitted instance.

        Raises
        ------
        ValueError
            If X is a table or a single text, or no token is left.
        TypeError
            If something in X is neither text nor a list of texts.
        """
        self._learn(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> NDArray[Any]:
        """Learn the vocabulary, and give the codes of the tokens.

        Parameters
        ----------
        X : iterable of str, or of lists of str
        y : Ignored
            Present for API consistency.

        Returns
        -------
        ndarray of shape (n_samples,), object
            As from `transform`.
        """
        return self._coded(self._learn(X))

    def transform(self, X: Any) -> NDArray[Any]:
        """Codes of the tokens, in the order of the tokens.

        Parameters
        ----------
        X : iterable of str, or of lists of str

        Returns
        -------
        ndarray of shape (n_samples,), object
            Of arrays of shape (n_tokens_i, 1), int32; estimators and transformers of
            sklstm take it. 0 stands for unknown tokens, and for a text without any.
        """
        check_fitted(self)
        return self._coded(list(self._tokens(X)))

    def inverse_transform(self, X: Any) -> list[list[str | None]]:
        """The tokens of codes; None where they are unknown.

        Parameters
        ----------
        X : iterable of array-like of shape (n_tokens_i, 1) or (n_tokens_i,)
            NaN is padding, and left out.

        Returns
        -------
        list of list of str or None
        """
        check_fitted(self)
        tokens = dict(enumerate(self.vocabulary_, start=1))
        return [
            [tokens.get(code) for code in np.ravel(codes).tolist() if code == code]
            for codes in plain(X, "X", type(self).__name__)
        ]

    @_fit_context(prefer_skip_nested_validation=True)
    def _learn(self, X: Any) -> list[Tokens]:
        with unchanged_on_error(self):
            tokens = list(self._tokens(X))
            if not tokens:
                raise ValueError(
                    "X is empty: 0 texts came, a minimum of 1 is required by "
                    f"{type(self).__name__}."
                )
            counter = _count_vectorizer(
                analyzer=_as_it_is,
                min_df=self.min_df,
                max_df=self.max_df,
                max_features=self.max_features,
            )
            try:
                known = counter.fit(tokens).get_feature_names_out()
            except ValueError as error:
                raise ValueError(
                    f"No token of X is left to know: {str(error).rstrip('.')}. Lower "
                    "min_df, raise max_df, or see what token_pattern and stop_words "
                    "leave."
                ) from error
            self.vocabulary_ = {str(token): k for k, token in enumerate(known, start=1)}
        return tokens

    def _coded(self, tokens: list[Tokens]) -> NDArray[Any]:
        code_of = self.vocabulary_.get
        sequences = (
            np.array([code_of(token, 0) for token in text] or [0], np.int32)[:, None]
            for text in tokens
        )
        return np.fromiter(sequences, dtype=object, count=len(tokens))

    def _tokens(self, X: Any) -> Iterator[Tokens]:
        """The tokens of every text."""
        X = plain(X, "X", type(self).__name__)
        _refuse_other_shapes(X, type(self).__name__)
        split = _count_vectorizer(
            analyzer=self.analyzer,
            lowercase=self.lowercase,
            strip_accents=self.strip_accents,
            token_pattern=self.token_pattern,
            stop_words=self.stop_words,
        ).build_analyzer()
        for k, text in enumerate(X):
            if callable(self.analyzer) or isinstance(text, (str, bytes)):
                tokens = list(split(text))
            elif isinstance(text, (list, tuple, np.ndarray)):
                tokens = list(text)
            else:
                _refuse_value(f"X[{k}]", text)
            for token in tokens:
                if not isinstance(token, str):
                    _refuse_value(f"A token of X[{k}]", token)
            yield tokens

    def _contradictions(self) -> Iterator[str]:
        tokens = list(self.vocabulary_)
        if not all(isinstance(token, str) for token in tokens):
            yield "a token of vocabulary_ is no text"
        if list(self.vocabulary_.values()) != list(range(1, len(tokens) + 1)):
            yield "the codes of vocabulary_ do not count from 1"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def _count_vectorizer(**params: Any) -> Any:
    # Imported here: it would be the slowest part of importing sklstm.
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(**params)


def _as_it_is(tokens: Tokens) -> Tokens:
    return tokens


def _refuse_other_shapes(X: Any, name: str) -> None:
    if isinstance(X, (str, bytes)):
        raise ValueError(
            f"X is a single text, but {name} takes an iterable of them: give [X]."
        )
    if hasattr(X, "columns"):
        columns = ", ".join(repr(column) for column in list(X.columns)[:8])
        raise ValueError(
            f"X is a table with columns {columns}, but {name} takes texts: give the "
            "column that holds them, X[name]; in a ColumnTransformer name it without "
            "brackets."
        )
    if not hasattr(X, "__iter__") or getattr(X, "ndim", 1) == 0:
        raise ValueError(
            f"X is a {type(X).__name__}, but {name} takes an iterable of texts, or of "
            "lists of tokens."
        )


def _refuse_value(what: str, value: Any) -> NoReturn:
    raise TypeError(
        f"{what} is {value!r}, of type {type(value).__name__}, and no text. Fill what "
        "is missing with ''; numbers need no tokenizer, see categorical_features of "
        "the estimators."
    )
