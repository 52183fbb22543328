"""How the page looks."""

STYLE = """
:root { color-scheme: light; --ink: #1c1c1c; --soft: #6b6b6b; --line: #d9d6d0 }
:root { --red: #c8102e; --green: #1e6b3a; --amber: #8a6100 }
body { margin: 0; background: #fbfaf8; color: var(--ink); font: 16px/1.5 Georgia, "Times New Roman", serif }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.5rem 5rem }
h1 { font-weight: normal; font-size: 2.2rem; margin: 0 0 .6rem }
h2 { font-weight: normal; font-size: 1.5rem; margin: 3rem 0 .6rem; border-top: 1px solid var(--line); padding-top: 1.2rem }
table { border-collapse: collapse; width: 100%; font: 14px/1.4 "Helvetica Neue", Arial, sans-serif; margin: 1rem 0 }
th { text-align: left; font-weight: 600; border-bottom: 1.5px solid var(--ink); padding: .3rem .6rem .3rem 0 }
td { border-bottom: 1px solid var(--line); padding: .35rem .6rem .35rem 0; vertical-align: top }
.numbers td, .numbers th { white-space: nowrap; font-variant-numeric: tabular-nums }
.points td:nth-child(1) { width: 40% }
.points td:nth-child(3) { white-space: nowrap; font-weight: 600 }
.agrees td:nth-child(3) { color: var(--green) }
.differs td:nth-child(3) { color: var(--red) }
.open td:nth-child(3) { color: var(--amber) }
.note td { color: var(--soft); white-space: normal; border-bottom: 1px solid var(--line) }
.failed { border-left: 3px solid var(--red); padding: .1rem 1rem; background: #fff }
figure { margin: 1rem 0; background: #fff; border: 1px solid var(--line); padding: .8rem }
figure img { width: 100%; height: auto; display: block }
figcaption { color: var(--soft); font-size: .9rem; margin-top: .5rem }
code { font-size: .82rem }
summary { cursor: pointer; color: var(--soft) }
@media print { body { background: #fff } details { display: none } h2 { break-after: avoid } }
@media print { figure, tr { break-inside: avoid } }
"""
