"""What the machine computes with, read from files of its kernel."""

from pathlib import Path

import pytest

from orienteer import hardware


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("flags\t: fpu sse avx512_bf16 avx2\n", True),
        ("flags\t: fpu amx_bf16\n", True),
        ("flags\t: fpu avx512f\n", False),
    ],
)
def test_bfloat16__is_an_instruction_of_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, has: bool
) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor : 0\n{text}", encoding="utf-8")
    monkeypatch.setattr(hardware, "PROCESSOR", tmp_path / "cpuinfo")
    assert hardware.has_bfloat16() is has


def test_bfloat16__where_nothing_tells_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "PROCESSOR", tmp_path / "nowhere")
    assert not hardware.has_bfloat16()


def test_gpu__is_there_unless_it_is_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "GPUS", tmp_path / "gpus")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert not hardware.has_gpu()
    (tmp_path / "gpus" / "0000:01:00.0").mkdir(parents=True)
    assert hardware.has_gpu()
    for hidden in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert not hardware.has_gpu()
