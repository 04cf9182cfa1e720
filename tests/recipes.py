"""How networks are told to train in tests that train them by themselves."""

PLAIN = {"epochs": 1, "batch_size": 8, "shuffle": False}


def recipe(**changes):
    """One epoch in order, in batches of eight, unless said otherwise."""
    return PLAIN | changes
