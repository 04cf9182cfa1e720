"""Export to other formats: `to_onnx`. Imports onnx and skl2onnx when called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

if TYPE_CHECKING:
    import onnx


def to_onnx(
    estimator: BaseEstimator,
    *,
    input_name: str = "X",
    dtype: Any = np.float32,
    target_opset: int = 15,
    states: bool = False,
) -> onnx.ModelProto:
    """Make an ONNX model of a fitted estimator, transformer or pipeline.

    A runtime of ONNX, such as onnxruntime, predicts with it what the estimator
    predicts, without Python. The network is ONNX' own LSTM operator; padding, timesteps
    whose features are all NaN, is found inside the graph.

    Parameters
    ----------
    estimator : estimator instance
        One of sklstm, or a :class:`~sklearn.pipeline.Pipeline` of them and of
        scikit-learn's transformers. Of a search, the best estimator.
    input_name : str, default="X"
        Name of the model's input: letters, digits and underscores.
    dtype : {numpy.float32, numpy.float64}, default=numpy.float32
        Type of the input, of transformers and of probabilities or targets. The network
        itself computes in float32. Values or targets of a level that is large beside
        their deviation need float64, as of 1e7 with a standard deviation of 10.
    target_opset : int, default=15
        Version of ONNX' operators, at least 13. A newer one needs a newer runtime.
    states : bool, default=False
        Whether the model has one more output, "states", with what `transform` of a
        :class:`BiLSTMClassifier` or :class:`BiLSTMRegressor` gives.

    Returns
    -------
    onnx.ModelProto
        Its input has shape (n_samples, n_columns) if X was a table in `fit`, else
        (n_samples, n_timesteps, n_features), with any number of timesteps; features
        come first if that is the layout of a SequencePadder in front. A classifier
        has the outputs "label" and "probabilities", a regressor or transformer
        "variable", in the shapes of `predict`, `predict_proba` and `transform`; a
        regressor with ``loss="quantile"`` also "quantiles", in that of
        `predict_quantiles`.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    ValueError
        If it has a step that cannot be exported, such as
        :class:`~sklstm.SlidingWindows`, labels that are neither text nor numbers of
        int64, or if a parameter is not as described.
    ImportError
        If onnx or skl2onnx is not installed.

    Warns
    -----
    UserWarning
        If float32 loses digits of what the steps were fitted on.

    See Also
    --------
    BiLSTMClassifier.to_keras : A network of standard Keras layers.

    Notes
    -----
    What `predict` refuses with an error, such as infinite values or samples of padding
    alone, a graph computes without complaint: check X before.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import BiLSTMClassifier, to_onnx
    >>> X = np.random.default_rng(0).normal(size=(60, 10, 2))
    >>> y = np.where(X[:, :, 0].sum(axis=1) > 0, "up", "down")
    >>> classifier = BiLSTMClassifier(units=8, epochs=5, random_state=0).fit(X, y)
    >>> model = to_onnx(classifier)
    >>> [output.name for output in model.graph.output]
    ['label', 'probabilities']
    """
    from sklstm.onnx.models import convert

    check_is_fitted(estimator)
    estimator = getattr(estimator, "best_estimator_", estimator)
    if isinstance(estimator, FrozenEstimator):
        estimator = estimator.estimator
    return convert(estimator, input_name, np.dtype(dtype), target_opset, states)
