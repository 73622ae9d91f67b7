"""Self-supervised pretraining for 3D medical images in which every training signal can be seen."""

__version__ = "0.1.0"
