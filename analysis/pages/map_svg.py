"""The nodes and edges of a drawing as SVG.

Written here and not in the template, which takes ten times as long: a map may have
thousands of edges. Names are strangers', so all goes through `format_html`.
"""

from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from analysis.pages.map_drawing import Drawing, DrawnEdge, DrawnNode
from traces.pages.colors import service_class
from traces.templatetags.display import rate

LONGEST_NAME: Final = 40
_CURRENT: Final = mark_safe(' aria-current="true"')
_NONE: Final = mark_safe("")


def edges_svg(drawing: Drawing) -> SafeString:
    """`data-ends` are the numbers of an edge's nodes; the end of its name in words is
    repeated as `data-label`, for the page's script to set apart."""
    return format_html_join("\n", "{}", ((_edge(each),) for each in drawing.edges))


def rates_svg(drawing: Drawing) -> SafeString:
    """Of each edge, in the same order, or of none: above them, so that none is crossed."""
    labelled = drawing.edges if drawing.labelled else []
    return format_html_join("\n", "{}", ((_rate(each),) for each in labelled))


def nodes_svg(drawing: Drawing) -> SafeString:
    rows = ((_node(at, each),) for at, each in enumerate(drawing.nodes))
    return format_html_join("\n", "{}", rows)


def _edge(edge: DrawnEdge) -> SafeString:
    row = edge.row
    return format_html(
        '<a class="map-edge {}" href="{}#map-panel" data-ends="{} {}" data-label="{}" '
        'aria-label="{}"{}><path class="line" d="{}" stroke-width="{}"/>{}</a>',
        row.type_name,
        row.url,
        *edge.ends,
        row.label,
        row.sentence,
        _CURRENT if row.chosen else _NONE,
        edge.d,
        f"{edge.width:.1f}",
        _red(edge) if edge.red else _NONE,
    )


def _red(edge: DrawnEdge) -> SafeString:
    return format_html(
        '<path class="red" d="{}" stroke-width="{}" pathLength="100" '
        'stroke-dasharray="{}"/>',
        edge.d,
        f"{edge.width:.1f}",
        edge.red,
    )


def _rate(edge: DrawnEdge) -> SafeString:
    x, y = edge.label_at
    return format_html(
        '<text class="map-rate" x="{}" y="{}">{}</text>',
        f"{x:.1f}",
        f"{y - 5:.1f}",
        rate(edge.row.rate),
    )


def _node(number: int, node: DrawnNode) -> SafeString:
    row, box = node.row, node.box
    name = row.name
    return format_html(
        '<a class="map-node {}{}" href="{}" transform="translate({} {})" '
        'data-node="{}" data-label="{}" aria-label="{}"{}>'
        '<rect class="box-of-node" width="{}" height="{}" rx="6"/>{}'
        '<svg x="24" y="0" width="138" height="44"><text class="node-name" y="18">{}'
        '</text><text class="node-numbers{}" y="35">{}</text></svg></a>',
        row.type_name,
        " marked" if node.marked else "",
        row.url,
        f"{box.x:.1f}",
        f"{box.y:.1f}",
        number,
        row.label,
        row.sentence,
        _CURRENT if row.chosen else _NONE,
        box.width,
        box.height,
        _sign(node),
        name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…",
        " failing" if row.failed else "",
        row.label,
    )


def _sign(node: DrawnNode) -> SafeString:
    """Colour of a service, icon of anything else."""
    if node.row.is_service:
        return format_html(
            '<rect class="node-chip {}" x="8" y="9" width="4" height="26" rx="2"/>',
            service_class(node.row.node.name),
        )
    return format_html(
        '<use class="node-icon" href="#map-{}" x="5" y="14" width="16" height="16"/>',
        node.row.type_name,
    )
