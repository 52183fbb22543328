"""Traces to numbers: baseline, charges, mass spectrum, profiles; live and offline alike."""

from daq.reduce.profiles import Choice, Counts, Profile, Profiles, SpectrumSums, StepSums
from daq.reduce.reducer import Reducer
from daq.reduce.windows import Window, cluster_windows

__all__ = ["Choice", "Counts", "Profile", "Profiles", "Reducer", "SpectrumSums", "StepSums", "Window", "cluster_windows"]
