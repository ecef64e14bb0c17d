/** The style sheet of `report.html`. Colours keep a contrast of 4.5 to 1 for text, in both schemes; a test measures it. */

const LIGHT = `
  --page: #f6f7f9; --surface: #ffffff; --ink: #1b2430; --muted: #566273; --line: #d9dee5; --band: #f1f4f8;
  --link: #0b57a4; --focus: #0b57a4; --shade: #1b243055;
  --c-main: #2f6fb3; --c-second: #9db9d6; --c-added: #2b8a61; --c-replaced: #c27c0e; --c-kept: #aab4c1; --c-removed: #b8405e;
  --c-limit: #b3261e; --c-warn: #8f5600;
  --good: #1d6b48; --good-back: #e4f4ec; --warn: #7d4b00; --warn-back: #fdf1dc; --bad: #a11b16; --bad-back: #fdeae8;`

const DARK = `
  --page: #11161d; --surface: #19202a; --ink: #e6ebf2; --muted: #a3afbf; --line: #333e4c; --band: #1f2833;
  --link: #8dbdf0; --focus: #8dbdf0; --shade: #000000cc;
  --c-main: #5f9edb; --c-second: #3f5d7d; --c-added: #4fb487; --c-replaced: #dd9f3d; --c-kept: #5d6b7d; --c-removed: #e0708c;
  --c-limit: #ff8a80; --c-warn: #f0b656;
  --good: #7fd6ad; --good-back: #17322a; --warn: #f3c579; --warn-back: #382b14; --bad: #ff9d95; --bad-back: #3b1d1c;`

/**
 * Shadows at the edges beyond which a table goes on. Those of the first two layers move with the table, and cover the others
 * where it ends.
 */
const SHADOWS = [
  'linear-gradient(to right, var(--surface) 40%, transparent) left / 48px 100% no-repeat local',
  'linear-gradient(to left, var(--surface) 40%, transparent) right / 48px 100% no-repeat local',
  'linear-gradient(to right, var(--shade), transparent) left / 18px 100% no-repeat scroll',
  'linear-gradient(to left, var(--shade), transparent) right / 18px 100% no-repeat scroll',
].join(', ')

/** The style sheet. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; ${LIGHT} }
@media screen and (prefers-color-scheme: dark) { :root { ${DARK} } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; font-variant-numeric: tabular-nums; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -9999px; }
.skip:focus { left: 12px; top: 12px; z-index: 1; background: var(--surface); padding: 8px 12px; }
header, main, footer { max-width: 1160px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 36px; }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.25; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { margin: 0 0 4px; font-size: 1.3rem; line-height: 1.3; }
h3 { margin: 0 0 4px; font-size: 1rem; line-height: 1.4; }
p { margin: 0 0 12px; max-width: 76ch; }
.lead, .note, figcaption p { color: var(--muted); }
.lead { overflow-wrap: anywhere; }
nav ol { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 16px 0 0; padding: 0; list-style: none; font-size: 0.92rem; }
section { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: 22px 20px; margin: 20px 0; }
.verdict { display: flex; gap: 12px; align-items: baseline; border-radius: 8px; padding: 12px 16px; margin: 10px 0 16px; font-weight: 600; }
.verdict p { margin: 0; }
.verdict.good, .tag.good { color: var(--good); background: var(--good-back); }
.verdict.warn, .tag.warn { color: var(--warn); background: var(--warn-back); }
.verdict.bad, .tag.bad { color: var(--bad); background: var(--bad-back); }
.tag { display: inline-block; border-radius: 999px; padding: 1px 10px; font-size: 0.85rem; font-weight: 600; white-space: nowrap; }
.tag.none { color: var(--muted); background: var(--band); }
dl.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 0 0 18px; }
dl.tiles div { border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; }
dl.tiles dt { color: var(--muted); font-size: 0.85rem; }
dl.tiles dd { margin: 0; font-size: 1.3rem; font-weight: 600; line-height: 1.3; }
dl.tiles dd small { display: block; font-size: 0.82rem; font-weight: 400; color: var(--muted); }
figure { margin: 22px 0 0; min-width: 0; }
figcaption p { font-size: 0.92rem; margin: 0 0 8px; }
figure svg { display: block; max-width: 100%; height: auto; font-family: system-ui, sans-serif; }
.narrow { display: none !important; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 0 40px; }
.columns.two { grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); }
details { margin-top: 10px; }
summary { cursor: pointer; color: var(--link); font-size: 0.92rem; width: fit-content; padding: 2px 4px; }
.scroll { overflow-x: auto; margin-top: 8px; background: ${SHADOWS}; }
table { border-collapse: collapse; font-size: 0.9rem; width: 100%; }
caption { text-align: left; color: var(--muted); font-size: 0.85rem; padding-bottom: 4px; position: sticky; left: 0; max-width: calc(100vw - 48px); }
th, td { text-align: left; vertical-align: top; padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); font-weight: 400; }
thead th { color: var(--muted); font-weight: 600; }
th.n, td.n { text-align: right; }
.one { white-space: nowrap; }
tbody th { overflow-wrap: break-word; min-width: 9em; }
td.long, th.long { overflow-wrap: anywhere; min-width: 12em; }
tr:last-child > * { border-bottom: 0; }
code { font: 0.87em ui-monospace, 'SF Mono', Menlo, Consolas, monospace; overflow-wrap: anywhere; }
ul.plain { margin: 8px 0 0; padding-left: 20px; }
footer { color: var(--muted); font-size: 0.85rem; padding-bottom: 40px; }
@media screen and (max-width: 700px) {
  header, main, footer { padding-left: 10px; padding-right: 10px; }
  header { padding-top: 20px; }
  section { padding: 16px 14px; margin: 12px 0; }
  .wide { display: none !important; }
  .narrow { display: block !important; }
  h1 { font-size: 1.4rem; }
  dl.tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  dl.tiles dd { font-size: 1.1rem; }
  table { font-size: 0.85rem; }
  th, td { padding-right: 8px; }
  thead th, th.n, td.n { white-space: nowrap; }
  tbody th { max-width: 9em; overflow-wrap: anywhere; }
  td.long, th.long { min-width: 18em; }
}
@media print {
  @page { margin: 14mm; }
  html { font-size: 11.5px; }
  body { background: #fff; font-size: 1rem; }
  header, main, footer { max-width: none; padding: 0; }
  nav, .skip, details:not([open]) { display: none; }
  section { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: 12px 0; margin: 0; }
  figure, dl.tiles, tr, .verdict, section:last-of-type { break-inside: avoid; }
  section > figure svg { max-height: 46mm; }
  figure { margin-top: 12px; }
  h2, h3, caption, thead, section > p:first-of-type { break-after: avoid; }
  dl.tiles { grid-template-columns: repeat(6, 1fr); gap: 8px; }
  dl.tiles div { padding: 6px 8px; }
  th, td { padding-top: 3px; padding-bottom: 3px; }
  .scroll { overflow: visible; background: none; }
  table { font-size: 0.82rem; }
  .tag { font-size: 0.78rem; padding: 0 6px; }
  caption { position: static; max-width: none; }
  th, td { padding-right: 8px; }
  td.long, th.long { min-width: 12em; }
  tbody th { overflow-wrap: anywhere; min-width: 11em; }
  .columns { grid-template-columns: repeat(3, 1fr); gap: 0 16px; }
  .columns.two { grid-template-columns: repeat(2, 1fr); }
  .wide { display: block !important; }
  .narrow { display: none !important; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`
