"""OTLP over HTTP: `POST /v1/traces`, answered in the encoding of the request."""

from typing import Final

from traces.receivers import status
from traces.receivers.encodings import Encoding
from traces.receivers.http import CLOSE, Answer, Headers, Refusal, Route, media_type
from traces.receivers.otlp import ENCODINGS, ContentType
from traces.receivers.responses import encode_response
from traces.receivers.verdict import Verdict


class OtlpRoute:
    def encoding(self, headers: Headers) -> Encoding:
        if media_type(headers) not in set(ContentType):
            message = f"Content-Type must be {' or '.join(ContentType)}"
            raise Refusal(415, status.INVALID_ARGUMENT, message, CLOSE)
        return ENCODINGS[_content_type(headers)]

    def accepted(self, verdict: Verdict, headers: Headers) -> Answer:
        content_type = _content_type(headers)
        return Answer(200, encode_response(verdict, content_type), content_type)

    def refused(self, refusal: Refusal, headers: Headers) -> Answer:
        content_type = _content_type(headers)
        body = status.encode_status(refusal.rpc, refusal.message, content_type)
        return Answer(refusal.http, body, content_type)


def _content_type(headers: Headers) -> ContentType:
    """The request's own type, or JSON when it has none that we speak."""
    given = media_type(headers)
    return ContentType(given) if given in set(ContentType) else ContentType.JSON


OTLP_ROUTES: Final[dict[str, Route]] = {"/v1/traces": OtlpRoute()}
