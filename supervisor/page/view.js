// Puts a status document (schema 1 of /status) into the page. A part that is missing is left out.
import { axis, histogram, histogramInWords, lane, span } from "./charts.js";
import { attribute, children, element, fill, limit, redraw, state, svg, table } from "./dom.js";
import { ago, count, duration, groupState, milliseconds, moment, outcomeState, plural, processState, targetState,
  troubles, verdict } from "./words.js";

const at = (id) => document.getElementById(id);
const badFirst = { bad: 0, warning: 1, waiting: 2, ok: 3 };

// What is not as it should be comes first, then the order of the document.
function worstFirst(items, stateOf) {
  return items.map((item) => ({ ...item, shown: stateOf(item) }))
    .sort((one, other) => badFirst[one.shown.tone] - badFirst[other.shown.tone]);
}

function when(time, now) {
  return time ? [["time", "", ago(time, now), { datetime: time, title: `${moment(time, now)} UTC` }]] : [];
}

const address = (text) => (text ? ["span", "address", text] : ["span", "none", "none"]);

export class View {
  // `again`: asked for a redraw of the same document, since the reader wants to see something else of it.
  constructor(again) {
    this.again = again;
    at("filter").addEventListener("input", again);
  }

  // `stale`: nothing has been heard since, so what was true may be so no more.
  show(status, now, stale) {
    this.now = now;
    this.stale = stale;
    this.status = status;
    this.wanted = at("filter").value.trim().toLowerCase();
    at("verdict").hidden = at("contents").hidden = false;
    fill(at("version"), status.version ?? "");
    this.verdict();
    this.facts();
    this.groups();
    this.targets();
    this.failovers();
    this.processes();
    this.sentinels();
    const { file, loaded_at: loaded } = status.configuration ?? {};
    fill(at("configuration"), "Configuration: ", file ? ["span", "address", file] : "the environment alone",
      ...(loaded ? [", loaded ", ...when(loaded, now)] : []));
  }

  fits(...texts) {
    return !this.wanted || texts.some((text) => (text ?? "").toLowerCase().includes(this.wanted));
  }

  verdict() {
    const found = troubles(this.status);
    const { tone, word } = verdict(this.status, found);
    const shown = this.stale ? { tone: "waiting", word: `Last known: ${word}` } : { tone, word };
    attribute(at("verdict"), "class", shown.tone);
    state(at("headline"), shown);
    document.title = `${shown.word} · Valkey Reconciler`;
    children(at("troubles"), limit(found, at("troubles-more"), 10, this.again), {
      key: ({ severity, process, group, message }) => JSON.stringify([severity, process, group, message]),
      create: () => element("li", {}, element("span"), element("div", {}, element("p", { class: "where" }), element("p", { class: "message" })), element("p", { class: "since" })),
      update: (item, { severity, process, group, message, since }) => {
        const [label, text, began] = item.children;
        state(label, severity === "blocking" ? { tone: "bad", word: "blocking" } : { tone: "warning", word: "degraded" });
        fill(text.children[0], ...(process ? [["bdi", "", process]] : []), ...(group ? [", group ", ["bdi", "", group]] : []));
        fill(text.children[1], message);
        // Read out once, as the problem appears, and not each second.
        attribute(began, "aria-live", "off");
        fill(began, ...(since ? ["since ", ["time", "", moment(since, this.now), { datetime: since, title: ago(since, this.now) }]] : []));
      },
    });
  }

  facts() {
    const { groups = [], targets = [], sentinels = [], failovers = [], up_seconds: up = 0 } = this.status;
    const places = targets.flatMap((target) => target.groups ?? []);
    const share = (items, good) => (items.length > 0 ? `${count(items.filter(good).length)} of ${count(items.length)}` : "none known");
    const facts = [
      ["Groups with a primary", share(groups, (group) => group.state === "known" && group.primary)],
      ["Targets in sync", share(places, (place) => place.in_sync)],
      ["Sentinels up", share(sentinels, (sentinel) => sentinel.up)],
      ["Last failover", failovers.length > 0 ? ago(failovers[0].event_at, this.now) : "none yet"],
      ["Up for", duration(up)],
    ];
    children(at("facts"), facts, {
      key: ([name]) => name,
      create: () => element("div", {}, element("dt"), element("dd")),
      update: (fact, [name, value]) => { fill(fact.children[0], name); fill(fact.children[1], value); },
    });
  }

