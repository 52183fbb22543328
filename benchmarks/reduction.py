"""How fast traces are reduced with counting beside charge alone, and how well ions are counted.

python -P benchmarks/reduction.py [speed] [rates] [times] [gain]; all four without arguments.

speed: shots of the simulated beam line with 28 ions per cluster at the maximum, V1 to V33.  rates: ions at random, 0.01 to 0.6
per dead time.  times: in which bin a pulse is put by its highest sample and by three finer ways.  gain: variance of the place
of a peak from charge over that from counts, at rising rates.
"""

import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from config.laboratory import read_laboratory
from daq.record.blocks import ShotBlock, Step, TraceAxis
from daq.reduce import Counts, Reducer
from daq.reduce.counting import MARGIN
from simulators.world.beamline import Beamline
from simulators.world.conditions import Capture
from simulators.world.truth import read_truth
from tests.daq.reduce.test_counting import drawn, ions_of, seen
from tests.simulators.world.test_beamline import GOOD

SHOTS, BLOCKS, TURNS = 40, 25, 7
PULSE_ns = 3.0 / 2.3548


def speed() -> None:
    for samples, interval_s in ((100_000, 2e-9), (200_000, 1e-9)):
        numbers, step = np.arange(SHOTS), Step(0, 0.0, 0.01, 25.0, 6.0, 432.0)
        capture = Capture(1, samples, interval_s, 0.0, 0.4 / 65536, 0.15)
        shots = [replace(GOOD, t0_s=number / 20) for number in numbers.tolist()]
        block = ShotBlock(0, 0, numbers, numbers / 20, Beamline(read_truth(), 5).expose(shots, numbers, capture)[:, None, :])
        axis = TraceAxis(0.0, interval_s, samples, (0.4 / 65536,), (0.15,))
        rates: dict[bool, list[float]] = {True: [], False: []}
        for counting in TURNS * (True, False):
            reducer = Reducer(axis, "V", range(1, 34), read_laboratory()[1], counting=counting)
            began = time.process_time()
            for _ in range(BLOCKS):
                reducer.add(step, block)
            rates[counting].append(BLOCKS * SHOTS / (time.process_time() - began))
        both, alone = (statistics.median(rates[counting]) for counting in (True, False))
        print(
            f"speed, {samples:,} samples: {both:,.0f} shots/s of one core with counting (limit 2,000), "
            f"charge alone {alone:,.0f}: ratio {both / alone:.2f}"
        )


def rates() -> None:
    rng = np.random.default_rng(1)
    for interval_ns in (1.0, 2.0):
        for per_bin in (0.01, 0.03, 0.1, 0.3, 0.6):
            total = Counts(np.zeros(1, np.int64), np.zeros(1, np.int64))
            for _ in range(round(max(4, 1 / per_bin))):
                one = seen(drawn(rng, 4000, 150, interval_ns, per_bin), interval_ns)
                total = total + Counts(one.ions.sum(keepdims=True), one.live.sum(keepdims=True))
            bias, error = total.rate[0] / per_bin - 1, np.sqrt(total.variance[0]) / per_bin
            print(f"rates, {interval_ns:g} ns: {per_bin:g} ions per dead time come back {bias:+.2%} ± {error:.2%}")


def times() -> None:
    rng, count = np.random.default_rng(2), 200_000
    for interval_ns, added in ((2.0, 1), (1.0, 3)):
        per, sample = round(6 / interval_ns), np.arange(-15, 16)
        off, phase = rng.uniform(-0.5, 0.5, count), rng.integers(0, per, count)
        wave = rng.exponential(150.0, count)[:, None] * np.exp(-0.5 * ((sample - off[:, None]) * interval_ns / PULSE_ns) ** 2)
        codes = np.rint(wave + rng.normal(0, 3.0, wave.shape))
        codes = np.sum([codes[:, i : i + wave.shape[1] - added + 1] for i in range(added)], axis=0)
        threshold = 5 * 3.0 * np.sqrt(added)
        found = codes.max(axis=1) >= threshold
        codes, off, phase = codes[found], off[found], phase[found]
        row, top = np.arange(len(codes)), codes.argmax(axis=1)
        before, at, after = (np.log(np.maximum(codes[row, top + i], 1.0)) for i in (-1, 0, 1))
        ways = {
            "highest sample": top.astype(float),
            "parabola through logarithms": top
            + np.clip((before - after) / 2 / np.minimum(before - 2 * at + after, -0.1), -0.5, 0.5),
            "constant fraction 0.5": crossing(codes, top, codes[row, top] / 2),
            "threshold": crossing(codes, top, np.full(len(codes), threshold)),
        }
        for name, when in ways.items():
            late = when + added // 2 - 15 - off
            late -= np.median(late)
            wrong = np.floor((off + late + 0.5 + phase) / per) != np.floor((off + 0.5 + phase) / per)
            print(
                f"times, {interval_ns:g} ns, {name}: rms {interval_ns * late.std():.2f} ns, {wrong.mean():.1%} in a wrong bin"
            )


def crossing(codes: np.ndarray, top: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Where each row last rises through its level before its highest sample, between two samples."""
    row, below = np.arange(len(codes)), top.copy()
    for _ in range(12):
        below = np.where((codes[row, below] >= level) & (below > 0), below - 1, below)
    low, high = codes[row, below], codes[row, below + 1]
    return below + (level - low) / np.where(high == low, 1.0, high - low)


def gain() -> None:
    """Of ions in a Gaussian of 12 ns rms, noise included."""
    rng, bins, shots = np.random.default_rng(3), 30, 2000
    place = np.arange(bins) - bins / 2
    for per_shot in (0.05, 0.2, 0.5, 1.0, 3.0, 10.0):
        means = []
        for _ in range(200):
            shot = np.repeat(np.arange(shots), rng.poisson(per_shot, shots))
            at = (MARGIN[0] + bins / 2) * 3 + rng.normal(0, 12 / 2, len(shot))
            codes = ions_of(rng, shot, at, shots, (bins + sum(MARGIN)) * 3, 2.0, 0.0)
            counts = seen(codes, 2.0)
            inside = codes[:, 0, 3 * MARGIN[0] : -3 * MARGIN[1]].astype(float).mean(axis=0) + 500.3
            charge = inside.reshape(bins, 3).sum(axis=1)
            means.append([place @ counts.rate / counts.rate.sum(), place @ charge / charge.sum()])
        counted, integrated = np.var(means, axis=0)
        best = 2.0**2 / (shots * per_shot)  # bins squared
        print(
            f"gain, {counts.rate.max():.3f} ions per dead time at the maximum: variance from charge over that from counts "
            f"{integrated / counted:.2f}, that of {shots * per_shot:.0f} ions themselves {best / counted:.2f}"
        )


if __name__ == "__main__":
    for name in sys.argv[1:] or ("speed", "rates", "times", "gain"):
        {"speed": speed, "rates": rates, "times": times, "gain": gain}[name]()
