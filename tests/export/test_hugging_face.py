"""A folder for the Hugging Face hub: opened by its mixin alone, with facts that the hub reads."""

import json
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard

from orienteer.export.contract import Contract
from orienteer.export.doors.hugging_face import HuggingFace, licence_of
from orienteer.export.exported import TOLERANCE, Exported, apart
from orienteer.networks.encoders import NETWORKS, build_encoder, recipe
from orienteer.networks.settings import NetworkSettings
from orienteer.runs.run import Run


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_hugging_face__every_network_opens_by_the_mixin(name: str, run: Path, tmp_path: Path) -> None:
    settings = NetworkSettings(name=name, size="tiny")
    contract = Contract.of(Run.open(run), "CC0").model_copy(update={"network": settings.model_dump(mode="json")})
    exported = Exported.of(contract, build_encoder(settings, 1, 16).eval(), recipe(settings, 1, 16))
    HuggingFace().write(exported, tmp_path)
    assert "orienteer" not in (tmp_path / "modeling.py").read_text().split('"""', 2)[2].lower()
    made = runpy.run_path(str(tmp_path / "modeling.py"))["Encoder"]
    opened = made.from_pretrained(tmp_path, strict=True)
    with torch.no_grad():
        maps = opened(torch.from_numpy(exported.test.view.copy())[None])
    maps = [maps] if isinstance(maps, torch.Tensor) else maps
    assert apart(exported.test.maps, tuple(each[0].numpy() for each in maps)) <= TOLERANCE
    opened.save_pretrained(tmp_path / "again")
    assert (
        json.loads((tmp_path / "again" / "config.json").read_text()).items()
        >= json.loads((tmp_path / "config.json").read_text()).items()
    )


def test_hugging_face__the_card_says_it_all(folder_to: Callable[[str], Path]) -> None:
    folder = folder_to("huggingface")
    card = ModelCard.load(folder / "README.md")
    assert card.data.to_dict() == {
        "license": "cc0-1.0",
        "library_name": "pytorch",
        "pipeline_tag": "image-feature-extraction",
        "tags": ["medical", "3d", "self-supervised", "model_hub_mixin", "pytorch_model_hub_mixin"],
    }
    said = json.loads((folder / "contract.json").read_text())
    assert said["learned"]["sentence"] in card.text and "hf upload" in card.text and "CC0" in card.text


def test_hugging_face__a_licence_that_the_hub_does_not_know(run: Path, tmp_path: Path) -> None:
    contract = Contract.of(Run.open(run), 'For: "us"\n--- only')
    opened = Run.open(run)
    exported = Exported.of(contract, opened.backbone().encoder, recipe(opened.settings.network, 1, 16))
    HuggingFace().write(exported, tmp_path)
    card = ModelCard(HuggingFace().front_matter(contract) + "# Title")
    assert (card.data.license, card.data.license_name) == ("other", "for-us-only")
    assert contract.licence in (tmp_path / str(card.data.license_link)).read_text()


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("CC BY 4.0", "cc-by-4.0"),
        ("CC BY-NC 3.0", "cc-by-nc-3.0"),
        ("cc-by-sa-4.0", "cc-by-sa-4.0"),
        ("CC BY 4.0 International", "cc-by-4.0"),
        ("CC0", "cc0-1.0"),
        ("CC0 1.0 Universal", "cc0-1.0"),
        ("Apache-2.0", "apache-2.0"),
        ("Apache License 2.0", "apache-2.0"),
        ("MIT License", "mit"),
        ("CC BY-NC 5.0", "other"),
        ("CC BY 4.0 and my own terms", "other"),
        ("自由", "other"),
    ],
)
def test_licence_of__is_the_hubs_or_other(text: str, known: str) -> None:
    facts = licence_of(text)
    assert facts["license"] == known
    assert (known == "other") == bool(facts.get("license_name")) == ("license_link" in facts)
