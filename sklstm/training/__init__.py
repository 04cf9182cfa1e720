"""Training with TensorFlow, Keras and scikeras: imported by `fit`, nowhere else."""

try:
    from sklstm.training import runtime as runtime  # first: it imports TensorFlow
except ModuleNotFoundError as error:
    if error.name != "tensorflow":
        raise
    raise ImportError(
        "Training needs TensorFlow, which is not installed here; loading and "
        "predicting do without it. `pip install sklstm` brings it (sklstm-serving does "
        "not), where TensorFlow has wheels: Python 3.11 to 3.13 on Linux with glibc "
        "(x86-64, ARM), macOS (Apple silicon) and Windows (x86-64)."
    ) from error
