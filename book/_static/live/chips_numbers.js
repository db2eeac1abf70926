/** The numbers of the live chips, from what the run wrote: cores, messages, energies of events, both ends of a question. Draws nothing. */
(() => {
  "use strict";

  /** Cores in use and their number, chips, and cores by module, for a story of n sentences. */
  const used = (data, n) => {
    const of = data.modules.map(() => 0);
    const chips = new Set();
    const cores = [];
    for (let k = 0; k < data.needs.length; k++) {
      if (data.needs[k] > n) continue;
      cores.push(k);
      chips.add(data.chip[k]);
      of[data.module[k]] += 1;
    }
    return { cores, count: cores.length, chips: chips.size, of };
  };

  /** Messages from chip to chip, if each neuron fires once. */
  const messages = (data, n, relays) => data.messages[relays ? "with" : "without"][n - 1];

  /** Energy of a question's events [mJ], if neurons fire in this share of the steps in which they may; resets are not in it. */
  const eventEnergy = (data, n, rate, prices) => {
    const [none, all] = data.energy[prices].map((row) => row[n - 1]);
    return (none + rate * (all - none)) / 1000;
  };

  /** Least and most energy [mJ] of a question, for lengths that the run estimated: from the measured run, events, and what is in use. */
  const ends = (data, n, rate, prices, x86 = true) => {
    const two = data.ends[2][0].core_dynamic; // as measured
    const more = two + eventEnergy(data, n, rate, prices) - eventEnergy(data, 2, rate, prices);
    const cores = [more, Math.max((two * used(data, n).count) / used(data, 2).count, more)];
    return data.ends[n].map((end, k) => cores[k] + ((end.static_power + (x86 ? end.x86_power : 0)) * end.time) / 1000);
  };

  /** Energy of Loihi [mJ] that the talk's ratio implies, if a GPU needed the same for all lengths. */
  const implied = (data, n) => data.gpu / data.ratios[data.lengths.indexOf(n)];

  snnLive.chips = { used, messages, eventEnergy, ends, implied };
})();
