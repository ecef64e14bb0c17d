/** What the page of `etl3 explore` looks like: as the report does, and what only it has. */
import { PAGE_STYLE } from '../report/page-style.js'

/** The style sheet. */
export const EXPLORE_STYLE = `${PAGE_STYLE}
[hidden] { display: none !important; }
.search label, .choices label { display: block; font-weight: 600; margin-bottom: 4px; }
input[type=search], select { font: inherit; color: var(--ink); background: var(--surface); border: 1px solid var(--muted); border-radius: 8px; padding: 8px 12px; max-width: 100%; }
input[type=search] { width: 100%; }
.search .note { font-size: 0.9rem; margin: 8px 0 0; }
.found { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 0 20px; }
.found section { margin-bottom: 0; min-width: 0; }
ul.plain li, h2 { overflow-wrap: anywhere; }
ul.results { list-style: none; margin: 10px 0 0; padding: 0; max-height: 22em; overflow-y: auto; }
ul.results button { display: block; width: 100%; text-align: left; padding: 6px 8px; border: 0; border-bottom: 1px solid var(--line); border-radius: 0; overflow-wrap: anywhere; font-weight: 400; }
ul.results button[aria-current=true] { background: var(--band); }
ul.results :focus-visible { outline-offset: -3px; }
ul.results small { display: block; color: var(--muted); }
button { font: inherit; color: var(--link); background: transparent; border: 1px solid var(--line); border-radius: 8px; padding: 4px 12px; cursor: pointer; }
button:hover { background: var(--band); }
.choices { display: flex; flex-wrap: wrap; gap: 12px 20px; margin: 12px 0; }
.choices div { min-width: 0; max-width: min(100%, 480px); }
.copies { margin: 18px 0 0; padding: 0; }
.copies div { border-top: 1px solid var(--line); padding: 10px 0; }
.copies dt { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; justify-content: space-between; font-weight: 600; font-size: 0.92rem; }
.copies dd { margin: 6px 0 0; }
.copies pre { margin: 0; padding: 8px 10px; background: var(--band); border-radius: 8px; white-space: pre-wrap; overflow-wrap: anywhere; font: 0.87em ui-monospace, 'SF Mono', Menlo, Consolas, monospace; }
`
