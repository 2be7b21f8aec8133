"""Pictures of numbers as HTML, for light and dark themes: weights, evidence, confusion."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from onelayer.models import Array
from onelayer.preprocessing import weights_as_images

_FOR, _AGAINST = (0, 114, 178), (213, 94, 0)  # blue and vermilion, as in the report

STYLE = """
<style>
.explore { --explore-training: #0072B2; --explore-validation: #D55E00; line-height: 1.35;
  color: var(--jp-ui-font-color1, currentColor); font-family: var(--jp-ui-font-family, sans-serif);
  font-size: var(--jp-ui-font-size1, 13px); }
[data-jp-theme-light="false"] .explore { --explore-training: #56B4E9;
  --explore-validation: #F08030; }
.explore .charts, .explore .pictures { display: flex; flex-wrap: wrap; gap: 4px 10px; }
.explore .charts figure { flex: 1 1 340px; max-width: 560px; }
.explore figure { margin: 0; }
.explore figcaption { text-align: center; white-space: pre-line; }
.explore .charts figcaption { text-align: left; }
.explore .chart { width: 100%; height: auto; display: block; }
.explore .chart text { fill: var(--jp-ui-font-color1, currentColor); font-size: 12px; }
.explore .chart polyline { fill: none; stroke-linejoin: round; }
.explore .chart .grid { stroke: var(--jp-border-color2, #ccc); stroke-width: 0.6; }
.explore .chart .axis { stroke: var(--jp-ui-font-color2, #666); stroke-width: 1; }
.explore .swatch { vertical-align: middle; margin: 0 4px 0 8px; }
.explore .pictures img { image-rendering: pixelated; display: block; margin: 0 auto;
  border: 1px solid var(--jp-border-color2, #ccc); }
[data-jp-theme-light="false"] .explore .evidence img { filter: brightness(1.7); }
.explore .bar { height: 6px; margin: 3px 0 1px; background: var(--jp-layout-color2, #eee); }
.explore .bar div { height: 100%; background: var(--explore-training); }
.explore .likeliest { font-weight: bold; }
.explore table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.explore td, .explore th { padding: 2px 8px; text-align: right; min-width: 1.2em; }
.explore thead th { border-bottom: 1px solid var(--jp-border-color1, #bbb); }
.explore pre { white-space: pre-wrap; }
.explore .error { color: var(--jp-error-color1, #c00); }
</style>
"""


def framed(html: str) -> str:
    """Return HTML to which `STYLE` applies."""
    return f'<div class="explore">{html}</div>'


def weight_pictures(w: Array, image_shape: tuple[int, int], names: Sequence[str]) -> str:
    """Show weights (D+1, K), a picture for each class: grey is 0, white positive, black negative.

    All have one scale, as their weights act together.
    """
    images = weights_as_images(w, image_shape)
    bound = float(np.abs(images).max()) or 1.0
    grey = (127.5 + 127.5 / bound * images).astype(np.uint8)
    return _row(
        [
            _figure(each, f"weights of {name}", escape(name))
            for each, name in zip(grey, names, strict=True)
        ]
    )


def evidence(
    x: Array, w: Array, probabilities: Array, image_shape: tuple[int, int], names: Sequence[str]
) -> str:
    """Show for each class x ⊙ w, of an input (D+1,) and weights (D+1, K), and its ŷ, (K,).

    Each pixel's share of the logit z = Σ x w: blue speaks for the class, vermilion against it.
    """
    shares = x[:, None] * w  # (D+1, K)
    logits = shares.sum(axis=0)
    images = weights_as_images(shares, image_shape)
    bound = float(np.abs(images).max()) or 1.0
    likeliest = int(probabilities.argmax())
    figures = []
    for k, (image, name) in enumerate(zip(images, names, strict=True)):
        pixels = np.empty((*image_shape, 4), np.uint8)
        pixels[..., :3] = np.where(image[..., None] > 0, _FOR, _AGAINST)
        pixels[..., 3] = 255 / bound * np.abs(image)
        share = f"{probabilities[k]:.0%}"
        caption = (
            f'<div class="bar"><div style="width:{100 * probabilities[k]:.1f}%"></div></div>'
            f"<span{' class=likeliest' if k == likeliest else ''}>{escape(name)}: {share}</span>"
            f"\nz = {_signed(logits[k])}"
        )
        figures.append(_figure(pixels, f"what speaks for and against {name}", caption))
    return f'<div class="evidence">{_row(figures)}</div>'


def seen(x: Array, image_shape: tuple[int, int], caption: str) -> str:
    """Show an input (D+1,), with pixels in [−1, 1], as the model sees it."""
    pixels = (127.5 + 127.5 * x[:-1].reshape(image_shape)).astype(np.uint8)
    return _row([_figure(pixels, caption, escape(caption), size=112)])


def confusion_table(counts: NDArray[np.int64], names: Sequence[str]) -> str:
    """Show how many images of each class (row) are predicted as each (column), (K, K)."""
    errors = counts - np.diag(np.diag(counts))
    most = max(int(errors.max()), 1)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = []
    for k, name in enumerate(names):
        shades = [0.0 if j == k else 0.7 * count / most for j, count in enumerate(counts[k])]
        cells = "".join(
            f'<td style="background:rgba(213,94,0,{shade:.2f})">{count or ""}</td>'
            for shade, count in zip(shades, counts[k], strict=True)
        )
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    return (
        "<table><caption>images of each class (row), by what they are taken for (column)</caption>"
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _row(figures: Sequence[str]) -> str:
    return f'<div class="pictures">{"".join(figures)}</div>'


def _figure(pixels: NDArray[np.uint8], alt: str, caption: str, size: int = 68) -> str:
    """Return a picture, `size` CSS pixels wide, above a caption, which is HTML."""
    return (
        f'<figure><img width="{size}" height="{size * pixels.shape[0] // pixels.shape[1]}" '
        f'alt="{escape(alt)}" src="{_as_url(pixels)}"><figcaption>{caption}</figcaption></figure>'
    )


def _as_url(pixels: NDArray[np.uint8]) -> str:
    """Return a PNG of (H, W) grey or (H, W, 4) colours with opacity.

    Written here, not compressed, it takes a tenth of the time that Pillow takes for one as small.
    """
    height, width = pixels.shape[:2]
    kind = 0 if pixels.ndim == 2 else 6  # grey, or red, green, blue and opacity
    rows = np.zeros((height, 1 + pixels.size // height), np.uint8)  # each begins with "no filter"
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in (
            (b"IHDR", header),
            (b"IDAT", zlib.compress(rows.tobytes(), 0)),
            (b"IEND", b""),
        )
    )
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")
