/**
 * A service in Python, with Confluent's client and its Avro serializer, and one of ours share a topic and a registry: each handles what
 * the other has written, to the last bit, and an entity has one partition, whoever publishes. Skipped where there is no Python.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { avroSchema, consumer, event, on, topic } from 'spillway'
import { expect, inject, test } from 'vitest'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { pythonWithKafka } from './python/environment.ts'

interface Parcel {
  id: string
  n: number
  big: bigint
  text: string
  note: string | null
  blob: Buffer
  tags: Record<string, bigint>
  kind: 'SMALL' | 'LARGE'
  place: { lat: number; names: string[] }
  at: Date
  paid: boolean
  price: string
  weight: string
  code: Buffer
  trace: string
  batch: string
}

const place = {
  type: 'record',
  name: 'Place',
  fields: [
    { name: 'lat', type: 'double' },
    { name: 'names', type: { type: 'array', items: 'string' } },
  ],
}
const avro = {
  type: 'record',
  name: 'Parcel',
  namespace: 'it',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'n', type: 'int' },
    { name: 'big', type: 'long' },
    { name: 'text', type: 'string' },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'blob', type: 'bytes' },
    { name: 'tags', type: { type: 'map', values: 'long' } },
    { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['SMALL', 'LARGE'] } },
    { name: 'place', type: place },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'paid', type: 'boolean' },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 38, scale: 2 } },
    { name: 'weight', type: { type: 'fixed', name: 'Weight', size: 16, logicalType: 'decimal', precision: 38, scale: 6 } },
    { name: 'code', type: { type: 'fixed', name: 'Code', size: 4 } },
    { name: 'trace', type: { type: 'string', logicalType: 'uuid' } },
    { name: 'batch', type: { type: 'fixed', name: 'Batch', size: 16, logicalType: 'uuid' } },
  ],
}
const ParcelSchema = avroSchema<'it.Parcel', Parcel, Parcel>({ name: 'it.Parcel', long: 'bigint', avro })

const nines = `${'9'.repeat(32)}.999999`
const uuid = (n: number) => `00ff80${n.toString(16).padStart(2, '0')}-7f00-4abc-8def-0123456789ab`

const parcels = ['a', 'b', 'order-17', '536365', 'ключ', '漢字😀', ' ', 'x'.repeat(200)].map(
  (id, i): Parcel => ({
    id,
    n: i % 2 ? 2 ** 31 - 1 : -(2 ** 31),
    big: [2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n, 0n][i % 4]!,
    text: ['', 'plain', 'naïve \u0000 text', '漢字 😀 \uffff'][i % 4]!,
    note: i % 3 ? null : `note ${i}`,
    blob: Buffer.from(Array.from({ length: i * 100 }, (_, at) => at % 256)),
    tags: i % 2 ? {} : { é: BigInt(i), constructor: 2n ** 60n + 1n },
    kind: i % 2 ? 'SMALL' : 'LARGE',
    place: { lat: [0.1, -1e300, 5e-324, 51.5][i % 4]!, names: i % 2 ? [] : ['Zürich', ''] },
    at: new Date(i * 86_400_000 * 365 + 123),
    paid: i % 2 === 0,
    // 128 and -128, where two's complement takes a byte more or not, and the most that fits.
    price: ['0.00', '-0.01', '1.28', '-1.28', '12.50', `-${'9'.repeat(36)}.99`, `${'9'.repeat(36)}.99`, '2.55'][i]!,
    weight: ['0.000000', '-0.000001', '0.000128', '-0.000128', '12.500000', `-${nines}`, nines, '1.000000'][i]!,
    code: Buffer.from([i, 0, 255, 128]),
    trace: uuid(i),
    batch: uuid(255 - i),
  }),
)

/** As the Python side writes it: see there. */
function told({ big, blob, tags, at, code, ...rest }: Parcel): Record<string, unknown> {
  const counts = Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, String(value)]))
  const hex = { blob: blob.toString('hex'), code: code.toString('hex') }
  return { ...rest, ...hex, big: String(big), tags: counts, at: String(at.getTime()) }
}

interface Seen {
  readonly key: string
  readonly partition: number
  readonly headers: Record<string, string>
  readonly parcel: Record<string, unknown> | null
}

