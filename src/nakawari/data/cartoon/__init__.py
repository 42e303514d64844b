"""Procedural cartoon scenes with exact flow, labels and visibility at any t.

scene = write(seed, index, size=(256, 256))     what is there and how it moves: plain numbers
sample = render([scene], [t])                    frames and motion, in torch, on any device
sample = draw(seed, index, size=(256, 256))      both, for one sample of a stream
"""

from __future__ import annotations

from nakawari.data.cartoon.render import render
from nakawari.data.cartoon.scene import Cel, Grade, Scene
from nakawari.data.cartoon.stream import CartoonStream, draw
from nakawari.data.cartoon.write import VERSION, when, write

__all__ = ["VERSION", "CartoonStream", "Cel", "Grade", "Scene", "draw", "render", "when", "write"]
