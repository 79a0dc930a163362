// The stepper: tabs, transport, keys. The parts before this one are the other files of this folder.

const GRAINS = { edge: "each edge", node: "each node", scope: "each scope" };
const COARSER = { edge: "node", node: "scope", scope: "phase" };
const SPEEDS = [0.5, 1, 2, 4, 10];
const TICK = 900; // ms between steps at normal speed
let instances = 0;

class Stepper {
  constructor(graph, model, root) {
    this.graph = graph;
    this.model = model;
    this.root = root;
    this.words = new Words(graph);
    this.replay = new Replay(graph);
    this.grain = "edge";
    this.chosen = null;
    this.speed = 1;
    this.id = `cr${instances++}`;
    this.view = new SceneView(graph, this.replay, {
      id: this.id,
      enter: (group) => this.enter(group),
      select: (node) => this.select(node),
      selected: () => this.chosen,
    });
    this.element = html("div", { class: "stepper" }, this.#stage(), this.#side());
    this.view.show(null);
    this.refresh();
  }

  #stage() {
    this.crumbs = html("nav", { class: "crumbs", "aria-label": "open scope" });
    this.search = html("input", {
      type: "search",
      placeholder: "find",
      "aria-label": "find a label",
      spellcheck: "false",
      onkeydown: ({ key, target }) => (key === "Escape" || (key === "Enter" && this.find())) && release(target),
    });
    this.followScopes = false;
    this.follower = button("follow", "follow the step into scopes", "", () => this.toggleFollow());
    this.follower.setAttribute("aria-pressed", "false");
    const tools = html(
      "div",
      { class: "tools" },
      this.search,
      this.graph.groups.length ? this.follower : null,
      button("minus", "zoom out", "−", () => this.view.zoom(0.8)),
      button("plus", "zoom in", "+", () => this.view.zoom(1.25)),
      button("fit", "fit", "0", () => this.view.fit()),
    );
    return html(
      "div",
      { class: "stage" },
      html("div", { class: "top" }, this.crumbs, tools),
      this.view.svg,
      this.#transport(),
    );
  }

