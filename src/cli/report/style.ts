// How the report looks, on a screen and on paper. One block, whose hash its page allows and nothing else.
export const style = `
:root { color-scheme: light; --ink: #1c2733; --soft: #5a6876; --rule: #d9dfe5; --back: #f5f7f9;
  --critical: #a61b1b; --high: #c65d07; --medium: #a17a00; --low: #3f6ea5; --info: #77838f;
  --agrees: #23765a; --ours: #3f6ea5; --theirs: #c65d07; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink);
  font: 15px/1.5 system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 32px 28px 56px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 17px; margin: 0 0 12px; }
p { margin: 0 0 10px; }
.soft, .about dt { color: var(--soft); }
.about { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 14px 0 20px; }
.about dd { margin: 0; overflow-wrap: anywhere; }
.verdict { border-left: 6px solid var(--agrees); background: #fff; padding: 14px 18px; margin-bottom: 20px;
  font-size: 17px; }
.verdict.bad { border-color: var(--critical); }
.verdict.wait { border-color: var(--medium); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 14px;
  margin-bottom: 20px; }
.tile, section { background: #fff; border: 1px solid var(--rule); border-radius: 6px; }
.tile { padding: 14px 16px; }
.tile .name { min-width: 0; color: var(--soft); font-size: 13px; }
.tile .figure { font-size: 23px; font-weight: 600; font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere; }
.tile .under { color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
section { padding: 20px 22px; margin-bottom: 20px; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 20px; }
.two section { margin: 0; }
.two { margin-bottom: 20px; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: 8px; }
th, td { text-align: left; vertical-align: top; padding: 7px 10px; border-bottom: 1px solid var(--rule); }
th { font-size: 13px; color: var(--soft); font-weight: 600; border-bottom: 2px solid var(--rule); }
th[scope='row'] { font-size: inherit; color: var(--ink); border-bottom-width: 1px; }
th:first-child, td:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
.number { text-align: right; white-space: nowrap; }
.off { color: var(--critical); font-weight: 600; }
.id { font: 12.5px/1.5 ui-monospace, 'SF Mono', Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.evidence { overflow-wrap: anywhere; min-width: 190px; }
.name { min-width: 190px; }
.wide { overflow-x: auto; }
.short { max-width: 620px; margin-top: 18px; }
.badge { display: inline-block; color: #fff; border-radius: 3px; padding: 0 7px; font-size: 12.5px; }
.badge.critical { background: var(--critical); } .badge.high { background: var(--high); }
.badge.medium { background: var(--medium); } .badge.low { background: var(--low); }
.badge.info { background: var(--info); }
svg { width: 100%; height: auto; display: block; font-size: 13px; fill: var(--ink); }
svg .value { font-weight: 600; } svg .middle { text-anchor: middle; }
svg line { stroke: var(--rule); }
rect.critical { fill: var(--critical); } rect.high { fill: var(--high); }
rect.medium { fill: var(--medium); } rect.low { fill: var(--low); } rect.info { fill: var(--info); }
rect.agrees { fill: var(--agrees); } rect.ours { fill: var(--ours); } rect.theirs { fill: var(--theirs); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; padding: 0; margin: 12px 0 0; list-style: none;
  color: var(--soft); font-size: 13px; }
.legend i { display: inline-block; width: 11px; height: 11px; margin-right: 6px; border-radius: 2px; }
i.agrees { background: var(--agrees); } i.ours { background: var(--ours); }
i.theirs { background: var(--theirs); } i.critical { background: var(--critical); }
i.high { background: var(--high); } i.medium { background: var(--medium); } i.low { background: var(--low); }
i.info { background: var(--info); }
footer { color: var(--soft); font-size: 13px; }
@media print { body { background: #fff; font-size: 11px; } main { max-width: none; padding: 0; }
  section, .tile, tr { break-inside: avoid; } thead { display: table-header-group; } }
@media (max-width: 520px) { .two { grid-template-columns: 1fr; } main { padding: 18px 12px; } }
`
