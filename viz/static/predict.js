// Predict: the next gradient is hidden and asked for, and an answer that is wrong is told which factor it got wrong.

const CLOSE = 0.005; // an answer this near, relatively, was rounded, not wrong

// "3/4", "-1.5", "0.5 · 3", "1e-3"; NaN for anything else.
function answered(text) {
  const plain = text.trim().replaceAll("−", "-").replaceAll("·", "*").replaceAll("×", "*").replace("∞", "Infinity");
  const comma = plain.includes(".") ? plain : plain.replace(",", ".");
  if (!comma) return NaN;
  const part = (piece) => (piece.trim() === "" ? NaN : Number(piece.trim().replace(/^\((.*)\)$/, "$1")));
  return comma
    .split("*")
    .map((factor) =>
      factor
        .split("/")
        .map(part)
        .reduce((a, b) => a / b),
    )
    .reduce((a, b) => a * b);
}

const near = (a, b, tolerance = CLOSE) => a === b || Math.abs(a - b) <= tolerance * Math.abs(b);

// Which mistake makes this number, in words; null if none that is known.
function mistakeIn(answer, step, values, names) {
  const [upstream, local, added] = [step.upstream, step.local, step.contribution].map(number);
  const before = step.before === undefined ? 0 : number(step.before);
  const [child, parent] = [names[step.child], names[step.parent]];
  const factor =
    local < 0 && upstream >= 0
      ? `the local derivative is ${short(local)}`
      : `the upstream gradient is ${short(upstream)}`;
  const sign =
    local < 0 || upstream < 0
      ? `The size is right, the sign is not: ${local < 0 && upstream < 0 ? "both factors are negative" : factor}.`
      : "The size is right, the sign is not: both factors are positive.";
  const contributions = [
    [
      upstream,
      `That is the upstream gradient alone. Multiply it by the local derivative ∂${child}/∂${parent} = ${short(local)}.`,
    ],
    [local, `That is the local derivative alone. Multiply it by the upstream gradient, ${short(upstream)}.`],
    [-added, sign],
    [upstream + local, "The two factors are multiplied, not added."],
    [upstream / local, "The two factors are multiplied, not divided."],
  ];
  const known = [
    ...(before
      ? [[added, `That is what this edge adds. ${parent} had ${short(before)} before, and the two add up.`]]
      : []),
    ...(before ? [[before, `That is what was there before. This edge adds to it.`]] : []),
    ...contributions.map(([made, text]) => [before + made, text]),
    ...(before
      ? contributions.map(([made, text]) => [made, `${text} Then add what was there before, ${short(before)}.`])
      : []),
    [number(values[step.parent]), `That is the value of ${parent}, not its gradient.`],
    [number(values[step.child]), `That is the value of ${child}, not a gradient.`],
  ];
  const found = known.find(([made]) => Number.isFinite(made) && near(answer, made));
  if (found) return found[1];
  if (!upstream || !Number.isFinite(answer)) return null;
  const implied = (answer - before) / upstream;
  return `With the upstream gradient ${short(upstream)}, that would need a local derivative of ${short(implied, 3)}. Look at ∂${child}/∂${parent} again.`;
}

class Predict {
  // `reveal` takes the step that was asked for.
  constructor(graph, reveal) {
    this.names = graph.names;
    this.reveal = reveal;
    this.on = false;
    this.step = null; // the one that is asked for
    this.right = this.asked = 0;
    this.input = html("input", {
      type: "text",
      "aria-label": "your prediction",
      placeholder: "3/4 or −1.5",
      autocomplete: "off",
      spellcheck: "false",
    });
    this.verdict = html("p", { class: "verdict", role: "status" });
    this.score = html("p", { class: "score" });
    this.form = html(
      "form",
      {
        class: "predict",
        onsubmit: (event) => {
          event.preventDefault();
          this.#check();
        },
      },
      html(
        "div",
        { class: "answer" },
        this.input,
        html("button", { class: "chip strong", type: "submit" }, "check"),
        html("button", { class: "chip", type: "button", onclick: () => this.#tell(false, "") }, "show me"),
      ),
    );
    this.card = html(
      "section",
      { class: "card quiz" },
      html("h2", null, "Predict"),
      this.form,
      this.verdict,
      this.score,
    );
  }

  asks(step) {
    return (
      this.on &&
      step?.kind === "backward" &&
      step.local !== undefined &&
      !isArray(step.contribution) &&
      !isArray(step.local)
    );
  }

  ask(step, values) {
    this.step = step;
    this.values = values;
    this.tries = 0;
    this.input.value = "";
    this.verdict.textContent = "";
    this.verdict.className = "verdict";
  }

  // Nothing is asked any more, and nothing is counted.
  drop() {
    this.step = null;
    if (!this.fresh) this.#say("", "");
    this.fresh = false;
  }

  refresh() {
    this.form.hidden = !this.step;
    this.card.hidden = !this.on;
    this.score.textContent = this.asked
      ? `${this.right} of ${this.asked} right at the first try`
      : this.step
        ? "Fractions, products and rounded numbers are all right."
        : "Step on: each gradient is asked for before it is shown.";
  }

  #check() {
    const { step } = this;
    const answer = answered(this.input.value);
    const truth = number(step.after);
    const numberless = Number.isNaN(answer) && !/^nan$/i.test(this.input.value.trim());
    if (numberless) return this.#say("wrong", "Write a number, such as 3/4, −1.5 or 0.5·3.");
    this.tries++;
    const same = Number.isNaN(truth) ? Number.isNaN(answer) : near(answer, truth);
    if (same) {
      const exactly = Number.isNaN(truth) || near(answer, truth, 1e-9);
      return this.#tell(this.tries === 1, exactly ? "Right." : `Right, rounded: ${short(truth, 7)}.`);
    }
    this.#say(
      "wrong",
      `Not ${short(answer)}. ${mistakeIn(answer, step, this.values, this.names) ?? "Upstream times local, added to what was there."}`,
    );
    this.input.select();
  }

  #tell(counts, text) {
    const { step } = this;
    this.asked++;
    if (counts) this.right++;
    this.#say(text ? "right" : "told", text || `It is ${short(step.after, 7)}.`);
    this.step = null;
    this.fresh = true; // the verdict stays while the step that it is about is shown
    this.reveal(step);
  }

  #say(kind, text) {
    this.verdict.className = `verdict ${kind}`;
    this.verdict.textContent = text;
  }
}
