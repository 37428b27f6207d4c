/**
 * T7: every twentieth record is poison: bytes that are no message, bombs, and messages whose handler throws whatever can be thrown
 * or never settles. The good ones are all done, each bad one is in the DLQ once, as it was sent and with its reason, and the one
 * process that handles them neither restarts nor stands still.
 */
import { expect, inject, test } from 'vitest'
import type { Header } from '../../src/message/headers.ts'
import { readTrail, withoutTrail } from '../../src/topic/trail.ts'
import { stepsOn } from '../scenarios/messages.ts'
import { until } from '../until.ts'
import { nothingDied } from './check/verdict.ts'
import { poison as poisonousHandlers } from './child/poison.ts'
import { size } from './sizes.ts'
import { entities, openStage } from './stage.ts'

test('a poison pack among good messages', async () => {
  const stage = await openStage('poison', { partitions: 3, handlerTimeoutMs: 500, workMs: 5 })
  const { fleet, dice, publishing, verdict, journal, put, processor, client, topic, encode } = stage
  const { opened } = stepsOn({ name: topic, partitions: 3 })
  const bytes = poisonousBytes(await encode(opened, { id: 'x', n: 1, note: 'a text' }), await idOfHostileSchema(topic))
  const headers: Record<string, Header[]> = { 'header-bomb': manyHeaders(5_000), 'many-headers': manyHeaders(1_000) }
  await fleet.joined(await fleet.start())

  const load = publishing({ entities: entities('entity', 100), perSecond: 400, count: size(2_000, 20_000) })
  const kinds = [...Object.keys(bytes), ...Object.keys(poisonousHandlers), 'many-headers']
  const planted: string[] = []
  const sent = new Map<string, { value: Buffer; headers: Header[] }>()
  while (planted.length < size(100, 1_000)) {
    const kind = planted.length < kinds.length ? kinds[planted.length]! : dice.pick(kinds)
    const key = `${kind}:${planted.length}`
    planted.push(key)
    await until(() => load.acked.length >= Math.min(planted.length * 20, size(1_990, 19_990)), {
      withinMs: 60_000,
      what: 'good ones',
    })
    if (kind in poisonousHandlers) {
      await client.publisher(opened).publish({ id: key, n: 1 })
      continue
    }
    // What is within the limits meets a handler that fails at every try, so that its headers go round with its copies.
    const value = bytes[kind] ?? (await encode(opened, { id: `doomed:${key}`, n: 1 }))
    sent.set(key, { value, headers: headers[kind] ?? [] })
    await put(topic, { key, ...sent.get(key)!, partition: dice.below(3) })
  }
  await load.finished
  const letters = () => journal.lines().filter(({ what }) => what === 'dead-lettered').length
  await until(() => letters() >= planted.length, { withinMs: 60_000, what: 'all letters' }).catch(() => {})
  const found = await verdict(load)
  const inDlq = (await stage.records(processor.ladder.dlq)).map(record => ({
    value: record.value,
    headers: record.headers,
    planted: String(record.key),
    kind: String(record.key).split(':')[0]!,
    trail: readTrail(record.headers)!,
  }))
  const reasons = inDlq.map(({ kind, trail: { disposition, failure } }) => `${kind}: ${disposition}, ${failure?.class}`)
  const stalls = journal.lines().flatMap(line => (line.what === 'stalled' ? [line.longestMs] : []))
  console.log(`poison: longest stall of the event loop ${Math.max(...stalls)} ms\n  ${[...new Set(reasons)].sort().join('\n  ')}`)

  expect(found).toMatchObject({ ...nothingDied, acked: size(2_000, 20_000), deadLettered: planted.length, joins: 1 })
  expect(inDlq.map(letter => letter.planted).sort()).toEqual([...planted].sort())
  for (const { planted: key, kind, value, headers: kept, trail } of inDlq) {
    expect(`${kind}: ${trail.disposition}, ${trail.failure?.class}`).toMatch(reasonOf(kind, bytes))
    if (sent.has(key)) expect({ value, headers: withoutTrail(kept) }).toEqual(sent.get(key))
    if (kind === 'header-bomb') expect(trail.failure?.message).toContain('limits.maxHeaders')
  }
  // A machine that has other things to do adds its own; unguarded, the header bomb takes 4 s and the array bomb 7.
  expect(Math.max(...stalls)).toBeLessThan(2_000)
})

function reasonOf(kind: string, bytes: Record<string, Buffer>): RegExp {
  if (kind === 'header-bomb') return /: refused, RecordRefused$/
  return kind in bytes ? /: undecodable, \w/ : /: exhausted, ./
}

function manyHeaders(count: number): Header[] {
  return Array.from({ length: count }, (_, i) => [`header-${i}`, Buffer.from('x')])
}

function poisonousBytes(good: Buffer, hostileId: number): Record<string, Buffer> {
  const framed = (id: number, body: Buffer) => {
    const frame = Buffer.alloc(5)
    frame.writeInt32BE(id, 1)
    return Buffer.concat([frame, body])
  }
  return {
    empty: Buffer.alloc(0),
    short: good.subarray(0, 4),
    'frame-only': good.subarray(0, 5),
    'wrong-magic': Buffer.concat([Buffer.from([1]), good.subarray(1)]),
    'unknown-id': framed(2_000_000_000, good.subarray(5)),
    truncated: good.subarray(0, good.length - 1),
    trailing: Buffer.concat([good, Buffer.from([1])]),
    json: Buffer.from('{"id":"x","n":1}'),
    'endless-number': Buffer.concat([good.subarray(0, 5), Buffer.alloc(64, 0xff)]),
    // So many digits that the number is none.
    'length-without-end': Buffer.concat([good.subarray(0, 5), Buffer.alloc(200, 0x80), Buffer.from([1])]),
    'no-utf-8': Buffer.concat([good.subarray(0, 5), Buffer.from([2, 0xff]), good.subarray(7)]),
    // A text that claims to be 2^62 bytes long.
    'string-bomb': Buffer.concat([good.subarray(0, 5), Buffer.from('feffffffffffffffff01', 'hex')]),
    // 2^26 items of no bytes each.
    'array-bomb': framed(hostileId, Buffer.from('027802000080808040', 'hex')),
    // With its headers it is over a guard: nobody looks into the bytes, and a good message is as bad as these.
    'header-bomb': good,
  }
}

/** A schema of the handled type, as a hostile producer may have registered it: items that take no bytes. */
async function idOfHostileSchema(topic: string): Promise<number> {
  const fields = [
    { name: 'id', type: 'string' },
    { name: 'n', type: 'int' },
    { name: 'note', type: 'string', default: '' },
    { name: 'bomb', type: { type: 'array', items: 'null' } },
  ]
  const schema = JSON.stringify({ type: 'record', name: 'Opened', namespace: 'it', fields })
  const answer = await fetch(`${inject('registryUrl')}/subjects/${topic}-hostile/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema }),
  })
  if (!answer.ok) throw new Error(`the registry refuses the hostile schema: ${answer.status} ${await answer.text()}`)
  return ((await answer.json()) as { id: number }).id
}
