"""How messages show values: on one line, readable, and never endless."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import (
    BiLSTMRegressor,
    SequencePadder,
    SequenceReshaper,
    SequenceScaler,
    SlidingWindows,
    make_windows,
    pad_sequences,
)
from sklstm.base.messages import labels_shown, listed, said, shown, unquoted
from sklstm.base.persistence import _CHECKSUM as CHECKSUM
from sklstm.base.persistence import _HEADER as HEADER
from sklstm.base.persistence import _sealed

pd = pytest.importorskip("pandas")

LONG = "\n\x1b[31m" + 10_000_000 * "a"
X = np.random.default_rng(0).normal(size=(6, 5, 2))
TABLE = X[:, :, 0]
FRAME = pd.DataFrame({LONG: [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0]})


class Unshowable:
    """An object whose repr fails."""

    def __repr__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "'a'"),
        ("a\nb", r"'a\nb'"),
        (b"a", "b'a'"),
        (np.str_("a"), "'a'"),
        (3, "3"),
        (None, "None"),
        ((0.1, 0.9), "(0.1, 0.9)"),
        ({"a": 1}, "{'a': 1}"),
        (list(range(10**6)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...]"),
        (np.array(["a", "b"]), "array(['a', 'b'])"),
        (np.zeros((2, 1)), "array of shape (2, 1), beginning [0.0, 0.0]"),
        (make_pipeline(StandardScaler()), "Pipeline(steps=[('standardscaler', Sta"),
        (10**5000, "<int object>"),
        (Unshowable(), "<Unshowable instance at"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_shown(value, expected):
    """As repr, on one line."""
    assert shown(value).startswith(expected)


@pytest.mark.parametrize(
    "value",
    [
        LONG,
        LONG.encode(),
        [LONG] * 20,
        {LONG: LONG},
        np.array([LONG]),
        ValueError(LONG),
    ],
    ids=lambda value: type(value).__name__,
)
def test_long_values_are_shortened(value):
    """Wherever the text is, neither megabytes nor escapes come through."""
    for text in (shown(value), said(ValueError(value)), unquoted(value)):
        assert len(text) < 3000
        assert "\x1b" not in text


def test_names_and_labels():
    """The first of them; names that look like names need no quotes."""
    assert listed(["a", 1, 2.5]) == "'a', 1, '2.5'"
    assert listed(list("abcdefghij")) == "'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', ..."
    assert labels_shown(np.arange(3)) == "[0 1 2]"
    assert labels_shown(np.array(["a", "b"])) == "['a' 'b']"
    assert labels_shown(np.arange(99)).endswith("8 9 ...]")
    assert (unquoted("val_loss"), unquoted("a\nb")) == ("val_loss", r"'a\nb'")


REFUSED = {
    "y": lambda: BiLSTMRegressor().fit(X, [LONG] * 6),
    "objects": lambda: BiLSTMRegressor().fit(X, np.array([LONG] * 6, dtype=object)),
    "X": lambda: BiLSTMRegressor().fit(np.array([[LONG, "b"]] * 3, object), [1, 2, 3]),
    "weights": lambda: BiLSTMRegressor().fit(X, np.ones(6), [LONG] * 6),
    "units": lambda: BiLSTMRegressor((2, LONG)).fit(X, np.ones(6)),
    "groups": lambda: SlidingWindows(2, groups="q" + LONG).fit(FRAME),
    "text": lambda: SlidingWindows(2).fit(FRAME.assign(**{LONG: "x"})),
    "dates": lambda: SlidingWindows(2).fit(FRAME.astype({LONG: "datetime64[ns]"})),
    "target": lambda: make_windows(FRAME, 2, target="q" + LONG),
    "id": lambda: pad_sequences(FRAME, groups="q" + LONG),
    "static": lambda: SequenceReshaper(static=["q" + LONG]).fit(FRAME),
    "names": lambda: (
        SequenceReshaper()
        .fit(FRAME)
        .transform(FRAME.rename(columns={LONG: "q" + LONG}))
    ),
    "parameter": lambda: SequencePadder().fit(X).set_params(padding=LONG).transform(X),
    "series": lambda: SlidingWindows(1, groups="g", time="t").fit(
        pd.DataFrame({"g": [LONG] * 3, "t": [3, 1, 2], "v": [1.0, 2.0, 3.0]})
    ),
    "version": lambda: loaded(SequenceScaler(), header={"format": 99, "version": LONG}),
    "format": lambda: loaded(SequenceScaler(), header={"format": 10**5000}),
    "attributes": lambda: loaded(SequenceScaler(), header={"attributes": [LONG] * 9}),
    "scaler": lambda: loaded(SequenceScaler(), scaler_=LONG),
    "sizes": lambda: loaded(SequencePadder(), n_timesteps_out_=LONG),
    "asked": lambda: loaded(
        SequencePadder(), n_timesteps_out_=99, _shaped_by={"n_timesteps": LONG}
    ),
    "columns": lambda: loaded(SlidingWindows(2), _columns=columns([LONG] * 9, None)),
    "column": lambda: loaded(SlidingWindows(2), _columns=columns(["a"] * 5, LONG)),
}


def columns(names, group):
    return {"class": "Columns", "names": names, "group": group, "time": None}


def loaded(transformer, header=None, **changes):
    """A transformer from a state that has been changed, checksums too."""
    transformer.fit(TABLE if isinstance(transformer, SlidingWindows) else X)
    state = transformer.__getstate__()
    if header:
        state[HEADER] = state[HEADER] | header
    else:
        del state[HEADER], state[CHECKSUM]
        state = _sealed(state | changes, transformer._get_param_names())
    transformer.__setstate__(state)


@pytest.mark.parametrize("what", REFUSED)
def test_long_names_and_values_in_messages(what):
    """What is ten megabytes long, with line feeds and escapes, is shortened."""
    with pytest.raises((TypeError, ValueError), match=r"\w") as caught:
        REFUSED[what]()
    message = str(caught.value)
    assert len(message) < 3500
    assert "\x1b" not in message
