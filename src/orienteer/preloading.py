"""Imported first by the server that processes are forked from: Python's collector rests while all else is imported.

Nothing of it is garbage, and to look through it again and again takes a sixth of the time.
"""

import gc

gc.disable()
