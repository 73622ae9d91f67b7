"""Networks, built on MONAI: encoders by name, one decoder above any of them."""

from orienteer.networks.backbone import Backbone, Features
from orienteer.networks.encoders import NETWORKS, Encoder, build_encoder
from orienteer.networks.settings import NetworkSettings

__all__ = ["NETWORKS", "Backbone", "Encoder", "Features", "NetworkSettings", "build_encoder"]
