"""VoCo as users report that it does not learn: plain momentum branch, and a head without normalisation.

https://github.com/MIC-DKFZ/nnssl/issues/22, https://github.com/Luffy03/VoCo/issues/15 and /24: the position loss stays
flat, and nothing says why. Chosen as ``tasks={flat_voco: {class: benchmarks.flat_voco:FlatVocoTask}}``.
"""

from torch import nn

from orienteer.pretext.contract import Interface
from orienteer.pretext.voco import AmongViews, VocoSettings, VocoTask


class FlatVocoSettings(VocoSettings):
    """VoCo with a plain head."""


class FlatVocoTask(VocoTask):
    """Ours but for the normalisation over a scan's crops, which takes out what all crops share."""

    card = VocoTask.card.model_copy(update={"name": "flat_voco", "title": "VoCo, plain head"})
    settings_type = FlatVocoSettings

    def __init__(self, settings: VocoSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
        self.head = nn.Sequential(*(layer for layer in self.head if not isinstance(layer, AmongViews)))
