// Numbers, names and formulas. Everything from the user enters the page through textContent, never as markup.

const MATHML = "http://www.w3.org/1998/Math/MathML";
const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false)
      node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
  return node;
}

const html = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

function math(tag, ...children) {
  // Without a maths font, a bare one-letter <mi> turns into an italic letter that shows as an empty box.
  return fill(document.createElementNS(MATHML, tag), tag === "mi" ? { mathvariant: "normal" } : {}, children);
}

const UNKNOWN = "—";
const NON_FINITE = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity };
const isArray = (quantity) => quantity !== null && typeof quantity === "object";
const number = (value) => (typeof value === "string" ? NON_FINITE[value] : Number(value));

// A number in a few characters; the same rules as chainrule.viz.labels.short.
function short(value, digits = 4) {
  const x = number(value);
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  if (Number.isInteger(x) && Math.abs(x) < 1e6) return String(x).replace("-", "−");
  const text = x.toExponential(digits - 1);
  const [mantissa, power] = [text.split("e")[0], Number(text.split("e")[1])];
  const trim = (s) => (s.includes(".") ? s.replace(/\.?0+$/, "") : s);
  const plain = power > -4 && power < 6;
  const shown = plain ? trim(Number(text).toFixed(Math.max(digits - 1 - power, 0))) : `${trim(mantissa)}e${power}`;
  return shown.replaceAll("-", "−");
}

const shownValue = (text) => Number(text.replaceAll("−", "-").replace("∞", "Infinity"));
const sameNumber = (a, b) => a === b || Math.abs(a - b) <= 1e-12 * Math.abs(b);
const exact = (value, digits) => sameNumber(shownValue(short(value, digits)), number(value));

// Six characters: two digits, or only `least` if it is below 1; as chainrule.viz.labels.tiny.
function tiny(value, least = 1) {
  const x = number(value);
  if (x === 0 || !Number.isFinite(x) || (Math.abs(x) >= 0.01 && Math.abs(x) < 9950))
    return short(x, x !== 0 && Math.abs(x) < 0.95 ? least : 2);
  return x.toExponential(0).replace("e+", "e").replaceAll("-", "−");
}

function brief(quantity) {
  if (quantity === null || quantity === undefined) return UNKNOWN;
  if (!isArray(quantity)) return short(quantity);
  if (quantity.least === quantity.greatest) return `all ${tiny(quantity.least)}`;
  return `${tiny(quantity.least)}…${tiny(quantity.greatest)}`;
}

// About how wide a caption or a number is, px; as chainrule.viz.labels.width.
const width = (text, size) =>
  size * [...text].reduce((sum, char) => sum + (char === "." ? 0.36 : "−…—∞".includes(char) ? 0.9 : 0.6), 0);

