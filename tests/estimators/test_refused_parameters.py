"""Refused: parameters of the estimators."""

import keras
import numpy as np
from inline_snapshot import snapshot
from refusals import (
    STEPS,
    X,
    again,
    classifier,
    refused,
    regressor,
    timestep_regressor,
    y,
)

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
)

ADAM = keras.optimizers.Adam


def test_unknown_merge_mode():
    assert refused(lambda: classifier(merge_mode="add").fit(X, y)) == snapshot("""\
InvalidParameterError: The 'merge_mode' parameter of BiLSTMClassifier must
be a str among {'ave', 'concat', 'mul', 'sum'}. Got 'add' instead.\
""")


def test_unknown_direction():
    assert refused(lambda: classifier(direction="both").fit(X, y)) == snapshot("""\
InvalidParameterError: The 'direction' parameter of BiLSTMClassifier must be
a str among {'backward', 'bidirectional', 'forward'}. Got 'both' instead.\
""")


def test_misspelt_in_the_constructor():
    assert refused(lambda: BiLSTMClassifier(unit=3), "argument 'unit'...") == snapshot(
        """\
TypeError: BiLSTMClassifier.__init__() got an unexpected keyword argument
'unit'...\
"""
    )


def test_misspelt_in_set_params():
    assert refused(
        lambda: regressor().set_params(learnng_rate=1),
        "'learnng_rate' for...Valid parameters",
        "parameters are: ...'learning_rate'",
        "'learning_rate'...",
    ) == snapshot("""\
ValueError: Invalid parameter 'learnng_rate' for...Valid parameters are:
...'learning_rate'...\
""")


def test_second_argument_by_position():
    assert refused(lambda: BiLSTMClassifier(3, "forward")) == snapshot("""\
TypeError: BiLSTMClassifier.__init__() takes from 1 to 2 positional
arguments but 3 were given\
""")


def test_class_weight_for_numbers():
    assert refused(lambda: BiLSTMRegressor(class_weight="balanced")) == snapshot(
        """\
TypeError: BiLSTMRegressor.__init__() got an unexpected keyword argument
'class_weight'\
"""
    )


def test_units_0():
    assert refused(lambda: classifier(units=0).fit(X, y)) == snapshot("""\
InvalidParameterError: The 'units' parameter of BiLSTMClassifier must be an
int in the range [1, inf), an instance of 'tuple' or an instance of 'list'.
Got 0 instead.\
""")


def test_no_layers():
    assert refused(lambda: classifier(units=()).fit(X, y)) == snapshot("""\
ValueError: The 'units' parameter of BiLSTMClassifier must be an int or a
tuple of ints, each at least 1: one for every stacked LSTM layer. Got ()
instead.\
""")


def test_a_layer_without_units():
    assert refused(lambda: classifier(units=(8, 0)).fit(X, y)) == snapshot("""\
ValueError: The 'units' parameter of BiLSTMClassifier must be an int or a
tuple of ints, each at least 1: one for every stacked LSTM layer. Got (8, 0)
instead.\
""")


def test_units_of_text():
    assert refused(lambda: classifier(units="8").fit(X, y)) == snapshot("""\
InvalidParameterError: The 'units' parameter of BiLSTMClassifier must be an
int in the range [1, inf), an instance of 'tuple' or an instance of 'list'.
Got '8' instead.\
""")


def test_a_fraction_of_units():
    assert refused(lambda: classifier(units=2.5).fit(X, y)) == snapshot("""\
InvalidParameterError: The 'units' parameter of BiLSTMClassifier must be an
int in the range [1, inf), an instance of 'tuple' or an instance of 'list'.
Got 2.5 instead.\
""")


def test_a_fraction_among_units():
    assert refused(lambda: classifier(units=[4, 2.5]).fit(X, y)) == snapshot("""\
ValueError: The 'units' parameter of BiLSTMClassifier must be an int or a
tuple of ints, each at least 1: one for every stacked LSTM layer. Got [4,
2.5] instead.\
""")


def test_dropout_1():
    assert refused(lambda: classifier(dropout=1).fit(X, y)) == snapshot("""\
InvalidParameterError: The 'dropout' parameter of BiLSTMClassifier must be a
float in the range [0.0, 1.0). Got 1 instead.\
""")


def test_a_negative_recurrent_dropout():
    assert refused(lambda: classifier(recurrent_dropout=-0.1).fit(X, y)) == snapshot("""\
InvalidParameterError: The 'recurrent_dropout' parameter of BiLSTMClassifier
must be a float in the range [0.0, 1.0). Got -0.1 instead.\
""")


