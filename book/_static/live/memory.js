/** The live slow neurons: draw an input, change constants, see AHP, ALIF and LIF neurons beside the chip's integers. */
(() => {
  "use strict";
  const { h, set, number, fixed, memory } = snnLive;
  const TOP = 7; // of the input, in currents that just reach the threshold
  const SPAN = 300; // steps of the close look
  const LEAST = -0.9;

  const build = (self, data) => {
    const recorded = snnLive.decode(data.current);
    const n = recorded.length;
    const own = data.constants;
    const place = (from, to) => Float64Array.from({ length: n }, (_, t) => (t >= from * n && t < to * n ? 1 : 0));
    const SHAPES = {
      "as in the figure": () => recorded.slice(),
      "one long pulse": () => place(0.1, 0.4).map((a) => 4 * a),
      "two pulses, a pause": () => {
        const [x, y] = [place(0.1, 0.25), place(0.5, 0.65)];
        return x.map((a, t) => 4 * a + 3 * y[t]);
      },
      "a slow rise": () => Float64Array.from({ length: n }, (_, t) => (5 * t) / n),
    };
    const state = {
      input: recorded.slice(),
      shape: "as in the figure",
      kind: "AHP",
      tauM: own.tau_m,
      tauSlow: own.tau_ahp,
      jump: own.jump,
      same: false,
      at: 0,
      cursor: Math.round(n / 2),
    };

    // -------------------------------------------------------------- computing
    let now = null;
    const compute = () => {
      const p = memory.constants(state.kind, state.tauM, state.tauSlow, state.jump);
      const smallest = 1 - p.alpha; // the constant current that just reaches the threshold
      const whole = state.input.map((a) => snnLive.round(a * smallest * memory.UNIT)); // as sums of weights
      let [c, chip, why] = [null, null, ""];
      try {
        c = memory.registers(p);
        chip = memory.chip(whole, c);
      } catch (problem) {
        why = problem.message;
      }
      const q = c && state.same ? memory.inForce(c, state.kind) : p;
      const current = c && state.same ? whole.map((a) => a / memory.UNIT) : state.input.map((a) => a * smallest);
      const one = memory.floats(current, q);
      const scale = state.kind === "AHP" ? -1 / smallest : state.kind === "ALIF" ? q.beta : 0; // slow variables in thresholds
      const slow = one.slow.map((a, t) => scale * (state.kind === "AHP" && t + 1 < n ? one.slow[t + 1] : a)); // AHP: after the spike
      let differs = -1;
      if (chip) differs = one.z.findIndex((z, t) => z !== chip.z[t]);
      now = { p, q, c, chip, why, one, slow, whole, smallest, differs };
    };

    // -------------------------------------------------------------- plots
    const axis = snnLive.ticks(0, n, 4);
    const main = new snnLive.Plot({
      x: [0, n],
      y: [-1.4, TOP],
      height: 250,
      xticks: axis,
      yticks: [0, 2, 4, 6],
      xlabel: "step [ms]: draw the input here",
      ylabel: "in thresholds",
      margin: [10, 12, 40, 46],
      label: "Input current over time, its low-passed form, the slow variable of the neuron, and spikes",
    });
    const close = new snnLive.Plot({
      x: [0, SPAN],
      y: [-1.2, 1.5],
      height: 170,
      yticks: [-1, 0, 1],
      xlabel: "step [ms]",
      ylabel: "potential v",
      margin: [10, 12, 40, 46],
      label: "Membrane potential of the float neuron and of the chip's, in thresholds, in a part of the time",
    });
    const part = (plot, name) => plot.add("path", { class: name });
    const [band, input, low, slow, spikesFloat, spikesChip] = [
      "live-band",
      "live-input",
      "live-line live-low",
      "live-line live-color-0 live-strong-line",
      "live-ticks live-color-1",
      "live-ticks live-of-chip",
    ].map((name) => part(main, name));
    const pen = main.over.appendChild(snnLive.s("line", { class: "live-pen" }));
    const [thresholdLine, vFloat, vChip, off] = [
      "live-threshold live-dashed",
      "live-line live-float",
      "live-line live-color-0",
      "live-differs",
    ].map((name) => part(close, name));

    const marks = (plot, z, y, tall, from = 0, to = n) => {
      let d = "";
      for (let t = from; t < to; t++) if (z[t]) d += `M${plot.X(t).toFixed(1)} ${plot.Y(y).toFixed(1)}v-${tall}`;
      return d;
    };
    const draw = () => {
      const { one, chip, c, differs } = now;
      const every = Float64Array.from({ length: n }, (_, t) => t);
      input.setAttribute("d", main.line(every, state.input));
      low.setAttribute("d", main.line(every, memory.lowPassed(state.input, now.p.rho)));
      slow.setAttribute("d", state.kind === "LIF" ? "" : main.line(every, now.slow));
      spikesFloat.setAttribute("d", marks(main, one.z, -0.55, 9));
      spikesChip.setAttribute("d", chip ? marks(main, chip.z, -1.2, 9) : "");
      band.setAttribute("d", `M${main.X(state.at)} ${main.inner.top}H${main.X(state.at + SPAN)}V${main.inner.bottom}H${main.X(state.at)}Z`);
      main.upright(pen, state.cursor);

      const [from, to] = [state.at, Math.min(n, state.at + SPAN)];
      Object.assign(close, { x: [from, from + SPAN], xticks: snnLive.ticks(from, from + SPAN, 4) });
      const after = one.v.map((v, t) => (one.z[t] ? 0 : v)); // after the reset, as on the chip
      const seen = state.kind === "ALIF" ? one.v : after;
      const raised = state.kind === "ALIF" ? one.slow.map((b) => 1 + now.q.beta * b) : new Float64Array(n).fill(1);
      let [least, most] = [-0.2, 1.2];
      for (let t = from; t < to; t++) [least, most] = [Math.min(least, seen[t]), Math.max(most, seen[t], raised[t] + 0.1)];
      Object.assign(close, { y: [least - 0.1, most + 0.1], yticks: snnLive.ticks(least - 0.1, most + 0.1, 4) }).size(close.width);
      thresholdLine.setAttribute("d", close.line(every, raised, from, to));
      vFloat.setAttribute("d", close.line(every, seen, from, to));
      vChip.setAttribute(
        "d",
        chip
          ? close.line(
              every,
              chip.v.map((v) => v / c.threshold),
              from,
              to,
            )
          : "",
      );
      off.setAttribute("d", differs >= 0 ? `M${close.X(differs)} ${close.inner.top}V${close.inner.bottom}` : "");
    };

    const tell = () => {
      const { one, chip, c, differs, why, slow: trace } = now;
      const count = (z) => z.reduce((a, b) => a + b, 0);
      const copy = memory.correlation(trace, state.input, Math.floor(n / 5) + 1);
      const follows =
        state.kind === "LIF" || !Number.isFinite(copy)
          ? ""
          : ` Its slow variable and the input correlate by ${fixed(copy)} (the first fifth left out).`;
      const spikes = count(one.z);
      const first = differs.toLocaleString("en");
      const who = differs >= 0 && one.z[differs] ? "the float neuron" : "the chip";
      const beside = !chip
        ? `Not on the chip: ${why}.`
        : differs < 0
          ? `On the chip: the same ${count(chip.z)} spikes.`
          : `On the chip: ${count(chip.z)} spikes; the first one that differs is at step ${first}, where only ${who} fires.`;
      self.say(
        h("b", {}, `${state.kind} neuron: ${spikes} spike${spikes === 1 ? "" : "s"} in ${n.toLocaleString("en")} steps.`),
        follows,
        h("br"),
        beside,
      );
      const rows = [];
      if (c) {
        const force = memory.inForce(c, state.kind);
        rows.push(["membrane", `${number(now.p.tauM, 3)} ms`, `decay_v = ${c.decayV}`, `${number(force.tauM, 4)} ms`]);
        if (state.kind === "AHP") {
          const jump = -c.auxWeight * 2 ** (6 + c.auxExp);
          rows.push(["AHP current", `${number(now.p.tauSlow, 3)} ms`, `decay_aux = ${c.decayAux}`, `${number(force.tauSlow, 4)} ms`]);
          rows.push([
            "a spike adds to it",
            number((1 - now.p.rho) * now.p.beta, 3),
            `aux_weight = ${fixed(-jump, 0)}`,
            number(jump / c.threshold, 3),
          ]);
        }
        rows.push(["threshold", "1", `vth_mant = ${c.threshold / 64}`, c.threshold.toLocaleString("en")]);
      }
      if (c) snnLive.fill(registers, [["", "float", "register", "in force"], ...rows]);
      else registers.replaceChildren();
      there.disabled = differs < 0;
      self.refresh();
    };
    const refresh = (jumps) => {
      compute();
      if (jumps) state.at = Math.max(0, Math.min(n - SPAN, (now.differs < 0 ? 0 : now.differs) - SPAN / 3));
      look.set((state.at = Math.round(state.at)));
      draw();
      tell();
    };

    // -------------------------------------------------------------- controls
    const registers = h("table", { class: "live-numbers live-registers" });
    const kind = snnLive.segments({
      label: "Neuron",
      options: [
        ["AHP", "AHP"],
        ["ALIF", "ALIF"],
        ["LIF", "LIF"],
      ],
      value: "AHP",
      on: (v) => ((state.kind = v), refresh(true)),
    });
    const same = snnLive.check({
      label: "give the float neuron the chip's rounded constants and input",
      value: false,
      on: (v) => ((state.same = v), refresh(true)),
    });
    const constant = (label, key, min, max, step, format = (v) => `${v} ms`) =>
      snnLive.slider({ label, min, max, step, value: state[key], format, on: (v) => ((state[key] = v), refresh(false)) });
    const tauM = constant("Membrane", "tauM", 2, 100, 1);
    const tauSlow = constant("Slow variable", "tauSlow", 20, 2000, 10);
    const jump = constant("A spike adds", "jump", 0.02, 1, 0.01, (v) => fixed(v));
    const look = snnLive.slider({
      label: "Look closely, from step",
      min: 0,
      max: n - SPAN,
      step: 1,
      value: 0,
      format: (v) => v.toLocaleString("en"),
      on: (v) => ((state.at = v), draw()),
    });
    const there = snnLive.button("To the first that differs", () => refresh(true));
    const shapes = snnLive.choice({
      label: "Input",
      options: [...Object.keys(SHAPES), "drawn"].map((key) => [key, key]),
      value: state.shape,
      on: (v) => {
        if (SHAPES[v]) {
          state.input = SHAPES[v]();
          state.shape = v;
          refresh(true);
        }
      },
    });

    let last = null;
    const paint = ([x, y]) => {
      const t = Math.round(Math.min(n - 1, Math.max(0, x)));
      const value = Math.round(100 * Math.min(TOP - 0.5, Math.max(LEAST, y))) / 100;
      const [from, was] = last || [t, value];
      for (let k = Math.min(from, t); k <= Math.max(from, t); k++)
        state.input[k] = from === t ? value : was + ((value - was) * (k - from)) / (t - from);
      last = [t, value];
      state.cursor = t;
      state.shape = "drawn";
      shapes.set("drawn");
      refresh(false);
    };
    snnLive.drag(main, { down: (p) => ((last = null), paint(p)), move: paint, up: () => refresh(true) });
    set(main.svg, { tabindex: 0, role: "application", "aria-roledescription": "input to draw" });
    main.svg.addEventListener("keydown", (event) => {
      const wide = n / 40;
      if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
        state.cursor = Math.min(n - 1, Math.max(0, state.cursor + (event.key === "ArrowLeft" ? -wide : wide)));
        draw();
      } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
        for (let t = Math.max(0, Math.round(state.cursor - wide / 2)); t < Math.min(n, state.cursor + wide / 2); t++) {
          state.input[t] = Math.min(TOP - 0.5, Math.max(LEAST, state.input[t] + (event.key === "ArrowUp" ? 0.25 : -0.25)));
        }
        state.shape = "drawn";
        shapes.set("drawn");
        refresh(false);
      } else return;
      event.preventDefault();
    });

    self.panel.append(
      h(
        "p",
        { class: "live-lead" },
        h("b", {}, "Draw an input current."),
        " The slow variable becomes a copy of it; the chip computes the same in whole numbers.",
      ),
      kind,
      h("div", { class: "live-controls" }, shapes, tauM, tauSlow, jump),
      main.svg,
      snnLive.key(
        ["live-input", "input"],
        ["live-line live-low", "low-passed"],
        ["live-line live-color-0 live-strong-line", "slow variable"],
        ["live-ticks live-color-1", "spikes, floats", "ticks"],
        ["live-ticks live-of-chip", "spikes, chip", "ticks"],
      ),
      h("p", { class: "live-hint" }, "Keys, with the plot in focus: left and right move the pen, up and down change the input there."),
      self.sentence,
      close.svg,
      snnLive.key(
        ["live-line live-float", "float"],
        ["live-line live-color-0", "chip"],
        ["live-threshold live-dashed", "threshold"],
        ["live-differs", "first spike that differs"],
      ),
      h("div", { class: "live-look" }, look, there),
      same,
      h("div", { class: "live-scroll", tabindex: "0", role: "region", "aria-label": "Constants and registers" }, registers),
    );
    self.tools({
      python: () => python(state, now, own, n),
      rows: () => {
        const fired = Array.from({ length: n }, (_, t) => t).filter((t) => now.one.z[t] || (now.chip && now.chip.z[t]));
        return [
          ["spike at step", "float", "chip", "slow variable"],
          ...fired.slice(0, 400).map((t) => [t, now.one.z[t], now.chip ? now.chip.z[t] : "none", number(now.slow[t], 4)]),
        ];
      },
      data: () => ({ input: [...state.input], ...now.p, registers: now.c, spikes: [...now.one.z], chip: now.chip && [...now.chip.z] }),
    });
    self.onsize((width) => {
      for (const plot of [main, close]) plot.size(width);
      refresh(!now);
    });
  };

  /** The lines of Python that compute what is shown. */
  const python = (state, { q, c }, own, n) => {
    const model = { AHP: "ahp", ALIF: "alif", LIF: "lif" }[state.kind];
    const made = {
      AHP: `AHPParams(${state.tauM}, ${state.tauSlow}).with_jump(${state.jump})`,
      ALIF: `ALIFParams(${state.tauM}, ${state.tauSlow}, beta=${state.jump})`,
      LIF: `LIFParams(${state.tauM}, reset_to_zero=True)`,
    }[state.kind];
    const input = [...state.input].map((a) => Number(a.toFixed(6)));
    const lines = [
      "import numpy as np",
      "import torch",
      `from snncore.neurons import ${state.kind}Params, ${model}_step, rest`,
      "from snncore.unroll import unroll",
    ];
    if (c)
      lines.push(
        "from snncore.loihi.compartment import compartment_rest, compartment_step",
        `from snncore.loihi.quantize import UNIT, ${state.same ? "in_force, " : ""}registers`,
      );
    lines.push(`p = ${made}`, `current = (1 - p.alpha) * torch.tensor([${input.join(", ")}], dtype=torch.float64)`);
    if (c) {
      lines.push(
        "c, weights = registers(p), np.round(UNIT * current.numpy()).astype(int)",
        "state, chip = compartment_rest(np.zeros((1, 1), int)), []",
        "for now in weights[:, None, None]:",
        "    z, state = compartment_step(now, state, c)",
        "    chip.append(int(z[0, 0]))",
      );
      if (state.same) lines.push("p, current = in_force(c), torch.from_numpy(weights / UNIT)");
    }
    lines.push(
      "at_rest = rest(p, torch.zeros(1, 1, dtype=torch.float64))",
      `z, _ = unroll(lambda now, state: ${model}_step(now, state, p), current[:, None, None], at_rest)`,
      "z = z[:, 0, 0].int().tolist()",
    );
    lines.push(c ? "print(sum(z), sum(chip), next((t for t, (a, b) in enumerate(zip(z, chip)) if a != b), None))" : "print(sum(z))");
    return lines.join("\n");
  };

  snnLive.define("memory", build);
})();
