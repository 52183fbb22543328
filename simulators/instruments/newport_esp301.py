"""Simulated Newport ESP301 with an ILS100CCL stage on axes 1 and 2.  Letters are the source tags of the protocol sheet.

*Assumed*, where the sheet is silent or unconfirmed: echo is off and cannot be switched on; every reply stands on its own line;
a line over 80 characters is error 6; `WT` takes milliseconds; commands that arrive while others are held back wait behind
them, `ST` too; a wait for a position ends at the latest with the motion; an eleventh error is lost; numbers have the decimals
of TP; the motors are off and the position is 0 after power-up; the stages run 51 mm to either side of the home mark; 10 mm/s
and 40 mm/s^2 (they give the times of L), at most 100 mm/s and 400 mm/s^2; MD goes to 0 2 ms after the command; a move during a
move brakes first; a target beyond a software limit is refused (x06, x07), at a hardware limit the stage stops dead; `AB` and a
following error take the motor power away; the index of the home search takes 0.5 s; angles are no units of a stage (x01);
read-only parameters refuse a value (27); axis 3 answers reports and refuses what needs a stage (308); what `SM` stored comes
back at power-up; the codes of `TX`, `ZB`, `ZH`, `FR`, `QS`, `SU`; PH has the home signal within 0.5 mm of the mark.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable
from math import inf, sqrt
from typing import Any

from simulators.instruments.instrument import lines, unknown_fault

LINE, QUEUE, TICK_S = 80, 10, 400e-6
GRID_mm, REACH_mm, INDEX_s, START_S = 0.0005, 51.0, 0.5, 0.002
UNITS: dict[int, tuple[float, int]] = {
    0: (GRID_mm, 0), 1: (GRID_mm, 0), 2: (1.0, 4), 3: (1e-3, 1), 4: (25.4, 6), 5: (0.0254, 3), 6: (25.4e-6, 0),
}  # fmt: skip
"""mm in the unit, and decimals."""
ESTOP, COMMAND, RANGE, AXIS, NOT_ALLOWED, NO_AXIS, NO_PARAMETER = 4, 6, 7, 9, 27, 37, 38
GENERAL = {
    0: "NO ERROR DETECTED",
    ESTOP: "EMERGENCY STOP ACTIVATED",
    COMMAND: "COMMAND DOES NOT EXIST",
    RANGE: "PARAMETER OUT OF RANGE",
    AXIS: "AXIS NUMBER OUT OF RANGE",
    NOT_ALLOWED: "COMMAND NOT ALLOWED",
    NO_AXIS: "AXIS NUMBER MISSING",
    NO_PARAMETER: "COMMAND PARAMETER MISSING",
}
X_RANGE, X_FOLLOWING, X_HARD, X_SOFT, X_STAGE = 1, 3, 4, 6, 8
X_VELOCITY, X_ACCELERATION, X_OFF, X_ABORTED, X_HOMING = 10, 11, 13, 20, 30
OF_AXIS = {
    X_RANGE: "PARAMETER OUT OF RANGE",
    X_FOLLOWING: "FOLLOWING ERROR THRESHOLD EXCEEDED",
    X_HARD: "POSITIVE HARDWARE LIMIT DETECTED",
    X_HARD + 1: "NEGATIVE HARDWARE LIMIT DETECTED",
    X_SOFT: "POSITIVE SOFTWARE LIMIT DETECTED",
    X_SOFT + 1: "NEGATIVE SOFTWARE LIMIT DETECTED",
    X_STAGE: "MOTOR/STAGE NOT CONNECTED",
    X_VELOCITY: "MAXIMUM VELOCITY EXCEEDED",
    X_ACCELERATION: "MAXIMUM ACCELERATION EXCEEDED",
    X_OFF: "MOTOR NOT ENABLED",
    X_ABORTED: "HOMING ABORTED",
    X_HOMING: "COMMAND NOT ALLOWED DURING HOMING",
}
SYNTAX = re.compile(r"(\d{0,3})([A-Z]{2})(.*)")
READ_ONLY = frozenset(("VE", "TB", "TE", "TS", "TX", "PH", "MD", "ID", "TP", "DP", "TV", "ZB", "ZH", "FR", "QS", "SU"))
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(E[+-]?\d{1,2})?")
DEFAULTS = {
    "VA": 10.0, "VU": 100.0, "AC": 40.0, "AG": 40.0, "AU": 400.0, "AE": 400.0, "JK": 1600.0, "SL": -50.0, "SR": 50.0, "SN": 2.0,
}  # fmt: skip
"""In mm and s."""


class Refused(Exception):
    """A command that leaves an error in the queue."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


