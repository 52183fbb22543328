"""Simulated Lake Shore 336: input A reads the cold head, output 1 heats it.  Source tags are those of the protocol sheet.

`*ESE`, `*SRE` and `*OPC` are not in the sheet and follow IEEE 488.2, `ANALOG` the maker's client (LS).  *Assumed*: any wrong,
missing or additional parameter is an execution error, a word that is not known or a message of more than 1024 characters a
command error; an empty parameter of `ALARM` and `RELAY` keeps its value (LS sends them so); the input of `RELAY` is a letter;
names are cut to 15 characters; numbers whose width the sheet does not give have a sign and up to seven characters; heater and
voltage percentages have the form of the Model 331; there is no option card, so inputs 5 to 8 are refused.

Also *assumed*: settings survive a power cycle, `*RST` is a power cycle without its event; set points go up to 400 K and `SETP?`
gives the end of a ramp; set points and alarm limits are in the preferred units; the derivative term and, in a closed loop, the
manual output do nothing; the manual output of 1 and 2 is not negative; in zone mode a zone is taken while the range is not 0;
an open or shorted heater is found when it is on, switches off, and is found again when switched on; input B to D and output 2
to 4 are connected to nothing that changes; an autotune takes a minute and fails at once where the loop does not regulate;
commands are obeyed in local mode; a panel that is locked (`LOCK`, `MODE 2`) cannot interfere; `OPSTR?` clears what it reads.
"""

import re
from collections.abc import Iterable
from typing import Any

from simulators.instruments.instrument import lines, unknown_fault
from simulators.instruments.lakeshore_336_inputs import (
    CELSIUS,
    HIGHEST_SET_K,
    KELVIN,
    LETTERS,
    OVER,
    SENSOR,
    SENSOR_FAULTS,
    UNITS_OVER,
    Input,
    Parameters,
    curve_header,
    gains,
    number,
    written,
)
from simulators.instruments.lakeshore_336_outputs import (
    CLOSED_LOOP,
    HEATER_FAULTS,
    OPEN_LOOP,
    WARM_UP,
    ZONES,
    Autotune,
    Output,
    Relay,
)
from simulators.world.cold_head import BASE_K, COOLING_W_PER_K, ROOM_K, ColdHead

CONTROL_S = 0.1
"""Ten readings a second (unconfirmed)."""
LONGEST = 1024
COMPLETE, EXECUTION_ERROR, COMMAND_ERROR, POWER_ON = 1, 16, 32, 128
"""Bits of `*ESR?`."""
EVENT, SERVICE, OPERATION = 32, 64, 128
"""Bits of `*STB?` (IEEE 488.2; the last one assumed)."""
ALARM, OVERLOAD, RAMPED_2, RAMPED_1, NEW_READING, TUNED, CALIBRATION = 1, 2, 4, 8, 16, 32, 64
"""Bits of `OPST?`."""
LOCAL, LOCKED_OUT = 0, 2
FLAG, BYTE, ANY = (0, 1), (0, 255), (-1e6, 1e6)
GAINS = ((0.1, 1000.0), (0.1, 1000.0), (0.0, 200.0))
SYNTAX = re.compile(r":?(\*?[A-Z]+)(?:(\?)\s*|\s+|$)(.*)", re.IGNORECASE | re.ASCII | re.DOTALL)
BETWEEN = re.compile(r';(?=(?:[^"]*"[^"]*")*[^"]*$)')
"""A semicolon that is not in a name."""
KINDS = ("wrong_identity", "front_panel", "warm", "calibration_error", *SENSOR_FAULTS, *HEATER_FAULTS)
NOTHING = Input("", kind=[0, 0, 0, 0, KELVIN], curve=0)
"""Input 0."""


