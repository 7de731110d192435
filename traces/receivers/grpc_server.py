"""The gRPC receivers: requests stay bytes until the whole group is decoded."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple, NoReturn

import grpc
import grpc.aio
from google.rpc.status_pb2 import Status

from traces.receivers import status
from traces.receivers.admission import Unavailable
from traces.receivers.encodings import Encoding
from traces.receivers.group_commit import GroupCommit
from traces.receivers.otlp import ContentType
from traces.receivers.responses import encode_response
from traces.receivers.verdict import BadRequest, Verdict
from traces.store.base import StoreError

log = logging.getLogger(__name__)

_DETAILS: Final = "grpc-status-details-bin"
_MAX_METADATA_BYTES = 64 * 1024
_MAX_STREAMS = 1_000
_STORE_AWAY = "the spans cannot be stored now; send again later"
_CRASHED = "the request could not be processed; send again later"
_CODES: Final = {
    status.INVALID_ARGUMENT: grpc.StatusCode.INVALID_ARGUMENT,
    status.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
}


class Method(NamedTuple):
    """A unary method that takes spans in one encoding."""

    service: str
    name: str
    encoding: Encoding
    answer: Callable[[Verdict], bytes]


class Question(NamedTuple):
    """A unary method that takes no spans."""

    service: str
    name: str
    answer: Callable[[bytes], bytes]  # raises BadRequest


def _otlp_answer(verdict: Verdict) -> bytes:
    return encode_response(verdict, ContentType.PROTOBUF)


OTLP_EXPORT: Final = Method(
    "opentelemetry.proto.collector.trace.v1.TraceService",
    "Export",
    Encoding.OTLP_PROTOBUF,
    _otlp_answer,
)


class GrpcListener:
    """Serves a method on an address, and questions beside it; see `server.Listener`."""

    def __init__(
        self, ingest: GroupCommit, address: str, method: Method, *questions: Question
    ) -> None:
        self._ingest = ingest
        self._method = method
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", ingest.limits.body_bytes),
                ("grpc.max_metadata_size", _MAX_METADATA_BYTES),
                ("grpc.max_concurrent_streams", _MAX_STREAMS),
                # Or a second server on the port would quietly take half the calls.
                ("grpc.so_reuseport", 0),
            ]
        )
        self._serve(method.service, method.name, self.take)
        for question in questions:
            self._serve(question.service, question.name, _answering(question))
        self.port: int = self._server.add_insecure_port(address)

    def _serve(self, service: str, name: str, call: Any) -> None:
        handler = grpc.unary_unary_rpc_method_handler(
            call, request_deserializer=None, response_serializer=None
        )
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {name: handler}),)
        )

    async def start(self) -> None:
        await self._server.start()

    async def ended(self) -> None:
        await self._server.wait_for_termination()

    def close_intake(self) -> None:
        """Every call is answered, so there is nothing to take in quickly."""

    async def stop(self, grace_seconds: float) -> None:
        await self._server.stop(grace_seconds)

    async def take(self, body: bytes, context: Any) -> bytes:
        try:
            with self._ingest.inflight.hold() as hold:
                hold.add(len(body))
                verdict = await self._ingest.submit(body, self._method.encoding)
            if verdict.error:
                raise verdict.error
            return self._method.answer(verdict)
        except BadRequest as error:
            await _abort(context, status.INVALID_ARGUMENT, str(error))
        except Unavailable as error:
            await _abort(context, status.UNAVAILABLE, str(error))
        except StoreError as error:
            log.warning("Spans could not be stored: %s", error)
            await _abort(context, status.UNAVAILABLE, _STORE_AWAY)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("The gRPC receiver failed")
            await _abort(context, status.UNAVAILABLE, _CRASHED)


def _answering(question: Question) -> Callable[[bytes, Any], Awaitable[bytes]]:
    async def answer(body: bytes, context: Any) -> bytes:
        try:
            return question.answer(body)
        except BadRequest as error:
            await _abort(context, status.INVALID_ARGUMENT, str(error))
        except Exception:
            log.exception("A question over gRPC could not be answered")
            await _abort(context, status.UNAVAILABLE, _CRASHED)

    return answer


async def _abort(context: Any, code: int, message: str) -> NoReturn:
    built: Status = status.status(code, message)
    details = ((_DETAILS, built.SerializeToString()),)
    await context.abort(_CODES[code], built.message, details)
    raise AssertionError("abort raises")
