/**
 * Dead letters in number: 100,000 are listed in constant memory. A choice of them is exported byte for byte, purged, and redriven,
 * while the others stay.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { consumer, on } from 'spillway'
import { expect, inject, onTestFinished, test } from 'vitest'
import type { Broker, OutgoingRecord } from '../../src/broker/port.ts'
import { letterTypes } from '../../src/command/letter-types.ts'
import { readSelection } from '../../src/command/where.ts'
import { letterOf } from '../../src/dlq/letter.ts'
import { countLetters } from '../../src/dlq/read.ts'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { stepsOf, stepsOn } from './messages.ts'

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))
const tellPeak = `data:text/javascript,process.on('exit',()=>process._rawDebug('peak '+process.resourceUsage().maxRSS))`

interface Ended {
  readonly stdout: string
  readonly stderr: string
  readonly tookMs: number
  /** Resident memory at its peak. */
  readonly peakMiB: number
}

async function dlq(...args: string[]): Promise<Ended> {
  const env = { ...process.env, KAFKA_BROKERS: inject('brokers').join(','), SCHEMA_REGISTRY_URL: inject('registryUrl') }
  const startedAt = performance.now()
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', tellPeak, cli, 'dlq', ...args], {
    env,
    maxBuffer: 2 ** 28,
  })
  const peakMiB = Number(/^peak (\d+)$/m.exec(stderr)![1]) / 1024
  return { stdout, stderr, tookMs: performance.now() - startedAt, peakMiB }
}

const items = ({ stdout }: Ended) => (JSON.parse(stdout) as { items: Record<string, unknown>[] }).items

async function groupWithTopics(partitions: number) {
  const scenario = await openScenario()
  const { opened } = stepsOn({ partitions })
  const group = unique('dead')
  await scenario.prepare([consumer(group, [on(opened, () => {})])])
  return { ...scenario, group }
}

/** `count` letters to a partition, of 1 KiB each, of 20 fingerprints. */
async function bury(broker: Broker, group: string, partition: number, count: number): Promise<void> {
  const producer = broker.producer()
  const letter = (i: number): OutgoingRecord => {
    const failure = {
      class: 'TypeError',
      message: `no order ${i}`,
      stack: 'TypeError\n    at f (a.ts:1:1)',
      fingerprint: `f${i % 20}`,
    }
    const origin = { topic: unique('orders'), partition, offset: BigInt(i), timestampMs: 1_700_000_000_000 }
    const trail = { origin, group, attempt: 5, hop: 4, redriveCount: 0, disposition: 'exhausted', failure } as const
    const headers = [
      ['odd', null],
      ['odd', Buffer.from([0xff, i % 256])],
      ['ce_id', Buffer.from(`m${i}`)],
    ] as const
    const record = { key: Buffer.from(`k${i % 3}`), value: Buffer.alloc(1_024, i % 251), headers }
    return letterOf(record, trail, `${group}.dlq`, partition)
  }
  for (let from = 0; from < count; from += 500) {
    const letters = Array.from({ length: Math.min(500, count - from) }, (_, i) => letter(from + i))
    await producer.sendBatch(`${group}.dlq`, partition, letters)
  }
}

test('100,000 letters are listed in the memory that 20,000 need', { timeout: 180_000 }, async () => {
  const many = await groupWithTopics(4)
  const few = await groupWithTopics(1)
  await Promise.all([0, 1, 2, 3].map(partition => bury(many.broker, many.group, partition, 25_000)))
  await bury(few.broker, few.group, 0, 20_000)
  const small = await dlq('list', few.group, '--json')
  const large = await dlq('list', many.group, '--json')
  console.log(
    `100,000 letters listed in ${Math.round(large.tookMs)} ms, peak ${Math.round(large.peakMiB)} MiB; 20,000 in ${Math.round(small.tookMs)} ms, peak ${Math.round(small.peakMiB)} MiB`,
  )
  expect(items(small).reduce((sum, { letters }) => sum + Number(letters), 0)).toBe(20_000)
  expect(items(large)).toHaveLength(20)
  for (const { letters } of items(large)) expect(letters).toBe(5_000)
  // The 80,000 more are 128 MiB. Not fewer in the small one: what is young is collected only when there is some of it.
  expect(large.peakMiB - small.peakMiB).toBeLessThan(90)
  // Only who joins or commits is a group that the broker knows.
  expect((await many.admin.groups([many.group])).every(({ members }) => members === 0)).toBe(true)
})

test('a choice is exported byte for byte, then purged; the others stay', async () => {
  const { broker, admin, group, records } = await groupWithTopics(2)
  await bury(broker, group, 0, 30)
  await bury(broker, group, 1, 6)
  const folder = mkdtempSync(join(tmpdir(), 'it-purge-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const chosen = (await records(`${group}.dlq`)).filter(({ key }) => key!.toString() === 'k0')

  const { stdout } = await dlq('export', group, '--where', 'key=k0')
  const restored = (text: string | null) => (text === null ? null : Buffer.from(text, 'base64'))
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(
    lines.map(({ partition, offset, timestampMs, key, value, headers }) => ({
      partition,
      offset: BigInt(offset),
      timestampMs,
      key: restored(key),
      value: restored(value),
      headers: headers.map(([name, bytes]: [string, string | null]) => [name, restored(bytes)]),
    })),
  ).toEqual(
    chosen.map(({ partition, offset, timestampMs, key, value, headers }) => ({
      partition,
      offset,
      timestampMs,
      key,
      value,
      headers: [...headers].map(([name, bytes]) => [name, bytes]),
    })),
  )

  const file = join(folder, 'purged.jsonl')
  const purge = ['purge', group, '--where', 'key=k0', '--execute', '--yes', '--confirm', group, '--json', '--file']
  expect(items(await dlq(...purge, file))).toMatchObject([{ purged: 12, stayed: 0 }])
  expect(readFileSync(file, 'utf8')).toBe(stdout)
  expect(items(await dlq(...purge, join(folder, 'again.jsonl')))).toMatchObject([{ purged: 0 }])
  const source = { reader: broker.reader(), admin, group }
  expect((await countLetters(source)).left).toBe(24)
})

test('letters of one type are redriven, and those of another stay', async () => {
  const { broker, admin, registry, client, prepare, run, drained, redrive } = await openScenario()
  const { opened, closed } = stepsOn()
  let mended = false
  const handled: string[] = []
  const handle = (type: string) =>
    on(type === 'closed' ? closed : opened, ({ id, n }) => {
      if (!mended) throw new Error('a bug')
      handled.push(`${type} ${id}${n}`)
    })
  const failing = consumer(unique('failing'), [handle('opened'), handle('closed')], { retry: { tiers: [] } })
  await prepare([failing])
  await run([failing])
  const steps = stepsOf(['a', 'b'], 3)
  for (const step of steps) {
    await client.publisher(opened).publish(step)
    await client.publisher(closed).publish(step)
  }
  await drained(failing)
  mended = true
  const source = { reader: broker.reader(), admin, group: failing.name }
  const selection = readSelection({ where: ['type=Closed', 'failed=@-1h..'] }, letterTypes(() => registry).typeOf, Date.now())
  expect(await redrive(failing.name, { selection })).toMatchObject({ moved: 6, stayed: 0 })
  await drained(failing)
  expect(handled.sort()).toEqual(steps.map(({ id, n }) => `closed ${id}${n}`).sort())
  expect(await redrive(failing.name, { selection })).toMatchObject({ moved: 0 })
  expect((await countLetters(source)).left).toBe(6)
})
