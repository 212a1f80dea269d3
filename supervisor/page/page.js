// Asks for /status each second while somebody looks, less often while nobody answers, and says so.
import { attribute, fill } from "./dom.js";
import { View } from "./view.js";
import { duration, moment } from "./words.js";

const schema = 1;
const everyMs = 1000;
const longestPauseMs = 30000;
const patienceMs = 5000;

const at = (id) => document.getElementById(id);

let newest = null;       // the newest document, and when it came, by this machine's steady clock
let failures = 0;        // in a row
let staleSince = null;   // in the supervisor's time, as far as it is known
let nextAt = 0;
let timer = 0;
let asking = null;       // aborts the question under way

const view = new View(() => draw());

// The supervisor's clock, since that of this machine may be wrong.
const now = () => (newest ? Date.parse(newest.status.now) + performance.now() - newest.came : Date.now());

async function ask() {
  asking = new AbortController();
  const impatience = setTimeout(() => asking?.abort(), patienceMs);
  try {
    const answer = await fetch("status", { signal: asking.signal, cache: "no-store" });
    if (!answer.ok) throw new Refusal(`answers with status ${answer.status}`);
    const status = await answer.json();
    if (status.schema !== schema) throw new Refusal(`speaks schema ${status.schema}; reload this page`);
    return status;
  } finally {
    clearTimeout(impatience);
    asking = null;
  }
}

class Refusal extends Error {}

async function poll() {
  clearTimeout(timer);
  if (asking || document.hidden) return;
  const begun = performance.now();
  let why = null;
  try {
    const status = await ask();
    newest = { status, came: performance.now() };
    failures = 0;
    staleSince = null;
  } catch (error) {
    if (document.hidden) return;
    failures += 1;
    why = error instanceof Refusal ? error.message : "does not answer";
    staleSince ??= newest ? Date.parse(newest.status.now) : null;
  }
  try {
    draw();
  } catch (error) {
    // It has come, and half of it may be shown; what does not fit is for whoever mends this page.
    console.error(error);
    staleSince ??= Date.parse(newest.status.now);
    why ??= "told what this page can't show (the browser's console has more)";
  }
  // A document of a thousand groups takes its time: leave most of it to others.
  const took = performance.now() - begun;
  const pause = failures > 0 ? Math.min(longestPauseMs, everyMs * 2 ** (failures - 1)) : Math.max(everyMs, 4 * took);
  nextAt = performance.now() + pause;
  tellFreshness(why);
  tick();
  timer = setTimeout(poll, pause);
}

function draw() {
  if (newest) view.show(newest.status, now(), failures > 0);
}

function tellFreshness(why) {
  const stale = why !== null;
  attribute(document.body, "class", stale ? "stale" : "fresh");
  at("stale").hidden = !stale;
  if (!stale) {
    fill(at("stale-text"));
    return;
  }
  const since = newest ? `${moment(staleSince, now())} UTC` : "this page was opened";
  fill(at("stale-text"), `No news since ${since}: the supervisor ${why}.${newest ? " What is shown here is from then." : ""}`);
}

// Once a second; outside of what is read out.
function tick() {
  if (document.hidden) return;
  if (newest) {
    const live = failures === 0 && performance.now() < nextAt + patienceMs;
    fill(at("updated"), live ? "live" : `${duration((performance.now() - newest.came) / 1000)} old`);
  }
  if (failures > 0) {
    const left = Math.ceil((nextAt - performance.now()) / 1000);
    fill(at("stale-countdown"), left > 0 ? `Asking again in ${duration(left)}.` : "Asking …");
  }
}

at("stale-retry").addEventListener("click", poll);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    clearTimeout(timer);
    asking?.abort();
  } else {
    poll();
  }
});
setInterval(tick, 1000);
poll();
