"""What one request, span and attribute may hold."""

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Limits:
    """Text beyond a limit is cut, items beyond one are dropped and counted; only
    the limits on bodies and on spans refuse a request."""

    body_bytes: int
    compressed_bytes: int
    spans_per_request: int
    attributes: int
    key_bytes: int
    value_bytes: int
    events: int
    links: int
    nesting: int
    name_bytes: int
    service_name_bytes: int


def limits_from_settings() -> Limits:
    return Limits(
        body_bytes=settings.MAX_BODY_BYTES,
        compressed_bytes=settings.MAX_COMPRESSED_BYTES,
        spans_per_request=settings.MAX_SPANS_PER_REQUEST,
        attributes=settings.MAX_ATTRIBUTES_PER_SPAN,
        key_bytes=settings.MAX_ATTRIBUTE_KEY_BYTES,
        value_bytes=settings.MAX_ATTRIBUTE_VALUE_BYTES,
        events=settings.MAX_EVENTS_PER_SPAN,
        links=settings.MAX_LINKS_PER_SPAN,
        nesting=settings.MAX_NESTING,
        name_bytes=settings.MAX_NAME_BYTES,
        service_name_bytes=settings.MAX_SERVICE_NAME_BYTES,
    )