class LakeShore336:
    """Temperature controller with one loop; other inputs read room temperature."""

    def __init__(self, cold_head: ColdHead) -> None:
        self._head = cold_head
        self._model = "MODEL336"
        self._control_s = 0.0
        self._inputs = {letter: Input("Cold head" if letter == "A" else f"Input {letter}") for letter in LETTERS}
        self._outputs = [Output(1, [CLOSED_LOOP, 1, 0]), Output(2, [CLOSED_LOOP, 2, 0]), Output(3, [0] * 3), Output(4, [0] * 3)]
        self._relays = (Relay(), Relay())
        self._lock = (0, 123)
        self._event_enable = self._service_enable = self._operation_enable = 0
        self._calibration = 0
        self._read()
        self.power_up(0.0)
        self._outputs[0].range = 3
        self._outputs[0].integral_W = self._steady_W()

    def power_up(self, now: float) -> None:
        self._restart()
        self._events = POWER_ON

    def temperature_K(self, now: float) -> float:
        """True temperature of the source; runs the control loops up to `now`."""
        while self._control_s + CONTROL_S <= now:
            self._control_s += CONTROL_S
            self._head.advance(self._control_s)
            self._read()
            self._control()
        return self._head.temperature_K

    def split(self, received: bytearray) -> Iterable[bytes]:
        return lines(received, b"\n", LONGEST)

    def answer(self, message: bytes, now: float) -> bytes:
        self.temperature_K(now)
        if len(message) > LONGEST:
            self._events |= COMMAND_ERROR
            return b""
        replies = []
        for text in BETWEEN.split(message.decode("latin-1")):
            if not text.strip():
                continue
            match = SYNTAX.fullmatch(text.strip())
            try:
                reply = self._one(match[1].upper() + (match[2] or ""), Parameters(match[3]), now) if match else None
            except ValueError:
                self._events |= EXECUTION_ERROR
                continue
            if reply is None:
                self._events |= COMMAND_ERROR
            elif match and match[2]:
                replies.append(reply)
        return (";".join(replies) + "\r\n").encode() if replies else b""

    def state(self, now: float) -> dict[str, Any]:
        temperature_K = self.temperature_K(now)
        first = self._outputs[0]
        return {
            "temperature_K": temperature_K,
            "set_temperature_K": first.target_K,
            "heater_W": self._head.heater_W,
            "range": first.range,
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        """Those of a sensor have an `input` (A), those of a heater an `output` (1); `present=False` ends them."""
        self.temperature_K(now)
        present = bool(parameters.get("present", True))
        match kind:
            case "wrong_identity":
                self._model = "MODEL335"
            case "front_panel":
                self._at_the_panel(parameters)
            case "warm":
                self._head.temperature_K = float(parameters.get("temperature_K", ROOM_K))
                self._read()
            case "calibration_error":
                self._calibration = CALIBRATION if present else 0
            case _ if kind in SENSOR_FAULTS:
                self._input(Parameters(str(parameters.get("input", "A")))).fault = SENSOR_FAULTS[kind] if present else 0
            case _ if kind in HEATER_FAULTS:
                output = self._output(Parameters(str(parameters.get("output", 1))), 1, 2)
                output.load = HEATER_FAULTS[kind] if present else 0
                if present and output.range:
                    output.range, output.told = 0, output.load
            case _:
                raise unknown_fault(kind, *KINDS)

    def _restart(self) -> None:
        """Outputs come back only where OUTMODE says so."""
        for output in self._outputs:
            output.range *= output.mode[2]
            output.set_K, output.integral_W, output.level = output.target_K, 0.0, 0.0
        self._tuning = Autotune()
        self._mode = LOCAL
        self._live = self._latched = 0
        for one in self._inputs.values():
            one.high = one.low = False

    def _at_the_panel(self, parameters: dict[str, Any]) -> None:
        """Somebody takes control and may change the heater's `range` and the set point, `set_temperature_K`."""
        if self._mode == LOCKED_OUT or self._lock[0]:
            return
        self._mode = LOCAL
        self._outputs[0].range = int(parameters.get("range", self._outputs[0].range))
        self._outputs[0].target_K = float(parameters.get("set_temperature_K", self._outputs[0].target_K))

    def _steady_W(self) -> float:
        """The heater's power at the warm start, where the loop has regulated for long."""
        return COOLING_W_PER_K * (self._head.temperature_K - BASE_K) if self._head.temperature_K < 30 else 0.0

    def _read(self) -> None:
        self._inputs["A"].temperature_K = self._head.temperature_K
        for one in self._inputs.values():
            one.read()
            one.watch()

    def _control(self) -> None:
        if any(one.too_hot for one in self._inputs.values()):
            for output in self._outputs:
                output.range = 0
        for output in self._outputs:
            output.ramp(CONTROL_S)
            if output.mode[0] == ZONES and output.range:
                output.load_zone()
            if output.range or output.level or output.integral_W:
                output.drive(self._sensor(output.mode[1]), self._sensor(int(output.analog[0])), CONTROL_S)
        self._head.heater_W = self._outputs[0].power_W
        tuned = self._tuning.output
        self._tuning.step(self._control_s, tuned is not None and self._regulates(tuned))
        live = self._operation()
        self._latched |= live & ~self._live | NEW_READING
        self._live = live

    def _sensor(self, of: int) -> Input:
        return self._inputs[LETTERS[of - 1]] if of else NOTHING

    def _regulates(self, output: Output) -> bool:
        return output.mode[0] == CLOSED_LOOP and bool(output.range) and not self._sensor(output.mode[1]).status

    def _operation(self) -> int:
        """What OPST tells."""
        bits = NEW_READING | self._calibration | (TUNED if self._tuning.done else 0)
        for one in self._inputs.values():
            bits |= (ALARM if one.high or one.low else 0) | (OVERLOAD if one.fault & (UNITS_OVER | OVER) else 0)
        for output, bit in zip(self._outputs, (RAMPED_1, RAMPED_2), strict=False):
            bits |= bit if output.ramp_on and not output.ramping else 0
        return bits

    def _status(self) -> int:
        bits = EVENT if self._events & self._event_enable else 0
        bits |= OPERATION if self._latched & self._operation_enable else 0
        return bits | (SERVICE if bits & self._service_enable else 0)

    def _input(self, p: Parameters) -> Input:
        return self._inputs[p.input()]

    def _output(self, p: Parameters, first: int = 1, last: int = 4) -> Output:
        return self._outputs[p.whole(first, last) - 1]

    def _one(self, word: str, p: Parameters, now: float) -> str | None:
        """One command or query: its answer, `None` for a word that is not known."""
        for some in (self._of_unit, self._of_input, self._of_output, self._of_relay):
            reply = some(word, p, now)
            if reply is not None:
                p.end()
                return reply
        return None

    def _of_unit(self, word: str, p: Parameters, now: float) -> str | None:
        """Status, interface and panel."""
        reply = ""
        match word:
            case "*IDN?":
                reply = f"LSCI,{self._model},LSA165V/#######,2.7"
            case "*RST":
                p.end()
                self._restart()
            case "*CLS":
                p.end()
                self._events = self._latched = 0
            case "*ESR?":
                reply, self._events = str(self._events), 0
            case "*ESE?":
                reply = str(self._event_enable)
            case "*ESE":
                self._event_enable = p.last(*BYTE)
            case "*STB?":
                reply = str(self._status())
            case "*SRE?":
                reply = str(self._service_enable)
            case "*SRE":
                self._service_enable = p.last(*BYTE)
            case "*OPC?":
                reply = "1"
            case "*OPC":
                p.end()
                self._events |= COMPLETE
            case "*TST?":
                reply = "0"
            case "OPST?":
                reply = str(self._operation())
            case "OPSTR?":
                reply, self._latched = str(self._latched), 0
            case "OPSTE?":
                reply = str(self._operation_enable)
            case "OPSTE":
                self._operation_enable = p.last(*BYTE)
            case "MODE?":
                reply = str(self._mode)
            case "MODE":
                self._mode = p.last(LOCAL, LOCKED_OUT)
            case "LOCK?":
                reply = f"{self._lock[0]},{self._lock[1]:03d}"
            case "LOCK":
                locked, code = p.rest(FLAG, (0, 999))
                self._lock = int(locked), int(code)
            case _:
                return None
        return reply

    def _of_input(self, word: str, p: Parameters, now: float) -> str | None:
        """Readings and how they are made."""
        reply = ""
        match word:
            case "KRDG?":
                reply = ",".join(number(self._inputs[one].reading(KELVIN)) for one in p.inputs())
            case "CRDG?":
                reply = ",".join(number(self._inputs[one].reading(CELSIUS)) for one in p.inputs())
            case "SRDG?":
                reply = ",".join(number(self._inputs[one].reading(SENSOR)) for one in p.inputs())
            case "RDGST?":
                reply = f"{self._input(p).status:03d}"
            case "CRVHDR?":
                reply = curve_header(p.whole(1, 59))
            case "INTYPE?":
                reply = written(self._input(p).kind)
            case "INTYPE":
                one = self._input(p)
                one.set_kind([int(value) for value in p.rest((0, 5), FLAG, (0, 8), FLAG, (KELVIN, SENSOR))])
            case "INCRV?":
                reply = str(self._input(p).curve)
            case "INCRV":
                self._input(p).set_curve(p.last(0, 59))
            case "INNAME?":
                reply = self._input(p).name
            case "INNAME":
                one = self._input(p)
                one.name = p.name()
            case "FILTER?":
                reply = written(self._input(p).filter)
            case "FILTER":
                one = self._input(p)
                one.filter = p.rest(FLAG, (2, 64), (1, 10))
            case "TLIMIT?":
                reply = number(self._input(p).limit_K)
            case "TLIMIT":
                one = self._input(p)
                one.limit_K = p.rest((0.0, 1500.0))[0]
            case "ALARM?":
                reply = written(self._input(p).alarm)
            case "ALARM":
                one = self._input(p)
                one.alarm = p.rest(FLAG, ANY, ANY, (0.0, 1e6), FLAG, FLAG, FLAG, keep=one.alarm)
            case "ALARMST?":
                one = self._input(p)
                reply = f"{one.high:d},{one.low:d}"
            case _:
                return None
        return reply

    def _of_output(self, word: str, p: Parameters, now: float) -> str | None:
        """Loops, heaters and voltages."""
        reply = ""
        match word:
            case "SETP?":
                output = self._output(p)
                reply = number(self._sensor(output.mode[1]).shown(output.target_K))
            case "SETP":
                output = self._output(p)
                output.target_K = self._sensor(output.mode[1]).set_K(p.rest(ANY)[0])
            case "RAMP?":
                output = self._output(p)
                reply = f"{output.ramp_on},{output.ramp_K_min:+.1f}"
            case "RAMP":
                self._output(p).set_ramp(*p.rest(FLAG, (0.0, 100.0)))
            case "RAMPST?":
                reply = f"{self._output(p).ramping:d}"
            case "RANGE?":
                reply = str(self._output(p).range)
            case "RANGE":
                output = self._output(p)
                output.range = p.last(0, output.highest_range)
            case "PID?":
                reply = gains(self._output(p).pid)
            case "PID":
                output = self._output(p)
                output.pid = p.rest(*GAINS)
            case "MOUT?":
                reply = number(self._output(p).manual)
            case "MOUT":
                output = self._output(p)
                output.manual = p.rest((0.0 if output.is_heater else -100.0, 100.0))[0]
            case "OUTMODE?":
                reply = written(self._output(p).mode)
            case "OUTMODE":
                output = self._output(p)
                output.mode = [int(value) for value in p.rest((0, OPEN_LOOP if output.is_heater else WARM_UP), (0, 4), FLAG)]
            case "HTR?":
                reply = f"{self._output(p, 1, 2).percent:+06.1f}"
            case "AOUT?":
                reply = f"{self._output(p, 3, 4).percent:+06.1f}"
            case "HTRST?":
                output = self._output(p, 1, 2)
                reply, output.told = str(output.told), 0
            case "HTRSET?":
                resistance, most, user_A, shown = self._output(p, 1, 2).heater
                reply = f"{resistance},{most},{user_A:g},{shown}"
            case "HTRSET":
                output = self._output(p, 1, 2)
                output.heater = p.rest((1, 2), (0, 4), (0.0, 2.0), (1, 2))
            case "ANALOG?":
                reply = written(self._output(p, 3, 4).analog)
            case "ANALOG":
                output = self._output(p, 3, 4)
                output.analog = p.rest((0, 4), (KELVIN, SENSOR), ANY, ANY, FLAG)
            case "ZONE?":
                bound_K, *pid, manual, heater, sensor, rate = self._output(p).zones[p.whole(1, 10)]
                reply = f"{number(bound_K)},{gains(pid)},{number(manual)},{heater},{sensor},{rate:+.1f}"
            case "ZONE":
                output, zone = self._output(p), p.whole(1, 10)
                bounds = ((0.0, 100.0), (0, output.highest_range), (0, 4), (0.0, 100.0))
                output.zones[zone] = p.rest((0.0, HIGHEST_SET_K), *GAINS, *bounds)
            case "TUNEST?":
                reply = self._tuning.told()
            case "ATUNE":
                output = self._output(p)
                self._tuning = Autotune(output, p.last(0, 2), now)
                self._tuning.step(now, self._regulates(output))
            case _:
                return None
        return reply

    def _of_relay(self, word: str, p: Parameters, now: float) -> str | None:
        """Relays and alarms."""
        reply = ""
        match word:
            case "RELAY?":
                relay = self._relays[p.whole(1, 2) - 1]
                reply = f"{relay.mode},{relay.input},{relay.kind}"
            case "RELAY":
                self._relays[p.whole(1, 2) - 1].set(p)
            case "RELAYST?":
                reply = f"{self._relays[p.whole(1, 2) - 1].closed(self._inputs):d}"
            case "ALMRST":
                p.end()
                for one in self._inputs.values():
                    one.high = one.low = False
                    one.watch()
            case _:
                return None
        return reply
