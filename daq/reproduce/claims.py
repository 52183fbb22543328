"""What the paper claims, point by point, and how each is judged."""

from dataclasses import dataclass

from daq.analysis.paper_table import TABLE_I
from daq.reproduce.judges import (
    Judge,
    about,
    behave,
    calibrated,
    deflect,
    independent_of,
    langevin_within_error,
    most_are,
    not_measured,
    relaxed,
    same_with_a_third,
    seen_only,
    worth,
)

V25, V40, V60, V100 = "vanadium-25K", "vanadium-40K", "vanadium-60K", "vanadium-100K"
V2, V2_NOZZLE, NB, TA = "vanadium-2bar", "vanadium-2bar-other-nozzle", "niobium-25K", "tantalum-25K"
V_BLOCKED = (3, 5, 7, 9, 11, 17, 19, 21)
"""Odd ones up to V21, how far the paper follows blocking; but for V13 and V15."""
V_RELAXING, V_EVEN_EXCEPTIONS = (13, 15, 22, 26, 28, 33), (22, 26, 28)
TABLE_BLOCKED = {size: row[-1] for size, row in TABLE_I.items() if row[-1] and size % 2 and size <= 11}
TABLE_EVEN = tuple(size for size, row in TABLE_I.items() if row[-1] and size % 2 == 0)
NB_RELAXING, NB_EVEN_EXCEPTIONS = (7, 15), (22, 28)


@dataclass(frozen=True)
class Claim:
    """`where` it stands in the paper, what it `says` in short, and the judge of it."""

    where: str
    says: str
    judge: Judge


