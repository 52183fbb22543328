"""What the paper says of each cluster's moment, in µB: Table I and its text.  For comparison only."""

THEORIES = ("13", "14 FM", "14 AFM", "15", "16a", "16b", "17")
"""Columns of Table I, by the paper's own references: of 14 two orders of the spins, of 16 the two lowest configurations."""
TABLE_I: dict[int, tuple[str, ...]] = {
    2: ("", "", "", "", "", "", "2", ""),
    3: ("", "", "", "", "3", "5", "1.8", "1.2"),
    4: ("", "", "", "", "0", "0", "1.4", "0.01"),
    5: ("", "", "", "", "1", "3", "0.5", "0.78"),
    6: ("", "", "", "", "2", "0", "3", "0.01"),
    7: ("", "", "", "", "0.98", "3.1", "0.7", "0.86"),
    8: ("", "", "", "", "2", "2", "1.6", "0.004"),
    9: ("2.89", "0–4", "0–3", "3", "3", "0.99", "0.9", "0.83"),
    10: ("", "", "", "", "", "", "5", "0.003"),
    11: ("", "", "", "", "", "", "0.7", "0.91"),
    15: ("0", "0–4", "0–4", "1", "", "", "0.6", "2.4"),
}
"""Vanadium, by size: what the theories say, in the order of `THEORIES`, and last what was measured ("This work")."""
PAPER_uB = {
    "V": {
        **{size: row[-1] for size, row in TABLE_I.items()},
        13: "2.5–3",
        22: "≈ 1.5",
        26: "≈ 3",
        28: "≈ 3",
        33: "≈ 5",
    },
    "Nb": {7: "≈ 3", 15: "≈ 3", 22: "> 1", 28: "> 1"},
    "Ta": {13: "1", 15: "1"},
}


def paper_uB(element: str, size: int) -> str:
    """The paper's value as printed, or an empty text where it gives none."""
    return PAPER_uB.get(element, {}).get(size, "")
