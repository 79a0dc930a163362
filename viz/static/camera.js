// Zoom and pan: where the drawing lies under its window, by wheel, touch, pointer and keys.

class Camera {
  constructor(svg, world) {
    this.svg = svg;
    this.world = world;
    this.scale = 1;
    this.x = this.y = 0;
    this.room = [0, 0]; // the canvas's size, px; asking for it at each step would cost a layout each time
    this.#listen();
  }

  resize() {
    this.room = [this.svg.clientWidth, this.svg.clientHeight];
  }

  #listen() {
    const pointers = new Map();
    let spread = 0;
    this.svg.addEventListener(
      "wheel",
      (event) => {
        const zooming = event.ctrlKey || event.metaKey;
        if (!zooming && !this.#larger()) return; // all is in view: the wheel belongs to the page around
        event.preventDefault();
        if (zooming) this.zoom(Math.exp(-event.deltaY / 150), event.offsetX, event.offsetY);
        else this.place(this.x - event.deltaX, this.y - event.deltaY);
      },
      { passive: false },
    );
    this.svg.addEventListener("pointerdown", (event) => {
      pointers.set(event.pointerId, event);
      spread = 0;
    });
    this.svg.addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
      if (pointers.size === 1 && !this.dragging && Math.hypot(dx, dy) < 4) return; // still a click
      if (!this.dragging) this.svg.setPointerCapture(event.pointerId);
      this.dragging = true;
      pointers.set(event.pointerId, event);
      if (pointers.size === 1) return this.place(this.x + dx, this.y + dy);
      const [a, b] = [...pointers.values()];
      const now = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
      const frame = this.svg.getBoundingClientRect();
      if (spread) this.zoom(now / spread, (a.clientX + b.clientX) / 2 - frame.x, (a.clientY + b.clientY) / 2 - frame.y);
      spread = now;
    });
    for (const end of ["pointerup", "pointercancel"]) {
      this.svg.addEventListener(end, (event) => {
        pointers.delete(event.pointerId);
        spread = 0;
        if (!pointers.size) this.dragging = false;
      });
    }
  }

  #larger() {
    const { width, height } = this.scene;
    return width * this.scale > this.room[0] || height * this.scale > this.room[1];
  }

  place(x, y, scale = this.scale) {
    [this.x, this.y, this.scale] = [x, y, scale];
    this.world.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${scale.toFixed(4)})`);
    this.world.classList.toggle("far", scale < 0.3); // text would be too small to read
    this.placed();
  }

  // On paper all of the drawing fits its room, whatever the screen shows of it.
  paper(printing) {
    if (!printing) {
      this.svg.removeAttribute("viewBox");
      return this.place(this.x, this.y);
    }
    const { width, height } = this.scene;
    const [across, down] = [Math.max(width + 16, 700), Math.max(height + 16, 240)];
    this.svg.setAttribute("viewBox", `${(width - across) / 2} ${(height - down) / 2} ${across} ${down}`);
    this.world.removeAttribute("transform");
  }

  zoom(factor, x = this.room[0] / 2, y = this.room[1] / 2) {
    const scale = Math.min(3, Math.max(0.02, this.scale * factor));
    const change = scale / this.scale;
    this.place(x - (x - this.x) * change, y - (y - this.y) * change, scale);
  }

  fit(least = 0) {
    const [clientWidth, clientHeight] = this.room;
    const { width, height } = this.scene; // set by the view that extends this one
    const top = clientWidth < 780 ? 16 : 52; // wide canvases have their tools on top of them
    const fitting = Math.min(1.35, (clientWidth - 48) / width, (clientHeight - 2 * top) / height);
    const scale = Math.max(fitting, least, 0.02);
    const centred = (room, size, margin) => Math.max((room - size * scale) / 2, margin);
    this.place(centred(clientWidth, width, 24), centred(clientHeight, height, top), scale);
  }

  // Bring the current step into view, moving no more than needed.
  follow() {
    if (!this.focus.length || !this.room[0]) return;
    const edge = 16;
    const left = Math.min(...this.focus.map((item) => item.x)) * this.scale + this.x;
    const right = Math.max(...this.focus.map((item) => item.x + item.width)) * this.scale + this.x;
    const top = Math.min(...this.focus.map((item) => item.y)) * this.scale + this.y;
    const bottom = Math.max(...this.focus.map((item) => item.y + item.height)) * this.scale + this.y;
    const shift = (low, high, room) =>
      low < edge ? edge - low : high > room - edge ? Math.max(room - edge - high, edge - low) : 0;
    const dx = shift(left, right, this.room[0]),
      dy = shift(top, bottom, this.room[1]);
    if (dx || dy) this.place(this.x + dx, this.y + dy);
  }
}
