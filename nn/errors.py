"""Exceptions of `chainrule.nn`, each derived from a built-in one, and how it warns."""

import sys
import warnings

from chainrule.autograd.node import OWN_CODE


class ModelFileError(ValueError):
    """A model or data file is corrupt, truncated or not what its reader expects.

    The message names the file, the place in it and what was expected there. Nothing is left half-loaded.
    """


def warn(message: str) -> None:
    """Give a UserWarning that points at the line outside the package from which all this was called.

    Python shows a warning once per line, so that one in a training loop is seen once.
    """
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(OWN_CODE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)
