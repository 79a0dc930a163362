// One recording on the screen: the graph, the transport below it, and at its side what the current step says.

const COARSER = { edge: "node", node: "scope", scope: "phase", break: "phase" };
const TICK = 900; // ms between steps at normal speed
let instances = 0;

class Player {
  // `host`: moved() after each change, element(graph, title) opens the graph of one element, left() from the top.
  constructor(graph, host) {
    this.graph = graph;
    this.host = host;
    this.words = new Words(graph);
    this.replay = new Replay(graph);
    this.theatre = graph.mistake ? new Theatre(graph, { select: (node) => this.select(node) }) : null;
    this.predict = new Predict(graph, () => this.#revealed());
    const id = `cr${instances++}`;
    this.breaks = new Breakpoints(graph, {
      id,
      changed: () => this.refresh(),
      run: (direction) => this.run(direction),
    });
    this.grain = "edge";
    this.chosen = null;
    this.followScopes = false;
    this.speed = 1;
    this.view = new SceneView(graph, this.replay, {
      id,
      compared: this.theatre !== null,
      enter: (group) => this.enter(group),
      select: (node) => this.select(node),
      hover: (node) => this.#hover(node),
      element: (node, index) => this.openElement(node, index),
      state: () => ({ rival: this.theatre?.grads, hidden: this.hidden, step: this.shownStep, chosen: this.chosen }),
    });
    this.transport = new Transport(this);
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
    const top = html("div", { class: "top" }, this.crumbs, tools);
    return html("div", { class: "stage" }, top, this.view.svg, this.transport.element);
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
    this.help = helpCard(this);
    return html(
      "aside",
      null,
      this.help,
      html(
        "section",
        { class: "card now" },
        html("div", { class: "head" }, this.heading, this.inside),
        this.live,
        this.rows,
      ),
      this.predict.card,
      this.breaks.card,
      this.theatre?.card,
      this.details,
    );
  }

  // --- moving ---

  // The step that is shown: the current one, or the next one while its result is asked for.
  get shownStep() {
    return this.predict.step ?? this.replay.step;
  }

  // The node whose gradient must not be read yet.
  get hidden() {
    return this.predict.step?.parent ?? null;
  }

  go(step) {
    this.predict.drop();
    this.replay.go(step);
    this.theatre?.replay.go(this.replay.at);
    if (this.followScopes && this.replay.step) this.enter(this.replay.home(this.replay.step), false);
    this.refresh();
    this.view.follow();
    this.host.moved(this);
  }

  move(direction, grain = this.grain) {
    const next = this.replay.steps[this.replay.at];
    if (direction > 0 && this.predict.asks(next)) return this.#ask(next);
    if (grain === "break") return this.run(direction);
    this.go(direction > 0 ? this.replay.next(grain) : this.replay.previous(grain));
  }

  // On to the next breakpoint.
  run(direction) {
    const goal = this.breaks.next(this.replay, direction);
    if (goal !== null) return this.go(goal);
    if (!this.breaks.list.length) this.toggleBreaks(true);
    this.breaks.refresh(
      this.breaks.list.length ? `no breakpoint ${direction > 0 ? "after" : "before"} this step` : undefined,
    );
  }

  setGrain(grain) {
    this.grain = grain;
    if (grain === "break" && !this.breaks.list.length) this.toggleBreaks(true);
  }

  // The same step of another iteration; where there is no such step, the one as far from the end.
  toIteration(iteration) {
    const { replay } = this;
    const target = Math.max(0, Math.min(replay.starts.length - 1, iteration));
    const [first, last] = replay.span(target);
    const key = ({ kind, node, child, parent, argument }) => [kind, node, child, parent, argument].join();
    const same = replay.step
      ? replay.steps.findIndex((step, k) => k >= replay.starts[target] && key(step) === key(replay.step)) + 1
      : 0;
    const fallback = last - (replay.span(replay.iteration)[1] - replay.at);
    this.go(same >= first && same <= last ? Math.max(same, replay.starts[target] + 1) : Math.max(fallback, first));
  }

  play(on = !this.timer) {
    clearTimeout(this.timer);
    this.timer = null;
    if (on) {
      if (this.replay.at === this.replay.steps.length) this.go(0);
      const tick = () => {
        this.move(1);
        const { at, steps, step } = this.replay;
        const stopped = at === steps.length || this.predict.step || (step && this.breaks.hit(step, steps[at - 2]));
        this.timer = stopped ? null : setTimeout(tick, TICK / this.speed);
        if (stopped) this.play(false);
      };
      this.timer = setTimeout(tick, TICK / this.speed / 3);
    }
    this.transport.playing(on);
  }

  // --- predicting ---

  togglePredict(on = !this.predict.on) {
    this.predict.on = on;
    this.predict.drop();
    this.refresh();
    this.host.moved(this);
    if (on && this.predict.asks(this.replay.steps[this.replay.at])) this.move(1);
  }

  #ask(step) {
    this.play(false);
    this.predict.ask(step, this.replay.values);
    if (this.followScopes) this.enter(this.replay.home(step), false);
    this.refresh();
    this.view.follow();
    this.predict.input.focus({ preventScroll: true });
    this.predict.form.scrollIntoView({ block: "nearest" });
  }

