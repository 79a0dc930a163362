// Arrays as coloured cells, in a table beside the graph and in the boxes: blue is negative, orange positive.

// The largest magnitude of an array, by which its colours are chosen.
const largestOf = (quantity) =>
  Math.max(
    ...quantity.values
      .flat()
      .concat(quantity.least, quantity.greatest)
      .map((value) => Math.abs(number(value)))
      .filter(Number.isFinite),
    1e-300,
  );

// Nine colours, and one more for what is no number.
function shade(value, largest) {
  const x = number(value);
  if (Number.isNaN(x)) return "undefined";
  const strength = Math.max(-4, Math.min(4, Math.round((x / largest) * 4)));
  return strength < 0 ? `cold${-strength}` : `warm${strength || 0}`;
}

// What rounding left over of a sum that is 0.
const cleaned = (value, largest) => (Math.abs(number(value)) < 1e-12 * largest ? 0 : value);

// Where in the array the cell in a row and a column of its table is.
function indexOf(shape, row, column) {
  const index = [column];
  for (const size of shape.slice(0, -1).reverse()) {
    index.unshift(row % size);
    row = Math.floor(row / size);
  }
  return index;
}

// The first rows and columns of an array. `open` takes the index of a cell, and tells for which it can: open.has.
function heatTable(quantity, open = null) {
  if (!isArray(quantity)) return html("span", null, brief(quantity));
  const { shape, values } = quantity;
  const largest = largestOf(quantity);
  const clean = (value) => cleaned(value, largest);
  const [least, greatest] = [clean(quantity.least), clean(quantity.greatest)];
  const cell = (value, row, column) => {
    const index = indexOf(shape, row, column);
    const text = tiny(clean(value), 2);
    const content = open?.has(index)
      ? html(
          "button",
          {
            class: "element",
            type: "button",
            "aria-label": `open element [${index.join(", ")}], ${text}`,
            onclick: () => open(index),
          },
          text,
        )
      : text;
    return html("td", { class: shade(value, largest) }, content);
  };
  const columns = shape.at(-1);
  const rows = shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const more = rows > values.length || columns > (values[0]?.length ?? 0);
  const size = [values.length, values[0]?.length ?? 0].slice(shape.length > 1 ? 0 : 1).join(" × ");
  return html(
    "div",
    { class: "heat" },
    html(
      "table",
      null,
      values.map((row, r) =>
        html(
          "tr",
          null,
          row.map((value, c) => cell(value, r, c)),
        ),
      ),
    ),
    html(
      "small",
      null,
      `${shapeText(shape)}${more ? `, the first ${size}` : ""} · ${brief({ least, greatest })} · mean ${short(clean(quantity.mean), 3)}`,
    ),
  );
}

// The cells in a box of the graph: made once, coloured at each change.
class HeatMap {
  // `open` is as for a table: what a click on a cell does.
  constructor({ columns, rows, width: w, height: h, numbers }, shape, x, y, open) {
    this.cells = [];
    this.texts = [];
    this.element = svg("g", { class: "cells" });
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        const at = { x: x + column * w, y: y + row * h };
        const index = indexOf(shape, row, column);
        const act = (event) => {
          event.stopPropagation();
          open(index);
        };
        this.cells.push(
          svg("rect", {
            ...at,
            width: w - 1,
            height: h - 1,
            rx: 1.5,
            ...(open?.has(index) ? { "data-open": "", onclick: act } : {}),
          }),
        );
        if (numbers)
          this.texts.push(
            svg("text", { x: at.x + (w - 1) / 2, y: at.y + h / 2 + 2.6, class: "entry", "text-anchor": "middle" }),
          );
      }
    this.element.append(...this.cells, ...this.texts);
  }

  show(quantity) {
    const known = isArray(quantity);
    const entries = known ? quantity.values.flat() : [];
    const largest = known ? largestOf(quantity) : 1;
    this.cells.forEach((cell, k) =>
      cell.setAttribute("class", k < entries.length ? shade(entries[k], largest) : "none"),
    );
    this.texts.forEach((text, k) => (text.textContent = k < entries.length ? tiny(cleaned(entries[k], largest)) : ""));
  }
}
