// One box of the graph: a node, a scope, or a port where values enter and leave a scope.

class Box {
  constructor(graph, [kind, ref, nodes, x, y, width, height], actions, compared) {
    Object.assign(this, { graph, kind, ref, nodes, x, y, width, height, actions });
    this.group = kind === "group";
    this.single = nodes.length === 1;
    this.watch = this.single ? nodes[0] : null;
    this.node = graph.nodes[this.group ? nodes[0] : ref];
    const rect = svg("rect", { x, y, width, height, rx: 8, class: "frame" });
    this.element = svg("g", {
      class: `box ${this.group ? "group" : this.node.role} ${kind}`,
      "data-ref": `${kind} ${ref}`,
      onclick: () => (this.group ? null : actions.select(ref)),
      onpointerenter: () => this.#hover(true),
      onpointerleave: () => this.#hover(false),
    });
    this.tip = svg(
      "title",
      null,
      this.group
        ? `${graph.groups[ref].name}: ${graph.groups[ref].size} nodes, double-click to open`
        : graph.names[ref],
    );
    this.element.append(this.tip, rect, ...this.#content(compared));
    if (this.group) this.#opens();
  }

  #text(dx, dy, name, content, end) {
    const at = { x: end ? this.x + this.width - dx : this.x + dx, y: this.y + dy };
    return svg("text", { ...at, class: name, "text-anchor": end ? "end" : null }, content);
  }

  #content(compared) {
    const { graph, node, x, y, width, height } = this;
    if (!this.group && node.role === "constant" && node.shape.length === 0) {
      const middle = { x: x + width / 2, y: y + height / 2 + 4, class: "pill", "text-anchor": "middle" };
      return [svg("text", middle, node.title[0])];
    }
    const top = this.group ? height / 2 - 29 : 0;
    const [left, right] = this.#title();
    const parts = [this.#text(9, top + 17, "name", left), right ? this.#text(9, top + 17, "sign", right, true) : ""];
    if (this.single) return [...parts, ...this.#numbers(top, compared)];
    const [first, last] = [graph.names[this.nodes[0]], graph.names[this.nodes.at(-1)]];
    if (!this.group) return [...parts, this.#text(9, top + 34, "caption", `${first} … ${last}`)];
    const { size, holds } = graph.groups[this.ref];
    this.shared = holds ? this.#text(9, top + 50, "caption", "shared") : null;
    const below = this.shared ?? this.#text(9, top + 50, "caption", `${this.nodes.length} outputs`);
    return [...parts, this.#text(9, top + 34, "caption", `${size} ${holds ?? "nodes"}`), below];
  }

  #title() {
    if (this.group) return [this.graph.groups[this.ref].title, ""];
    return this.kind === "node" || this.single ? this.node.title : [`${this.nodes.length} values`, ""];
  }

  #numbers(top, compared) {
    const constant = this.node.role === "constant";
    this.value = this.#text(9, top + 34, "value", "", true);
    this.grad = this.#text(9, top + 50, "grad", "", true);
    const above = this.#text(9, top + 34, "caption", "");
    const below = this.#text(9, top + 50, "caption", "");
    this.captions = [
      [above, this.node.size || "value"],
      [below, constant ? "constant" : "grad"],
    ];
    const parts = [above, this.value, below, constant ? "" : this.grad];
    const heat = this.kind === "node" ? this.node.heat : null;
    if (heat) {
      const { shape } = this.node;
      const open = openerOf(this.graph, this.ref, (index) => this.actions.element(this.ref, index));
      const map = (dx, dy) => new HeatMap(heat, shape, this.x + 9 + dx, this.y + heat.y + dy, open);
      this.maps = [map(0, 0), map(...heat.grad)];
      parts.push(this.maps[0].element, constant ? "" : this.maps[1].element);
    }
    if (compared && !constant) {
      // Where two walks differ, the right gradient stands behind a disc and the wrong one behind a triangle.
      this.rival = this.#text(18, top + 50, "grad right", "");
      this.marks = svg("g", { class: "marks" });
      this.markAt = (kind, dx) =>
        svg("path", {
          d: MARKS[kind],
          class: kind,
          transform: `translate(${this.x + dx} ${this.y + top + 41.5}) scale(.75)`,
        });
      parts.push(this.rival, this.marks);
    }
    return parts;
  }

  // Which of the parameters in a shared box a step goes to; null: none.
  tell(node) {
    if (!this.shared) return;
    const { name, holds } = this.graph.groups[this.ref];
    const scope = name.slice(0, -holds.length); // "layer 1.parameters" to "layer 1."
    const full = node === null ? "shared" : this.graph.names[node];
    const text = full.startsWith(scope) ? full.slice(scope.length) : full;
    this.shared.textContent = text.length > 20 ? `…${text.slice(-19)}` : text;
    this.element.classList.toggle("told", node !== null);
  }

  #opens() {
    const { x, y, width, ref, actions, graph } = this;
    const open = () => actions.enter(ref);
    const key = (event) => {
      if (event.key !== "Enter") return;
      event.stopPropagation();
      open();
    };
    fill(
      this.element,
      { tabindex: 0, role: "button", "aria-label": `open ${graph.groups[ref].name}`, ondblclick: open, onkeydown: key },
      [svg("path", { class: "opener", d: `M${x + width - 16} ${y + 10}h7v7m0-7l-8 8`, onclick: open })],
    );
  }

