/** The live pipeline: choose a network, accumulators and memories; see when each layer sends which image, and what a new one waits for. */
(() => {
  "use strict";
  const { h, s, set, number, pipeline: P } = snnLive;
  const SHOWN = 4; // images in the picture, a color each

  const build = (self, data) => {
    const state = { network: "chain", layers: data.layers, K: data.K, from: 1, two: false, memories: false };
    const real = data.networks; // by name: senders, and neurons of each layer

    // -------------------------------------------------------------- computing
    let now = null;
    const compute = () => {
      const own = real[state.network];
      const shortcut = state.network === "shortcut" ? [state.from, Math.min(state.from + 2, state.layers)] : null;
      const plain = own ? own.senders : P.chain(state.layers + 1, shortcut);
      const held = state.memories ? P.withMemories(plain) : { senders: plain, origin: [...plain.keys()] };
      const emissions = P.pipeline(held.senders, state.K, SHOWN, state.two);
      const origin = emissions.filter((e) => held.origin.indexOf(held.origin[e.layer]) === e.layer); // memories are not drawn
      const layers = plain.length - 1;
      const memory = state.memories ? P.numbersHeld(plain, own && own.neurons) : 0;
      const drawn = origin.map((e) => ({ ...e, layer: held.origin[e.layer] }));
      const alone = P.rhythm(plain, state.K, false).period;
      now = { plain, emissions: drawn, layers, memory, shortcut, alone, ...P.rhythm(held.senders, state.K, state.two) };
    };

    // -------------------------------------------------------------- the picture
    const plot = new snnLive.Plot({
      x: [0, 1],
      y: [1, 0],
      height: () => Math.max(150, Math.min(340, 42 * (now.layers + 1))) + 62,
      ylabel: "layer (0: the input)",
      xlabel: "step",
      margin: [26, 12, 40, 46],
      label: "Time lines of the layers; bars are the steps in which a layer sends an image",
    });
    const colors = Array.from({ length: SHOWN }, (_, k) => plot.add("g", { class: `live-bar live-image-${k}` }));
    const names = plot.over.appendChild(s("g", { class: "live-bar-names", "aria-hidden": "true" }));
    const gap = plot.over.appendChild(s("g", { class: "live-gap", "aria-hidden": "true" }));
    const pen = plot.over.appendChild(s("line", { class: "live-cursor" }));
    const inK = (steps) => String(Number((steps / state.K).toPrecision(3)));
    let stop = () => {};

    const draw = () => {
      const { emissions, layers } = now;
      const end = Math.max(...emissions.map((e) => e.end));
      const rows = layers + 1;
      const every = rows <= 12 ? 1 : snnLive.ticks(0, rows, 6)[1];
      Object.assign(plot, { x: [0, end], y: [rows - 0.5, -0.5], xticks: snnLive.ticks(0, end, 6) });
      plot.yticks = Array.from({ length: rows }, (_, k) => k).filter((k) => k % every === 0);
      plot.size(plot.width);
      const high = Math.abs(plot.Y(1) - plot.Y(0)) * (rows > 40 ? 1 : 0.8);
      colors.forEach((g) => g.replaceChildren());
      names.replaceChildren();
      for (const e of emissions) {
        const width = Math.max(0.7, plot.X(e.end) - plot.X(e.start) - (rows > 40 ? 0 : 1));
        const box = { x: plot.X(e.start), y: plot.Y(e.layer) - high / 2, width, height: high };
        colors[e.image].append(s("rect", box));
        if (width < 14 || high < 14) continue;
        names.append(s("text", { x: box.x + width / 2, y: plot.Y(e.layer) + 4, "text-anchor": "middle" }, e.image + 1));
      }
      const starts = [1, 2].map((image) => emissions.find((e) => e.layer === 0 && e.image === image).start); // after image 1, it runs full
      const [a, b] = starts.map((x) => plot.X(x));
      const y = plot.inner.top - 8;
      gap.replaceChildren(
        s("path", { d: `M${a} ${y - 5}V${y + 5}M${b} ${y - 5}V${y + 5}M${a} ${y}H${b}` }),
        s("text", { x: b + 6, y: y + 4 }, `image 3 begins ${inK(starts[1] - starts[0])} K after image 2`),
      );
      plot.upright(pen, end);
    };
    const play = () => {
      stop();
      const end = plot.x[1];
      stop = snnLive.animate(350 * Math.min(24, end / state.K), (share) => {
        plot.reveal(share * end);
        plot.upright(pen, share * end);
        set(names, { opacity: share < 1 ? 0 : 1 });
      });
    };

    const tell = () => {
      const { period, first, layers, memory, alone } = now;
      const more = memory ? ` Memories hold ${number(memory, 2)} numbers of ${state.K} bits for each neuron.` : "";
      const times = (steps) => `${inK(steps)}\u00a0K`;
      const talk = 2 * state.K;
      const beside = period === talk ? "as the talk says" : period < talk ? "faster than the talk says" : `the talk says 2\u00a0K, ${talk}`;
      self.say(
        h("b", {}, `A new image every ${period} steps: ${times(period)}, ${beside}.`),
        more,
        h("br"),
        `The first answer comes after ${first.toLocaleString("en")} steps (${layers} layers and the input, K = ${state.K}).`,
        state.two || state.memories ? ` With one accumulator and no memories: every ${alone} steps.` : "",
      );
      self.refresh();
    };
    const refresh = () => {
      stop();
      compute();
      from.input.max = Math.max(0, state.layers - 2);
      length.hidden = state.network in real;
      from.hidden = state.network !== "shortcut";
      draw();
      plot.reveal(plot.x[1]);
      set(names, { opacity: 1 });
      tell();
    };

    // -------------------------------------------------------------- controls
    const put = (key) => (value) => ((state[key] = value), refresh());
    const named = Object.keys(real).map((name) => [name, name]);
    const networks = [["chain", "a chain of layers"], ["shortcut", "a chain with a shortcut past a layer"], ...named];
    const network = snnLive.choice({ label: "Network", options: networks, value: state.network, on: put("network") });
    const length = snnLive.slider({
      label: "Layers",
      min: 2,
      max: 10,
      step: 1,
      value: state.layers,
      format: (v) => String(v),
      on: (v) => {
        state.layers = v;
        state.from = Math.min(state.from, v - 2);
        from.set(state.from);
        refresh();
      },
    });
    const from = snnLive.slider({
      label: "Shortcut from layer",
      min: 0,
      max: state.layers - 2,
      step: 1,
      value: state.from,
      format: (v) => `${v} to ${v + 2}`,
      on: put("from"),
    });
    const steps = snnLive.slider({
      label: "K (steps of a neuron)",
      min: 1,
      max: 16,
      step: 1,
      value: state.K,
      format: (v) => String(v),
      on: put("K"),
    });
    const two = snnLive.segments({
      label: "Accumulators of a neuron",
      options: [
        ["1", "one"],
        ["2", "two"],
      ],
      value: "1",
      on: (v) => ((state.two = v === "2"), refresh()),
    });
    const memories = snnLive.check({ label: "memories in the shortcuts", value: false, on: put("memories") });

    self.panel.append(
      h(
        "p",
        { class: "live-lead" },
        h("b", {}, "When can the next image start?"),
        " Choose a network; bars are the K steps in which a layer sends an image.",
      ),
      h("div", { class: "live-controls" }, network, length, from, steps),
      h("div", { class: "live-row" }, two, memories),
      plot.svg,
      h("div", { class: "live-row" }, snnLive.button("Play", play)),
      self.sentence,
    );
    self.tools({
      python: () => python(state, now),
      rows: () => [
        ["layer", "image", "from step", "to step"],
        ...now.emissions.slice(0, 600).map((e) => [e.layer, e.image + 1, e.start, e.end]),
      ],
      data: () => ({ ...state, period: now.period, first: now.first, emissions: now.emissions }),
    });
    self.onsize((width) => {
      plot.width = width;
      refresh();
    });
  };

  /** The lines of Python that compute what is shown. */
  const python = (state, { plain, shortcut }) => {
    const lines = ["from snncore.few_spike.schedule import chain, rhythm, with_memories"];
    if (state.network === "chain" || shortcut) {
      lines.push(`senders = chain(${plain.length})`);
      if (shortcut) lines.push(`senders[${shortcut[1]}].insert(0, ${shortcut[0]})  # a shortcut`);
    } else lines.push(`senders = ${JSON.stringify(plain)}`);
    lines.push(`steps = [${state.K}] * len(senders)`);
    if (state.memories) lines.push("steps, senders, _ = with_memories(steps, senders)");
    lines.push(`first, period = rhythm(steps, ${state.two ? "True" : "False"}, senders)`, "print(first, period)");
    return lines.join("\n");
  };

  snnLive.define("pipeline", build);
})();
