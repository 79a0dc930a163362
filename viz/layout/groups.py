"""What is drawn as one box: the user's scopes, long sums, shared weights, and parts of what would be too large to read.

A leaf made outside belongs where it is read: the weight that one neuron reads is drawn inside that neuron. Weights
that the same calls read, as those of a layer that a batch passes row by row, are folded into one box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chainrule.viz.trace import Trace, TraceNode

FOLD_SHARED = 4  # leaves that the same calls read, from which on they are folded
FOLD_SUM = 3  # additions in a row from which on they are folded into one Σ
CROWD = 300  # boxes in one picture; what has more is cut into parts
PARTS = 20  # into so many
FEW_LEAVES = 60  # leaves beside such parts; more are folded too


@dataclass(frozen=True, slots=True)
class Group:
    """A box that holds nodes: a scope, a folded sum, shared leaves, or a part of what is too large.

    Args:
        id: Its number, from 0; the scopes keep theirs.
        name: What is written on it.
        kind: "scope", "sum", "part", or what it holds if those are leaves: "parameters", "inputs", or "leaves".
        parent: The group around it, or None for the whole graph.
    """

    id: int
    name: str
    kind: str
    parent: int | None

    @property
    def of_leaves(self) -> bool:
        """Whether it holds leaves that several calls share, and nothing else."""
        return self.kind in ("parameters", "inputs", "leaves")

    @property
    def title(self) -> str:
        """The name as a box shows it, which says elsewhere that it holds parameters."""
        return self.name.removesuffix(f".{self.kind}")

    def content(self, nodes: int, outputs: int) -> tuple[str, str]:
        """What a box says of what is in it, in two lines."""
        return (
            (f"{nodes} {self.kind}", "shared") if self.of_leaves else (f"{nodes} nodes", f"{outputs} outputs")
        )


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
    _fold_shared(trace, groups, home, readers)
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


def _fold_shared(
    trace: Trace, groups: list[Group], home: list[int | None], readers: Sequence[Sequence[int]]
) -> None:
    """Fold the leaves that the same calls read, and in them those of each scope of the calls."""
    grouping = Grouping(groups, home)
    shared: dict[tuple[int | None, tuple[int, ...]], list[tuple[int, list[str]]]] = {}
    for node in trace.nodes:
        if node.op is None and node.role != "constant":
            inner = home[node.id]
            ways = [_way(grouping, inner, reader) for reader in readers[node.id]]
            calls = tuple(dict.fromkeys(way[0] for way in ways if way and groups[way[0]].kind != "sum"))
            if len(calls) > 1:
                way = next(way for way in ways if way and way[0] == calls[0])
                path = [groups[g].name for g in way[1:] if groups[g].kind == "scope"]
                shared.setdefault((inner, calls), []).append((node.id, path))
    for (inner, calls), leaves in shared.items():
        if len(leaves) >= FOLD_SHARED:
            names = {groups[call].name for call in calls}
            _nest(trace, groups, home, f"{names.pop()}." if len(names) == 1 else "", inner, leaves)


def _way(grouping: Grouping, outer: int | None, node: int) -> list[int]:
    """The groups inside of `outer` and around a node, outermost first."""
    chain = grouping.chain(grouping.home[node])
    return chain[: chain.index(outer) if outer is not None else None][::-1]


def _nest(
    trace: Trace,
    groups: list[Group],
    home: list[int | None],
    owner: str,
    inner: int | None,
    leaves: Sequence[tuple[int, Sequence[str]]],
) -> None:
    """Make a group of leaves, with a group for each scope that itself has scopes."""
    roles = {trace.nodes[leaf].role for leaf, _ in leaves}
    kind = f"{roles.pop()}s" if len(roles) == 1 else "leaves"
    groups.append(Group(len(groups), f"{owner}{kind}", kind, inner))
    number = groups[-1].id
    deeper: dict[str, list[tuple[int, Sequence[str]]]] = {}
    for leaf, path in leaves:
        home[leaf] = number
        if len(path) > 1:
            deeper.setdefault(path[0], []).append((leaf, path[1:]))
    for name, some in deeper.items():
        _nest(trace, groups, home, f"{name}.", number, some)
