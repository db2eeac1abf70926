/**
 * The live arm: draw a movement, see it learned in one update. What it computes is in arm_numbers.js; its networks, of which it needs
 * nothing before a reader touches it, are in arm_weights.data.js.
 */
(() => {
  "use strict";
  const { h, s, set, number, fixed, percent, arm } = snnLive;
  const KINDS = [
    ["learned", "its learning signals"],
    ["other", "those of another movement"],
    ["e-prop", "one e-prop step"],
    ["BPTT", "one BPTT step"],
  ];
  const STEP = 0.05; // of the pen, by an arrow key
  const [X, Y] = [
    [-0.56, 1.06],
    [-1.06, 1.06],
  ];
  const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

  const odd = (flat, first) => flat.filter((_, k) => k % 2 === first);

  /** Spikes of a raster as a path of short strokes. */
  const raster = (plot, z, dt) => {
    let d = "";
    const tall = Math.max(1.6, (plot.Y(0) - plot.Y(128)) / 64).toFixed(1);
    for (let t = 0; t + 1 < z.from.length; t++) {
      const x = plot.X(t * dt).toFixed(1);
      for (let i = z.from[t]; i < z.from[t + 1]; i++) d += `M${x} ${plot.Y(z.of[i]).toFixed(1)}v-${tall}`;
    }
    return d;
  };

  /** Spikes that a run wrote as pairs of step and neuron. */
  const listed = (pairs, steps) => {
    const from = new Int32Array(steps + 1);
    for (let k = 0; k < pairs.length; k += 2) from[pairs[k] + 1]++;
    for (let t = 0; t < steps; t++) from[t + 1] += from[t];
    return { of: Int32Array.from(odd(pairs, 1)), from };
  };

  /** The three neurons with the strongest signals, and these. */
  const strongest = (signal, n, steps) => {
    const sums = Array.from({ length: n }, (_, j) => {
      let sum = 0;
      for (let t = 0; t < steps; t++) sum += Math.abs(signal[t * n + j]);
      return [sum, j];
    });
    const neurons = sums
      .sort((a, b) => b[0] - a[0])
      .slice(0, 3)
      .map(([, j]) => j);
    return { neurons, lines: neurons.map((j) => Float64Array.from({ length: steps }, (_, t) => signal[t * n + j])) };
  };

  /** The movements of the static figures, with what the run found, as if they had just been computed. */
  const recorded = (data) => {
    const { steps, dt } = data.constants;
    const before = snnLive.decode(data.before);
    return data.movements.map((m) => {
      const after = snnLive.decode(m.after);
      const [tip, omega] = [snnLive.decode(m.tip), snnLive.decode(m.omega)];
      const lesson = { before: { y: before }, after: { y: after }, errors: m.errors, explained: m.explained, kind: "learned" };
      if (m.activity) {
        for (const key of ["before", "after"]) lesson[key].z = listed(snnLive.decode(m.activity[key]), steps);
        lesson.lsg = { z: listed(snnLive.decode(m.activity.lsg), steps) };
        const lines = snnLive.decode(m.activity.signals); // neuron by neuron
        lesson.signals = { neurons: m.activity.neurons, lines: m.activity.neurons.map((_, k) => lines.slice(k * steps, (k + 1) * steps)) };
      }
      if (tip.length !== 2 * steps) throw new Error("its data are damaged");
      return { name: m.name, family: m.family, tip, omega, lesson, dt };
    });
  };

  /** The pad on which readers draw, with paths and arms. `on.drawn(points)`, `on.begin()`, `on.key(words)`. */
  const makePad = (on) => {
    const pad = new snnLive.Plot({
      x: X,
      y: Y,
      margin: [0, 0, 0, 0],
      height: (width) => (width * (Y[1] - Y[0])) / (X[1] - X[0]),
      label: "Drawing pad with the paths that were shown and that the arm takes before and after one update",
    });
    const part = (name) => pad.add("path", { class: name });
    const [reach, shown, bad, before, after, armBefore, armAfter, trace] = [
      "live-reach",
      "live-shown",
      "live-bad",
      "live-before",
      "live-after",
      "live-arm live-arm-before",
      "live-arm live-arm-after",
      "live-trace",
    ].map(part);
    const start = pad.add("circle", { r: 6, class: "live-start" });
    const shoulder = pad.add("circle", { r: 7, class: "live-shoulder" });
    const pen = pad.add("path", { class: "live-pen" });
    const words = [
      ["start here", arm.BEGIN, 10, -8],
      ["shoulder", [0, 0], -12, 22],
      ["where the arm can reach", [0.36, -0.75], 0, 0],
    ].map(([text, at, dx, dy]) => {
      const label = pad.add("text", {
        class: "live-label",
        "text-anchor": text === "shoulder" ? "end" : text === "start here" ? "start" : "middle",
      });
      label.textContent = text;
      return { label, at, dx, dy };
    });
    let [points, at, down] = [[], [...arm.BEGIN], false];

    const redraw = () => {
      trace.setAttribute(
        "d",
        points.length
          ? pad.line(
              points.map((p) => p[0]),
              points.map((p) => p[1]),
            )
          : "",
      );
      const [x, y] = [pad.X(at[0]), pad.Y(at[1])];
      pen.setAttribute("d", `M${x - 9} ${y}h18M${x} ${y - 9}v18`);
      pen.classList.toggle("live-down", down);
    };
    const begin = (p) => {
      on.begin();
      [points, at, down] = [[p], p, true];
      redraw();
    };
    const go = (p) => {
      const last = points[points.length - 1];
      at = p;
      if (down && Math.hypot(p[0] - last[0], p[1] - last[1]) > 0.004) points.push(p);
      redraw();
    };
    const lift = () => {
      const made = points;
      [points, at, down] = [[], [...arm.BEGIN], false];
      redraw();
      on.drawn(made);
    };
    snnLive.drag(pad, { down: (p) => begin(p), move: (p) => down && go(p), up: () => down && lift() });
    set(pad.svg, { tabindex: 0, role: "application", "aria-roledescription": "drawing pad" });
    pad.svg.addEventListener("keydown", (event) => {
      const way = KEYS[event.key];
      if (way) {
        const far = event.shiftKey ? STEP / 5 : STEP;
        go([0, 1].map((c) => Math.min([X, Y][c][1], Math.max([X, Y][c][0], at[c] + far * way[c]))));
      } else if (event.key === "Enter" || event.key === " ") {
        if (down) lift();
        else {
          begin([...at]);
          on.key("The pen is down. Arrow keys draw, Enter ends the movement.");
        }
      } else if (event.key === "Escape" && down) {
        [points, at, down] = [[], [...arm.BEGIN], false];
        redraw();
        on.key("Nothing is drawn.");
      } else return;
      event.preventDefault();
    });

    const links = (y, t, dt) => {
      const phi = arm.angles(y.subarray(0, 2 * t + 2), dt).subarray(2 * t);
      const elbow = [arm.BEGIN[0] * Math.cos(phi[0]), arm.BEGIN[1] * Math.sin(phi[0])];
      const tip = arm.tips(phi);
      const dot = ([x, y]) => `M${pad.X(x).toFixed(1)} ${pad.Y(y).toFixed(1)}h.01`;
      return { line: pad.line([0, elbow[0], tip[0]], [0, elbow[1], tip[1]]), joints: dot(elbow) + dot(tip) };
    };
    const joints = [pad.add("path", { class: "live-joints live-arm-before" }), pad.add("path", { class: "live-joints live-arm-after" })];
    const path = (flat, n) => (n > 0 ? pad.line(odd(flat, 0), odd(flat, 1), 0, n) : "");

    return {
      plot: pad,
      size(width) {
        pad.size(width);
        const one = pad.X(1) - pad.X(0);
        const half = one / 2;
        const [x, up, low] = [pad.X(0), pad.Y(1), pad.Y(-1)];
        reach.setAttribute(
          "d",
          `M${x} ${low}A${one} ${one} 0 0 0 ${x} ${up}A${half} ${half} 0 0 0 ${x} ${pad.Y(0)}A${half} ${half} 0 0 1 ${x} ${low}Z`,
        );
        set(start, { cx: pad.X(arm.BEGIN[0]), cy: pad.Y(arm.BEGIN[1]) });
        set(shoulder, { cx: pad.X(0), cy: pad.Y(0) });
        words.forEach(({ label, at, dx, dy }) => set(label, { x: pad.X(at[0]) + dx, y: pad.Y(at[1]) + dy }));
        redraw();
      },
      /** Draws a movement and its lesson up to steps `first` (of the trial before) and `second` (after); the arms stand at step `time`. */
      draw(m, first, second, time) {
        const { tip, fault, lesson, dt } = m;
        const good = fault ? fault.step : tip.length / 2;
        shown.setAttribute("d", path(tip, good));
        bad.setAttribute("d", fault ? pad.line(odd(tip, 0), odd(tip, 1), Math.max(0, good - 1)) : "");
        if (!lesson) return [before, after, armBefore, armAfter, ...joints].forEach((e) => e.setAttribute("d", ""));
        before.setAttribute("d", path(arm.move(lesson.before.y, dt), first));
        after.setAttribute("d", path(arm.move(lesson.after.y, dt), second));
        [
          [lesson.before, armBefore, joints[0], first],
          [lesson.after, armAfter, joints[1], second],
        ].forEach(([trial, line, dots, shownTo]) => {
          const d = shownTo ? links(trial.y, Math.min(time, good - 1), dt) : { line: "", joints: "" };
          line.setAttribute("d", d.line);
          dots.setAttribute("d", d.joints);
        });
      },
    };
  };

  /** Rasters and learning signals of a lesson, over one axis of time. */
  const makeStrips = (span) => {
    const strip = (title, name, options) => {
      const plot = new snnLive.Plot({ x: [0, span], y: [-1, 129], title, height: 100, margin: [20, 14, 6, 30], label: title, ...options });
      plot.svg.classList.add(name);
      plot.cursor = plot.over.appendChild(s("line", { class: "live-cursor" }));
      return plot;
    };
    const ticks = [0, 100, 200, 300, 400, 500].filter((t) => t <= span);
    const before = strip("spikes of the learner, before", "live-of-before");
    const lsg = strip("spikes of the learning-signal generator", "live-of-lsg");
    const signals = strip("learning signals, three neurons", "live-of-signals");
    const after = strip("spikes of the learner, after one update", "live-of-after", {
      height: 132,
      margin: [20, 14, 38, 30],
      xticks: ticks,
      xlabel: "time [ms]",
    });
    const rasters = [before, lsg, after].map((plot) => plot.add("path", { class: "live-spikes" }));
    const change = signals.over.appendChild(s("text", { class: "live-change", "text-anchor": "end" }, "the weights change, once"));
    const lines = [0, 1, 2].map((k) => signals.add("path", { class: `live-line live-color-${k}` }));
    const all = [before, lsg, signals, after];
    return {
      all,
      draw(m, first, second, time) {
        const { lesson, dt } = m;
        const z = lesson && lesson.before.z ? [lesson.before.z, lesson.lsg && lesson.lsg.z, lesson.after.z] : [];
        lsg.title = lesson && !lesson.lsg ? "no learning-signal generator here" : "spikes of the learning-signal generator";
        const top =
          lesson && lesson.signals
            ? Math.max(...lesson.signals.lines.map((line) => line.reduce((most, a) => Math.max(most, Math.abs(a)), 0))) || 1
            : 1;
        signals.title =
          !lesson || !lesson.signals
            ? "learning signals"
            : `${lesson.lsg ? "learning signals" : "gradients"} of neurons ${lesson.signals.neurons.join(", ")}`;
        signals.y = [-1.1 * top, 1.1 * top];
        signals.yticks = [0];
        for (const plot of [lsg, signals]) plot.size(plot.width);
        set(change, { x: signals.inner.right - 4, y: signals.inner.top + 12 });
        rasters.forEach((path, k) => path.setAttribute("d", z[k] ? raster([before, lsg, after][k], z[k], dt) : ""));
        lines.forEach((path, k) => {
          const line = lesson && lesson.signals && lesson.signals.lines[k];
          path.setAttribute(
            "d",
            line
              ? signals.line(
                  line.map((_, t) => t * dt),
                  line,
                )
              : "",
          );
        });
        this.reveal(first, second, time, dt);
      },
      reveal(first, second, time, dt) {
        all.forEach((plot, k) => {
          plot.reveal((k < 3 ? first : second) * dt);
          plot.upright(plot.cursor, time * dt);
        });
      },
    };
  };

  /** A movement in small: a button to choose it. */
  const thumb = (m, on) => {
    const near = m.family === undefined ? { x: [-0.1, 1.05], y: [-0.15, 1] } : { x: [-0.95, 1.05], y: [-1, 1] };
    const plot = new snnLive.Plot({ ...near, height: 56, margin: [2, 2, 2, 2], label: "" });
    plot.svg.setAttribute("aria-hidden", "true");
    plot.size(56);
    for (const [name, path] of [
      ["shown", m.tip],
      ["before", arm.move(m.lesson.before.y, m.dt)],
      ["after", arm.move(m.lesson.after.y, m.dt)],
    ]) {
      plot.add("path", { class: `live-${name}`, d: plot.line(odd(path, 0), odd(path, 1)) });
    }
    const label = `${m.name}: error ${number(m.lesson.errors[1], 2)} after one update`;
    return h("button", { type: "button", class: "live-thumb", "aria-label": label, title: label, onclick: on }, plot.svg);
  };

  /** The result of a lesson in words. */
  const words = (m, data) => {
    const { errors, explained, kind, ms } = m.lesson;
    const by = {
      learned: "one update",
      other: "one update by signals of another movement",
      "e-prop": "one step of e-prop",
      BPTT: "one step of BPTT",
    }[kind];
    const usual = explained >= data.explained.low ? "as usual in the family" : "less than in 19 of 20 movements of the family";
    const share =
      explained > 0 ? `${percent(explained)} of the path's variance is explained, ${usual}` : "an arm that stands still would do better";
    return [
      h("b", { class: "live-ink-before" }, `Error ${number(errors[0], 2)} before, `),
      h("b", { class: "live-ink-after" }, `${number(errors[1], 2)} after ${by}.`),
      ` The tip is off by ${percent(Math.sqrt(2 * errors[1]))} of the arm's length; ${share}.`,
      kind === "e-prop" || kind === "BPTT" ? " The step has the size that is best for all held-out movements together." : "",
      ms ? h("small", {}, ` Computed here in ${number(ms, 2)} ms.`) : "",
    ];
  };

  /** The lines of Python that compute what is shown. */
  const python = (m, { shape, kind, size, other, seed, shown }) => {
    const points = [];
    for (let t = 0; t < m.tip.length; t += 2) points.push(`[${m.tip[t]}, ${m.tip[t + 1]}]`);
    const [own, learned] = [m.family !== undefined, kind === "learned" || kind === "other"];
    const family = (k) => `Movements(*(a[:, ${k}:${k + 1}].double() for a in training.held_out(${shown}, ${seed})[0]))`;
    const path = shape ? `arm.drawn(training.STEPS, DT)["${shape}"]` : `arm.follow(torch.tensor([${points.join(", ")}])[:, None], DT)`;
    return [
      "import torch",
      "from snncore.tasks import arm",
      own || kind === "other" ? "from snncore.tasks.arm import Movements" : "",
      learned ? "" : "from snncore.learning.ordinary import first_weights, in_force, single_steps",
      "from snncore.trainings import arm as training",
      "from snncore.trainings.arm import CODE, DT, position_error",
      own ? `m = ${family(m.family)}` : "",
      kind === "other" ? `other = ${family(other)}` : "",
      "net = training.trained(0).double()",
      "torch.set_default_dtype(torch.float64)  # as in the page",
      "training.CLOCK = clock = training.CLOCK.double()",
      own ? "" : `m = ${path}`,
      "before = net.trial(clock)",
      ...(learned
        ? [
            `signals = net.output(net.signals(clock, CODE.spikes(${kind === "other" ? "other" : "m"}.tip, DT), before))`,
            "weights = net.updated(clock, before, signals)",
          ]
        : [
            "start = first_weights(net.learner.weights(), 1)",
            `gradient, _ = training.own_gradient(net, start, m, credit=${kind === "BPTT" ? "True" : "False"})`,
            `weights = in_force(net.learner, next(single_steps(start, gradient, (${size},))))`,
          ]),
      "after = net.trial(clock, weights)",
      "print(*(position_error(net.output(trial), m).item() for trial in (before, after)))",
    ]
      .filter(Boolean)
      .join("\n");
  };

  const build = (self, data) => {
    const c = data.constants;
    const all = recorded(data);
    let [m, kind, net, stop, place] = [all[0], "learned", null, () => {}, { first: c.steps, second: c.steps, time: c.steps - 1 }];
    const other = () => (m.name === all[0].name ? 1 : 0); // whose signals are taken for another movement's

    const pad = makePad({
      begin: () => (stop(), self.host.classList.add("live-drawing")),
      drawn: (points) => (self.host.classList.remove("live-drawing"), take(points)),
      key: (text) => self.say(text),
    });
    const strips = makeStrips(c.steps * c.dt);
    const show = (first, second, time) => {
      place = { first, second, time };
      pad.draw(m, first, second, time);
      strips.reveal(first, second, time, c.dt);
      clock.set(time * c.dt);
    };
    const redraw = () => {
      strips.draw(m, place.first, place.second, place.time);
      show(place.first, place.second, place.time);
      thumbs.forEach((button, k) => button.setAttribute("aria-pressed", String(all[k].name === m.name)));
      self.refresh();
    };
    const play = () => {
      stop();
      if (!m.lesson) return;
      const n = c.steps;
      const halt = snnLive.animate(4200, (share) => {
        const [one, two] = [Math.min(1, share / 0.42), Math.max(0, (share - 0.58) / 0.42)];
        self.host.classList.toggle("live-updating", share > 0.42 && share < 0.58);
        if (share >= 1) show(n, n, n - 1);
        else if (two > 0) show(n, Math.ceil(two * n), Math.floor(two * (n - 1)));
        else show(Math.ceil(one * n), 0, Math.floor(one * (n - 1)));
      });
      stop = () => (halt(), self.host.classList.remove("live-updating"));
    };

    /** Gets the networks when a reader first touches the figure. */
    const wake = async () => {
      const weights = await snnLive.load("arm_weights");
      if (!net) {
        net = arm.network(c, weights);
        arm.lesson(net, all[0]); // the first one is slow: let it not be the reader's
      }
      return net;
    };
    const learn = async () => {
      stop();
      if (m.fault) {
        const ms = m.fault.step * c.dt;
        place = { first: 0, second: 0, time: 0 };
        redraw();
        return self.say(
          h("b", { class: "live-ink-bad" }, `The arm cannot go on after ${number(ms, 3)} ms, where the path turns red: ${m.fault.why}. `),
          "Paths begin where the arm starts, at the ring: draw a smaller one, or another way from there.",
        );
      }
      try {
        const began = m;
        const ready = await wake();
        if (began !== m) return;
        const from = performance.now();
        const lesson = arm.lesson(ready, m, { kind, other: all[other()].tip, size: data.sizes[kind] });
        lesson.ms = performance.now() - from;
        m = { ...m, lesson: { ...lesson, kind, signals: strongest(lesson.signal, ready.learner.n, c.steps) } };
        place = { first: c.steps, second: c.steps, time: c.steps - 1 };
        redraw();
        self.say(...words(m, data));
        const { bottom, height } = pad.plot.svg.getBoundingClientRect();
        if (bottom < height / 2) pad.plot.svg.scrollIntoView({ block: "nearest", behavior: snnLive.still() ? "auto" : "smooth" });
        play();
      } catch (problem) {
        self.say(`Nothing can be computed here: ${snnLive.reason(problem)}. The movements shown are those of the run.`);
      }
    };
    const take = (points) => {
      const tip = arm.drawn(points, c.steps);
      if (!tip) return (redraw(), self.say("That was too short for a movement: draw a longer path."));
      m = { name: "your movement", dt: c.dt, ...arm.follow(tip, c.dt), lesson: null };
      return learn();
    };
    const choose = (k) => {
      m = all[k];
      if (m.family === undefined) m = { ...m, ...arm.follow(arm.shape(m.name, c.steps), c.dt) };
      learn();
    };

    const thumbs = all.map((one, k) => thumb(one, () => choose(k)));
    const clock = snnLive.slider({
      label: "Time",
      min: 0,
      max: (c.steps - 1) * c.dt,
      step: c.dt,
      value: (c.steps - 1) * c.dt,
      format: (v) => `${v} ms`,
      on: (v) => (stop(), show(c.steps, c.steps, v / c.dt)),
    });
    const update = snnLive.segments({ label: "The one update is by", options: KINDS, value: kind, on: (v) => ((kind = v), learn()) });
    const family = (of) =>
      h(
        "div",
        { class: "live-row" },
        thumbs.filter((_, k) => (all[k].family !== undefined) === of),
      );

    self.panel.append(
      h(
        "p",
        { class: "live-lead" },
        h("b", {}, "Draw a movement on the pad."),
        " A network sees it once, its weights change once, and the arm repeats it.",
      ),
      h(
        "div",
        { class: "live-columns" },
        h(
          "div",
          { class: "live-pad" },
          pad.plot.svg,
          snnLive.key(["live-shown", "shown"], ["live-before", "before"], ["live-after", "after one update"]),
          h(
            "p",
            { class: "live-hint" },
            "Keys, with the pad in focus: arrows move the pen (small steps with Shift), Enter sets and lifts it.",
          ),
        ),
        h(
          "div",
          { class: "live-strips" },
          strips.all.map((plot) => plot.svg),
          h("div", { class: "live-play" }, snnLive.button("Replay", play), clock),
        ),
        self.sentence,
      ),
      h(
        "div",
        { class: "live-choose" },
        h("div", {}, h("p", { class: "live-small" }, "Movements of the family, unseen in training"), family(true)),
        h("div", {}, h("p", { class: "live-small" }, "Shapes outside of the family"), family(false)),
      ),
      update,
    );
    self.tools({
      python: () =>
        python(m, {
          shape: m.name in arm.SHAPES ? m.name : null,
          kind,
          size: data.sizes[kind],
          other: all[other()].family,
          seed: data.seed,
          shown: data.shown,
        }),
      rows: () => rows(m, c),
      data: () => ({
        movement: m.name,
        path: [...m.tip],
        update: kind,
        errors: m.lesson && m.lesson.errors,
        explained: m.lesson && m.lesson.explained,
        after: m.lesson && [...arm.move(m.lesson.after.y, c.dt)],
      }),
    });
    self.say(...words(m, data));
    for (const event of ["pointerdown", "focusin"]) self.host.addEventListener(event, () => wake().catch(() => {}), { once: true });
    self.onsize((width) => {
      const wide = width >= 600;
      const small = self.host.closest(".hero"); // the first page shows pad, sentence and shapes only
      pad.size(small ? Math.min(240, width) : wide ? Math.round(width * 0.44) : width);
      strips.all.forEach((plot) => plot.size(wide ? width - Math.round(width * 0.44) - 16 : width));
      redraw();
    });
  };

  /** The table of numbers: what the lesson gave, and both paths in ten places. */
  const rows = (m, c) => {
    const head = ["", "before", "after one update"];
    if (!m.lesson) return [head, ["error", "none: out of reach", "none: out of reach"]];
    const [before, after] = [m.lesson.before, m.lesson.after].map((trial) => arm.move(trial.y, c.dt));
    const at = (path, t) => `${fixed(path[2 * t], 3)}, ${fixed(path[2 * t + 1], 3)}`;
    const each = m.lesson.before.z ? [["spikes of the learner", m.lesson.before.z.of.length, m.lesson.after.z.of.length]] : [];
    const places = Array.from({ length: 11 }, (_, k) => Math.round((k * (c.steps - 1)) / 10));
    return [
      head,
      ["mean squared error", ...m.lesson.errors.map((e) => number(e, 4))],
      ...each,
      ...places.map((t) => [`tip at ${t * c.dt} ms (shown: ${at(m.tip, t)})`, at(before, t), at(after, t)]),
    ];
  };

  snnLive.define("arm", build);
})();
