"""Refused: training that cannot go on, by warm_start or partial_fit."""

import keras
from inline_snapshot import snapshot
from refusals import (
    SEVERAL,
    STEPS,
    X,
    again,
    classifier,
    refused,
    regressor,
    timestep_classifier,
    twice,
    y,
)

from sklstm.inspection import occlusion_importance

ADAM = keras.optimizers.Adam


def test_partial_fit_without_classes():
    assert refused(lambda: classifier().partial_fit(X, y)) == snapshot("""\
ValueError: The first call of partial_fit needs classes: all labels that
will ever come, for example classes=np.unique(y_all).\
""")


def test_partial_fit_without_y():
    assert refused(lambda: classifier().partial_fit(X, None)) == snapshot("""\
ValueError: BiLSTMClassifier requires y to be passed, but the target y is
None. Give one target per sequence.\
""")


def test_partial_fit_of_numbers():
    assert refused(lambda: classifier().partial_fit(X, y + 0.5)) == snapshot("""\
ValueError: Unknown label type: continuous. y holds numbers that are no
labels, such as 0.5. To predict numbers use BiLSTMRegressor; to predict
classes make y integers or text.\
""")


def test_x_val_without_y_val():
    assert refused(lambda: classifier().fit(X, y, X_val=X)) == snapshot("""\
ValueError: X_val came without y_val. Give X_val and y_val together, or
neither to have samples of X set aside.\
""")


def test_x_val_of_other_features():
    assert refused(
        lambda: classifier().fit(X, y, X_val=X[:, :, :1], y_val=y)
    ) == snapshot("""\
ValueError: In the validation data (X_val, y_val, sample_weight_val): X has
1 features per timestep (shape (8, 3, 1), axes (n_samples, n_timesteps,
n_features)), but BiLSTMClassifier was fitted with 2. Give it the same
features, in the same order.\
""")


def test_too_few_groups():
    assert refused(
        lambda: classifier(early_stopping=True).fit(X, y, groups=[0, 1])
    ) == snapshot("""\
ValueError: groups has 2 entries, but X has 8 samples. Give each sample the
label of its group.\
""")


def test_one_group():
    assert refused(
        lambda: classifier(early_stopping=True).fit(X, y, groups=[0] * 8),
        "8 samples: ... Give more",
    ) == snapshot("""\
ValueError: early_stopping=True with validation_fraction=0.1 cannot split 8
samples: ... Give more samples, another validation_fraction, or set
early_stopping=False.\
""")


def test_validation_split_0_1():
    assert refused(lambda: classifier(validation_split=0.1).fit(X, y)) == snapshot("""\
InvalidParameterError: The 'validation_split' parameter of BiLSTMClassifier
must be an object implementing 'split' (a share of the samples is
validation_fraction, beside early_stopping=True) or None. Got 0.1 instead.\
""")


def test_one_prediction_of_many():
    assert refused(
        lambda: occlusion_importance(timestep_classifier().fit(X, STEPS), X)
    ) == snapshot("""\
ValueError: BiLSTMTimestepClassifier predicts at every timestep, so that
there is no one prediction to explain, and none for a timestep that is taken
out. timestep_importance says which timesteps matter to its score.\
""")


def test_partial_fit_early_stopping():
    assert refused(
        lambda: classifier(early_stopping=True).partial_fit(X, y, [0, 1])
    ) == snapshot("""\
ValueError: partial_fit does not support early_stopping=True: each call
trains one epoch on the samples it is given. Set early_stopping=False.\
""")


def test_partial_fit_balanced():
    assert refused(
        lambda: classifier(class_weight="balanced").partial_fit(X, y, [0, 1])
    ) == snapshot("""\
ValueError: class_weight='balanced' is not supported by partial_fit, which
cannot see how frequent the classes are. Give a dict of weights instead.\
""")


def test_partial_fit_of_one_class():
    assert refused(lambda: classifier().partial_fit(X, y, classes=[0])) == snapshot("""\
ValueError: There is only one class, 0, but BiLSTMClassifier needs samples
of at least two (those of sample weight zero do not count). Give it samples
of another class too; StratifiedKFold keeps every class in every fold.\
""")


def test_classes_without_a_label():
    assert refused(lambda: classifier().partial_fit(X, y, classes=[0, 2])) == snapshot("""\
ValueError: y holds labels that are not among the known classes: [1].
BiLSTMClassifier knows [0 2]; name all classes in the first call of
partial_fit, or fit again without warm_start.\
""")


