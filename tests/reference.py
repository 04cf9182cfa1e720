"""Slow and plain: what the fast code is compared with."""

import math

import numpy as np


def sigmoid(z):
    return 1 / (1 + math.e**-z)


def lstm_states(steps, kernel, recurrent_kernel, bias):
    """Hidden state after every step of one sequence, shape (n_timesteps, units)."""
    units = len(recurrent_kernel)
    h, c = np.zeros(units), np.zeros(units)
    states = []
    for x in steps:
        z = x @ kernel + h @ recurrent_kernel + bias
        i, f, candidate, o = (z[k * units : (k + 1) * units] for k in range(4))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.array(states)


MERGE = {
    "concat": lambda a, b: np.concatenate([a, b], axis=-1),
    "sum": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "ave": lambda a, b: (a + b) / 2,
}


def network_logits(steps, weights, architecture):
    """Logits of one sequence of shape (n_timesteps, n_features), in float64.

    A row for every timestep if the architecture asks for it.
    """
    weights = {name: value.astype(np.float64) for name, value in weights.items()}
    steps = np.asarray(steps, np.float64)
    for k in range(1, len(architecture.units) + 1):
        by_direction = {}
        for direction in architecture.directions:
            parts = [
                weights[f"lstm_{k}/{direction}/{part}"]
                for part in ("kernel", "recurrent_kernel", "bias")
            ]
            if direction == "forward":
                by_direction[direction] = lstm_states(steps, *parts)
            else:
                by_direction[direction] = lstm_states(steps[::-1], *parts)[::-1]
        last = {
            direction: states[-1 if direction == "forward" else 0]
            for direction, states in by_direction.items()
        }
        states, last = list(by_direction.values()), list(last.values())
        if len(states) == 2:
            merge = MERGE[architecture.merge_mode]
            states, last = [merge(*states)], [merge(*last)]
        steps, state = states[0], last[0]
    pooled = {"last": state, "mean": steps.mean(axis=0), "max": steps.max(axis=0)}
    side_by_side = [pooled[name] for name in architecture.pooling]
    read_out = steps if architecture.every_step else np.concatenate(side_by_side)
    return read_out @ weights["dense/kernel"] + weights["dense/bias"]
