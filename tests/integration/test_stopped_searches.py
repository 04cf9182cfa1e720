"""Searches that were stopped, or lose a worker of loky: the recipes of the guide."""

from numpy.testing import assert_array_equal
from searches import GRID, PIPELINE, X, assert_died, deadly, recipe, searched_here, y
from sklearn.model_selection import ParameterGrid


def assert_scores_of_a_search(scores):
    expected = searched_here("grid", cv=3)
    assert_array_equal(scores, expected.cv_results_["mean_test_score"])


def test_a_stopped_search_goes_on(tmp_path):
    """The recipe of the guide reads what was computed before, and computes the rest."""
    names = {"pipeline": PIPELINE, "grid": GRID, "X": X, "y": y}
    exec(recipe("candidates", {"search-cache": str(tmp_path)}), names)
    names["models"], rest = names["models"][:1], names["models"][1:]
    exec(recipe("resume"), names)
    (output,) = tmp_path.rglob("output.pkl")
    written = output.stat().st_mtime_ns
    names["models"].extend(rest)
    exec(recipe("resume"), names)
    assert output.stat().st_mtime_ns == written
    assert len(list(tmp_path.rglob("output.pkl"))) == len(ParameterGrid(GRID))
    assert_scores_of_a_search(names["scores"])


def test_a_worker_of_loky_dies(tmp_path):
    """The recipe of the guide searches again, with fewer workers."""
    names = {"pipeline": PIPELINE, "grid": GRID, "X": X, "y": y}
    exec(recipe("candidates", {"search-cache": str(tmp_path)}), names)
    names["scored"] = deadly(names["scored"], tmp_path, n_deaths=1, every=3)
    exec(recipe("loky", {"8, 4, 2, 1": "2, 1"}), names)
    assert_died(tmp_path, n_deaths=1)
    assert names["n_jobs"] == 1
    assert_scores_of_a_search([result.mean() for result in names["results"]])
