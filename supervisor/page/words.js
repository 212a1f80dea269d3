// Numbers, times and states in words. Pure: no DOM, no clock.

export const count = (number) => number.toLocaleString("en-US");

export const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : many}`;

// What somebody reads who wants to know how long something lasts: two units at most.
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86400);
  const hours = Math.floor(whole / 3600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  if (days > 0) return `${count(days)} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min ${whole % 60} s`;
  return `${whole} s`;
}

// Three digits at most, for what is fast.
export function milliseconds(ms) {
  if (ms >= 60000) return duration(ms / 1000);
  if (ms >= 999.5) return `${(ms / 1000).toFixed(ms < 9995 ? 2 : 1)} s`;
  return `${ms.toFixed(ms < 99.95 ? 1 : 0)} ms`;
}

// How long ago a time was, `now` being the supervisor's own.
export function ago(time, now) {
  const seconds = Math.floor((now - Date.parse(time)) / 1000);
  if (seconds < 1) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h ago`;
  return `${count(Math.floor(seconds / 86400))} d ago`;
}

// 17:45:12, with the day where it isn't that of `now`. UTC, as the logs have it.
export function moment(time, now) {
  const text = new Date(time).toISOString();
  const today = text.slice(0, 10) === new Date(now).toISOString().slice(0, 10);
  return today ? text.slice(11, 19) : `${text.slice(0, 10)} ${text.slice(11, 19)}`;
}

// A state is a tone, which chooses shape and colour, and a word.
export function groupState({ state, settled }) {
  if (state === "unknown") return { tone: "bad", word: "unknown" };
  if (state === "suspected") return { tone: "warning", word: "suspected" };
  return settled ? { tone: "ok", word: "known" } : { tone: "warning", word: "provisional" };
}

export function targetState({ in_sync, outcome }) {
  if (in_sync) return { tone: "ok", word: "in sync" };
  return outcomeState(outcome === "applied" ? null : outcome);
}

export function outcomeState(outcome) {
  switch (outcome) {
    case "applied": return { tone: "ok", word: "confirmed" };
    case "retry": return { tone: "warning", word: "trying again" };
    case "rejected": return { tone: "bad", word: "rejected" };
    case "cancelled": return { tone: "waiting", word: "overtaken" };
    default: return { tone: "waiting", word: "waiting" };
  }
}

export function processState(state) {
  const tones = { "at work": "ok", starting: "waiting", restarting: "warning", refused: "bad" };
  return Object.hasOwn(tones, state) ? { tone: tones[state], word: state } : { tone: "waiting", word: "unknown" };
}

// What needs attention, the worst first: problems, what else keeps the program from being ready, and a
// refused reload.
export function troubles(status) {
  const problems = status.problems ?? [];
  const line = ({ process, group, message }) => `${process}${group ? `, group ${group}` : ""}: ${message}`;
  const told = new Set(problems.map(line));
  const refused = status.configuration?.refused;
  const rank = { blocking: 0, degraded: 1 };
  return [
    ...problems.map((problem) => ({
      severity: problem.severity === "blocking" ? "blocking" : "degraded",
      process: problem.process,
      group: problem.group,
      message: problem.message,
      since: problem.since,
    })),
    ...(status.in_the_way ?? []).filter((reason) => !told.has(reason))
      .map((reason) => ({ severity: "blocking", process: "", group: "", message: reason, since: null })),
    ...(refused && !problems.some((problem) => problem.message.includes(refused))
      ? [{ severity: "degraded", process: "configuration", group: "", message: `the last reload was refused: ${refused}`, since: null }]
      : []),
  ].sort((one, other) => rank[one.severity] - rank[other.severity]);
}

export function verdict(status, found) {
  const blocking = found.filter((trouble) => trouble.severity === "blocking").length;
  if (blocking > 0) return { tone: "bad", word: `Not in sync: ${plural(blocking, "thing is", "things are")} in the way` };
  if (!status.ready) return { tone: "bad", word: "Not in sync yet" };
  if ((status.groups ?? []).length === 0) return { tone: "waiting", word: "No group is configured" };
  const unsettled = status.groups.filter((group) => groupState(group).tone !== "ok").length;
  if (found.length === 0 && unsettled > 0) return { tone: "warning", word: `In sync, but ${plural(unsettled, "group is", "groups are")} not settled` };
  if (found.length > 0) return { tone: "warning", word: `In sync, but ${plural(found.length, "thing needs", "things need")} attention` };
  return { tone: "ok", word: "Everything is in sync" };
}
