"""How folders are laid out: which files make one scan, who is on it, where its labels are. One file a layout."""
