"""One command: where the run and its store are found, what is printed, when torch is imported."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orienteer.cli import app, commands
from orienteer.errors import OrienteerError, RunError, StoreError
from orienteer.observatory import serve
from orienteer.observatory.find import find_run, find_store
from orienteer.observatory.pages import Pages
from orienteer.observatory.predict import Kept
from orienteer.observatory.refusal import Refusal
from orienteer.runs.run import Run
from orienteer.testing.phantom import phantom_store

assert commands is not None


def test_find__the_demo_folder_is_enough(home: Path) -> None:
    run = find_run(home)
    assert run.path == home / "run"
    assert find_store(run, None).path == home / "store"


def test_find__takes_the_store_the_run_learned_from_and_no_other(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "run", tmp_path / "runs" / "first")
    phantom_store(tmp_path / "another", people=4)
    run = Run.open(tmp_path / "runs" / "first")
    with pytest.raises(RunError, match="not beside it") as refused:
        find_store(run, None)
    assert "--store" in refused.value.cure
    shutil.copytree(home / "store", tmp_path / "data" / "oasis")
    shutil.copytree(home / "store", tmp_path / "mine")
    assert find_store(run, None).path == tmp_path / "mine"
    assert find_store(run, home / "store").path == home / "store"


def test_find__two_arms_of_a_benchmark_are_told_apart(home: Path, tmp_path: Path) -> None:
    for arm in ("ours", "scratch"):
        shutil.copytree(home / "run", tmp_path / "cells" / "pretrain" / arm / "seed_0")
    shutil.copytree(home / "store", tmp_path / "store")
    arms = tmp_path / "cells" / "pretrain"
    sessions = serve.open_sessions(arms / "ours" / "seed_0", beside=arms / "scratch" / "seed_0")
    assert [session.facts().name for session in sessions.values()] == ["ours, seed 0", "scratch, seed 0"]
    assert sessions["a"].store.path == tmp_path / "store"


def test_find__refuses_what_does_not_fit(home: Path, tmp_path: Path) -> None:
    coarse = phantom_store(tmp_path, people=4, spacing=4.0)
    with pytest.raises(RunError, match="learned at 3 mm"):
        find_store(Run.open(home / "run"), coarse)
    shutil.copytree(home / "run", tmp_path / "two")
    record = tmp_path / "two" / "run.json"
    record.write_text(record.read_text().replace('"channels": 1', '"channels": 2'))
    with pytest.raises(RunError, match="reads 2 channels"):
        find_store(Run.open(tmp_path / "two"), home / "store")
    with pytest.raises(RunError, match="is a store, not a run"):
        find_run(home / "store")
    with pytest.raises(RunError, match="nothing is there"):
        find_run(tmp_path / "nowhere")
    with pytest.raises(StoreError):
        find_store(Run.open(home / "run"), tmp_path)


def test_pages__are_known_by_name_and_nothing_else_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "static"
    (folder / "fonts").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "index.html").write_text("<p>hello</p>")
    (folder / "fonts" / "a.woff2").write_bytes(b"font")
    (folder / "notes.py").write_text("code")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    pages = Pages(folder)
    assert pages.answer("").body == pages.answer("index.html").body == b"<p>hello</p>"
    assert pages.answer("fonts/a.woff2").media_type == "font/woff2"
    for name in ("notes.py", "../secret.txt", "fonts", "fonts/../index.html", "/index.html", "link.txt"):
        with pytest.raises(Refusal):
            pages.answer(name)
    with pytest.raises(OrienteerError, match="make web"):
        Pages(tmp_path / "empty")


@pytest.mark.parametrize(
    ("host", "warned"), [("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True), ("10.1.2.3", True)]
)
def test_serve__warns_when_others_can_reach_it(
    home: Path, capsys: pytest.CaptureFixture[str], host: str, warned: bool
) -> None:
    serve._say(serve.open_sessions(home), host, "http://link")
    printed = capsys.readouterr()
    assert printed.out == "http://link\n"
    assert ("other machines can reach" in printed.err) is warned


def test_serve__says_when_it_shows_another_store(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve._say(serve.open_sessions(home, phantom_store(tmp_path, people=4)), "127.0.0.1", "http://link")
    assert "not the store it learned from" in capsys.readouterr().err


def test_serve__a_taken_port_is_one_sentence(home: Path) -> None:
    taken = serve._listen("127.0.0.1", 0)
    try:
        ran = CliRunner().invoke(app, ["observe", str(home), "--no-browser", "--port", str(taken.getsockname()[1])])
    finally:
        taken.close()
    assert isinstance(ran.exception, OrienteerError) and "cannot listen" in ran.exception.message


@pytest.mark.parametrize("host", ["192.0.2.1", "fe80::zz"])
def test_serve__an_address_of_another_machine_is_no_matter_of_the_port(host: str) -> None:
    with pytest.raises(OrienteerError, match=f"cannot listen on {host}") as caught:
        serve._listen(host, 0)
    assert "check --host" in caught.value.cure and "--port" not in caught.value.cure


def test_serve__opens_the_browser_at_its_link_only_when_asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    ran: list[str] = []
    monkeypatch.setattr(serve.webbrowser, "open", opened.append)
    monkeypatch.setattr(serve.uvicorn.Server, "run", lambda self, sockets: ran.append(sockets[0].getsockname()[0]))
    monkeypatch.setattr(serve, "create_app", lambda *_, **__: None)
    serve.observe(home, browser=False)
    assert opened == [] and ran == ["127.0.0.1"]
    serve.observe(home)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}", opened[0])


def test_kept__forgets_what_was_asked_longest_ago() -> None:
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name

    kept: Kept[str, str] = Kept(3, len)
    for name in ("a", "bb", "a", "bb", "c", "a"):
        kept.get(name, lambda name=name: make(name))
    assert made == ["a", "bb", "c", "a"]
    heavy: Kept[str, str] = Kept(1, len)
    for name in ("long", "longer", "long", "longer"):
        assert heavy.get(name, lambda name=name: make(name)) == name
    assert made[4:] == ["long", "longer"]


NO_TORCH = """
import sys, time
begun = time.process_time()
from orienteer.observatory.serve import open_sessions
from orienteer.observatory.app import create_app
from orienteer.observatory.training import history
sessions = open_sessions(sys.argv[1])
create_app(sessions, token="t")
for session in sessions.values():
    session.facts(), session.scans(), history(session), session.draw(session.store.ids()[0], 3, 0)
