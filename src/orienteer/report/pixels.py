"""Greyscale arrays as pictures inside the page."""

import base64
import io

import numpy as np
from numpy.typing import NDArray


def png_address(image: NDArray[np.uint8]) -> str:
    """``(rows, columns)`` uint8 as a PNG data address, first row on top."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
