"""A recipe for tests that train networks by themselves."""

from dataclasses import replace

from sklstm.training.recipe import Recipe

PLAIN = Recipe(
    loss="binary_crossentropy",
    optimizer=None,  # the network has one
    learning_rate=None,
    schedule="constant",
    gives_way=False,
    clipnorm=None,
    dropout=0.0,
    recurrent_dropout=0.0,
    epochs=1,
    batch_size=8,
    shuffle=False,
    patience=None,
    verbose=0,
)


def recipe(**changes):
    """One epoch in order, in batches of eight, unless said otherwise."""
    return replace(PLAIN, **changes)
