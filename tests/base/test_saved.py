"""Models saved by every version so far are loaded, and answer what they answered."""

import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import InconsistentVersionWarning

import sklstm

SAVED = Path(__file__).parent / "saved"
VERSIONS = sorted(data.parent.name for data in SAVED.glob("*/data.npz"))
# NumPy 1 does not read the arrays that NumPy 2 pickled; joblib writes its own way.
READABLE = (".joblib", ".pickle") if np.__version__ >= "2" else (".joblib",)
FILES = sorted(
    path.relative_to(SAVED).as_posix()
    for path in SAVED.glob("*/*")
    if path.suffix in READABLE
)

# Loads the models of all versions where nothing of TensorFlow can be imported. Their
# scikit-learn was another, too: what matters is what they predict.
LOAD = """
import sys
import warnings

for name in ("tensorflow", "keras", "scikeras"):
    sys.modules[name] = None

import joblib
import numpy as np
from sklearn.exceptions import InconsistentVersionWarning

sys.path.insert(0, sys.argv[1])
from make import outputs_of

warnings.simplefilter("error")
warnings.simplefilter("ignore", InconsistentVersionWarning)
answers = {}
for file in sys.argv[3:]:
    version, _, name = file.partition("/")
    data = np.load(f"{sys.argv[1]}/{version}/data.npz")
    given = str(data[name.partition(".")[0] + "_given"])
    answers[file] = outputs_of(joblib.load(f"{sys.argv[1]}/{file}"), data[given])
np.savez(sys.argv[2], **answers)
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What the loaded models answer in a process without TensorFlow."""
    path = tmp_path_factory.mktemp("answers") / "answers.npz"
    command = [sys.executable, "-c", LOAD, str(SAVED), str(path), *FILES]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return np.load(path)


@pytest.mark.parametrize("file", FILES)
def test_loads_and_predicts_the_same(file, answers):
    """Apart from the last digits, which are those of another processor or NumPy."""
    folder, name = file.split("/")
    expected = np.load(SAVED / folder / "data.npz")[f"{Path(name).stem}_outputs"]
    outputs = answers[file]
    assert outputs.shape == expected.shape
    assert_allclose(outputs, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("version", VERSIONS)
def test_training_goes_on(version):
    """A model saved with its optimizer trains as it would have, had it not been."""
    data = np.load(SAVED / version / "data.npz")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        model = joblib.load(SAVED / version / "trained_on.joblib")
    model.partial_fit(data["X"], data["text"])
    assert_allclose(
        model.predict_proba(data["X"]), data["trained_on_further_outputs"], atol=1e-4
    )


def test_every_version_has_its_models():
    """A release leaves its models here: `python tests/base/saved/make.py`."""
    assert sklstm.__version__ in VERSIONS


def test_every_model_of_this_version_is_there():
    """None was forgotten when the set was committed."""
    sys.path.insert(0, str(SAVED))
    try:
        from make import MODELS
    finally:
        sys.path.remove(str(SAVED))
    files = (SAVED / sklstm.__version__).iterdir()
    assert {file.stem for file in files} == {*MODELS, "data"}