function ask<T>(python: string, asked: object): Promise<T> {
  const script = fileURLToPath(new URL('python/peer.py', import.meta.url))
  return new Promise((resolve, reject) => {
    const child = execFile(python, [script], { timeout: 60_000, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      error ? reject(new Error(`${error.message}\n${stderr}`)) : resolve(JSON.parse(stdout) as T),
    )
    child.stdin!.end(JSON.stringify(asked))
  })
}

test('Python and we read each other, and agree on the partition', { timeout: 300_000 }, async ({ skip }) => {
  const python = await pythonWithKafka()
  if (python.missing !== undefined) {
    console.log(`other languages: SKIPPED, ${python.missing}`)
    return skip(python.missing)
  }
  const { client, prepare, run, drained, records, trails } = await openScenario()
  const shipped = event(ParcelSchema, { topic: topic(unique('parcels'), { partitions: 7, subjects: 'topic' }), key: 'id' })
  const handled: { parcel: Parcel; id: string; source: string; partition: number }[] = []
  const reader = consumer(unique('reader'), [
    on(shipped, (parcel, { id, source, origin }) => {
      handled.push({ parcel, id, source, partition: origin.partition })
    }),
  ])
  await prepare([reader])
  const about = { brokers: inject('brokers').join(), registry: inject('registryUrl'), topic: shipped.topic.name }
  const schema = JSON.stringify(avro)

  // Every second one with headers of ours, as a service that wants its ids kept would send them.
  const sent = parcels.map((parcel, i) => ({
    ...told(parcel),
    ...(i % 2 && { headers: { ce_id: `py-${i}`, ce_source: 'python' } }),
  }))
  const written = await ask<Seen[]>(python.path, { do: 'produce', ...about, schema, parcels: sent })
  await run([reader])
  await drained(reader)
  expect(handled.map(({ parcel }) => told(parcel)).sort(byId)).toEqual(parcels.map(told).sort(byId))
  for (const { parcel, id, source, partition } of handled) {
    const i = parcels.findIndex(one => one.id === parcel.id)
    const { offset } = (await records(about.topic)).find(({ key }) => key!.toString() === parcel.id)!
    expect([id, source]).toEqual(i % 2 ? [`py-${i}`, 'python'] : [`${about.topic}/${partition}/${offset}`, about.topic])
  }

  for (const parcel of parcels) {
    const { partition } = await client.publisher(shipped).publish(parcel)
    expect([parcel.id, partition]).toEqual([parcel.id, written.find(({ key }) => key === parcel.id)!.partition])
  }
  await client.publisher(shipped).publishTombstone('a')
  const seen = await ask<Seen[]>(python.path, { do: 'consume', ...about, schema, count: 2 * parcels.length + 1 })
  const ours = seen.filter(({ headers }) => headers.ce_source === 'scenario')
  const gone = ours.filter(({ parcel }) => parcel === null)
  expect(gone.map(({ key }) => key)).toEqual(['a'])
  const read = ours.flatMap(({ parcel }) => (parcel === null ? [] : [parcel]))
  expect(read.sort(byId)).toEqual(parcels.map(told).sort(byId))
  expect(new Set(parcels.map(({ id }) => written.find(({ key }) => key === id)!.partition)).size).toBeGreaterThan(2)

  // Confluent's other framing, as its own serializer writes it: the schema is named by a GUID in a header.
  await ask<Seen[]>(python.path, { do: 'produce', ...about, schema, parcels: sent.slice(0, 2), framing: 'header' })
  await drained(reader)
  const letters = await records(reader.ladder.dlq)
  expect(letters.map(({ headers }) => headers.find(([name]) => name === '__value_schema_id')?.[1])).toEqual(
    Array(2).fill(expect.objectContaining({ length: 17, 0: 1 })),
  )
  expect(await trails(reader.ladder.dlq)).toMatchObject(
    Array(2).fill({ disposition: 'undecodable', failure: { message: expect.stringContaining('named by a GUID in the header') } }),
  )
})

function byId(a: { id?: unknown }, b: { id?: unknown }): number {
  return String(a.id) < String(b.id) ? -1 : 1
}
