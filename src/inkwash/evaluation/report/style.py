"""How a page looks: ink on the paper of the pictures, chalk on slate by night, one column on a phone."""

from __future__ import annotations

from inkwash.viz.style import BACKGROUND, COLOURS, FOREGROUND, MUTED

GOOD, FAIR, POOR = COLOURS[2], COLOURS[3], COLOURS[1]

# by night, pictures in ink are inverted by nine tenths: the slate is what paper becomes by that, so that no edge shows
STYLE = f""":root {{
  color-scheme: light dark;
  --paper: {BACKGROUND}; --ink: {FOREGROUND}; --quiet: #666; --line: #ddd;
}}
@media (prefers-color-scheme: dark) {{
  :root {{ --paper: #1d1d1d; --ink: #dedede; --quiet: #9a9a9a; --line: #3a3a3a; }}
  .plot img {{ filter: invert(0.9) hue-rotate(180deg); }}
}}
* {{ box-sizing: border-box; }}
body {{
  margin: 0; padding: 2.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif; -webkit-text-size-adjust: 100%;
}}
main {{ max-width: 60rem; margin: 0 auto; }}
h1 {{ margin: 0; font-size: 1.7rem; line-height: 1.25; font-weight: 600; overflow-wrap: anywhere; }}
h2 {{ margin: 0 0 0.6rem; font-size: 1.1rem; font-weight: 600; }}
section {{ margin-top: 2.75rem; }}
p {{ margin: 0 0 0.8rem; max-width: 44rem; }}
.lead, .small, caption, figcaption, summary {{ color: var(--quiet); }}
.small, caption, summary {{ font-size: 0.85rem; }}
.verdicts {{ padding: 0; list-style: none; font-size: 1.05rem; max-width: 46rem; }}
.verdicts li {{ margin-bottom: 0.6rem; padding-left: 0.9rem; border-left: 3px solid var(--line); }}
.scroll {{ overflow-x: auto; margin-bottom: 0.8rem; }}
table {{ border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }}
caption {{ text-align: left; padding-bottom: 0.5rem; }}
caption span {{ position: sticky; left: 0; display: inline-block; max-width: calc(100vw - 2.5rem); }}
th, td {{ padding: 0.3rem 0.7rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }}
thead th {{ font-weight: 500; color: var(--quiet); vertical-align: bottom; white-space: normal; min-width: 4.5rem; }}
tbody th, thead th:first-child {{
  position: sticky; left: 0; padding-left: 0; text-align: left; font-weight: 400;
  background: var(--paper);
}}
tbody th .small {{ display: block; max-width: 15rem; line-height: 1.3; white-space: normal; }}
.mark::before {{
  content: ""; display: inline-block; width: 0.6em; height: 0.6em; margin-right: 0.45em; border-radius: 50%;
  background: {MUTED};
}}
.left, .mark {{ display: block; text-align: left; }}
.good::before {{ background: {GOOD}; }}
.fair::before {{ background: {FAIR}; }}
.poor::before {{ background: {POOR}; }}
img {{ display: block; width: 100%; height: auto; }}
figure {{ margin: 0; }}
.plot {{ max-width: 46rem; margin-bottom: 0.8rem; }}
.plots {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem; }}
.tiles {{
  display: grid; grid-template-columns: repeat(auto-fill, minmax(4.5rem, 1fr)); gap: 0.6rem 0.4rem;
  margin: 0 0 1rem; padding: 0; list-style: none;
}}
.tiles img {{ image-rendering: pixelated; }}
.tiles img + img {{ margin-top: 3px; }}
.tiles figcaption {{ font-size: 0.75rem; line-height: 1.3; padding-top: 0.2rem; overflow-wrap: anywhere; }}
.row {{ margin-bottom: 0.5rem; }}
.row h3 {{ margin: 0; font-size: 0.85rem; font-weight: 400; color: var(--quiet); overflow-wrap: anywhere; }}
.row .tiles {{ gap: 2px; margin: 0; }}
dl {{ margin: 0.6rem 0; font-size: 0.9rem; }}
dl div {{ display: grid; grid-template-columns: 9rem 1fr; gap: 0.8rem; padding: 0.15rem 0; }}
dt {{ color: var(--quiet); }}
dd {{ margin: 0; overflow-wrap: anywhere; }}
@media (min-width: 50rem) {{
  .row {{ display: grid; grid-template-columns: 11rem 1fr; gap: 1rem; align-items: center; }}
}}
@media (max-width: 30rem) {{
  body {{ padding: 1.5rem 1rem 3rem; }}
  th, td {{ padding: 0.3rem 0.45rem; }}
  tbody th, thead th:first-child {{ min-width: 7rem; white-space: normal; }}
  .tiles {{ grid-template-columns: repeat(auto-fill, minmax(3.2rem, 1fr)); }}
  dl div {{ grid-template-columns: 1fr; gap: 0; padding: 0.3rem 0; }}
}}
@media print {{ details::details-content {{ content-visibility: visible; }} }}
"""
