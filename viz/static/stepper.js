// The whole: tabs, keys, the address, and the way into one element and out again.

const SHIFTED = ["+", "?", "N"]; // keys that need the shift key on most keyboards

// What a key does, or undefined.
function actionOf(key, player) {
  const { view, replay } = player;
  const pan = (dx, dy) => () => view.place(view.x + dx, view.y + dy);
  const actions = {
    ArrowRight: () => player.move(1),
    ArrowLeft: () => player.move(-1),
    Home: () => player.go(0),
    End: () => player.go(Infinity),
    PageDown: () => player.move(1, COARSER[player.grain]),
    PageUp: () => player.move(-1, COARSER[player.grain]),
    " ": () => player.play(),
    Escape: () => player.leave(),
    Enter: () => replay.step && player.enter(replay.home(replay.step)),
    ".": () => replay.step && player.select(replay.step.parent ?? replay.step.node),
    "/": () => player.search.focus(),
    p: () => player.togglePredict(),
    b: () => player.toggleBreaks(),
    n: () => player.run(1),
    N: () => player.run(-1),
    "?": () => player.toggleHelp(),
    "+": () => view.zoom(1.25),
    "-": () => view.zoom(0.8),
    0: () => view.fit(),
    w: pan(0, 60),
    a: pan(60, 0),
    s: pan(0, -60),
    d: pan(-60, 0),
  };
  if (replay.starts.length > 1) {
    actions.ArrowDown = () => player.toIteration(replay.iteration + 1);
    actions.ArrowUp = () => player.toIteration(replay.iteration - 1);
  }
  return Object.hasOwn(actions, key) ? actions[key] : undefined;
}

function onKey(event, player) {
  if (event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && !SHIFTED.includes(event.key))) return;
  const { tagName, type, ariaSelected } = event.target;
  const typing = tagName === "SELECT" || tagName === "TEXTAREA" || (tagName === "INPUT" && type !== "range");
  if (typing && event.key === "Escape") return release(event.target);
  const pressing = event.key === "Enter" || (event.key === " " && ariaSelected !== "true"); // the open tab's is free
  if (typing || (pressing && tagName === "BUTTON")) return;
  const along = event.target.classList?.contains("times") && { ArrowLeft: "ArrowUp", ArrowRight: "ArrowDown" };
  const action = actionOf(along?.[event.key] ?? event.key, player); // on the slider of iterations ← → are its own
  if (!action) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}

class Page {
  constructor(model, el) {
    this.model = model;
    this.payload = model.get("payload");
    const kind = !this.payload.page ? " framed" : Links.compact() ? " compact" : "";
    this.root = html("div", {
      class: `chainrule${kind}`,
      role: "group",
      "aria-label": this.payload.title,
      tabindex: -1,
      "data-lm-suppress-shortcuts": "true",
    });
    const host = {
      moved: (player) => this.#moved(player),
      element: (graph) => this.#openElement(graph),
      left: () => this.#leaveElement(),
    };
    this.players = this.payload.graphs.map((graph) => new Player(unpacked(graph), host));
    this.host = host;
    this.players[0].go(model.get("step")); // before anything is told to the model: Python may have set it
    this.current = 0;
    this.element = null; // the player of one element, on top of the array's
    this.panel = html("div", { class: "panel" });
    this.back = html("button", {
      class: "chip strong back-up",
      type: "button",
      hidden: true,
      onclick: () => this.#leaveElement(),
    });
    this.#header();
    this.root.append(this.panel);
    el.append(this.root);
    this.#show(0);
    this.#listen();
  }

  get player() {
    return this.element ?? this.players[this.current];
  }

