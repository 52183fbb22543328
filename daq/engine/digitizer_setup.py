"""How the digitizer is set up for a plan in a laboratory."""

from config.laboratory import Laboratory
from daq.plan.plan import Acquisition
from drivers.roles import DigitizerSetup


def digitizer_setup(laboratory: Laboratory, acquisition: Acquisition) -> DigitizerSetup:
    """One channel for the MCP, triggered by the digitizer's line."""
    mcp = laboratory.mcp
    return DigitizerSetup(
        channels=(mcp.channel,),
        sample_rate_Hz=acquisition.sample_rate_Hz,
        samples=acquisition.samples,
        full_scale_V=(mcp.full_scale_V,),
        offset_V=(mcp.offset_V,),
        trigger_level_V=mcp.trigger_level_V,
    )
