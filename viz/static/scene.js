// The graph: boxes and wires where Python placed them, the current step on top, zoom and pan.

class SceneView {
  constructor(graph, replay, actions) {
    this.graph = graph;
    this.replay = replay;
    this.actions = actions;
    this.wires = svg("g", { class: "wires" });
    this.flow = svg("g", { class: "flow" });
    this.boxes = svg("g", { class: "boxes" });
    this.world = svg("g", null, this.wires, this.flow, this.boxes);
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
    this.svg = svg(
      "svg",
      { class: "canvas", role: "img", "aria-label": "computational graph" },
      svg("defs", null, arrow("forward"), arrow("backward")),
      this.world,
    );
    this.scale = 1;
    this.x = this.y = 0;
    this.room = [0, 0]; // the canvas's size, px; asking for it at each step would cost a layout each time
    this.#listen();
  }

  resize() {
    this.room = [this.svg.clientWidth, this.svg.clientHeight];
  }

  show(group) {
    this.group = group;
    this.scene = this.graph.scenes[group === null ? 0 : group + 1];
    this.where = new Map(); // "node 3", "group 0", "in 3", "out 3" -> index of the box
    this.items = this.scene.boxes.map((box, index) => this.#box(box, index));
    this.lines = this.scene.wires.map((wire) => {
      const path = svg("path", { d: wire.segments.join("") });
      return { wire, path };
    });
    this.carrier = new Map();
    for (const line of this.lines) for (const node of line.wire.nodes) this.carrier.set(node, line.wire);
    this.wires.replaceChildren(...this.lines.map((line) => line.path));
    this.wires.classList.toggle("dense", this.lines.length > 300);
    this.boxes.replaceChildren();
    this.shown = new Set();
    this.#move(this.x, this.y);
    this.refresh();
  }

  #box([kind, ref, nodes, x, y, width, height], index) {
    for (const node of kind === "node" || kind === "group" ? [ref] : nodes) this.where.set(`${kind} ${node}`, index);
    const group = kind === "group";
    const node = this.graph.nodes[group ? nodes[0] : ref];
    const single = nodes.length === 1;
    const pill = !group && node.role === "constant" && node.shape.length === 0;
    const item = { kind, ref, nodes, x, y, width, height, watch: single ? nodes[0] : null };
    const text = (dx, dy, name, content, end) =>
      svg(
        "text",
        { x: end ? x + width - dx : x + dx, y: y + dy, class: name, "text-anchor": end ? "end" : null },
        content,
      );
    const parts = [svg("rect", { x, y, width, height, rx: 8 })];
    const top = group ? y + height / 2 - 29 - y : 0;
    if (pill) {
      parts.push(
        svg(
          "text",
          { x: x + width / 2, y: y + height / 2 + 4, class: "pill", "text-anchor": "middle" },
          node.title[0],
        ),
      );
    } else {
      const [left, right] = group
        ? [this.graph.groups[ref].title, ""]
        : kind === "node" || single
          ? node.title
          : [`${nodes.length} values`, ""];
      parts.push(text(9, top + 17, "name", left), right ? text(9, top + 17, "sign", right, true) : "");
      if (single) {
        item.value = text(9, top + 34, "value", "", true);
        item.grad = text(9, top + 50, "grad", "", true);
        const above = text(9, top + 34, "caption", "");
        const below = text(9, top + 50, "caption", "");
        item.captions = [
          [above, node.size || "value"],
          [below, node.role === "constant" ? "constant" : "grad"],
        ];
        parts.push(above, item.value, below, node.role === "constant" ? "" : item.grad);
      } else if (!group) {
        parts.push(text(9, top + 34, "caption", `${this.graph.names[nodes[0]]} … ${this.graph.names[nodes.at(-1)]}`));
      } else {
        parts.push(
          text(9, top + 34, "caption", `${this.graph.groups[ref].size} nodes`),
          text(9, top + 50, "caption", `${nodes.length} outputs`),
        );
      }
    }
    const open = () => this.actions.enter(ref);
    item.element = svg(
      "g",
      {
        class: `box ${group ? "group" : node.role} ${kind}`,
        "data-ref": `${kind} ${ref}`,
        onclick: () => (group ? null : this.actions.select(ref)),
      },
      svg(
        "title",
        null,
        group
          ? `${this.graph.groups[ref].name}: ${this.graph.groups[ref].size} nodes, double-click to open`
          : this.graph.names[ref],
      ),
      ...parts,
    );
    if (group) {
      fill(
        item.element,
        {
          tabindex: 0,
          role: "button",
          "aria-label": `open ${this.graph.groups[ref].name}`,
          ondblclick: open,
          onkeydown: (event) => {
            if (event.key === "Enter") {
              event.stopPropagation();
              open();
            }
          },
        },
        [],
      );
      item.element.append(
        svg("path", { class: "opener", d: `M${x + width - 16} ${y + 10}h7v7m0-7l-8 8`, onclick: open }),
      );
    }
    return item;
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

  // Touches only what changed since the last time: a large graph has thousands of texts.
  refresh() {
    const { values, grads } = this.replay;
    for (const item of this.items) {
      const value = values[item.watch ?? item.nodes.at(-1)];
      if (this.#changed(item, "todo", value === null)) item.element.classList.toggle("todo", value === null);
      if (!item.value) continue;
      const grad = grads[item.watch];
      if (this.#changed(item, "seen", value)) this.#write(item, 0, item.value, brief(value));
      if (!this.#changed(item, "got", grad)) continue;
      this.#write(item, 1, item.grad, item.grad.parentNode ? brief(grad) : "");
      item.grad.classList.toggle("unknown", grad === null);
    }
    for (const line of this.lines) {
      const state =
        values[line.wire.nodes.at(-1)] === null ? "todo" : grads[line.wire.nodes[0]] === null ? "" : "returned";
      if (this.#changed(line, "state", state))
        line.path.setAttribute("class", `${line.wire.nodes.length > 1 ? "bus" : ""} ${state}`);
    }
    this.#highlight(this.replay.step);
  }

  // A number, and the caption on its left where the two do not touch; as chainrule.viz.labels.caption.
  #write(item, row, target, content) {
    const [element, caption] = item.captions[row];
    target.textContent = content;
    element.textContent = width(caption, 9.5) + width(content, 12.1) + 4 <= item.width - 18 ? caption : "";
  }

  #changed(item, key, now) {
    if (item[key] === now) return false;
    item[key] = now;
    return true;
  }

  #highlight(step) {
    for (const item of this.marked ?? []) item.element.classList.remove("giver", "taker", "chosen");
    this.marked = [];
    this.flow.replaceChildren();
    this.focus = [];
    const mark = (box, name) => {
      if (box === null) return;
      this.items[box].element.classList.add(name);
      this.marked.push(this.items[box]);
      this.focus.push(this.items[box]);
    };
    const chosen = this.actions.selected();
    if (chosen !== null) {
      const box = this.boxOf(chosen, "in");
      if (box !== null) this.items[box].element.classList.add("chosen");
      if (box !== null) this.marked.push(this.items[box]);
    }
    if (!step) return;
    if (step.kind === "forward" || step.kind === "seed") {
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
    this.#trace(parent, step.child, step.argument, "backward");
  }

  #trace(parent, child, argument, kind) {
    const wire = this.carrier.get(parent);
    if (!wire) return;
    const target = this.boxOf(child, "out") ?? this.where.get(`out ${parent}`);
    const tap = wire.taps.find(([box, at]) => box === target && (at === -1 || at === argument));
    if (!tap) return;
    const end = kind === "forward" ? "marker-end" : "marker-start";
    const pieces = tap[2].map((piece) => wire.segments[piece]).join("");
    this.flow.append(
      svg("path", { d: pieces, class: "halo" }),
      svg("path", { d: pieces, class: kind, [end]: `url(#${this.actions.id}-${kind})` }),
    );
  }

  // --- zoom and pan ---

  #listen() {
    const pointers = new Map();
    let spread = 0;
    this.svg.addEventListener(
      "wheel",
      (event) => {
        const zooming = event.ctrlKey || event.metaKey;
        if (!zooming && !this.#larger()) return; // all is in view: the wheel belongs to the page around
        event.preventDefault();
        if (zooming) this.zoom(Math.exp(-event.deltaY / 150), event.offsetX, event.offsetY);
        else this.#move(this.x - event.deltaX, this.y - event.deltaY);
      },
      { passive: false },
    );
    this.svg.addEventListener("pointerdown", (event) => {
      pointers.set(event.pointerId, event);
      spread = 0;
    });
    this.svg.addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
      if (pointers.size === 1 && !this.dragging && Math.hypot(dx, dy) < 4) return; // still a click
      if (!this.dragging) this.svg.setPointerCapture(event.pointerId);
      this.dragging = true;
      pointers.set(event.pointerId, event);
      if (pointers.size === 1) return this.#move(this.x + dx, this.y + dy);
      const [a, b] = [...pointers.values()];
      const now = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
      const frame = this.svg.getBoundingClientRect();
      if (spread)
        this.zoom(now / spread, (a.clientX + b.clientX) / 2 - frame.x, (a.clientY + b.clientY) / 2 - frame.y);
      spread = now;
    });
    for (const end of ["pointerup", "pointercancel"]) {
      this.svg.addEventListener(end, (event) => {
        pointers.delete(event.pointerId);
        spread = 0;
        if (!pointers.size) this.dragging = false;
      });
    }
  }

