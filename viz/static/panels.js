// What the current step says: a sentence, the formula in symbols and numbers, the accumulation, the source line.

class Words {
  constructor(graph) {
    this.graph = graph;
    this.names = graph.names;
    this.root = graph.names.at(-1);
  }

  // One sentence, also read aloud by screen readers.
  sentence(step) {
    const { names, graph } = this;
    if (!step) return "Start: the inputs are known, nothing is computed yet.";
    if (step.kind === "forward") {
      const node = graph.nodes[step.node];
      return `${names[step.node]} = ${node.op}(${node.parents.map((p) => names[p]).join(", ")})${isArray(step.value) ? "," : " ="} ${this.#say(step.value)}`;
    }
    if (step.kind === "seed") return `Backprop begins: the gradient of ${this.root} with respect to itself is 1`;
    if (step.kind === "unbroadcast") {
      return `${names[step.node]} was stretched from ${shapeText(step.to_shape)} to ${shapeText(step.from_shape)}, so its contribution is summed over ${this.#axes(step)}`;
    }
    const more =
      isArray(step.contribution) || step.local === undefined
        ? "plus a contribution"
        : `plus ${short(step.upstream)} times ${short(step.local)}`;
    return `gradient of ${names[step.parent]}: ${more}, ${isArray(step.after) ? `${this.#say(step.after)}` : `now ${short(step.after)}`}`;
  }

  #axes(step) {
    return step.axes.length === 1 ? `axis ${step.axes[0]}` : `axes ${step.axes.join(", ")}`;
  }