def test_classes_of_other_type():
    assert refused(
        lambda: classifier().partial_fit(X, y, classes=["a", "b"])
    ) == snapshot("""\
ValueError: y holds labels that are not among the known classes: [0 1].
BiLSTMClassifier knows ['a' 'b']; name all classes in the first call of
partial_fit, or fit again without warm_start.\
""")


def test_no_classes():
    assert refused(lambda: classifier().partial_fit(X, y, classes=[])) == snapshot("""\
ValueError: classes=[] is no list of labels (it is empty). Give a 1D array
of all labels, all integers or all text.\
""")


def test_classes_in_two_axes():
    assert refused(
        lambda: classifier().partial_fit(X, y, classes=[[0, 1]]),
        "labels (...). Give",
    ) == snapshot("""\
ValueError: classes=[[0, 1]] is no list of labels (...). Give a 1D array of
all labels, all integers or all text.\
""")


def test_classes_with_none():
    assert refused(
        lambda: classifier().partial_fit(X, y, classes=[0, None]),
        "labels (...). Give",
    ) == snapshot("""\
ValueError: classes=[0, None] is no list of labels (...). Give a 1D array of
all labels, all integers or all text.\
""")


def test_classes_change():
    assert refused(lambda: twice((X, y, [0, 1]), (X, y, [0, 1, 2]))) == snapshot("""\
ValueError: classes=[0, 1, 2] is not the same as in the first call of
partial_fit: [0 1]. Give the same classes, or none.\
""")


def test_labels_change():
    assert refused(lambda: twice((X, y, [0, 1]), (X, y + 1))) == snapshot("""\
ValueError: y holds labels that are not among the known classes: [2].
BiLSTMClassifier knows [0 1]; name all classes in the first call of
partial_fit, or fit again without warm_start.\
""")


def test_features_change():
    assert refused(lambda: twice((X, y, [0, 1]), (X[:, :, :1], y))) == snapshot("""\
ValueError: X has 1 features per timestep (shape (8, 3, 1), axes (n_samples,
n_timesteps, n_features)), but BiLSTMClassifier was fitted with 2. Give it
the same features, in the same order.\
""")


def test_label_then_several():
    assert refused(lambda: twice((X, y, [0, 1]), (X, SEVERAL))) == snapshot("""\
ValueError: y has shape (8, 2), but BiLSTMClassifier was fitted on one label
per sequence, one of [0 1].\
""")


def test_several_then_label():
    assert refused(lambda: twice((X, SEVERAL), (X, y))) == snapshot("""\
ValueError: y has shape (8,), but BiLSTMClassifier was fitted on 2 labels:
give an indicator matrix of shape (n_samples, 2).\
""")


def test_other_number_of_labels():
    assert refused(lambda: twice((X, SEVERAL), (X, SEVERAL[:, [0, 1, 1]]))) == snapshot("""\
ValueError: y has shape (8, 3), but BiLSTMClassifier was fitted on 2 labels:
give an indicator matrix of shape (n_samples, 2).\
""")


def test_warm_start_unknown_label():
    assert refused(lambda: again(classifier(), new_y=y + 1)) == snapshot("""\
ValueError: y holds labels that are not among the known classes: [2].
BiLSTMClassifier knows [0 1]; name all classes in the first call of
partial_fit, or fit again without warm_start.\
""")


def test_warm_start_other_pooling():
    assert refused(
        lambda: again(classifier(), pooling=["max", "last"], merge_mode="sum")
    ) == snapshot("""\
ValueError: Training cannot go on with another architecture: the fitted one
has merge_mode='concat' and pooling=('last', 'mean', 'max'), the parameters
ask for merge_mode='sum' and pooling=('max', 'last'). Give the parameters
the fitted values, or call fit with warm_start=False to start again.\
""")


def test_warm_start_other_units():
    assert refused(lambda: again(classifier(), units=3)) == snapshot("""\
ValueError: Training cannot go on with another architecture: the fitted one
has units=(2,), the parameters ask for units=(3,). Give the parameters the
fitted values, or call fit with warm_start=False to start again.\
""")


def test_warm_start_other_features():
    assert refused(lambda: again(classifier(), new_X=X[:, :, :1])) == snapshot("""\
ValueError: X has 1 features per timestep (shape (8, 3, 1), axes (n_samples,
n_timesteps, n_features)), but BiLSTMClassifier was fitted with 2. Give it
the same features, in the same order.\
""")


def test_warm_start_other_targets():
    assert refused(lambda: again(regressor(), new_y=SEVERAL)) == snapshot("""\
ValueError: y has 2 targets, but BiLSTMRegressor was fitted on 1. Give as
many, or call fit with warm_start=False to start again.\
""")
