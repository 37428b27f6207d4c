/**
 * `npm run test:faults -- [--long] [--seed N] [what vitest takes]`. Vitest knows neither of the two, so they travel as environment
 * variables; the seed is printed, and the same seed makes the same choices (not the same timing).
 */
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'

const { values, tokens } = parseArgs({
  options: { long: { type: 'boolean', default: false }, seed: { type: 'string' } },
  strict: false,
  tokens: true,
})
const seed = String(values.seed ?? randomInt(2 ** 31))
if (!/^\d{1,10}$/.test(seed)) {
  console.error(`--seed ${seed}: a whole number is needed`)
  process.exit(64)
}
const ours = new Set<number>()
for (const token of tokens) {
  if (token.kind !== 'option' || (token.name !== 'long' && token.name !== 'seed')) continue
  ours.add(token.index)
  if (token.name === 'seed' && token.inlineValue === false) ours.add(token.index + 1)
}
const rest = process.argv.slice(2).filter((_, i) => !ours.has(i))
console.log(`fault suite, seed ${seed}${values.long ? ', long' : ''}`)
const vitest = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--project', 'faults', ...rest], {
  stdio: 'inherit',
  env: { ...process.env, FAULTS_SEED: seed, FAULTS_LONG: values.long ? '1' : '' },
})
// A terminal's Ctrl-C reaches vitest as well, which ends the brokers and says how far it came.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => vitest.kill(signal))
vitest.on('exit', (code, signal) => {
  console.log(`fault suite, seed ${seed}${values.long ? ', long' : ''}: ${code === 0 ? 'passed' : 'failed'}`)
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1)
})
