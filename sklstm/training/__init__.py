"""Training with TensorFlow, Keras and scikeras: imported by `fit`, nowhere else."""

from sklstm.training import runtime as runtime  # first: it imports TensorFlow
