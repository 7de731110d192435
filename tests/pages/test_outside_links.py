"""Links from a span to logs and metrics elsewhere."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import override_settings

from tests.builders import T0, batch, span, span_id, trace_id
from traces.pages.outside_links import outside_links
from traces.store.current import use_store
from traces.store.memory import MemoryStore
from tracing_ui.env import SettingError, env_link_templates
from tracing_ui.link_templates import LinkTemplate, parse_link_templates

LOGS = LinkTemplate(
    "Logs", "https://logs.example/q?id={trace_id}&s={service}&t={start_ms}"
)
POD = LinkTemplate("Pod", "https://grafana.example/pods/{k8s.pod.name}?x=1")
HOSTILE = "a/../../x?y=1&z=<script>#\r\n"


def links(*templates, attributes=None, resource=None, **fields):
    row = span(**fields)
    return outside_links(templates, row, [attributes or {}, resource or {}])


def test_a_link_has_the_spans_ids_service_and_time():
    (link,) = links(LOGS, service="shop")
    query = parse_qs(urlsplit(link.href).query)
    assert query == {
        "id": [trace_id(1).hex()],
        "s": ["shop"],
        "t": [str(T0 // 10**6)],
    }


def test_an_attribute_may_be_named_and_the_spans_goes_before_the_resources():
    (link,) = links(
        POD, attributes={"k8s.pod.name": "p1"}, resource={"k8s.pod.name": "p2"}
    )
    assert link.href == "https://grafana.example/pods/p1?x=1"
    (link,) = links(POD, resource={"k8s.pod.name": True})
    assert link.href == "https://grafana.example/pods/true?x=1"


def test_a_link_that_lacks_something_is_left_out():
    assert [link.label for link in links(POD, LOGS)] == ["Logs"]
    assert links(POD, attributes={"k8s.pod.name": ["a", "list"]}) == []


def test_what_strangers_wrote_stays_one_component():
    (link,) = links(POD, attributes={"k8s.pod.name": HOSTILE})
    parts = urlsplit(link.href)
    assert (parts.netloc, parts.query, parts.fragment) == ("grafana.example", "x=1", "")
    assert parts.path.count("/") == 2
    (link,) = links(POD, attributes={"k8s.pod.name": "x" * 10_000})
    assert len(link.href) < 600


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}x",
        "[1]",
        '[{"label": "x"}]',
        '[{"label": "x", "url": "javascript:alert(1)"}]',
        '[{"label": "x", "url": "//host/{trace_id}"}]',
        '[{"label": "x", "url": "https://{service}/"}]',
        '[{"label": "", "url": "https://a/"}]',
        '[{"label": 1, "url": "https://a/"}]',
        "[" + ",".join(['{"label": "x", "url": "https://a/"}'] * 21) + "]",
    ],
)
def test_a_template_that_cannot_be_used_is_refused_at_start(monkeypatch, text):
    monkeypatch.setenv("SPAN_LINKS", text)
    with pytest.raises(SettingError, match="SPAN_LINKS"):
        env_link_templates("SPAN_LINKS")


def test_templates_are_read_from_the_setting(monkeypatch):
    monkeypatch.delenv("SPAN_LINKS", raising=False)
    assert env_link_templates("SPAN_LINKS") == ()
    text = '[{"label": "Logs", "url": "http://logs/{trace_id}"}]'
    assert parse_link_templates(text) == (
        LinkTemplate("Logs", "http://logs/{trace_id}"),
    )


def test_the_inspector_shows_them(client):
    store = MemoryStore()
    store.write(batch(span(span_id=span_id(1), service="shop")))
    with use_store(store), override_settings(SPAN_LINKS=(LOGS,)):
        page = client.get(f"/trace/{trace_id(1).hex()}?span={span_id(1).hex()}")
    assert "https://logs.example/q?id=" in page.content.decode()
    assert 'rel="noopener noreferrer"' in page.content.decode()
