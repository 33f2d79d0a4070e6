"""QR codes as one path of an SVG picture, which our own page draws: no style and no script of anybody else."""

from dataclasses import dataclass

import segno


@dataclass(frozen=True, slots=True)
class QrCode:
    """A square of so many modules a side, and the path along its dark ones."""

    modules: int
    path: str


def qr_code(text: str) -> QrCode:
    """What a camera reads this text from; it still does with an eighth of it hidden."""
    rows = segno.make(text, error="m", micro=False).matrix
    path = "".join(
        f"M{start} {y}h{end - start}v1h{start - end}z" for y, row in enumerate(rows) for start, end in _dark(bytes(row))
    )
    return QrCode(len(rows), path)


def _dark(row: bytes) -> list[tuple[int, int]]:
    """The runs of dark modules in a row: first one, and the one after the last."""
    edges = [x for x in range(len(row) + 1) if bool(x < len(row) and row[x]) != bool(x > 0 and row[x - 1])]
    return list(zip(edges[::2], edges[1::2], strict=True))
