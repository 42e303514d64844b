"""TIFF with alpha, and TGA: what OpenCV reads wrongly or not at all.

OpenCV multiplies 8-bit colour by straight alpha, takes premultiplied colour as it is, and writes no word of
which it is. Files of cels have straight alpha, so that is what is read (whichever the file has) and written.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np

from nakawari.errors import MediaError, OutputError
from nakawari.optional import need
from nakawari.video.frames import Array
from nakawari.video.reader import MOST_PIXELS

TIFF, TGA = (".tif", ".tiff"), (".tga",)
_BITS, _EXTRA_SAMPLES, _ASSOCIATED = 258, 338, 1


def reads(path: Path) -> bool:
    """Whether `read` is for a file of that name."""
    return path.suffix.lower() in (*TIFF, *TGA)


def read(path: Path, deep: Array | None = None) -> Array | None:
    """A picture as H×W×3 or H×W×4, straight alpha; None where OpenCV reads it as well.

    Args:
        path: a TIFF or TGA file.
        deep: what OpenCV read, H×W×4 uint16; only its alpha is looked to.

    Raises:
        MediaError: it does not decode.
    """
    pillow = need("PIL.Image")
    tga = path.suffix.lower() in TGA
    try:
        quiet = warnings.catch_warnings(action="ignore")
        with quiet, pillow.open(path, formats=("TGA",) if tga else ("TIFF",)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise MediaError(
                    f"{path} is {image.width}x{image.height}; wanted at most {MOST_PIXELS} pixels."
                )
            if tga:
                return np.array(
                    image.convert("RGBA" if "A" in image.mode or "transparency" in image.info else "RGB")
                )
            alpha = tuple(image.tag_v2.get(_EXTRA_SAMPLES, ()))
            if deep is not None:
                return _straight(deep) if alpha == (_ASSOCIATED,) else deep
            shallow = image.mode == "RGBA" and set(image.tag_v2.get(_BITS, ())) == {8}
            return np.array(image) if shallow else None
    except (OSError, ValueError, SyntaxError, TypeError, KeyError) as error:
        if isinstance(error, MediaError):
            raise
        if tga:
            raise MediaError(f"{path} is not an image that can be read ({error}).") from error
        return deep  # of a kind of TIFF that only OpenCV knows


def _straight(image: Array) -> Array:
    """Premultiplied H×W×4 uint16 as straight."""
    alpha = image[..., 3:].astype(np.float64)
    colour = np.divide(
        image[..., :3] * 65535.0, alpha, out=np.zeros_like(image[..., :3], float), where=alpha > 0
    )
    return np.concatenate([np.rint(np.minimum(colour, 65535)).astype(np.uint16), image[..., 3:]], 2)


def encode(image: Array, suffix: str) -> bytes | None:
    """A picture as the bytes of a TGA, or of a TIFF with alpha; None where OpenCV writes it.

    Args:
        image: H×W×1, H×W×3 or H×W×4.

    Raises:
        OutputError: the format cannot hold it.
    """
    out = io.BytesIO()
    if suffix in TGA:
        if image.dtype != np.uint8:
            raise OutputError("a .tga image holds 8 bits; use .png or .tif for 16.")
        pillow = need("PIL.Image")
        pillow.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(
            out, "TGA", compression="tga_rle"
        )
        return out.getvalue()
    if suffix in TIFF and image.shape[2] == 4:
        need("tifffile").imwrite(
            out, image, photometric="rgb", extrasamples=["unassalpha"], compression="zlib", metadata=None,
            software=False,
        )  # fmt: skip
        return out.getvalue()
    return None
