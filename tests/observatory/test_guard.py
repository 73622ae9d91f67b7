"""Who is let in, and what is refused with which code."""

import json
import socket

import pytest

from orienteer.observatory.guard import BODY_LIMIT, Guard, _name_of
from tests.observatory.client import Client

REFUSED_NAMES = (
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.example:80",
    "a@localhost",
    "",
)


@pytest.fixture
def look(scan: str, centres: list[list[float]]) -> dict:
    """An honest question."""
    return {"scan": scan, "centres_mm": centres}


@pytest.mark.parametrize("path", ["/", "/api/session", "/app.js", "/api/scan/x.nii", "/api/history/a", "/nothing"])
def test_token__nothing_is_answered_without_it(client: Client, path: str) -> None:
    for wrong in (None, "Bearer ", "Bearer wrong", "Bearer " + client.token + "x", "Basic " + client.token):
        answer = client.get(path, Authorization=wrong)
        assert answer.status == 401, (wrong, answer)
        assert path == "/" or answer.code == "no-token"
        assert client.token.encode() not in answer.body


def test_token__of_the_link_becomes_a_cookie_no_script_can_read(client: Client) -> None:
    answer = client.get(f"/?token={client.token}", Authorization=None)
    assert answer.status == 303 and answer.headers["location"] == "/"
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Strict"}
    assert client.get("/api/session", Authorization=None, Cookie=cookie).status == 200
    assert client.get("/", Authorization=None, Cookie=cookie).status == 200


def test_token__a_wrong_link_sets_no_cookie(client: Client) -> None:
    for link in ("/?token=wrong", "/?token=", "/?other=1", f"/api/session?token={client.token}"):
        answer = client.get(link, Authorization=None)
        assert answer.status == 401 and "set-cookie" not in answer.headers


@pytest.mark.parametrize("host", REFUSED_NAMES)
def test_host__another_name_for_this_machine_is_refused(client: Client, host: str) -> None:
    # What a page of evil.example would send after its name was made to mean 127.0.0.1.
    answer = client.get("/api/session", Host=host)
    assert answer.status in (400, 403)
    if answer.status == 403:
        assert answer.code == "wrong-host"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9000", "[::1]:80", "LOCALHOST:1"])
def test_host__loopback_names_are_fine_at_any_port(client: Client, host: str) -> None:
    # A tunnel (ssh -L) shows the page at another port than the server's.
    assert client.get("/api/session", Host=host).status == 200


@pytest.mark.parametrize(
    ("listens", "name", "fine"),
    [
        ("127.0.0.1", "10.0.0.5", False),
        ("10.0.0.5", "10.0.0.5", True),
        ("10.0.0.5", "10.0.0.6", False),
        ("0.0.0.0", "10.0.0.5", True),
        ("0.0.0.0", "evil.example", False),
        ("0.0.0.0", socket.gethostname().lower(), True),
        ("node7.hospital", "node7.hospital", True),
    ],
)
def test_host__depends_on_where_the_server_listens(listens: str, name: str, fine: bool) -> None:
    guard = Guard(lambda *_: None, token="t", host=listens, cookie="c")  # type: ignore[arg-type, return-value]
    assert guard._is_own(name) is fine


def test_host__that_is_not_one_name_is_none() -> None:
    assert [_name_of(host) for host in ("a:b", "a/b", "u@a", "", "[::1", "a:1:2", "a?b")] == [None] * 7


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", "https://127.0.0.1"])
def test_origin__no_other_site_may_ask(client: Client, look: dict, origin: str) -> None:
    for answer in (client.post("/api/look", look, Origin=origin), client.get("/api/session", Origin=origin)):
        assert answer.status == 403 and answer.code == "wrong-origin"
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_origin__a_header_of_a_proxy_does_not_widen_it(client: Client, look: dict) -> None:
    host = f"127.0.0.1:{client.port}"
    asked = {"Origin": f"https://{host}", "X-Forwarded-Proto": "https", "X-Forwarded-For": "10.0.0.1"}
    assert client.ask("POST", "/api/look", look, headers=asked).code == "wrong-origin"


def test_origin__its_own_page_may_ask(client: Client, look: dict) -> None:
    assert client.post("/api/look", look, Origin=f"http://127.0.0.1:{client.port}").status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_origin__what_a_browser_says_of_another_site_counts(client: Client, site: str) -> None:
    assert client.ask("GET", "/api/session", headers={"Sec-Fetch-Site": site}).code == "wrong-origin"
    # Following the printed link from a mail or a chat page is how people come here.
    assert client.ask("GET", f"/?token={client.token}", headers={"Sec-Fetch-Site": site}).status == 303


def test_origin__no_preflight_is_granted(client: Client) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = client.ask("OPTIONS", "/api/look", headers=asked)
    assert answer.status == 403 and "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/api/session", "/api/nothing", "/?token=wrong"])
