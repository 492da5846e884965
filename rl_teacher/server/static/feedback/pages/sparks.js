// @ts-check
/** Sparklines: <svg class="spark" data-points="[[step, value], ...]"> gets its line. */

for (const svg of document.querySelectorAll("svg.spark")) {
  const points = parse(/** @type {SVGElement} */ (svg).dataset.points ?? "");
  if (points.length < 2) continue;
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [left, width] = [Math.min(...xs), Math.max(...xs) - Math.min(...xs) || 1];
  const [low, height] = [Math.min(...ys), Math.max(...ys) - Math.min(...ys) || 1];
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  const place = (/** @type {number[]} */ [x, y]) => `${((x - left) / width) * 100},${28 - ((y - low) / height) * 26}`;
  line.setAttribute("points", points.map(place).join(" "));
  svg.append(line);
}

/** Lists or tuples as Python prints them. @param {string} text @returns {number[][]} */
function parse(text) {
  try {
    return JSON.parse(text.replaceAll("(", "[").replaceAll(")", "]")).filter((/** @type {number[]} */ pair) => pair.every(Number.isFinite));
  } catch {
    return [];
  }
}
