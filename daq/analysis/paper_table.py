"""What the paper says of each cluster's moment, in µB: Table I ("This work") and its text.  For comparison only."""

PAPER_uB = {
    "V": {
        3: "1.2",
        4: "0.01",
        5: "0.78",
        6: "0.01",
        7: "0.86",
        8: "0.004",
        9: "0.83",
        10: "0.003",
        11: "0.91",
        13: "2.5–3",
        15: "2.4",
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
