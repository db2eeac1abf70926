/**
 * The numbers of the live slow neurons: as `snncore.neurons` steps them, in doubles, and as `snncore.loihi` does, in the chip's integers.
 * Draws nothing.
 */
(() => {
  "use strict";
  const { round } = snnLive;
  const FULL = 4096; // a decay register that keeps nothing
  const STATE = 2 ** 23 - 1; // largest state
  const UNIT = 127; // the weight that reaches the threshold

  /**
   * Constants of a neuron with threshold 1, from its times [ms] and from what a spike does, in thresholds, to potential or threshold.
   * @param {"AHP" | "ALIF" | "LIF"} kind
   */
  const constants = (kind, tauM, tauSlow, jump) => {
    const [alpha, rho] = [Math.exp(-1 / tauM), Math.exp(-1 / tauSlow)];
    return { kind, tauM, tauSlow, alpha, rho, beta: kind === "AHP" ? (jump * (1 - alpha)) / (1 - rho) : jump };
  };

  /**
   * A neuron in floats: spikes, potentials, and its slow variable: AHP current a(t), or adaptation b(t), before the spike of step t.
   * @param {ArrayLike<number>} current
   * @returns {{z: Uint8Array, v: Float64Array, slow: Float64Array, closest: number}}
   */
  const floats = (current, p) => {
    const n = current.length;
    const [z, v, slow] = [new Uint8Array(n), new Float64Array(n), new Float64Array(n)];
    let [fired, now, a, closest] = [0, 0, 0, Infinity];
    for (let t = 0; t < n; t++) {
      slow[t] = a;
      if (p.kind === "AHP") now = p.alpha * now * (1 - fired) + current[t] + a;
      else if (p.kind === "LIF") now = p.alpha * now * (1 - fired) + current[t];
      else now = p.alpha * now + current[t] - fired;
      const over = now - 1 - (p.kind === "ALIF" ? p.beta * a : 0);
      closest = Math.min(closest, Math.abs(over));
      fired = over > 0 ? 1 : 0;
      if (p.kind === "AHP") a = p.rho * a - (1 - p.rho) * p.beta * fired;
      else if (p.kind === "ALIF") a = p.rho * a + fired;
      z[t] = fired;
      v[t] = now;
    }
    return { z, v, slow, closest };
  };

  /** The nearest registers of the chip; throws, in a reader's words, what it has not. */
  const registers = (p) => {
    if (p.kind === "ALIF") throw new Error("the chip has no ALIF neurons: its thresholds stay as they are");
    const decay = (keep, what) => {
      const k = round(FULL * (1 - keep));
      if (!k) throw new Error(`${what} is too long for the chip`);
      return k;
    };
    const main = { decayV: decay(p.alpha, "the membrane's time constant"), weightExp: p.kind === "AHP" ? 2 : 0 };
    const threshold = (UNIT << main.weightExp) << 6;
    if (p.kind === "LIF") return { ...main, threshold };
    const jump = (1 - p.rho) * p.beta * threshold;
    let auxExp = -6;
    while (auxExp < 7 && round(jump / 2 ** (6 + auxExp)) > 255) auxExp++;
    const auxWeight = -round(jump / 2 ** (6 + auxExp));
    if (!auxWeight) throw new Error("what a spike adds to the AHP current is less than the chip's smallest weight");
    if (auxWeight < -255) throw new Error("what a spike adds to the AHP current is more than the chip's largest weight");
    return { ...main, threshold, decayAux: decay(p.rho, "the time constant of the AHP current"), auxWeight, auxExp };
  };

  /** The float neuron that has exactly these registers' constants. */
  const inForce = (c, kind) => {
    const tau = (k) => -1 / Math.log(1 - k / FULL);
    const p = { kind, tauM: tau(c.decayV), tauSlow: kind === "AHP" ? tau(c.decayAux) : 1 };
    const [alpha, rho] = [Math.exp(-1 / p.tauM), Math.exp(-1 / p.tauSlow)];
    return { ...p, alpha, rho, beta: kind === "AHP" ? (-c.auxWeight * 2 ** (6 + c.auxExp)) / c.threshold / (c.decayAux / FULL) : 0 };
  };

  /** The chip's integers: `current` are sums of weights, whole numbers. Potentials are those after the reset. */
  const chip = (current, c) => {
    const n = current.length;
    const [z, v, slow] = [new Uint8Array(n), new Float64Array(n), new Float64Array(n)];
    const kept = (x, k) => Math.trunc((x * (FULL - k)) / FULL);
    const clipped = (x) => Math.min(STATE, Math.max(-STATE, x));
    const size = 2 * (STATE + 1);
    const wrapped = (x) => ((((x + STATE + 1) % size) + size) % size) - STATE - 1;
    const jump = c.auxWeight === undefined ? 0 : c.auxWeight * 2 ** (6 + c.auxExp);
    let [now, a, fired] = [0, 0, 0];
    for (let t = 0; t < n; t++) {
      if (jump) a = clipped(kept(a, c.decayAux) + jump * fired);
      now = clipped(kept(now, c.decayV) + wrapped(2 ** (6 + c.weightExp) * current[t]) + a);
      fired = now > c.threshold ? 1 : 0;
      if (fired) now = 0;
      z[t] = fired;
      v[t] = now;
      slow[t] = a;
    }
    return { z, v, slow };
  };

  /** A current's low-passed form, from 0 at the first step on. */
  const lowPassed = (current, rho) => {
    const y = new Float64Array(current.length);
    for (let t = 1; t < y.length; t++) y[t] = rho * y[t - 1] + (1 - rho) * current[t];
    return y;
  };

  /** Pearson's correlation of two series from a step on; NaN if one does not change. */
  const correlation = (x, y, from) => {
    const n = x.length - from;
    let [mx, my, xx, yy, xy] = [0, 0, 0, 0, 0];
    for (let t = from; t < x.length; t++) [mx, my] = [mx + x[t] / n, my + y[t] / n];
    for (let t = from; t < x.length; t++) {
      const [dx, dy] = [x[t] - mx, y[t] - my];
      [xx, yy, xy] = [xx + dx * dx, yy + dy * dy, xy + dx * dy];
    }
    return xy / Math.sqrt(xx * yy);
  };

  snnLive.memory = { UNIT, constants, floats, registers, inForce, chip, lowPassed, correlation };
})();
