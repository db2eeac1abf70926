/** The live chips: sentences, relays, firing rate and prices, and what they do to cores, messages and energy. */
(() => {
  "use strict";
  const { h, s, set, number, chips: C } = snnLive;
  const [CHIPS, WIDE, HIGH] = [22, 16, 8]; // a chip is drawn as 16 by 8 cores

  const build = (self, raw) => {
    const data = { ...raw, ...Object.fromEntries(["chip", "core", "module", "needs"].map((key) => [key, snnLive.decode(raw[key])])) };
    const longest = Math.max(...data.lengths);
    const state = { n: longest, relays: true, rate: data.rates[0], prices: "davies2018", x86: true };
    let now = null;
    const compute = () => {
      now = {
        ...C.used(data, state.n),
        messages: C.messages(data, state.n, state.relays),
        other: C.messages(data, state.n, !state.relays),
        events: C.eventEnergy(data, state.n, state.rate, state.prices),
        bands: data.lengths.map((n) => C.ends(data, n, state.rate, state.prices, state.x86)),
      };
      const k = data.lengths.indexOf(state.n);
      if (k >= 0) Object.assign(now, { ends: now.bands[k], implied: C.implied(data, state.n), ratio: data.ratios[k] });
    };

    // -------------------------------------------------------------- the map
    const map = s("svg", { class: "live-plot", role: "img" });
    const drawMap = (width) => {
      const columns = width < 560 ? 6 : 11;
      const rows = Math.ceil(CHIPS / columns);
      const size = (width - 4) / (columns * (WIDE + 2) - 2); // of a core
      const place = (chip) => [2 + (chip % columns) * (WIDE + 2) * size, 16 + Math.floor(chip / columns) * (HIGH * size + 22)];
      const tall = rows * (HIGH * size + 22) + 2;
      set(map, { width, height: tall, viewBox: `0 0 ${width} ${tall}` });
      const paths = data.modules.map(() => "");
      const side = (0.9 * size).toFixed(2);
      for (const k of now.cores) {
        const [x, y] = place(data.chip[k]);
        const [column, row] = [data.core[k] % WIDE, Math.floor(data.core[k] / WIDE)];
        paths[data.module[k]] += `M${(x + column * size).toFixed(2)} ${(y + row * size).toFixed(2)}h${side}v${side}h-${side}z`;
      }
      const frames = Array.from({ length: CHIPS }, (_, chip) => {
        const [x, y] = place(chip);
        return [
          s("rect", { class: "live-chip", x: x - 1, y: y - 1, width: WIDE * size + 2, height: HIGH * size + 2 }),
          s("text", { x: x + (WIDE * size) / 2, y: y - 4, "text-anchor": "middle" }, chip),
        ];
      });
      map.replaceChildren(...frames.flat(), ...paths.map((d, k) => s("path", { class: `live-module live-module-${k}`, d })));
      map.setAttribute(
        "aria-label",
        `Map of ${CHIPS} chips with ${WIDE * HIGH} cores each: ${now.count} cores on ${now.chips} chips are in use`,
      );
    };

    // -------------------------------------------------------------- energy
    const plot = new snnLive.Plot({
      x: [0, longest + 2],
      y: [0, 1],
      height: 220,
      xticks: data.lengths,
      xlabel: "sentences",
      ylabel: "energy of a question [mJ]",
      margin: [10, 12, 40, 52],
      label:
        "Energy of a question against the sentences of a story: a band between two ends of the model, the measured point, " +
        "and points that the talk's ratios imply",
    });
    const [band, line] = ["live-area", "live-line live-event-line"].map((name) => plot.add("path", { class: name }));
    const cursor = plot.add("line", { class: "live-cursor" });
    const points = plot.over.appendChild(s("g"));
    const drawPlot = () => {
      const most = 1.08 * Math.max(...now.bands.map(([, high]) => high), ...data.lengths.map((n) => C.implied(data, n)));
      Object.assign(plot, { y: [0, most], yticks: snnLive.ticks(0, most, 4) }).size(plot.width);
      const at = (k) => (n, j) => `${plot.X(n).toFixed(1)} ${plot.Y(now.bands[j][k]).toFixed(1)}`;
      const back = [...data.lengths.keys()].reverse().map((j) => at(1)(data.lengths[j], j));
      band.setAttribute("d", `M${data.lengths.map(at(0)).join("L")}L${back.join("L")}Z`);
      const all = Array.from({ length: longest }, (_, k) => k + 1);
      const events = all.map((n) => C.eventEnergy(data, n, state.rate, state.prices));
      line.setAttribute("d", plot.line(all, events));
      plot.upright(cursor, state.n);
      points.replaceChildren(
        ...data.lengths.map((n) => s("circle", { class: "live-implied", cx: plot.X(n), cy: plot.Y(C.implied(data, n)), r: 4 })),
        s("circle", { class: "live-measured", cx: plot.X(2), cy: plot.Y(data.measured), r: 6 }),
      );
    };

    // -------------------------------------------------------------- words
    const key = h("div");
    const tell = () => {
      const whole = (x) => Math.round(x).toLocaleString("en");
      const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
      const times = number(now.messages / now.other, 2);
      self.say(
        h("b", {}, `${plural(state.n, "sentence")}: ${plural(now.count, "core")} on ${plural(now.chips, "chip")}.`),
        ` If each neuron fires once, ${whole(now.messages)} messages go between chips, ${times} times as many as `,
        `${state.relays ? "without" : "with"} relays.`,
        h("br"),
        `Events of a question need ${number(now.events, 2)} mJ if neurons fire in ${number(100 * state.rate, 2)} % of their steps.`,
        now.ends
          ? ` In all our model says ${number(now.ends[0], 3)} to ${number(now.ends[1], 3)} mJ; the talk's ratio ` +
              `${now.ratio} implies ${number(now.implied, 3)} mJ${state.n === 2 ? ", the measurement" : ""}.`
          : ` Energy in all was estimated for ${data.lengths.join(", ")} sentences.`,
        state.relays
          ? ""
          : " (The placement itself needs relays: axons straight from encoders to pairs do not fit. Only messages change here.)",
      );
      const words = (name, k) => `${name}: ${now.of[k].toLocaleString("en")}`;
      key.replaceChildren(snnLive.key(...data.modules.map((name, k) => [`live-module live-module-${k}`, words(name, k), "module"])));
      self.refresh();
    };
    const refresh = () => {
      compute();
      drawMap(plot.width);
      drawPlot();
      tell();
    };

    // -------------------------------------------------------------- controls
    const put = (name) => (value) => ((state[name] = value), refresh());
    const sentences = snnLive.slider({
      label: "Sentences of the story",
      min: 1,
      max: longest,
      step: 1,
      value: state.n,
      format: String,
      on: put("n"),
    });
    const rate = snnLive.slider({
      label: "Neurons fire in … of their steps",
      min: -3,
      max: 0,
      step: 0.05,
      value: Math.log10(state.rate),
      format: (v) => `${number(100 * 10 ** v, 2)}\u00a0%`,
      on: (v) => ((state.rate = 10 ** v), refresh()),
    });
    const prices = snnLive.choice({
      label: "Prices of events",
      value: state.prices,
      on: put("prices"),
      options: [
        ["davies2018", "Davies 2018; firing neurons active"],
        ["active", "Davies 2018; all updates active"],
        ["sanafe", "SANA-FE"],
      ],
    });
    const relays = snnLive.check({ label: "relays", value: true, on: put("relays") });
    const x86 = snnLive.check({ label: "count the x86 processors", value: true, on: put("x86") });

    self.panel.append(
      h(
        "p",
        { class: "live-lead" },
        h("b", {}, "How many cores does a story need?"),
        " Each square is a core. Longer stories have more pairs of sentences.",
      ),
      h("div", { class: "live-controls" }, sentences, rate, prices),
      h("div", { class: "live-row" }, relays, x86),
      map,
      key,
      self.sentence,
      plot.svg,
      snnLive.key(
        ["live-area", "our model, between its two ends", "bar"],
        ["live-measured", "measured", "dot"],
        ["live-implied", "implied by the talk's ratios", "dot"],
        ["live-line live-event-line", "events alone"],
      ),
    );
    self.tools({
      python: () => python(state),
      rows: () => [
        ["sentences", "cores", "chips", "messages", "events [mJ]", "least [mJ]", "most [mJ]"],
        ...data.lengths.map((n, k) => {
          const of = C.used(data, n);
          const [messages, events] = [C.messages(data, n, state.relays), C.eventEnergy(data, n, state.rate, state.prices)];
          return [n, of.count, of.chips, Math.round(messages), number(events, 4), ...now.bands[k].map((x) => number(x, 4))];
        }),
      ],
      data: () => ({ ...state, cores: now.count, chips: now.chips, messages: now.messages, events_mj: now.events, by_length: now.bands }),
    });
    self.onsize((w) => {
      plot.width = w;
      refresh();
    });
  };

  /** The lines of Python that compute what is shown: cores, chips, messages with relays, and the energy of events [mJ]. */
  const python = ({ n, rate, prices, relays }) => {
    const form = {
      davies2018: "energy(counts, without=HOPS)",
      active: "energy(all_active(counts), without=HOPS)",
      sanafe: 'energy(counts, "sanafe", HOPS)',
    }[prices];
    const layouts = 'layout(SIZES["paper"], len(VOCABULARY)';
    return [
      "from snncore.loihi.board_energy import events",
      `from snncore.loihi.energy import HOPS, ${prices === "active" ? "all_active, " : ""}energy`,
      "from snncore.loihi.placement import place",
      "from snncore.loihi.relational import CHIPS, layout",
      "from snncore.networks.relational import SIZES",
      "from snncore.tasks.stories import VOCABULARY",
      `plan = ${layouts})`,
      "placement = place(plan.network, plan.units, CHIPS)",
      `used = plan.used(${n})`,
      "cores, chips = placement.used(used)",
      relays ? "network = plan.network" : `network = ${layouts}, relays=False).network`,
      "names = {*used, *network.inputs}",
      "messages = placement.message_table([p for p in network.projections if {p.pre, p.post} <= names]).sum()",
      `counts = events(placement, used, ${Number(rate.toPrecision(12))})`,
      `print(cores, len(chips), round(messages), ${form} / 1000)`,
    ].join("\n");
  };

  snnLive.define("chips", build);
})();
