"""The plots of the window, one kind each."""
