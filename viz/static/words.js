// What the current step says: a sentence, the formula in symbols and numbers, the accumulation, the source line.

class Words {
  constructor(graph) {
    this.graph = graph;
    this.names = graph.names;
    this.labels = symbolsOf(graph.names);
    this.root = this.labels.at(-1);
  }

  // One sentence, also read aloud by screen readers.
  sentence(step) {
    const { names, graph } = this;
    if (!step) return "Start: the inputs are known, nothing is computed yet.";
    if (step.kind === "forward") {
      const node = graph.nodes[step.node];
      return `${names[step.node]} = ${node.op}(${node.parents.map((p) => names[p]).join(", ")})${isArray(step.value) ? "," : " ="} ${this.#say(step.value)}`;
    }
    if (step.kind === "seed")
      return isArray(step.value) || step.value === 1
        ? `Backprop begins: the gradient of ${names.at(-1)} with respect to itself is 1`
        : `Backprop goes on: the gradient that arrives at ${names.at(-1)} is ${short(step.value)}`;
    if (step.kind === "iteration")
      return `Iteration ${step.number}: ${step.values.length ? "new data comes in" : "the same data"}, and the graph is computed anew.`;
    if (step.kind === "zero" && step.after) // neither cleared nor 0: clipped, say
      return `the gradient of ${names[step.node]} is changed to ${this.#say(step.after)}`;
    if (step.kind === "zero")
      return `the gradient of ${names[step.node]} is ${step.after === undefined ? "cleared" : "set to 0"}, or the next pass would add to it`;
    if (step.kind === "accumulate")
      return `${names[step.node]} still had a gradient from an earlier pass, and the new one adds to it`;
    if (step.kind === "update")
      return `${names[step.node]} takes a step: ${isArray(step.after) ? this.#say(step.after) : `from ${short(step.before)} to ${short(step.after)}`}`;
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
    if (!step) return this.#start(replay);
    return this[step.kind](step, replay);
  }

  // What a reader can do, before the first step.
  #start(replay) {
    const { graph } = this;
    const row = (term, text) => [term, html("p", null, text)];
    return [
      ["boxes", legend(graph)],
      row("keys", "→ and ← step, space plays, ? lists all keys"),
      replay.starts.length > 1
        ? row("training", `${replay.starts.length} iterations: ↓ and ↑ go from one to the next`)
        : null,
      graph.elements ? row("arrays", "click a cell of a heat map to see how it alone was computed") : null,
      row("try", "click a box to see why its gradient is what it is"),
    ].filter(Boolean);
  }

  #fillers(node, values, upstream) {
    const parents = this.graph.nodes[node].parents;
    const upstreamName = partial(this.root, this.labels[node]);
    const fenced = () => math("mrow", math("mo", "("), upstreamName.cloneNode(true), math("mo", ")"));
    const symbols = (key, care) => {
      if (key === "g") return care === 2 ? fenced() : upstreamName.cloneNode(true);
      return mathName(this.labels[key === "out" ? node : parents[key]]);
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
    const name = mathName(this.labels[step.node]);
    const rows = [];
    if (tree) rows.push(["computes", equation([name, "=", mathTree(tree, symbols)])]);
    if (tree && known)
      rows.push(["numbers", equation([mathTree(tree, numbers)], [rounded ? "≈" : "=", mathNumber(step.value, 4)])]);
    if (!known) rows.push(["value", heatTable(step.value)]);
    return rows;
  }

  seed(step) {
    // An element of an array, opened: the pass began further on.
    if (!isArray(step.value) && step.value !== 1) return [["arrives", html("span", { class: "cell after" }, short(step.value))]];
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
    const { labels, root } = this;
    const formula = this.graph.formulas[this.graph.nodes[step.child].formula];
    const fillers = this.#fillers(step.child, values, step.upstream);
    const [parent, child] = [labels[step.parent], labels[step.child]];
    const rows = [
      ["chain rule", equation([partial(root, parent), "+="], [partial(root, child), "·", partial(child, parent)])],
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

  // The chain rule of a step whose result is not told yet.
  question(step) {
    const { labels, root } = this;
    const [parent, child] = [labels[step.parent], labels[step.child]];
    const formula = this.graph.formulas[this.graph.nodes[step.child].formula];
    const tree = formula?.forward;
    const { symbols } = this.#fillers(step.child, [], null);
    return [
      ["chain rule", equation([partial(root, parent), "+="], [partial(root, child), "·", partial(child, parent)])],
      ["upstream", equation([partial(root, child), "=", mathNumber(step.upstream, 6)])],
      ...(tree ? [["the op", equation([mathName(child), "=", mathTree(tree, symbols)])]] : []),
      ["so far", html("span", { class: `cell ${step.before === undefined ? "none" : ""}` }, brief(step.before ?? 0))],
    ];
  }

  iteration(step) {
    return step.values.map(([node, value]) => [this.names[node], heatTable(value)]);
  }

  zero(step) {
    const after = step.after === undefined ? html("em", null, "none") : heatTable(step.after);
    return [
      ["before", heatTable(step.before)],
      ["now", after],
    ];
  }

  accumulate(step) {
    if (!isArray(step.after)) return [["adds up", this.#sum(step)]];
    return [
      ["this pass", heatTable(step.before)],
      ["left over", heatTable(step.contribution)],
      ["now", heatTable(step.after)],
    ];
  }

  // The optimizer's rule in symbols, then what it did here.
  update(step) {
    const rule = this.graph.rules?.[step.rule];
    const name = this.labels[step.node];
    const symbols = (key) => (key === "w" ? mathName(name) : key === "g" ? partial(this.root, name) : mathName(key));
    const rows = [];
    if (rule) {
      const lines = rule.lines.map(([target, tree]) => equation([symbols(target), "←", mathTree(tree, symbols)]));
      rows.push([rule.name || "rule", html("div", { class: "rule" }, lines)]);
      if (!isArray(step.after)) rows.push(...this.#ruleInNumbers(rule, step, symbols));
    }
    const states = Object.entries(step.state ?? {});
    if (isArray(step.after)) {
      rows.push(["before", heatTable(step.before)], ["gradient", heatTable(step.gradient)]);
      rows.push(...states.map(([what, quantity]) => [what, heatTable(quantity)]));
      return [...rows, ["change", heatTable(step.change)], ["now", heatTable(step.after)]];
    }
    return [...rows, ["step", this.#sum({ ...step, contribution: step.change })]];
  }

  // The lines of a rule with the numbers of this step, as far as each is known.
  #ruleInNumbers({ lines }, step, symbols) {
    const { steps } = this.graph;
    const earlier = steps
      .slice(0, steps.indexOf(step))
      .findLast((other) => other.kind === "update" && other.node === step.node);
    const known = { w: step.before, g: step.gradient };
    for (const key of Object.keys(step.state ?? {})) known[key] = earlier?.state?.[key] ?? 0;
    const rows = [];
    for (const [k, [target, tree]] of lines.entries()) {
      const result = k === lines.length - 1 ? step.after : step.state?.[target];
      if (result === undefined || slotsOf(tree).some((key) => known[key] === undefined)) break;
      const numbers = (key, careful) => mathNumber(known[key], 4, careful);
      rows.push(equation([symbols(target), "=", mathTree(tree, numbers)], ["≈", mathNumber(result, 4)]));
      known[target] = result;
    }
    return rows.length ? [["numbers", html("div", { class: "rule" }, rows)]] : [];
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

// The open slots of a formula.
function slotsOf(tree) {
  if (!Array.isArray(tree)) return [];
  return tree[0] === "slot" ? [tree[1]] : tree.flatMap(slotsOf);
}
