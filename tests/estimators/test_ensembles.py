"""Averages of networks that differ by their seed alone, by scikit-learn's ensembles."""

import numpy as np
from numpy.testing import assert_allclose
from sklearn.ensemble import BaggingClassifier, VotingClassifier, VotingRegressor
from sklearn.pipeline import make_pipeline

from sklstm import BiLSTMClassifier, BiLSTMRegressor, SequenceReshaper

rng = np.random.default_rng(0)
TABLE = rng.normal(size=(40, 12))
y = np.arange(40) % 3
TINY = {"units": 3, "epochs": 2}


def test_voting_over_seeds(pool):
    """Ragged sequences, too; every member borrows the same network."""
    X = [row[: 4 + k % 9] for k, row in enumerate(TABLE)]
    members = [
        (f"seed_{k}", BiLSTMClassifier(**TINY, random_state=k)) for k in range(3)
    ]
    voting = VotingClassifier(members, voting="soft").fit(X, y)
    assert [network.traces for network in pool.networks()] == [1]
    proba = [member.predict_proba(X) for member in voting.estimators_]
    assert np.ptp(proba, axis=0).max() > 1e-3
    assert_allclose(voting.predict_proba(X), np.mean(proba, axis=0))


def test_voting_of_regressors():
    """The mean of what the members predict."""
    members = [(f"seed_{k}", BiLSTMRegressor(**TINY, random_state=k)) for k in range(2)]
    voting = VotingRegressor(members).fit(TABLE[:, :, None], TABLE[:, 0])
    X = TABLE[:, :, None]
    numbers = [member.predict(X) for member in voting.estimators_]
    assert_allclose(voting.predict(X), np.mean(numbers, axis=0))


def test_bagging_without_bootstrap():
    """Of a table: the reshaper is inside; every member gets a seed of its own."""
    pipe = make_pipeline(SequenceReshaper(n_timesteps=4), BiLSTMClassifier(**TINY))
    bagging = BaggingClassifier(pipe, 3, bootstrap=False, random_state=0)
    bagging.fit(TABLE, y)
    seeds = {member[-1].random_state for member in bagging.estimators_}
    assert len(seeds) == 3
    proba = [member.predict_proba(TABLE) for member in bagging.estimators_]
    assert np.ptp(proba, axis=0).max() > 1e-3
    assert_allclose(bagging.predict_proba(TABLE), np.mean(proba, axis=0))