  #hover(on) {
    if (this.group) return;
    const why = this.actions.hover(on ? this.ref : null);
    if (on) this.tip.textContent = why ? `${this.graph.names[this.ref]}: ${why}` : this.graph.names[this.ref];
  }

  // Touches only what changed since the last time: a large graph has thousands of texts.
  refresh({ values, grads }, rival, hidden) {
    const value = values[this.watch ?? this.nodes.at(-1)];
    if (this.changed("todo", value === null)) this.element.classList.toggle("todo", value === null);
    if (!this.value) return;
    const grad = grads[this.watch];
    if (this.changed("seen", value)) {
      this.#write(0, this.value, brief(value));
      this.maps?.[0].show(value);
    }
    const asked = hidden === this.watch;
    const wrong = this.marks ? rival[this.watch] : undefined;
    // All three are looked at each time, so that each is noted.
    if (![this.changed("got", grad), this.changed("asked", asked), this.changed("wrong", wrong)].includes(true)) return;
    this.grad.classList.toggle("unknown", grad === null && !asked);
    this.maps?.[1].show(asked ? null : grad);
    if (this.marks && !alike(grad, wrong)) return this.#compare(grad, wrong);
    this.element.classList.remove("differs");
    this.#write(1, this.grad, this.grad.parentNode ? (asked ? "?" : brief(grad)) : "");
  }

  #compare(right, wrong) {
    const say = (quantity) =>
      quantity === null ? "none" : isArray(quantity) ? tiny(quantity.mean) : tiny(quantity, 2);
    this.element.classList.add("differs");
    this.rival.textContent = say(right);
    this.grad.textContent = say(wrong);
    const triangle = this.width - 9 - width(say(wrong), 10.5) - 12;
    this.marks.replaceChildren(this.markAt("right", 6), this.markAt("wrong", Math.max(triangle, 50)));
    this.captions[1][0].textContent = "";
  }

  // A number, and the caption on its left where the two do not touch; as chainrule.viz.labels.caption.
  #write(row, target, content) {
    const [element, caption] = this.captions[row];
    target.textContent = content;
    element.textContent = width(caption, 9.5) + width(content, 12.1) + 4 <= this.width - 18 ? caption : "";
  }

  changed(key, now) {
    if (this[key] === now) return false;
    this[key] = now;
    return true;
  }
}
