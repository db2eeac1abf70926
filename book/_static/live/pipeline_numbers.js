/** The numbers of the live pipeline: those of `snncore.few_spike.schedule`, simulated by events. Draws nothing. */
(() => {
  "use strict";
  const MANY = 12; // images after which the pipeline has filled

  /** Senders of layers (input included) of which each receives from the one before; a shortcut `[from, to]` adds one. */
  const chain = (layers, shortcut) => {
    const senders = Array.from({ length: layers }, (_, layer) => (layer ? [layer - 1] : []));
    if (shortcut) senders[shortcut[1]].unshift(shortcut[0]);
    return senders;
  };

  /**
   * All emissions of a network for some images in a row, each as early as it can be, if all layers have the same K.
   * @param {number[][]} senders for each layer those that it receives from; none for the input
   * @returns {{layer: number, image: number, start: number, end: number}[]}
   */
  const pipeline = (senders, K, images, two) => {
    const receivers = senders.map(() => /** @type {number[]} */ ([]));
    senders.forEach((those, layer) => those.forEach((sender) => receivers[sender].push(layer)));
    const last = receivers.flatMap((those, layer) => (those.length ? [] : [layer])); // an answer is read when all of these have sent it
    const [started, finished] = [senders.map(() => 0), senders.map(() => 0)];
    const free = two ? started : finished;
    const mayStart = (layer) => {
      const image = started[layer];
      if (finished[layer] !== image || image >= images || !senders[layer].every((sender) => finished[sender] > image)) return false;
      return receivers[layer].length ? receivers[layer].every((r) => free[r] >= image) : last.every((other) => finished[other] >= image);
    };
    const done = [];
    let now = 0;
    let running = [];
    let waiting = new Set(senders.keys()); // layers that may have something new to send
    while (Math.min(...last.map((layer) => finished[layer])) < images) {
      for (const layer of waiting) {
        waiting.delete(layer);
        if (!mayStart(layer)) continue;
        done.push({ layer, image: started[layer], start: now, end: now + K });
        running.push([now + K, layer]);
        started[layer] += 1;
        senders[layer].forEach((sender) => waiting.add(sender));
      }
      now = Math.min(...running.map(([end]) => end));
      for (const [, layer] of running.filter(([end]) => end === now)) {
        finished[layer] += 1;
        [layer, ...senders[layer], ...receivers[layer], ...(last.includes(layer) ? last : [])].forEach((other) => waiting.add(other));
      }
      running = running.filter(([end]) => end > now);
    }
    return done.sort((a, b) => a.start - b.start || a.layer - b.layer);
  };

  /** The same network with memories in its shortcuts: `senders`, and `origin`: whose spikes each layer or memory sends. */
  const withMemories = (senders) => {
    const held = { senders: /** @type {number[][]} */ ([]), origin: /** @type {number[]} */ ([]) };
    const depth = [];
    const place = new Map();
    const put = (layer, wait, inputs) => {
      place.set(`${layer} ${wait}`, held.senders.length);
      held.senders.push(inputs);
      held.origin.push(layer);
    };
    const hold = (layer, until) => {
      for (let wait = 1; wait < until - depth[layer]; wait++)
        if (!place.has(`${layer} ${wait}`)) put(layer, wait, [place.get(`${layer} ${wait - 1}`)]);
      return place.get(`${layer} ${until - depth[layer] - 1}`);
    };
    senders.forEach((those, layer) => {
      depth.push(Math.max(0, ...those.map((sender) => depth[sender] + 1)));
      put(
        layer,
        0,
        those.map((sender) => hold(sender, depth[layer])),
      );
    });
    const used = new Set(senders.flat());
    const answer = Math.max(...depth) + 1;
    senders.forEach((_, layer) => used.has(layer) || hold(layer, answer));
    return held;
  };

  /** The step at which each image has been answered. */
  const answers = (emissions) => {
    const ends = [];
    for (const { image, end } of emissions) ends[image] = Math.max(ends[image] || 0, end);
    return ends;
  };

  /** Steps until the first answer, and from one to the next once the pipeline has filled. */
  const rhythm = (senders, K, two) => {
    const times = answers(pipeline(senders, K, MANY, two));
    return { first: times[0], period: times[MANY - 1] - times[MANY - 2] };
  };

  /** Numbers that memories hold, per neuron; of a layer without a count, one neuron. */
  const numbersHeld = (senders, neurons = senders.map(() => 1)) => {
    const sum = (layers) => layers.reduce((total, layer) => total + neurons[layer], 0);
    const every = [...senders.keys()];
    return (sum(withMemories(senders).origin) - sum(every)) / sum(every.slice(1));
  };

  snnLive.pipeline = { chain, pipeline, withMemories, rhythm, numbersHeld };
})();
