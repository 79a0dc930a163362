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
    this.starts = steps.flatMap((step, k) => (step.kind === "iteration" ? [k] : []));
    const differs = (a, b) => a.child === undefined || a.child !== b.child;
    const scope = (step) => (step.kind === "seed" || step.kind === "iteration" ? step : this.home(step));
    this.stops = {
      edge: this.#stops(() => true),
      node: this.#stops(differs),
      scope: this.#stops((a, b) => scope(a) !== scope(b)),
      phase: this.#stops((a, b) => b.kind === "iteration" || PHASES[a.kind] !== PHASES[b.kind]),
    };
  }

  home(step) {
    return this.graph.homes[step.child ?? step.node] ?? null;
  }

  #stops(differs) {
    const stops = [0];
    for (let k = 1; k < this.steps.length; k++) if (differs(this.steps[k - 1], this.steps[k])) stops.push(k);
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
    return this.at ? PHASES[this.step.kind] : "start";
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
    const { values, grads } = this;
    const written = [];
    const write = (array, index, now) => {
      written.push([array, index, array[index]]);
      array[index] = now;
    };
    if (step.kind === "forward") write(values, step.node, step.value);
    else if (step.kind === "update") write(values, step.node, step.after);
    else if (step.kind === "backward") write(grads, step.parent, step.after);
    else if (step.kind === "accumulate" || step.kind === "zero") write(grads, step.node, step.after ?? null);
    else if (step.kind === "seed") {
      for (const [node] of step.kept ?? []) write(grads, node, null); // put aside until this pass is over
      write(grads, step.node, step.value);
    } else if (step.kind === "iteration") {
      this.graph.nodes.forEach((node, id) => {
        if (node.op === undefined) return;
        write(values, id, null);
        write(grads, id, null);
      });
      for (const [node, value] of step.values) write(values, node, value);
    }
    this.trail.push(written);
  }
}
