"""Refused: weights of samples and of classes."""

import keras
import numpy as np
from inline_snapshot import snapshot
from refusals import (
    STEPS,
    X,
    but,
    classifier,
    refused,
    regressor,
    timestep_classifier,
    timestep_regressor,
    y,
)

ADAM = keras.optimizers.Adam


def test_negative_weight():
    assert refused(
        lambda: classifier().fit(X, y, but(np.ones(8), 2, -1)),
        "Negative values...Give sample_weight",
    ) == snapshot("""\
ValueError: Negative values...Give sample_weight one number for each of the
8 samples of X, none negative and at least one positive, or None.\
""")


def test_all_weights_zero():
    assert refused(
        lambda: classifier().fit(X, y, np.zeros(8)), "...Give sample_weight"
    ) == snapshot("""\
ValueError: ...Give sample_weight one number for each of the 8 samples of X,
none negative and at least one positive, or None.\
""")


def test_nan_weight():
    assert refused(
        lambda: classifier().fit(X, y, but(np.ones(8), 2, np.nan)),
        "...Give sample_weight",
    ) == snapshot("""\
ValueError: ...Give sample_weight one number for each of the 8 samples of X,
none negative and at least one positive, or None.\
""")


def test_infinite_weight():
    assert refused(
        lambda: classifier().fit(X, y, but(np.ones(8), 2, np.inf)),
        "...Give sample_weight",
    ) == snapshot("""\
ValueError: ...Give sample_weight one number for each of the 8 samples of X,
none negative and at least one positive, or None.\
""")


def test_weights_too_few():
    assert refused(
        lambda: regressor().fit(X, y, np.ones(5)),
        "...(5,)",
        "(5,)...(8,)",
        "(8,)...Give sample_weight",
    ) == snapshot("""\
ValueError: ...(5,)...(8,)...Give sample_weight one number for each of the 8
samples of X, none negative and at least one positive, or None.\
""")


def test_weights_per_timestep():
    assert refused(lambda: classifier().fit(X, y, np.ones((8, 3)))) == snapshot("""\
ValueError: sample_weight has shape (8, 3), but BiLSTMClassifier takes one
weight for each sequence: shape (8,). Weights of timesteps go with
BiLSTMTimestepClassifier and BiLSTMTimestepRegressor.\
""")


def test_weights_of_timesteps_in_a_list():
    assert refused(
        lambda: classifier().fit(X, y, [np.ones(2), np.ones(3)] * 4)
    ) == snapshot("""\
ValueError: sample_weight is a list of arrays, but BiLSTMClassifier takes
one weight for each sequence: shape (8,). Weights of timesteps go with
BiLSTMTimestepClassifier and BiLSTMTimestepRegressor.\
""")


def test_weights_in_a_column():
    assert refused(lambda: regressor().fit(X, y, np.ones((8, 1)))) == snapshot("""\
ValueError: sample_weight has shape (8, 1), but BiLSTMRegressor takes one
weight for each sequence: shape (8,). Use sample_weight[:, 0].\
""")


def test_weights_in_a_column_of_timesteps():
    assert refused(
        lambda: timestep_regressor().fit(X, STEPS, np.ones((8, 1)))
    ) == snapshot("""\
ValueError: sample_weight has shape (8, 1), but BiLSTMTimestepRegressor
takes one row for every timestep of X: an array (n_samples, n_timesteps),
here (8, 3), or a list with an array for every sequence. For one weight per
sequence use sample_weight[:, 0].\
""")


def test_weights_of_targets():
    assert refused(
        lambda: timestep_regressor().fit(X, X, np.ones((8, 3, 2)))
    ) == snapshot("""\
ValueError: sample_weight has 2 numbers for every timestep, but
BiLSTMTimestepRegressor takes one weight: an array (n_samples, n_timesteps),
or one of shape (n_samples,) for whole sequences. The targets of a timestep
share its weight: give the mean over the last axis, or fit one estimator for
each target.\
""")


def test_weights_of_targets_in_a_list():
    assert refused(
        lambda: timestep_classifier().fit(X, STEPS, [*np.ones((8, 3, 2))])
    ) == snapshot("""\
ValueError: sample_weight has 2 numbers for every timestep, but
BiLSTMTimestepClassifier takes one weight: an array (n_samples,
n_timesteps), or one of shape (n_samples,) for whole sequences. The targets
of a timestep share its weight: give the mean over the last axis, or fit one
estimator for each target.\
""")


def test_weights_by_name():
    assert refused(
        lambda: classifier().fit(X, y, "balanced"),
        "...'balanced'",
        "'balanced'...Give sample_weight",
    ) == snapshot("""\
ValueError: ...'balanced'...Give sample_weight one number for each of the 8
samples of X, none negative and at least one positive, or None.\
""")


def test_class_weight_by_another_name():
    assert refused(lambda: classifier(class_weight="balance").fit(X, y)) == snapshot("""\
InvalidParameterError: The 'class_weight' parameter of BiLSTMClassifier must
be an instance of 'dict', an instance of 'list', a str among {'balanced'} or
None. Got 'balance' instead.\
""")


def test_class_weight_of_unknown_class():
    assert refused(
        lambda: classifier(class_weight={7: 1}).fit(X, y), "weight). Give ..."
    ) == snapshot("""\
ValueError: class_weight={7: 1} does not go with y (it names 7, which is not
among the classes of y: 0, 1; 0, 1 would have no weight). Give ...\
""")


def test_class_weight_negative():
    assert refused(lambda: classifier(class_weight={0: -1}).fit(X, y)) == snapshot("""\
ValueError: class_weight={0: -1} does not go with y (a weight is negative,
infinite or no number). Give "balanced" or a dict from label to a weight
that is not negative, or for a multilabel y a list of such dicts, one per
label.\
""")


def test_class_weight_infinite():
    assert refused(lambda: classifier(class_weight={0: np.inf}).fit(X, y)) == snapshot("""\
ValueError: class_weight={0: inf} does not go with y (a weight is negative,
infinite or no number). Give "balanced" or a dict from label to a weight
that is not negative, or for a multilabel y a list of such dicts, one per
label.\
""")


def test_class_weight_is_text():
    assert refused(
        lambda: classifier(class_weight={0: "a"}).fit(X, y), "y (...). Give"
    ) == snapshot("""\
ValueError: class_weight={0: 'a'} does not go with y (...). Give "balanced"
or a dict from label to a weight that is not negative, or for a multilabel y
a list of such dicts, one per label.\
""")


def test_class_weight_is_a_list_at_every_timestep():
    assert refused(
        lambda: timestep_classifier(class_weight=[1]).fit(X, STEPS), "y (...). Give"
    ) == snapshot("""\
ValueError: class_weight=[1] does not go with y (...). Give "balanced" or a
dict from label to a weight that is not negative, or for a multilabel y a
list of such dicts, one per label.\
""")


def test_class_weight_is_a_list():
    assert refused(
        lambda: classifier(class_weight=[1, 2]).fit(X, y), "y (...). Give"
    ) == snapshot("""\
ValueError: class_weight=[1, 2] does not go with y (...). Give "balanced" or
a dict from label to a weight that is not negative, or for a multilabel y a
list of such dicts, one per label.\
""")


def test_class_weight_all_zero():
    assert refused(lambda: classifier(class_weight={0: 0, 1: 0}).fit(X, y)) == snapshot("""\
ValueError: class_weight times sample_weight is zero for all samples: none
is left to fit. Give a class of y that has samples a positive weight.\
""")