class Axis:
    """One axis; places are mm from the home mark, positions mm from where the controller believes zero to be."""

    def __init__(self, number: int, stage: str, place_mm: float) -> None:
        self.number, self.stage, self.place_mm = number, stage, place_mm
        self.stored = dict(DEFAULTS)
        self.stalled, self.switch = False, 0
        self.power_up()

    def power_up(self) -> None:
        self.values = dict(self.stored)
        self.motor, self.zero_mm, self.desired_mm, self.home_mode = False, self.place_mm, 0.0, 1
        self.segments: list[tuple[float, float, float, float]] = []
        self.end_s, self.start_s = -1.0, -1.0
        self.ending: Callable[[], None] | None = None
        self.homing = False

    @property
    def unit(self) -> tuple[float, int]:
        return UNITS[int(self.values["SN"])]

    def show(self, value_mm: float) -> str:
        size_mm, decimals = self.unit
        return f"{round(value_mm / size_mm, decimals) + 0.0:.{decimals}f}" if self.stage else "0.000"

    def at(self, now: float) -> tuple[float, float]:
        """Place and velocity."""
        if now >= self.end_s or not self.segments:
            return self.place_mm, 0.0
        if now < self.segments[0][0]:
            return self.segments[0][1], 0.0
        start_s, place_mm, velocity, acceleration = next(one for one in reversed(self.segments) if one[0] <= now)
        elapsed = now - start_s
        return place_mm + velocity * elapsed + acceleration * elapsed**2 / 2, velocity + acceleration * elapsed

    def position_mm(self, now: float) -> float:
        return round((self.at(now)[0] - self.zero_mm) / GRID_mm) * GRID_mm

    def moving(self, now: float) -> bool:
        return self.start_s <= now < self.end_s

    def stop(self, now: float, deceleration: float) -> None:
        """Brake to standstill from now on, whatever was going on."""
        place_mm, velocity = self.at(now)
        busy_s = abs(velocity) / deceleration
        self.place_mm = place_mm + velocity * busy_s / 2
        slowing = -deceleration if velocity > 0 else deceleration
        self.segments = [(now, place_mm, velocity, slowing), (now + busy_s, self.place_mm, 0.0, 0.0)]
        self.desired_mm = self.place_mm - self.zero_mm
        self.start_s, self.end_s, self.ending, self.homing = now, now + busy_s, None, False

    def go(self, now: float, target_mm: float) -> None:
        """Move with the set velocity and accelerations, as far as the hardware lets it."""
        self.stop(now, self.values["AG"])
        begin_s = max(now + START_S, self.end_s)
        self.start_s = now if self.end_s > now else begin_s
        distance = target_mm - self.place_mm
        sign = 1.0 if distance > 0 else -1.0
        up, down = self.values["AC"], self.values["AG"]
        velocity = min(self.values["VA"], sqrt(2 * abs(distance) / (1 / up + 1 / down)))
        cruise_s = (abs(distance) - velocity**2 / 2 * (1 / up + 1 / down)) / velocity if velocity > 0 else 0.0
        at_s, place_mm, speed = begin_s, self.place_mm, 0.0
        for lasts_s, acceleration in ((velocity / up, up), (cruise_s, 0.0), (velocity / down, -down)):
            self.segments.append((at_s, place_mm, sign * speed, sign * acceleration))
            place_mm += sign * (speed * lasts_s + acceleration * lasts_s**2 / 2)
            speed, at_s = speed + acceleration * lasts_s, at_s + lasts_s
        self.segments.append((at_s, target_mm, 0.0, 0.0))
        self.end_s, self.place_mm = at_s, target_mm
        if abs(target_mm) > REACH_mm and sign * target_mm > 0:
            self.end_s, self.place_mm = self.passes_s(sign * REACH_mm, begin_s), sign * REACH_mm

    def passes_s(self, place_mm: float, since_s: float) -> float:
        """When the motion passes this place; its end where it never does."""
        low_s, high_s = since_s, max(since_s, self.end_s)
        before = self.at(low_s)[0] < place_mm
        if before == (self.place_mm < place_mm):
            return high_s
        for _ in range(60):
            middle_s = (low_s + high_s) / 2
            low_s, high_s = (middle_s, high_s) if (self.at(middle_s)[0] < place_mm) == before else (low_s, middle_s)
        return high_s

    def limit(self, now: float) -> int:
        """1 or -1 while that travel limit is active."""
        place_mm = self.at(now)[0]
        return self.switch or (0 if abs(place_mm) < REACH_mm else 1 if place_mm > 0 else -1)


