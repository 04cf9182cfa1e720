"""Refused in `predict`: data unlike those of `fit`, and what was not fitted."""

import keras
import numpy as np
from inline_snapshot import snapshot
from refusals import (
    FRAME,
    TABLE,
    X,
    but,
    classifier,
    on_frame,
    on_table,
    on_x,
    refused,
    regressor,
)

ADAM = keras.optimizers.Adam


def test_other_columns():
    assert refused(lambda: on_table().predict(TABLE[:, :2])) == snapshot("""\
ValueError: X has 2 features, but BiLSTMClassifier is expecting 3 features
as input. The columns of a matrix are timesteps: give the same ones, or
sequences of another length with three axes, X[:, :, None].\
""")


def test_other_features():
    assert refused(lambda: on_x().predict(X[:, :, :1])) == snapshot("""\
ValueError: X has 1 features per timestep (shape (8, 3, 1), axes (n_samples,
n_timesteps, n_features)), but BiLSTMClassifier was fitted with 2. Give it
the same features, in the same order.\
""")


def test_features_after_a_matrix():
    assert refused(lambda: on_table().predict(X)) == snapshot("""\
ValueError: X has 2 features per timestep (shape (8, 3, 2), axes (n_samples,
n_timesteps, n_features)), but BiLSTMClassifier was fitted with 1, on a
matrix whose columns are timesteps of one feature. Give it the same
features, in the same order.\
""")


def test_other_features_in_a_list():
    assert refused(lambda: on_x().predict([np.ones((2, 3))])) == snapshot("""\
ValueError: X has 3 features per timestep (shape (1, 2, 3), axes (n_samples,
n_timesteps, n_features)), but BiLSTMClassifier was fitted with 2. Give it
the same features, in the same order. If the second axis is the features,
put SequencePadder(layout="channels_first") in front.\
""")


def test_vectors_after_features():
    assert refused(lambda: on_x().predict([np.ones(3), np.ones(2)])) == snapshot("""\
ValueError: X has 1 features per timestep (shape (2, 3, 1), axes (n_samples,
n_timesteps, n_features)), but BiLSTMClassifier was fitted with 2. Give it
the same features, in the same order.\
""")


def test_one_sample_without_its_axis():
    assert refused(lambda: on_x().predict(X[0])) == snapshot("""\
ValueError: X has 2 axes (shape (3, 2)), but BiLSTMClassifier was fitted on
(n_samples, n_timesteps, n_features) with n_features=2. If X is one sample
of 3 timesteps, make it X[None], shape (1, 3, 2); if its rows are samples of
one timestep, X[:, None].\
""")


def test_matrix_of_whole_timesteps():
    assert refused(lambda: on_x().predict(np.hstack([TABLE, TABLE]))) == snapshot("""\
ValueError: X has 2 axes (shape (8, 6)), but BiLSTMClassifier was fitted on
(n_samples, n_timesteps, n_features) with n_features=2. If its 6 columns are
3 timesteps of 2 features, put SequenceReshaper(n_features=2) in front.\
""")


def test_matrix_of_no_timesteps():
    assert refused(lambda: on_x().predict(TABLE)) == snapshot("""\
ValueError: X has 2 axes (shape (8, 3)), but BiLSTMClassifier was fitted on
(n_samples, n_timesteps, n_features) with n_features=2. 3 columns cannot be
timesteps of 2 features: give X the three axes it had in fit.\
""")


def test_one_timestep():
    assert refused(lambda: on_x().predict(X[0, 0])) == snapshot("""\
ValueError: Expected X with 2 or 3 axes, got a 1D array of shape (2,)
instead. The first axis is samples. Reshape your data: X.reshape(1, -1)
makes it one sequence of 2 timesteps, X.reshape(-1, 1) 2 sequences of one
timestep.\
""")


def test_nan_in_half_a_timestep_of_predict():
    assert refused(lambda: on_x().predict(but(X, (1, 2, 0), np.nan))) == snapshot("""\
ValueError: X contains NaN in only some features of a timestep (sample 1,
timestep 2, feature 0). A timestep whose features are all NaN is padding;
NaN beside numbers is a missing value. Put SequenceImputer behind the step
that makes the sequences, or impute the rows before, for example with
sklearn.impute.SimpleImputer.\
""")


def test_other_names():
    assert refused(
        lambda: on_frame().predict(FRAME.rename(columns={"c": "d"})),
        "should match...- d",
        "- d...- c",
        "- c...",
    ) == snapshot("ValueError: The feature names should match...- d...- c...")


def test_no_samples_to_predict():
    assert refused(lambda: on_x().predict(X[:0])) == snapshot("""\
ValueError: Found array with 0 sample(s) (shape=(0, 3, 2)) while a minimum
of 1 is required by BiLSTMClassifier. Nothing is left of X: see how its rows
and columns were selected.\
""")


def test_empty_list_to_predict():
    assert refused(lambda: on_x().predict([])) == snapshot(
        """\
ValueError: X is an empty list: 0 sequences came, a minimum of 1 is
required.\
"""
    )


def test_unfitted_predict():
    assert refused(lambda: classifier().predict(X), "fitted yet...") == snapshot(
        "NotFittedError: This BiLSTMClassifier instance is not fitted yet..."
    )


def test_unfitted_predict_proba():
    assert refused(lambda: classifier().predict_proba(X), "fitted yet...") == snapshot(
        "NotFittedError: This BiLSTMClassifier instance is not fitted yet..."
    )


def test_unfitted_weights():
    assert refused(lambda: classifier().weights_, "fitted yet...") == snapshot(
        "NotFittedError: This BiLSTMClassifier instance is not fitted yet..."
    )


def test_unfitted_to_keras():
    assert refused(lambda: regressor().to_keras(), "fitted yet...") == snapshot(
        "NotFittedError: This BiLSTMRegressor instance is not fitted yet..."
    )


def test_weights_are_read_only():
    assert refused(
        lambda: on_x().weights_["dense/bias"].fill(0), "...read-only"
    ) == snapshot("ValueError: ...read-only")


def test_numbers_have_no_probabilities():
    assert refused(lambda: regressor().predict_proba(X)) == snapshot(
        "AttributeError: 'BiLSTMRegressor' object has no attribute 'predict_proba'"
    )
