import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryBroker } from '../../src/broker/memory/broker.ts'
import type { Broker } from '../../src/broker/port.ts'
import type { CommandContext } from '../../src/command/context.ts'
import { dlqCommand } from '../../src/command/dlq.ts'
import { buildProgram, runProgram } from '../../src/command/program.ts'
import { defineService } from '../../src/config.ts'
import { consumer, on } from '../../src/consume/processor.ts'
import { letterOf } from '../../src/dlq/letter.ts'
import { event } from '../../src/message/definition.ts'
import { avroSchema } from '../../src/message/schema.ts'
import { codecOf } from '../../src/schema/codec.ts'
import { memoryRegistry } from '../../src/schema/memory-registry.ts'
import type { Trail } from '../../src/topic/trail.ts'

const avro = (name: string) => ({ type: 'record', name, namespace: 'shop', fields: [{ name: 'id', type: 'string' }] })
const Placed = avroSchema<'shop.Placed', { id: string }, { id: string }>({
  name: 'shop.Placed',
  avro: avro('Placed'),
  long: 'bigint',
})
const Gone = avroSchema<'shop.Gone', { id: string }, { id: string }>({ name: 'shop.Gone', avro: avro('Gone'), long: 'bigint' })
const placed = event(Placed, { topic: 'orders', key: 'id' })
const service = defineService({
  name: 'shop',
  processors: [consumer('spend', [on(placed, () => {})]), consumer('stock', [on(placed, () => {})])],
})

let broker: Broker
let registry: ReturnType<typeof memoryRegistry>
let out = ''
let err = ''

beforeEach(async () => {
  broker = memoryBroker({ clock: () => Date.parse('2026-11-22T10:00:00.000Z') })
  registry = memoryRegistry()
  out = err = ''
  vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    out += text
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation(text => {
    err += text
    return true
  })
  for (const name of ['spend.dlq', 'spend.dlq.moved', 'spend.retry.0s'])
    await broker.admin().createTopics([{ name, partitions: 2, replicationFactor: 1, config: {} }])
  const placedId = await registry.register('orders-value', Placed)
  const goneId = await registry.register('gone-value', Gone)
  await bury(0, codecOf(Placed).encode(placedId, { id: 'a\u001b[31m' }))
  await bury(0, codecOf(Placed).encode(placedId, { id: 'b' }))
  await bury(1, codecOf(Gone).encode(goneId, { id: 'c' }))
  await bury(1, Buffer.from('garbage'), { class: 'Undecodable', fingerprint: 'f2' })
})

afterEach(() => {
  vi.restoreAllMocks()
})

async function bury(
  partition: number,
  value: Buffer | null,
  failure = { class: 'TypeError', fingerprint: 'f1' },
  trail: Partial<Trail> = {},
) {
  const letter = letterOf(
    {
      key: Buffer.from('k'),
      value,
      headers: [
        ['ce_id', Buffer.from('m1')],
        ['evil\u0007', Buffer.from('\u001b]0;owned\u0007')],
        ['bin', Buffer.from([0xff, 0xfe])],
      ],
    },
    {
      origin: { topic: 'orders', partition, offset: 7n, timestampMs: Date.parse('2026-11-22T09:00:00.000Z') },
      firstFailedAtMs: Date.parse('2026-11-22T09:00:01.000Z'),
      group: 'spend',
      attempt: 5,
      hop: 5,
      redriveCount: 0,
      disposition: 'exhausted',
      failure: { message: 'x is\u001b[2J undefined', stack: 'TypeError: x\n    at f (app.ts:1:1)', ...failure },
      ...trail,
    },
    'spend.dlq',
    partition,
  )
  await broker.producer().sendBatch(letter.topic, partition, [letter])
}

async function spillway(...args: string[]): Promise<number> {
  out = err = ''
  const context = { service: async () => service, hasService: true, broker, registry, close: async () => {} }
  const program = buildProgram([dlqCommand(async () => context as unknown as CommandContext)])
  return runProgram(program, ['node', 'spillway', 'dlq', ...args], text => text, false)
}

const items = () => (JSON.parse(out) as { items: Record<string, unknown>[] }).items