  groups() {
    const groups = this.status.groups ?? [];
    const filtered = worstFirst(groups.filter((group) =>
      this.fits(group.name, group.primary, ...(group.replicas ?? []).map((replica) => replica.address))), groupState);
    fill(at("filter-result"), this.wanted ? `${count(filtered.length)} of ${plural(groups.length, "group", "groups")}` : "");
    const columns = [
      ["Group", (cell, group) => fill(cell, group.name), "name"],
      ["State", (cell, group) => state(cell, group.shown), "is"],
      ["Primary", (cell, group) => fill(cell, address(group.primary)), "instance"],
      ["Replicas", (cell, group) => replicas(cell, group.replicas ?? []), "instance"],
      ["Sentinels", (cell, group) => sentinelsSay(cell, group.sentinels), "say"],
      ["Epoch", (cell, group) => fill(cell, group.epoch === null ? "" : String(group.epoch ?? "")), "number minor"],
      ["Since", (cell, group) => {
        attribute(cell, "title", group.cause ?? "");
        fill(cell, ...when(group.since, this.now));
      }, "time"],
    ];
    table(at("groups"), columns, limit(filtered, at("groups-more"), 25, this.again), (group) => group.name);
  }

  targets() {
    const targets = this.status.targets ?? [];
    const latencies = new Map((this.status.latency ?? []).map((latency) => [latency.target, latency]));
    at("targets-empty").hidden = targets.length > 0;
    children(at("targets"), targets, {
      key: (target) => target.name,
      create: () => {
        const drawing = svg("svg", { class: "histogram", "aria-hidden": "true" });
        return element("article", {},
          element("header", {}, element("h3"), element("p")),
          element("div", { class: "places" }, element("table"), element("p", { class: "more" })),
          element("figure", {}, element("figcaption"), drawing));
      },
      update: (card, target) => this.target(card, target, latencies.get(target.name)),
    });
  }

  target(card, target, latency) {
    const [head, places, figure] = card.children;
    const groups = target.groups ?? [];
    const inSync = groups.filter((place) => place.in_sync).length;
    fill(head.children[0], target.name);
    fill(head.children[1], `plugin ${target.plugin}, ${count(inSync)} of ${plural(groups.length, "group", "groups")} in sync`);
    attribute(places.children[0], "aria-label", `Groups at target ${target.name}`);
    const columns = [
      ["Group", (cell, place) => fill(cell, place.group), "name"],
      ["State", (cell, place) => {
        if (!cell.firstChild) cell.append(element("span"), element("p", { class: "reason" }));
        state(cell.children[0], place.shown);
        fill(cell.children[1], place.in_sync ? "" : place.reason ?? "");
      }, "is"],
      ["Leads to", (cell, place) => fill(cell, address(place.primary)), "instance"],
      ["Attempts", (cell, place) => fill(cell, place.outcome ? count(place.attempts ?? 0) : ""), "number minor"],
      ["Answered", (cell, place) => fill(cell, ...when(place.done_at, this.now)), "time"],
    ];
    const filtered = worstFirst(groups.filter((place) => this.fits(place.group, place.primary)), targetState);
    table(places.children[0], columns, limit(filtered, places.children[1], 10, this.again), (place) => place.group);
    figure.hidden = !latency?.buckets;
    if (figure.hidden) return;
    fill(figure.children[0], ["strong", "", "From news to confirmed write"], ` ${histogramInWords(latency)}`);
    redraw(figure.children[1], latency.buckets, () => histogram(latency));
  }

  failovers() {
    const failovers = (this.status.failovers ?? []).filter((failover) =>
      this.fits(failover.group, failover.from, failover.to));
    at("failovers-empty").hidden = (this.status.failovers ?? []).length > 0;
    children(at("failovers"), limit(failovers, at("failovers-more"), 6, this.again), {
      key: ({ group, event_at: event, era, epoch, step }) => JSON.stringify([group, event, era, epoch, step]),
      create: () => element("li", {},
        element("header", {}, element("h3"), element("p", { class: "when" })),
        element("p", { class: "switch" }), element("p", { class: "cause" }), element("ol", { class: "lanes" }),
        svg("svg", { class: "axis", "aria-hidden": "true" })),
      update: (item, failover) => this.failover(item, failover),
    });
  }

