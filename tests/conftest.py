"""TensorFlow is imported here once, the way a first fit imports it."""

import sklstm.training.runtime  # noqa: F401
