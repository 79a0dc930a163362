// Transport: the sliders of step and iteration, the buttons that move, what stepping stops at, how fast it plays.

const GRAINS = { edge: "each edge", node: "each node", scope: "each scope", break: "breakpoints" };
const SPEEDS = [0.5, 1, 2, 4, 10];
const PHASE_NAMES = ["forward", "backward", "update"];

class Transport {
  constructor(player) {
    this.player = player;
    const { replay, graph } = player;
    this.slider = html("input", {
      class: "steps",
      type: "range",
      min: 0,
      max: replay.steps.length,
      value: 0,
      step: 1,
      "aria-label": "step",
      oninput: () => player.go(Number(this.slider.value)),
    });
    this.counter = html("output", { class: "counter" });
    this.playButton = button("play", "play", "space", () => player.play());
    const grains = Object.entries(GRAINS).filter(([grain]) => grain !== "scope" || graph.groups.length);
    this.grain = choice("stop at", grains, (value) => player.setGrain(value));
    const used = PHASE_NAMES.filter((name) => replay.phases.includes(name));
    const [begin, ...others] = used.map((name) => html("span", { class: `phase ${name}` }, name));
    this.element = html(
      "div",
      { class: "transport" },
      replay.starts.length > 1 ? this.#iterations() : null,
      html("div", { class: "scrub" }, begin, this.slider, others),
      html(
        "div",
        { class: "keys" },
        html(
          "div",
          { class: "buttons" },
          button("first", "first step", "Home", () => player.go(0)),
          button("back", "step back", "←", () => player.move(-1)),
          this.playButton,
          button("forward", "step forward", "→", () => player.move(1)),
          button("last", "last step", "End", () => player.go(Infinity)),
        ),
        this.counter,
        html(
          "span",
          { class: "hint" },
          "← → step   space play",
          graph.groups.length ? "   Enter look inside   Esc out" : null,
        ),
        html(
          "div",
          { class: "choices" },
          this.grain,
          choice(
            "speed",
            SPEEDS.map((times) => [times, `${times}×`]),
            (times) => (player.speed = Number(times)),
            player.speed,
          ),
        ),
      ),
    );
  }

  // The second axis: the iterations of a training, above them the loss of each.
  #iterations() {
    const { player } = this;
    const { starts, steps } = player.replay;
    const last = player.graph.nodes.length - 1;
    this.losses = starts.map((start, k) => {
      const [, end] = player.replay.span(k);
      const value = steps.slice(start, end).find((step) => step.kind === "forward" && step.node === last)?.value;
      return value === undefined || isArray(value) ? NaN : number(value);
    });
    const finite = this.losses.filter(Number.isFinite);
    const [low, high] = [Math.min(...finite, 0), Math.max(...finite, 1e-300)];
    const point = (loss, k) =>
      `${((100 * k) / (starts.length - 1)).toFixed(2)},${(28 - (26 * (loss - low)) / (high - low)).toFixed(2)}`;
    const points = this.losses.map((loss, k) => (Number.isFinite(loss) ? point(loss, k) : "")).join(" ");
    this.here = svg("line", { y1: 0, y2: 30, class: "here" });
    this.times = html("input", {
      class: "times",
      type: "range",
      min: 1,
      max: starts.length,
      value: 1,
      step: 1,
      "aria-label": "iteration",
      oninput: () => player.toIteration(Number(this.times.value) - 1),
    });
    this.loss = html("output", { class: "losses" });
    return html(
      "div",
      { class: "iterations" },
      html("span", { class: "axis" }, "iteration"),
      html(
        "div",
        { class: "curve" },
        svg(
          "svg",
          { viewBox: "0 0 100 30", preserveAspectRatio: "none", "aria-hidden": "true" },
          svg("polyline", { points }),
          this.here,
        ),
        this.times,
      ),
      this.loss,
    );
  }

  refresh(sentence) {
    const { at, steps, phase, phases, iteration } = this.player.replay;
    const [first, last] = this.player.replay.span(iteration);
    const length = Math.max(last - first, 1);
    const percent = (position) => `${((100 * (position - first)) / length).toFixed(2)}%`;
    this.slider.min = first;
    this.slider.max = last;
    this.slider.value = at;
    this.slider.style.setProperty("--at", percent(at));
    if (this.shown !== iteration) {
      this.shown = iteration;
      for (const [mark, name] of [["--turn", "backward"], ["--update", "update"]]) {
        const k = phases.indexOf(name, first);
        this.slider.style.setProperty(mark, percent(k < 0 ? last : Math.min(k, last)));
      }
    }
    this.slider.setAttribute("aria-valuetext", `step ${at} of ${steps.length}, ${phase}: ${sentence}`);
    this.counter.textContent = `${at} / ${steps.length}`;
    if (!this.times) return;
    this.times.value = iteration + 1;
    const { length: many } = this.losses;
    this.times.setAttribute(
      "aria-valuetext",
      `iteration ${iteration + 1} of ${many}, loss ${short(this.losses[iteration])}`,
    );
    const x = (100 * iteration) / (many - 1);
    this.here.setAttribute("x1", x);
    this.here.setAttribute("x2", x);
    this.loss.textContent = `${iteration + 1} of ${many}  loss ${short(this.losses[iteration], 3)}`;
  }

  playing(on) {
    this.playButton.replaceChildren(icon(on ? "pause" : "play"));
    this.playButton.setAttribute("aria-label", on ? "pause" : "play");
  }
}
