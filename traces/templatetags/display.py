"""How spans' values read in templates: durations, instants, service colours."""

from datetime import UTC, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from traces.pages.colors import service_class
from traces.search.durations import format_duration

SECOND = 1_000_000_000
LAST_SHOWN_NANO = 253_402_300_799 * SECOND  # the year 9999, datetime's last

register = template.Library()
register.filter("duration", format_duration)
register.filter("service_class", service_class)


@register.filter
def grouped(count: int) -> str:
    return f"{count:,}"


@register.filter
def size(byte_count: int) -> str:
    """256 MiB, 1.5 GiB, 900 bytes; `formatSize` of lib/units.js writes the same."""
    value, unit = float(byte_count), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.1f}".removesuffix(".0") + f" {unit}"


@register.filter
def percent(part: float) -> str:
    """Of a fraction: 0 %, 0.04 %, 1.2 %, 35 %; never 0 % for what is not zero."""
    value = part * 100
    if value == 0 or value >= 9.95:
        return f"{value:.0f} %"
    return f"{value:.1f} %" if value >= 0.95 else f"{value:.2g} %"


@register.filter
def rate(per_second: float) -> str:
    """Of requests per second, three digits, a minute's or an hour's when they are few."""
    units = ((1, "s"), (60, "min"), (3600, "h"))
    size, unit = next((u for u in units if per_second * u[0] >= 1), units[-1])
    value = per_second * size
    digits = 0 if value >= 99.5 else 1 if value >= 9.95 else 2
    return f"{value:,.{digits}f} /{unit}"


@register.simple_tag
def instant(nano: int, form: str = "short") -> SafeString:
    """A <time> in UTC that the page's script turns into the zone of the person.

    `form` is short (the day only when it is not today), minute (the same, of what is
    known to the minute), time, date-time or full.
    """
    moment = datetime.fromtimestamp(min(nano, LAST_SHOWN_NANO) // SECOND, UTC)
    return format_html(
        '<time datetime="{}" data-nano="{}" data-format="{}">{}</time>',
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        nano,
        form,
        moment.strftime("%Y-%m-%d %H:%M:%S"),
    )
