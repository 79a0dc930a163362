// Replays a recording, one step at a time and both ways. Nothing is computed here that the engine has not computed.

class Replay {
  constructor(graph) {
    this.graph = graph;
    this.steps = graph.steps;
    this.values = graph.nodes.map((node) => node.value ?? null);
    this.grads = graph.nodes.map(() => null);
    this.at = 0;
    const turn = this.steps.findIndex((step) => step.kind !== "forward");
    this.turn = turn < 0 ? this.steps.length : turn; // how many forward steps there are
    this.stops = { edge: this.#stops((a, b) => a !== b) };
    this.stops.node = this.#stops((a, b) => a.kind === "forward" || a.kind === "seed" || a.child !== b.child);
    this.stops.scope = this.#stops((a, b) => a.kind === "seed" || b.kind === "seed" || this.home(a) !== this.home(b));
    this.stops.phase = [0, this.turn, this.steps.length];
  }

  home(step) {
    return this.graph.homes[step.child ?? step.node];
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

  go(target) {
    const goal = Math.max(0, Math.min(this.steps.length, Math.round(target)));
    while (this.at < goal) this.#apply(this.steps[this.at++]);
    while (this.at > goal) this.#undo(this.steps[--this.at]);
  }

  #apply(step) {
    if (step.kind === "forward") this.values[step.node] = step.value;
    else if (step.kind === "seed") this.grads[step.node] = step.value;
    else if (step.kind === "backward") this.grads[step.parent] = step.after;
  }

  #undo(step) {
    if (step.kind === "forward") this.values[step.node] = null;
    else if (step.kind === "seed") this.grads[step.node] = null;
    else if (step.kind === "backward") this.grads[step.parent] = step.before ?? null;
  }
}