TOLD: dict[str, Callable[[Axis, float], str]] = {
    "ID": lambda one, now: one.stage or "Unknown",
    "TP": lambda one, now: one.show(one.position_mm(now)),
    "DP": lambda one, now: one.show(one.desired_mm),
    "TV": lambda one, now: one.show(one.at(now)[1]),
    "ZB": lambda one, now: "100H",
    "ZH": lambda one, now: "24H",
    "FR": lambda one, now: f"{GRID_mm:.4f}",
    "QS": lambda one, now: "1",
    "SU": lambda one, now: f"{GRID_mm:.4f}",
}
"""What an axis tells at any time."""
ASKED: dict[str, Callable[[Axis, float], str]] = {
    "MO": lambda one, now: str(int(one.motor)),
    "MF": lambda one, now: str(int(not one.motor)),
    "PA": lambda one, now: one.show(one.desired_mm),
    "MV": lambda one, now: str(int(not one.moving(now))),
    "MT": lambda one, now: str(int(not one.moving(now))),
    "SN": lambda one, now: str(int(one.values["SN"])),
}
"""What a command's word with a question mark asks for."""
SETTABLE: dict[str, tuple[int, Callable[[Axis, float], bool]]] = {
    "SL": (X_RANGE, lambda one, new: new < one.values["SR"]),
    "SR": (X_RANGE, lambda one, new: new > one.values["SL"]),
    "VA": (X_VELOCITY, lambda one, new: new <= one.values["VU"]),
    "VU": (X_VELOCITY, lambda one, new: new <= DEFAULTS["VU"]),
    "AC": (X_ACCELERATION, lambda one, new: new <= one.values["AU"]),
    "AG": (X_ACCELERATION, lambda one, new: new <= one.values["AU"]),
    "AU": (X_ACCELERATION, lambda one, new: new <= DEFAULTS["AU"]),
    "AE": (X_ACCELERATION, lambda one, new: new <= DEFAULTS["AU"]),
    "JK": (X_RANGE, lambda one, new: new <= 10 * DEFAULTS["JK"]),
}
"""Numbers of an axis: the error of one that is not allowed, and which are."""