def test_epochs_0():
    assert refused(lambda: classifier(epochs=0).fit(X, y)) == snapshot("""\
InvalidParameterError: The 'epochs' parameter of BiLSTMClassifier must be an
int in the range [1, inf). Got 0 instead.\
""")


def test_batch_size_none():
    assert refused(lambda: classifier(batch_size=None).fit(X, y)) == snapshot("""\
InvalidParameterError: The 'batch_size' parameter of BiLSTMClassifier must
be an int in the range [1, inf). Got None instead.\
""")


def test_learning_rate_0():
    assert refused(lambda: classifier(learning_rate=0).fit(X, y)) == snapshot("""\
InvalidParameterError: The 'learning_rate' parameter of BiLSTMClassifier
must be a float in the range (0.0, inf) or None. Got 0 instead.\
""")


def test_unknown_pooling():
    assert refused(lambda: classifier(pooling="sum").fit(X, y)) == snapshot("""\
InvalidParameterError: The 'pooling' parameter of BiLSTMClassifier must be a
str among {'last', 'max', 'mean'}, an instance of 'tuple' or an instance of
'list'. Got 'sum' instead.\
""")


def test_unknown_pooling_among_several():
    assert refused(lambda: classifier(pooling=("last", "sum")).fit(X, y)) == snapshot("""\
ValueError: The 'pooling' parameter of BiLSTMClassifier must be one of
'last', 'mean', 'max', or a tuple of different ones of them. Got ('last',
'sum') instead.\
""")


def test_pooling_twice():
    assert refused(lambda: regressor(pooling=["max", "max"]).fit(X, y)) == snapshot("""\
ValueError: The 'pooling' parameter of BiLSTMRegressor must be one of
'last', 'mean', 'max', or a tuple of different ones of them. Got ['max',
'max'] instead.\
""")


def test_no_pooling():
    assert refused(lambda: regressor(pooling=()).fit(X, y)) == snapshot("""\
ValueError: The 'pooling' parameter of BiLSTMRegressor must be one of
'last', 'mean', 'max', or a tuple of different ones of them. Got () instead.\
""")


def test_unknown_schedule():
    assert refused(lambda: classifier(schedule="linear").fit(X, y)) == snapshot("""\
InvalidParameterError: The 'schedule' parameter of BiLSTMClassifier must be
a str among {'auto', 'constant', 'cosine', 'one_cycle'}. Got 'linear'
instead.\
""")


def test_two_schedules():
    assert refused(
        lambda: classifier(
            schedule="cosine",
            optimizer=ADAM(keras.optimizers.schedules.CosineDecay(0.01, 5)),
        ).fit(X, y)
    ) == snapshot("""\
ValueError: schedule='cosine' does not go with Adam(CosineDecay), which
brings a schedule of its own. Give schedule='constant', or Adam() without
it.\
""")


def test_clipnorm_0():
    assert refused(lambda: classifier(clipnorm=0).fit(X, y)) == snapshot("""\
InvalidParameterError: The 'clipnorm' parameter of BiLSTMClassifier must be
a float in the range (0.0, inf) or None. Got 0 instead.\
""")


def test_shuffle_batch():
    assert refused(lambda: classifier(shuffle="batch").fit(X, y)) == snapshot("""\
InvalidParameterError: The 'shuffle' parameter of BiLSTMClassifier must be
an instance of 'bool' or an instance of 'numpy.bool'. Got 'batch' instead.\
""")


def test_verbose_3():
    assert refused(lambda: classifier(verbose=3).fit(X, y)) == snapshot("""\
InvalidParameterError: The 'verbose' parameter of BiLSTMClassifier must be
an int in the range [0, 2] or an instance of 'bool' or an instance of
'numpy.bool'. Got 3 instead.\
""")


def test_random_state_seed():
    assert refused(lambda: classifier(random_state="seed").fit(X, y)) == snapshot("""\
InvalidParameterError: The 'random_state' parameter of BiLSTMClassifier must
be an int in the range [0, 4294967295], an instance of
'numpy.random.mtrand.RandomState' or None. Got 'seed' instead.\
""")


def test_random_state_is_a_generator():
    assert refused(
        lambda: classifier(random_state=np.random.default_rng(0)).fit(X, y),
        "None. Got ... instead.",
    ) == snapshot("""\
InvalidParameterError: The 'random_state' parameter of BiLSTMClassifier must
be an int in the range [0, 4294967295], an instance of
'numpy.random.mtrand.RandomState' or None. Got ... instead.\
""")


