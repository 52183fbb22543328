"""A laser that misfires ignores its triggers, also when it is asked about them later."""

from simulators.instruments.coherent_compexpro import COMPexPro
from simulators.instruments.lock_history import LockHistory
from simulators.instruments.misfires import Misfires
from simulators.instruments.quantel_bss import BigSkyBSS

RATE_HZ = 20.0


def triggered(since: float, until: float) -> int:
    return int(until * RATE_HZ) - int(since * RATE_HZ)


def test_misfires_are_remembered() -> None:
    misfires = Misfires()
    misfires.begin(10.0, seconds=3.0)
    misfires.begin(20.0, seconds=1.0)
    assert [misfires.at(now) for now in (9.9, 10.0, 12.9, 13.0, 20.5)] == [False, True, True, False, True]
    assert misfires.ignored(triggered, 0.0, 30.0) == 80
    assert misfires.ignored(triggered, 12.0, 20.0) == 20


def test_their_counters_stand_still() -> None:
    ablation, ionisation = BigSkyBSS(triggered), COMPexPro(triggered, warm=True)
    for command in (b">P1", b">LPM1", b">QSM2", b">A", b">R1", b">PQ"):
        ablation.answer(command, 0.0)
    for now in (0.0, 60.0):
        ablation.answer(b">A", now)
        ablation.answer(b">PQ", now + 20.0)
    ionisation.answer(b"TRIGGER=EXT", 0.0)
    ionisation.answer(b"OPMODE=ON", 0.0)
    for laser, shots in ((ablation, "lamp_shots"), (ionisation, "pulses")):
        before = laser.state(100.0)[shots]
        assert laser.state(110.0)[shots] - before == 200
        laser.fault("misfire", 110.0, seconds=3.0)
        assert laser.state(120.0)[shots] - before == 340


def test_a_chopper_remembers_when_it_was_locked() -> None:
    history = LockHistory()
    for now, locked in ((1.0, False), (2.0, True), (3.0, True), (4.0, False)):
        history.note(now, locked)
    assert [history.at(now) for now in (0.5, 1.9, 2.0, 3.9, 4.0, 9.0)] == [False, False, True, True, False, False]
