"""How the digitizer is set up for a plan in a laboratory."""

from config.laboratory import Laboratory
from daq.plan.plan import Acquisition
from drivers.roles import DigitizerSetup


def digitizer_setup(laboratory: Laboratory, acquisition: Acquisition) -> DigitizerSetup:
    """One channel for the MCP, one for a photodiode if there is one, triggered by the digitizer's line."""
    mcp, photodiode = laboratory.mcp, laboratory.photodiode
    inputs = (mcp,) if photodiode is None else (mcp, photodiode)
    return DigitizerSetup(
        channels=tuple(one.channel for one in inputs),
        sample_rate_Hz=acquisition.sample_rate_Hz,
        samples=acquisition.samples,
        full_scale_V=tuple(one.full_scale_V for one in inputs),
        offset_V=tuple(one.offset_V for one in inputs),
        trigger_level_V=mcp.trigger_level_V,
    )
