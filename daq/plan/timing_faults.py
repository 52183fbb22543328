"""What can be wrong with a shot's time line: with its lines on this delay generator, and with its rate in this laboratory."""

from collections.abc import Iterator, Mapping
from typing import Any

from config.laboratory import Event, Laboratory, Line, Role, Timing
from drivers.registry import driver_class
from drivers.roles import DelayLimits, TriggerLimits

MULTIPLE_TOLERANCE = 1e-6
LASERS: tuple[tuple[Role, Event], ...] = (("ablation laser", "flash_lamp"), ("ionisation laser", "ionisation"))


def line_faults(laboratory: Laboratory, timing: Timing, happens: Mapping[Event, float], rate_Hz: float) -> Iterator[str]:
    """Of the lines: `happens` says when each event is to happen after T0, in s."""
    limits: DelayLimits = _driver(laboratory, "delay generator").delay_limits
    outputs = [line.output for line in timing.lines.values()]
    for output in sorted({output for output in outputs if outputs.count(output) > 1}):
        names = " and ".join(name for name, line in timing.lines.items() if line.output == output)
        yield f"output {output} drives {names}; give each line its own output"
    for name, time_s in happens.items():
        yield from _one_line(name, time_s - timing.lines[name].insertion_delay_s, timing.lines[name], limits, 1 / rate_Hz)
    yield from _lamp_faults(laboratory, happens["q_switch"] - happens["flash_lamp"])


def _one_line(name: Event, edge_s: float, line: Line, limits: DelayLimits, period_s: float) -> Iterator[str]:
    if line.output not in limits.outputs:
        yield f"{name} is on output {line.output}; the delay generator has {', '.join(limits.outputs)}"
    if line.output in limits.fixed and abs(edge_s) >= limits.resolution_s:
        if line.insertion_delay_s and not edge_s + line.insertion_delay_s:
            yield f"{name} opens at T0, so that its insertion delay cannot be made up for; set it to 0"
        else:
            yield f"{name} is on output {line.output}, which cannot be delayed; put it on another"
    elif edge_s <= -limits.resolution_s:
        yield f"{name} would need a trigger {-edge_s * 1e6:.2f} us before T0; make valve_to_ablation_s longer"
    if line.width_s < limits.narrowest_s:
        yield f"{name} is {line.width_s:g} s long; the delay generator's shortest pulse is {limits.narrowest_s:g} s"
    end_s = edge_s + line.width_s
    if end_s > limits.longest_s:
        yield f"{name} ends {end_s:g} s after T0; the delay generator reaches {limits.longest_s:g} s"
    elif end_s + limits.dead_s > period_s:
        yield f"{name} ends {end_s * 1e3:.2f} ms after T0, later than the next T0 after {period_s * 1e3:.2f} ms; shoot slower"


def _lamp_faults(laboratory: Laboratory, delay_s: float) -> Iterator[str]:
    limits: TriggerLimits = _driver(laboratory, "ablation laser").trigger_limits
    if limits.lamp_to_q_switch_s is None:
        return
    shortest_s, longest_s = limits.lamp_to_q_switch_s
    if not shortest_s <= delay_s <= longest_s:
        yield (
            f"the Q-switch opens {delay_s * 1e6:g} us after the flash lamp; the laser takes {shortest_s * 1e6:g} to "
            f"{longest_s * 1e6:g} us (lamp_to_ablation_s)"
        )


def rate_faults(laboratory: Laboratory, timing: Timing, rate_Hz: float) -> Iterator[str]:
    """Of the rate: whether every unit takes it, and whether the chopper is in phase with it."""
    generator: DelayLimits = _driver(laboratory, "delay generator").delay_limits
    highest = {"delay generator": generator.highest_rate_Hz}
    for role, event in LASERS:
        limits: TriggerLimits = _driver(laboratory, role).trigger_limits
        own_Hz = timing.lines[event].highest_rate_Hz
        highest[role] = limits.highest_rate_Hz if own_Hz is None else min(own_Hz, limits.highest_rate_Hz)
    for unit, highest_Hz in highest.items():
        if rate_Hz > highest_Hz:
            yield f"rate_Hz = {rate_Hz:g} is more than the {highest_Hz:g} Hz that the {unit} takes"
    if timing.master == "chopper" and not generator.longest_divider:
        yield "this delay generator is not triggered from outside; it has to be the master, or the other one has to be used"
    multiple = timing.chopper.frequency_Hz / rate_Hz
    if multiple < 1 - MULTIPLE_TOLERANCE or abs(multiple - round(multiple)) > MULTIPLE_TOLERANCE:
        yield f"the chopper's {timing.chopper.frequency_Hz:g} Hz is not a whole multiple of the repetition rate {rate_Hz:g} Hz"


def _driver(laboratory: Laboratory, role: Role) -> Any:
    """The driver's class: its limits are known without the unit."""
    return driver_class(laboratory.instruments[laboratory.named(role)].driver)
