"""Generated problems: shapes, seeds, and labels against loops."""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklstm import datasets, make_windows
from sklstm.datasets import (
    make_counting,
    make_cumulative_sum,
    make_echo,
    make_panel,
    make_rare_events,
    make_sine_to_cosine,
    make_unequal_lengths,
)

GENERATORS = [getattr(datasets, name) for name in datasets.__all__]
DRAWN = [make for make in GENERATORS if make is not make_counting]
PER_TIMESTEP = [make_cumulative_sum, make_echo, make_rare_events, make_sine_to_cosine]


def same(first, second):
    """Whether two answers of a generator are equal, bit for bit."""
    return all(
        np.array_equal(a, b)
        for one, other in zip(first, second, strict=True)
        for a, b in zip(one, other, strict=True)
    )


# -- what all have in common ----------------------------------------------------------


@pytest.mark.parametrize("make", DRAWN)
def test_an_int_repeats_and_another_int_does_not(make):
    """And what others draw from NumPy's global state neither changes nor matters."""
    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = make(random_state=0)
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    np.random.seed(4)  # noqa: NPY002
    assert same(first, make(random_state=0))
    assert not same(first, make(random_state=1))


@pytest.mark.parametrize("make", DRAWN)
def test_a_generator_goes_on(make):
    """A RandomState gives new data in every call, as training on new data needs."""
    rng = np.random.RandomState(0)
    first = make(3, random_state=rng)
    assert same(first, make(3, random_state=0))
    assert not same(first, make(3, random_state=rng))


@pytest.mark.parametrize("make", PER_TIMESTEP)
@pytest.mark.parametrize(("n_samples", "n_timesteps"), [(1, 4), (7, 5)])
def test_a_target_at_every_timestep(make, n_samples, n_timesteps):
    """X has three axes, y the first two of them."""
    X, y = make(n_samples, n_timesteps=n_timesteps, random_state=0)
    assert X.shape == (n_samples, n_timesteps, 1)
    assert X.dtype == np.float64
    assert y.shape == (n_samples, n_timesteps)
    is_label = make in (make_cumulative_sum, make_rare_events)
    assert y.dtype == (np.intp if is_label else np.float64)


