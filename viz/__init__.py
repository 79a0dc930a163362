"""Seeing a computation: traces, drawings, and the stepper."""

from chainrule.viz.paths import Explanation as Explanation, explain as explain
from chainrule.viz.stepper import Stepper as Stepper, save_page as save_page
from chainrule.viz.stepping import draw as draw, step as step
from chainrule.viz.svg import Drawing as Drawing
from chainrule.viz.trace import Trace as Trace