  #transport() {
    const { replay } = this;
    this.slider = html("input", {
      type: "range",
      min: 0,
      max: replay.steps.length,
      value: 0,
      step: 1,
      "aria-label": "step",
      oninput: () => this.go(Number(this.slider.value)),
    });
    this.slider.style.setProperty("--turn", `${(100 * replay.turn) / Math.max(replay.steps.length, 1)}%`);
    this.counter = html("output", { class: "counter" });
    this.playButton = button("play", "play", "space", () => this.play());
    const grains = Object.entries(GRAINS).filter(([grain]) => grain !== "scope" || this.graph.groups.length);
    const speeds = choice(
      "speed",
      SPEEDS.map((times) => [times, `${times}×`]),
      (times) => (this.speed = Number(times)),
      this.speed,
    );
    return html(
      "div",
      { class: "transport" },
      html(
        "div",
        { class: "scrub" },
        html("span", { class: "phase forward" }, "forward"),
        this.slider,
        html("span", { class: "phase backward" }, "backward"),
      ),
      html(
        "div",
        { class: "keys" },
        html(
          "div",
          { class: "buttons" },
          button("first", "first step", "Home", () => this.go(0)),
          button("back", "step back", "←", () => this.move(-1)),
          this.playButton,
          button("forward", "step forward", "→", () => this.move(1)),
          button("last", "last step", "End", () => this.go(Infinity)),
        ),
        this.counter,
        html(
          "span",
          { class: "hint" },
          "← → step   space play",
          this.graph.groups.length ? "   Enter look inside   Esc out" : null,
          html("span", { class: "more" }, "   PgUp PgDn jump"),
        ),
        html(
          "div",
          { class: "choices" },
          choice("stop at", grains, (value) => (this.grain = value)),
          speeds,
        ),
      ),
    );
  }

  #side() {
    this.heading = html("h2", null);
    this.live = html("p", { class: "sentence", "aria-live": "polite" });
    this.inside = html("button", {
      class: "chip inside",
      type: "button",
      onclick: () => this.enter(this.replay.home(this.replay.step)),
    });
    this.rows = html("dl", { class: "formula" });
    this.details = html("div", { class: "details" });
    return html(
      "aside",
      null,
      html(
        "section",
        { class: "card now" },
        html("div", { class: "head" }, this.heading, this.inside),
        this.live,
        this.rows,
      ),
      this.details,
    );
  }

  // --- moving ---

  go(step) {
    this.replay.go(step);
    if (this.followScopes && this.replay.step) this.enter(this.replay.home(this.replay.step), false);
    this.refresh();
    this.view.follow();
    if (this.model.get("step") !== this.replay.at) {
      this.model.set("step", this.replay.at);
      this.model.save_changes();
    }
  }

  move(direction, grain = this.grain) {
    this.go(direction > 0 ? this.replay.next(grain) : this.replay.previous(grain));
  }

  play(on = !this.timer) {
    clearTimeout(this.timer);
    this.timer = null;
    if (on) {
      if (this.replay.at === this.replay.steps.length) this.go(0);
      const tick = () => {
        this.move(1);
        this.timer = this.replay.at < this.replay.steps.length ? setTimeout(tick, TICK / this.speed) : null;
        if (!this.timer) this.play(false);
      };
      this.timer = setTimeout(tick, TICK / this.speed / 3);
    }
    this.playButton.replaceChildren(icon(on ? "pause" : "play"));
    this.playButton.setAttribute("aria-label", on ? "pause" : "play");
  }

  // --- looking ---

  enter(group, refit = true) {
    if (group === this.view.group) return;
    this.view.show(group);
    this.refresh();
    if (refit || this.view.room[0]) this.fit();
  }

  fit() {
    this.view.fit(this.view.room[0] < 600 ? 0.8 : 0.6); // smaller than this, text is no longer read but guessed
    this.view.follow();
  }

  leave() {
    if (this.view.group !== null) this.enter(this.graph.groups[this.view.group].parent);
  }

  select(node) {
    this.chosen = this.chosen === node ? null : node;
    if (this.chosen !== null && this.view.boxOf(node, "in") === null) this.enter(this.graph.homes[node]);
    this.refresh();
  }

  find() {
    const wanted = this.search.value.trim().toLowerCase();
    const found = this.graph.names.flatMap((name, id) => (wanted && name.toLowerCase().includes(wanted) ? [id] : []));
    if (!found.length) {
      this.live.textContent = `no label contains “${this.search.value}”`;
      return false;
    }
    const next = found.find((id) => this.chosen !== null && id > this.chosen) ?? found[0];
    this.chosen = null;
    this.enter(this.graph.homes[next], false);
    this.select(next);
    this.view.focus = [this.view.items[this.view.boxOf(next, "in")]];
    this.view.follow();
    return true;
  }

  toggleFollow() {
    this.followScopes = !this.followScopes;
    this.follower.setAttribute("aria-pressed", String(this.followScopes));
    if (this.followScopes && this.replay.step) this.enter(this.replay.home(this.replay.step));
  }

  #crumbs() {
    const path = [];
    for (let group = this.view.group; group !== null; group = this.graph.groups[group].parent) path.unshift(group);
    const crumb = (group, text) =>
      html(
        "button",
        {
          type: "button",
          "aria-current": group === this.view.group ? "page" : null,
          onclick: () => this.enter(group),
        },
        text,
      );
    const parts = path.map((group) => [
      html("span", { "aria-hidden": "true" }, "›"),
      crumb(group, this.graph.groups[group].name),
    ]);
    this.crumbs.replaceChildren(...(this.graph.groups.length ? [crumb(null, "whole graph"), ...parts.flat()] : []));
  }

  refresh() {
    const { replay, words } = this;
    const { step, at, steps, turn } = replay;
    this.#crumbs();
    this.view.refresh();
    const phase = at === 0 ? "start" : at <= turn ? "forward" : "backward";
    this.element.dataset.phase = phase;
    const sentence = words.sentence(step);
    this.slider.value = at;
    this.slider.style.setProperty("--at", `${(100 * at) / Math.max(steps.length, 1)}%`);
    this.slider.setAttribute("aria-valuetext", `step ${at} of ${steps.length}, ${phase}: ${sentence}`);
    this.counter.textContent = `${at} / ${steps.length}`;
    this.heading.textContent = phase === "start" ? "Start" : phase === "forward" ? "Forward" : "Backward";
    this.live.textContent = sentence;
    const home = step ? replay.home(step) : null;
    this.inside.hidden = !step || home === null || home === this.view.group;
    this.inside.textContent = `look inside ${scopePath(this.graph, home)}`;
    this.rows.replaceChildren(
      ...words.rows(step, replay).flatMap(([term, content]) => [html("dt", null, term), html("dd", null, content)]),
    );
    const made = step ? (step.child ?? step.node) : null;
    const shown = this.chosen ?? (step ? (step.parent ?? step.node) : null);
    const panels = [
      codePanel(this.graph, this.chosen ?? made),
      nodePanel(this.graph, replay, shown, { go: (k) => this.go(k), select: (id) => this.select(id) }),
    ];
    this.details.replaceChildren(...panels.filter(Boolean));
    const lines = this.details.querySelector(".lines"),
      current = this.details.querySelector(".line.current");
    if (current) lines.scrollTop = current.offsetTop - lines.clientHeight / 2;
  }

  // --- keys ---

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key !== "+")) return;
    const { tagName, type, ariaSelected } = event.target;
    const typing = tagName === "SELECT" || tagName === "TEXTAREA" || (tagName === "INPUT" && type !== "range");
    const pressing = event.key === "Enter" || (event.key === " " && ariaSelected !== "true"); // the open tab's is free
    if (typing || (pressing && tagName === "BUTTON")) return;
    const actions = {
      ArrowRight: () => this.move(1),
      ArrowLeft: () => this.move(-1),
      Home: () => this.go(0),
      End: () => this.go(Infinity),
      PageDown: () => this.move(1, COARSER[this.grain]),
      PageUp: () => this.move(-1, COARSER[this.grain]),
      " ": () => this.play(),
      Escape: () => this.leave(),
      Enter: () => this.replay.step && this.enter(this.replay.home(this.replay.step)),
      "+": () => this.view.zoom(1.25),
      "-": () => this.view.zoom(0.8),
      0: () => this.view.fit(),
    };
    const action = Object.hasOwn(actions, event.key) ? actions[event.key] : null;
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }
}

