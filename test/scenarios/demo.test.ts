/** The whole demo on an awkward extract: its report agrees with a recount that shares no code with it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, it, onTestFinished } from 'vitest'
import { spawnLeashed } from '../../src/dev/leash.ts'
import { awkwardExtract } from '../examples/awkward.ts'
import { recount } from '../examples/recount.ts'

it('publishes, handles, retries and dead-letters what the file says', { timeout: 180_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-demo-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const [input, report] = [join(folder, 'orders.csv'), join(folder, 'report.json')]
  const csv = awkwardExtract(400)
  writeFileSync(input, csv)

  const said: string[] = []
  const demo = await spawnLeashed(process.execPath, ['examples/retail/demo.ts', '--input', input, '--report', report], {
    env: { ...process.env, KAFKA_BROKERS: inject('brokers').join(','), SCHEMA_REGISTRY_URL: inject('registryUrl') },
    onLine: line => said.push(line),
    keepsAlive: true,
  })
  onTestFinished(async () => void (await demo.stop()))

  expect(await demo.exited, said.join('\n')).toEqual({ code: 0, signal: null })
  expect(JSON.parse(readFileSync(report, 'utf8'))).toEqual(recount(csv))
  expect(said.join('\n')).toMatch(/receipts +\d+ +\d+ +\d+/)
})
