/** A card's Markdown as elements: headings, lists, code, bold; text is never read as HTML, and pictures are left out. */

import { of } from "./element.js";

/** A paragraph that is bold and nothing else heads what follows, below all real headings. */
const LOWEST = 7;

/** Return elements of Markdown `text`. */
export const markdown = (text) => blocks(text).map(made);

/** Return the blocks of Markdown `text`: { kind, level, lines }, without headings of which nothing is left below. */
export function blocks(text) {
  const found = [];
  let fence = null;
  const last = (kind) => (found.at(-1)?.kind === kind ? found.at(-1) : null);
  for (const line of text.split("\n")) {
    if (/^```/.test(line)) {
      if (!fence) found.push((fence = { kind: "code", lines: [] }));
      else fence = null;
    } else if (fence) fence.lines.push(line);
    else if (/^!\[/.test(line)) continue;
    else if (!line.trim()) found.push({ kind: "gap" });
    else found.push(...block(line, last("list")));
  }
  const full = found.filter(({ kind }) => kind !== "gap");
  // from the end on, so that a heading over nothing but empty headings goes too
  return full.reduceRight((kept, each) => (each.kind === "heading" && !(kept[0] && (kept[0].level ?? Infinity) > each.level) ? kept : [each, ...kept]), []);
}

function block(line, list) {
  const [, marks, title] = line.match(/^(#+) (.*)/) ?? [];
  if (marks) return [{ kind: "heading", level: marks.length, lines: [title] }];
  if (/^\*\*[^*]+\*\*$/.test(line.trim())) return [{ kind: "heading", level: LOWEST, lines: [line.trim()] }];
  const [, item] = line.match(/^[-*] (.*)/) ?? [];
  if (item === undefined) return [{ kind: "words", lines: [line] }];
  if (!list) return [{ kind: "list", lines: [item] }];
  list.lines.push(item);
  return [];
}

function made({ kind, level, lines }) {
  if (kind === "code") return of("pre", {}, of("code", {}, lines.join("\n")));
  if (kind === "list") return of("ul", {}, lines.map((line) => of("li", {}, inline(line))));
  return of(kind === "heading" && level < LOWEST ? `h${Math.min(level + 1, 4)}` : "p", {}, inline(lines[0]));
}

function inline(text) {
  return text.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map((part) => {
    if (part.startsWith("**")) return of("strong", {}, part.slice(2, -2));
    if (part.startsWith("`")) return of("code", {}, part.slice(1, -1));
    return part;
  });
}
