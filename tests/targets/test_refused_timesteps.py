"""Refused: targets at every timestep that do not go with X."""

import keras
import numpy as np
import pandas as pd
import scipy.sparse
from inline_snapshot import snapshot
from refusals import (
    STEPS,
    X,
    but,
    classifier,
    refused,
    timestep_classifier,
    timestep_regressor,
    y,
)

ADAM = keras.optimizers.Adam


def test_timesteps_without_y():
    assert refused(lambda: timestep_classifier().fit(X, None)) == snapshot("""\
ValueError: BiLSTMTimestepClassifier requires y to be passed, but the target
y is None. Give one target for every timestep.\
""")


def test_timesteps_with_one_label_per_sequence():
    assert refused(lambda: timestep_classifier().fit(X, y)) == snapshot("""\
ValueError: y has shape (8,), but BiLSTMTimestepClassifier takes one row for
every timestep of X: an array (n_samples, n_timesteps), here (8, 3), or a
list with an array for every sequence. For one target per sequence use
BiLSTMClassifier.\
""")


def test_one_sample_of_timesteps_without_its_axis():
    assert refused(lambda: timestep_regressor().fit(X[:1], STEPS[0])) == snapshot("""\
ValueError: y has shape (3,), but BiLSTMTimestepRegressor takes one row for
every timestep of X: an array (n_samples, n_timesteps), here (1, 3), or a
list with an array for every sequence. X is one sample: make it y[None].\
""")


def test_labels_for_too_few_timesteps():
    assert refused(lambda: timestep_classifier().fit(X, STEPS[:, :2])) == snapshot("""\
ValueError: y has shape (8, 2), but BiLSTMTimestepClassifier takes one row
for every timestep of X: an array (n_samples, n_timesteps), here (8, 3), or
a list with an array for every sequence.\
""")


def test_labels_for_too_few_sequences():
    assert refused(lambda: timestep_classifier().fit(X, STEPS[:5])) == snapshot("""\
ValueError: y has shape (5, 3), but BiLSTMTimestepClassifier takes one row
for every timestep of X: an array (n_samples, n_timesteps), here (8, 3), or
a list with an array for every sequence.\
""")


def test_labels_of_four_axes():
    assert refused(
        lambda: timestep_classifier().fit(X, STEPS[:, :, None, None])
    ) == snapshot("""\
ValueError: y has shape (8, 3, 1, 1), but BiLSTMTimestepClassifier takes one
row for every timestep of X: an array (n_samples, n_timesteps), here (8, 3),
or a list with an array for every sequence.\
""")


def test_no_labels_on_the_last_axis():
    assert refused(
        lambda: timestep_classifier().fit(X, np.empty((8, 3, 0)))
    ) == snapshot("""\
ValueError: y has shape (8, 3, 0), but BiLSTMTimestepClassifier takes one
row for every timestep of X: an array (n_samples, n_timesteps), here (8, 3),
or a list with an array for every sequence.\
""")


def test_a_list_with_a_sequence_of_labels_too_short():
    assert refused(
        lambda: timestep_classifier().fit(X, [*STEPS[:7], STEPS[7, :2]])
    ) == snapshot("""\
ValueError: Sequence 7 of X has 3 timesteps, but y[7] has shape (2,). Every
timestep needs one row of y, and padding none.\
""")


def test_a_list_with_too_many_sequences_of_labels():
    assert refused(
        lambda: timestep_classifier().fit(X, [*STEPS, STEPS[0, :2]])
    ) == snapshot("""\
ValueError: Found input variables with inconsistent numbers of samples: X
has 8 sequences, y has 9. Give y one array for every sequence.\
""")


def test_a_list_of_targets_of_unequal_width():
    assert refused(
        lambda: timestep_regressor().fit([X[0], X[1, :2]], [X[0], X[1, :2, :1]])
    ) == snapshot("""\
ValueError: y[1] has shape (2, 1), but y[0] has shape (3, 2): all but the
number of timesteps must be the same.\
""")


def test_a_timestep_without_label():
    assert refused(
        lambda: timestep_classifier().fit(X, but(STEPS, (2, 1), np.nan))
    ) == snapshot("""\
ValueError: Input y contains NaN: 1 timesteps of X have data but no target,
the first is sample 2, valid timestep 1. Give them a target, or weight zero
in a sample_weight of shape (n_samples, n_timesteps); at padded timesteps y
may hold anything.\
""")


def test_na_of_pandas_at_a_timestep():
    assert refused(
        lambda: timestep_classifier().fit(X, but(STEPS, (2, 1), pd.NA, object))
    ) == snapshot("""\
ValueError: Input y contains NaN: 1 timesteps of X have data but no target,
the first is sample 2, valid timestep 1. Give them a target, or weight zero
in a sample_weight of shape (n_samples, n_timesteps); at padded timesteps y
may hold anything.\
""")


