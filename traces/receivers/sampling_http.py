"""`GET /sampling?service=`: the port that Jaeger's clients ask how much to sample."""

import logging
from typing import Any, Final
from urllib.parse import parse_qs

from traces.receivers.body import Receive
from traces.receivers.http import Answer, Scope, Send, send_answer
from traces.receivers.sampling import StrategyFile
from traces.receivers.sampling_answers import as_json

log = logging.getLogger(__name__)

_JSON: Final = "application/json"
# The path of the first agents, who answered with numbers for types.
_OLD_PATH: Final = "/"
_PATHS: Final = ("/sampling", _OLD_PATH)
_MOST_PARAMETERS = 20


class SamplingService:
    """An ASGI application."""

    def __init__(self, strategies: StrategyFile) -> None:
        self._strategies = strategies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = self._answer(scope)
        except Exception:
            log.exception("The sampling service failed")
            answer = _text(500, "the strategy could not be told")
        await send_answer(send, answer, [], with_body=scope["method"] != "HEAD")

    def _answer(self, scope: dict[str, Any]) -> Answer:
        path, method = scope["path"], scope["method"]
        if path == "/healthz":
            return _text(200, "ready")
        if path not in _PATHS:
            return _text(404, "strategies are told at /sampling?service=")
        if method not in ("GET", "HEAD"):
            allow = ((b"allow", b"GET, HEAD"),)
            refused = _text(405, "the method must be one of: GET, HEAD")
            return refused._replace(headers=allow)
        services = _services(scope["query_string"])
        if len(services) != 1:
            return _text(400, "the parameter 'service' must be given exactly once")
        strategy = self._strategies.current().of(services[0])
        body = as_json(strategy, numbered=path == _OLD_PATH)
        return Answer(200, body, _JSON)


def _services(query: bytes) -> list[str]:
    try:
        found = parse_qs(
            query.decode("latin-1"),
            keep_blank_values=True,
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError:
        return []
    return found.get("service", [])


def _text(code: int, text: str) -> Answer:
    return Answer(code, text.encode() + b"\n")