class ESP301:
    """Three axes; replies that a wait held back come by themselves.  `homed` ones stand at their zero, motors
    on."""

    def __init__(self, homed: bool = False) -> None:
        self._version = "ESP301 Version 1.1.1 16/01/14"
        self._axes = [Axis(1, "ILS100CCL, SNB171743", -31.0265), Axis(2, "ILS100CCL, SNB171744", 12.5), Axis(3, "", 0.0)]
        self._estop = False
        for axis in self._axes if homed else ():
            axis.place_mm = 0.0
        self.power_up(0.0)
        for axis in self._axes:
            axis.motor = homed and bool(axis.stage)

    def power_up(self, now: float) -> None:
        self._powered_s = now
        self._errors: deque[tuple[int, float]] = deque()
        self._held: deque[str] = deque()
        self._wait_s: Callable[[], float] | None = None
        self._said = b""
        for axis in self._axes:
            axis.place_mm = axis.at(now)[0]
            axis.power_up()

    def position_mm(self, axis: int, now: float) -> float:
        """Where the stage really is, from its home mark."""
        self._advance(now)
        return self._axes[axis - 1].at(now)[0]

    def split(self, received: bytearray) -> Iterable[bytes]:
        return lines(received, b"\r", longest=1024)

    def answer(self, message: bytes, now: float) -> bytes:
        self._advance(now)
        text = message.decode("latin-1").lstrip("\n").upper()
        if len(text) > LINE:
            self._fail(COMMAND, now)
        else:
            self._held.extend(part for part in text.replace(" ", "").split(";") if part)
        return self.speak(now)

    def speak(self, now: float) -> bytes:
        self._advance(now)
        said, self._said = self._said, b""
        return said

    def state(self, now: float) -> dict[str, Any]:
        self._advance(now)
        return {
            "places_mm": [axis.at(now)[0] for axis in self._axes],
            "positions_mm": [axis.position_mm(now) for axis in self._axes],
            "moving": [axis.moving(now) for axis in self._axes],
            "motors_on": [axis.motor for axis in self._axes],
            "errors": [code for code, _ in self._errors],
            "held_back": len(self._held),
        }

    def fault(self, kind: str, now: float, **parameters: Any) -> None:
        self._advance(now)
        axis = self._axes[int(parameters.get("axis", 1)) - 1]
        lasting = bool(parameters.get("present", not parameters.get("cleared", False)))
        match kind:
            case "wrong_identity":
                self._version = "ESP300 Version 3.08 06/27/02"
            case "hardware_limit":
                side = -1 if parameters.get("side", "positive") == "negative" else 1
                axis.switch = side if lasting else 0
                if lasting:
                    axis.stop(now, axis.values["AE"])
                    self._fail(axis.number * 100 + X_HARD + (side < 0), now)
            case "stall":
                axis.stalled = lasting
                if lasting and axis.moving(now):
                    self._lose_track(axis, now)
            case "emergency_stop":
                self._estop = lasting
                if lasting:
                    self._fail(ESTOP, now)
                    for one in self._axes:
                        self._power_off(one, now)
            case "motor_off":
                self._power_off(axis, now)
            case _:
                raise unknown_fault(kind, "wrong_identity", "hardware_limit", "stall", "emergency_stop", "motor_off")

    def _advance(self, now: float) -> None:
        """Everything that ends, and every command that was held back, until now."""
        while True:
            ends = [axis for axis in self._axes if axis.ending and axis.end_s <= now]
            ended = min(ends, key=lambda axis: axis.end_s, default=None)
            wait_s = self._wait_s() if self._wait_s else now
            if ended and ended.ending and ended.end_s <= wait_s:
                ending, ended.ending = ended.ending, None
                ending()
            elif wait_s <= now and self._wait_s:
                self._wait_s = None
                self._run_held(wait_s)
            elif self._held and not self._wait_s:
                self._run_held(now)
            else:
                return

    def _run_held(self, now: float) -> None:
        """The commands up to the next wait."""
        while self._held and not self._wait_s:
            try:
                self._execute(self._held.popleft(), now)
            except Refused as refusal:
                self._fail(refusal.code, now)

    def _fail(self, code: int, now: float) -> None:
        if len(self._errors) < QUEUE:
            self._errors.append((code, now))

    def _say(self, text: str) -> None:
        self._said += text.encode("latin-1") + b"\r\n"

    def _execute(self, text: str, now: float) -> None:
        match = SYNTAX.fullmatch(text)
        if match is None:
            raise Refused(COMMAND)
        prefix, name, parameter = match[1], match[2], match[3]
        axis = _Chosen(self._axes, prefix)
        if name in READ_ONLY and parameter not in ("", "?"):
            raise Refused(NOT_ALLOWED)
        match name:
            case "VE":
                self._say(self._version)
            case "TB":
                code, time_s = self._errors.popleft() if self._errors else (0, now)
                self._say(f"{code}, {self._stamp(time_s)}, {_message(code)}")
            case "TE":
                self._say(str(self._errors.popleft()[0] if self._errors else 0))
            case "TS":
                moving = sum(one.moving(now) << n for n, one in enumerate(self._axes))
                self._say(chr(0x40 | any(one.motor for one in self._axes) << 4 | moving))
            case "TX":
                self._say(chr(0x40 | any(one.moving(now) for one in self._axes) << 4 | any(one.homing for one in self._axes)))
            case "PH":
                self._say(self._hardware(now))
            case "SM":
                for one in self._axes:
                    one.stored = dict(one.values)
            case "RS":
                said = self._said
                self.power_up(now)
                self._said = said
            case "WT":
                until_s = now + _milliseconds(parameter or _missing())
                self._wait_s = lambda: until_s
            case "WS":
                pause_s, waiting = _milliseconds(parameter or "0"), axis.some()
                self._wait_s = lambda: max(now, *(one.end_s for one in waiting)) + pause_s
            case "WP":
                one = axis.one()
                place_mm = _number(one, parameter) + one.zero_mm
                self._wait_s = lambda: one.passes_s(place_mm, now) if now < one.end_s else now
            case "ST":
                for one in axis.some():
                    self._stop(one, now)
            case "AB":
                for one in axis.some():
                    self._power_off(one, now)
            case "MD" if prefix and int(prefix) == 0:
                self._say(str(int(not any(one.moving(now) for one in self._axes))))
            case "MD":
                self._say(str(int(not axis.one().moving(now))))
            case _ if name in TOLD:
                self._say(axis.report(lambda one: TOLD[name](one, now)))
            case _ if parameter == "?" and name in ASKED:
                self._say(axis.report(lambda one: ASKED[name](one, now)))
            case "MO":
                self._power_on(axis.stage())
            case "MF":
                self._power_off(axis.stage(), now)
            case "PA":
                one = self._ready(axis)
                self._move(one, _number(one, parameter), now)
            case "PR":
                one = self._ready(axis)
                self._move(one, one.desired_mm + _number(one, parameter), now)
            case "MV":
                self._jog(self._ready(axis), _sign(parameter), now, hard=False)
            case "MT":
                self._jog(self._ready(axis), _sign(parameter), now, hard=True)
            case "OR":
                self._home(self._ready(axis), parameter, now)
            case "DH":
                one = axis.stage()
                one.zero_mm = one.at(now)[0] - (_number(one, parameter) if parameter else 0.0)
                one.desired_mm = one.place_mm - one.zero_mm
            case _ if name in SETTABLE:
                self._set(axis, name, parameter)
            case "SN":
                one = axis.one()
                if not parameter:
                    raise Refused(NO_PARAMETER)
                if parameter not in map(str, UNITS):
                    raise Refused(one.number * 100 + X_RANGE)
                one.values["SN"] = float(parameter)
            case _:
                raise Refused(COMMAND)

    def _stamp(self, time_s: float) -> int:
        """Servo cycles as a signed 32-bit number."""
        return (int((time_s - self._powered_s) / TICK_S) + (1 << 31)) % (1 << 32) - (1 << 31)

    def _hardware(self, now: float) -> str:
        first, second = self._estop << 28, 0
        for n, axis in enumerate(self._axes):
            if axis.stage:
                limit, place_mm = axis.limit(now), abs(axis.at(now)[0])
                first |= (limit > 0) << n | (limit < 0) << (n + 8)
                second |= (place_mm < 0.5) << n | (place_mm < GRID_mm) << (n + 8)
        return f"{first:X}H, {second:X}H"

    def _set(self, axis: "_Chosen", name: str, text: str) -> None:
        if text == "?":
            self._say(axis.report(lambda one: one.show(one.values[name])))
            return
        one = axis.one()
        value = _number(one, text)
        if value <= 0 and name not in ("SL", "SR"):
            raise Refused(one.number * 100 + X_RANGE)
        code, allowed = SETTABLE[name]
        if not allowed(one, value):
            raise Refused(one.number * 100 + code)
        one.values[name] = value

    def _power_on(self, axis: Axis) -> None:
        if self._estop:
            raise Refused(ESTOP)
        axis.motor = True

    def _power_off(self, axis: Axis, now: float) -> None:
        self._stop(axis, now, "AE")
        axis.motor = False

    def _stop(self, axis: Axis, now: float, deceleration: str = "AG") -> None:
        if axis.homing:
            self._fail(axis.number * 100 + X_ABORTED, now)
        if now < axis.end_s:
            axis.stop(now, axis.values[deceleration])

    def _lose_track(self, axis: Axis, now: float) -> None:
        axis.stop(now, inf)
        axis.motor = False
        self._fail(axis.number * 100 + X_FOLLOWING, now)

    def _ready(self, chosen: "_Chosen") -> Axis:
        """An axis that may move."""
        axis = chosen.stage()
        if not axis.motor:
            raise Refused(axis.number * 100 + X_OFF)
        if axis.homing:
            raise Refused(axis.number * 100 + X_HOMING)
        return axis

    def _move(self, axis: Axis, position_mm: float, now: float) -> None:
        for beyond, side in ((position_mm > axis.values["SR"], 0), (position_mm < axis.values["SL"], 1)):
            if beyond:
                raise Refused(axis.number * 100 + X_SOFT + side)
        # The servo settles up to 0.002 mm beside the target (L).
        miss = ((round(position_mm / GRID_mm) * 7 + axis.number) % 9 - 4) * GRID_mm
        still = abs(position_mm - axis.desired_mm) < GRID_mm / 2 and not axis.moving(now)
        if not still and self._travel(axis, position_mm + axis.zero_mm + miss, now):
            axis.desired_mm = position_mm

    def _jog(self, axis: Axis, sign: int, now: float, hard: bool) -> None:
        soft_mm = axis.values["SR" if sign > 0 else "SL"] + axis.zero_mm
        target_mm = sign * REACH_mm if hard or sign * soft_mm > REACH_mm else soft_mm
        if sign * (target_mm - axis.at(now)[0]) < 0:
            raise Refused(axis.number * 100 + X_SOFT + (sign < 0))
        if not self._travel(axis, target_mm, now):
            return
        code = X_SOFT if target_mm == soft_mm else X_HARD
        axis.desired_mm = axis.place_mm - axis.zero_mm
        if not hard:
            axis.ending = lambda: self._fail(axis.number * 100 + code + (sign < 0), axis.end_s)

    def _travel(self, axis: Axis, target_mm: float, now: float) -> bool:
        """Start; a switch or a stuck stage ends it at once."""
        side = 1 if target_mm > axis.at(now)[0] else -1
        code = axis.number * 100 + X_HARD + (side < 0)
        if axis.limit(now) == side:
            raise Refused(code)
        if axis.stalled:
            self._lose_track(axis, now)
            return False
        axis.go(now, target_mm)
        if axis.place_mm != target_mm:

            def at_switch() -> None:
                axis.desired_mm = axis.place_mm - axis.zero_mm
                self._fail(code, axis.end_s)

            axis.ending = at_switch
        return True

    def _home(self, axis: Axis, text: str, now: float) -> None:
        if text and text not in ("0", "1", "2", "3", "4", "5", "6"):
            raise Refused(axis.number * 100 + X_RANGE)
        axis.home_mode = int(text) if text else axis.home_mode
        index_mm = REACH_mm - 1.0
        mark_mm = (axis.zero_mm, 0.0, 0.0, REACH_mm, -REACH_mm, index_mm, -index_mm)[axis.home_mode]
        if abs(mark_mm) > REACH_mm or not self._travel(axis, mark_mm, now):
            return
        axis.homing = True
        axis.end_s += INDEX_s if axis.home_mode in (1, 5, 6) else 0.0

        def found() -> None:
            axis.homing, axis.zero_mm, axis.desired_mm = False, mark_mm, 0.0

        axis.ending = found