function render({ model, el }) {
  const payload = model.get("payload");
  const root = html("div", {
    class: "chainrule",
    role: "group",
    "aria-label": payload.title,
    tabindex: -1,
    "data-lm-suppress-shortcuts": "true",
  });
  const steppers = payload.graphs.map((graph) => new Stepper(graph, model, root));
  const panel = html("div", { class: "panel" });
  const tabs = payload.graphs.map((graph, k) =>
    html("button", { type: "button", role: "tab", onclick: () => open(k) }, graph.name),
  );
  let current = 0;
  const resize = () => {
    steppers[current].view.resize();
    steppers[current].fit();
  };
  function show(k) {
    steppers[current].play(false);
    current = k;
    tabs.forEach((tab, other) => tab.setAttribute("aria-selected", String(other === k)));
    panel.replaceChildren(steppers[k].element);
    resize();
  }
  function open(k) {
    if (k !== current) show(k);
    release(root);
  }
  const theme = button("theme", "light or dark", "", () => {
    const dark =
      getComputedStyle(root).colorScheme.includes("dark") &&
      (getComputedStyle(root).colorScheme === "dark" || matchMedia("(prefers-color-scheme: dark)").matches);
    root.style.colorScheme = dark ? "light" : "dark";
  });
  root.append(
    html(
      "header",
      null,
      html("h1", null, payload.title),
      html("div", { class: "tabs", role: "tablist" }, tabs.length > 1 ? tabs : []),
      theme,
    ),
    panel,
  );
  el.append(root);
  const keys = (event) => steppers[current].key(event);
  const target = payload.page ? document : root;
  target.addEventListener("keydown", keys);
  const resized = new ResizeObserver(() => resize());
  resized.observe(panel);
  show(0);
  const follow = () => steppers[current].replay.at !== model.get("step") && steppers[current].go(model.get("step"));
  if (model.get("step")) follow();
  model.on("change:step", follow);
  return () => {
    steppers.forEach((stepper) => stepper.play(false));
    target.removeEventListener("keydown", keys);
    resized.disconnect();
    model.off("change:step", follow);
  };
}

export default { render };
