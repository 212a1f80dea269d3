// What the views are made of. What comes from outside is only ever given to the DOM as text, and what
// did not change is not touched, so that a selection or the focus in it stays.

const drawn = new WeakMap();  // an element -> what it was filled with
const kept = new WeakMap();   // a parent -> its children by key

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function svg(tag, attributes = {}, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  return made;
}

// Fills `parent` with parts: strings, and [tag, class, text, more attributes]. What is missing is nothing.
export function fill(parent, ...parts) {
  redraw(parent, parts, () => parts.map((part) => {
    if (!Array.isArray(part)) return part ?? "";
    const [tag, kind, text, attributes = {}] = part;
    return element(tag, kind ? { class: kind, ...attributes } : attributes, text ?? "");
  }));
}

// Replaces what is in `parent` by what `draw` makes, where `from` isn't what it was made from the last time.
export function redraw(parent, from, draw) {
  const signature = JSON.stringify(from);
  if (drawn.get(parent) === signature) return;
  drawn.set(parent, signature);
  parent.replaceChildren(...draw());
}

export function attribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

// One child for each item, in their order; a child stays the same for as long as an item has its key.
export function children(parent, items, { key, create, update }) {
  const before = kept.get(parent) ?? new Map();
  const now = new Map();
  for (const item of items) {
    let name = key(item);
    while (now.has(name)) name += " ";
    const child = before.get(name) ?? create(item);
    update(child, item);
    now.set(name, child);
  }
  for (const [name, child] of before) if (!now.has(name)) child.remove();
  let next = parent.firstElementChild;
  for (const child of now.values()) {
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
  kept.set(parent, now);
}

// `columns`: [heading, function (cell, item), class]; the first one heads its row. The roles are there in
// words too, since a narrow page shows rows as blocks, which makes some browsers forget them.
export function table(parent, columns, items, key) {
  if (!parent.tHead) {
    const headings = columns.map(([heading, , kind = ""]) =>
      element("th", { scope: "col", role: "columnheader", class: kind }, heading));
    parent.setAttribute("role", "table");
    parent.append(
      element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...headings)),
      element("tbody", { role: "rowgroup" }));
  }
  parent.hidden = items.length === 0;
  children(parent.tBodies[0], items, {
    key,
    create: () => element("tr", { role: "row" }, ...columns.map(([heading, , kind = ""], at) => {
      const place = at === 0 ? { scope: "row", role: "rowheader" } : { role: "cell" };
      return element(at === 0 ? "th" : "td", { ...place, class: kind, "data-heading": heading });
    })),
    update: (row, item) => columns.forEach(([, show], at) => show(row.children[at], item)),
  });
}

// Shape and word, never colour alone.
export function state(parent, { tone, word }) {
  redraw(parent, [tone, word], () => {
    const icon = svg("svg", { class: "icon", "aria-hidden": "true" });
    icon.append(svg("use", { href: `#icon-${tone}` }));
    return [element("span", { class: `state ${tone}` }, icon, word)];
  });
}

// How many of `items` to show, and below them how many there are beyond these. Each click shows more.
export function limit(items, below, step, again) {
  const shown = Number(below.dataset.shown ?? step);
  const hidden = items.length - shown;
  below.hidden = hidden <= 0;
  if (hidden > 0) {
    if (!below.firstChild) {
      const button = element("button", { type: "button" }, "Show more");
      button.addEventListener("click", () => {
        below.dataset.shown = Number(below.dataset.shown ?? step) + 4 * step;
        again();
      });
      below.append(element("span"), " ", button);
    }
    fill(below.firstChild, `and ${hidden.toLocaleString("en-US")} more`);
  }
  return items.slice(0, shown);
}
