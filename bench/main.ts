/** `npm run bench -- consume|produce|latency|rebalance|idle|retry|redrive|replay|codec [--runs N] [--report FILE]`; README.md here says what is measured. */
import { writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { verdicts, verdictTable } from './goals.ts'
import { medians, type Result, table } from './result.ts'
import { Stand } from './stand.ts'
import { suites } from './suites.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '3' }, report: { type: 'string' } },
})
const runs = Number(values.runs)
const names = positionals.length === 0 ? Object.keys(suites) : positionals
if (!(runs >= 1) || names.some(name => !(name in suites))) {
  console.error(`usage: npm run bench -- [${Object.keys(suites).join('|')}]... [--runs N] [--report FILE]`)
  process.exit(2)
}

const machine = `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GB`
const stand = await Stand.open(line => console.error(line))
const report = []
for (const name of names) {
  const all = await played(name)
  const results = medians(all)
  const met = verdicts(name, results)
  console.log(`\n## ${name}\n\n${table(results)}\n\n${verdictTable(met)}`)
  report.push({ suite: name, medians: results, goals: met, runs: all })
}
console.log(`\n${new Date().toISOString()}, medians of ${runs}, ${machine}, broker: ${stand.stack.kind}`)
if (values.report)
  writeFileSync(values.report, JSON.stringify({ machine, broker: stand.stack.kind, runs, suites: report }, null, 2))
await stand.close()

/** Run after run, each with every peer: whatever else the machine does meets them all. */
async function played(name: string): Promise<Result[]> {
  const run = await suites[name]!(stand)
  const all: Result[] = []
  for (let i = 1; i <= runs; i++) {
    console.error(`${name}: run ${i} of ${runs}`)
    all.push(...(await run()))
  }
  return all
}
