"""The page of networks says what the code has."""

import importlib.util
from pathlib import Path

from orienteer.networks.backbone import Backbone
from orienteer.networks.encoders import NETWORKS
from orienteer.networks.settings import NetworkSettings

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "make_networks.py"


def test_reference__networks_page_is_not_stale() -> None:
    spec = importlib.util.spec_from_file_location("make_networks", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = module.PAGE.read_text(encoding="utf-8")
    assert page == module.page(), "run: python docs/make_networks.py"
    for name in NETWORKS:
        assert page.count(f"| `{name}` |") == 5  # four sizes, one description


def test_reference__default_network_has_the_parameters_the_page_says() -> None:
    page = (SCRIPT.parent / "reference" / "networks.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith("| `resunet` | `small` |"))
    counts = [
        sum(p.numel() for p in Backbone(NetworkSettings(), in_channels=1, view=24, dense=dense).parameters())
        for dense in (False, True)
    ]
    assert [f"{count / 1e6:.2f} M" for count in counts] == [cell.strip() for cell in row.split("|")[3:5]]
