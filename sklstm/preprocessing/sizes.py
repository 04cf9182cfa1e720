"""How many timesteps of how many features a number of columns makes."""

from __future__ import annotations

# A number of columns can have hundreds of divisors; a message names the nearest.
MOST_DIVISORS_NAMED = 8


def steps_and_features(
    n_columns: int,
    n_timesteps: int | None,
    n_features: int | None,
    *,
    pad: bool,
    beside: str = "",
) -> tuple[int, int]:
    """How many timesteps of how many features a table's columns make.

    Parameters
    ----------
    n_columns : int
        Columns of the table.
    n_timesteps, n_features : int or None
        The sizes asked for; None means that it follows.
    pad : bool
        Whether the sizes may hold more than the columns.
    beside : str, default=""
        Which columns of X these are, for messages, if not all.

    Returns
    -------
    tuple of int
        `n_timesteps` and `n_features`.

    Raises
    ------
    ValueError
        If no such sizes exist; the message names those that do.
    """
    counted = f"{n_columns} column{'s' * (n_columns != 1)}{beside}"
    if n_timesteps is not None and n_features is not None:
        _check_product(n_columns, n_timesteps, n_features, pad, counted)
        return n_timesteps, n_features
    if n_timesteps is not None:
        _check_divides(n_columns, "n_timesteps", n_timesteps, pad, counted)
        return n_timesteps, -(-n_columns // n_timesteps)
    if n_features is not None:
        _check_divides(n_columns, "n_features", n_features, pad, counted)
        return -(-n_columns // n_features), n_features
    return n_columns, 1


def _check_product(
    n_columns: int, n_timesteps: int, n_features: int, pad: bool, counted: str
) -> None:
    n_cells = n_timesteps * n_features
    if n_cells == n_columns or (pad and n_cells > n_columns):
        return
    repair = ", or set pad=True" if n_cells > n_columns else ""
    raise ValueError(
        f"X has {counted}, but n_timesteps={n_timesteps} times "
        f"n_features={n_features} is {n_cells}. Choose two sizes whose product is "
        f"{n_columns}, or give one of them and the other follows{repair}."
    )


def _check_divides(
    n_columns: int, name: str, size: int, pad: bool, counted: str
) -> None:
    if pad or n_columns % size == 0:
        return
    divisors = [k for k in range(1, n_columns + 1) if n_columns % k == 0]
    nearest = sorted(divisors, key=lambda k: abs(k - size))[:MOST_DIVISORS_NAMED]
    named = [str(k) for k in sorted(nearest)]
    options = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} or {named[-1]}"
    among = "" if len(named) == len(divisors) else "for example "
    raise ValueError(
        f"X has {counted}, which {name}={size} does not divide. Choose "
        f"{among}{options}, or set pad=True."
    )
