"""nakawari for ComfyUI: put this folder into `custom_nodes`, with nakawari installed in ComfyUI's Python."""

from __future__ import annotations

from .nodes import NakawariInterpolate

NODE_CLASS_MAPPINGS = {"NakawariInterpolate": NakawariInterpolate}
NODE_DISPLAY_NAME_MAPPINGS = {"NakawariInterpolate": "Draw in-betweens (nakawari)"}

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