from orienteer.observatory.judge import judgement
judgement(sessions["a"])
heavy = ("torch", "monai", "lightning_fabric", "matplotlib", "plotly", "orienteer.networks.backbone")
print("IMPORTED", [name for name in heavy if name in sys.modules])
"""


def test_start__needs_no_torch_until_a_prediction_is_asked_for(home: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", NO_TORCH, str(home)], capture_output=True, text=True, check=True, timeout=120
    )
    assert "IMPORTED []" in ran.stdout


def test_start__the_command_serves_until_it_is_stopped(home: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "orienteer", "observe", str(home), "--no-browser", "--threads", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as ran:
        assert ran.stdout is not None and ran.stderr is not None
        link = ran.stdout.readline().strip()
        try:
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}", link), ran.stderr.read()
            address, token = link.split("/?token=")
            asked = urllib.request.Request(f"{address}/api/session", headers={"Authorization": f"Bearer {token}"})
            deadline = time.monotonic() + 30
            while True:
                try:
                    with urllib.request.urlopen(asked, timeout=10) as answer:
                        assert answer.status == 200
                    break
                except urllib.error.URLError:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
        finally:
            ran.send_signal(signal.SIGINT)
        said = ran.stderr.read()
        assert ran.wait(timeout=30) == 0
    assert token not in said and "Traceback" not in said and "to go on" not in said
