/**
 * Three versions of a schema over one topic, deployed one after the other, and two consumers that were built at the first and the last
 * of them: every handler call has the shape that its consumer was compiled against, live and in a replay of all of it.
 */
import { avroSchema, consumer, event, on, replay, topic } from 'spillway'
import { expect, inject, test, vi } from 'vitest'
import { registerSchemas } from '../../src/schema/register.ts'
import { subjectOf } from '../../src/schema/subject.ts'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'

type Status = 'OPEN' | 'PAID'
interface First {
  id: string
  n: number
  note: string
  status: Status
}
interface Second {
  id: string
  n: number
  amount: number
  status: Status
}
interface Third {
  id: string
  n: number
  /** In cents. Was `amount`, an int. */
  total: bigint
  status: Status | 'REFUNDED'
  lines: { sku: string }[]
}

const version = <Payload>(long: 'number' | 'bigint', ...fields: object[]) =>
  avroSchema<'it.Invoice', Payload, Payload>({
    name: 'it.Invoice',
    long,
    avro: {
      ...{ type: 'record', name: 'Invoice', namespace: 'it' },
      fields: [{ name: 'id', type: 'string' }, { name: 'n', type: 'int' }, ...fields],
    },
  })
const status = (...symbols: string[]) => ({ name: 'status', type: { type: 'enum', name: 'Status', symbols, default: 'OPEN' } })
const line = { type: 'record', name: 'Line', fields: [{ name: 'sku', type: 'string' }] }
/** `note` has a default, so that it can be taken away while this version still reads. */
const first = version<First>('number', { name: 'note', type: 'string', default: 'none' }, status('OPEN', 'PAID'))
const second = version<Second>('number', { name: 'amount', type: 'int', default: 7 }, status('OPEN', 'PAID'))
const third = version<Third>(
  'bigint',
  { name: 'total', type: 'long', aliases: ['amount'], default: 8 },
  status('OPEN', 'PAID', 'REFUNDED'),
  { name: 'lines', type: { type: 'array', items: line }, default: [] },
)

test('whatever version wrote it, each consumer gets its own shape', async () => {
  const { client, registry, prepare, run, drained, heard, records } = await openScenario()
  const invoices = topic(unique('invoices'), { partitions: 3 })
  const builds = {
    first: event(first, { topic: invoices, key: 'id' }),
    second: event(second, { topic: invoices, key: 'id' }),
    third: event(third, { topic: invoices, key: 'id' }),
  }
  const seen = { old: [] as object[], new: [] as object[], replayed: [] as object[] }
  let isReplaying = false
  const old = consumer(unique('old'), [on(builds.first, payload => void seen.old.push(payload))])
  const latest = consumer(unique('new'), [
    on(builds.third, (payload, { isReplay }) => {
      expect(isReplay).toBe(isReplaying)
      seen[isReplay ? 'replayed' : 'new'].push(payload)
    }),
  ])
  const bad = [heard('message.retried'), heard('message.deadLettered'), heard('message.skipped'), heard('schema.unreadable')]
  const register = (schema: typeof first | typeof second | typeof third) =>
    registerSchemas(registry, [{ subject: subjectOf(invoices.name, schema.name, invoices.subjects), schema }])
  const ids = ['a', 'b', 'c', 'd']
  /** All builds that are deployed by now, at the same time. */
  const publish = async (n: number, deployed: number) => {
    const sending = ids.flatMap(id => [
      client.publisher(builds.first).publish({ id, n, note: `by ${id}`, status: 'PAID' }),
      ...(deployed > 1 ? [client.publisher(builds.second).publish({ id, n, amount: 100 + n, status: 'PAID' })] : []),
      ...(deployed > 2
        ? [client.publisher(builds.third).publish({ id, n, total: 2n ** 60n, status: 'REFUNDED', lines: [{ sku: 'x' }] })]
        : []),
    ])
    await Promise.all(sending)
  }

  await prepare([old])
  await run([old])
  await publish(1, 1)
  await drained(old)
  await register(second)
  await publish(2, 2)
  await drained(old)
  await register(third)
  await prepare([latest])
  await run([latest])
  await publish(3, 3)
  await Promise.all([drained(old), drained(latest)])

  const byOld = (id: string) => [
    ...[1, 2, 3].map(n => ({ id, n, note: `by ${id}`, status: 'PAID' })),
    ...[2, 3].map(n => ({ id, n, note: 'none', status: 'PAID' })),
    // A symbol that it does not know.
    { id, n: 3, note: 'none', status: 'OPEN' },
  ]
  const byNew = (id: string) => [
    ...[1, 2, 3].map(n => ({ id, n, total: 8n, status: 'PAID', lines: [] })),
    ...[2, 3].map(n => ({ id, n, total: BigInt(100 + n), status: 'PAID', lines: [] })),
    { id, n: 3, total: 2n ** 60n, status: 'REFUNDED', lines: [{ sku: 'x' }] },
  ]
  const sorted = (payloads: object[]) => payloads.map(payload => shown(payload)).sort()
  expect(sorted(seen.old)).toEqual(sorted(ids.flatMap(byOld)))
  expect(sorted(seen.new)).toEqual(sorted(ids.flatMap(byNew)))

  vi.stubEnv('KAFKA_BROKERS', inject('brokers').join(','))
  vi.stubEnv('SCHEMA_REGISTRY_URL', inject('registryUrl'))
  vi.stubEnv('LOG_LEVEL', 'silent')
  isReplaying = true
  expect(await replay(latest, { from: 'start' })).toMatchObject({ handled: 4 * 6, file: undefined })
  expect(sorted(seen.replayed)).toEqual(sorted(ids.flatMap(byNew)))
  expect(bad).toEqual([[], [], [], []])
  expect(await records(old.ladder.dlq)).toEqual([])
})

/** With the names of its fields, and bigints told from numbers. */
function shown(payload: object): string {
  return JSON.stringify(payload, (_name, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
}
