"""The style sheet of RUN/report.html: light and dark, without a file or a font from elsewhere."""

STYLE = """
:root{--paper:#fbfaf8;--ink:#24211e;--faint:#6d665f;--rule:#dedad4;--bad:#b3261e;--good:#2e7d4f;--turn:#7a4fb5;
--c0:#1f6fb2;--c1:#c4661f;--c2:#2e8b57;--c3:#8e44ad;--c4:#b23a5a;--c5:#5f6b74}
@media (prefers-color-scheme:dark){:root{--paper:#1b1a19;--ink:#ebe6e0;--faint:#a59d95;--rule:#3a3734;--bad:#ff8a80;
--good:#7fcf9f;--turn:#c3a2f0;--c0:#6db5f2;--c1:#f0a066;--c2:#74cf9a;--c3:#cf9be6;--c4:#f08aa6;--c5:#aab4bc}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1180px;margin:0 auto;padding:24px 20px 64px}
h1{margin:0 0 12px;font-size:26px}
h2{margin:32px 0 10px;padding-top:12px;border-top:1px solid var(--rule);font-size:18px}
h3{margin:0 0 2px;font-size:14px}
.note,figcaption{color:var(--faint);font-size:13px}
.state{display:flex;flex-wrap:wrap;gap:10px 28px;margin:0}
.state dt{color:var(--faint);font-size:12px}
.state dd{margin:0;font-size:17px;font-variant-numeric:tabular-nums}
.calm{color:var(--good)}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{padding:5px 10px 5px 0;border-bottom:1px solid var(--rule);text-align:left;vertical-align:top}
th{color:var(--faint);font-weight:500}
.number{font-variant-numeric:tabular-nums}
tr.trouble td:nth-child(2){color:var(--bad)}
tr.over td:nth-child(2){color:var(--good)}
tr.roll-back td:nth-child(2){color:var(--turn)}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(320px,1fr));gap:22px}
figure{margin:0}
.keys{display:flex;flex-wrap:wrap;gap:0 14px;margin:0;padding:0;list-style:none;font-size:13px}
.keys b{font-variant-numeric:tabular-nums}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--faint);font-size:10px;font-family:inherit}
svg path{fill:none;stroke-width:1.6;stroke-linejoin:round;stroke-linecap:round}
svg .grid{stroke:var(--rule);stroke-width:1}
svg .mark{stroke:var(--faint);stroke-width:1;stroke-dasharray:2 4}
svg text.mark{stroke:none}
svg .given-up{stroke:var(--faint);stroke-width:1.2;stroke-dasharray:4 4}
svg .event{stroke-width:1.2;stroke:var(--bad)}
svg .event.over{stroke:var(--good)}
svg .event.roll-back{stroke:var(--turn)}
.line-0{stroke:var(--c0)}.line-1{stroke:var(--c1)}.line-2{stroke:var(--c2)}
.line-3{stroke:var(--c3)}.line-4{stroke:var(--c4)}.line-5{stroke:var(--c5)}
.key-0{color:var(--c0)}.key-1{color:var(--c1)}.key-2{color:var(--c2)}
.key-3{color:var(--c3)}.key-4{color:var(--c4)}.key-5{color:var(--c5)}
.grids{display:grid;grid-template-columns:repeat(auto-fill,minmax(260px,1fr));gap:16px}
img{display:block;max-width:100%;height:auto;image-rendering:auto}
.grids img{width:100%}
pre{overflow:auto;padding:12px;border:1px solid var(--rule);font-size:13px}
summary{cursor:pointer}
"""
