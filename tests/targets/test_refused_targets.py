"""Refused: y that an estimator cannot learn."""

import keras
import numpy as np
import pandas as pd
import scipy.sparse
from inline_snapshot import snapshot
from refusals import (
    SEVERAL,
    TABLE,
    X,
    but,
    classifier,
    refused,
    regressor,
    y,
)

ADAM = keras.optimizers.Adam


def test_y_too_short():
    assert refused(lambda: classifier().fit(X, y[:5])) == snapshot("""\
ValueError: Found input variables with inconsistent numbers of samples: X
has 8 (shape (8, 3, 2)), y has 5. The first axis of X is samples, and every
sample needs one target.\
""")


def test_y_too_long():
    assert refused(lambda: classifier().fit(X[:4], y), "y alike: ...") == snapshot("""\
ValueError: Found input variables with inconsistent numbers of samples: X
has 4 (shape (4, 3, 2)), y has 8. The first axis of X is samples, and every
sample needs one target. If windows were cut from the rows of X, cut y
alike: ...\
""")


def test_one_sample_of_all_rows():
    assert refused(lambda: classifier().fit(TABLE[None], y), "1, 3); ...") == snapshot("""\
ValueError: Found input variables with inconsistent numbers of samples: X
has 1 (shape (1, 8, 3)), y has 8. The first axis of X is samples, and every
sample needs one target. X is one sample of 8 timesteps. If the rows are the
samples, make it X.reshape(8, 1, 3); ...\
""")


def test_one_sequence_against_all_labels():
    assert refused(
        lambda: regressor().fit(TABLE[:, :1][None], y), "1, 1); ..."
    ) == snapshot("""\
ValueError: Found input variables with inconsistent numbers of samples: X
has 1 (shape (1, 8, 1)), y has 8. The first axis of X is samples, and every
sample needs one target. X is one sample of 8 timesteps. If the rows are the
samples, make it X.reshape(8, 1, 1); ...\
""")


def test_y_is_none():
    assert refused(lambda: classifier().fit(X, None)) == snapshot("""\
ValueError: BiLSTMClassifier requires y to be passed, but the target y is
None. Give one target per sequence.\
""")


def test_y_is_none_for_numbers():
    assert refused(lambda: regressor().fit(X, None)) == snapshot("""\
ValueError: BiLSTMRegressor requires y to be passed, but the target y is
None. Give one target per sequence.\
""")


def test_y_is_missing():
    assert refused(lambda: classifier().fit(X)) == snapshot(
        "TypeError: BaseBiLSTM.fit() missing 1 required positional argument: 'y'"
    )


def test_y_is_a_number():
    assert refused(lambda: classifier().fit(X, 1)) == snapshot("""\
ValueError: y is a scalar, 1, but BiLSTMClassifier takes one target per
sequence: shape (n_samples,) or (n_samples, n_columns).\
""")


def test_y_of_three_axes():
    assert refused(
        lambda: classifier().fit(X, X), "(n_samples, n_columns). ..."
    ) == snapshot("""\
ValueError: y has 3 axes (shape (8, 3, 2)), but BiLSTMClassifier takes one
target per sequence: shape (n_samples,) or (n_samples, n_columns). ...\
""")


def test_y_sparse():
    assert refused(
        lambda: classifier().fit(X, scipy.sparse.csr_array(SEVERAL))
    ) == snapshot("""\
ValueError: y is sparse (shape (8, 2)), but BiLSTMClassifier takes dense
targets. Use y.toarray().\
""")


def test_y_of_unequal_rows():
    assert refused(
        lambda: classifier().fit(X, [[1], [1, 2]] * 4),
        "has an ...BiLSTMClassifier needs",
    ) == snapshot("""\
ValueError: setting an array element with a sequence. The requested array
has an ...BiLSTMClassifier needs a y of one finite target, or one row of
targets, per sequence: correct y, or drop these samples from X and y.\
""")


def test_nan_in_y():
    assert refused(lambda: classifier().fit(X, but(y, 0, np.nan))) == snapshot("""\
ValueError: Input y contains NaN. BiLSTMClassifier needs a y of one finite
target, or one row of targets, per sequence: correct y, or drop these
samples from X and y.\
""")


def test_none_in_y_of_numbers():
    assert refused(lambda: regressor().fit(X, but(y, 0, None, object))) == snapshot("""\
ValueError: Input y contains None. BiLSTMRegressor needs a y of one finite
target, or one row of targets, per sequence: correct y, or drop these
samples from X and y.\
""")


def test_na_of_pandas_in_y():
    assert refused(lambda: classifier().fit(X, but(y, 0, pd.NA, object))) == snapshot("""\
ValueError: Input y contains NaN. BiLSTMClassifier needs a y of one finite
target, or one row of targets, per sequence: correct y, or drop these
samples from X and y.\
""")


