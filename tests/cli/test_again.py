"""The command that goes on with what was stopped is one that the program takes."""

import sys

import pytest

from orienteer.cli import _again


@pytest.mark.parametrize(
    ("given", "again"),
    [
        ("pretrain store run", "pretrain store run --resume"),
        ("pretrain store run --resume", "pretrain store run --resume"),
        ("pretrain store run --budget 1h --set seed=1", "pretrain store run --set seed=1 --resume"),
        ("pretrain --budget=1h store run", "pretrain store run --resume"),
    ],
)
def test_again__a_stopped_run_goes_on(given: str, again: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["orienteer", *given.split()])
    assert _again(resume=True) == f"orienteer {again}"
    assert _again() == f"orienteer {given}"
