"""A client that sends exactly what it is told to: also what no browser would send."""

import http.client
import json
from dataclasses import dataclass, field
from typing import Any


def said(look: dict[str, Any], task: str) -> dict[str, Any]:
    """What one task says in the answer to a look."""
    return next(each for each in look["tasks"] if each["task"]["name"] == task)


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Why it was refused."""
        return str(self.json["error"]["code"])


@dataclass
class Client:
    """Speaks HTTP/1.1 with the server at 127.0.0.1."""

    port: int
    token: str
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str | None] | None = None) -> Answer:
        """One request; ``body`` is sent as JSON, bytes as they are; a header of None is left out."""
        sent: dict[str, str | None] = {"Authorization": f"Bearer {self.token}", **self.headers}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            sent["Content-Type"] = "application/json"
        sent |= headers or {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(method, path, skip_host="Host" in sent)
            if body is not None and "Transfer-Encoding" not in sent and "Content-Length" not in sent:
                connection.putheader("Content-Length", str(len(body)))
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders()
            if body is not None:
                connection.send(body)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str | None) -> Answer:
        """GET; keyword ``if_none_match`` is the header If-None-Match."""
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, body: Any, **headers: str | None) -> Answer:
        """POST JSON."""
        return self.ask("POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()})
