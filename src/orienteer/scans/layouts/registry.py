"""The layouts there are. Adding one is a file beside these and a line in ``SHIPPED``.

In a package of its own it is an entry point ``orienteer.layouts`` instead: see docs/how-to/add-a-format.md.
"""

from typing import TYPE_CHECKING

from orienteer.errors import OrienteerError
from orienteer.registry import Registry

if TYPE_CHECKING:
    from orienteer.scans.layouts.layout import Layout

AUTO = "auto"
"""Whatever a folder says of itself."""

PLAIN = "plain"
"""What takes the files that no other layout recognises."""

SHIPPED = {
    PLAIN: "orienteer.scans.layouts.plain:PlainLayout",
    "nnunet": "orienteer.scans.layouts.nnunet:NnunetLayout",
    "decathlon": "orienteer.scans.layouts.decathlon:DecathlonLayout",
    "bids": "orienteer.scans.layouts.bids:BidsLayout",
}
"""A folder is shown to them in this order, then to those of installed packages."""

LAYOUTS: "Registry[Layout]" = Registry(
    base="orienteer.scans.layouts.layout:Layout", group="orienteer.layouts", shipped=SHIPPED
)


def layout_names() -> tuple[str, ...]:
    """What ``--layout`` may be."""
    return (AUTO, *LAYOUTS)


def layouts_to_try(name: str) -> "list[Layout]":
    """The layout of that name, or all of them for ``auto``.

    Raises:
        OrienteerError: there is no such layout.
    """
    if name not in layout_names():
        raise OrienteerError(f"no layout {name!r}", cure=f"one of {', '.join(layout_names())}")
    return [kind() for kind in (LAYOUTS.values() if name == AUTO else [LAYOUTS[name]])]
