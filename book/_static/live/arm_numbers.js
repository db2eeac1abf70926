/**
 * The numbers of the live arm: a lesson, as `snncore.learning.one_shot` and `snncore.tasks.arm` compute it, in doubles. Draws nothing.
 *
 * A spike adds a column of weights, and nothing else is multiplied by zeros; sums over time run backward once. So a lesson takes a few
 * milliseconds. Arrays of times and neurons are flat: number t * neurons + j.
 */
(() => {
  "use strict";
  const LINK = 0.5;
  const START = [0, Math.PI / 2];
  const RANGE = Math.PI / 2;
  const FASTEST = 60; // rad/s
  const BEGIN = [LINK * (Math.cos(START[0]) + Math.cos(START[0] + START[1])), LINK * (Math.sin(START[0]) + Math.sin(START[0] + START[1]))];

  // ------------------------------------------------------------------ movements

  /** Angles of both joints over time from angular velocities [rad/s]; flat, two a step. */
  const angles = (omega, dt) => {
    const phi = new Float64Array(omega.length);
    const sum = [0, 0];
    for (let t = 0; t < omega.length; t++) phi[t] = START[t % 2] + ((sum[t % 2] += omega[t]) * dt) / 1000;
    return phi;
  };

  /** Where the tip is at angles; flat, x and y of each step. */
  const tips = (phi) => {
    const tip = new Float64Array(phi.length);
    for (let t = 0; t < phi.length; t += 2) {
      const both = phi[t] + phi[t + 1];
      tip[t] = LINK * (Math.cos(phi[t]) + Math.cos(both));
      tip[t + 1] = LINK * (Math.sin(phi[t]) + Math.sin(both));
    }
    return tip;
  };

  /** Where the tip goes if the joints turn by omega. */
  const move = (omega, dt) => tips(angles(omega, dt));

  /**
   * The movement along a path, by inverse kinematics, elbow to the left; with the first step that the arm cannot make, and why.
   * @param {Float64Array} tip flat path, x and y of each step
   * @returns {{tip: Float64Array, omega: Float64Array, fault: null | {step: number, why: string}}}
   */
  const follow = (tip, dt) => {
    const steps = tip.length / 2;
    const omega = new Float64Array(2 * steps);
    const limit = RANGE + 2 * Math.sqrt(Number.EPSILON);
    let fault = null;
    let last = [0, 0];
    for (let t = 0; t < steps && !fault; t++) {
      const [x, y] = [tip[2 * t], tip[2 * t + 1]];
      const distance = Math.sqrt(x * x + y * y);
      const second = Math.acos(Math.min(1, Math.max(-1, (distance * distance) / (2 * LINK * LINK) - 1)));
      const turned = [Math.atan2(y, x) - second / 2 - START[0], second - START[1]];
      for (const k of [0, 1]) omega[2 * t + k] = (turned[k] - last[k]) / (dt / 1000);
      if (!Number.isFinite(distance)) fault = { step: t, why: "a point is not a number" };
      else if (distance > 2 * LINK) fault = { step: t, why: "the arm is too short: it ends 1 from its shoulder" };
      else if (turned.some((a) => Math.abs(a) > limit))
        fault = { step: t, why: "a joint would have to turn by more than a right angle from its start" };
      else if (Math.abs(omega[2 * t]) > FASTEST || Math.abs(omega[2 * t + 1]) > FASTEST) {
        fault = { step: t, why: `a joint would have to turn faster than ${FASTEST} radians a second, as it does near the shoulder` };
      }
      last = turned;
    }
    return { tip, omega, fault };
  };

  /** The drawn paths of the chapter, in the same order; each begins where the arm starts. */
  const SHAPES = {
    circle: (s) => [0.2 * (Math.cos(2 * Math.PI * s) - 1), 0.2 * Math.sin(2 * Math.PI * s)],
    eight: (s) => [0.25 * Math.sin(2 * Math.PI * s), 0.15 * Math.sin(4 * Math.PI * s)],
    "letter S": (s) => [-0.15 * Math.sin(3 * Math.PI * s), -0.5 * s],
    spiral: (s) => [0.2 * s * Math.cos(4 * Math.PI * s), 0.2 * s * Math.sin(4 * Math.PI * s)],
  };
  const shape = (name, steps) => {
    const tip = new Float64Array(2 * steps);
    for (let t = 0; t < steps; t++) SHAPES[name](t / (steps - 1)).forEach((a, k) => (tip[2 * t + k] = BEGIN[k] + a));
    return tip;
  };

  /**
   * A path drawn by hand as a movement's path: at constant speed, smoothed over a few steps, moved to where the arm starts, in units of
   * 0.00001, so that the numbers that a reader copies are these. Null if it is too short.
   * @param {number[][]} points
   */
  const drawn = (points, steps) => {
    const along = [0];
    for (let k = 1; k < points.length; k++)
      along.push(along[k - 1] + Math.hypot(points[k][0] - points[k - 1][0], points[k][1] - points[k - 1][1]));
    const length = along[along.length - 1];
    if (!(length > 0.1)) return null;
    const even = [];
    for (let t = 0, k = 1; t < steps; t++) {
      const at = (length * t) / (steps - 1);
      while (k < points.length - 1 && along[k] < at) k++;
      const share = along[k] > along[k - 1] ? Math.min(1, (at - along[k - 1]) / (along[k] - along[k - 1])) : 0;
      even.push([0, 1].map((c) => points[k - 1][c] + share * (points[k][c] - points[k - 1][c])));
    }
    const tip = new Float64Array(2 * steps);
    for (let t = 0; t < steps; t++) {
      const reach = Math.min(18, t, steps - 1 - t); // the ends stay
      for (const c of [0, 1]) {
        let [sum, weight] = [0, 0];
        for (let k = -reach; k <= reach; k++) {
          const w = Math.exp(-(k * k) / 72);
          sum += w * even[t + k][c];
          weight += w;
        }
        tip[2 * t + c] = sum / weight - even[0][c] + BEGIN[c];
      }
    }
    return tip.map((a) => Math.round(1e5 * a) / 1e5);
  };

  /** Mean squared distance along x and y. */
  const positionError = (path, tip) => path.reduce((sum, a, k) => sum + (a - tip[k]) ** 2, 0) / tip.length;

  /** The path's variance in time, mean over x and y. */
  const variance = (tip) => {
    const n = tip.length / 2;
    let total = 0;
    for (const c of [0, 1]) {
      let mean = 0;
      for (let t = 0; t < n; t++) mean += tip[2 * t + c] / n;
      for (let t = 0; t < n; t++) total += (tip[2 * t + c] - mean) ** 2 / n;
    }
    return total / 2;
  };

  // ------------------------------------------------------------------ spikes

  /**
   * Spikes as lists: those of step t are `of[from[t]] ... of[from[t + 1] - 1]`.
   * @typedef {{of: Int32Array, from: Int32Array}} Spikes
   */
  const listed = (each, steps) => {
    const of = [];
    const from = new Int32Array(steps + 1);
    for (let t = 0; t < steps; t++) {
      each(t, of);
      from[t + 1] = of.length;
    }
    return { of: Int32Array.from(of), from };
  };

  /** Spikes that tell the time: in each of five phases two inputs of its own fire once every 10 ms. */
  const clock = (steps, dt) => {
    const [length, every] = [Math.floor(steps / 5), Math.max(1, Math.round(10 / dt))];
    return listed((t, of) => {
      const phase = Math.floor(t / length);
      if (phase < 5 && (t - phase * length) % every === 0) of.push(2 * phase, 2 * phase + 1);
    }, steps);
  };

  /** The population code of a path: neurons for x, then for y, that fire whenever the integral of their rate passes a whole number. */
  const encoded = (tip, c) => {
    const [n, steps] = [c.code_neurons, tip.length / 2];
    const gap = 2.2 / (n - 1);
    const centers = Array.from({ length: n }, (_, k) => (k < n / 2 ? -1.1 + gap * k : 1.1 - gap * (n - 1 - k)));
    const sums = Float64Array.from({ length: 2 * n }, (_, k) => ((k * (Math.sqrt(5) - 1)) / 2) % 1);
    const whole = new Float64Array(2 * n);
    return listed((t, of) => {
      for (let k = 0; k < 2 * n; k++) {
        const off = tip[2 * t + (k < n ? 0 : 1)] - centers[k % n];
        sums[k] += ((c.code_highest * c.dt) / 1000) * Math.exp(-(off * off) / (2 * c.code_sigma ** 2));
        const now = Math.floor(sums[k]);
        for (let spike = whole[k]; spike < now; spike++) of.push(k);
        whole[k] = now;
      }
    }, steps);
  };

  /** Several inputs side by side, as one of so many neurons each. */
  const joined = (parts, sizes, steps) =>
    listed((t, of) => {
      let first = 0;
      parts.forEach((part, k) => {
        for (let i = part.from[t]; i < part.from[t + 1]; i++) of.push(first + part.of[i]);
        first += sizes[k];
      });
    }, steps);

  // ------------------------------------------------------------------ networks

  /** Weights (post, pre) as columns, one after the other: what a spike of `pre` adds to all. */
  const columns = (w, post) => {
    const pre = w.length / post;
    const c = new Float64Array(w.length);
    for (let j = 0; j < post; j++) for (let i = 0; i < pre; i++) c[i * post + j] = w[j * pre + i];
    return c;
  };

  /**
   * Learner and learning-signal generator from what the run wrote.
   * @param {any} c constants
   * @param {any} data arrays by their names in the checkpoint
   */
  const network = (c, data) => {
    const part = (name) => {
      const [wIn, wRec, wOut] = ["w_in", "w_rec", "w_out"].map((key) => snnLive.decode(data[`${name}.${key}`]));
      const n = Math.sqrt(wRec.length);
      for (let j = 0; j < n; j++) wRec[j * n + j] = 0; // no neuron is connected to itself
      return { n, wIn: columns(wIn, n), wRec: columns(wRec, n), wOut: columns(wOut, wOut.length / n), outputs: wOut.length / n };
    };
    const decay = (tau) => Math.exp(-c.dt / tau);
    return { c, learner: part("learner"), lsg: part("lsg"), alpha: decay(c.tau_m), kappa: decay(c.tau_out), clock: clock(c.steps, c.dt) };
  };

  /** What a network of LIF neurons does with spikes; `y` are its outputs, in which a spike counts 1 at first. */
  const run = (net, part, x) => {
    const { steps, v_th: threshold, n_refractory: refractory } = net.c;
    const { n, wIn, wRec, wOut, outputs } = part;
    const [v, y] = [new Float64Array(steps * n), new Float64Array(steps * outputs)];
    const [current, wait] = [new Float64Array(n), new Int32Array(n)];
    let [last, closest] = [[], Infinity];
    const z = listed((t, of) => {
      current.fill(0);
      for (let i = x.from[t]; i < x.from[t + 1]; i++) for (let j = 0, c = x.of[i] * n; j < n; j++, c++) current[j] += wIn[c];
      for (const i of last) for (let j = 0, c = i * n; j < n; j++, c++) current[j] += wRec[c];
      const [now, before] = [t * n, (t - 1) * n];
      for (let j = 0; j < n; j++) v[now + j] = (t ? net.alpha * v[before + j] : 0) + current[j];
      for (const i of last) v[now + i] -= threshold;
      const fired = [];
      for (let j = 0; j < n; j++) {
        if (wait[j] > 0) wait[j]--;
        else {
          closest = Math.min(closest, Math.abs(v[now + j] - threshold));
          if (v[now + j] > threshold) {
            fired.push(j);
            wait[j] = refractory;
          }
        }
      }
      for (let k = 0; k < outputs; k++) {
        let sum = 0;
        for (const i of fired) sum += wOut[i * outputs + k];
        y[t * outputs + k] = (t ? net.kappa * y[(t - 1) * outputs + k] : 0) + sum;
      }
      of.push(...fired);
      last = fired;
    }, steps);
    return { z, v, y, closest };
  };

  /** Pseudo-derivatives: how near neurons are to their threshold; 0 in the refractory steps. */
  const psi = (net, { z, v }, n) => {
    const { steps, v_th: threshold, n_refractory: refractory, dampening } = net.c;
    const p = v.map((a) => (dampening * Math.max(0, 1 - Math.abs(a / threshold - 1))) / threshold);
    for (let t = 0; t < steps; t++) {
      for (let i = z.from[t]; i < z.from[t + 1]; i++) for (let k = 1; k <= refractory && t + k < steps; k++) p[(t + k) * n + z.of[i]] = 0;
    }
    return p;
  };

  /** For each input, the sum over its spikes of what `q` (a row of n a step) is then; `late` steps later for spikes of neurons. */
  const gathered = (x, q, n, inputs, late) => {
    const w = new Float64Array(inputs * n);
    const steps = q.length / n;
    for (let t = 0; t + late < steps; t++) {
      for (let i = x.from[t]; i < x.from[t + 1]; i++)
        for (let j = 0, c = x.of[i] * n, at = (t + late) * n; j < n; j++, c++, at++) w[c] += q[at];
    }
    return w;
  };

  /** The learner with other weights: w - size * (what is given), none of a neuron to itself. */
  const stepped = (part, inward, recurrent, size) => {
    const wIn = part.wIn.map((w, k) => w - size * inward[k]);
    const wRec = part.wRec.map((w, k) => w - size * recurrent[k]);
    for (let j = 0; j < part.n; j++) wRec[j * part.n + j] = 0;
    return { ...part, wIn, wRec };
  };

  /** The learner after the one update: sums over time of learning signal, pseudo-derivative and filtered spikes. */
  const updated = (net, before, signal) => {
    const { n } = net.learner;
    const q = psi(net, before, n).map((p, k) => p * signal[k]);
    for (let k = q.length - n - 1; k >= 0; k--) q[k] += net.alpha * q[k + n]; // a spike counts, decayed, at all steps after it
    const inward = gathered(net.clock, q, n, net.learner.wIn.length / n, 0);
    return stepped(net.learner, inward, gathered(before.z, q, n, n, 1), net.c.eta);
  };

  /** dE/dz of each neuron and step, and dE/dv behind it, of the loss by which movements are judged; `credit`: through recurrent weights. */
  const gradient = (net, before, m, credit) => {
    const { steps, dt, velocity, position } = net.c;
    const { n, wOut, wRec } = net.learner;
    const phi = angles(before.y, dt);
    const path = tips(phi);
    const dy = new Float64Array(2 * steps);
    const turn = [0, 0]; // what later positions say of all turns before them
    for (let t = steps - 1, k = 2 * t; t >= 0; t--, k -= 2) {
      const [gx, gy] = [path[k] - m.tip[k], path[k + 1] - m.tip[k + 1]].map((off) => (position * off) / (2 * steps));
      const both = phi[k] + phi[k + 1];
      const second = LINK * (-gx * Math.sin(both) + gy * Math.cos(both));
      turn[0] += LINK * (-gx * Math.sin(phi[k]) + gy * Math.cos(phi[k])) + second;
      turn[1] += second;
      for (const c of [0, 1]) {
        const own = (velocity * (before.y[k + c] - m.omega[k + c])) / (2 * steps) + (turn[c] * dt) / 1000;
        dy[k + c] = own + (t + 1 < steps ? net.kappa * dy[k + 2 + c] : 0);
      }
    }
    const p = psi(net, before, n);
    const [dz, dv] = [new Float64Array(steps * n), new Float64Array(steps * n)];
    for (let t = steps - 1; t >= 0; t--) {
      const [now, next] = [t * n, (t + 1) * n];
      for (let j = 0; j < n; j++) {
        let sum = wOut[2 * j] * dy[2 * t] + wOut[2 * j + 1] * dy[2 * t + 1];
        if (credit && t + 1 < steps) for (let i = 0, c = j * n; i < n; i++, c++) sum += wRec[c] * dv[next + i];
        dz[now + j] = sum;
        dv[now + j] = sum * p[now + j] + (t + 1 < steps ? net.alpha * dv[next + j] : 0);
      }
    }
    return { dz, dv };
  };

  /** Standard deviation, as torch's. */
  const deviation = (w) => {
    const mean = w.reduce((sum, a) => sum + a, 0) / w.length;
    return Math.sqrt(w.reduce((sum, a) => sum + (a - mean) ** 2, 0) / (w.length - 1));
  };

  /** The learner after one step against the gradient, of a size relative to its recurrent weights. */
  const descended = (net, before, dv, size) => {
    const { n, wRec, wIn } = net.learner;
    const [inward, recurrent] = [gathered(net.clock, dv, n, wIn.length / n, 0), gathered(before.z, dv, n, n, 1)];
    for (let j = 0; j < n; j++) recurrent[j * n + j] = 0;
    return stepped(net.learner, inward, recurrent, (size * deviation(wRec)) / deviation(recurrent));
  };

  /** The learning-signal generator, which sees a path, what the learner did, and the clock. */
  const generated = (net, before, tip) => {
    const { code_neurons: code, steps } = net.c;
    return run(net, net.lsg, joined([encoded(tip, net.c), before.z, net.clock], [2 * code, net.learner.n, 10], steps));
  };

  /**
   * One lesson: a trial, one update, a trial.
   * @param {any} net of `network`
   * @param {{tip: Float64Array, omega: Float64Array}} m the movement
   * @param {{kind?: "learned" | "other" | "e-prop" | "BPTT", other?: Float64Array, size?: number}} by what the update is by: learned
   *   signals, those of another path, one step against a gradient
   */
  const lesson = (net, m, { kind = "learned", other, size } = {}) => {
    const before = (net.before ||= run(net, net.learner, net.clock)); // the same for all movements
    let [lsg, signal, learner] = [null, null, null];
    if (kind === "learned" || kind === "other") {
      lsg = generated(net, before, kind === "other" ? other : m.tip);
      signal = lsg.y;
      learner = updated(net, before, signal);
    } else {
      const { dz, dv } = gradient(net, before, m, kind === "BPTT");
      signal = dz;
      learner = descended(net, before, dv, size);
    }
    const after = run(net, learner, net.clock);
    const errors = [before, after].map((trial) => positionError(move(trial.y, net.c.dt), m.tip));
    return { before, lsg, signal, learner, after, errors, explained: 1 - errors[1] / variance(m.tip) };
  };

  snnLive.arm = { angles, tips, move, follow, shape, drawn, network, lesson, SHAPES, BEGIN };
})();
