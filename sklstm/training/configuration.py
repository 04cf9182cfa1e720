"""What tells a network that is as it was built from one that a callback changed."""

from __future__ import annotations

import operator
from typing import Any


class Configuration:
    """What the graphs of a network have built in, and a callback can reach.

    The learning rate is no part of it: it is a variable, and every borrower sets it.

    Parameters
    ----------
    network : keras.Model
    """

    def __init__(self, network: Any) -> None:
        # All attributes: get_config() leaves some out, such as what is excluded from
        # weight decay. Caches fill in use.
        settings = {
            name: value
            for name, value in sorted(vars(network.optimizer).items())
            if not name.endswith("_cache")
        }
        self.objects = [
            network.optimizer,
            *settings.values(),
            *network.optimizer.variables,
            *network.trainable_variables,
        ]
        self.configs = [*settings, *(layer.get_config() for layer in network.layers)]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Configuration)
            and self.configs == other.configs
            and len(self.objects) == len(other.objects)
            # By identity: variables overload ==.
            and all(map(operator.is_, self.objects, other.objects))
        )