def test_a_timestep_without_number():
    assert refused(
        lambda: timestep_regressor().fit(X, but(STEPS, (2, 1), np.nan))
    ) == snapshot("""\
ValueError: Input y contains NaN: 1 timesteps of X have data but no target,
the first is sample 2, valid timestep 1. Give them a target, or weight zero
in a sample_weight of shape (n_samples, n_timesteps); at padded timesteps y
may hold anything.\
""")


def test_sparse_labels_of_timesteps():
    assert refused(
        lambda: timestep_classifier().fit(X, scipy.sparse.csr_array(STEPS))
    ) == snapshot("""\
ValueError: y is sparse (shape (8, 3)), but BiLSTMTimestepClassifier takes
dense values. Use y.toarray().\
""")


def test_fractions_as_labels_of_timesteps():
    assert refused(lambda: timestep_classifier().fit(X, STEPS + 0.5)) == snapshot("""\
ValueError: Unknown label type: continuous. y holds numbers that are no
labels, such as 0.5. To predict numbers use BiLSTMTimestepRegressor; to
predict classes make y integers or text.\
""")


def test_huge_numbers_as_labels():
    assert refused(lambda: classifier().fit(X, np.linspace(1e30, 1e31, 8))) == snapshot("""\
ValueError: Unknown label type: continuous. y holds numbers that are no
labels, such as 1e+30. To predict numbers use BiLSTMRegressor; to predict
classes make y integers or text.\
""")


def test_text_and_numbers_as_labels_of_timesteps():
    assert refused(
        lambda: timestep_classifier().fit(
            X, np.where(STEPS == 0, "a", STEPS.astype(object))
        )
    ) == snapshot("""\
ValueError: Unknown label type: unknown. y holds values of type int, str.
Make all labels integers or all text, for example with y.astype(str).\
""")


def test_text_as_targets_of_timesteps():
    assert refused(
        lambda: timestep_regressor().fit(X, np.full((8, 3), "a")),
        "to float: ...). For",
    ) == snapshot("""\
ValueError: BiLSTMTimestepRegressor needs numbers for y, got <U1 (could not
convert string to float: ...). For labels use BiLSTMTimestepClassifier.\
""")


def test_one_class_at_all_timesteps():
    assert refused(lambda: timestep_classifier().fit(X, np.ones((8, 3)))) == snapshot("""\
ValueError: There is only one class, 1.0, but BiLSTMTimestepClassifier needs
samples of at least two (those of sample weight zero do not count). Give it
samples of another class too; StratifiedKFold keeps every class in every
fold.\
""")


def test_weights_for_too_few_timesteps():
    assert refused(
        lambda: timestep_classifier().fit(X, STEPS, np.ones((8, 2)))
    ) == snapshot("""\
ValueError: sample_weight has shape (8, 2), but BiLSTMTimestepClassifier
takes one row for every timestep of X: an array (n_samples, n_timesteps),
here (8, 3), or a list with an array for every sequence.\
""")


def test_negative_weights_of_timesteps():
    assert refused(
        lambda: timestep_classifier().fit(X, STEPS, -np.ones((8, 3)))
    ) == snapshot("""\
ValueError: Negative values in data passed to `sample_weight`. Give
sample_weight one number for each of the 24 timesteps of X, none negative
and at least one positive, or None.\
""")


def test_weights_of_timesteps_all_zero():
    assert refused(
        lambda: timestep_classifier().fit(X, STEPS, np.zeros((8, 3)))
    ) == snapshot("""\
ValueError: Sample weights must contain at least one non-zero number. Give
sample_weight one number for each of the 24 timesteps of X, none negative
and at least one positive, or None.\
""")


def test_score_with_one_label_per_sequence():
    assert refused(lambda: timestep_classifier().fit(X, STEPS).score(X, y)) == snapshot("""\
ValueError: y has shape (8,), but BiLSTMTimestepClassifier takes one row for
every timestep of X: an array (n_samples, n_timesteps), here (8, 3), or a
list with an array for every sequence. For one target per sequence use
BiLSTMClassifier.\
""")


def test_partial_fit_of_timesteps_without_classes():
    assert refused(lambda: timestep_classifier().partial_fit(X, STEPS)) == snapshot("""\
ValueError: The first call of partial_fit needs classes: all labels that
will ever come, for example classes=np.unique(y_all).\
""")


def test_an_unknown_label_at_a_timestep():
    assert refused(
        lambda: timestep_classifier().partial_fit(X, STEPS, [0, 2])
    ) == snapshot("""\
ValueError: y holds labels that are not among the known classes: [1].
BiLSTMTimestepClassifier knows [0 2]; name all classes in the first call of
partial_fit, or fit again without warm_start.\
""")
