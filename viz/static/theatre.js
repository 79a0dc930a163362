// Bug theatre: the same walk with a mistake in it, beside the right one. What differs is told by colour and by shape.

// Arrays are alike but for rounding: the right walk may have used a backend's kernels.
const alike = (a, b) => {
  if (a === null || b === null || !isArray(a) || !isArray(b))
    return a === b || (Number.isNaN(number(a)) && Number.isNaN(number(b)));
  const numbers = ({ least, greatest, mean, values }) => [least, greatest, mean, ...values.flat()].map(number);
  const [these, those] = [numbers(a), numbers(b)];
  const rounding = 1e-5 * Math.max(...those.slice(0, 2).map(Math.abs));
  const same = (x, k) => Object.is(x, those[k]) || Math.abs(x - those[k]) <= rounding;
  return String(a.shape) === String(b.shape) && these.length === those.length && these.every(same);
};

const MARKS = { right: "M6 1a5 5 0 1 0 0 10a5 5 0 1 0 0-10z", wrong: "M6 1l5.5 10h-11z" };
const mark = (kind) =>
  svg("svg", { viewBox: "0 0 12 12", class: `mark ${kind}`, "aria-hidden": "true" }, svg("path", { d: MARKS[kind] }));

class Theatre {
  constructor(graph, actions) {
    this.graph = graph;
    this.actions = actions;
    this.mistake = graph.mistake;
    const wrong = graph.steps.map((step, k) => this.mistake.steps[k] ?? step);
    this.replay = new Replay(graph, wrong, this.mistake.start);
    this.table = html("div", { class: "differences" });
    const code = (kind, text) =>
      html("div", { class: `written ${kind}` }, html("span", null, mark(kind), kind), html("code", null, text));
    this.card = html(
      "section",
      { class: "card theatre" },
      html("h2", null, `Bug theatre: ${this.mistake.title}`),
      html("p", null, this.mistake.sentence),
      code("wrong", this.mistake.wrong),
      code("right", this.mistake.right),
      this.table,
    );
  }

  get grads() {
    return this.replay.grads;
  }

  // The step that the wrong walk takes here, if it is another than the right one.
  get step() {
    return this.replay.at ? (this.mistake.steps[this.replay.at - 1] ?? null) : null;
  }

  refresh(right) {
    const { names } = this.graph;
    const differ = names.flatMap((_, id) => (alike(right.grads[id], this.grads[id]) ? [] : [id]));
    const say = (quantity) => (quantity === null ? "none" : brief(quantity));
    const row = (id) =>
      html(
        "tr",
        null,
        html(
          "th",
          null,
          html("button", { class: "link", type: "button", onclick: () => this.actions.select(id) }, names[id]),
        ),
        html("td", { class: "right" }, mark("right"), say(right.grads[id])),
        html("td", { class: "wrong" }, mark("wrong"), say(this.grads[id])),
      );
    const over = right.at === right.steps.length;
    const none = this.mistake.matters
      ? over
        ? "In the end both agree."
        : "So far both walks agree."
      : "On this graph the mistake changes nothing.";
    this.table.replaceChildren(
      differ.length
        ? html(
            "table",
            null,
            html("caption", null, `${differ.length} ${differ.length === 1 ? "gradient differs" : "gradients differ"}`),
            differ.slice(0, 12).map(row),
          )
        : html("p", { class: "score" }, none),
    );
  }
}
