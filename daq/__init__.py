"""The experiment, headless."""
