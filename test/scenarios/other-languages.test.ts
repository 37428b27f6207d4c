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
  ],
}
const ParcelSchema = avroSchema<'it.Parcel', Parcel, Parcel>({ name: 'it.Parcel', long: 'bigint', avro })

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
  }),
)

/** As the Python side writes it: see there. */
function told({ big, blob, tags, at, ...rest }: Parcel): Record<string, unknown> {
  const counts = Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, String(value)]))
  return { ...rest, big: String(big), blob: blob.toString('hex'), tags: counts, at: String(at.getTime()) }
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
  const { client, prepare, run, drained, records } = await openScenario()
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
})

function byId(a: { id?: unknown }, b: { id?: unknown }): number {
  return String(a.id) < String(b.id) ? -1 : 1
}