@pytest.mark.parametrize("make", GENERATORS)
def test_only_the_first_argument_is_positional(make):
    """As in the rest of the package."""
    kinds = [p.kind for p in inspect.signature(make).parameters.values()]
    assert kinds[0] == inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert set(kinds[1:]) <= {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("make", GENERATORS)
def test_wrong_parameters_are_named(make):
    """With their range and what came; every parameter of every generator is checked."""
    for name in inspect.signature(make).parameters:
        message = f"The '{name}' parameter of {make.__name__} must be .* Got 'many'"
        with pytest.raises(ValueError, match=message):
            make(**{name: "many"})
        if name not in ("random_state", "shift"):
            with pytest.raises(ValueError, match=f"'{name}' parameter .* Got -1"):
                make(**{name: -1})


# -- each by itself -------------------------------------------------------------------


def test_counting():
    """From each of 0.0, 0.1, ... 0.9 the next, in the three axes of sequences."""
    X, y = make_counting()
    assert X.shape == (9, 1, 1)
    assert_allclose(X.ravel(), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    assert_allclose(y, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    X, y = make_counting(21)
    assert_allclose(X[-1], [[1.9]])
    assert_allclose(y[-1], 2.0)


def test_counting_needs_a_pair():
    """One number has no next."""
    with pytest.raises(ValueError, match=r"\[2, inf\). Got 1 instead"):
        make_counting(1)


@pytest.mark.parametrize("n_timesteps", [1, 10, 13])
def test_cumulative_sum(n_timesteps):
    """The label of each step, by a loop."""
    X, y = make_cumulative_sum(20, n_timesteps=n_timesteps, random_state=0)
    assert ((X >= 0) & (X < 1)).all()
    for sequence, labels in zip(X, y, strict=True):
        total = 0.0
        for (value,), label in zip(sequence, labels, strict=True):
            total += value
            assert label == (total > n_timesteps / 4)


def test_sine_to_cosine():
    """y leads X by a quarter of a turn; the angle grows evenly, 1 to 3 turns in all."""
    X, y = make_sine_to_cosine(50, n_timesteps=80, random_state=0)
    angles = np.unwrap(np.arctan2(X[:, :, 0], y))
    assert_allclose(np.hypot(X[:, :, 0], y), 1)
    steps = np.diff(angles)
    assert_allclose(steps, np.broadcast_to(steps[:, :1], steps.shape))
    n_periods = steps[:, 0] * 80 / (2 * np.pi)
    assert 1 <= n_periods.min() < 1.2 < 2.8 < n_periods.max() <= 3
    assert len(np.unique(angles[:, 0].round(6))) == 50


@pytest.mark.parametrize("lag", [1, 4])
def test_echo(lag):
    """Each value comes back `lag` steps later; before the first one, 0."""
    X, y = make_echo(6, n_timesteps=5, lag=lag, random_state=0)
    for sequence, echoes in zip(X, y, strict=True):
        for step in range(5):
            assert echoes[step] == (sequence[step - lag, 0] if step >= lag else 0)


def test_echo_after_the_end():
    """A lag as long as the sequence leaves no echo."""
    with pytest.raises(ValueError, match=r"lag=5 leaves nothing .* a lag below 5"):
        make_echo(n_timesteps=5, lag=5)


def test_unequal_lengths():
    """All lengths occur, and the label is that of the majority, ties being 0."""
    X, y = make_unequal_lengths(
        400, min_timesteps=2, max_timesteps=6, random_state=np.random.RandomState(0)
    )
    assert isinstance(X, list)
    assert {len(sequence) for sequence in X} == {2, 3, 4, 5, 6}
    assert y.dtype == np.intp
    ties = 0
    for sequence, label in zip(X, y, strict=True):
        assert sequence.shape == (len(sequence), 1)
        ones = np.count_nonzero(sequence == 1)
        zeros = np.count_nonzero(sequence == 0)
        assert ones + zeros == len(sequence)
        assert label == (ones > zeros)
        ties += ones == zeros
    assert ties > 0
    assert 0.3 < y.mean() < 0.6


def test_lengths_can_be_equal():
    """One length is a range, too; a range that ends before it begins is refused."""
    X, _ = make_unequal_lengths(5, min_timesteps=3, max_timesteps=3)
    assert [len(sequence) for sequence in X] == [3] * 5
    with pytest.raises(ValueError, match="min_timesteps=4 is above max_timesteps=3"):
        make_unequal_lengths(min_timesteps=4, max_timesteps=3)


@pytest.mark.parametrize(("share", "duration"), [(0.02, 3), (0.3, 1), (0.1, 8)])
def test_rare_events(share, duration):
    """Their share and length at any place, and the values inside and outside."""
    X, y = make_rare_events(
        4000,
        n_timesteps=20,
        share=share,
        duration=duration,
        shift=5.0,
        random_state=0,
    )
    assert set(np.unique(y)) == {0, 1}
    assert_allclose(y.mean(axis=0), share, atol=5 * np.sqrt(share / 4000))
    assert_allclose(X[y == 1].mean(), 5, atol=0.1)
    assert_allclose(X[y == 0].mean(), 0, atol=0.1)
    assert_allclose([X[y == 1].std(), X[y == 0].std()], 1, atol=0.1)
    inside = y[:, : 20 - duration + 1]
    for sample, before in np.argwhere(np.diff(inside, axis=1) == 1):
        assert y[sample, before + 1 : before + 1 + duration].all()


def test_events_can_be_of_one_timestep():
    """Then a sequence of one timestep can have one, too."""
    X, y = make_rare_events(50, n_timesteps=1, duration=1, share=0.5, random_state=0)
    assert X.shape == (50, 1, 1)
    assert 0 < y.sum() < 50


def test_panel():
    """Value = level + cycle + driver `lead` rows ago: nothing else without noise."""
    table, groups = make_panel(3, n_rows=60, lead=4, noise=0, random_state=0)
    assert table.shape == (180, 2)
    assert_array_equal(groups, [0] * 60 + [1] * 60 + [2] * 60)
    levels = []
    for series in range(3):
        values, driver = table[groups == series].T
        rest = values[4:] - driver[:-4]
        turns = 2 * np.pi * np.arange(4, 60) / 12
        waves = np.column_stack([np.ones(56), np.sin(turns), np.cos(turns)])
        (level, *wave), error, *_ = np.linalg.lstsq(waves, rest, rcond=None)
        assert_allclose(error, 0, atol=1e-20)
        assert_allclose(np.hypot(*wave), 1)
        levels.append(level)
    assert np.ptp(levels) > 0.5


def test_panel_noise():
    """It is added to the values, with the standard deviation that is asked for."""
    quiet, _ = make_panel(n_rows=500, noise=0, random_state=0)
    noisy, _ = make_panel(n_rows=500, noise=0.3, random_state=0)
    assert_array_equal(quiet[:, 1], noisy[:, 1])
    assert_allclose((noisy - quiet)[:, 0].std(), 0.3, rtol=0.05)


def test_the_driver_of_a_panel_is_worth_knowing():
    """A linear forecast with it leaves the noise; without it, much more."""
    table, groups = make_panel(random_state=0)
    left = {}
    for columns in ([0], [0, 1]):
        X, y = make_windows(table[:, columns], 13, horizon=3, target=0, groups=groups)
        steps = np.asarray(X).reshape(len(X), -1)
        design = np.column_stack([steps, np.ones(len(X))])
        _, residuals, *_ = np.linalg.lstsq(design, y, rcond=None)
        left[len(columns)] = np.sqrt(residuals / len(y))
    assert (left[2] < 0.2).all()
    assert (left[1] > 2 * left[2]).all()
