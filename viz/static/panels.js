// What stands beside the graph: the legend, the code, the node that is looked at.

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
  const written = Object.entries(graph.sources[line[0]]);
  const indent = Math.min(...written.map(([, text]) => (text.trim() ? text.search(/\S/) : Infinity)));
  const rows = written.map(([row, text]) =>
    html(
      "div",
      { class: Number(row) === line[1] ? "line current" : "line" },
      html("span", { class: "row", "aria-hidden": "true" }, row),
      html("code", null, text.slice(indent) || " "),
    ),
  );
  return html("section", { class: "card code" }, html("h2", null, line[0]), html("div", { class: "lines" }, rows));
}

function nodePanel(graph, replay, id, actions) {
  if (id === null) return null;
  const open = openerOf(graph, id, (index) => actions.element(id, index));
  const node = graph.nodes[id];
  const link = (other) =>
    html("button", { class: "link", type: "button", onclick: () => actions.select(other) }, graph.names[other]);
  const list = (ids) => (ids.length ? ids.flatMap((other, k) => (k ? [", ", link(other)] : [link(other)])) : UNKNOWN);
  const [first, last] = replay.span(replay.iteration);
  const within = replay.steps.slice(first, last);
  const made = within.findIndex((step) => step.kind === "forward" && step.node === id);
  const given = within.findIndex((step) => step.kind === "backward" && step.parent === id);
  const jump = (text, step) =>
    step < 0 ? null : html("button", { class: "chip", type: "button", onclick: () => actions.go(first + step + 1) }, text);
  const show = (quantity) =>
    quantity === null
      ? html("em", null, "not computed")
      : isArray(quantity)
        ? heatTable(quantity, open)
        : html("b", null, short(quantity, 7));
  const readers = graph.nodes.flatMap((other, k) => (other.parents.includes(id) ? [k] : []));
  const rows = [
    ["value", show(replay.values[id])],
    ["gradient", actions.hidden === id ? html("em", null, "asked for") : show(replay.grads[id])],
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
    open ? html("p", { class: "score" }, "Click an entry to see how it alone was computed.") : null,
    html("div", { class: "chips" }, jump("go to its forward step", made), jump("go to its first gradient", given)),
  );
}

// [keys, what they do, for which graphs]
const KEYS = [
  ["→ ←", "one step forward, back"],
  ["space", "play, pause"],
  ["Home End", "first, last step"],
  ["PgDn PgUp", "a larger step"],
  ["↓ ↑", "same step, next or previous iteration", ({ replay }) => replay.starts.length > 1],
  ["Enter Esc", "look inside the scope, back out", ({ graph }) => graph.groups.length],
  [".", "why this step’s gradient is what it is"],
  ["/", "find a node"],
  ["p", "predict each gradient"],
  ["b", "breakpoints"],
  ["n N", "run to the next, the previous one"],
  ["+ − 0", "zoom in, out, fit"],
  ["w a s d", "move the drawing"],
  ["?", "this list"],
];

function helpCard(player) {
  const used = KEYS.filter(([, , when]) => !when || when(player));
  return html(
    "section",
    { class: "card help", hidden: true },
    html("h2", null, "Keys"),
    html(
      "dl",
      null,
      used.map(([shown, text]) => [html("dt", null, shown), html("dd", null, text)]),
    ),
  );
}

// The way from the whole graph to the open scope; nothing where there are no scopes.
function crumbsOf(graph, open, enter) {
  if (!graph.groups.length) return [];
  const path = [];
  for (let group = open; group !== null; group = graph.groups[group].parent) path.unshift(group);
  const crumb = (group, text) =>
    html(
      "button",
      { type: "button", "aria-current": group === open ? "page" : null, onclick: () => enter(group) },
      text,
    );
  const parts = path.map((group) => [
    html("span", { "aria-hidden": "true" }, "›"),
    crumb(group, graph.groups[group].name),
  ]);
  return [crumb(null, "whole graph"), ...parts.flat()];
}