test('list counts letters by what they died of; groups without a DLQ get a word', async () => {
  expect(await spillway('list')).toBe(0)
  expect(out.split('\n').map(line => line.trim().split(/ {2,}/))).toEqual([
    ['GROUP', 'LETTERS', 'DISPOSITION', 'ERROR', 'FINGERPRINT', 'FIRST SEEN', 'LAST SEEN', 'OLDEST'],
    ['spend', '3', 'exhausted', 'TypeError', 'f1', '2026-11-22T10:00:00.000Z', '2026-11-22T10:00:00.000Z', '0:0'],
    ['spend', '1', 'exhausted', 'Undecodable', 'f2', '2026-11-22T10:00:00.000Z', '2026-11-22T10:00:00.000Z', '1:1'],
    [''],
  ])
  expect(err).toContain("group 'stock' has no DLQ")
  expect(err).toContain('spillway dlq show spend 0:0')
})

test('list as JSON', async () => {
  expect(await spillway('list', 'spend', '-o', 'json')).toBe(0)
  expect(items()).toHaveLength(2)
  expect(items()[0]).toMatchObject({ group: 'spend', letters: 3, errorClass: 'TypeError', fingerprint: 'f1', oldest: '0:0' })
  expect(err).toBe('')
})

test('a group that was named and has no DLQ is an error', async () => {
  expect(await spillway('list', 'stock')).toBe(64)
  expect(err).toMatch(/E_NO_DLQ/)
  expect(out).toBe('')
})

test('show prints trail, headers and payload, and nothing that a terminal obeys', async () => {
  expect(await spillway('show', 'spend', '0:0')).toBe(0)
  expect(out).toBe(`spend 0:0
  origin        orders 0:7 of 2026-11-22T09:00:00.000Z
  disposition   exhausted after 5 attempts
  first failed  2026-11-22T09:00:01.000Z
  dead since    2026-11-22T10:00:00.000Z
  error         TypeError: x is\\u001b[2J undefined
  fingerprint   f1
  key           k
  headers
    ce_id = m1
    evil\\u0007 = \\u001b]0;owned\\u0007
    bin = hex:fffe
  payload, shop.Placed of schema id 1
    {
      "id": "a\\u001b[31m"
    }
  stack
    TypeError: x
    at f (app.ts:1:1)
`)
})

test('show: bytes that cannot be decoded, with the reason', async () => {
  expect(await spillway('show', 'spend', '1:1')).toBe(0)
  expect(out).toMatch(/payload +cannot be decoded: .*\(E_UNDECODABLE\)/)
  expect(out).toContain('00000000  67 61 72 62 61 67 65                             garbage')
})

test('show: a tombstone is called one; a letter whose value did not fit, or that stands for a batch, is not', async () => {
  await bury(0, null)
  await bury(1, null, undefined, { leftOut: 'value of 9 bytes' })
  await bury(1, null, undefined, { batchLastOffset: 9n, batchCodec: 'lz4' })
  expect(await spillway('show', 'spend', '0:2')).toBe(0)
  expect(out).toMatch(/^ {2}key +k\n(.*\n)+ {2}payload +none: the record is a tombstone\n {2}stack$/m)
  expect(out).not.toContain('cannot be decoded')
  expect(await spillway('show', 'spend', '0:2', '--json')).toBe(0)
  expect(items()).toMatchObject([{ key: 'k', type: 'tombstone', payload: null, trail: { attempt: 5 } }])
  for (const [address, line] of [
    ['1:2', /left out +value of 9 bytes, at the origin/],
    ['1:3', /batch +all records up to 9 \(lz4\), at the origin/],
  ] as const) {
    expect(await spillway('show', 'spend', address)).toBe(0)
    expect(out).toMatch(line)
    expect(out).toMatch(/payload +cannot be decoded: the record has no value/)
    expect(out).not.toContain('tombstone')
  }
  expect(await spillway('show', 'spend', '--all', '--where', 'type=tombstone')).toBe(0)
  expect(out.match(/^spend .*$/gm)).toEqual(['spend 0:2'])
})