  #larger() {
    const { width, height } = this.scene;
    return width * this.scale > this.room[0] || height * this.scale > this.room[1];
  }

  #move(x, y, scale = this.scale) {
    [this.x, this.y, this.scale] = [x, y, scale];
    this.world.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${scale.toFixed(4)})`);
    this.world.classList.toggle("far", scale < 0.3); // text would be too small to read
    this.#cull();
  }

  // Only boxes in view are in the document: browsers lay out all text of a drawing whenever one text changes.
  #cull() {
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

  zoom(factor, x = this.room[0] / 2, y = this.room[1] / 2) {
    const scale = Math.min(3, Math.max(0.02, this.scale * factor));
    const change = scale / this.scale;
    this.#move(x - (x - this.x) * change, y - (y - this.y) * change, scale);
  }

  fit(least = 0) {
    const [clientWidth, clientHeight] = this.room;
    const { width, height } = this.scene;
    const top = clientWidth < 780 ? 16 : 52; // wide canvases have their tools on top of them
    const fitting = Math.min(1.35, (clientWidth - 48) / width, (clientHeight - 2 * top) / height);
    const scale = Math.max(fitting, least, 0.02);
    const centred = (room, size, margin) => Math.max((room - size * scale) / 2, margin);
    this.#move(centred(clientWidth, width, 24), centred(clientHeight, height, top), scale);
  }

  // Bring the current step into view, moving no more than needed.
  follow() {
    if (!this.focus.length || !this.room[0]) return;
    const edge = 16;
    const left = Math.min(...this.focus.map((item) => item.x)) * this.scale + this.x;
    const right = Math.max(...this.focus.map((item) => item.x + item.width)) * this.scale + this.x;
    const top = Math.min(...this.focus.map((item) => item.y)) * this.scale + this.y;
    const bottom = Math.max(...this.focus.map((item) => item.y + item.height)) * this.scale + this.y;
    const shift = (low, high, room) =>
      low < edge ? edge - low : high > room - edge ? Math.max(room - edge - high, edge - low) : 0;
    const dx = shift(left, right, this.room[0]),
      dy = shift(top, bottom, this.room[1]);
    if (dx || dy) this.#move(this.x + dx, this.y + dy);
  }
}
