"""Rows of a linear model under construction: whole-number coefficients, gathered as triplets.

`formulation` writes each constraint as `Rows.of(count).add(row, column, coefficient).at_most(right)`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from matching.eligibility import NO_LIMIT, Ints


@dataclass
class Rows:
    """So many rows with their entries and sides; entries of one row and column add up."""

    count: int
    row: list[Ints] = field(default_factory=list)
    column: list[Ints] = field(default_factory=list)
    coefficient: list[Ints] = field(default_factory=list)
    low: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    high: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @classmethod
    def of(cls, count: int) -> "Rows":
        """Start so many empty rows without sides."""
        return cls(count, low=np.full(count, -NO_LIMIT), high=np.full(count, NO_LIMIT))

    def add(self, row: npt.ArrayLike, column: npt.ArrayLike, coefficient: npt.ArrayLike) -> "Rows":
        """Add entries; the three are arrays of one length, or single numbers that repeat."""
        rows, columns, coefficients = np.broadcast_arrays(row, column, coefficient)
        self.row.append(rows.ravel().astype(np.int64))
        self.column.append(columns.ravel().astype(np.int64))
        self.coefficient.append(coefficients.ravel().astype(np.int64))
        return self

    def at_most(self, right: npt.ArrayLike) -> "Rows":
        """Set the upper side."""
        self.high = np.broadcast_to(np.asarray(right, dtype=np.int64), (self.count,))
        return self

    def at_least(self, right: npt.ArrayLike) -> "Rows":
        """Set the lower side."""
        self.low = np.broadcast_to(np.asarray(right, dtype=np.int64), (self.count,))
        return self

    def equal(self, right: npt.ArrayLike) -> "Rows":
        """Set both sides."""
        return self.at_most(right).at_least(right)

    @classmethod
    def join(cls, blocks: Sequence["Rows"]) -> "Rows":
        """Stack blocks of rows on each other."""
        joined = cls(sum(block.count for block in blocks))
        first = 0
        for block in blocks:
            joined.row += [rows + first for rows in block.row]
            joined.column += block.column
            joined.coefficient += block.coefficient
            first += block.count
        joined.low = np.concatenate([block.low for block in blocks] or [joined.low])
        joined.high = np.concatenate([block.high for block in blocks] or [joined.high])
        return joined

    def triplets(self) -> tuple[Ints, Ints, Ints]:
        """All entries: rows, columns, coefficients."""
        empty = [np.zeros(0, dtype=np.int64)]
        return (
            np.concatenate(self.row or empty),
            np.concatenate(self.column or empty),
            np.concatenate(self.coefficient or empty),
        )
