/** The style of the reference, in the page: its policy knows it by its hash. */
export const STYLE = `
:root{color-scheme:light dark;--page:#fff;--side:#f5f6f8;--line:#dde1e8;--text:#1a2030;--muted:#566074;--accent:#3450c4;--code:#eef0f4}
@media(prefers-color-scheme:dark){:root{--page:#11141a;--side:#161a22;--line:#2c3340;--text:#e6e9f0;--muted:#9ea8ba;--accent:#93a7ff;--code:#1f2531}}
*{box-sizing:border-box}
html{scroll-padding-top:16px}
body{margin:0;font:16px/1.55 system-ui,sans-serif;color:var(--text);background:var(--page);display:grid;grid-template-columns:260px minmax(0,1fr)}
a{color:var(--accent)}
a:focus-visible,summary:focus-visible,pre:focus-visible,nav:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:20px;background:var(--side);border-inline-end:1px solid var(--line);font-size:14px}
nav ul{list-style:none;margin:0 0 12px;padding:0}
nav a{display:block;padding:2px 0}
main{max-width:860px;padding:24px 32px 80px}
h2{margin:56px 0 8px;text-transform:capitalize}
section{padding:20px 0;border-top:1px solid var(--line)}
h3,h4{margin:0 0 6px}h4{margin-top:18px}p{margin:4px 0 8px}
code,pre{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.9em;background:var(--code);border-radius:4px}
code{padding:1px 4px;overflow-wrap:anywhere}pre{padding:12px;overflow:auto}pre code{padding:0;overflow-wrap:normal}
.fields{margin:4px 0 8px;padding-inline-start:16px;list-style:none;border-inline-start:2px solid var(--line)}
.fields li{margin:8px 0}.fields p{margin:2px 0}
.type{color:var(--muted);font-size:14px}
summary{cursor:pointer}
table{border-collapse:collapse;width:100%}th,td{padding:6px 8px;text-align:start;vertical-align:top;border-bottom:1px solid var(--line)}
.skip{position:absolute;inset-inline-start:-9999px}.skip:focus{inset-inline-start:8px;top:8px}
@media(max-width:760px){body{display:block}nav{position:static;height:auto;max-height:40vh}main{padding:16px}}
`