def test_headers__are_on_every_answer(client: Client, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"] and "http" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in headers


PATHS = (
    "/../../etc/passwd",
    "/..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/app.py",
    "/static/../guard.py",
    "/guard.py",
    "//etc/passwd",
    "/api/scan/../../manifest.json",
    "/api/scan/..%2f..%2fmanifest.nii",
    "/api/scan/%2fetc%2fpasswd.nii",
    "/api/scan/person_000%00.nii",
    "/api/history/..%2f..",
    "/api/history/c",
    "/api/judge/a?evaluation=../../run",
    "/api/judge/a?evaluation=%2fetc",
)


@pytest.mark.parametrize("path", PATHS)
def test_paths__lead_nowhere(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status == 404, answer
    assert answer.code in {"not-found", "no-scan", "no-run", "no-evaluation"}
    assert b"root:" not in answer.body and b"import" not in answer.body


def test_paths__of_scans_are_ids_of_the_store(client: Client, look: dict) -> None:
    for scan in ("../store", "/etc/passwd", "person_000/../person_001", "nobody", "a" * 200):
        for path, body in (
            ("/api/look", {**look, "scan": scan}),
            ("/api/draw", {"scan": scan, "count": 3, "seed": 0}),
            ("/api/prepare", {"scan": scan}),
            ("/api/where", {"scan": scan, "point_mm": [1.0, 2.0, 3.0], "target": look["scan"]}),
            ("/api/where", {"scan": look["scan"], "point_mm": [1.0, 2.0, 3.0], "target": scan}),
        ):
            answer = client.post(path, body)
            assert answer.status == 404 and answer.code == "no-scan", (path, scan, answer)


def test_size__a_large_body_is_refused_before_it_is_read(client: Client) -> None:
    answer = client.ask("POST", "/api/look", b"x" * 10, headers={"Content-Length": str(BODY_LIMIT + 1)})
    assert answer.status == 413 and answer.code == "too-large"


def test_size__a_body_that_hides_its_length_is_cut_off(client: Client) -> None:
    piece = b"1000\r\n" + b" " * 0x1000 + b"\r\n"
    body = piece * (BODY_LIMIT // 0x1000 + 1) + b"0\r\n\r\n"
    answer = client.ask("POST", "/api/look", body, headers={"Transfer-Encoding": "chunked"})
    assert answer.status == 413 and answer.code == "too-large"


@pytest.mark.parametrize("body", [b"", b"{", b"[[[" * 20_000, b"\xff\xfe", b'{"scan": NaN', b"null", b"[]", b'"x"'])
def test_malformed__is_refused_with_a_code(client: Client, body: bytes) -> None:
    for path in ("/api/look", "/api/draw", "/api/prepare", "/api/where"):
        answer = client.ask("POST", path, body)
        assert answer.status in (400, 422) and answer.code in ("malformed", "invalid"), answer
        assert set(answer.json["error"]) == {"code", "message", "cure"}


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_malformed__a_form_of_another_site_is_not_json(client: Client, look: dict, kind: str | None) -> None:
    answer = client.ask("POST", "/api/look", look, headers={"Content-Type": kind})
    assert answer.status == 415 and answer.code == "not-json"


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"step": -1},
        {"step": "600"},
        {"step": 1.5},
        {"run": "c"},
        {"run": "../run"},
        {"probe": "all"},
        {"probe": "border", "probe_view": 16},
        {"probe": "border", "probe_view": -1},
        {"probe_view": True},
        {"scan": 7},
        {"scan": ""},
        {"scan": "x" * 201},
        {"centres_mm": []},
        {"centres_mm": [[1, 2, 3]]},
        {"centres_mm": [[1, 2, 3]] * 17},
        {"centres_mm": [[1, 2], [1, 2, 3]]},
        {"centres_mm": [[1, 2, "3"], [1, 2, 3]]},
        {"centres_mm": [[1, 2, 1e9], [1, 2, 3]]},
        {"centres_mm": [[1, 2, float("nan")], [1, 2, 3]]},
        {"centres_mm": [[1, 2, float("inf")], [1, 2, 3]]},
        {"centres_mm": None},
        {"centres_mm": [[1, 2, None], [1, 2, 3]]},
    ],
    ids=lambda change: json.dumps(change)[:40],
)
def test_malformed__values_that_cannot_be_are_refused(client: Client, look: dict, change: dict) -> None:
    answer = client.post("/api/look", {**look, **change})
    assert answer.status == 422 and answer.code == "invalid", answer
    assert answer.json["error"]["message"]


def test_malformed__a_view_that_is_not_there_cannot_be_probed(client: Client, look: dict) -> None:
    answer = client.post("/api/look", {**look, "probe": "border", "probe_view": 5})
    assert answer.status == 422 and answer.code == "invalid"


def test_malformed__a_step_that_is_not_kept_is_named(client: Client, look: dict) -> None:
    answer = client.post("/api/look", {**look, "step": 5})
    assert answer.status == 404 and answer.code == "no-checkpoint"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST", "TRACE"])
def test_malformed__other_methods_are_refused(client: Client, method: str) -> None:
    answer = client.ask(method, "/api/session", {} if method in ("PUT", "PATCH", "POST") else None)
    assert answer.status == 405 and answer.code == "wrong-method"


def test_malformed__bytes_that_are_not_http_leave_the_server_standing(client: Client) -> None:
    for noise in (b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9.9\r\n\r\n", b"A" * 100_000, b"GET /" + b"a" * 70_000):
        with socket.create_connection(("127.0.0.1", client.port), timeout=10) as connection:
            connection.sendall(noise)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(64)
        assert answer == b"" or b" 4" in answer[:14]
    assert client.get("/api/session").status == 200