def _even(last: int, exceptions: tuple[int, ...] = ()) -> tuple[int, ...]:
    return tuple(size for size in range(4, last + 1, 2) if size not in exceptions)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "Section II",
        "The position sensitivity for Nb20 is 19.2 ns/mm.",
        calibrated("position", 0, 19.2),
    ),
    Claim(
        "Table I",
        "V3, V5, V7, V9 and V11 have 1.2, 0.78, 0.86, 0.83 and 0.91 µB.",
        worth(V25, {size: (float(value), float(value)) for size, value in TABLE_BLOCKED.items()}),
    ),
    Claim("Table I", "V4, V6, V8 and V10 have at most 0.01 µB.", behave(V25, TABLE_EVEN, "non-magnetic")),
    Claim("Table I", "V15 has 2.4 µB.", worth(V25, {15: (2.4, 2.4)})),
    Claim("Figure 1", "a) V11 splits in two states, as an atom does.", behave(V25, (11,), "atomic-like")),
    Claim("Figure 1", "b) V12 is not magnetic.", behave(V25, (12,), "non-magnetic")),
    Claim("Figure 1", "c) V13 is superparamagnetic: bent to one side.", behave(V25, (13,), "superparamagnetic")),
    Claim(
        "Figure 1",
        "d) Even-numbered clusters show no magnetism, but for V22, V26 and V28.",
        behave(V25, _even(32, V_EVEN_EXCEPTIONS), "non-magnetic"),
    ),
    Claim("Figure 1", "d) Most odd-numbered clusters are atomic-like.", most_are(V25, range(3, 34, 2), "atomic-like")),
    Claim("Figure 1", "The spin is blocked in clusters as large as V21.", behave(V25, V_BLOCKED, "atomic-like")),
    Claim("Figure 1", "V13, V15, V22, V26, V28 and V33 are bent to one side.", behave(V25, V_RELAXING, "superparamagnetic")),
    Claim(
        "Figure 1",
        "V13 and V15 have 2.5–3 µB, V33 about 5, V26 and V28 about 3, V22 about 1.5.",
        worth(
            V25,
            {13: (2.5, 3.0), 15: (2.4, 3.0), 33: about(5), 26: about(3), 28: about(3), 22: about(1.5)},
        ),
    ),
    Claim(
        "Figure 1",
        "Langevin's law, though not applicable, would change the moments by less than their errors.",
        langevin_within_error(V25),
    ),
    Claim(
        "Figure 2",
        "At 25, 40 and 60 K all magnetic clusters show deflections that can be resolved.",
        deflect((V25, V40, V60), (*V_BLOCKED, *V_RELAXING)),
    ),
    Claim(
        "Figure 2",
        "At 100 K only the lighter clusters deflect, V3 to V11; none of the one-sided deflections can be distinguished.",
        seen_only(V100, (3, 5, 7, 9, 11), (13, 15, 17, 19, 21, 22, 26, 28, 33)),
    ),
    Claim(
        "Figure 2",
        "Atomic-like moments depend on no temperature: neither on that of the clusters nor on the field.",
        independent_of((V25, V40, V60, V100), V_BLOCKED),
    ),
    Claim("Figure 3", "At 6 bar the central peak of V11 is negligible.", relaxed(V25, 11)),
    Claim("Figure 3", "At 2 bar a central, undeflected peak appears.", relaxed(V2, 11, more_than=V25)),
    Claim(
        "Figure 3",
        "Another nozzle has a similar effect, less pronounced.",
        relaxed(V2_NOZZLE, 11, more_than=V25, less_than=V2),
    ),
    Claim(
        "Figure 3",
        "Relaxation does not decrease the moment: it stays the same within its error.",
        independent_of((V25, V2, V2_NOZZLE), (11,)),
    ),
    Claim(
        "Figure 3",
        "Two Gaussians or three give the same moment, within the error (Section IV A).",
        same_with_a_third((V25, V2, V2_NOZZLE), (11,)),
    ),
    Claim("Figure 4", "a) Nb7 is superparamagnetic, as is Nb15.", behave(NB, NB_RELAXING, "superparamagnetic")),
    Claim("Figure 4", "b) Nb11 splits in two states, as an atom does.", behave(NB, (11,), "atomic-like")),
    Claim("Figure 4", "c) Nb12 is not magnetic at all.", behave(NB, (12,), "non-magnetic")),
    Claim("Figure 4", "Nb7 and Nb15 have about 3 µB.", worth(NB, {size: about(3) for size in NB_RELAXING})),
    Claim(
        "Figure 4",
        "All other odd-numbered clusters are atomic-like.",
        behave(NB, [size for size in range(3, 30, 2) if size not in NB_RELAXING], "atomic-like"),
    ),
    Claim(
        "Figure 4",
        "Their moment is 1 µB within the error.",
        worth(NB, {size: (1.0, 1.0) for size in range(3, 30, 2) if size not in NB_RELAXING}),
    ),
    Claim(
        "Figure 4",
        "Even-numbered clusters have no net moment, but for Nb22 and Nb28.",
        behave(NB, _even(28, NB_EVEN_EXCEPTIONS), "non-magnetic"),
    ),
    Claim(
        "Figure 4",
        "Nb22 and Nb28 have slightly more than 1 µB.",
        worth(NB, dict.fromkeys(NB_EVEN_EXCEPTIONS, (1.0, 1.5))),
    ),
    Claim(
        "Figure 4",
        "The source pressure has a less pronounced effect than with vanadium.",
        not_measured("no niobium at 2 bar is taken; the simulated source treats both metals alike"),
    ),
    Claim("Figure 5", "a, c) Ta5 and Ta7 are superparamagnetic.", behave(TA, (5, 7), "superparamagnetic")),
    Claim("Figure 5", "b) Ta6 is not magnetic.", behave(TA, (6,), "non-magnetic")),
    Claim("Figure 5", "Only one-sided deflections are found.", behave(TA, range(3, 16, 2), "superparamagnetic")),
    Claim("Figure 5", "Even-numbered clusters show no moment.", behave(TA, _even(16), "non-magnetic")),
    Claim(
        "Figure 5",
        "d) From about 3 µB for the smaller clusters down to 1 µB for Ta13 and Ta15.",
        worth(TA, {3: about(3), 5: about(3), 7: about(3), 13: about(1), 15: about(1)}),
    ),
    Claim(
        "Figure 5",
        "With temperature it vanishes as for superparamagnetic V and Nb.",
        not_measured("tantalum is taken at 25 K only"),
    ),
)