  #say(quantity) {
    return isArray(quantity) ? `shape ${shapeText(quantity.shape)}, ${brief(quantity)}` : short(quantity);
  }

  // Rows of [caption, content].
  rows(step, replay) {
    if (!step)
      return [
        ["boxes", legend(this.graph)],
        ["keys", html("p", null, "→ and ← step, space plays, Home and End jump")],
      ];
    return this[step.kind](step, replay);
  }

  #fillers(node, values, upstream) {
    const parents = this.graph.nodes[node].parents;
    const upstreamName = partial(this.root, this.names[node]);
    const fenced = () => math("mrow", math("mo", "("), upstreamName.cloneNode(true), math("mo", ")"));
    const symbols = (key, care) => {
      if (key === "g") return care === 2 ? fenced() : upstreamName.cloneNode(true);
      return mathName(this.names[key === "out" ? node : parents[key]]);
    };
    const numbers = (key, careful) =>
      mathNumber(key === "g" ? upstream : values[key === "out" ? node : parents[key]], 4, careful);
    const known = parents.every((parent) => !isArray(values[parent])) && !isArray(values[node]);
    const rounded = [node, ...parents].some((id) => !isArray(values[id]) && !exact(values[id], 4));
    return { symbols, numbers, known, rounded };
  }

  forward(step, { values }) {
    const node = this.graph.nodes[step.node];
    const { symbols, numbers, known, rounded } = this.#fillers(step.node, values);
    const tree = this.graph.formulas[node.formula]?.forward;
    const name = mathName(this.names[step.node]);
    const rows = [];
    if (tree) rows.push(["computes", equation([name, "=", mathTree(tree, symbols)])]);
    if (tree && known)
      rows.push(["numbers", equation([mathTree(tree, numbers)], [rounded ? "≈" : "=", mathNumber(step.value, 4)])]);
    if (!known) rows.push(["value", heatTable(step.value)]);
    return rows;
  }

  seed() {
    const one = equation([partial(this.root, this.root), "=", math("mn", "1")]);
    return [
      ["seed", one],
      ["", html("p", null, "Everything that follows is this 1, carried back edge by edge.")],
    ];
  }

  unbroadcast(step) {
    const text = `${shapeText(step.from_shape)} → ${shapeText(step.to_shape)}: summed over ${this.#axes(step)}`;
    return [
      ["shapes", html("code", null, text)],
      ["before", heatTable(step.before)],
      ["after", heatTable(step.after)],
    ];
  }

  backward(step, { values }) {
    const { names, root } = this;
    const formula = this.graph.formulas[this.graph.nodes[step.child].formula];
    const fillers = this.#fillers(step.child, values, step.upstream);
    const [parent, child] = [names[step.parent], names[step.child]];
    const rows = [
      ["chain rule", equation([partial(root, parent), "+=", partial(root, child), "·", partial(child, parent)])],
    ];
    if (isArray(step.contribution) || step.local === undefined)
      return [...rows, ...this.#arrays(step, formula, fillers)];
    const tree = formula?.local[step.argument];
    if (tree) {
      const local = [[partial(child, parent), "=", mathTree(tree, fillers.symbols)]];
      if (tree[0] !== "mn" && fillers.known) local.push(...this.#inNumbers(tree, fillers, step.local));
      rows.push(["local", equation(...local)]);
    }
    const [digits, sign] = agree([step.upstream, step.local], step.contribution, (a, b) => a * b);
    rows.push([
      "numbers",
      equation(
        [mathNumber(step.upstream, digits), "·", mathNumber(step.local, digits, true)],
        [sign, mathNumber(step.contribution, digits)],
      ),
    ]);
    return [...rows, ["adds up", this.#sum(step)]];
  }

  #inNumbers(tree, { symbols, numbers, rounded }, value) {
    const result = mathNumber(value, 4);
    if (tree[0] === "slot") return symbols(tree[1]).textContent === result.textContent ? [] : [["=", result]];
    return [
      ["=", mathTree(tree, numbers)],
      [rounded || !exact(value, 4) ? "≈" : "=", mathNumber(value, 4)],
    ];
  }

  #arrays(step, formula, { symbols }) {
    const rows = [];
    const tree = formula?.contribution[step.argument];
    if (tree) rows.push(["adds", equation([mathTree(tree, symbols)])]);
    rows.push(["contribution", heatTable(step.contribution)]);
    if (step.before !== undefined) rows.push(["so far", heatTable(step.before)], ["now", heatTable(step.after)]);
    return rows;
  }

  // 0 → 2.832: what was there, what comes, what is there now.
  #sum(step) {
    const cell = (value, name) => html("span", { class: `cell ${name}` }, value === undefined ? "0" : short(value));
    const [, sign] =
      step.before === undefined ? [4, "="] : agree([step.before, step.contribution], step.after, (a, b) => a + b);
    return html(
      "div",
      { class: "sum" },
      cell(step.before, step.before === undefined ? "before none" : "before"),
      " + ",
      cell(step.contribution, "contribution"),
      ` ${sign} `,
      cell(step.after, "after"),
    );
  }
}

// The first rows and columns of an array, coloured from blue (negative) to orange (positive).
function heatTable(quantity) {
  if (!isArray(quantity)) return html("span", null, brief(quantity));
  const largest = Math.max(
    ...quantity.values
      .flat()
      .concat(quantity.least, quantity.greatest)
      .map((value) => Math.abs(number(value)))
      .filter(Number.isFinite),
    1e-300,
  );
  const clean = (value) => (Math.abs(number(value)) < 1e-12 * largest ? 0 : value); // left over by rounding
  const [least, greatest] = [clean(quantity.least), clean(quantity.greatest)];
  const cell = (value) => {
    const strength = Math.round((number(value) / largest) * 4) || 0;
    return html("td", { class: strength < 0 ? `cold${-strength}` : `warm${strength}` }, tiny(clean(value), 2));
  };
  const columns = quantity.shape.at(-1);
  const rows = quantity.shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const more = rows > quantity.values.length || columns > (quantity.values[0]?.length ?? 0);
  const size = [quantity.values.length, quantity.values[0]?.length ?? 0]
    .slice(quantity.shape.length > 1 ? 0 : 1)
    .join(" × ");
  return html(
    "div",
    { class: "heat" },
    html(
      "table",
      null,
      quantity.values.map((row) => html("tr", null, row.map(cell))),
    ),
    html(
      "small",
      null,
      `${shapeText(quantity.shape)}${more ? `, the first ${size}` : ""} · ${brief({ least, greatest })} · mean ${short(clean(quantity.mean), 3)}`,
    ),
  );
}

