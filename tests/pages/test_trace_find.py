"""The header's box: from a pasted id to a trace."""

import pytest

from traces.pages.trace_find import parse_trace_id

ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("pasted", "found"),
    [
        (ID, ID),
        (ID.upper(), ID),
        (f"  {ID[:8]} {ID[8:]}\n", ID),
        ("0af76519-16cd-43dd-8448-eb211c80319c", ID),
        (f"00-{ID}-b7ad6b7169203331-01", ID),
        (f'"{ID}"', ID),
        (f"0x{ID}", ID),
        (ID[:16], "0" * 16 + ID[:16]),
        (ID[:31], None),
        (ID + "0", None),
        ("0" * 32, None),
        ("g" * 32, None),
        ("", None),
        ("٣" * 32, None),
    ],
)
def test_an_id_is_read_as_people_paste_it(pasted, found):
    assert parse_trace_id(pasted) == found


def test_the_box_leads_to_the_trace(browser):
    answer = browser.get("/find", {"id": ID.upper()})
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/trace/{ID}"


def test_what_is_no_id_gets_advice_and_stays_text(browser):
    answer = browser.get("/find", {"id": "<b>x</b>"})
    assert answer.status_code == 400
    assert b"not a trace id" in answer.content
    assert b"&lt;b&gt;x" in answer.content