def test_normalize_y_of_text():
    assert refused(lambda: regressor(normalize_y="x").fit(X, y)) == snapshot("""\
InvalidParameterError: The 'normalize_y' parameter of BiLSTMRegressor must
be an instance of 'bool' or an instance of 'numpy.bool'. Got 'x' instead.\
""")


def test_no_quantiles():
    assert refused(
        lambda: regressor(loss="quantile", quantiles=()).fit(X, y)
    ) == snapshot("""\
ValueError: The 'quantiles' parameter of BiLSTMRegressor must be one or more
numbers between 0 and 1, each larger than the one before, or None. Got ()
instead. For intervals of 80 % give (0.1, 0.5, 0.9).\
""")


def test_a_quantile_of_1():
    assert refused(
        lambda: regressor(loss="quantile", quantiles=(0.5, 1)).fit(X, y)
    ) == snapshot("""\
ValueError: The 'quantiles' parameter of BiLSTMRegressor must be one or more
numbers between 0 and 1, each larger than the one before, or None. Got (0.5,
1) instead. For intervals of 80 % give (0.1, 0.5, 0.9).\
""")


def test_a_quantile_in_percent():
    assert refused(
        lambda: regressor(loss="quantile", quantiles=[10, 90]).fit(X, y)
    ) == snapshot("""\
ValueError: The 'quantiles' parameter of BiLSTMRegressor must be one or more
numbers between 0 and 1, each larger than the one before, or None. Got [10,
90] instead. For intervals of 80 % give (0.1, 0.5, 0.9).\
""")


def test_a_quantile_twice():
    assert refused(
        lambda: regressor(loss="quantile", quantiles=(0.5, 0.5)).fit(X, y)
    ) == snapshot("""\
ValueError: The 'quantiles' parameter of BiLSTMRegressor must be one or more
numbers between 0 and 1, each larger than the one before, or None. Got (0.5,
0.5) instead. For intervals of 80 % give (0.1, 0.5, 0.9).\
""")


def test_quantiles_not_in_order():
    assert refused(
        lambda: regressor(loss="quantile", quantiles=(0.9, 0.1)).fit(X, y)
    ) == snapshot("""\
ValueError: The 'quantiles' parameter of BiLSTMRegressor must be one or more
numbers between 0 and 1, each larger than the one before, or None. Got (0.9,
0.1) instead. For intervals of 80 % give (0.1, 0.5, 0.9).\
""")


def test_a_quantile_of_text():
    assert refused(
        lambda: regressor(loss="quantile", quantiles=("median",)).fit(X, y)
    ) == snapshot("""\
ValueError: The 'quantiles' parameter of BiLSTMRegressor must be one or more
numbers between 0 and 1, each larger than the one before, or None. Got
('median',) instead. For intervals of 80 % give (0.1, 0.5, 0.9).\
""")


def test_a_quantile_of_nan():
    assert refused(
        lambda: regressor(loss="quantile", quantiles=(np.nan, 0.5)).fit(X, y)
    ) == snapshot("""\
ValueError: The 'quantiles' parameter of BiLSTMRegressor must be one or more
numbers between 0 and 1, each larger than the one before, or None. Got (nan,
0.5) instead. For intervals of 80 % give (0.1, 0.5, 0.9).\
""")


def test_quantiles_in_two_axes():
    assert refused(
        lambda: regressor(loss="quantile", quantiles=((0.1, 0.9),)).fit(X, y)
    ) == snapshot("""\
ValueError: The 'quantiles' parameter of BiLSTMRegressor must be one or more
numbers between 0 and 1, each larger than the one before, or None. Got
((0.1, 0.9),) instead. For intervals of 80 % give (0.1, 0.5, 0.9).\
""")


def test_a_single_number_for_quantiles():
    assert refused(
        lambda: regressor(loss="quantile", quantiles=0.9).fit(X, y)
    ) == snapshot("""\
InvalidParameterError: The 'quantiles' parameter of BiLSTMRegressor must be
an array-like or None. Got 0.9 instead.\
""")


def test_quantiles_of_another_loss():
    assert refused(
        lambda: timestep_regressor(quantiles=(0.1, 0.9)).fit(X, STEPS)
    ) == snapshot("""\
ValueError: quantiles=(0.1, 0.9) has no effect with loss=None. Set
loss="quantile", or quantiles=None.\
""")


