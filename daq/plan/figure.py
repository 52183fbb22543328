"""The time line of a shot, drawn to scale: channels, jitter, velocity, and when the ions arrive.

Matplotlib is imported when a figure is drawn, so that a headless import stays light.
"""

from typing import TYPE_CHECKING

from config.calibration import Calibrations
from config.laboratory import Laboratory
from daq.conversions.flight_time import cluster_mass_u, undeflected_time_s
from daq.plan.plan import Plan
from daq.plan.timing import ShotTiming, TimedEvent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WORDS = {
    "gas_valve": "gas valve",
    "flash_lamp": "flash lamp",
    "q_switch": "Q-switch",
    "chopper": "chopper open",
    "ionisation": "ionisation laser",
    "digitizer": "digitizer",
}
INK, BEAM, JITTER, GREY = "#1a1a1a", "#1f5fa8", "#e07b00", "#8a8a8a"
SMALL, SIZE = 7.5, 9.0
HEIGHT = 0.55
"""Of a pulse, in rows."""
MARK = 0.004
"""Least width of a pulse as drawn, in parts of the axis; shorter ones are marked with a line."""


def time_line_figure(plan: Plan, timing: ShotTiming, laboratory: Laboratory, calibrations: Calibrations) -> "Figure":
    """Above: all channels of one shot from T0 to its last event; below: what the digitizer sees, from the light to the
    heaviest cluster.  A figure of its own, not one of pyplot's: save it with `savefig`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 5.6), dpi=160)
    grid = figure.add_gridspec(2, 1, height_ratios=(3.2, 1.0), left=0.15, right=0.97, top=0.91, bottom=0.1, hspace=0.42)
    velocity_m_s = _velocity_m_s(timing, calibrations)
    figure.suptitle(
        f"A shot of “{plan.title}”: {velocity_m_s:.0f} m/s, one every {1e3 / timing.rate_Hz:g} ms", fontsize=SIZE + 1, x=0.56
    )
    _channels(figure.add_subplot(grid[0]), timing, laboratory)
    _arrivals(figure.add_subplot(grid[1]), plan, calibrations)
    return figure


def _velocity_m_s(timing: ShotTiming, calibrations: Calibrations) -> float:
    at = {event.name: event.time_s for event in timing.events}
    flight_s = at["ionisation"] - at["chopper"] - calibrations.velocity.time_zero_s.value
    return calibrations.velocity.flight_path_m / flight_s


def _channels(axes: "Axes", timing: ShotTiming, laboratory: Laboratory) -> None:
    events = [event for event in timing.events if event.name in WORDS]
    span_ms = 1.12 * 1e3 * max(event.time_s + event.width_s for event in events)
    for row, event in enumerate(reversed(events)):
        _pulse(axes, row, event, span_ms)
    rows = {event.name: row for row, event in enumerate(reversed(events))}
    at_ms = {event.name: 1e3 * event.time_s for event in events}
    left_ms = at_ms["q_switch"] + 1e3 * laboratory.timing.source_residence_s
    _span(axes, at_ms["q_switch"], left_ms, rows["q_switch"] - 0.5, "in the source")
    _span(axes, left_ms, at_ms["chopper"], rows["q_switch"] - 0.5, "to the chopper")
    _span(axes, at_ms["chopper"], at_ms["ionisation"], rows["chopper"] - 0.5, "through the magnet")
    axes.set_yticks(range(len(events)), [_label(event) for event in reversed(events)], fontsize=SMALL)
    axes.set_ylim(-0.75, len(events) - 0.2)
    axes.set_xlim(-0.02 * span_ms, span_ms)
    axes.set_xlabel("after T0 / ms", fontsize=SIZE)
    axes.tick_params(labelsize=SMALL, direction="in")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _label(event: TimedEvent) -> str:
    output = "" if event.output == event.name else f"  ({event.output})"
    return f"{WORDS[event.name]}{output}"


def _pulse(axes: "Axes", row: int, event: TimedEvent, span_ms: float) -> None:
    """The pulse to scale, its jitter as a band of ± one standard deviation, and in words what is too small to see."""
    start_ms, width_ms, jitter_ms = 1e3 * event.time_s, 1e3 * event.width_s, 1e3 * event.jitter_s
    axes.plot([-0.02 * span_ms, span_ms], [row, row], color=GREY, linewidth=0.4, zorder=0)
    color = BEAM if event.name == "chopper" else INK
    axes.broken_barh([(start_ms, width_ms)], (row, HEIGHT), color=color, zorder=2)
    if width_ms < MARK * span_ms:
        axes.plot([start_ms, start_ms], [row, row + HEIGHT], color=color, linewidth=1.2, zorder=2)
    if jitter_ms:
        axes.axvspan(start_ms - jitter_ms, start_ms + jitter_ms, color=JITTER, alpha=0.35, linewidth=0.8, zorder=1)
    jitter = f", ± {1e6 * jitter_ms:g} ns" if jitter_ms else ""
    words = f"{start_ms:.4f} ms, {1e3 * width_ms:g} µs long{jitter}"
    ends_ms = start_ms + max(width_ms, MARK * span_ms)
    if ends_ms < 0.7 * span_ms:
        axes.text(ends_ms + 0.008 * span_ms, row + 0.12, words, fontsize=SMALL, color=INK)
    else:
        axes.text(start_ms - 0.008 * span_ms, row + 0.12, words, fontsize=SMALL, color=INK, ha="right")


def _span(axes: "Axes", start_ms: float, end_ms: float, row: float, words: str) -> None:
    axes.annotate("", (end_ms, row), (start_ms, row), arrowprops={"arrowstyle": "<->", "color": BEAM, "linewidth": 0.8})
    axes.text((start_ms + end_ms) / 2, row + 0.08, words, fontsize=SMALL, color=BEAM, ha="center", va="bottom")


def _arrivals(axes: "Axes", plan: Plan, calibrations: Calibrations) -> None:
    """Undeflected flight times of the plan's sizes in the record."""
    record_us = plan.acquisition.duration_us
    first, last = plan.sizes
    shown = sorted({first, last, *(size for size in range(first, last + 1) if size % 5 == 0)})
    for size in range(first, last + 1):
        mass_u = cluster_mass_u(plan.element, size)
        time_us = 1e6 * float(undeflected_time_s(mass_u, calibrations.mass))
        inside = time_us < record_us
        axes.plot([time_us, time_us], [0, 1], color=BEAM if inside else GREY, linewidth=1.1 if inside else 0.6)
        if size in shown:
            axes.text(time_us, 1.08, f"{plan.element}{size}", fontsize=SMALL, ha="center", color=INK if inside else GREY)
    axes.axvspan(0, record_us, color=GREY, alpha=0.15, linewidth=0)
    axes.text(record_us, 0.5, " end of the record", fontsize=SMALL, color=GREY, va="center")
    axes.set_ylim(0, 1.4)
    axes.set_xlim(left=0, right=max(1.15 * record_us, axes.get_xlim()[1]))
    axes.set_yticks([])
    axes.set_xlabel("ions arrive after ionisation / µs", fontsize=SIZE)
    axes.tick_params(labelsize=SMALL, direction="in")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
