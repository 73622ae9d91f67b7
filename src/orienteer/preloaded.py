"""Imported last by the server that processes are forked from: what it holds then is shared with them for good.

Python's collector writes to every object it looks at, and a page that is written to is copied: each worker would end
up with its own copy of all modules.
"""

import gc

gc.collect()
gc.freeze()
gc.enable()  # what ``orienteer.preloading`` switched off
