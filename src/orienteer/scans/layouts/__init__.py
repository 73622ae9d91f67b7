"""How folders are laid out: which files make one scan, who is on it, where its labels are. One file a layout."""

from orienteer.scans.layouts.arrange import lay_out
from orienteer.scans.layouts.layout import LAYOUTS, LaidOut, Layout, LayoutName

__all__ = ["LAYOUTS", "LaidOut", "Layout", "LayoutName", "lay_out"]
