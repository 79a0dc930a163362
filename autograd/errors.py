"""The package's own exceptions; each derives from a built-in one."""


class ShapeError(ValueError):
    """Shapes that do not fit together: the message names the op, the shapes and the first axis that differs."""
