"""Networks, built on MONAI: encoders by name, one decoder above any of them.

Import ``orienteer.networks.settings`` for the settings alone: it needs neither torch nor MONAI.
"""
