"""The path draws the dark modules of the QR code, all of them and no others."""

import re

import segno

from marketplace.adapters.qr_codes import qr_code

RUN = re.compile(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z")


def test_the_path_is_the_matrix() -> None:
    """Run by run, every module of the code for an address as long as they come."""
    text = f"otpauth://totp/Carepool%3A{'a' * 100}%40example.test?secret={'A' * 32}&issuer=Carepool"
    found = qr_code(text)
    drawn = {(int(x) + step, int(y)) for x, y, run, _ in RUN.findall(found.path) for step in range(int(run))}
    matrix = segno.make(text, error="m", micro=False).matrix
    assert RUN.sub("", found.path) == ""
    assert drawn == {(x, y) for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark}
    assert found.modules == len(matrix)
    assert all(run == back for _, _, run, back in RUN.findall(found.path))


def test_it_has_its_three_corners() -> None:
    """The squares by which a camera finds it begin at the very corners: the quiet frame is the page's to leave."""
    found = qr_code("Carepool")
    end = found.modules - 7
    for corner in ("M0 0h7v", f"M{end} 0h7v", f"M0 {end}h7v"):
        assert corner in found.path
