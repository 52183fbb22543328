"""Numbers to physics: deflection models, moments with their errors, figures and tables."""
