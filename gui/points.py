"""The points of the plan's scans, one of which is looked at."""

from PyQt6.QtWidgets import QComboBox

from daq.face.reduced import Moments
from gui.curves import point_names


class Points(QComboBox):
    """Seen when there is more than one; the chosen one stays chosen when others come."""

    def __init__(self) -> None:
        super().__init__()
        self.setToolTip("point of the plan's scans whose moments are shown")
        self.hide()

    def show_points(self, moments: Moments | None) -> None:
        """Those that have moments; tells nobody."""
        names = point_names(moments) if moments else []
        if names != [self.itemText(number) for number in range(self.count())]:
            chosen = self.currentIndex()
            self.blockSignals(True)
            self.clear()
            self.addItems(names)
            self.setCurrentIndex(min(max(chosen, 0), len(names) - 1))
            self.blockSignals(False)
        self.setVisible(len(names) > 1)

    def place(self) -> int:
        """The chosen one, 0 when there is none."""
        return max(0, self.currentIndex())
