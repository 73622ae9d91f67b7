"""How a network is built: its class and its arguments, so that it can be built elsewhere as well."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn


@dataclass(frozen=True)
class Recipe:
    """A class and its arguments.

    Attributes:
        network: makes the module.
        arguments: by name; numbers, texts, lists and tables of such.
    """

    network: Callable[..., nn.Module]
    arguments: Mapping[str, Any]

    def build(self) -> nn.Module:
        """A new network, its weights drawn anew."""
        return self.network(**self.arguments)