class _Chosen:
    """The axis a command names."""

    def __init__(self, axes: list[Axis], prefix: str) -> None:
        self._axes, self._prefix = axes, prefix

    def one(self) -> Axis:
        if not self._prefix:
            raise Refused(NO_AXIS)
        if not 1 <= int(self._prefix) <= len(self._axes):
            raise Refused(AXIS)
        return self._axes[int(self._prefix) - 1]

    def stage(self) -> Axis:
        axis = self.one()
        if not axis.stage:
            raise Refused(axis.number * 100 + X_STAGE)
        return axis

    def some(self) -> list[Axis]:
        """Every axis if none is named."""
        return [self.one()] if self._prefix else self._axes

    def report(self, show: Callable[[Axis], str]) -> str:
        every = self._prefix and int(self._prefix) == 0
        return ", ".join(show(axis) for axis in (self._axes if every else [self.one()]))


def _message(code: int) -> str:
    return f"AXIS-{code // 100} {OF_AXIS[code % 100]}" if code >= 100 else GENERAL[code]


def _missing() -> str:
    raise Refused(NO_PARAMETER)


def _number(axis: Axis, text: str) -> float:
    """A parameter in the axis' unit, as mm."""
    if not text:
        raise Refused(NO_PARAMETER)
    if not NUMBER.fullmatch(text):
        raise Refused(RANGE)
    return float(text) * axis.unit[0]


def _milliseconds(text: str) -> float:
    if not NUMBER.fullmatch(text) or not 0 <= float(text) <= 60000:
        raise Refused(RANGE)
    return float(text) / 1000


def _sign(text: str) -> int:
    if text not in ("+", "-"):
        raise Refused(RANGE if text else NO_PARAMETER)
    return 1 if text == "+" else -1
