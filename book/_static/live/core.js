/**
 * What all live figures of the book share: data, elements, controls, plots. Classic script, no library, no network: it works from a folder.
 *
 * A live figure NAME is a file NAME.js that calls `snnLive.define("NAME", build)`. The page wraps its static figure:
 *
 *     <snn-NAME> <figure> <img> <figcaption> </figure> </snn-NAME>
 *
 * When NAME.data.js, which the run wrote, has come, `build(live)` fills `live.panel`, which then stands in the picture's place. If
 * anything fails, the picture of the run stays, and a line below it says why. In print and without JavaScript it stays anyway.
 *
 * Functions that compute are kept apart from those that draw, in `snnLive.NAME`, so that tests call them.
 */
(() => {
  "use strict";
  /** @type {any} */
  const live = (globalThis.snnLive = Object.assign(globalThis.snnLive || {}, { data: (globalThis.snnLive || {}).data || {} }));
  const base = document.currentScript ? document.currentScript.src.replace(/[^/]*$/, "") : "";
  const SVG = "http://www.w3.org/2000/svg";

  // ------------------------------------------------------------------ data

  const ARRAYS = { float32: Float32Array, float64: Float64Array, uint8: Uint8Array, int32: Int32Array };
  const coming = {};

  /**
   * The numbers of an array that a run wrote (`Record.document`): little-endian, in base64. As doubles, none rounded.
   * @param {{dtype: string, shape: number[], base64: string}} a
   * @returns {Float64Array}
   */
  live.decode = (a) => {
    const bytes = Uint8Array.from(atob(a.base64), (c) => c.charCodeAt(0));
    const numbers = Float64Array.from(new ARRAYS[a.dtype](bytes.buffer));
    if (numbers.length !== a.shape.reduce((n, m) => n * m, 1) || !numbers.every(Number.isFinite)) throw new Error("its data are damaged");
    return numbers;
  };

  /**
   * The data NAME.data.js of a run: a script tag, since nothing else can be read from a folder. Loaded once.
   * @param {string} name
   * @returns {Promise<any>}
   */
  live.load = (name) =>
    (coming[name] ||= new Promise((resolve, reject) => {
      if (live.data[name]) return resolve(live.data[name]);
      const script = document.createElement("script");
      const done = (why) => (live.data[name] ? resolve(live.data[name]) : reject(new Error(`${name}.data.js ${why}`)));
      script.src = `${base}${name}.data.js`;
      script.onload = () => done("is damaged");
      script.onerror = () => done("is missing");
      document.head.append(script);
    }));

  // ------------------------------------------------------------------ elements

  /** Sets attributes of an element: `on...` are listeners, true is an empty value, false and null are left out. */
  live.set = (element, attributes) => {
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else if (value === true) element.setAttribute(key, "");
      else if (value !== false && value !== undefined && value !== null) element.setAttribute(key, String(value));
    }
    return element;
  };
  const made = (element, attributes, children) => {
    live.set(element, attributes || {}).append(...children.flat().filter((child) => child !== undefined && child !== null));
    return element;
  };
  /** An HTML element: `h("p", {class: "x", onclick: f}, "text", child)`. */
  live.h = (tag, attributes, ...children) => made(document.createElement(tag), attributes, children);
  /** The same for SVG. */
  live.s = (tag, attributes, ...children) => made(document.createElementNS(SVG, tag), attributes, children);
  const { h, s } = live;

  /** Fills a table: the first row and the first cells of the others are heads. */
  live.fill = (table, [head, ...body]) => {
    const row = (cells, scope) =>
      h(
        "tr",
        {},
        cells.map((cell, k) => (k && scope === "row" ? h("td", {}, cell) : h("th", { scope }, cell))),
      );
    table.replaceChildren(
      h("thead", {}, row(head, "col")),
      h(
        "tbody",
        {},
        body.map((cells) => row(cells, "row")),
      ),
    );
  };

  let count = 0;
  const fresh = () => `live-${++count}`;

  /** Whether the reader asked for less motion. */
  live.still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  /**
   * Calls `frame(share)` with shares of `ms` from 0 to 1; at once with 1 for readers who asked for less motion. Returns what stops it.
   * @param {number} ms
   * @param {(share: number) => void} frame
   */
  live.animate = (ms, frame) => {
    if (live.still()) return (frame(1), () => {});
    let request = 0;
    const began = performance.now();
    const tick = () => {
      const share = Math.min(1, Math.max(0, (performance.now() - began) / ms));
      if (share < 1) request = requestAnimationFrame(tick);
      frame(share);
    };
    tick();
    return () => cancelAnimationFrame(request);
  };

  // ------------------------------------------------------------------ numbers in words

  /** A number with so many significant digits, without exponents for what a reader meets here; with a true minus. */
  live.number = (x, digits = 3) => {
    if (x === 0 || !Number.isFinite(x)) return String(x);
    const size = Math.abs(x);
    const text =
      size >= 1e7 || size < 1e-6
        ? x.toExponential(digits - 1)
        : x.toFixed(Math.min(12, Math.max(0, digits - 1 - Math.floor(Math.log10(size)))));
    return text.replace("-", "\u2212");
  };
  /** A number with so many digits after the point, and a true minus. */
  live.fixed = (x, digits = 2) => x.toFixed(digits).replace("-", "\u2212");
  /** To the nearest whole number, halves to the even one, as Python does. */
  live.round = (x) => {
    const near = Math.round(x);
    return Math.abs(x % 1) === 0.5 && near % 2 ? near - 1 : near;
  };
  /** About n round numbers from low to high, for the ticks of an axis. */
  live.ticks = (low, high, n) => {
    const rough = (high - low) / n;
    const size = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((k) => k * size).find((k) => k >= 0.99 * rough);
    const first = Math.ceil(low / step - 1e-9);
    return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(6)));
  };
  /** Why something could not be computed, in words: data that are damaged, or what the error itself says. */
  live.reason = (problem) => (problem instanceof TypeError || problem instanceof RangeError ? "its data are damaged" : problem.message);
  /** A share in whole percent. */
  live.percent = (x) => `${Math.round(100 * x)}\u00a0%`.replace("-", "\u2212");

  // ------------------------------------------------------------------ controls: native ones, with a label each

  /**
   * A slider: `{label, min, max, step, value, format, on}`; `on(value)` at each move. `.set(value)` moves it silently.
   * @returns {HTMLElement & {set: (value: number) => void}}
   */
  live.slider = ({ label, min, max, step, value, format = (v) => live.number(v), on }) => {
    const id = fresh();
    const shown = h("output", { for: id });
    const input = h("input", { type: "range", id, min, max, step });
    const tell = () => (shown.textContent = format(+input.value));
    input.addEventListener("input", () => (tell(), on(+input.value)));
    const set = (v) => ((input.value = v), tell());
    set(value);
    return Object.assign(h("div", { class: "live-slider" }, h("label", { for: id }, label), shown, input), { set, input });
  };

  /** A list to choose from: `{label, options: [[value, words], ...], value, on}`. `.set(value, options)` changes it silently. */
  live.choice = ({ label, options, value, on }) => {
    const id = fresh();
    const select = h("select", { id, onchange: () => on(select.value) });
    const set = (v, of = options) => {
      select.replaceChildren(...of.map(([key, words]) => h("option", { value: key }, words)));
      select.value = v;
    };
    set(value);
    return Object.assign(h("div", { class: "live-choice" }, h("label", { for: id }, label), select), { set });
  };

  /** One of a few, all in sight: `{label, options: [[value, words], ...], value, on}`. `.set(value)` changes it silently. */
  live.segments = ({ label, options, value, on }) => {
    const name = fresh();
    const inputs = options.map(([key]) => h("input", { type: "radio", name, value: key, onchange: () => on(key) }));
    const set = (v) => inputs.forEach((input) => (input.checked = input.value === v));
    set(value);
    const labels = options.map(([, words], k) => h("label", {}, inputs[k], h("span", {}, words)));
    return Object.assign(h("fieldset", { class: "live-segments" }, h("legend", {}, label), h("div", {}, labels)), { set });
  };

  /** A box to tick: `{label, value, on}`. */
  live.check = ({ label, value, on }) => {
    const input = h("input", { type: "checkbox", onchange: () => on(input.checked) });
    input.checked = value;
    return h("label", { class: "live-check" }, input, h("span", {}, label));
  };

  /** A button: its words, what it does, attributes. */
  live.button = (words, on, attributes) => h("button", { type: "button", onclick: on, ...attributes }, words);

  // ------------------------------------------------------------------ plots

  /**
   * Axes in SVG, drawn anew at each width, so that text keeps its size: `{height, x: [from, to], y: [from, to], xticks, yticks, xlabel,
   * ylabel, label, title, margin: [top, right, bottom, left]}`. `height` may be a function of the width. What is added by `add` is clipped.
   */
  live.Plot = class {
    constructor(options) {
      Object.assign(this, { xticks: [], yticks: [] }, options);
      this.clip = fresh();
      this.frame = s("g", { class: "live-axes", "aria-hidden": "true" });
      this.window = s("rect");
      this.layer = s("g", { "clip-path": `url(#${this.clip})` });
      this.over = s("g");
      const clip = s("clipPath", { id: this.clip }, this.window);
      this.svg = s("svg", { class: "live-plot", role: "img", "aria-label": this.label }, clip, this.frame, this.layer, this.over);
    }

    /** A new element in the clipped layer. */
    add(tag, attributes) {
      const element = s(tag, attributes);
      this.layer.append(element);
      return element;
    }

    /** Fits it to a width [px] and draws the axes. */
    size(width) {
      const [top, right, bottom, left] = this.margin;
      this.width = width;
      this.tall = typeof this.height === "function" ? this.height(width) : this.height;
      this.inner = { left, top, right: width - right, bottom: this.tall - bottom };
      const { inner } = this;
      live.set(this.svg, { width, height: this.tall, viewBox: `0 0 ${width} ${this.tall}` });
      live.set(this.window, { x: left, y: top, width: Math.max(0, inner.right - left), height: Math.max(0, inner.bottom - top) });
      const parts = [];
      const words = (tick) => String(tick).replace("-", "\u2212");
      for (const tick of this.xticks) {
        parts.push(this.upright(s("line"), tick));
        parts.push(s("text", { x: this.X(tick), y: inner.bottom + 15, "text-anchor": "middle" }, words(tick)));
      }
      for (const tick of this.yticks) {
        parts.push(s("line", { x1: left, x2: inner.right, y1: this.Y(tick), y2: this.Y(tick) }));
        parts.push(s("text", { x: left - 6, y: this.Y(tick) + 4, "text-anchor": "end" }, words(tick)));
      }
      if (this.xlabel) parts.push(s("text", { x: (left + inner.right) / 2, y: this.tall - 5, "text-anchor": "middle" }, this.xlabel));
      if (this.ylabel) {
        const middle = (top + inner.bottom) / 2;
        parts.push(s("text", { x: 11, y: middle, transform: `rotate(-90 11 ${middle})`, "text-anchor": "middle" }, this.ylabel));
      }
      if (this.title) parts.push(s("text", { x: left, y: top - 5, class: "live-title" }, this.title));
      this.frame.replaceChildren(...parts);
      return this;
    }

    /** Puts a line upright through the whole window, at a number along x. */
    upright(line, x) {
      return live.set(line, { x1: this.X(x), x2: this.X(x), y1: this.inner.top, y2: this.inner.bottom });
    }

    /** Shows what was added up to a number along x only. */
    reveal(x) {
      this.window.setAttribute("width", Math.max(0, this.X(x) - this.inner.left));
    }

    /** Pixels of a number along x, along y; numbers of pixels. */
    X(x) {
      return this.inner.left + ((x - this.x[0]) / (this.x[1] - this.x[0])) * (this.inner.right - this.inner.left);
    }
    Y(y) {
      return this.inner.bottom - ((y - this.y[0]) / (this.y[1] - this.y[0])) * (this.inner.bottom - this.inner.top);
    }
    fromX(px) {
      return this.x[0] + ((px - this.inner.left) / (this.inner.right - this.inner.left)) * (this.x[1] - this.x[0]);
    }
    fromY(px) {
      return this.y[0] + ((this.inner.bottom - px) / (this.inner.bottom - this.inner.top)) * (this.y[1] - this.y[0]);
    }

    /** Where a pointer is, in numbers of the axes. */
    at(event) {
      const box = this.svg.getBoundingClientRect();
      return [this.fromX(event.clientX - box.left), this.fromY(event.clientY - box.top)];
    }

    /** The `d` of a line through points; `n` of them, or all. */
    line(xs, ys, from = 0, to = xs.length) {
      let d = "";
      for (let k = from; k < to; k++) d += `${k === from ? "M" : "L"}${this.X(xs[k]).toFixed(2)} ${this.Y(ys[k]).toFixed(2)}`;
      return d;
    }

    /** The `d` of a staircase whose step k stands over xs[k] - 1/2 to xs[k] + 1/2. */
    stairs(xs, ys) {
      let d = "";
      for (let k = 0; k < xs.length; k++) {
        const y = this.Y(ys[k]).toFixed(2);
        d += `${k ? "L" : "M"}${this.X(xs[k] - 0.5).toFixed(2)} ${y}H${this.X(xs[k] + 0.5).toFixed(2)}`;
      }
      return d;
    }
  };

  const SHAPES = {
    line: "M1 6H23",
    ticks: "M6 11v-9M12 11v-9M18 11v-9",
    dot: "M7 6a5 5 0 1 0 10 0a5 5 0 1 0 -10 0",
    bar: "M1 10V2H23V10Z",
    module: "M6 0h12v12h-12z",
  };

  /** The key of a plot, of marks `[class, words, shape]`: a shape is one of these five, a line at first, or a path around (12, 6). */
  live.key = (...marks) => {
    const drawn = (name, shape) =>
      s("svg", { width: 24, height: 12, "aria-hidden": "true" }, s("path", { class: name, d: SHAPES[shape] || shape }));
    return h(
      "p",
      { class: "live-key" },
      marks.map(([name, words, shape = "line"]) => h("span", {}, drawn(name, shape), ` ${words}`)),
    );
  };

  /**
   * Follows a pointer on a plot: `down` and `move` get its place in numbers of the axes. `touch` says what a finger still does to the page
   * there: "none" (drawing), or "pan-y" (it scrolls up and down). A `down` that returns false lets go.
   */
  live.drag = (plot, { down, move, up, touch = "none" }) => {
    const { svg } = plot;
    svg.classList.add("live-drag");
    svg.style.touchAction = touch;
    let held = null;
    svg.addEventListener("pointerdown", (event) => {
      if (event.button || held !== null || down(plot.at(event)) === false) return;
      held = event.pointerId;
      svg.setPointerCapture(held);
    });
    svg.addEventListener("pointermove", (event) => {
      if (event.pointerId !== held) return;
      for (const part of event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event]) move(plot.at(part));
    });
    for (const end of ["pointerup", "pointercancel"]) {
      svg.addEventListener(end, (event) => {
        if (event.pointerId !== held) return;
        held = null;
        if (up) up();
      });
    }
  };

  // ------------------------------------------------------------------ what stands below each figure

  /** Copies text, also from a page of a folder, where there is no clipboard for scripts on some systems. */
  const copy = async (text, area) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      getSelection().selectAllChildren(area);
      return document.execCommand("copy");
    }
  };

  /** Offers text as a file. */
  const save = (name, text) => {
    const link = h("a", { href: URL.createObjectURL(new Blob([text], { type: "application/json" })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };

  /**
   * What `build` gets: `panel` to fill, and what stands below each figure.
   * - `say(...words)`: the sentence with the result, read out by screen readers when they are idle; `build` puts `sentence` in its place.
   * - `tools({python, rows, data})`: functions that give the lines of Python that compute what is shown, the table of numbers (first row:
   *   heads) and an object to save; each is called when a reader opens it, and again by `refresh()`.
   * - `onsize(f)`: calls f(width) now and whenever the width of the panel changes.
   */
  class Live {
    constructor(host, name) {
      this.host = host;
      this.name = name;
      this.panel = h("div", { class: "live-panel", role: "group", "aria-label": host.getAttribute("label") || "Live figure" });
      this.sentence = h("p", { class: "live-sentence", role: "status", "aria-live": "polite" });
    }

    say(...words) {
      this.sentence.replaceChildren(...words);
    }

    tools({ python, rows, data }) {
      const code = h("code");
      const copied = h("span", { role: "status" });
      const button = live.button("Copy", async () => {
        copied.textContent = (await copy(code.textContent, code)) ? "Copied." : "Select it and copy it.";
      });
      const table = h("table", { class: "live-numbers" });
      const fills = [];
      const part = (words, name, fill, ...inside) => {
        const fillOpen = () => details.open && fill();
        const details = h("details", { class: name, ontoggle: fillOpen }, h("summary", {}, words), inside);
        fills.push(fillOpen);
        return details;
      };
      const show = () => ((code.textContent = python()), (copied.textContent = ""));
      const scroll = h("div", { class: "live-scroll", tabindex: "0", role: "region", "aria-label": "Table of numbers" }, table);
      const parts = [
        part("Python", "live-python", show, h("pre", { tabindex: "0" }, code), button, copied),
        part("Numbers", "live-rows", () => live.fill(table, rows()), scroll),
      ];
      this.refresh = () => fills.forEach((fill) => fill());
      const other = live.button("Figure of the run", () => {
        const on = this.host.classList.toggle("live-static");
        other.textContent = on ? "Live figure" : "Figure of the run";
      });
      const file = live.button("Data", () => save(`${this.name}.json`, JSON.stringify(data())));
      this.panel.after(h("div", { class: "live-tools" }, parts, file, other));
    }

    refresh() {}

    onsize(f) {
      let width = 0;
      const fit = () => this.panel.clientWidth && this.panel.clientWidth !== width && f((width = this.panel.clientWidth));
      fit();
      new ResizeObserver(fit).observe(this.panel);
    }
  }

  /** The line that says why a figure is not live. */
  const excuse = (host, why) => {
    const line = h(
      "p",
      { class: "live-excuse", role: "note" },
      `This figure does not compute here: ${why}. What you see is the figure of the run.`,
    );
    host.append(line);
  };

  /**
   * Makes <snn-NAME> live by `build(live)`, which may throw, or return a promise.
   * @param {string} name
   * @param {(live: Live, data: any) => void | Promise<void>} build
   */
  live.define = (name, build) => {
    customElements.define(
      `snn-${name.replace(/_/g, "-")}`,
      class extends HTMLElement {
        async connectedCallback() {
          if (this.classList.contains("live-host")) return; // moved, not new
          this.classList.add("live-host");
          const figure = this.querySelector("figure") || this;
          const self = new Live(this, name);
          try {
            const data = await live.load(name);
            figure.insertBefore(self.panel, figure.querySelector(":scope > figcaption"));
            await build(self, data);
            this.classList.add("live-on");
          } catch (problem) {
            self.panel.remove();
            this.querySelectorAll(".live-tools").forEach((tools) => tools.remove());
            excuse(this, live.reason(problem));
          }
        }
      },
    );
  };
})();
