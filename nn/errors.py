"""Exceptions of `chainrule.nn`; each derives from a built-in one."""


class ModelFileError(ValueError):
    """A model or data file is corrupt, truncated or not what its reader expects.

    The message names the file, the place in it and what was expected there. Nothing is left half-loaded.
    """
