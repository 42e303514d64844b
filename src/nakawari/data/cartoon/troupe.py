"""The cels of a scene while it is being made: parents before children, anchors, parts."""

from __future__ import annotations

from dataclasses import dataclass, field

from nakawari.data.cartoon.motion import Mover
from nakawari.data.cartoon.outlines import Random
from nakawari.data.cartoon.paint import Painting, Style
from nakawari.data.cartoon.scene import Cel


@dataclass(slots=True)
class Troupe:
    """Collects cels.

    Attributes:
        rng: where chance comes from.
        style: how everything is drawn.
        mover: how everything moves.
        detail: cel pixels per canvas pixel.
        paper: RGB below everything.
        cels: so far.
    """

    rng: Random
    style: Style
    mover: Mover
    detail: float = 1.5
    paper: tuple[int, int, int] = (255, 255, 255)
    cels: list[Cel] = field(default_factory=list)
    _parts: int = 0

    def add(
        self,
        painting: Painting,
        order: float,
        parent: int = -1,
        offset: tuple[float, float] = (0.0, 0.0),
        length: float = 0.0,
        *,
        angle: float = 0.0,
        depth: float = 1.0,
        scale: float = 1.0,
        follow: bool = True,
        new_part: bool = True,
    ) -> int:
        """Add a cel and give its index.

        Args:
            painting: picture and pivot.
            order: low is far behind.
            parent: index; -1: it stands in the scene.
            offset: of the pivot, in cel pixels from the parent's; without parent, in canvas pixels.
            length: of the bend space in cel pixels; 0: what lies below the pivot.
            angle: at rest.
            depth: see `Cel`.
            scale: on top of what the parent has.
            follow: see `Cel`.
            new_part: a label of its own, rather than that of its parent.
        """
        if parent >= 0:
            pivot = self.cels[parent].pivot
            anchor = (pivot[0] + offset[0], pivot[1] + offset[1])
            part = self.cels[parent].part
        else:
            anchor, scale, part = offset, scale / self.detail, 0
        if new_part or parent < 0:
            self._parts = self._parts % 254 + 1
            part = self._parts
        below = painting.image.shape[0] - painting.pivot[1]
        cel = Cel(
            painting.image,
            painting.pivot,
            length or max(below, 4.0),
            parent,
            anchor,
            order,
            depth,
            scale,
            angle,
            follow=follow,
            part=part,
        )
        self.cels.append(cel)
        return len(self.cels) - 1
