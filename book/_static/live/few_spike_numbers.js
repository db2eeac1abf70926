/** The numbers of the live few-spike neuron: as `snncore.few_spike.neuron` and `.fit` compute them, in doubles. Draws nothing. */
(() => {
  "use strict";

  /** The complementary error function, to the last digits of a double: a series of positive terms, or a continued fraction. */
  const erfc = (x) => {
    if (x < 0) return 2 - erfc(-x);
    if (x > 2) {
      let f = 0;
      for (let k = 100; k > 0; k--) f = k / 2 / (x + f);
      return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + f);
    }
    let [term, sum] = [x, x];
    for (let n = 1; term > 1e-17 * sum; n++) sum += term *= (2 * x * x) / (2 * n + 1);
    return 1 - (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  };

  const FUNCTIONS = {
    silu: (x) => x / (1 + Math.exp(-x)),
    gelu: (x) => (x * erfc(-x / Math.SQRT2)) / 2,
    sigmoid: (x) => 1 / (1 + Math.exp(-x)),
    tanh: Math.tanh,
    relu: (x) => Math.max(0, x),
    hardswish: (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6,
    leaky_relu: (x) => (x < 0 ? 0.01 * x : x),
  };

  /**
   * Parameters of one neuron: thresholds, resets and outputs of its steps; whether it fires at v > T or at v >= T.
   * @typedef {{T: number[], h: number[], d: number[], strict: boolean}} Neuron
   */

  /**
   * What the neuron does with x: fire, then subtract; spikes z, potentials v before each step, and the number y that they stand for.
   * @param {number[]} [noise] what the comparison of each step sees beside v
   */
  const run = (x, p, noise) => {
    const [z, v] = [[], []];
    let [now, y] = [x, 0];
    for (let t = 0; t < p.T.length; t++) {
      const seen = noise ? now + noise[t] : now;
      const fires = (p.strict ? seen > p.T[t] : seen >= p.T[t]) ? 1 : 0;
      z.push(fires);
      v.push(now);
      now -= p.h[t] * fires;
      y += p.d[t] * fires;
    }
    return { z, v, y };
  };

  /** The trap: these numbers read as if the reset of a spike came at the start of the next step, with that step's h. */
  const shifted = (p) => ({ ...p, h: [...p.h.slice(1), 0] });

  /** To the nearest multiple of 16 / 2^bits; halves go to the even one. */
  const rounded = (p, bits) => {
    const grid = 16 / 2 ** bits;
    const round = (a) => grid * snnLive.round(a / grid);
    return { ...p, T: p.T.map(round), h: p.h.map(round), d: p.d.map(round) };
  };

  /** The cumulative distribution of inputs: `{mean, sd}` is a normal one, null the uniform one. */
  const cdf = (inputs) => (x) => erfc((inputs.mean - x) / inputs.sd / Math.SQRT2) / 2;

  /** Midpoints of n equal cells of an interval and their weights. */
  const samples = ([low, high], inputs, n) => {
    const step = (high - low) / n;
    const edge = (k) => (k === n ? high : k * step + low);
    const [x, weight] = [new Float64Array(n), new Float64Array(n).fill(1)];
    const F = inputs && cdf(inputs);
    let [below, sum] = [F && F(low), 0];
    for (let k = 0; k < n; k++) {
      x[k] = (edge(k + 1) + edge(k)) / 2;
      if (F) {
        const above = F(edge(k + 1));
        weight[k] = above - below;
        below = above;
      }
      sum += weight[k];
    }
    return { x, weight: weight.map((w) => w / sum) };
  };

  /** Normal random numbers, always the same for a seed. */
  const normal = (seed) => {
    let a = seed >>> 0;
    const uniform = () => {
      a = (a + 0x6d2b79f5) >>> 0;
      let t = Math.imul(a ^ (a >>> 15), a | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  };

  /**
   * Mean squared error and mean number of spikes over weighted inputs; with noise, one draw of it for each input and step.
   * @param {{x: Float64Array, weight: Float64Array}} of
   */
  const quality = (p, f, of, noise = 0, seed = 0) => {
    const K = p.T.length;
    const draw = normal(seed);
    let [mse, spikes] = [0, 0];
    for (let k = 0; k < of.x.length; k++) {
      let [v, y, n] = [of.x[k], 0, 0];
      for (let t = 0; t < K; t++) {
        const seen = noise ? v + noise * draw() : v;
        if (p.strict ? seen > p.T[t] : seen >= p.T[t]) {
          v -= p.h[t];
          y += p.d[t];
          n++;
        }
      }
      mse += of.weight[k] * (y - f(of.x[k])) ** 2;
      spikes += of.weight[k] * n;
    }
    return { mse, spikes };
  };

  snnLive.fewSpike = { erfc, FUNCTIONS, run, shifted, rounded, samples, normal, quality };
})();
