"""`traceparent` and `tracestate` by the rules W1 to W4; hostile input C15."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propagation import W3CPropagator
from propagation.w3c import parse_traceparent, parse_tracestate
from tests.propagation.headers import (
    OTHER_TRACE_ID,
    SPAN_ID,
    TRACE_ID,
    TRACEPARENT,
    context_of,
    extracted,
    ids_of,
    injected,
    span_context,
)

W3C = W3CPropagator()
# 31 digits where 32 belong: one digit of a well-known example was lost in a copy.
ONE_DIGIT_SHORT = "00-0af7651916cd43dd8448eb211c80319-c7b79e6978c6ff01-01"
HEX = "0123456789abcdef"

REFUSED = {
    "W4: 31 digits, 54 characters": ONE_DIGIT_SHORT,
    "W1: empty": "",
    "W1: 33 digits": f"00-{TRACE_ID}0-{SPAN_ID}-01",
    "W1: span id of 15 digits": f"00-{TRACE_ID}-{SPAN_ID[1:]}-01",
    "W1: span id of 17 digits": f"00-{TRACE_ID}-{SPAN_ID}0-01",
    "W1: 55 characters, a digit moved": f"00-{TRACE_ID[1:]}-{SPAN_ID}0-01",
    "W1: upper case trace id": f"00-{TRACE_ID.upper()}-{SPAN_ID}-01",
    "W1: upper case span id": f"00-{TRACE_ID}-{SPAN_ID.upper()}-01",
    "W1: upper case flags": f"00-{TRACE_ID}-{SPAN_ID}-0A",
    "W1: upper case version": f"CC-{TRACE_ID}-{SPAN_ID}-01",
    "W1: trailing dash": f"{TRACEPARENT}-",
    "W1: trailing field": f"{TRACEPARENT}-what-the-future-brings",
    "W1: trailing dot": f"{TRACEPARENT}.",
    "W1: trailing line end": f"{TRACEPARENT}\n",
    "W1: version ff": f"ff-{TRACE_ID}-{SPAN_ID}-01",
    "W1: version ff with more": f"ff-{TRACE_ID}-{SPAN_ID}-01-more",
    "W1: trace id zero": f"00-{'0' * 32}-{SPAN_ID}-01",
    "W1: span id zero": f"00-{TRACE_ID}-{'0' * 16}-01",
    "W1: version of one digit": TRACEPARENT[1:],
    "W1: version of three digits": f"0{TRACEPARENT}",
    "W1: dot in the version": f".0{TRACEPARENT[2:]}",
    "W1: dot in the trace id": f"00-.{TRACE_ID[1:]}-{SPAN_ID}-01",
    "W1: dot in the flags": f"00-{TRACE_ID}-{SPAN_ID}-.1",
    "W1: flags of one digit": TRACEPARENT[:-1],
    "W1: flags of three digits": f"{TRACEPARENT}1",
    "W1: digits of another script": TRACEPARENT.replace(
        "1", "\N{ARABIC-INDIC DIGIT ONE}"
    ),
    "W1: underscores": TRACEPARENT.replace("-", "_"),
    "W2: higher version, shorter than 55": "cc-" + ONE_DIGIT_SHORT[3:],
    "W2: higher version, wrong sequel": f"cc-{TRACE_ID}-{SPAN_ID}-01.what",
    "W2: higher version, flags of three digits": f"cc-{TRACE_ID}-{SPAN_ID}-011",
    "W2: higher version, zero id": f"cc-{'0' * 32}-{SPAN_ID}-01",
    "W3: two values in one": f"{TRACEPARENT},{TRACEPARENT}",
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_c15_a_faulty_traceparent_begins_a_new_trace_and_costs_the_tracestate(value):
    parent = extracted(W3C, {"traceparent": value, "tracestate": "congo=1"})
    assert not parent.is_valid
    assert not parent.trace_state


def test_w4_the_id_that_lost_a_digit_is_never_padded():
    assert len(ONE_DIGIT_SHORT) == 54
    assert parse_traceparent(ONE_DIGIT_SHORT) is None


@pytest.mark.parametrize(
    ("value", "flags"),
    [
        (TRACEPARENT, 1),
        (f"00-{TRACE_ID}-{SPAN_ID}-00", 0),
        (f"00-{TRACE_ID}-{SPAN_ID}-03", 3),
        (f"00-{TRACE_ID}-{SPAN_ID}-ff", 3),
        (f"00-{TRACE_ID}-{SPAN_ID}-08", 0),
        (f" \t{TRACEPARENT}\t ", 1),
        (f"cc-{TRACE_ID}-{SPAN_ID}-01", 1),
        (f"cc-{TRACE_ID}-{SPAN_ID}-03", 1),
        (f"cc-{TRACE_ID}-{SPAN_ID}-01-", 1),
        (f"cc-{TRACE_ID}-{SPAN_ID}-01-what-the-future-brings", 1),
        (f"fe-{TRACE_ID}-{SPAN_ID}-fe-\N{SNOWMAN}", 0),
    ],
)
def test_w1_w2_w3_a_sound_traceparent_is_continued(value, flags):
    parent = extracted(W3C, {"traceparent": value})
    assert ids_of(parent) == (TRACE_ID, SPAN_ID, flags)
    assert parent.is_remote


def test_w2_a_higher_version_is_written_as_version_00():
    context = W3C.extract({"traceparent": f"cc-{TRACE_ID}-{SPAN_ID}-ff-more"})
    assert injected(W3C, context) == {"traceparent": TRACEPARENT}


def test_w3_flags_that_are_not_known_are_not_handed_on():
    written = injected(W3C, context_of(span_context(flags=0xFF)))
    assert written["traceparent"].endswith("-03")


@pytest.mark.parametrize("name", ["traceparent", "Traceparent", "TRACEPARENT"])
def test_w3_the_name_may_be_in_any_case(name):
    state = {name.replace("parent", "state").replace("PARENT", "STATE"): "congo=1"}
    parent = extracted(W3C, {name: TRACEPARENT} | state)
    assert ids_of(parent) == (TRACE_ID, SPAN_ID, 1)
    assert parent.trace_state.to_header() == "congo=1"


@pytest.mark.parametrize("name", ["trace-parent", "trace.parent", "traceparents"])
def test_w3_another_name_is_not_read(name):
    assert not extracted(W3C, {name: TRACEPARENT}).is_valid


OTHER = TRACEPARENT.replace(TRACE_ID, OTHER_TRACE_ID)


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": [TRACEPARENT, OTHER]},
        {"traceparent": [TRACEPARENT, TRACEPARENT]},
        {"traceparent": [TRACEPARENT, ""]},
        {"traceparent": TRACEPARENT, "Traceparent": OTHER},
    ],
)
def test_w3_two_traceparents_begin_a_new_trace(headers: Any):
    assert not extracted(W3C, headers).is_valid


TRACESTATES = [
    (["congo=1"], "congo=1"),
    (["rojo=1,congo=2"], "rojo=1,congo=2"),
    (["foo=1,bar=2", "rojo=1,congo=2", "baz=3"], "foo=1,bar=2,rojo=1,congo=2,baz=3"),
    (["foo=1 \t , \t bar=2,\tbaz=3\t"], "foo=1,bar=2,baz=3"),
    (["", "foo=1", " \t", ",,foo2=2,"], "foo=1,foo2=2"),
    (["tenant@system=a b!~"], "tenant@system=a b!~"),
    (["0tenant@system=1"], "0tenant@system=1"),
    (["foo= 1"], "foo= 1"),
    (["z" * 256 + "=1"], "z" * 256 + "=1"),
    (["t" * 241 + "@" + "v" * 14 + "=1"], "t" * 241 + "@" + "v" * 14 + "=1"),
    (["foo=" + "v" * 256], "foo=" + "v" * 256),
    (
        [",".join(f"k{n}={n}" for n in range(32))],
        ",".join(f"k{n}={n}" for n in range(32)),
    ),
    (["," * 100 + "foo=1"], "foo=1"),
]


@pytest.mark.parametrize(("headers", "combined"), TRACESTATES)
def test_w3_the_tracestates_are_joined_in_order(headers, combined):
    parent = extracted(W3C, {"traceparent": TRACEPARENT, "tracestate": headers})
    assert parent.trace_state.to_header() == combined
    written = injected(W3C, context_of(parent))
    assert written == {"traceparent": TRACEPARENT, "tracestate": combined}


BAD_TRACESTATES = {
    "no value": ["foo=1,bar"],
    "empty value": ["foo=1,bar="],
    "empty key": ["foo=1,=2"],
    "space in the key": ["foo=1,bar =2"],
    "upper case key": ["foo=1,BAR=2"],
    "dot in the key": ["foo=1,b.r=2"],
    "system missing": ["foo=1,bar@=2"],
    "tenant missing": ["foo=1,@bar=2"],
    "two systems": ["foo=1,a@b@c=2"],
    "key too long": ["foo=1", "z" * 257 + "=1"],
    "tenant too long": ["foo=1", "t" * 242 + "@v=1"],
    "system too long": ["foo=1", "t@" + "v" * 15 + "=1"],
    "value too long": ["foo=1", "bar=" + "v" * 257],
    "equals sign in the value": ["foo=1,bar=2=3"],
    "control character": ["foo=1,bar=\x01"],
    "beyond ASCII": ["foo=1,bar=ü"],
    "key twice": ["foo=1,foo=1"],
    "key twice in two headers": ["foo=1", "bar=1", "foo=2"],
    "33 members": [",".join(f"k{n}={n}" for n in range(32)), "k32=1"],
    "too long altogether": [",".join(f"k{n}=" + "v" * 256 for n in range(32))],
}


@pytest.mark.parametrize("headers", BAD_TRACESTATES.values(), ids=BAD_TRACESTATES)
def test_w1_a_bad_tracestate_is_dropped_and_the_traceparent_stands(headers, caplog):
    parent = extracted(W3C, {"traceparent": TRACEPARENT, "tracestate": headers})
    assert ids_of(parent) == (TRACE_ID, SPAN_ID, 1)
    assert not parent.trace_state
    assert not caplog.records  # a stranger cannot fill the log


@given(st.text(alphabet=HEX + "-gA \t\n٣", max_size=70) | st.text())
def test_whatever_is_accepted_has_the_form_of_w1_and_w2(text):
    fields = parse_traceparent(text)
    if fields is not None:
        trace_id, span_id, flags = fields
        assert text[2:53] == f"-{trace_id}-{span_id}-"
        assert set(trace_id + span_id + text[:2] + text[53:55]) <= set(HEX)
        assert flags & ~0x03 == 0
        assert text[:2] != "ff"
        assert len(text) == 55 or (text[:2] != "00" and text[55] == "-")


ids = st.tuples(
    st.integers(1, 2**128 - 1).map("{:032x}".format),
    st.integers(1, 2**64 - 1).map("{:016x}".format),
    st.integers(0, 255).map("{:02x}".format),
)


@given(ids, st.integers(0, 254).map("{:02x}".format))
def test_every_sound_traceparent_of_any_version_is_read(fields, version):
    text = "-".join((version, *fields))
    assert ids_of(extracted(W3C, {"traceparent": text}))[:2] == fields[:2]


@given(ids, st.integers(0, 54), st.characters())
def test_version_00_with_a_character_more_or_less_is_refused(fields, place, character):
    text = "-".join(("00", *fields))
    assert parse_traceparent(text[:place] + text[place + 1 :]) is None
    # A digit before the version makes another version, if the rest happens to fit.
    longer = text[: place + 2] + character + text[place + 2 :]
    assert parse_traceparent(longer) is None


keys = st.from_regex(r"[a-z][a-z0-9_*/-]{0,20}(@[a-z]{1,5})?", fullmatch=True)
values = st.from_regex(r"[ -+\--<>-~]{0,20}[!-+\--<>-~]", fullmatch=True)


@given(st.dictionaries(keys, values, max_size=32), st.data())
def test_members_survive_however_they_are_spread_over_headers(members, data):
    headers = [""]
    for key, value in members.items():
        if data.draw(st.booleans()):
            headers.append("")
        headers[-1] += f" , {key}={value}\t"
    assert parse_tracestate(headers) == list(members.items())


@given(st.lists(st.text() | st.text(alphabet="abz09@=, \t-*", max_size=40)))
def test_any_text_is_a_tracestate_within_its_limits_or_none(headers):
    members = parse_tracestate(headers)
    assert len(members) <= 32
    assert all(0 < len(key) <= 256 and 0 < len(value) <= 256 for key, value in members)
