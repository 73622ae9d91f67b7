"""Networks, built on MONAI: encoders by name, one decoder above any of them.

Import ``orienteer.networks.settings`` for the settings alone: it needs neither torch nor MONAI.

Examples:
    >>> from orienteer.networks.encoders import build_encoder
    >>> from orienteer.networks.settings import NetworkSettings
    >>> encoder = build_encoder(NetworkSettings(name="resunet", size="tiny"), in_channels=1, view=16)
    >>> encoder.strides
    (1, 2, 4, 8)
"""
