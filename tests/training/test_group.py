"""What the first process decides, the others learn, its errors too; and one that is lost is missed."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orienteer.errors import ConfigError, OrienteerError, RunError
from orienteer.launched import Launched
from orienteer.training import group
from orienteer.training.group import by_first, connected, everywhere, wait_at_most
from tests.forked import server
from tests.training.nodes import of_torchrun


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two processes saw."""
    folder = tmp_path_factory.mktemp("group")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"MASTER_ADDR": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo"}
    processes = [
        server().Process(target=_process, args=(of_torchrun(rank, 2, port=port) | environment, folder, rank))
        for rank in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    return [json.loads((folder / str(rank)).read_text()) for rank in range(2)]


def test_by_first__all_get_what_the_first_returns(told: list[dict[str, Any]]) -> None:
    assert [seen["value"] for seen in told] == [0, 0]


def test_by_first__the_others_wait_longer_than_for_a_step(told: list[dict[str, Any]]) -> None:
    assert [seen["slow"] for seen in told] == ["done", "done"]


def test_by_first__an_error_is_an_error_in_all_and_one_process_says_it(told: list[dict[str, Any]]) -> None:
    assert told[0]["mistake"] == ["ConfigError", "no such task", "choose another"]
    assert told[1]["mistake"] == ["Elsewhere", "no such task", "choose another"]
    assert told[1]["bug"] == ["Elsewhere", "the first process has ended: ZeroDivisionError", ""]


def test_everywhere__names_the_node_of_a_mistake(told: list[dict[str, Any]]) -> None:
    assert told[0]["check"] == ["RunError", f"on {socket.gethostname()}: no store", ""]
    assert told[1]["check"][0] == "Elsewhere"


def test_connected__one_that_ends_meanwhile_is_missed(told: list[dict[str, Any]]) -> None:
    name, message, cure = told[0]["lost"]
    assert (name, cure) == ("RunError", "resume")
    assert message == "another process of this run (127.0.0.1) has ended after step 7"


def test_leave__does_what_is_to_be_done_and_ends_one_of_several_alone() -> None:
    code = (
        "import atexit; from orienteer.training import group; group.leave(5); "
        "atexit.register(print, 'left'); group._met.append(None); print('here', end=' '); group.leave(7)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, "here left\n", "")


def test_by_first__alone_it_just_works() -> None:
    assert by_first(lambda: 3) == 3


def _process(environment: dict[str, str], folder: Path, rank: int) -> None:
    os.environ.update(environment)
    group.BEAT = 0.1

    def fail(error: Exception) -> None:
        raise error

    def outcome(work: Callable[[], Any]) -> Any:
        try:
            return work()
        except OrienteerError as error:
            return [type(error).__name__, error.message, error.cure]
        except ZeroDivisionError:
            return None

    seen = {"value": by_first(lambda: rank)}
    wait_at_most(1)
    seen["slow"] = by_first(lambda: (time.sleep(2), "done")[1])
    mistake = ConfigError("no such task", cure="choose another")
    seen["mistake"] = outcome(lambda: by_first(lambda: fail(mistake)))
    seen["bug"] = outcome(lambda: by_first(lambda: fail(ZeroDivisionError())))
    seen["check"] = outcome(lambda: everywhere(lambda: fail(ConfigError("no store")) if rank else None))
    (folder / str(rank)).write_text(json.dumps(seen))
    if rank:
        os._exit(0)

    def without_the_other() -> None:
        with connected(lambda: " after step 7", "resume"):
            by_first(lambda: time.sleep(1))

    seen["lost"] = outcome(without_the_other)
    (folder / str(rank)).write_text(json.dumps(seen))


FIRST = Launched("torchrun", rank=0, size=2, local_rank=0, local_size=1, nodes=2)


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", "29500")


@pytest.mark.usefixtures("address")
def test_meet__says_after_a_while_who_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(group, "PATIENCE", 0.05)
    monkeypatch.setattr(group, "_met", [])
    monkeypatch.setattr("torch.distributed.init_process_group", lambda **_: time.sleep(0.5))
    group._meet(FIRST)
    assert "waits for the others at 127.0.0.1:29500; 2 are to come" in capsys.readouterr().err
    monkeypatch.setattr("torch.distributed.init_process_group", lambda **_: None)
    group._meet(FIRST)
    time.sleep(0.2)
    assert capsys.readouterr().err == "", "they met before"


@pytest.mark.usefixtures("address")
def test_meet__an_address_that_nobody_knows_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(**_: object) -> None:
        raise AssertionError("torch would try for minutes")

    monkeypatch.setenv("MASTER_ADDR", "nohost.invalid")
    monkeypatch.setattr("torch.distributed.init_process_group", never)
    with pytest.raises(RunError, match=r"cannot meet the others at nohost\.invalid:29500"):
        group._meet(FIRST)