def test_other_quantiles_in_the_next_fit():
    assert refused(
        lambda: again(regressor(loss="quantile"), quantiles=(0.1, 0.9))
    ) == snapshot("""\
ValueError: Training cannot go on with other quantiles: fitted are [0.1,
0.5, 0.9], loss and quantiles ask for [0.1, 0.9]. Give the parameters the
fitted values, or call fit with warm_start=False to start again.\
""")


def test_quantiles_that_were_not_learnt():
    assert refused(lambda: regressor().fit(X, y).predict_quantiles(X)) == snapshot("""\
AttributeError: This BiLSTMRegressor learns one number for every target, no
quantiles. Set loss="quantile" and quantiles, for example to (0.1, 0.5,
0.9), and fit again.\
""")


def test_loss_for_numbers():
    assert refused(lambda: classifier(loss="mean_squared_error").fit(X, y)) == snapshot("""\
InvalidParameterError: The 'loss' parameter of BiLSTMClassifier must be a
str among {'binary_crossentropy', 'binary_focal_crossentropy',
'categorical_crossentropy', 'categorical_focal_crossentropy'} or None. Got
'mean_squared_error' instead.\
""")


def test_loss_for_labels():
    assert refused(lambda: regressor(loss="binary_crossentropy").fit(X, y)) == snapshot("""\
InvalidParameterError: The 'loss' parameter of BiLSTMRegressor must be a str
among {'huber', 'log_cosh', 'mean_absolute_error', 'mean_squared_error',
'quantile'} or None. Got 'binary_crossentropy' instead.\
""")


def test_loss_for_more_classes():
    assert refused(
        lambda: classifier(loss="categorical_crossentropy").fit(X, y)
    ) == snapshot("""\
ValueError: loss='categorical_crossentropy' does not go with this target,
for which the output is sigmoid. Choose one of binary_crossentropy,
binary_focal_crossentropy, or None to have it chosen.\
""")


def test_unknown_optimizer():
    assert refused(lambda: classifier(optimizer="adm").fit(X, y)) == snapshot("""\
ValueError: optimizer='adm' is not supported. Choose one that works element
by element: adadelta, adagrad, adam, adamax, adamw, ftrl, lion, nadam,
rmsprop, sgd.\
""")


def test_optimizer_lamb():
    assert refused(lambda: classifier(optimizer="lamb").fit(X, y)) == snapshot("""\
ValueError: optimizer='lamb' is not supported. Choose one that works element
by element: adadelta, adagrad, adam, adamax, adamw, ftrl, lion, nadam,
rmsprop, sgd.\
""")


def test_optimizer_muon():
    assert refused(lambda: classifier(optimizer="muon").fit(X, y)) == snapshot("""\
ValueError: optimizer='muon' is not supported. Choose one that works element
by element: adadelta, adagrad, adam, adamax, adamw, ftrl, lion, nadam,
rmsprop, sgd.\
""")


def test_optimizer_adafactor():
    assert refused(lambda: classifier(optimizer="adafactor").fit(X, y)) == snapshot("""\
ValueError: optimizer='adafactor' is not supported. Choose one that works
element by element: adadelta, adagrad, adam, adamax, adamw, ftrl, lion,
nadam, rmsprop, sgd.\
""")


def test_lamb():
    assert refused(
        lambda: classifier(optimizer=keras.optimizers.Lamb()).fit(X, y),
        "optimizer=<keras...> is",
    ) == snapshot("""\
ValueError: optimizer=<keras...> is not supported: it must be a name or an
instance of a Keras optimizer that works element by element, one of
adadelta, adagrad, adam, adamax, adamw, ftrl, lion, nadam, rmsprop, sgd.\
""")


def test_muon():
    assert refused(
        lambda: classifier(optimizer=keras.optimizers.Muon()).fit(X, y),
        "optimizer=<keras...> is",
    ) == snapshot("""\
ValueError: optimizer=<keras...> is not supported: it must be a name or an
instance of a Keras optimizer that works element by element, one of
adadelta, adagrad, adam, adamax, adamw, ftrl, lion, nadam, rmsprop, sgd.\
""")


def test_adafactor():
    assert refused(
        lambda: classifier(optimizer=keras.optimizers.Adafactor()).fit(X, y),
        "optimizer=<keras...> is",
    ) == snapshot("""\
ValueError: optimizer=<keras...> is not supported: it must be a name or an
instance of a Keras optimizer that works element by element, one of
adadelta, adagrad, adam, adamax, adamw, ftrl, lion, nadam, rmsprop, sgd.\
""")


