/** What docs/redrive.md shows works as it stands there: every command, in its order, on letters of a group and on foreign ones. */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import type { OutgoingRecord } from '../../src/broker/port.ts'
import { letterOf } from '../../src/dlq/letter.ts'
import { foreignLetters } from '../topic/foreign/letters.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { type ChildSettings, journalling } from './child/journalling.ts'
import { openScenario, patienceMs } from './harness.ts'
import { environment, root, snippetsOf } from './snippets.ts'

const { text: page, commands } = snippetsOf('docs/redrive.md')
const fingerprint = '3f2a9c0b1d2e'

test('every command of docs/redrive.md does what the page says', { timeout: 180_000 }, async () => {
  const { broker, admin, prepare, encode, records } = await openScenario()
  const settings: ChildSettings = { topic: unique('orders'), group: unique('receipts'), journal: '/dev/null' }
  const { consumer, opened } = journalling(settings)
  await prepare([consumer])
  const foreign = unique('orders-dlt')
  await admin.createTopics([{ name: foreign, partitions: 1, replicationFactor: 1, config: {} }])

  const value = await encode(opened, { id: 'a', n: 1 })
  const letter = (partition: number, i: number): OutgoingRecord => {
    const failure = { class: 'TypeError', message: 'a bug', stack: '', fingerprint: i % 2 === 0 ? fingerprint : 'ffffffffffff' }
    const origin = { topic: settings.topic, partition, offset: BigInt(i), timestampMs: Date.now() }
    const trail = {
      origin,
      group: settings.group,
      attempt: 5,
      hop: 4,
      redriveCount: i === 19 ? 3 : 0,
      disposition: 'exhausted',
      failure,
    }
    return letterOf(
      { key: Buffer.from('a'), value, headers: [] },
      { ...trail, disposition: 'exhausted' },
      `${settings.group}.dlq`,
      partition,
    )
  }
  for (const partition of [0, 1])
    await broker.producer().sendBatch(
      `${settings.group}.dlq`,
      partition,
      Array.from({ length: 20 }, (_, i) => letter(partition, i)),
    )
  const theirs = ['Spring Kafka', 'Karafka'].map(name => {
    const { key, headers } = foreignLetters[name]!
    const named = headers.map(
      header => (header[1]?.toString() === 'orders' ? [header[0], Buffer.from(settings.topic)] : header) as typeof header,
    )
    return { topic: foreign, partition: 0, key, value, headers: named }
  })
  await broker.producer().sendBatch(foreign, 0, theirs)

  // Groups and topics of a shared broker have names of their own.
  const named = new Map([
    ['receipts', settings.group],
    ['orders-dlt', foreign],
    ['type=OrderPlaced', 'type=Opened'],
  ])
  const folder = mkdtempSync(join(tmpdir(), 'it-redrive-docs-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const env = {
    ...environment(),
    IT_CHILD: JSON.stringify(settings),
    CLI: join(root, 'dist/cli.js'),
    CONFIG: join(root, 'test/scenarios/child/spillway.config.ts'),
    NODE: process.execPath,
  }
  const run = async (command: string): Promise<{ stdout: string; stderr: string }> => {
    expect(command).toMatch(/^npx spillway dlq /)
    // A shell, as the page has comments, quotes and a redirection.
    const line = command
      .replace('npx spillway', '"$NODE" "$CLI" --config "$CONFIG"')
      .replace(/[\w=-]+/g, word => named.get(word) ?? word)
    return promisify(execFile)('sh', ['-c', line], { cwd: folder, env })
  }
  const said: Record<string, { stdout: string; stderr: string }> = {}
  for (const command of commands) said[command.split(/ {2,}#/)[0]!] = await run(command)

  const out = (start: string) => Object.entries(said).find(([command]) => command.startsWith(`npx spillway dlq ${start}`))![1]
  expect(out('show receipts 0:12').stdout).toContain(`${settings.group} 0:12`)
  expect(out(`redrive receipts --where fingerprint=${fingerprint}`).stdout).toContain('20 letters to')
  expect(
    said[`npx spillway dlq redrive receipts --where fingerprint=${fingerprint} --execute --reason 'fixed in 1.4'`]!.stdout,
  ).toContain('20 letters moved')
  // One a partition was redriven three times already.
  expect(out('redrive receipts --rate').stdout).toContain('18 letters moved')
  expect(out('redrive --from orders-dlt').stdout).toContain('2 letters to source')
  expect(out('redrive --from orders-dlt --execute').stdout).toContain('2 letters moved')
  expect(out('redrive --from orders-dlt --to-group').stdout).toContain('no letters to redrive')
  expect(readFileSync(join(folder, 'letters.jsonl'), 'utf8').trim().split('\n')).toHaveLength(2)
  expect(existsSync(join(folder, 'placed.jsonl'))).toBe(true)
  expect(out('purge receipts --execute').stdout).toContain('2 letters purged')
  await until(async () => (await records(`${settings.group}.retry.0s`)).length === 38, {
    withinMs: patienceMs,
    what: 'the redriven letters',
  })
  expect(await records(settings.topic)).toHaveLength(2)

  const fields = /^One partition, kept for ever, .*?Delete it/ms.exec(page)![0]
  const shown = new Set([...fields.matchAll(/`(\w+)`/g)].map(([, name]) => name!))
  for (const { value: json } of await records(`${settings.group}.dlq.moved`))
    for (const name of Object.keys(JSON.parse(json!.toString()))) expect(shown).toContain(name)
})
