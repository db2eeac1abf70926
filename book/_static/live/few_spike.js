/** The live few-spike neuron: every input, every parameter, both orders of reset, rounding, noise, and any density of inputs. */
(() => {
  "use strict";
  const { h, s, set, number, fixed, fewSpike } = snnLive;
  const NAMES = { silu: "SiLU", gelu: "GELU", sigmoid: "sigmoid", tanh: "tanh", relu: "ReLU", hardswish: "hardswish", leaky_relu: "leaky ReLU" };
  const KINDS = {
    k16sparse: "ours, K = 16, fitted for few spikes",
    k16bits8: "ours, K = 16, fitted for 8 bits",
    k16noise: "ours, K = 16, fitted for noise",
  };
  const SETS = [
    ["T", "live-color-0"],
    ["h", "live-color-1"],
    ["d", "live-color-2"],
  ];
  const [SHOWN, MEANT] = [2001, 20000]; // inputs that are drawn, and that means are taken over

  /** A neuron's name in the list. */
  const title = (set) => {
    const [, kind] = set.name.split(".");
    if (KINDS[kind]) return KINDS[kind];
    const who =
      kind === "published"
        ? "published"
        : kind.startsWith("tbpi")
          ? "published by Jeong et al."
          : set.origin === "closed form"
            ? "binary code"
            : "ours";
    return `${who}, K = ${set.T.length}`;
  };

  /** Stretches of 1 in a row of z, as rectangles of a path. */
  const stretches = (plot, x, row, t) => {
    const [top, tall] = [plot.Y(t + 0.5), plot.Y(t + 1.5) - plot.Y(t + 0.5)];
    let [d, from] = ["", -1];
    for (let k = 0; k <= row.length; k++) {
      if (row[k] && from < 0) from = k;
      else if (!row[k] && from >= 0) {
        const [left, right] = [plot.X(x[from]), Math.max(plot.X(x[k - 1]), plot.X(x[from]) + 0.7)];
        d += `M${left.toFixed(1)} ${top.toFixed(1)}H${right.toFixed(1)}v${tall.toFixed(1)}H${left.toFixed(1)}Z`;
        from = -1;
      }
    }
    return d;
  };

  /** Ranges for the axes of a neuron: of its outputs, of its potentials, of its parameters. */
  const ranges = ({ interval: [low, high], T, h: resets, d }, f) => {
    const wide = (from, to) => [from - 0.06 * (to - from), to + 0.06 * (to - from)];
    const ends = [f(low), f(high), f(0), f(-1), f(1)];
    const near = [...T, ...resets, ...d].filter((a) => Math.abs(a) < 10);
    return {
      output: wide(Math.min(...ends), Math.max(...ends)),
      potential: wide(Math.min(low, ...T), Math.max(high, ...T.filter((a) => a < 2 * high))),
      parameters: wide(Math.min(0, ...near), Math.max(...near)),
    };
  };

  const build = (self, data) => {
    const sets = data.sets;
    const find = (name) => sets.find((set) => set.name === name);
    let bell = { ...data.input }; // of normal inputs, also while they are uniform
    const state = { set: find("silu.published"), x: 0.5, order: "fire", bits: 0, noise: 0, draw: 1, inputs: bell, step: 0 };
    let own; // the numbers of the neuron, which a reader may change
    const take = () => (own = { T: [...state.set.T], h: [...state.set.h], d: [...state.set.d], strict: state.set.strict });
    take();
    const changed = () => SETS.some(([key]) => own[key].some((a, t) => a !== state.set[key][t]));
    const f = () => fewSpike.FUNCTIONS[state.set.function];
    const name = () => NAMES[state.set.function];
    /** The neuron in force: rounded, and read in the chosen order. */
    const neuron = () => {
      const p = state.bits ? fewSpike.rounded(own, state.bits) : own;
      return state.order === "fire" ? p : fewSpike.shifted(p);
    };

    // -------------------------------------------------------------- plots
    const strip = (label, height, options = {}) =>
      new snnLive.Plot({ x: [0, 1], y: [0, 1], height, label, title: label, margin: [20, 10, options.xlabel ? 38 : 6, 34], ...options });
    const output = strip("output", 190);
    const count = strip("spikes", 76);
    const raster = strip("spikes of each step t", 128);
    const density = strip("density of inputs: drag it", 118, { xlabel: "input x" });
    const over = [output, count, raster, density];
    const trace = strip("inside the neuron", 230, { xlabel: "step t" });
    const parameters = strip("parameters: drag them", 230, { xlabel: "step t" });
    const exact = output.add("path", { class: "live-shown" });
    const stairs = output.add("path", { class: "live-line live-color-0" });
    const spikes = count.add("path", { class: "live-line live-color-1" });
    const bars = raster.add("path", { class: "live-bars" });
    const hill = density.add("path", { class: "live-bell" });
    const cursors = over.map((plot) => plot.over.appendChild(s("line", { class: "live-cursor live-strong" })));
    const dot = output.over.appendChild(s("circle", { r: 4.5, class: "live-dot live-color-0" }));
    const threshold = trace.add("path", { class: "live-threshold" });
    const potential = trace.add("path", { class: "live-line live-color-0" });
    const dots = trace.over.appendChild(s("g", { class: "live-dots" }));
    const lines = SETS.map(([, color]) => parameters.add("path", { class: `live-line live-thin ${color}` }));
    const marks = parameters.over.appendChild(s("g", { class: "live-marks" }));
    const mark = (k, x, y) =>
      [`M${x - 4.5} ${y}a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0`, `M${x - 4} ${y - 4}h8v8h-8z`, `M${x} ${y - 5}l5 9h-10z`][k];

    // -------------------------------------------------------------- computing and drawing
    let [grid, means, quality] = [null, null, null];
    const respond = () => {
      const [low, high] = state.set.interval;
      const p = neuron();
      const x = Float64Array.from({ length: SHOWN }, (_, k) => low + (k * (high - low)) / (SHOWN - 1));
      const rows = p.T.map(() => new Uint8Array(SHOWN));
      const [y, n] = [new Float64Array(SHOWN), new Float64Array(SHOWN)];
      x.forEach((at, k) => {
        const one = fewSpike.run(at, p);
        y[k] = one.y;
        one.z.forEach((z, t) => ((rows[t][k] = z), (n[k] += z)));
      });
      grid = { x, y, n, rows };
      quality = fewSpike.quality(p, f(), means, state.noise, state.draw);
    };
    const weigh = () => (means = fewSpike.samples(state.set.interval, state.inputs, MEANT));
    const noises = () => {
      const draw = fewSpike.normal(1000 + state.draw);
      return state.noise ? own.T.map(() => state.noise * draw()) : undefined;
    };

    const axes = () => {
      const range = ranges(state.set, f());
      const [low, high] = state.set.interval;
      const K = own.T.length;
      const ticks = Array.from({ length: K }, (_, t) => t + 1).filter((t) => K < 9 || t === 1 || t % 4 === 0);
      const xticks = snnLive.ticks(low, high, 6);
      for (const plot of over) Object.assign(plot, { x: [low, high], xticks: plot === density ? xticks : [] });
      Object.assign(output, { y: range.output, yticks: snnLive.ticks(...range.output, 4), title: `output: ${name()} and the neuron` });
      Object.assign(raster, { y: [K + 0.5, 0.5], yticks: ticks });
      Object.assign(density, { y: [0, 1.15], yticks: [] });
      Object.assign(trace, { x: [0.5, K + 0.5], y: range.potential, xticks: ticks, yticks: snnLive.ticks(...range.potential, 4) });
      Object.assign(parameters, { x: [0.5, K + 0.5], y: range.parameters, xticks: ticks, yticks: snnLive.ticks(...range.parameters, 4) });
      [...over, trace, parameters].forEach((plot) => plot.size(plot.width));
    };

    const drawResponse = () => {
      const { x, y, n, rows } = grid;
      const most = Math.max(
        2,
        n.reduce((a, b) => Math.max(a, b), 0),
      );
      Object.assign(count, { y: [-0.5, most + 0.8], yticks: snnLive.ticks(0, most, 2) }).size(count.width);
      exact.setAttribute("d", output.line(x, x.map(f())));
      stairs.setAttribute("d", output.line(x, y));
      spikes.setAttribute("d", count.line(x, n));
      bars.setAttribute("d", rows.map((row, t) => stretches(raster, x, row, t)).join(""));
      const at = (a) => (state.inputs ? Math.exp(-(((a - state.inputs.mean) / state.inputs.sd) ** 2) / 2) : 0.6);
      hill.setAttribute(
        "d",
        `${density.line(x, x.map(at))}L${density.X(x[SHOWN - 1])} ${density.Y(0)}L${density.X(x[0])} ${density.Y(0)}Z`,
      );
    };

    const drawParameters = () => {
      const p = own;
      const steps = p.T.map((_, t) => t + 1);
      const [low, high] = parameters.y;
      marks.replaceChildren();
      SETS.forEach(([key, color], k) => {
        lines[k].setAttribute("d", parameters.line(steps, p[key]));
        p[key].forEach((a, t) => {
          const inside = Math.min(high, Math.max(low, a));
          marks.append(
            s("path", {
              class: `${color}${a === inside ? "" : " live-off"}${t === state.step ? " live-chosen" : ""}`,
              d: mark(k, parameters.X(t + 1), parameters.Y(inside)),
            }),
          );
        });
      });
    };

    let shown = null;
    const drawTrace = () => {
      const p = neuron();
      shown = fewSpike.run(state.x, p, noises());
      const steps = p.T.map((_, t) => t + 1);
      threshold.setAttribute("d", trace.stairs(steps, p.T));
      potential.setAttribute("d", trace.stairs(steps, shown.v));
      dots.replaceChildren(
        ...steps
          .filter((t) => shown.z[t - 1])
          .map((t) =>
            s("circle", { r: 4.5, cx: trace.X(t), cy: Math.min(trace.inner.bottom, Math.max(trace.inner.top, trace.Y(shown.v[t - 1]))) }),
          ),
      );
      over.forEach((plot, k) => {
        plot.upright(cursors[k], state.x);
      });
      set(dot, { cx: output.X(state.x), cy: output.Y(shown.y) });
      const fired = shown.z.map((z, t) => (z ? t + 1 : 0)).filter(Boolean);
      const when = fired.length
        ? `${fired.length === 1 ? "1 spike, in step" : `${fired.length} spikes, in steps`} ${fired.join(", ")}`
        : "no spike";
      const wanted = f()(state.x);
      self.say(
        h("b", {}, `x = ${fixed(state.x)}: ${when}, worth ${number(shown.y, 3)}.`),
        ` ${name()} is ${number(wanted, 3)}: off by ${number(Math.abs(shown.y - wanted), 2)}.`,
        h("br"),
        `Over ${state.inputs ? "normal" : "uniform"} inputs: mean squared error `,
        h("b", {}, number(quality.mse, 2)),
        ", ",
        h("b", {}, number(quality.spikes, 3)),
        ` spikes${state.noise ? " (one draw of the noise)" : ""}.`,
      );
      self.refresh();
    };

    const edit = ["T", "h", "d"].map((key) => {
      const id = `live-few-spike-${key}`;
      const input = h("input", {
        type: "number",
        id,
        step: 0.01,
        oninput: () => Number.isFinite(input.valueAsNumber) && change(key, state.step, input.valueAsNumber, false),
      });
      return Object.assign(h("div", { class: "live-number" }, h("label", { for: id }, key), input), { input, key });
    });
    const fill = () => edit.forEach(({ input, key }) => (input.value = Number(own[key][state.step].toFixed(5))));
    const refresh = () => (respond(), drawResponse(), drawParameters(), drawTrace());
    const change = (key, t, value, fills = true) => {
      own[key][t] = value;
      state.step = t;
      if (fills) (step.set(t + 1), fill());
      back.disabled = !changed();
      refresh();
    };

    // -------------------------------------------------------------- controls
    const input = snnLive.slider({
      label: "Input x",
      min: -8,
      max: 12,
      step: 0.01,
      value: state.x,
      format: (v) => fixed(v),
      on: (v) => ((state.x = v), drawTrace()),
    });
    const goTo = (x) => {
      const [low, high] = state.set.interval;
      state.x = Math.round(100 * Math.min(high, Math.max(low, x))) / 100;
      input.set(state.x);
      drawTrace();
    };
    const functions = snnLive.choice({
      label: "Function",
      options: Object.entries(NAMES),
      value: "silu",
      on: (v) => choose(sets.find((set) => set.function === v)),
    });
    const of = (which) => sets.filter((set) => set.function === which).map((set) => [set.name, title(set)]);
    const neurons = snnLive.choice({ label: "Neuron", options: of("silu"), value: "silu.published", on: (v) => choose(find(v)) });
    const order = snnLive.segments({
      label: "In each step it",
      options: [
        ["fire", "fires, then subtracts h(t)"],
        ["subtract", "subtracts h(t) first: the trap"],
      ],
      value: "fire",
      on: (v) => ((state.order = v), refresh()),
    });
    const bits = snnLive.choice({
      label: "T, h and d in",
      options: [["0", "floats"], ...[12, 10, 9, 8, 7, 6, 5, 4].map((n) => [String(n), `${n} bits`])],
      value: "0",
      on: (v) => ((state.bits = Number(v)), refresh()),
    });
    const noise = snnLive.slider({
      label: "Noise of v",
      min: 0,
      max: 0.3,
      step: 0.01,
      value: 0,
      format: (v) => fixed(v),
      on: (v) => ((state.noise = v), (again.disabled = !v), refresh()),
    });
    const again = snnLive.button("Draw again", () => ((state.draw += 1), refresh()), { disabled: true });
    const kinds = snnLive.segments({
      label: "Inputs are",
      options: [
        ["normal", "normal"],
        ["uniform", "uniform"],
      ],
      value: "normal",
      on: (v) => ((state.inputs = v === "normal" ? bell : null), weigh(), refresh()),
    });
    const shape = (part) => {
      state.inputs = bell = { ...bell, ...part };
      kinds.set("normal");
      weigh();
      refresh();
    };
    const ofBell = (label, key, min, max) =>
      snnLive.slider({ label, min, max, step: 0.01, value: bell[key], format: (v) => fixed(v), on: (v) => shape({ [key]: v }) });
    const center = ofBell("their mean", "mean", -10, 12);
    const spread = ofBell("their spread", "sd", 0.1, 6);
    const step = snnLive.slider({
      label: "Step to edit",
      min: 1,
      max: 16,
      step: 1,
      value: 1,
      format: (v) => `t = ${v}`,
      on: (v) => ((state.step = v - 1), fill(), drawParameters()),
    });
    const back = snnLive.button("Back to its own numbers", () => (take(), (back.disabled = true), fill(), refresh()), { disabled: true });
    const choose = (set) => {
      state.set = set;
      state.step = Math.min(state.step, set.T.length - 1);
      take();
      functions.set(set.function);
      neurons.set(set.name, of(set.function));
      [input.input.min, input.input.max] = set.interval;
      state.x = Math.min(set.interval[1], Math.max(set.interval[0], state.x));
      input.set(state.x);
      step.input.max = set.T.length;
      step.set(state.step + 1);
      back.disabled = true;
      fill();
      weigh();
      axes();
      refresh();
    };

    const follow = { down: ([x]) => goTo(x), move: ([x]) => goTo(x), touch: "pan-y" };
    for (const plot of [output, count, raster]) snnLive.drag(plot, follow);
    let held = null;
    const bring = ([x]) => {
      const mean = Math.round(100 * Math.min(12, Math.max(-10, held + x))) / 100;
      center.set(mean);
      shape({ mean });
    };
    snnLive.drag(density, { down: ([x]) => ((held = bell.mean - x), undefined), move: bring, touch: "pan-y" });
    snnLive.drag(parameters, {
      down: ([x, y]) => {
        const t = Math.min(own.T.length, Math.max(1, Math.round(x))) - 1;
        const [low, high] = parameters.y;
        const near = SETS.map(([key]) => [Math.abs(parameters.Y(Math.min(high, Math.max(low, own[key][t]))) - parameters.Y(y)), key]).sort(
          (a, b) => a[0] - b[0],
        )[0];
        state.step = t;
        step.set(t + 1);
        fill();
        drawParameters();
        if (near[0] > 22) return false;
        held = [near[1], t];
      },
      move: ([, y]) => change(held[0], held[1], Math.round(100 * y) / 100),
    });

    self.panel.append(
      h(
        "p",
        { class: "live-lead" },
        h("b", {}, "Slide the input, move any number of the neuron."),
        " In each step it fires if v exceeds T, and a spike takes off h and is worth d.",
      ),
      h("div", { class: "live-controls" }, functions, neurons, bits, noise),
      order,
      input,
      self.sentence,
      h(
        "div",
        { class: "live-columns live-halves" },
        h(
          "div",
          {},
          over.map((plot) => plot.svg),
          kinds,
          h("div", { class: "live-pair" }, center, spread),
        ),
        h(
          "div",
          {},
          trace.svg,
          snnLive.key(["live-threshold", "threshold T"], ["live-line live-color-0", "potential v"], ["live-dot-key", "spike", "dot"]),
          parameters.svg,
          snnLive.key(
            ...SETS.map(([key, color], k) => [
              `live-mark ${color}`,
              { T: "T, threshold", h: "h, reset", d: "d, output" }[key],
              mark(k, 12, 6),
            ]),
          ),
          step,
          h("div", { class: "live-pair live-edit" }, edit),
          h("div", { class: "live-row" }, back, again),
        ),
      ),
    );
    self.tools({
      python: () => python(state, own, changed(), neuron(), data),
      rows: () => [
        ["step", "T", "h", "d", "v", "spike"],
        ...shown.z.map((z, t) => {
          const p = neuron();
          return [t + 1, ...[p.T[t], p.h[t], p.d[t], shown.v[t]].map((a) => number(a, 6)), z];
        }),
      ],
      data: () => ({ neuron: state.set.name, ...neuron(), x: state.x, ...shown, inputs: state.inputs, quality }),
    });
    weigh();
    fill();
    self.onsize((width) => {
      const wide = width >= 600;
      const each = wide ? Math.floor((width - 20) / 2) : width;
      [...over, trace, parameters].forEach((plot) => (plot.width = each));
      axes();
      refresh();
    });
  };

  /** The lines of Python that compute what is shown. */
  const python = (state, own, changed, p, data) => {
    const list = (key) => `${key}=(${own[key].join(", ")})`;
    const { set, inputs } = state;
    const lines = [
      "import torch",
      "from snncore.few_spike import FUNCTIONS, coefficients, fs_decode, fs_run",
      `from snncore.few_spike.fit import ${state.noise ? "noisy_mse" : "quality"}${state.bits ? ", rounded" : ""}`,
    ];
    if (inputs) lines.unshift("import scipy.stats");
    if (changed) lines.push("from snncore.few_spike.neuron import FSParams");
    if (state.order !== "fire") lines.push("from snncore.few_spike.neuron import from_shifted");
    if (state.noise) lines.push("from snncore.seeds import numpy_generator");
    lines.push(
      `s = coefficients("${set.name}")`,
      changed ? `p = FSParams(${list("T")}, ${list("h")}, ${list("d")}, strict=${own.strict ? "True" : "False"})` : "p = s.params",
    );
    if (state.bits) lines.push(`p = rounded(p, ${state.bits})`);
    if (state.order !== "fire") lines.push("p = from_shifted(p.T, p.h, p.d, p.strict)  # the trap");
    lines.push(
      `z, v = fs_run(torch.tensor([${state.x}], dtype=torch.float64), p)`,
      "print(int(z.sum()), fs_decode(z, p).item(), FUNCTIONS[s.function](v[0]).item())",
    );
    if (state.noise) lines.push('g = numpy_generator(0, "membrane noise")  # another draw than here');
    const cdf = inputs ? `, scipy.stats.norm(${inputs.mean}, ${inputs.sd}).cdf` : ", None";
    lines.push(
      state.noise
        ? `print(noisy_mse(p, FUNCTIONS[s.function], s.interval, ${state.noise}, g${cdf}, n=${MEANT}))`
        : `print(quality(p, FUNCTIONS[s.function], s.interval${cdf}, n=${MEANT}))`,
    );
    return lines.join("\n");
  };

  snnLive.define("few_spike", build);
})();
