"""Segments per second from the simulated digitizer through the driver, beside a bare socket that carries the same bytes.

    python benchmarks/digitizer.py [SHOTS [ROUNDS]]

200,000-sample segments, canned traces, both processes on this machine.  The ratio says what simulator, SCPI and driver cost.
"""

import socket
import sys
import tempfile
import time
from pathlib import Path
from threading import Thread

import numpy as np

from config.laboratory import read_laboratory
from daq.cli.simulation import simulated_laboratory
from drivers.registry import connect
from drivers.roles import DelayGenerator, Digitizer, DigitizerSetup, Pulse

SAMPLES, RATE_HZ, SPEED = 200_000, 1000.0, 1000.0


def bare(shots: int) -> float:
    """Seconds to carry `shots` segments over a bare loopback socket."""
    block = np.zeros(shots * SAMPLES, dtype=np.int16)
    into = np.ones_like(block)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def send() -> None:
            with socket.create_connection(server.getsockname()) as sender:
                sender.sendall(block.data)

        thread = Thread(target=send)
        started = time.perf_counter()
        thread.start()
        connection, _ = server.accept()
        view, got = memoryview(into.view(np.uint8)), 0
        with connection:
            while got < len(view):
                got += connection.recv_into(view[got:])
        thread.join()
    return time.perf_counter() - started


def through_the_driver(digitizer: Digitizer, shots: int) -> float:
    """Seconds to transfer and decode `shots` captured segments, time tags included."""
    digitizer.arm(shots)
    while not digitizer.finished():
        time.sleep(0.01)
    started = time.perf_counter()
    segments = digitizer.collect()
    took = time.perf_counter() - started
    assert segments.traces.shape == (shots, 1, SAMPLES)
    return took


def main() -> None:
    shots, rounds = (int(word) for word in (sys.argv[1:] + ["250", "5"][len(sys.argv) - 1 :])[:2])
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "laboratory.toml"
        with simulated_laboratory(["--canned", "--speed", str(SPEED), "--write-config", str(config)]):
            laboratory, _ = read_laboratory(config)
            generator: DelayGenerator = connect("delay_generator", laboratory.instruments["delay_generator"])
            digitizer: Digitizer = connect("digitizer", laboratory.instruments["digitizer"])
            generator.prepare()
            generator.program({"GH": Pulse(1e-6, 1e-6)}, RATE_HZ)
            generator.start()
            digitizer.prepare()
            digitizer.configure(DigitizerSetup((1,), 1e9, SAMPLES, (0.4,), (0.15,)))
            ours = [through_the_driver(digitizer, shots) for _ in range(rounds)]
            others = [bare(shots) for _ in range(rounds)]
            generator.make_safe()
            digitizer.close()
            generator.close()
    rates, bare_rates = (sorted(shots / took for took in times) for times in (ours, others))
    middle, bare_middle = rates[rounds // 2], bare_rates[rounds // 2]
    print(f"{shots} segments of {SAMPLES:,} samples, {rounds} rounds")
    print(f"through the driver  {middle:7.0f} shots/s  (from {rates[0]:.0f} to {rates[-1]:.0f})")
    print(f"bare socket         {bare_middle:7.0f} shots/s  (from {bare_rates[0]:.0f} to {bare_rates[-1]:.0f})")
    print(f"ratio               {middle / bare_middle:7.2f}")


if __name__ == "__main__":
    main()
