// Why a gradient is what it is: the sum, over all paths from the result, of the products of local derivatives.

const MOST_PATHS = 8;

class Paths {
  // `steps` are those of one backward pass.
  constructor(graph, steps) {
    this.edges = graph.nodes.map(() => []);
    this.known = true;
    this.root = null;
    for (const step of steps) {
      if (step.kind === "seed") this.root = step.node;
      if (step.kind !== "backward") continue;
      if (step.local === undefined || isArray(step.local) || isArray(step.contribution)) this.known = false;
      this.edges[step.child].push({ parent: step.parent, argument: step.argument, local: number(step.local) });
    }
  }

  // The paths to a node, largest product first, and how many there are. A prefix is ranked by the best that can
  // still become of it, so the first paths that come out are the largest, and no others are looked at.
  to(target, most = MOST_PATHS) {
    const best = new Map([[target, 1]]);
    const count = new Map([[target, 1n]]);
    for (let id = target + 1; id <= this.root; id++) {
      for (const { parent, local } of this.edges[id]) {
        if (!count.has(parent)) continue;
        count.set(id, (count.get(id) ?? 0n) + count.get(parent));
        best.set(id, Math.max(best.get(id) ?? 0, rank(local * best.get(parent))));
      }
    }
    const paths = [];
    const open = count.has(this.root) ? [{ node: this.root, product: 1, edges: [], rank: Infinity }] : [];
    while (open.length && paths.length < most) {
      let top = open.length - 1;
      for (let k = top - 1; k >= 0; k--) if (open[k].rank > open[top].rank) top = k;
      const [path] = open.splice(top, 1);
      if (path.node === target) paths.push(path);
      else
        for (const edge of this.edges[path.node].toReversed()) { // among equals the last is taken up first
          if (!count.has(edge.parent)) continue;
          const product = path.product * edge.local;
          open.push({
            node: edge.parent,
            product,
            edges: [...path.edges, { child: path.node, ...edge }],
            rank: rank(product * best.get(edge.parent)),
          });
        }
    }
    return { count: count.get(this.root) ?? 0n, paths };
  }
}

// NaN spoils every sum that it is in, so it comes first.
const rank = (product) => (Number.isNaN(product) ? Infinity : Math.abs(product));

// The middle of a long list says least.
const clipped = (items, most = 9) =>
  items.length <= most ? items : [...items.slice(0, most - 4), "…", ...items.slice(-3)];

// The explanation of one node's gradient, which may not be there yet `now`; `show` lets the graph mark a path.
function pathsPanel(graph, paths, id, gradient, now, show) {
  if (paths.root === null || gradient === null || gradient === undefined || id === paths.root) return null;
  const { root } = paths;
  const listed = graph.paths?.[id];
  const found = listed ? shapedPaths(listed) : (paths.known ? scalarPaths : onlyPath)(paths, id, gradient);
  const { count, rows, rest } = found;
  if (!rows.length) return null;
  const ordinal = (k) => ["first", "second", "third"][k] ?? `${k + 1}th`;
  const name = ({ child, parent, argument }) =>
    graph.nodes[child].parents.filter((other) => other === parent).length > 1 // else two ways would read the same
      ? `${graph.names[parent]} (${ordinal(argument)} argument)`
      : graph.names[parent];
  const largest = Math.max(...rows.map((row) => rank(row.size)).filter(Number.isFinite), 1e-300);
  const item = (row) => {
    const names = [graph.names[root], ...row.edges.map(name)];
    return html(
      "li",
      null,
      html(
        "button",
        {
          class: "way",
          type: "button",
          title: names.join(" → "),
          onpointerenter: () => show(row.edges),
          onpointerleave: () => show(null),
          onfocus: () => show(row.edges),
          onblur: () => show(null),
        },
        html("span", { class: "route" }, clipped(names).join(" → ")),
        html("span", { class: "product" }, row.text),
        svg(
          "svg",
          { class: "bar", viewBox: "0 0 100 3", preserveAspectRatio: "none", "aria-hidden": "true" },
          svg("rect", {
            width: Math.min(100, (100 * rank(row.size)) / largest),
            height: 3,
            class: row.size < 0 ? "negative" : "positive",
          }),
        ),
      ),
    );
  };
  const more = count - BigInt(rows.length);
  const many = count === 1n ? "one path" : `${count.toLocaleString("en")} paths`;
  return html(
    "section",
    { class: "card paths" },
    html("h2", null, `Why this gradient: ${many} from ${graph.names[root]}`),
    html("ol", null, rows.map(item)),
    more > 0n
      ? html(
          "p",
          { class: "rest" },
          `and ${more.toLocaleString("en")} more${rest === null ? "" : `, together ${brief(rest)}`}`,
        )
      : null,
    isArray(gradient)
      ? null
      : html(
          "p",
          { class: "total" },
          `${count > 1n ? "their sum" : "the gradient"}${now === gradient ? " " : ", in the end: "}`,
          html("b", null, short(gradient, 7)),
        ),
  );
}

function scalarPaths(paths, id, gradient) {
  const { count, paths: found } = paths.to(id);
  const rows = found.map(({ product, edges }) => {
    const factors = edges.map((edge) => edge.local);
    const telling = factors.filter((factor) => factor !== 1); // sums hand on what they get
    const shown = telling.length ? telling : [1];
    const [digits, sign] = agree(shown, product, (a, b) => a * b);
    const text = clipped(
      shown.map((factor, k) => (k && factor < 0 ? `(${short(factor, digits)})` : short(factor, digits))),
    );
    return {
      edges,
      size: product,
      text: shown.length > 1 ? `${text.join(" · ")} ${sign} ${short(product, digits)}` : short(product),
    };
  });
  return { count, rows, rest: number(gradient) - found.reduce((sum, path) => sum + path.product, 0) };
}

// Between arrays: where there is one path only, it brings all of the gradient.
function onlyPath(paths, id, gradient) {
  const { count, paths: found } = paths.to(id, 1);
  const rows = found.map(({ edges }) => ({ edges, size: 1, text: `brings all of it: ${brief(gradient)}` }));
  return { count, rows: count === 1n ? rows : [], rest: null };
}

// Between arrays the local derivatives are no numbers: a path is ranked by how large what it brings is.
function shapedPaths({ count, paths, rest }) {
  const rows = paths.map(({ nodes, arguments: taken, norm, value }) => ({
    edges: taken.map((argument, k) => ({ child: nodes[k], parent: nodes[k + 1], argument })),
    size: number(norm),
    text: `brings ${brief(value)}, norm ${short(norm, 3)}`,
  }));
  return { count: BigInt(count), rows, rest: rest ?? null };
}
