"""Which spans send messages to which receivers, by parent or by span link.

A receiver has one tie a message: a batch of five has five links. Where a receive has a
process span inside, for the same queue, the messages count once: with the inner span,
unless only the outer one tells where they came from.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.ancestry import nearest
from analysis.forest import Forest
from analysis.grouping import groups
from analysis.histogram import IntArray
from analysis.peers import Role
from traces.spans import SpanKind
from traces.tree import NO_PARENT, BoolArray

ABSENT = -1
PASSABLE = (SpanKind.UNSPECIFIED, SpanKind.INTERNAL, SpanKind.CLIENT)


class Links(NamedTuple):
    """Distinct span links: the row that has one, the row it leads to or -1."""

    row: IntArray
    target: IntArray

    def only(self, which: BoolArray) -> "Links":
        return Links(self.row[which], self.target[which])


@dataclass(frozen=True, slots=True)
class Messages:
    """`receiver` and `sender`, rows, are one entry a message; the sender may be -1.

    `guessed` marks senders that are only known as the parent in another service.
    `senders` are the rows that each sent a message, `transports` CLIENT rows inside of
    one, or of a CLIENT that asks for messages: how it came and went. `others` are links that carry no message.
    """

    receiver: IntArray
    sender: IntArray
    guessed: BoolArray
    senders: IntArray
    transports: BoolArray
    others: Links


def messages(forest: Forest, role: IntArray, queue: IntArray) -> Messages:
    """`role` is a `Role` by row, and `queue` a number of the queue by row."""
    around = _around(forest, role)
    links = span_links(forest)
    sends, receives = role == Role.SENDS, role == Role.RECEIVES
    known = links.target >= 0
    carries = receives[links.row] & (sends[links.target] | ~known)
    receiver, sender, guessed = _ties(forest, role, around, links.only(carries))
    tied = _marked(len(forest), receiver)
    counts = receives & ~_counted_elsewhere(receives, tied, around, queue)
    kept = counts[receiver]
    alone = np.flatnonzero(counts & ~tied)
    in_sender = (around != NO_PARENT) & sends[around]
    again = in_sender & sends & (queue == queue[around])
    client = forest.kind == SpanKind.CLIENT
    in_asking = (around != NO_PARENT) & client[around] & (role[around] != Role.NONE)
    # A CLIENT that sends what other spans created links to them; each of those counts.
    forwards = client & _marked(len(forest), links.row)
    return Messages(
        receiver=np.concatenate((receiver[kept], alone)),
        sender=np.concatenate((sender[kept], np.full(len(alone), ABSENT))),
        guessed=np.concatenate((guessed[kept], np.zeros(len(alone), bool))),
        senders=np.flatnonzero(sends & ~again & ~forwards),
        transports=(in_sender | in_asking) & client,
        others=links.only(known & ~carries),
    )


def span_links(forest: Forest) -> Links:
    nothing = np.empty(0, np.int64)
    if "links" not in forest.spans.column_names:
        return Links(nothing, nothing)
    lists = forest.spans["links"].combine_chunks()
    row = pc.list_parent_indices(lists).to_numpy().astype(np.int64)
    if not len(row):
        return Links(nothing, nothing)
    target = pc.list_flatten(lists)
    ids = [
        _joint_codes(forest.spans[name].combine_chunks(), target.field(name))
        for name in ("trace_id", "span_id")
    ]
    both = groups(*(np.concatenate(pair) for pair in ids)).number
    own, wanted = both[: len(forest)], both[len(forest) :]
    once = groups(row, wanted).first
    place = pc.index_in(pa.array(wanted[once]), value_set=pa.array(own))
    found = pc.fill_null(place, ABSENT).to_numpy().astype(np.int64)
    return Links(row[once], found)


def _joint_codes(own: pa.Array, others: pa.Array) -> tuple[IntArray, IntArray]:
    """Equal numbers for equal ids of spans and of links."""
    encoded = pa.concat_arrays((own, others)).dictionary_encode()
    codes = encoded.indices.to_numpy().astype(np.int64)
    return codes[: len(own)], codes[len(own) :]


def _around(forest: Forest, role: IntArray) -> IntArray:
    """The nearest span of the own service that a row is inside of, but for spans that
    pass a message on; -1 where there is none."""
    passable = np.isin(forest.kind, PASSABLE) & (role == Role.NONE)
    around = nearest(forest, passable)
    own = forest.service[around] == forest.service
    return np.where(own, around, NO_PARENT)


def _ties(
    forest: Forest, role: IntArray, around: IntArray, links: Links
) -> tuple[IntArray, IntArray, BoolArray]:
    """Receiver, sender or -1, and whether the sender is a guess."""
    has_link = _marked(len(forest), links.row)
    row = np.flatnonzero((role == Role.RECEIVES) & (forest.parent != NO_PARENT))
    parent = forest.parent[row]
    sender = np.where(role[parent] == Role.SENDS, parent, around[parent])
    passed = np.isin(forest.kind[parent], PASSABLE) & (role[parent] == Role.NONE)
    passed |= role[parent] == Role.SENDS
    sends = passed & (sender != NO_PARENT) & (role[sender] == Role.SENDS)
    elsewhere = forest.service[parent] != forest.service[row]
    guessed = ~sends & elsewhere & ~has_link[row]
    sender = np.where(guessed, parent, sender)
    some = sends | guessed
    receiver = np.concatenate((row[some], links.row))
    sender = np.concatenate((sender[some], links.target))
    guess = np.concatenate((guessed[some], np.zeros(len(links.row), bool)))
    # A parent that is linked too sent one message. Senders that are not there have been
    # told apart as links.
    apart = np.where(sender == ABSENT, len(forest) + np.arange(len(sender)), sender)
    once = groups(receiver, apart).first
    return receiver[once], sender[once], guess[once]


def _counted_elsewhere(
    receives: BoolArray, tied: BoolArray, around: IntArray, queue: IntArray
) -> BoolArray:
    """Receivers whose messages count with a receiver around or inside of them."""
    inside = receives & (around != NO_PARENT) & receives[around]
    inside &= queue == queue[around]
    outer = np.where(inside, around, NO_PARENT)
    has_inner = _marked(len(around), outer[inside])
    has_tied_inner = _marked(len(around), outer[inside & tied])
    goes_inside = has_tied_inner | (has_inner & ~tied)
    goes_outside = inside & ~tied & tied[outer] & ~has_tied_inner[outer]
    found: BoolArray = goes_inside | goes_outside
    return found


def _marked(count: int, rows: IntArray) -> BoolArray:
    marked = np.zeros(count, bool)
    marked[rows] = True
    return marked
