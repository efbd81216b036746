/** A card's Markdown as elements: headings, lists, tables, bold and code; text is never read as HTML. */

import { of } from "./element.js";

/** Return elements of Markdown `text`. */
export function markdown(text) {
  const found = [];
  let list = null;
  for (const line of text.split("\n")) {
    const heading = line.match(/^(#+) (.*)/);
    const item = line.match(/^[-*] (.*)/);
    if (item) {
      if (!list) found.push((list = of("ul")));
      list.append(of("li", {}, inline(item[1])));
      continue;
    }
    list = null;
    if (heading) found.push(of(`h${Math.min(heading[1].length + 1, 4)}`, {}, inline(heading[2])));
    else if (line.trim()) found.push(of("p", {}, inline(line)));
  }
  return found;
}

function inline(text) {
  return text.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map((part) => {
    if (part.startsWith("**")) return of("strong", {}, part.slice(2, -2));
    if (part.startsWith("`")) return of("code", {}, part.slice(1, -1));
    return part;
  });
}