def test_optimizer_that_clips_each_array():
    assert refused(
        lambda: classifier(optimizer=ADAM(clipnorm=1.0)).fit(X, y)
    ) == snapshot("""\
ValueError: Adam(clipnorm=1.0) is not supported: it clips the gradient of
each weight array by itself. Clip the norm of all parameters together with
Adam(global_clipnorm=1.0), or with the estimator's clipnorm=1.0.\
""")


def test_optimizer_is_a_class():
    assert refused(
        lambda: classifier(optimizer=ADAM).fit(X, y),
        "optimizer=<class 'keras...'> is",
    ) == snapshot("""\
ValueError: optimizer=<class 'keras...'> is not supported: it must be a name
or an instance of a Keras optimizer that works element by element, one of
adadelta, adagrad, adam, adamax, adamw, ftrl, lion, nadam, rmsprop, sgd.\
""")


def test_optimizer_is_a_number():
    assert refused(lambda: classifier(optimizer=3).fit(X, y)) == snapshot("""\
InvalidParameterError: The 'optimizer' parameter of BiLSTMClassifier must be
an instance of 'str' or an object implementing 'apply' and 'get_config'. Got
3 instead.\
""")


def test_callbacks_is_text():
    assert refused(lambda: classifier(callbacks="history").fit(X, y)) == snapshot("""\
InvalidParameterError: The 'callbacks' parameter of BiLSTMClassifier must be
an instance of 'list', an instance of 'tuple', an object implementing
'on_epoch_end' and 'set_model' or None. Got 'history' instead.\
""")


def test_callbacks_has_a_number():
    assert refused(lambda: classifier(callbacks=[3]).fit(X, y)) == snapshot("""\
ValueError: The 'callbacks' parameter of BiLSTMClassifier must be a
keras.callbacks.Callback, a list of them or None. Got 3; give an instance,
such as keras.callbacks.TerminateOnNaN().\
""")


def test_callbacks_has_a_class():
    assert refused(
        lambda: classifier(callbacks=[keras.callbacks.History]).fit(X, y),
        "<class 'keras...'>; give",
    ) == snapshot("""\
ValueError: The 'callbacks' parameter of BiLSTMClassifier must be a
keras.callbacks.Callback, a list of them or None. Got <class 'keras...'>;
give an instance, such as keras.callbacks.TerminateOnNaN().\
""")


def test_validation_fraction_0():
    assert refused(lambda: classifier(validation_fraction=0).fit(X, y)) == snapshot("""\
InvalidParameterError: The 'validation_fraction' parameter of
BiLSTMClassifier must be a float in the range (0.0, 1.0). Got 0 instead.\
""")


def test_patience_0():
    assert refused(lambda: classifier(patience=0).fit(X, y)) == snapshot("""\
InvalidParameterError: The 'patience' parameter of BiLSTMClassifier must be
an int in the range [1, inf). Got 0 instead.\
""")


def test_too_few_to_split():
    assert refused(
        lambda: classifier(early_stopping=True).fit(X, y),
        "8 samples: ... Give more",
    ) == snapshot("""\
ValueError: early_stopping=True with validation_fraction=0.1 cannot split 8
samples: ... Give more samples, another validation_fraction, or set
early_stopping=False.\
""")


def test_class_of_one_to_split():
    assert refused(
        lambda: classifier(early_stopping=True).fit(X, [0] * 7 + [1]),
        "8 samples: ... Give more",
    ) == snapshot("""\
ValueError: early_stopping=True with validation_fraction=0.1 cannot split 8
samples: ... Give more samples, another validation_fraction, or set
early_stopping=False.\
""")


def test_one_sample_to_split():
    assert refused(
        lambda: regressor(early_stopping=True).fit(X[:1], y[:1]),
        "1 samples: ... Give more",
    ) == snapshot("""\
ValueError: early_stopping=True with validation_fraction=0.1 cannot split 1
samples: ... Give more samples, another validation_fraction, or set
early_stopping=False.\
""")


def test_training_diverges():
    assert refused(lambda: regressor(normalize_y=False).fit(X, y * 1e30)) == snapshot("""\
ValueError: Training diverged: the loss became inf in epoch 1. The usual
causes are features or targets that are not scaled (put a StandardScaler in
front), too high a learning_rate, and long sequences without clipnorm (try
clipnorm=1).\
""")
