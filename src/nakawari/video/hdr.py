"""What a film was mastered on (SMPTE ST 2086, CTA-861.3): read with the picture, and told to the encoder.

PyAV does not let us give this to a container, but it belongs into the stream anyway, where decoders look for
it first: three encoders take it as a parameter of theirs.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True, slots=True)
class Mastering:
    """The screen, and the brightest of the content.

    Attributes:
        primaries: x, y of red, green, blue and white (CIE 1931); None: not said.
        luminance: least and most of the screen, cd/m²; None: not said.
        light: most of a pixel and most of a frame's mean, cd/m²; None: not said.
    """

    primaries: tuple[tuple[Fraction, Fraction], ...] | None = None
    luminance: tuple[Fraction, Fraction] | None = None
    light: tuple[int, int] | None = None


def mastering(native: Any) -> Mastering | None:
    """What a decoded frame says; None where it says nothing."""
    screen = native.side_data.get("MASTERING_DISPLAY_METADATA")
    content = native.side_data.get("CONTENT_LIGHT_LEVEL")
    primaries = luminance = light = None
    if screen is not None and len(bytes(screen)) >= 88:
        words = struct.unpack("<22i", bytes(screen)[:88])
        ratios = [Fraction(a, b or 1) for a, b in zip(words[:20:2], words[1:20:2], strict=True)]
        if words[20]:
            primaries = tuple(zip(ratios[:8:2], ratios[1:8:2], strict=True))
        if words[21]:
            luminance = (ratios[8], ratios[9])
    if content is not None and len(bytes(content)) >= 8:
        light = struct.unpack("<2I", bytes(content)[:8])
    if primaries is None and luminance is None and light is None:
        return None
    return Mastering(primaries, luminance, light)


def parameters(codec: str, said: Mastering) -> tuple[str, str] | None:
    """The option of an encoder that writes it, and its value; None where the encoder has none."""
    names = {
        "libx264": ("x264-params", "mastering-display", "cll"),
        "libx265": ("x265-params", "master-display", "max-cll"),
        "libsvtav1": ("svtav1-params", "mastering-display", "content-light"),
    }
    if codec not in names:
        return None
    option, screen, content = names[codec]
    parts = []
    if said.primaries is not None and said.luminance is not None:
        parts.append(f"{screen}={_screen(said.primaries, said.luminance, codec == 'libsvtav1')}")
    if said.light is not None:
        parts.append(f"{content}={said.light[0]},{said.light[1]}")
    return option, ":".join(parts)


def _screen(
    primaries: tuple[tuple[Fraction, Fraction], ...], luminance: tuple[Fraction, Fraction], plain: bool
) -> str:
    """`G(x,y)B(x,y)R(x,y)WP(x,y)L(most,least)`: in units of 0.00002 and 0.0001 cd/m², or plain numbers."""

    def show(value: Fraction, unit: int) -> str:
        return f"{float(value):.7g}" if plain else str(round(value * unit))

    red, green, blue, white = (f"({show(x, 50000)},{show(y, 50000)})" for x, y in primaries)
    least, most = (show(value, 10000) for value in luminance)
    return f"G{green}B{blue}R{red}WP{white}L({most},{least})"
