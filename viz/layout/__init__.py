"""A layered layout of our own: left to right, one wire per value, one picture per scope."""

from chainrule.viz.layout.groups import Group, Grouping
from chainrule.viz.layout.scenes import Layout, PlacedBox, Scene, Tap, Wire, lay_out

__all__ = ["Group", "Grouping", "Layout", "PlacedBox", "Scene", "Tap", "Wire", "lay_out"]
