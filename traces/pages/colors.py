"""The colour number of a service, the same on every page.

`static/js/lib/service_color.js` computes the same number; `base.css` holds the colours
as the classes `svc-0` to `svc-11`.
"""

from typing import Final

PALETTE_SIZE: Final = 12
# Chosen so that the services of the demo differ from each other.
OFFSET_BASIS: Final = 2166136261 ^ 1318
PRIME: Final = 16777619
MASK: Final = 0xFFFFFFFF


def service_color_number(name: str) -> int:
    """FNV-1a over the UTF-8 bytes, folded, modulo the palette."""
    digest = OFFSET_BASIS
    for byte in name.encode():
        digest = ((digest ^ byte) * PRIME) & MASK
    return (digest ^ digest >> 15) % PALETTE_SIZE


def service_class(name: str) -> str:
    return f"svc-{service_color_number(name)}"
