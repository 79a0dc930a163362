"""What is drawn as one box: the user's scopes, long sums, and parts of what would be too large to read.

A leaf made outside belongs where it is read: the weight that one neuron reads is drawn inside that neuron.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chainrule.viz.trace import Trace, TraceNode

FOLD_SUM = 3  # additions in a row from which on they are folded into one Σ
CROWD = 300  # boxes in one picture; what has more is cut into parts
PARTS = 20  # into so many
FEW_LEAVES = 60  # leaves beside such parts; more are folded too


@dataclass(frozen=True, slots=True)
class Group:
    """A box that holds nodes: a scope, or a folded sum.

    Args:
        id: Its number, from 0; the scopes keep theirs.
        name: What is written on it.
        kind: "scope", "sum", or "part".
        parent: The group around it, or None for the whole graph.
    """

    id: int
    name: str
    kind: str
    parent: int | None


@dataclass(frozen=True, slots=True)
class Grouping:
    """The groups of a trace, and the innermost group of each node (None: the whole graph)."""

    groups: Sequence[Group]
    home: Sequence[int | None]

    def chain(self, group: int | None) -> list[int]:
        """A group and all those around it, innermost first."""
        path = []
        while group is not None:
            path.append(group)
            group = self.groups[group].parent
        return path


def group(trace: Trace) -> Grouping:
    """Find the groups of a trace.

    Args:
        trace: A recorded graph.

    Returns:
        Its scopes, folded sums and parts, and where each node belongs.
    """
    groups = [Group(scope.id, scope.name, "scope", scope.parent) for scope in trace.scopes]
    home: list[int | None] = [node.scope for node in trace.nodes]
    readers = readers_of(trace)
    _fold_sums(trace, groups, home, readers)
    crowded = _fold_crowds(trace, groups, home)
    grouping = Grouping(groups, home)
    for node in reversed(trace.nodes):
        if node.op is None:
            near = _home_of_leaf(node, readers[node.id], grouping)
            if node.scope is None or node.scope in grouping.chain(near):
                home[node.id] = near
    for inner in crowded:
        leaves = [node.id for node in trace.nodes if node.op is None and home[node.id] == inner]
        if len(leaves) > FEW_LEAVES:
            groups.append(Group(len(groups), f"{len(leaves):,} leaves", "part", inner))
            for leaf in leaves:
                home[leaf] = len(groups) - 1
    return grouping


def readers_of(trace: Trace) -> list[list[int]]:
    """Per node, the ids of the nodes that read it, each once, in order."""
    readers: list[list[int]] = [[] for _ in trace.nodes]
    for node in trace.nodes:
        for parent in dict.fromkeys(node.parents):
            readers[parent].append(node.id)
    return readers


def _fold_sums(
    trace: Trace, groups: list[Group], home: list[int | None], readers: Sequence[Sequence[int]]
) -> None:
    """Make a group of each run of additions in which every partial sum has no label and one reader."""

    def continues(node: TraceNode) -> bool:
        if node.op != "add" or node.label or len(readers[node.id]) != 1:
            return False
        reader = trace.nodes[readers[node.id][0]]
        return reader.op == "add" and reader.scope == node.scope and reader.parents.count(node.id) == 1

    for last in reversed(trace.nodes):
        if last.op != "add" or continues(last):
            continue
        chain, frontier = [last.id], [last]
        while frontier:
            inner = [trace.nodes[p] for p in frontier.pop().parents if continues(trace.nodes[p])]
            chain += [node.id for node in inner]
            frontier += inner
        if len(chain) >= FOLD_SUM:
            name = f"{last.label} = " if last.label else ""
            groups.append(Group(len(groups), f"{name}Σ of {len(chain) + 1}", "sum", last.scope))
            for member in chain:
                home[member] = len(groups) - 1


def _fold_crowds(trace: Trace, groups: list[Group], home: list[int | None]) -> list[int | None]:
    """Cut what has too many boxes into parts, in the order of creation, so that no two of them need each other.

    Returns the groups that were cut.
    """
    last: dict[int, int] = {}  # by group, the latest op in it
    for node in trace.nodes:
        inner = home[node.id] if node.op else None
        while inner is not None:
            last[inner] = node.id
            inner = groups[inner].parent
    items: dict[int | None, list[tuple[int, str, int]]] = {}
    for node in trace.nodes:
        if node.op:
            items.setdefault(home[node.id], []).append((node.id, "node", node.id))
    for entry in groups:
        if entry.id in last:
            items.setdefault(entry.parent, []).append((last[entry.id], "group", entry.id))
    crowded: list[int | None] = []
    waiting = [(inner, sorted(found), "") for inner, found in items.items() if len(found) > CROWD]
    while waiting:
        inner, found, path = waiting.pop()
        crowded.append(inner)
        size = -(-len(found) // PARTS)
        for k, start in enumerate(range(0, len(found), size), 1):
            part = found[start : start + size]
            groups.append(Group(len(groups), f"part {path}{k}", "part", inner))
            number = groups[-1].id
            for _, kind, ref in part:
                if kind == "node":
                    home[ref] = number
                else:
                    groups[ref] = replace(groups[ref], parent=number)
            if len(part) > CROWD:
                waiting.append((number, part, f"{path}{k}."))
    return crowded


def _home_of_leaf(node: TraceNode, readers: Sequence[int], grouping: Grouping) -> int | None:
    """Where a leaf is drawn: with its only reader, or around all of its readers."""
    if not readers or (node.role == "constant" and node.shape):
        return None
    chains = [grouping.chain(grouping.home[reader]) for reader in readers]
    common = [g for g in chains[0] if all(g in chain for chain in chains)]
    home = common[0] if common else None
    if len(readers) > 1 and home is not None and any(chain[0] != home for chain in chains):
        home = grouping.groups[home].parent  # shared by parts of a scope: an input of that scope
    while home is not None and grouping.groups[home].kind == "sum":  # a term of a sum stands beside it
        home = grouping.groups[home].parent
    return home
