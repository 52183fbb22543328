"""Typed models of a laboratory and of its calibrations, and the TOML files that describe them."""
