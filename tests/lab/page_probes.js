// What tests/process/test_page.py asks a page about all that is to be seen in it.
({
  // Texts with too little contrast to their ground, as WCAG 2.2 AA counts it.
  faint() {
    const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
    const luminance = ([red, green, blue]) => [red, green, blue]
      .map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
      .reduce((sum, value, at) => sum + value * [0.2126, 0.7152, 0.0722][at], 0);
    const ground = (node) => {
      for (let at = node; at; at = at.parentElement) {
        const colour = channels(getComputedStyle(at).backgroundColor);
        if (colour.length === 3 || colour[3] === 1) return colour;
      }
      return [255, 255, 255];
    };
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode.parentElement;
      if (!walker.currentNode.data.trim() || !node.checkVisibility()) continue;
      const style = getComputedStyle(node);
      const text = luminance(channels(node.closest("svg") ? style.fill : style.color));
      const behind = luminance(ground(node));
      const contrast = (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05);
      const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
      if (contrast < (large ? 3 : 4.5)) found.push(`${contrast.toFixed(2)}: ${walker.currentNode.data.trim()}`);
    }
    return found;
  },

  // Elements that stick out of the window at its right.
  wide() {
    return [...document.body.querySelectorAll("*")]
      .filter((node) => node.checkVisibility() && !node.closest("svg, thead") && node.getBoundingClientRect().right > innerWidth + 0.5)
      .map((node) => `${node.tagName} ${node.className} ${node.textContent.slice(0, 60)}`);
  },

  // Levels of headings, in order.
  headings() {
    return [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
      .filter((node) => node.checkVisibility()).map((node) => Number(node.tagName[1]));
  },

  // Tables without a heading for each cell of a row, or without a name.
  headless() {
    return [...document.querySelectorAll("table")].filter((table) => {
      const columns = table.querySelectorAll('thead th[scope="col"]').length;
      const named = table.ariaLabel || document.getElementById(table.getAttribute("aria-labelledby"))?.textContent;
      return !named || [...table.tBodies[0].rows].some((row) =>
        row.children.length !== columns || row.children[0].scope !== "row");
    }).map((table) => table.outerHTML.slice(0, 200));
  },
})
