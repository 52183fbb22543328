"""How often the demonstration's moments agree with the truth of its simulated beam: many seeds, each a whole run.

python benchmarks/seeds.py [FIRST [LAST]]
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.test_demo import TRUTH, demo, judge

JUDGED = (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 33)


def main() -> None:
    first, last = (int(word) for word in (sys.argv[1:] + ["1", "10"][len(sys.argv) - 1 :])[:2])
    truth = {row["size"]: (row["behaviour"], row["moment_uB"]) for row in TRUTH["cluster"] if row["element"] == "V"}
    pulls: dict[int, list[float]] = {}
    limits: list[float] = []
    wrong = 0
    for seed in range(first, last + 1):
        with tempfile.TemporaryDirectory() as directory:
            document = demo(Path(directory), "--seed", str(seed))
        clusters = {cluster["size"]: cluster for cluster in document["clusters"]}
        complaints = judge(clusters, {size: truth[size] for size in JUDGED})
        wrong += len(complaints)
        print(f"seed {seed}: {'as the truth' if not complaints else '; '.join(complaints)}", flush=True)
        limits += [clusters[size]["limit_uB"] for size in (4, 6, 8, 10, 12)]
        for size, cluster in clusters.items():
            behaviour, moment_uB = truth[size]
            if cluster["behaviour"] == behaviour and cluster["error_uB"]:
                pulls.setdefault(size, []).append((cluster["moment_uB"] - moment_uB) / cluster["error_uB"])
    print(f"{wrong} contradictions in {(last - first + 1) * len(JUDGED)} clusters; largest limit {max(limits):.2f} µB")
    for size, values in sorted(pulls.items()):
        print(f"V{size}: pulls " + " ".join(f"{value:+.1f}" for value in values))


if __name__ == "__main__":
    main()