  #revealed() {
    this.go(this.replay.at + 1);
    release(this.element);
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
    else if (this.chosen !== null) this.select(this.chosen);
    else this.host.left();
  }

  select(node) {
    this.chosen = this.chosen === node ? null : node;
    if (this.chosen !== null && this.view.boxOf(node, "in") === null) this.enter(this.graph.homes[node]);
    this.refresh();
    this.host.moved(this);
  }

  find() {
    const wanted = this.search.value.trim().toLowerCase();
    const found = this.graph.names.flatMap((name, id) => (wanted && name.toLowerCase().includes(wanted) ? [id] : []));
    if (!found.length) {
      this.live.textContent = `no label contains “${this.search.value}”`;
      return false;
    }
    this.lookAt(found.find((id) => this.chosen !== null && id > this.chosen) ?? found[0]);
    return true;
  }

  // Select a node, open its scope, and bring it into view.
  lookAt(node) {
    this.chosen = null;
    this.enter(this.graph.homes[node], false);
    this.select(node);
    this.view.focus = [this.view.items[this.view.boxOf(node, "in")]];
    this.view.follow();
  }

  openElement(node, index) {
    this.host.element(elementGraph(this.graph, node, index));
  }

  toggleFollow() {
    this.followScopes = !this.followScopes;
    this.follower.setAttribute("aria-pressed", String(this.followScopes));
    if (this.followScopes && this.replay.step) this.enter(this.replay.home(this.replay.step));
  }

  toggleBreaks(on = this.breaks.card.hidden) {
    this.breaks.card.hidden = !on;
    this.host.moved(this);
    if (on) this.breaks.kind.focus({ preventScroll: true });
  }

  toggleHelp() {
    this.help.hidden = !this.help.hidden;
    if (!this.help.hidden) this.help.scrollIntoView({ block: "nearest" });
  }

  // The paths of the pass that is shown.
  get paths() {
    const { replay } = this;
    const [first, last] = replay.span(replay.iteration);
    if (this.found?.first !== first)
      this.found = { first, paths: new Paths(this.graph, replay.steps.slice(first, last)) };
    return this.found.paths;
  }

  // What the gradient of a node will be in the end, whatever is known of it now.
  #gradient(node) {
    const { replay } = this;
    const [first, last] = replay.span(replay.iteration);
    const given = replay.steps.findLast(
      (step, k) => k >= first && k < last && step.kind === "backward" && step.parent === node,
    );
    return given?.after ?? null;
  }

  // Hovering marks the paths to a node, and says in a few words why its gradient is what it is.
  #hover(node) {
    if (node === null || this.hidden !== null || !this.paths.known || this.paths.root === null) {
      this.#showPath(null);
      return "";
    }
    const { count, paths } = this.paths.to(node);
    this.view.showPaths(paths.map((path) => path.edges));
    const gradient = this.#gradient(node);
    if (gradient === null || !count) return "";
    return `gradient ${short(gradient)}, the sum over ${count === 1n ? "one path" : `${count} paths`}; click for all`;
  }

  // One path, or all to the chosen node.
  #showPath(edges) {
    if (edges) return this.view.showPaths([edges]);
    const all =
      this.chosen === null || this.hidden !== null || !this.paths.known ? [] : this.paths.to(this.chosen).paths;
    this.view.showPaths(all.map((path) => path.edges));
  }

  refresh() {
    const { replay, words, predict } = this;
    const { step } = replay;
    this.crumbs.replaceChildren(...crumbsOf(this.graph, this.view.group, (group) => this.enter(group)));
    this.view.refresh();
    this.element.dataset.phase = predict.step ? "backward" : replay.phase;
    const asked = predict.step;
    const sentence = asked
      ? `What is the gradient of ${this.graph.names[asked.parent]} after this edge?`
      : words.sentence(step);
    this.transport.refresh(sentence);
    this.heading.textContent = asked ? "Your turn" : replay.phase[0].toUpperCase() + replay.phase.slice(1);
    this.live.textContent = sentence;
    const home = step ? replay.home(step) : null;
    this.inside.hidden = !step || home === null || home === this.view.group || asked !== null;
    this.inside.textContent = `look inside ${scopePath(this.graph, home)}`;
    const rows = asked ? words.question(asked) : words.rows(step, replay);
    const hit = step && !asked ? this.breaks.hit(step, replay.steps[replay.at - 2]) : null;
    if (hit) rows.unshift(["stopped at", html("b", null, this.breaks.name(hit))]);
    rows.push(...this.#wrong(sentence));
    if (this.graph.note) rows.push(["ties", html("p", null, this.graph.note)]);
    this.rows.replaceChildren(
      ...rows.flatMap(([term, content]) => [html("dt", null, term), html("dd", null, content)]),
    );
    predict.refresh();
    this.theatre?.refresh(replay);
    this.#detail();
  }

  // What the walk with the mistake in it does meanwhile, where that is something else.
  #wrong(sentence) {
    const { step } = this.theatre ?? {};
    const said = step ? this.words.sentence(step) : sentence;
    return said === sentence ? [] : [["the mistake", html("p", { class: "wrong" }, mark("wrong"), said)]];
  }

  #detail() {
    const { replay, graph, chosen } = this;
    const step = this.shownStep;
    const made = step ? (step.child ?? step.node ?? null) : null;
    const shown = chosen ?? (step ? (step.parent ?? step.node ?? null) : null);
    const code = codePanel(graph, chosen ?? made);
    const node = nodePanel(graph, replay, shown, {
      go: (k) => this.go(k),
      select: (id) => this.select(id),
      element: (id, index) => this.openElement(id, index),
      hidden: this.hidden,
    });
    const asked = chosen === null || this.hidden !== null ? null : chosen;
    const why =
      asked === null
        ? null
        : pathsPanel(graph, this.paths, asked, this.#gradient(asked), replay.grads[asked], (edges) =>
            this.#showPath(edges),
          );
    // Whoever chooses a node wants to read of it first.
    const panels = chosen === null ? [code, node] : [node, why, code];
    this.details.replaceChildren(...panels.filter(Boolean));
    this.#showPath(null);
    const lines = this.details.querySelector(".lines"),
      current = this.details.querySelector(".line.current");
    if (current) lines.scrollTop = current.offsetTop - lines.clientHeight / 2;
  }
}