def test_nan_in_y_of_numbers():
    assert refused(lambda: regressor().fit(X, but(y, 0, np.nan))) == snapshot("""\
ValueError: Input y contains NaN. BiLSTMRegressor needs a y of one finite
target, or one row of targets, per sequence: correct y, or drop these
samples from X and y.\
""")


def test_infinity_in_y():
    assert refused(
        lambda: regressor().fit(X, but(y, 0, np.inf)),
        "contains infinity.... BiLSTMRegressor",
    ) == snapshot("""\
ValueError: Input y contains infinity.... BiLSTMRegressor needs a y of one
finite target, or one row of targets, per sequence: correct y, or drop these
samples from X and y.\
""")


def test_y_too_large_for_float32():
    assert refused(lambda: regressor().fit(X, y * 1e300)) == snapshot("""\
ValueError: y holds values as large as 1e+300, too large for float32. Scale
y first, for example with sklearn.compose.TransformedTargetRegressor.\
""")


def test_y_complex():
    assert refused(lambda: regressor().fit(X, y + 1j)) == snapshot("""\
ValueError: Complex data not supported. BiLSTMRegressor needs a y of one
finite target, or one row of targets, per sequence: correct y, or drop these
samples from X and y.\
""")


def test_y_without_columns():
    assert refused(lambda: regressor().fit(X, np.ones((8, 0)))) == snapshot("""\
ValueError: Found array with 0 feature(s) (shape=(8, 0)) while a minimum of
1 is required by BiLSTMRegressor. BiLSTMRegressor needs a y of one finite
target, or one row of targets, per sequence: correct y, or drop these
samples from X and y.\
""")


def test_text_for_numbers():
    assert refused(
        lambda: regressor().fit(X, ["a", "b"] * 4), "<U1 (...). For"
    ) == snapshot("""\
ValueError: BiLSTMRegressor needs numbers for y, got <U1 (...). For labels
use BiLSTMClassifier.\
""")


def test_dates_for_numbers():
    assert refused(
        lambda: regressor().fit(X, np.full(8, "2020-01-01", dtype="datetime64[D]"))
    ) == snapshot("""\
ValueError: BiLSTMRegressor needs numbers for y, got datetime64[D] (dates
have no unit of their own). For labels use BiLSTMClassifier.\
""")


def test_numbers_for_labels():
    assert refused(lambda: classifier().fit(X, y + 0.5)) == snapshot("""\
ValueError: Unknown label type: continuous. y holds numbers that are no
labels, such as 0.5. To predict numbers use BiLSTMRegressor; to predict
classes make y integers or text.\
""")


def test_rows_of_numbers_for_labels():
    assert refused(lambda: classifier().fit(X, SEVERAL + 0.5)) == snapshot("""\
ValueError: Unknown label type: continuous-multioutput. y holds numbers that
are no labels, such as 1.5. To predict numbers use BiLSTMRegressor; to
predict classes make y integers or text.\
""")


def test_labels_of_two_types():
    assert refused(
        lambda: classifier().fit(X, np.array([1, "a"] * 4, dtype=object))
    ) == snapshot("""\
ValueError: Unknown label type: unknown. y holds values of type int, str.
Make all labels integers or all text, for example with y.astype(str).\
""")


def test_integers_among_objects():
    assert refused(lambda: classifier().fit(X, y.astype(object))) == snapshot("""\
ValueError: Unknown label type: unknown. y holds values of type int as
objects (dtype object), which scikit-learn takes for labels only if they are
text. Use y.astype(int).\
""")


def test_several_multiclass_columns():
    assert refused(lambda: classifier().fit(X, [[0, 1], [1, 2]] * 4)) == snapshot("""\
ValueError: y has 2 columns of more than two classes each. Give one column
of labels, an indicator matrix of zeros and ones for several labels, or fit
one classifier per column with sklearn.multioutput.MultiOutputClassifier.\
""")


def test_one_class():
    assert refused(lambda: classifier().fit(X, np.zeros(8))) == snapshot("""\
ValueError: There is only one class, 0.0, but BiLSTMClassifier needs samples
of at least two (those of sample weight zero do not count). Give it samples
of another class too; StratifiedKFold keeps every class in every fold.\
""")


def test_one_class_by_weight():
    assert refused(lambda: classifier().fit(X, y, sample_weight=y)) == snapshot("""\
ValueError: There is only one class, 1, but BiLSTMClassifier needs samples
of at least two (those of sample weight zero do not count). Give it samples
of another class too; StratifiedKFold keeps every class in every fold.\
""")
