"""Floor 1: the graph. Rules, nodes, the walk, `Value`, `Tensor`, and functions of functions."""
