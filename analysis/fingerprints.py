"""What a span does, without what changes from one time to the next.

A database call is its summary or its statement without literals; an HTTP call its method,
its peer and the route, also that of the server span that answers it, or else its path
without ids; an RPC its service and method; all else the service and the span name without
numbers. Texts are worked on once for each distinct one.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.attributes import DATABASES, URLS, first_of
from analysis.callees import callees
from analysis.forest import Forest
from analysis.grouping import groups
from analysis.histogram import IntArray
from analysis.stable_names import stable_name
from analysis.statements import has_literals, normalised
from traces.spans import SpanKind
from traces.tree import NO_PARENT, BoolArray

_PATH: Final = re.compile(r"^(?:[a-z][a-z0-9+.-]*://[^/?#]*)?([^?#]*)", re.IGNORECASE)
_ID: Final = re.compile(
    r"(?<=/)(?:\d+|[0-9a-f-]{8,}|(?=[^/]*\d)[\w.~%-]{16,})(?=/|$)", re.I
)
_LONGEST_URL: Final = 2_000


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """By row: `of` is the number of its text. `parameters` is a number for what it asked
    for in particular, -1 where that is not known."""

    of: IntArray
    texts: tuple[str, ...]
    parameters: IntArray


def fingerprints(forest: Forest) -> Fingerprints:
    system, statement = _database(forest)
    method, route, peer = _http(forest)
    rpc = _rpc(forest)
    parts = (system, statement, method, route, peer, rpc)
    # Where none of these is known, the service and name; where one is, not those.
    known = np.any([part.codes >= 0 for part in (statement, route, rpc)], axis=0)
    service = np.where(known, -1, forest.service)
    name = _only(_stable_names(forest), ~known)
    alike = groups(*(part.codes for part in parts), service, name.codes)
    texts = tuple(_text(forest, parts, name, row) for row in alike.first.tolist())
    return Fingerprints(alike.number, texts, _parameters(forest))


@dataclass(frozen=True, slots=True)
class _Coded:
    """A text by row as a number, -1 for none."""

    codes: IntArray
    texts: list[str]

    def __getitem__(self, row: int) -> str:
        code = int(self.codes[row])
        return self.texts[code] if code >= 0 else ""


def _coded(column: pa.Array, change: Callable[[str], str] = str) -> _Coded:
    """Of each distinct text what `change` makes of it."""
    if column.null_count == len(column):
        return _Coded(np.full(len(column), -1, np.int64), [])
    encoded = column.dictionary_encode()
    changed = pa.array([change(text) for text in encoded.dictionary.to_pylist()])
    again = changed.dictionary_encode()
    codes = np.append(again.indices.to_numpy(), -1).astype(np.int64)
    place = pc.fill_null(encoded.indices, len(changed)).to_numpy()
    return _Coded(codes[place], again.dictionary.to_pylist())


def _only(coded: _Coded, where: BoolArray) -> _Coded:
    return _Coded(np.where(where, coded.codes, -1), coded.texts)


def _database(forest: Forest) -> tuple[_Coded, _Coded]:
    summary = first_of(forest, "db.query.summary")
    text = first_of(forest, "db.query.text", "db.statement")
    text = pc.if_else(pc.is_valid(summary), None, text)
    shape = pa.array(_texts_of(_coded(text, normalised)), pa.string())
    statement = _coded(pc.coalesce(summary, shape))
    system = _coded(first_of(forest, *DATABASES))
    return _only(system, statement.codes >= 0), statement


def _texts_of(coded: _Coded) -> pa.Array:
    texts = pa.array([*coded.texts, None], pa.string())
    return texts.take(pa.array(coded.codes % len(texts)))


def _stable_names(forest: Forest) -> _Coded:
    changed = pa.array(list(map(stable_name, forest.names)), pa.string())
    again = changed.dictionary_encode()
    codes = again.indices.to_numpy().astype(np.int64)
    return _Coded(codes[forest.name], again.dictionary.to_pylist())


def _http(forest: Forest) -> tuple[_Coded, _Coded, _Coded]:
    method = _coded(first_of(forest, "http.request.method", "http.method"))
    is_http = method.codes >= 0
    route = _routes(forest)
    urls = pc.if_else(pc.is_valid(route), None, first_of(forest, *URLS))
    path = _texts_of(_coded(urls, path_of))
    where = _coded(pc.coalesce(route, path), _from_slash)
    # A method alone tells no call from another: the span name has to.
    is_http &= where.codes >= 0
    called, names = callees(forest)
    calls = is_http & (forest.kind == SpanKind.CLIENT)
    peer = _only(_Coded(called, list(names)), calls)
    return _only(method, is_http), _only(where, is_http), peer


def _routes(forest: Forest) -> pa.Array:
    """A span's own, else that of the server span right below it."""
    own = first_of(forest, "http.route", "url.template")
    if own.null_count == len(own):
        return own
    servers = np.flatnonzero(
        (forest.kind == SpanKind.SERVER)
        & (forest.parent != NO_PARENT)
        & pc.is_valid(own).to_numpy(zero_copy_only=False)
    )
    server_of = np.full(len(forest), -1)
    server_of[forest.parent[servers]] = servers
    answer = pa.array(server_of, mask=server_of < 0)
    return pc.coalesce(own, own.take(answer))


def _from_slash(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def path_of(url: str) -> str:
    """Without what looks like ids."""
    found = _PATH.match(url[:_LONGEST_URL])
    return _ID.sub("{}", found.group(1) if found else "") or "/"


def _rpc(forest: Forest) -> _Coded:
    method = first_of(forest, "rpc.method")
    service = pc.fill_null(first_of(forest, "rpc.service"), "")
    both = pc.binary_join_element_wise(service, method, "/")
    return _coded(pc.utf8_ltrim(both, "/"))


def _text(forest: Forest, parts: tuple[_Coded, ...], name: _Coded, row: int) -> str:
    system, statement, method, route, peer, rpc = (part[row] for part in parts)
    if statement:
        return f"{system}: {statement}" if system else statement
    if method:
        return f"{method} {peer}{route}"
    if rpc:
        return rpc
    return f"{forest.services[int(forest.service[row])]}: {name[row]}"


def _parameters(forest: Forest) -> IntArray:
    """A statement tells only with its literals in it, a URL always."""
    statement = first_of(forest, "db.query.text", "db.statement")
    told = _coded(statement, lambda text: text if has_literals(text) else "")
    unknown = [code for code, text in enumerate(told.texts) if not text]
    statements = np.where(np.isin(told.codes, unknown), -1, told.codes)
    urls = _coded(first_of(forest, *URLS)).codes
    found: IntArray = np.where(
        told.codes >= 0,
        statements,
        np.where(urls >= 0, urls + len(told.texts), -1),
    )
    return found
