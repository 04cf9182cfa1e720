"""Texts, or lists of tokens, to sequences of codes: SequenceTokenizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, NoReturn, Self

import numpy as np
from numpy.typing import NDArray

from sklstm.base.messages import listed, said, shown
from sklstm.base.parameters import (
    Interval,
    StrOptions,
    _fit_context,
    unchanged_on_error,
)
from sklstm.base.schema import FLAG, Kind, instance_of
from sklstm.preprocessing.base import SequenceTransformer
from sklstm.sequences.checks import as_data
from sklstm.sequences.codes import marked_as_codes
from sklstm.sequences.columns import cells_of, column_names
from sklstm.sequences.containers import plain

Tokens = list[str]

# In a sequence "I" and "a" are words; CountVectorizer, made for bags, leaves them out.
WORDS = r"(?u)\b\w+\b"

CODES = marked_as_codes(np.int32)


class SequenceTokenizer(SequenceTransformer):
    """Turn texts, or lists of tokens, into sequences of codes.

    Every token becomes a timestep of one feature: the code of the token, which
    `categorical_features=[0]` of an estimator turns into a learnt vector. Nothing is
    left out or cut off: sequences are as long as their texts.

    Texts are split and the vocabulary is chosen by scikit-learn's
    :class:`~sklearn.feature_extraction.text.CountVectorizer`, whose parameters these
    are. Only the default of `token_pattern` differs: words of one letter are words.

    Parameters
    ----------
    analyzer : {"word", "char"} or callable, default="word"
        Whether a text is split into words or characters; a function is given each
        text and returns its tokens. A list of tokens is taken as it is.
    lowercase : bool, default=True
        Whether texts become lower case before they are split.
    strip_accents : {"ascii", "unicode"}, callable or None, default=None
        How accents are taken off the letters of texts before they are split.
    token_pattern : str, default=r"(?u)\\b\\w+\\b"
        What a word is: one letter, digit or underscore, or more in a row.
        ``r"\\w+|[^\\w\\s]"`` keeps punctuation, too.
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

    Texts may stand in a table of one column, as a ColumnTransformer or a SimpleImputer
    in front gives them. Inside a ColumnTransformer the tokenizer cannot stand:
    sequences are no columns of a table.

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
            Texts, or sequences that are tokens already. Also a data frame of one
            column or an array of shape (n_samples, 1), whose cells are texts.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        SequenceTokenizer
            The fitted instance.

        Raises
        ------
        ValueError
            If X is a single text, a table of several columns or a list of lists of one
            text each, or if no token is left.
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
            As in `fit`. After a `fit` on lists of tokens an array of shape
            (n_samples, 1) has one token in each row.

        Returns
        -------
        ndarray of shape (n_samples,), object
            Of arrays of shape (n_tokens_i, 1), int32; estimators and transformers of
            sklstm take it. 0 stands for unknown tokens, and for a text without any.
        """
        self._check_ready()
        rows = self._rows(X, of_tokens=self._fitted_on_tokens)
        return self._coded(list(self._tokens(rows)))

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
        self._check_ready()
        tokens = dict(enumerate(self.vocabulary_, start=1))
        return [
            [tokens.get(code) for code in np.ravel(codes).tolist() if code == code]
            for codes in plain(X, "X", type(self).__name__)
        ]

    @_fit_context(prefer_skip_nested_validation=True)
    def _learn(self, X: Any) -> list[Tokens]:
        with unchanged_on_error(self):
            rows = self._rows(X, of_tokens=False)
            tokens = list(self._tokens(rows))
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
                    f"No token of X is left to know: {said(error).rstrip('.')}. Lower "
                    "min_df, raise max_df, or see what token_pattern and stop_words "
                    "leave."
                ) from error
            self.vocabulary_ = {str(token): k for k, token in enumerate(known, start=1)}
            self._fitted_on_tokens = not any(map(_is_text, rows))
        return tokens

    def _coded(self, tokens: list[Tokens]) -> NDArray[Any]:
        code_of = self.vocabulary_.get
        sequences = (
            np.array([code_of(token, 0) for token in text] or [0], CODES)[:, None]
            for text in tokens
        )
        return np.fromiter(sequences, dtype=object, count=len(tokens))

    def _rows(self, X: Any, *, of_tokens: bool) -> list[Any]:
        """Every text, or list of tokens, of X.

        `of_tokens` says that what could be either holds tokens.
        """
        name = type(self).__name__
        X = _without_column_axis(plain(X, "X", name), name, of_tokens=of_tokens)
        rows = list(X)
        if of_tokens or callable(self.analyzer) or any(map(_is_text, rows)):
            return rows
        is_table = len(getattr(X, "shape", ())) == 2
        if is_table or all(len(_tokens_of(row) or ()) == 1 for row in rows):
            for row in rows:
                for token in _tokens_of(row) or ():
                    if isinstance(token, str) and self._splits(token):
                        _refuse_texts_in_rows(X, token, name)
        return rows

    def _splits(self, token: str) -> bool:
        """Whether it looks like a text that was to be split."""
        return len(token if self.analyzer == "char" else token.split()) > 1

    def _tokens(self, rows: list[Any]) -> Iterator[Tokens]:
        """The tokens of every text."""
        split = _count_vectorizer(
            analyzer=self.analyzer,
            lowercase=self.lowercase,
            strip_accents=self.strip_accents,
            token_pattern=self.token_pattern,
            stop_words=self.stop_words,
        ).build_analyzer()
        for k, row in enumerate(rows):
            if callable(self.analyzer) or _is_text(row):
                tokens = list(split(row))
            elif (given := _tokens_of(row)) is not None:
                tokens = given
            else:
                _refuse_value(f"X[{k}]", row)
            for token in tokens:
                if not isinstance(token, str):
                    _refuse_value(f"A token of X[{k}]", token)
            yield tokens

    _saved: ClassVar[dict[str, Kind]] = {
        "vocabulary_": instance_of(dict),
        "_fitted_on_tokens": FLAG,
    }

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
        tags.input_tags.three_d_array = False
        tags.input_tags.allow_nan = False
        tags.transformer_tags.preserves_dtype = []
        return tags


def _count_vectorizer(**params: Any) -> Any:
    # Imported here: it would be the slowest part of importing sklstm.
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(**params)


def _as_it_is(tokens: Tokens) -> Tokens:
    return tokens


def _is_text(row: Any) -> bool:
    return isinstance(row, (str, bytes))


def _tokens_of(row: Any) -> list[Any] | None:
    """The items of a list, whatever holds it; None if it is no list."""
    if isinstance(row, (list, tuple)):
        return list(row)
    if len(getattr(row, "shape", ())) == 1:  # an array, or a column of some library
        return list(row)
    return None


def _without_column_axis(X: Any, name: str, *, of_tokens: bool) -> Any:
    """The rows of X, which are the cells of a table of one column."""
    X = as_data(X, name)
    if isinstance(X, (str, bytes)):
        raise ValueError(
            f"X is a single text, but {name} takes an iterable of them: give [X]."
        )
    columns = column_names(X)
    if columns is not None:
        if len(columns) != 1:
            _refuse_table(columns, name)
        return cells_of(X, 0)
    if hasattr(X, "to_pylist"):  # pyarrow
        return X.to_pylist()
    n_axes = len(getattr(X, "shape", (0,)))
    if n_axes > 1 and not isinstance(X, np.ndarray):
        X = np.asarray(X)
        n_axes = X.ndim
    if not hasattr(X, "__iter__") or n_axes not in (1, 2):
        raise ValueError(
            f"X is a {type(X).__name__}{f' of {n_axes} axes' * (n_axes > 2)}, but "
            f"{name} takes an iterable of texts, or of lists of tokens."
        )
    if n_axes == 2 and X.shape[1] == 1 and not of_tokens:
        return X[:, 0]
    return X


def _refuse_table(columns: list[Any], name: str) -> NoReturn:
    raise ValueError(
        f"X is a table with columns {listed(columns)}, but {name} takes texts: give "
        'the column that holds them, X[name]. In a pipeline put ColumnTransformer([("'
        'texts", "passthrough", [name])]) in front, which leaves that column.'
    )


def _refuse_texts_in_rows(X: Any, text: str, name: str) -> NoReturn:
    example = str(text) if len(text) <= 40 else f"{text[:40]}..."
    if len(getattr(X, "shape", ())) == 2:
        raise ValueError(
            f"X is an array of shape {X.shape}, of which {name} would read each row as "
            f"tokens, but it holds texts such as {example!r}. Give it the column that "
            "holds the texts, X[:, [k]] with the number k; if they are tokens, list(X)."
        )
    raise ValueError(
        f"X holds lists of one string each, such as [{example!r}], which {name} would "
        "read as one token. If they are texts, give them without lists: [row[0] for "
        "row in X]. If each is one token, set analyzer=list, which takes lists as they "
        "are."
    )


def _refuse_value(what: str, value: Any) -> NoReturn:
    raise TypeError(
        f"{what} is {shown(value)}, of type {type(value).__name__}, and no text. Fill "
        "what "
        "is missing with ''; numbers need no tokenizer, see categorical_features of "
        "the estimators."
    )