  failover(item, failover) {
    const [head, moved, cause, lanes, scale] = item.children;
    const { event_at: event, published_ms: published } = failover;
    fill(head.children[0], failover.group);
    fill(head.children[1], ["time", "", moment(event, this.now), { datetime: event }], ` (${ago(event, this.now)})`);
    if (failover.state === "suspected") fill(moved, address(failover.to), " is suspected: withdrawn from the targets");
    else fill(moved, address(failover.from), ["span", "arrow", " → "], address(failover.to));
    const settled = failover.settled ? "" : ", not settled";
    fill(cause, ["span", "", failover.cause ?? ""],
      `, epoch ${failover.epoch}${settled}${published === null ? "" : `; passed on after ${milliseconds(published)}`}`);
    const whole = span(failover);
    children(lanes, failover.targets ?? [], {
      key: (target) => target.target,
      create: () => element("li", {}, element("span", { class: "target" }), element("span", { class: "result" }),
        svg("svg", { class: "lane", "aria-hidden": "true" }), element("p", { class: "reason" })),
      update: (row, target) => {
        const [name, result, drawing, reason] = row.children;
        const shown = outcomeState(target.outcome);
        const after = target.done_ms === null ? "" : ` after ${milliseconds(target.done_ms)}`;
        const tries = target.attempts > 1 ? `, ${count(target.attempts)} attempts` : "";
        fill(name, target.target);
        state(result, { tone: shown.tone, word: `${shown.word}${after}${tries}` });
        redraw(drawing, [failover, target], () => lane(failover, target, whole));
        fill(reason, target.outcome === "applied" ? "" : target.reason ?? "");
      },
    });
    redraw(scale, whole, () => axis(whole));
  }

  processes() {
    const processes = worstFirst(this.status.processes ?? [], ({ state: word }) => processState(word));
    const columns = [
      ["Process", (cell, process) => fill(cell, process.name), "name"],
      ["Kind", (cell, process) => fill(cell, process.kind), "kind"],
      ["State", (cell, process) => state(cell, process.shown), "is"],
      ["Pid", (cell, process) => fill(cell, process.pid === null ? "" : String(process.pid)), "number minor"],
      ["Up for", (cell, process) => fill(cell, process.pid === null ? "" : duration(process.up_seconds ?? 0)), "number"],
      ["Restarts", (cell, process) => fill(cell, count(process.restarts ?? 0)), "number"],
    ];
    table(at("processes"), columns, limit(processes, at("processes-more"), 15, this.again), (process) => `${process.kind} ${process.name}`);
  }

  sentinels() {
    at("sentinels-empty").hidden = (this.status.sentinels ?? []).length > 0;
    const sentinels = worstFirst(this.status.sentinels ?? [], ({ up }) =>
      (up ? { tone: "ok", word: "up" } : { tone: "bad", word: "down" }));
    const columns = [
      ["Address", (cell, sentinel) => fill(cell, address(sentinel.address)), "name"],
      ["Set", (cell, sentinel) => fill(cell, sentinel.set), "kind"],
      ["State", (cell, sentinel) => state(cell, sentinel.shown), "is"],
    ];
    table(at("sentinels"), columns, limit(sentinels, at("sentinels-more"), 15, this.again), (sentinel) => `${sentinel.set} ${sentinel.address}`);
  }
}

function replicas(cell, all) {
  const most = 4;
  const first = [...all].sort((one, other) => one.healthy - other.healthy).slice(0, most);
  fill(cell, ...(all.length === 0 ? [["span", "none", "none"]] : []),
    ...first.flatMap(({ address: where, healthy }) => (healthy
      ? [["span", "address line", where]]
      : [["span", "address unhealthy", where], ["span", "unhealthy line", "unhealthy"]])),
    ...(all.length > most ? [["span", "line", `and ${count(all.length - most)} more`]] : []));
}

// How many name this primary, of how many that are known; and how many don't answer.
function sentinelsSay(cell, said) {
  if (!said) return fill(cell, ["span", "none", "not told"]);
  const down = said.known - said.up;
  const attributes = said.agreed_at ? { title: `agreed at ${said.agreed_at}` } : {};
  return fill(cell, ["span", said.agree < said.known ? "line few" : "line", `${said.agree} of ${said.known} agree`, attributes],
    ...(down > 0 ? [["span", "line few", `${down} down`]] : []));
}
