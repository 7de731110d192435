"""google.rpc.Status, the body of every refusal, in protobuf and JSON."""

from typing import Any, Final

import orjson
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest as BadRequestDetail
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from traces.receivers.otlp import ContentType

# google.rpc.Code
INVALID_ARGUMENT: Final = 3
NOT_FOUND: Final = 5
RESOURCE_EXHAUSTED: Final = 8
UNIMPLEMENTED: Final = 12
UNAVAILABLE: Final = 14

RETRY_AFTER_SECONDS: Final = 2
_LONGEST_MESSAGE = 2_000
_TYPE_URL = "type.googleapis.com/"


def shorten(message: str) -> str:
    """Short enough for any client's limit on responses and headers."""
    if len(message) <= _LONGEST_MESSAGE:
        return message
    return message[:_LONGEST_MESSAGE] + "…"


def status(code: int, message: str) -> Any:
    """A Status with the detail that OTLP wants for its code."""
    message = shorten(message)
    built = Status(code=code, message=message)
    if code == INVALID_ARGUMENT:
        violation = BadRequestDetail.FieldViolation(description=message)
        built.details.append(_packed(BadRequestDetail(field_violations=[violation])))
    if code == UNAVAILABLE:
        delay = Duration(seconds=RETRY_AFTER_SECONDS)
        built.details.append(_packed(RetryInfo(retry_delay=delay)))
    return built


def _packed(detail: Any) -> Any:
    packed = AnyMessage()
    packed.Pack(detail)
    return packed


def encode_status(code: int, message: str, content_type: ContentType) -> bytes:
    if content_type is ContentType.PROTOBUF:
        encoded: bytes = status(code, message).SerializeToString()
        return encoded
    return orjson.dumps(_json_status(code, shorten(message)))


def _json_status(code: int, message: str) -> dict[str, Any]:
    details: list[dict[str, Any]] = []
    if code == INVALID_ARGUMENT:
        kind = f"{_TYPE_URL}google.rpc.BadRequest"
        details = [{"@type": kind, "fieldViolations": [{"description": message}]}]
    if code == UNAVAILABLE:
        kind = f"{_TYPE_URL}google.rpc.RetryInfo"
        details = [{"@type": kind, "retryDelay": f"{RETRY_AFTER_SECONDS}s"}]
    body = {"code": code, "message": message}
    return body | ({"details": details} if details else {})
