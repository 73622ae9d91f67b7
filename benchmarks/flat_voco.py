"""VoCo as users report that it does not learn: half of the momentum branch, and a head without normalisation.

https://github.com/MIC-DKFZ/nnssl/issues/22, https://github.com/Luffy03/VoCo/issues/15 and /24: the position loss stays
flat, and nothing says why. Chosen as ``tasks={flat_voco: {class: benchmarks.flat_voco:FlatVocoTask}}``.
"""

from jaxtyping import Float
from torch import Tensor, nn

from orienteer.pretext.contract import Interface
from orienteer.pretext.voco import AmongViews, VocoSettings, VocoTask, cosine


class FlatVocoSettings(VocoSettings):
    """VoCo with half of its momentum branch and a plain head."""


class FlatVocoTask(VocoTask):
    """The student's random crops against the teacher's base crops alone; the head keeps what all crops share."""

    card = VocoTask.card.model_copy(update={"name": "flat_voco", "title": "VoCo, half of its momentum branch"})
    settings_type = FlatVocoSettings

    def __init__(self, settings: VocoSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
        self.head = nn.Sequential(*(layer for layer in self.head if not isinstance(layer, AmongViews)))

    def _followed(self, student: Float[Tensor, "B K P"], teacher: Float[Tensor, "B K P"]) -> Float[Tensor, "B R Q"]:
        return cosine(student[:, : self.settings.random], teacher[:, self.settings.random :])
