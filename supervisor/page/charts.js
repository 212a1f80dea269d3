// The drawings. All x are percentages, so that they fit whatever width there is; what they say is beside
// them as text, too.
import { svg } from "./dom.js";
import { count, milliseconds } from "./words.js";

const percent = (share) => `${(100 * share).toFixed(3)}%`;

// The time that is as wide as the drawing: a little more than all that happened in a failover.
export function span(failover) {
  const ends = (failover.targets ?? []).map((target) => target.done_ms ?? 0);
  return 1.02 * Math.max(failover.published_ms ?? 0, ...ends, 1);
}

// A target's lane: news, passed on, confirmed. What the target is still at goes on, dashed. A quick target
// may be done before the topology has been passed on to all of them.
export function lane(failover, target, whole) {
  const ended = target.done_ms !== null;
  const heard = Math.min(failover.published_ms ?? 0, target.done_ms ?? Infinity) / whole;
  const goesOn = !ended && [null, "retry"].includes(target.outcome);
  const until = ended ? target.done_ms / whole : goesOn ? 1 : heard;
  const parts = [
    svg("line", { class: "rail", x1: "0%", x2: "100%", y1: 7, y2: 7 }),
    svg("line", { class: "heard", x1: "0%", x2: percent(heard), y1: 7, y2: 7 }),
    svg("line", {
      class: ended ? "written" : "open", x1: percent(heard), x2: percent(until), y1: 7, y2: 7,
    }),
    svg("line", { class: "passed", x1: percent(heard), x2: percent(heard), y1: 2, y2: 12 }),
    svg("circle", { class: "news", cx: "0%", cy: 7, r: 3.5 }),
  ];
  if (ended) parts.push(svg("circle", { class: `end ${target.outcome}`, cx: percent(until), cy: 7, r: 5 }));
  return parts;
}

// Steps of 1, 2 or 5, at most five of them.
export function ticks(whole) {
  const power = 10 ** Math.floor(Math.log10(whole / 5));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((length) => whole / length <= 5);
  return Array.from({ length: Math.floor(whole / step) + 1 }, (_, at) => Number((at * step).toPrecision(3)));
}

export function axis(whole) {
  return ticks(whole).flatMap((ms) => {
    const at = percent(ms / whole);
    const anchor = ms === 0 ? "start" : ms / whole > 0.93 ? "end" : "middle";
    const label = ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`;
    return [
      svg("line", { class: "tick", x1: at, x2: at, y1: 0, y2: 4 }),
      svg("text", { x: at, y: 15, "text-anchor": anchor }, ms === 0 ? "0" : label),
    ];
  });
}

// How many there are in each bucket: /status has them cumulative, as Prometheus does.
export function shares({ buckets }) {
  return buckets.map(({ le, count: below }, at) => ({ le, count: below - (at > 0 ? buckets[at - 1].count : 0) }));
}

// The bound below which that share of all lies; null: beyond the last bound, or there is nothing yet.
export function within({ buckets, count: all }, share) {
  return all > 0 ? buckets.find((bucket) => bucket.count >= share * all)?.le ?? null : null;
}

export function histogram(latency) {
  const bars = shares(latency);
  const most = Math.max(...bars.map((bar) => bar.count), 1);
  const width = 1 / bars.length;
  const top = 14;
  const floor = 78;
  return [
    svg("line", { class: "tick", x1: "0%", x2: "100%", y1: floor + 0.5, y2: floor + 0.5 }),
    ...bars.flatMap((bar, at) => {
      const height = bar.count > 0 ? Math.max(2, (floor - top) * bar.count / most) : 0;
      const middle = percent((at + 0.5) * width);
      const parts = [svg("rect", {
        class: "bar", x: percent((at + 0.12) * width), width: percent(0.76 * width), y: floor - height, height,
      })];
      if (bar.count > 0) parts.push(svg("text", { class: "number", x: middle, y: floor - height - 4, "text-anchor": "middle" }, short(bar.count)));
      if (bar.le !== null) parts.push(svg("text", { x: percent((at + 1) * width), y: floor + 14, "text-anchor": "middle" }, bound(bar.le)));
      return parts;
    }),
    ...unit("milliseconds", bars, (le) => le < 1, floor + 28),
    ...unit("seconds", bars, (le) => le >= 1, floor + 28),
  ];
}

const bound = (seconds) => String(seconds < 1 ? Math.round(1000 * seconds) : seconds);

// One name below the bounds of a unit, in their middle.
function unit(name, bars, isOf, y) {
  const places = bars.flatMap((bar, at) => (bar.le !== null && isOf(bar.le) ? [at + 1] : []));
  if (places.length === 0) return [];
  const middle = (places[0] + places.at(-1)) / 2 / bars.length;
  return [svg("text", { x: percent(middle), y, "text-anchor": "middle" }, name)];
}

const short = (number) => (number < 10000 ? String(number) : `${Math.floor(number / 1000)}k`);

export function histogramInWords(latency) {
  if (latency.count === 0) return "no change yet";
  const part = (share, name) => {
    const le = within(latency, share);
    return le === null ? `${name} beyond the last bound` : `${name} within ${le < 1 ? `${Math.round(1000 * le)} ms` : `${le} s`}`;
  };
  const mean = milliseconds(1000 * latency.sum_seconds / latency.count);
  return `${count(latency.count)} ${latency.count === 1 ? "change" : "changes"}: ${part(0.5, "half")}, ${part(0.95, "95 %")}, mean ${mean}`;
}
