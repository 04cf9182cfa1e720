"""One label, or several, per sequence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import type_of_target

from sklstm.estimators.base import BaseBiLSTM
from sklstm.targets import Target
from sklstm.validation import StrOptions, _fit_context, check_target, column_or_1d

_MULTILABEL = "multilabel-indicator"


class BiLSTMClassifier(ClassifierMixin, BaseBiLSTM):
    """Bidirectional LSTM classifier: one label, or several, per sequence.

    Two LSTMs [1]_ read each sequence, one from the front and one from the back [2]_.
    Their last states are merged and go through a dense layer: one sigmoid for two
    classes, a softmax for more, a sigmoid for each label of a multilabel target.

    Training uses TensorFlow, prediction NumPy alone.

    Parameters
    ----------
    units : int or tuple of int, default=32
        Width of the LSTM, in each direction. A tuple stacks layers, from input to
        output.
    direction : {"bidirectional", "forward", "backward"}, default="bidirectional"
        In which direction the sequences are read.
    merge_mode : {"concat", "sum", "mul", "ave"}, default="concat"
        How the states of the two directions are merged: side by side, or their sum,
        product or average. Without effect on one direction.
    dropout : float, default=0.0
        Fraction of the inputs of every LSTM layer that is set to zero in training, the
        same features at all timesteps of a sequence.
    recurrent_dropout : float, default=0.0
        Fraction of the recurrent state that is set to zero in training. The fused
        kernel cannot do it: training runs on Keras' own layers, several times slower.
    optimizer : str or keras.optimizers.Optimizer, default="adam"
        One that treats every parameter by itself: "adadelta", "adagrad", "adam",
        "adamax", "adamw", "ftrl", "lion", "nadam", "rmsprop" or "sgd".
    learning_rate : float, default=None
        None is 0.005 for "adam", "adamw", "adamax" and "nadam", otherwise the
        optimizer's own rate.
    clipnorm : float, default=None
        Largest allowed norm of the gradient of all parameters together.
    loss : str, default=None
        None is "binary_crossentropy" for two classes and for several labels,
        "categorical_crossentropy" for more classes. "binary_focal_crossentropy" and
        "categorical_focal_crossentropy" give hard samples more weight.
    epochs : int, default=100
        How often training goes through the data, at most.
    batch_size : int, default=32
        Samples per step of the optimizer.
    shuffle : bool, default=True
        Whether the samples are put in a new random order in every epoch.
    early_stopping : bool, default=False
        Whether to set `validation_fraction` of the samples aside, stop once the loss on
        them has not fallen for `patience` epochs, and keep the best parameters.
    validation_fraction : float, default=0.1
        Share of the samples set aside if `early_stopping`; classes in proportion.
    patience : int, default=10
        Epochs to wait for a better validation loss.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, ``{label: weight}``; "balanced" makes them inversely
        proportional to class frequencies.
    callbacks : keras.callbacks.Callback or list of them, default=None
        Copied before use. Batch-level hooks are called once per chunk of some 32 MB.
    warm_start : bool, default=False
        Whether `fit` goes on from the parameters of the previous call.
    keep_optimizer_state : bool, default=False
        Whether a copy or saved file keeps what training needs to go on exactly: the
        optimizer's moments and the random generator. With "adam" it is three times as
        large. Otherwise the optimizer starts afresh after loading.
    verbose : {0, 1, 2}, default=0
        0 prints nothing, 1 a progress bar, 2 a line per epoch.
    random_state : int, RandomState instance or None, default=None
        Determines initial parameters, order of samples, dropout and validation split.
        An int gives the same parameters in every call, process and thread.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; the label numbers for a multilabel target.
    n_features_in_ : int
        Features per timestep in `fit`, or columns if X was a matrix.
    n_timesteps_in_ : int
        Timesteps in `fit`; `predict` takes any number of them.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, if X was a data frame.
    n_outputs_ : int
        Width of the output layer.
    history_ : dict of str to list of float
        "loss" and "accuracy" of every epoch, with early stopping also "val_loss" and
        "val_accuracy".
    n_epochs_ : int
        Number of epochs run.
    weights_ : dict of str to ndarray
        Parameters by name.

    See Also
    --------
    BiLSTMRegressor : One or more numbers per sequence.
    SequenceReshaper : Turns columns into timesteps.

    References
    ----------
    .. [1] Hochreiter & Schmidhuber (1997), Long short-term memory.
       :doi:`10.1162/neco.1997.9.8.1735`
    .. [2] Schuster & Paliwal (1997), Bidirectional recurrent neural networks.
       :doi:`10.1109/78.650093`; Graves & Schmidhuber (2005), Framewise phoneme
       classification with bidirectional LSTM. :doi:`10.1016/j.neunet.2005.06.042`

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import BiLSTMClassifier
    >>> X = np.random.default_rng(0).normal(size=(60, 10, 2))
    >>> y = np.where(X[:, :, 0].sum(axis=1) > 0, "up", "down")
    >>> classifier = BiLSTMClassifier(units=8, epochs=40, random_state=0).fit(X, y)
    >>> classifier.predict_proba(X).shape
    (60, 2)
    """

    _losses: ClassVar[dict[str, tuple[str, ...]]] = {
        "sigmoid": ("binary_crossentropy", "binary_focal_crossentropy"),
        "softmax": ("categorical_crossentropy", "categorical_focal_crossentropy"),
    }

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseBiLSTM._parameter_constraints,
        "loss": [
            StrOptions({name for names in _losses.values() for name in names}),
            None,
        ],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        units: int | tuple[int, ...] = 32,
        *,
        direction: str = "bidirectional",
        merge_mode: str = "concat",
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        optimizer: Any = "adam",
        learning_rate: float | None = None,
        clipnorm: float | None = None,
        loss: str | None = None,
        epochs: int = 100,
        batch_size: int = 32,
        shuffle: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        class_weight: Any = None,
        callbacks: Any = None,
        warm_start: bool = False,
        keep_optimizer_state: bool = False,
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        self.units = units
        self.direction = direction
        self.merge_mode = merge_mode
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.clipnorm = clipnorm
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.class_weight = class_weight
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.keep_optimizer_state = keep_optimizer_state
        self.verbose = verbose
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> BiLSTMClassifier:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps, n_features), (n_samples, \
n_columns), or list of sequences
            A matrix is `n_columns` timesteps of one feature. Sequences in a list may
            differ in length. A timestep whose features are all NaN is padding.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels of any type, or an indicator matrix of zeros and ones.
        sample_weight : array-like of shape (n_samples,), default=None
            Samples of weight zero are left out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter, X or y is not as described, if fewer than two classes are
            left, or if training diverges.
        """
        resume = self.warm_start and self._can_resume()
        self._fit(X, y, sample_weight, epochs=self.epochs, resume=resume)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> BiLSTMClassifier:
        """Train for one epoch on these samples, going on from the previous call.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come; required in the first call unless y is an
            indicator matrix.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As in `fit`, and if `early_stopping` is set or `classes` is missing.
        """
        self._refuse_early_stopping()
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not supported by partial_fit, which cannot "
                "see how frequent the classes are. Give a dict of weights instead."
            )
        self._fit(
            X,
            y,
            sample_weight,
            epochs=1,
            resume=self._can_resume(),
            classes=classes,
            in_parts=True,
        )
        return self

    def _check_target(self, y: Any) -> NDArray[Any]:
        y = check_target(self, y)
        try:
            with np.errstate(invalid="ignore"):  # numbers beyond all integers
                kind = type_of_target(y)
        except TypeError:  # labels that cannot be sorted
            kind = "unknown"
        if kind.startswith("continuous"):
            fractions = y[y % 1 != 0]
            example = (fractions if fractions.size else y).flat[0]
            raise ValueError(
                f"Unknown label type: {kind}. y holds numbers that are no labels, such "
                f"as {example}. To predict numbers use "
                f"{type(self).__name__.replace('Classifier', 'Regressor')}; to "
                "predict classes make y integers or text."
            )
        if kind == "unknown":
            types = sorted({type(label).__name__ for label in y.ravel()})
            raise ValueError(
                f"Unknown label type: {kind}. y holds values of type "
                f"{', '.join(types)}. Make all labels integers or all text, for "
                "example with y.astype(str)."
            )
        return y

    def _encode_target(
        self,
        y: NDArray[Any],
        weights: NDArray[np.float64] | None,
        *,
        reset: bool,
        classes: Any = None,
        in_parts: bool = False,
    ) -> Target:
        if reset:
            self._learn_classes(y, classes, in_parts)
        elif classes is not None and not np.array_equal(
            _unique_labels(classes), self.classes_
        ):
            raise ValueError(
                f"classes={classes!r} is not the same as in the first call of "
                f"partial_fit: {self.classes_}. Give the same classes, or none."
            )
        weights = self._with_class_weight(y, weights)
        if self._multilabel:
            if y.ndim != 2 or y.shape[1] != len(self.classes_):
                raise ValueError(
                    f"y has shape {y.shape}, but {type(self).__name__} was fitted on "
                    f"{len(self.classes_)} labels: give an indicator matrix of shape "
                    f"(n_samples, {len(self.classes_)})."
                )
            return Target(y.astype(np.float32), "sigmoid", y.shape[1], weights)
        labels = self._label_numbers(y)
        values = labels[:, None].astype(np.float32)
        if len(self.classes_) == 2:
            return Target(values, "sigmoid", 1, weights, labels)
        return Target(values, "softmax", len(self.classes_), weights, labels)

    def _learn_classes(self, y: NDArray[Any], classes: Any, in_parts: bool) -> None:
        kind = type_of_target(y)
        if kind == "multiclass-multioutput":
            raise ValueError(
                f"y has {y.shape[1]} columns of more than two classes each. Give one "
                "column of labels, an indicator matrix of zeros and ones for several "
                "labels, or fit one classifier per column with "
                "sklearn.multioutput.MultiOutputClassifier."
            )
        self._multilabel = kind == _MULTILABEL
        if self._multilabel:
            self.classes_ = np.arange(y.shape[1])
            return
        if in_parts and classes is None:
            raise ValueError(
                "The first call of partial_fit needs classes: all labels that will "
                "ever come, for example classes=np.unique(y_all)."
            )
        self.classes_ = np.unique(y) if classes is None else _unique_labels(classes)
        if len(self.classes_) < 2:
            raise ValueError(
                f"There is only one class, {self.classes_.tolist()[0]!r}, but "
                f"{type(self).__name__} needs samples of at least two (those of sample "
                "weight zero do not count). Give it samples of another class too; "
                "StratifiedKFold keeps every class in every fold."
            )

    def _label_numbers(self, y: NDArray[Any]) -> NDArray[np.intp]:
        """The place of every label in `classes_`."""
        if y.ndim != 1:
            raise ValueError(
                f"y has shape {y.shape}, but {type(self).__name__} was fitted on one "
                f"label per sequence, one of {self.classes_[:10]}."
            )
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(
                f"y holds labels that are not among the known classes: {unknown[:10]}. "
                f"{type(self).__name__} knows {self.classes_[:10]}; name all classes "
                "in the first call of partial_fit, or fit again without warm_start."
            )
        numbers: NDArray[np.intp] = np.searchsorted(self.classes_, y)
        return numbers

    def _with_class_weight(
        self, y: NDArray[Any], weights: NDArray[np.float64] | None
    ) -> NDArray[np.float64] | None:
        if self.class_weight is None:
            return weights
        if isinstance(self.class_weight, dict) and not self._multilabel:
            unknown = sorted(map(repr, set(self.class_weight) - set(self.classes_)))
            if unknown:
                raise ValueError(
                    f"class_weight names {', '.join(unknown)}, which is not among the "
                    f"classes of y: {self.classes_[:10]}."
                )
        try:
            by_class = compute_sample_weight(self.class_weight, y).astype(np.float64)
            if not (by_class >= 0).all():
                raise ValueError("a weight is negative or no number")
        except (TypeError, ValueError, LookupError) as error:
            raise ValueError(
                f"class_weight={self.class_weight!r} does not go with y ({error}). "
                'Give "balanced" or a dict from label to a weight that is not '
                "negative, or for a multilabel y a list of such dicts, one per label."
            ) from error
        return by_class if weights is None else by_class * weights

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class, or the labels more probable than not.

        Parameters
        ----------
        X : as in `fit`, with any number of timesteps

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
        """
        return self._labels(self._predict_outputs(X))

    def _labels(self, outputs: NDArray[np.float64]) -> NDArray[Any]:
        if self._multilabel:
            labels: NDArray[Any] = (outputs > 0.5).astype(np.int64)
        elif outputs.shape[1] == 1:
            labels = self.classes_[(outputs[:, 0] > 0.5).astype(np.intp)]
        else:
            labels = self.classes_[outputs.argmax(axis=1)]
        return labels

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities of the classes.

        Parameters
        ----------
        X : as in `fit`, with any number of timesteps

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`; rows sum to one unless the target is multilabel.
        """
        return self._probabilities(self._predict_outputs(X))

    def _probabilities(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        if not self._multilabel and outputs.shape[1] == 1:
            return np.column_stack([1 - outputs, outputs])
        return outputs

    def _contradictions(self) -> Iterator[str]:
        yield from super()._contradictions()
        if not isinstance(self._multilabel, bool):
            yield f"_multilabel={self._multilabel!r} is neither True nor False"
        classes, network = self.classes_, self._architecture
        is_array = isinstance(classes, np.ndarray) and classes.ndim == 1
        if not (is_array and np.array_equal(classes, np.unique(classes))):
            yield f"classes_={classes!r} is no sorted array of different labels"
        n_classes = len(classes)
        if self._multilabel:
            needed = (n_classes, "sigmoid")
        else:
            needed = (1, "sigmoid") if n_classes == 2 else (n_classes, "softmax")
        if (network.n_outputs, network.activation) != needed:
            yield f"{n_classes} classes do not go with {network}"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _unique_labels(classes: Any) -> NDArray[Any]:
    """The sorted labels of partial_fit's argument."""
    try:
        return np.unique(column_or_1d(classes))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"classes={classes!r} is no list of labels ({error}). Give a 1D array of "
            "all labels, all integers or all text."
        ) from error
