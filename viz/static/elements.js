// One element of an array as a graph of its own: its row times its column, with the same numbers.

// What opens an element of an array, and tells by `has` which ones can be; null where none can.
function openerOf(graph, id, act) {
  const known = graph.elements?.[id]?.index.map((index) => index.join());
  return known ? Object.assign((index) => act(index), { has: (index) => known.includes(index.join()) }) : null;
}

// Elements of one array have the same graph, so it is stored once, and the numbers of each beside it.
function elementGraph(graph, id, index) {
  const { index: known, graph: packed, numbers } = graph.elements[id];
  const shared = unpacked(packed);
  const { values, grads, locals, contributions, names, note } =
    numbers[known.findIndex((other) => other.join() === index.join())];
  const last = new Map(); // per node, the step that completes its gradient
  shared.steps.forEach((step, k) => step.kind === "backward" && last.set(step.parent, k));
  const sums = new Map();
  let edge = 0;
  const filled = (step, k) => {
    if (step.kind === "forward") return { ...step, value: values[step.node] };
    if (step.kind === "seed") return { ...step, value: grads[step.node] };
    const contribution = contributions[edge];
    const before = sums.get(step.parent);
    const sum = before === undefined ? contribution : number(before) + number(contribution);
    const after = last.get(step.parent) === k ? grads[step.parent] : sum;
    sums.set(step.parent, after);
    return { ...step, upstream: grads[step.child], local: locals[edge++], contribution, before, after };
  };
  const named = (node, k) => ({
    ...node,
    title: node.title.map((part) => (part === shared.names[k] ? names[k] : part)),
    ...(node.op === undefined ? { value: values[k] } : {}),
  });
  return {
    ...shared,
    name: `${graph.names[id]}[${index.join(", ")}]`,
    names,
    note,
    nodes: shared.nodes.map(named),
    steps: shared.steps.map(filled),
  };
}