const shapeText = (shape) => (shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`);

function mathNumber(value, digits, careful = false) {
  const text = short(value, digits);
  const [mantissa, power] = text.split("e");
  let node = math("mn", mantissa.replace("−", ""));
  if (power) node = math("mrow", node, math("mo", "×"), math("msup", math("mn", "10"), math("mn", power)));
  if (mantissa.startsWith("−")) node = math("mrow", math("mo", "−"), node);
  return careful && (power || mantissa.startsWith("−")) ? math("mrow", math("mo", "("), node, math("mo", ")")) : node;
}

// Names for formulas: "layer 1.neuron 12.w1" is shortened to "l1.n12.w1", where that means no other.
function symbolsOf(names) {
  const initials = (scope) => scope.replace(/\p{L}+/gu, (word) => word[0]).replaceAll(" ", "");
  const symbols = names.map((name) => {
    const [label, ...scopes] = name.length > 16 ? name.split(".").reverse() : [name];
    return [...scopes.reverse().map(initials), label].join(".");
  });
  const meant = new Map(); // by symbol: the one name that it is short for, or null
  symbols.forEach((symbol, id) => meant.set(symbol, [undefined, names[id]].includes(meant.get(symbol)) ? names[id] : null));
  return symbols.map((symbol, id) => (meant.get(symbol) === null ? names[id] : symbol));
}

// "x1" and "w_2" get a subscript; scopes stand in front.
function mathName(name) {
  const dot = name.lastIndexOf(".");
  if (dot > 0) return math("mrow", math("mi", name.slice(0, dot + 1)), mathName(name.slice(dot + 1)));
  const clipped = name.length > 16 ? `${name.slice(0, 9)}…${name.slice(-6)}` : name;
  const parts = /^(\p{L}+)_?(\d+)$/u.exec(clipped);
  return parts ? math("msub", math("mi", parts[1]), math("mn", parts[2])) : math("mi", clipped);
}

const partial = (above, below) =>
  math("mfrac", math("mrow", math("mo", "∂"), mathName(above)), math("mrow", math("mo", "∂"), mathName(below)));

// MathML made in Python as nested lists; the open slots are filled here, with names or with numbers.
function mathTree(tree, slot) {
  if (tree[0] === "slot") return slot(tree[1], tree[2]);
  return math(tree[0], ...tree.slice(1).map((child) => (typeof child === "string" ? child : mathTree(child, slot))));
}

const WIDE = 24; // characters of a formula that surely fit on one line

const span = ({ localName, childNodes, length }) => {
  const spans = [...(childNodes ?? [])].map(span);
  if (localName === "mfrac") return Math.max(...spans);
  return localName ? spans.reduce((sum, each) => sum + each, 0) : length;
};

const fenced = (part) => (part.localName === "mrow" ? [math("mo", "("), part, math("mo", ")")] : [part]);

// A formula that is too wide for one line, cut before its operators and after its commas; each piece a list of nodes.
function broken(node) {
  const parts = [...node.childNodes];
  if (span(node) <= WIDE || !["mrow", "mfrac", "msqrt", "msup"].includes(node.localName)) return [[node]];
  if (node.localName === "mfrac")
    return broken(math("mrow", ...fenced(parts[0]), math("mo", "/"), ...fenced(parts[1])));
  if (node.localName === "msqrt") return broken(math("mrow", math("mi", "√"), math("mo", "("), ...parts, math("mo", ")")));
  if (node.localName === "msup") {
    const pieces = broken(parts[0]);
    pieces.at(-1).push(math("msup", pieces.at(-1).pop(), parts[1]));
    return pieces;
  }
  const pieces = [[]];
  for (const part of parts) {
    const [first, ...others] = broken(part);
    const last = pieces.at(-1).at(-1);
    const operator = part.localName === "mo";
    const joins = operator
      ? ")],".includes(part.textContent) || ("([".includes(part.textContent) && last?.localName === "mi")
      : last?.localName === "mo" && !")],".includes(last.textContent);
    if (joins || !last) pieces.at(-1).push(...first);
    else pieces.push(first);
    if (operator && !joins && !"([".includes(part.textContent)) part.setAttribute("form", "infix"); // with its spaces
    pieces.push(...others);
  }
  return pieces;
}

// An equation as pieces that may stand on lines of their own where room is short.
function equation(...pieces) {
  const row = (parts) => math("mrow", ...parts.map((part) => (typeof part === "string" ? math("mo", part) : part)));
  const piece = (parts) =>
    fill(document.createElementNS(MATHML, "math"), { displaystyle: "true" }, [math("mrow", ...parts)]);
  return html("div", { class: "equation" }, pieces.flatMap((parts) => broken(row(parts))).map(piece));
}

// Digits at which the displayed factors give the displayed product, and the sign that is honest to write.
function agree(factors, product, operation) {
  for (let digits = 4; digits <= 7; digits++) {
    const computed = factors.map((factor) => shownValue(short(factor, digits))).reduce(operation);
    if (short(computed, digits) === short(product, digits)) return [digits, "="];
  }
  return [4, "≈"];
}
