"""Self-supervised pretraining for 3D medical images in which every training signal can be seen.

``orienteer.api`` has one function for each command of the command line.
"""

__version__ = "0.1.0"
