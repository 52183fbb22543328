"""Recording the same shots with other people's programs and with ours, one after the other.

    .venv-interop/bin/python -P benchmarks/peers.py [SHOTS]

Each shot is int16 of 100,000 samples and a number; QCoDeS into its database, a Bluesky step scan with a callback that appends
to an HDF5 file, a bare h5py file per shot, and ours, crash-safe, with and without compression.  Bursts of 32 for ours.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import msgspec
import numpy as np
from numpy.typing import NDArray
from recording import BURST, SAMPLES, header, record, waveforms

from daq.record.recorder import Recorder


def ours(directory: Path, traces: NDArray[np.int16], shots: int, compression: str) -> None:
    create = msgspec.structs.replace(header(directory / f"{compression}.h5", SAMPLES, BURST), compression=compression)
    with Recorder(create) as recorder:
        for burst in range(shots // BURST):
            record(recorder, burst, traces)
        recorder.finish("complete", "done")


def file_per_shot(directory: Path, traces: NDArray[np.int16], shots: int) -> None:
    for shot in range(shots):
        with h5py.File(directory / f"{shot}.h5", "w") as file:
            file["trace"], file["tag"] = traces[shot % BURST], float(shot)


def qcodes(directory: Path, traces: NDArray[np.int16], shots: int) -> None:
    from qcodes.dataset import Measurement, initialise_or_create_database_at, load_or_create_experiment

    initialise_or_create_database_at(str(directory / "runs.db"))
    measurement = Measurement(load_or_create_experiment("benchmark", "V"))
    measurement.register_custom_parameter("tag")
    measurement.register_custom_parameter("trace", setpoints=["tag"], paramtype="array")
    measurement.write_period = 5.0
    with measurement.run(in_memory_cache=False) as saver:
        for shot in range(shots):
            saver.add_result(("tag", float(shot)), ("trace", traces[shot % BURST, 0]))


def bluesky(directory: Path, traces: NDArray[np.int16], shots: int) -> None:
    from bluesky import RunEngine
    from bluesky.plans import count

    class Digitizer:
        name, parent, shot = "digitizer", None, 0

        def read(self) -> dict[str, Any]:
            self.shot += 1
            return {"trace": {"value": traces[self.shot % BURST, 0], "timestamp": time.time()}}

        def describe(self) -> dict[str, Any]:
            return {"trace": {"source": "benchmark", "dtype": "array", "shape": [SAMPLES], "dtype_numpy": "<i2"}}

        def read_configuration(self) -> dict[str, Any]:
            return {}

        def describe_configuration(self) -> dict[str, Any]:
            return {}

    with h5py.File(directory / "scan.h5", "w") as file:
        data = file.create_dataset("trace", (0, SAMPLES), "i2", maxshape=(None, SAMPLES), chunks=(1, SAMPLES))

        def write(name: str, document: dict[str, Any]) -> None:
            if name == "event":
                data.resize(len(data) + 1, axis=0)
                data[-1] = document["data"]["trace"]

        RunEngine(call_returns_result=False)(count([Digitizer()], shots), write)


def main() -> None:
    shots = int(sys.argv[1]) if len(sys.argv) > 1 else 640
    traces = waveforms(BURST, SAMPLES)
    ways: dict[str, Callable[[Path], None]] = {
        "ours, Bitshuffle-LZ4": lambda directory: ours(directory, traces, shots, "bitshuffle-lz4"),
        "ours, not compressed": lambda directory: ours(directory, traces, shots, "none"),
        "a file per shot (h5py)": lambda directory: file_per_shot(directory, traces, shots),
        "QCoDeS": lambda directory: qcodes(directory, traces, shots),
        "Bluesky step scan": lambda directory: bluesky(directory, traces, shots),
    }
    reference = 0.0
    for name, way in ways.items():
        with tempfile.TemporaryDirectory(dir=".") as directory:
            began = time.perf_counter()
            way(Path(directory))
            rate = shots / (time.perf_counter() - began)
        reference = reference or rate
        print(f"{name}: {rate:,.0f} shots/s, {rate / reference:.2f} of ours")


if __name__ == "__main__":
    main()