test('show as JSON loses nothing', async () => {
  expect(await spillway('show', 'spend', '0:0', '--json')).toBe(0)
  expect(items()[0]).toMatchObject({
    partition: 0,
    offset: '0',
    key: 'k',
    type: 'shop.Placed',
    payload: { id: 'a\u001b[31m' },
    trail: { origin: { topic: 'orders', offset: '7' }, attempt: 5 },
  })
  expect(items()[0]!.headers).toContainEqual({ name: 'bin', value: { base64: '//4=' } })
})

test('show without an address shows the first, or as many as asked for', async () => {
  const shown = async (...args: string[]) => {
    await spillway('show', 'spend', ...args)
    return out.match(/^spend .*$/gm)
  }
  expect(await shown()).toEqual(['spend 0:0'])
  expect(await shown('--limit', '3')).toEqual(['spend 0:0', 'spend 0:1', 'spend 1:0'])
  expect(await shown('--all')).toHaveLength(4)
  expect(await shown('--all', '--where', 'fingerprint=f1', '--where', 'address=1:..')).toEqual(['spend 1:0'])
  expect(await shown('1:1', '--where', 'fingerprint=f2')).toEqual(['spend 1:1'])
  expect(await shown('1:1', '--where', 'fingerprint=f1')).toBeNull()
  expect(err).toMatch(/E_NO_LETTER/)
})

test.each([
  [['show', 'spend', '0:9'], 1, /E_NO_LETTER/],
  [['show', 'spend', 'first'], 64, /partition:offset/],
  [['show', 'spend', '--limit', '0'], 64, /--limit/],
  [['redrive', 'spent'], 64, /did you mean 'spend'/],
])('%j ends with %i', async (args, code, message) => {
  expect(await spillway(...args)).toBe(code)
  expect(err).toMatch(message)
})

test('redrive is a dry run until --execute; afterwards there is nothing left', async () => {
  expect(await spillway('redrive', 'spend')).toBe(0)
  expect(out).toContain('spend: 4 letters to spend.retry.0s')
  expect(out).toContain('2 letters  shop.Placed  decodes, has a handler')
  expect(out).toContain('1 letter  shop.Gone  decodes, has no handler')
  expect(out).toContain('1 letter  cannot be decoded now')
  expect(err).toContain('Nothing has been moved. To move them: spillway dlq redrive spend --execute')
  expect((await broker.admin().bounds('spend.retry.0s')).map(({ high }) => high)).toEqual([0n, 0n])

  expect(await spillway('redrive', 'spend', '--execute', '--reason', 'fixed in 1.2')).toBe(0)
  expect(out).toMatch(/^spend: 4 letters moved, run [0-9a-f-]{36}\n$/)
  expect((await broker.admin().bounds('spend.retry.0s')).map(({ high }) => high)).toEqual([2n, 2n])
  let recorded = ''
  await broker.reader().read({ topic: 'spend.dlq.moved', partition: 0, from: 0n, to: 1n }, record => {
    recorded = String(record.value)
  })
  expect(JSON.parse(recorded)).toMatchObject({ reason: 'fixed in 1.2', who: expect.stringMatching(/.@./), ranges: [['0', '2']] })

  expect(await spillway('redrive', 'spend', '--execute', '-o', 'json')).toBe(0)
  expect(items()[0]).toMatchObject({ group: 'spend', moved: 0, interrupted: false })
  expect(await spillway('list', 'spend')).toBe(0)
  expect(out).toMatch(/spend +0/)
})

test('a run that breaks says how far it came and how to go on', async () => {
  const { transactionalProducer } = broker
  let calls = 0
  const failing: typeof transactionalProducer = id => {
    const producer = transactionalProducer(id)
    const send: typeof producer.send = async records => {
      if (++calls === 2) throw Object.assign(new Error('no broker'), { code: 'E_BROKER_UNAVAILABLE' })
      return producer.send(records)
    }
    return { ...producer, send }
  }
  broker = { ...broker, transactionalProducer: failing }
  expect(await spillway('redrive', 'spend', '--execute')).toBe(3)
  expect(err).toContain('2 letters moved before this, and perhaps those of the transaction begun.')
  expect(err).toContain('For the rest, run again: spillway dlq redrive spend --execute')
})