  #header() {
    const { payload, root } = this;
    this.title = html("h1", null);
    this.tabs = payload.graphs.map((graph, k) =>
      html(
        "button",
        {
          type: "button",
          role: "tab",
          onclick: () => {
            if (k !== this.current || this.element) this.#show(k);
            release(root);
          },
        },
        graph.name,
      ),
    );
    const theme = button("theme", "light or dark", "", () => {
      const { colorScheme } = getComputedStyle(root);
      const dark =
        colorScheme === "dark" || (colorScheme.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches);
      root.style.colorScheme = dark ? "light" : "dark";
    });
    const mode = (text, key, act) =>
      html(
        "button",
        {
          class: "mode",
          type: "button",
          title: `${text} (${key})`,
          "aria-pressed": "false",
          onclick: () => act(this.player),
        },
        text,
      );
    this.predicting = mode("predict", "p", (player) => player.togglePredict());
    this.breaking = mode("breakpoints", "b", (player) => player.toggleBreaks());
    root.append(
      html(
        "header",
        null,
        this.title,
        html("div", { class: "tabs", role: "tablist" }, this.tabs.length > 1 ? this.tabs : []),
        this.back,
        this.predicting,
        this.breaking,
        button("help", "all keys", "?", () => this.player.toggleHelp()),
        theme,
      ),
    );
  }

  #listen() {
    const { model, payload, root } = this;
    const keys = (event) => onKey(event, this.player);
    const target = payload.page ? document : root;
    target.addEventListener("keydown", keys);
    const resized = new ResizeObserver(() => this.#resize());
    resized.observe(this.panel);
    const paper = ({ type }) => this.player.view.paper(type === "beforeprint");
    for (const when of ["beforeprint", "afterprint"]) addEventListener(when, paper);
    const follow = () => {
      const player = this.players[this.current];
      if (player.replay.at !== model.get("step")) player.go(model.get("step"));
    };
    model.on("change:step", follow);
    const address = () => this.#goTo(Links.read());
    if (payload.page) {
      address();
      addEventListener("hashchange", address);
    }
    this.stop = () => {
      this.players.forEach((player) => player.play(false));
      target.removeEventListener("keydown", keys);
      removeEventListener("hashchange", address);
      for (const when of ["beforeprint", "afterprint"]) removeEventListener(when, paper);
      resized.disconnect();
      model.off("change:step", follow);
    };
  }

  #resize() {
    this.player.view.resize();
    this.player.fit();
  }

  #show(k) {
    this.player.play(false);
    this.element = null;
    this.current = k;
    this.#present();
  }

  #present() {
    this.tabs.forEach((tab, other) => tab.setAttribute("aria-selected", String(other === this.current)));
    this.panel.replaceChildren(this.player.element);
    this.back.hidden = this.element === null;
    this.back.textContent = `← back to ${this.players[this.current].graph.name}`;
    this.title.textContent = this.element ? `The element ${this.element.graph.name}` : this.payload.title;
    this.#resize();
    this.#moved(this.player);
  }

  #openElement(graph) {
    this.player.play(false);
    this.element = new Player(graph, this.host);
    this.#present();
    this.element.go(this.element.replay.steps.length);
    release(this.root);
  }

  #leaveElement() {
    if (!this.element) return;
    this.element.play(false);
    this.element = null;
    this.#present();
    release(this.root);
  }

  // After each change: tell the model and the address, and the buttons of the modes.
  #moved(player) {
    if (!this.panel) return; // players are still being made
    this.predicting.setAttribute("aria-pressed", String(player.predict.on));
    this.breaking.setAttribute("aria-pressed", String(!player.breaks.card.hidden));
    if (player === this.element) return;
    const { at } = player.replay;
    if (this.model.get("step") !== at) {
      this.model.set("step", at);
      this.model.save_changes();
    }
    if (!this.payload.page) return;
    const { names, name } = player.graph;
    const { chosen } = player;
    const node = chosen === null ? null : names.indexOf(names[chosen]) === chosen ? names[chosen] : String(chosen);
    Links.write({ tab: this.tabs.length > 1 ? name : null, step: String(at), node });
  }

  // As an address says; what it does not name stays.
  #goTo({ tab, step, node }) {
    const k = this.payload.graphs.findIndex((graph) => graph.name === tab);
    if (k >= 0 && k !== this.current) this.#show(k);
    const { player } = this;
    if (step !== undefined && step !== null && step !== player.replay.at) player.go(step);
    if (!node) return;
    const [named = Number(/^\d+$/.test(node) ? node : -1)] = nodesCalled(player.graph, node);
    const id = player.graph.nodes[named] ? named : -1;
    if (id >= 0 && id !== player.chosen) player.lookAt(id);
  }
}

function render({ model, el }) {
  const page = new Page(model, el);
  return () => page.stop();
}

export default { render };
