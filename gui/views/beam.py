"""The beam: mass spectrum, the deflection profile of a chosen cluster with its running fit, and moments against size."""

from PyQt6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QSpinBox, QVBoxLayout, QWidget

from daq.face.reduced import Moments, Reduced
from daq.face.state import RunPart
from gui.curves import Curves, fit_of, moments_at
from gui.feed import Kinds, Model
from gui.plots.moments import MomentsPlot
from gui.plots.profile import ProfilePlot
from gui.plots.spectrum import SpectrumPlot
from gui.points import Points
from gui.sentence import Sentence

FIRST = 11
"""The cluster that is shown until one is chosen: V11 splits at once."""


class BeamView(QWidget):
    """A click in the spectrum, or the box with its size, chooses a cluster."""

    def __init__(self) -> None:
        super().__init__()
        self._curves: Curves | None = None
        self._moments: Moments | None = None
        self._point = 0
        self.spectrum, self.profile, self.moments = SpectrumPlot(), ProfilePlot(), MomentsPlot()
        self.cluster = QSpinBox()
        self.cluster.setObjectName("cluster")
        self.cluster.setRange(1, 999)
        self.cluster.setValue(FIRST)
        self.cluster.setToolTip("size of the cluster whose deflection profile is shown; atoms")
        whole = QPushButton("&Whole spectrum")
        whole.setToolTip("show all clusters again")
        self.points = Points()
        self.run = Sentence("no shots yet")
        top = QHBoxLayout()
        label = QLabel("Cl&uster")
        label.setBuddy(self.cluster)
        for widget in (label, self.cluster, whole, self.points):
            top.addWidget(widget)
        top.addStretch()
        top.addWidget(self.run)
        below = QGridLayout()
        below.addWidget(self.profile, 0, 0)
        below.addWidget(self.moments, 0, 1)
        below.setColumnStretch(0, 1)
        below.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(self.spectrum, 2)
        layout.addLayout(below, 3)
        self.spectrum.chosen.connect(self._choose)
        self.cluster.valueChanged.connect(self._draw_profile)
        whole.clicked.connect(self.spectrum.show_all)
        self._draw_moments()
        self.points.currentIndexChanged.connect(self._draw_moments)

    def heard(self, model: Model, changed: Kinds) -> None:
        """Draw what has changed."""
        reduced, moments, run = model.one(Reduced), model.one(Moments), model.one(RunPart)
        before = self._moments
        if changed & {Reduced, Moments} and reduced is not None:
            # The moments of an earlier run say nothing of this one.
            self._moments = moments if moments is not None and moments.run_id == reduced.run_id else None
            self.points.show_points(self._moments)
        if Reduced in changed and reduced is not None:
            self._curves, self._point = Curves(reduced), reduced.point
            self.run.setText(f"{run.title if run else ''}  ·  run {reduced.run_id[:8]}  ·  {reduced.shots:,} shots reduced")
            self.run.setToolTip(f"run {reduced.run_id}, {run.run_file if run else ''}")
            self.spectrum.draw_spectrum(self._curves)
        if changed & {Reduced, Moments}:
            self._draw_profile()
        if Moments in changed or before is not self._moments or self.moments.recolour():
            self._draw_moments()

    def _choose(self, time_us: float) -> None:
        size = self._curves.nearest(time_us) if self._curves else None
        if self._curves is not None and size is not None:
            self.cluster.setValue(size)
            self.spectrum.zoom(self._curves.window(size))

    def _draw_profile(self) -> None:
        if self._curves is None:
            return
        size, fit, told = self.cluster.value(), None, ""
        for place, point in enumerate(self._moments.points if self._moments else ()):
            if self._moments is not None and point["point"] == self._point:
                fit = fit_of(self._moments, self._point, size)
                told = "".join(f": {one}" for one in moments_at(self._moments, place) if one.size == size)
        self.profile.draw_profile(self._curves, size, fit, told)

    def _draw_moments(self) -> None:
        point = self.points.place()
        if self._moments is None or not self._moments.points:
            reason = self._moments.reason if self._moments else ""
            self.moments.draw_none(reason or "moments come after some hundred shots at both fields")
        else:
            so_far = "" if self._moments.final else f" after {self._moments.shots:,} shots"
            self.moments.draw_moments(moments_at(self._moments, point), f"magnetic moments{so_far}")
