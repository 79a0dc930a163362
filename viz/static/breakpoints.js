// Breakpoints: where stepping and playing stop.

const CONDITIONS = {
  label: "at a label",
  scope: "in a scope",
  zero: "gradient is 0",
  nan: "gradient is NaN",
  above: "gradient above",
};

// Nodes with the same label have longer names; the label is enough to mean all of them.
const isCalled = ({ names, nodes }, id, name) => names[id] === name || nodes[id].label === name;
const nodesCalled = (graph, name) => graph.names.flatMap((_, id) => (isCalled(graph, id, name) ? [id] : []));

class Breakpoints {
  // `actions`: id, changed(), run(direction)
  constructor(graph, actions) {
    this.graph = graph;
    this.actions = actions;
    this.list = [];
    this.open = false;
    this.kind = html(
      "select",
      { "aria-label": "stop where", onchange: () => this.#offer() },
      Object.entries(CONDITIONS)
        .filter(([kind]) => kind !== "scope" || graph.groups.length)
        .map(([value, text]) => html("option", { value }, text)),
    );
    this.label = html("input", {
      type: "text",
      "aria-label": "label",
      placeholder: "w1",
      spellcheck: "false",
      list: `${actions.id}-labels`,
    });
    const labels = [...new Set(graph.names)].slice(0, 300).map((name) => html("option", { value: name }));
    this.scope = html(
      "select",
      { "aria-label": "scope" },
      graph.groups.map((_, id) => html("option", { value: id }, scopePath(graph, id))),
    );
    this.threshold = html("input", {
      type: "text",
      inputmode: "decimal",
      "aria-label": "threshold",
      value: "1",
      size: 6,
    });
    this.chips = html("div", { class: "chips" });
    this.word = html("p", { class: "score", role: "status" });
    this.card = html(
      "section",
      { class: "card breaks", hidden: true },
      html("h2", null, "Breakpoints"),
      html(
        "form",
        {
          class: "answer",
          onsubmit: (event) => {
            event.preventDefault();
            this.#add();
          },
        },
        this.kind,
        this.label,
        html("datalist", { id: `${actions.id}-labels` }, labels),
        this.scope,
        this.threshold,
        html("button", { class: "chip strong", type: "submit" }, "add"),
      ),
      this.chips,
      html(
        "div",
        { class: "chips" },
        html("button", { class: "chip", type: "button", onclick: () => actions.run(-1) }, "run back"),
        html("button", { class: "chip", type: "button", onclick: () => actions.run(1) }, "run to the next"),
      ),
      this.word,
    );
    this.#offer();
    this.refresh();
  }

  #offer() {
    for (const kind of ["label", "scope"]) this[kind].hidden = this.kind.value !== kind;
    this.threshold.hidden = this.kind.value !== "above";
  }

  #add() {
    const kind = this.kind.value;
    const entry = { kind };
    if (kind === "label") {
      entry.label = this.label.value.trim();
      if (!nodesCalled(this.graph, entry.label).length) return this.refresh(`no node is called “${entry.label}”`);
    } else if (kind === "scope") entry.group = Number(this.scope.value);
    else if (kind === "above") {
      entry.limit = answered(this.threshold.value);
      if (Number.isNaN(entry.limit)) return this.refresh("the threshold is a number, such as 0.5");
    }
    if (!this.list.some((other) => this.name(other) === this.name(entry))) this.list.push(entry);
    this.refresh();
    this.actions.changed();
  }

  name({ kind, label, group, limit }) {
    if (kind === "label") return label;
    if (kind === "scope") return `in ${scopePath(this.graph, group)}`;
    return kind === "above" ? `|gradient| > ${short(limit)}` : CONDITIONS[kind];
  }

  // The breakpoint that a step hits, or undefined.
  hit(step, previous) {
    return this.list.find((entry) => this.#holds(entry, step, previous));
  }

  #holds({ kind, label, group, limit }, step, previous) {
    const target = step.parent ?? step.node;
    if (target === undefined) return false;
    if (kind === "label") return isCalled(this.graph, target, label);
    if (kind === "scope") return this.#within(step, group) && !(previous && this.#within(previous, group)); // on entering
    const made = step.kind === "backward" || step.kind === "accumulate" ? step.after : undefined;
    if (made === undefined) return false;
    const ends = isArray(made) ? [number(made.least), number(made.greatest)] : [number(made)];
    if (kind === "zero") return ends.every((end) => end === 0);
    if (kind === "nan") return isArray(made) ? Number.isNaN(number(made.mean)) : Number.isNaN(ends[0]);
    return ends.some((end) => Math.abs(end) > limit);
  }

  #within(step, group) {
    let home = this.graph.homes[step.child ?? step.node] ?? null;
    while (home !== null && home !== group) home = this.graph.groups[home].parent;
    return home === group;
  }

  // The position of the next hit in a direction, or null.
  next(replay, direction) {
    const { steps, at } = replay;
    for (let k = at - 1 + direction; k >= 0 && k < steps.length; k += direction)
      if (this.hit(steps[k], steps[k - 1])) return k + 1;
    return null;
  }

  refresh(
    word = this.list.length ? "" : "None yet. Playing stops at each; n and N run to the next and the one before.",
  ) {
    this.word.textContent = word;
    this.chips.replaceChildren(
      ...this.list.map((entry, k) =>
        html(
          "button",
          {
            class: "chip set",
            type: "button",
            "aria-label": `remove: ${this.name(entry)}`,
            onclick: () => {
              this.list.splice(k, 1);
              this.refresh();
              this.actions.changed();
            },
          },
          this.name(entry),
          html("span", { "aria-hidden": "true" }, " ×"),
        ),
      ),
    );
  }
}
