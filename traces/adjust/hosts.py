"""Which host each span of a trace ran on, from its resource."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from traces import semconv
from traces.trace import Trace
from traces.tree import IntArray
from traces.variant import AttributeValue, Variant, decode

HOST_KEYS = (semconv.HOST_ID, semconv.HOST_IP, semconv.HOST_NAME)


@dataclass(frozen=True, slots=True)
class Hosts:
    """`of` numbers each row's host in `names`. Without a host attribute the service
    stands for its host."""

    of: IntArray
    names: tuple[str, ...]


def read_hosts(trace: Trace, limit: int) -> Hosts | None:
    """None when the trace has more than `limit` resources."""
    codes, resources = _resources(trace, limit)
    if len(resources) > limit:
        return None
    hosts = [_host(resource) for resource in resources]
    service = trace.columns.service.tolist()
    numbers: dict[tuple[str, str], int] = {}
    names: list[str] = []
    # Once per (resource, service), of which there are few, not once per span.
    pairs = codes * (max(service, default=0) + 1) + trace.columns.service
    distinct, first, inverse = np.unique(pairs, return_index=True, return_inverse=True)
    of_pair = np.empty(len(distinct), np.int64)
    for at, row in enumerate(first.tolist()):
        service_name = trace.columns.services[service[row]]
        host = hosts[int(codes[row])]
        key = ("host", host) if host else ("service", service_name)
        if key not in numbers:
            numbers[key] = len(names)
            names.append(service_name if not host else f"{service_name} ({host})")
        of_pair[at] = numbers[key]
    return Hosts(of_pair[inverse], tuple(names))


def _resources(
    trace: Trace, limit: int
) -> tuple[IntArray, list[Mapping[str, AttributeValue]]]:
    """The distinct resources, decoded, and which one each row has."""
    column = trace.spans["resource_attributes"].combine_chunks()
    keys, values = (
        pc.struct_field(column, field).dictionary_encode()
        for field in ("metadata", "value")
    )
    pairs = _codes(keys) * (len(values.dictionary) + 1) + _codes(values)
    distinct, first, codes = np.unique(pairs, return_index=True, return_inverse=True)
    if len(distinct) > limit:
        return codes, [{}] * len(distinct)
    return codes, [_decoded(keys, values, row) for row in first.tolist()]


def _codes(encoded: pa.DictionaryArray) -> IntArray:
    found: IntArray = pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64) + 1
    return found


def _decoded(
    keys: pa.DictionaryArray, values: pa.DictionaryArray, row: int
) -> Mapping[str, AttributeValue]:
    metadata, value = keys[row].as_py(), values[row].as_py()
    if metadata is None or value is None:
        return {}
    decoded = decode(Variant(metadata, value))
    return decoded if isinstance(decoded, Mapping) else {}


def _host(resource: Mapping[str, AttributeValue]) -> str:
    """host.ip is a list by the conventions, text in older senders."""
    for key in HOST_KEYS:
        value = resource.get(key)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, str) and value:
            return value
    return ""
