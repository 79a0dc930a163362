// The graph: boxes and wires where Python placed them, and the current step on top.

class SceneView extends Camera {
  constructor(graph, replay, actions) {
    const world = svg("g", null);
    super(svg("svg", { class: "canvas", role: "img", "aria-label": "computational graph" }), world);
    this.graph = graph;
    this.replay = replay;
    this.actions = actions;
    this.wires = svg("g", { class: "wires" });
    this.ways = svg("g", { class: "ways" }); // the paths to a node that is looked at
    this.flow = svg("g", { class: "flow" });
    this.boxes = svg("g", { class: "boxes" });
    world.append(this.wires, this.ways, this.flow, this.boxes);
    const arrow = (kind) =>
      svg(
        "marker",
        {
          id: `${actions.id}-${kind}`,
          viewBox: "0 0 8 8",
          refX: 7,
          refY: 4,
          markerWidth: 9,
          markerHeight: 9,
          orient: "auto-start-reverse",
          markerUnits: "userSpaceOnUse",
          class: kind,
        },
        svg("path", { d: "M0 0L8 4L0 8Z" }),
      );
    this.svg.append(svg("defs", null, arrow("forward"), arrow("backward")), world);
  }

  show(group) {
    this.group = group;
    this.scene = this.graph.scenes[group === null ? 0 : group + 1];
    this.where = new Map(); // "node 3", "group 0", "in 3", "out 3" -> index of the box
    this.items = this.scene.boxes.map((box) => new Box(this.graph, box, this.actions, this.actions.compared));
    this.items.forEach(({ kind, group, ref, nodes }, index) => {
      for (const node of kind === "node" || group ? [ref] : nodes) this.where.set(`${kind} ${node}`, index);
    });
    this.lines = this.scene.wires.map((wire) => {
      const path = svg("path", { d: wire.segments.join("") });
      return { wire, path };
    });
    this.carrier = new Map();
    for (const line of this.lines) for (const node of line.wire.nodes) this.carrier.set(node, line.wire);
    this.wires.replaceChildren(...this.lines.map((line) => line.path));
    this.wires.classList.toggle("dense", this.lines.length > 300);
    this.boxes.replaceChildren();
    this.ways.replaceChildren();
    this.shown = new Set();
    this.place(this.x, this.y);
    this.refresh();
  }

  // Only boxes in view are in the document: browsers lay out all text of a drawing whenever one text changes.
  placed() {
    const [left, top] = [-this.x / this.scale, -this.y / this.scale];
    const [right, bottom] = [left + this.room[0] / this.scale, top + this.room[1] / this.scale];
    for (const item of this.items ?? []) {
      const visible = item.x < right && item.x + item.width > left && item.y < bottom && item.y + item.height > top;
      if (visible === this.shown.has(item)) continue;
      if (visible) {
        this.shown.add(item);
        this.boxes.append(item.element);
      } else if (!item.element.contains(document.activeElement)) {
        this.shown.delete(item);
        item.element.remove();
      }
    }
  }

  // The box that stands for a node in this scene: its own, the group it is in, or the port it passes.
  boxOf(node, port) {
    let inside = null;
    for (let group = this.graph.homes[node]; group !== this.group; group = this.graph.groups[group].parent) {
      if (group === null) return this.where.get(`${port} ${node}`) ?? null; // made outside of this scene
      inside = group;
    }
    return this.where.get(inside === null ? `node ${node}` : `group ${inside}`) ?? null;
  }

  refresh() {
    const { values, grads } = this.replay;
    const { rival, hidden, step } = this.actions.state();
    for (const item of this.items) item.refresh(this.replay, rival, hidden);
    for (const line of this.lines) {
      const { nodes } = line.wire;
      const state = values[nodes.at(-1)] === null ? "todo" : grads[nodes[0]] === null ? "" : "returned";
      if (state === line.state) continue;
      line.state = state;
      line.path.setAttribute("class", `${nodes.length > 1 ? "bus" : ""} ${state}`);
    }
    this.#highlight(step);
  }

  // Marks the edges of paths to a node that is looked at, those of the first path most.
  showPaths(paths) {
    const drawn = new Map();
    paths.forEach((edges, k) => {
      for (const { child, parent, argument } of edges) {
        const pieces = drawn.has(`${child} ${argument}`) ? null : this.#route(parent, child, argument);
        if (pieces) drawn.set(`${child} ${argument}`, svg("path", { d: pieces, class: k ? "" : "first" }));
      }
    });
    this.ways.replaceChildren(...drawn.values());
  }

  #highlight(step) {
    for (const item of this.marked ?? []) {
      item.element.classList.remove("giver", "taker", "chosen");
      item.tell(null);
    }
    this.marked = [];
    this.flow.replaceChildren();
    this.focus = [];
    const mark = (box, name) => {
      if (box === null) return;
      this.items[box].element.classList.add(name);
      this.marked.push(this.items[box]);
      this.focus.push(this.items[box]);
    };
    const { chosen } = this.actions.state();
    if (chosen !== null) {
      const box = this.boxOf(chosen, "in");
      if (box !== null) this.items[box].element.classList.add("chosen");
      if (box !== null) this.marked.push(this.items[box]);
    }
    if (!step || step.kind === "iteration") return;
    if (step.child === undefined) {
      mark(this.boxOf(step.node, "out"), "taker");
      if (step.kind === "forward")
        this.graph.nodes[step.node].parents.forEach((parent, k) => this.#trace(parent, step.node, k, "forward"));
      return;
    }
    const parent = step.parent ?? step.node;
    const from = this.boxOf(step.child, "out"),
      to = this.boxOf(parent, "in");
    mark(from ?? this.where.get(`out ${parent}`) ?? null, "giver");
    mark(to, "taker");
    this.items[to]?.tell(parent);
    this.#trace(parent, step.child, step.argument, "backward");
  }

  // Where the value that a child takes as its argument runs, in this scene.
  #route(parent, child, argument) {
    const wire = this.carrier.get(parent);
    if (!wire) return null;
    const target = this.boxOf(child, "out") ?? this.where.get(`out ${parent}`);
    const tap = wire.taps.find(([box, at]) => box === target && (at === -1 || at === argument));
    return tap ? tap[2].map((piece) => wire.segments[piece]).join("") : null;
  }

  #trace(parent, child, argument, kind) {
    const pieces = this.#route(parent, child, argument);
    if (!pieces) return;
    const end = kind === "forward" ? "marker-end" : "marker-start";
    this.flow.append(
      svg("path", { d: pieces, class: "halo" }),
      svg("path", { d: pieces, class: kind, [end]: `url(#${this.actions.id}-${kind})` }),
    );
  }
}