// What the colours of the boxes mean, for those that this graph has.
function legend(graph) {
  const roles = ["input", "parameter", "constant", "op", "loss"].filter((role) =>
    graph.nodes.some((node) => node.role === role),
  );
  const kinds = [
    ...roles.map((role) => [role, role === "loss" ? "result" : role]),
    ...(graph.groups.length ? [["group", "scope"]] : []),
  ];
  return html(
    "ul",
    { class: "legend" },
    kinds.map(([kind, text]) =>
      html(
        "li",
        null,
        svg(
          "svg",
          { viewBox: "0 0 18 12", class: `box ${kind}`, "aria-hidden": "true" },
          svg("rect", { x: 1, y: 1, width: 16, height: 10, rx: 3 }),
        ),
        text,
      ),
    ),
  );
}

// "layer 1 › neuron 2"
function scopePath(graph, group) {
  const path = [];
  for (; group !== null; group = graph.groups[group].parent) path.unshift(graph.groups[group].name);
  return path.join(" › ");
}

function codePanel(graph, id) {
  const line = id === null ? null : graph.nodes[id].line;
  if (!line || !graph.sources[line[0]]) return null;
  const rows = Object.entries(graph.sources[line[0]]).map(([row, text]) =>
    html(
      "div",
      { class: Number(row) === line[1] ? "line current" : "line" },
      html("span", { class: "row", "aria-hidden": "true" }, row),
      html("code", null, text || " "),
    ),
  );
  return html("section", { class: "card code" }, html("h2", null, line[0]), html("div", { class: "lines" }, rows));
}

function nodePanel(graph, replay, id, actions) {
  if (id === null) return null;
  const node = graph.nodes[id];
  const link = (other) => html("button", { class: "link", onclick: () => actions.select(other) }, graph.names[other]);
  const list = (ids) => (ids.length ? ids.flatMap((other, k) => (k ? [", ", link(other)] : [link(other)])) : UNKNOWN);
  const made = graph.steps.findIndex((step) => step.kind === "forward" && step.node === id);
  const given = graph.steps.findIndex((step) => step.kind === "backward" && step.parent === id);
  const jump = (text, step) =>
    step < 0 ? null : html("button", { class: "chip", onclick: () => actions.go(step + 1) }, text);
  const show = (quantity) =>
    quantity === null
      ? html("em", null, "not computed")
      : isArray(quantity)
        ? heatTable(quantity)
        : html("b", null, short(quantity, 7));
  const readers = graph.nodes.flatMap((other, k) => (other.parents.includes(id) ? [k] : []));
  const rows = [
    ["value", show(replay.values[id])],
    ["gradient", show(replay.grads[id])],
    ["made by", node.op ? [node.op, "(", ...list(node.parents), ")"] : node.role],
    ["read by", list(readers.slice(0, 12))],
    ["type", node.shape.length ? `${node.dtype} ${shapeText(node.shape)}` : node.dtype],
  ];
  const path = scopePath(graph, graph.homes[id]);
  return html(
    "section",
    { class: "card node" },
    html("h2", null, graph.names[id]),
    path ? html("p", { class: "path" }, `in ${path}`) : null,
    html(
      "dl",
      null,
      rows.map(([term, value]) => [html("dt", null, term), html("dd", null, value)]),
    ),
    html("div", { class: "chips" }, jump("go to its forward step", made), jump("go to its first gradient", given)),
  );
}
