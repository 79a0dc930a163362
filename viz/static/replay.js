// Replays a recording, one step at a time and both ways. Nothing is computed here that the engine has not computed.

const PHASES = {
  iteration: "forward",
  forward: "forward",
  seed: "backward",
  unbroadcast: "backward",
  backward: "backward",
  accumulate: "backward",
  update: "update",
  zero: "update",
};

// What a step writes: [what, index, now].
function effects(step, nodes) {
  const { kind, node } = step;
  if (kind === "forward") return [["values", node, step.value]];
  if (kind === "update") return [["values", node, step.after]];
  if (kind === "backward") return [["grads", step.parent, step.after]];
  if (kind === "accumulate" || kind === "zero") return [["grads", node, step.after ?? null]];
  // Gradients that an earlier pass has left are put aside until this one is over.
  if (kind === "seed") return [...(step.kept ?? []).map(([leaf]) => ["grads", leaf, null]), ["grads", node, step.value]];
  if (kind !== "iteration") return [];
  const operations = nodes.flatMap(({ op }, id) => (op === undefined ? [] : [id]));
  return [
    ...operations.flatMap((id) => [["values", id, null], ["grads", id, null]]),
    ...step.values.map(([id, value]) => ["values", id, value]),
  ];
}

const coded = (x) => (Number.isFinite(x) ? x : String(x)); // as JSON holds it

// The fields that chainrule.viz.packing leaves out, because they follow from the steps before.
const DERIVED = {
  upstream: (step, { grads }) => grads[step.child],
  local: (step, { values, nodes }) => values[nodes[step.child].parents[1 - step.argument]],
  contribution: ({ upstream, local }, { fitted }) => fitted ?? coded(number(upstream) * number(local)),
  before: (step, { values, grads }) =>
    step.kind === "update" ? values[step.node] : grads[step.kind === "backward" ? step.parent : step.node],
  after: ({ before, contribution }) =>
    before === undefined ? contribution : coded(number(before) + number(contribution)),
  gradient: ({ node }, { grads }) => grads[node],
  change: ({ before, after }) => coded(number(after) - number(before)),
};

function single(value) {
  if (typeof value === "number") return Math.fround(value);
  if (Array.isArray(value)) return value.map(single);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, single(entry)]));
}

// The steps that chainrule.viz.packing.pack packed; null where they are those `beside`.
function unpack({ kinds, order, numbers }, nodes, start = [], beside = []) {
  const known = { nodes, values: nodes.map((node) => node.value ?? null), grads: nodes.map((node) => node.grad ?? null) };
  for (const [node, grad] of start) known.grads[node] = grad;
  const fields = kinds.map((kind) => Object.entries(kind));
  const taken = kinds.map(() => 0);
  return order.map((kind, k) => {
    const step = kind < 0 ? null : {};
    for (const [name, how] of fields[kind] ?? []) {
      if (how === "=") step[name] = DERIVED[name](step, known);
      else if (how === "#") step[name] = numbers[kind][taken[kind]++];
      else if (how === "f") step[name] = single(numbers[kind][taken[kind]++]);
      else step[name] = how;
    }
    const happens = step ?? beside[k];
    for (const [what, index, now] of effects(happens, nodes)) known[what][index] = now;
    known.fitted = happens.kind === "unbroadcast" ? happens.after : null;
    return step;
  });
}

function unpacked(graph) {
  const { nodes, mistake } = graph;
  const steps = unpack(graph.steps, nodes);
  const wrong = mistake && { ...mistake, steps: unpack(mistake.steps, nodes, mistake.start, steps) };
  return { ...graph, steps, mistake: wrong };
}

class Replay {
  // `kept` are gradients that are there before the first step.
  constructor(graph, steps = graph.steps, kept = []) {
    this.graph = graph;
    this.steps = steps;
    this.values = graph.nodes.map((node) => node.value ?? null);
    this.grads = graph.nodes.map((node) => node.grad ?? null);
    for (const [node, grad] of kept) this.grads[node] = grad;
    this.at = 0;
    this.trail = []; // per step taken, what it wrote over: [array, index, old], so that going back is exact
    let awaited = false; // whether the pass of an iteration is still to come: what is zeroed then is zeroed for it
    this.phases = steps.map(({ kind }) => {
      awaited = kind === "iteration" || (awaited && kind !== "seed");
      return kind === "zero" && awaited ? "forward" : PHASES[kind];
    });
    this.starts = steps.flatMap((step, k) => (step.kind === "iteration" ? [k] : []));
    const differs = (a, b) => a.child === undefined || a.child !== b.child;
    const scope = (step) => (step.kind === "seed" || step.kind === "iteration" ? step : this.home(step));
    this.stops = {
      edge: this.#stops(() => true),
      node: this.#stops(differs),
      scope: this.#stops((a, b) => scope(a) !== scope(b)),
      phase: this.#stops((a, b, k) => b.kind === "iteration" || this.phases[k - 1] !== this.phases[k]),
    };
  }

  home(step) {
    return this.graph.homes[step.child ?? step.node] ?? null;
  }

  #stops(differs) {
    const stops = [0];
    for (let k = 1; k < this.steps.length; k++) if (differs(this.steps[k - 1], this.steps[k], k)) stops.push(k);
    return [...stops, this.steps.length];
  }

  next(grain) {
    return this.stops[grain].find((stop) => stop > this.at) ?? this.steps.length;
  }

  previous(grain) {
    return this.stops[grain].findLast((stop) => stop < this.at) ?? 0;
  }

  get step() {
    return this.at ? this.steps[this.at - 1] : null;
  }

  get phase() {
    return this.at ? this.phases[this.at - 1] : "start";
  }

  // Which iteration of a training the current step belongs to, from 0.
  get iteration() {
    return Math.max(
      0,
      this.starts.findLastIndex((start) => start < this.at),
    );
  }

  // The first and the last position of an iteration, or of the whole recording.
  span(iteration) {
    return [iteration > 0 ? this.starts[iteration] + 1 : 0, this.starts[iteration + 1] ?? this.steps.length];
  }

  go(target) {
    const goal = Math.max(0, Math.min(this.steps.length, Math.round(target)));
    while (this.at < goal) this.#apply(this.steps[this.at++]);
    while (this.at > goal) {
      this.at--;
      for (const [array, index, old] of this.trail.pop().reverse()) array[index] = old;
    }
  }

  #apply(step) {
    const written = effects(step, this.graph.nodes).map(([what, index, now]) => {
      const array = this[what];
      const old = array[index];
      array[index] = now;
      return [array, index, old];
    });
    this.trail.push(written);
  }
}
