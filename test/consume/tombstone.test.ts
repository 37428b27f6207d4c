import { avroSchema, consumer, event, on, onTombstone, topic } from 'spillway'
import { expect, test } from 'vitest'
import type { Attempted, Delivery } from '../../src/consume/admission.ts'
import { createAttempt } from '../../src/consume/attempt.ts'
import { Running } from '../../src/consume/running.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { Signals } from '../../src/observe/signals.ts'
import { recordOf } from './loop-fixture.ts'

const fields = [{ name: 'id', type: 'string' }]
const schema = avroSchema<'shop.Customer', { id: string }, { id: string }>({
  name: 'shop.Customer',
  long: 'number',
  avro: { type: 'record', name: 'Customer', namespace: 'shop', fields },
})
const customers = topic('shop.customers')
const changed = event(schema, { topic: customers, key: 'id' })
const elsewhere = topic('shop.elsewhere')

test.each([
  ['of a topic of which nothing else is handled', [on(changed, () => {}), onTombstone(elsewhere, () => {})], 'no event of it'],
  ['twice', [on(changed, () => {}), onTombstone(customers, () => {}), onTombstone(customers, () => {})], 'twice'],
  ['alone', [onTombstone(customers, () => {})], 'no event of it'],
])('tombstones %s are refused', (_, handled, reason) => {
  expect(() => consumer('mirror', handled)).toThrow(
    expect.objectContaining({ code: 'E_DEFINITION', message: expect.stringContaining(reason) }),
  )
})

test('they are no subscription: the topics are those of the events', () => {
  const mirror = consumer('mirror', [onTombstone(customers, () => {}), on(changed, () => {})])
  expect(mirror.subscriptions.map(({ definition }) => definition)).toEqual([changed])
  expect(mirror.tombstones.map(({ tombstonesOf }) => tombstonesOf)).toEqual([customers])
})

async function attempted(key: Buffer | null, trail?: Partial<Delivery['trail']>): Promise<{ told: Attempted; gone: string[] }> {
  const gone: string[] = []
  const processor = consumer('mirror', [on(changed, () => {}), onTombstone(customers, one => void gone.push(one))])
  const never = () => Promise.reject(new Error('not asked'))
  const attempt = createAttempt({
    processor,
    decoder: { decode: never, preparing: () => undefined, decodeAny: never },
    outbound: () => ({ publish: never, schedule: never }),
    logger: createLogger({ level: 'silent' }),
    signals: new Signals(),
  })
  const origin = { topic: customers.name, partition: 0, offset: 7n, timestampMs: 1 }
  const record = { ...recordOf(customers.name, 7, 'a'), key, value: null }
  const delivery = {
    record,
    origin,
    attempt: 1,
    ...(trail && { trail: { origin, attempt: 0, hop: 1, redriveCount: 0, ...trail } }),
  }
  return { told: await attempt(delivery as Delivery, { calls: new Running(), isOver: false }), gone }
}

test('a handler is given the key as it is, an empty one too', async () => {
  for (const key of ['a', 'ключ', '']) {
    expect(await attempted(Buffer.from(key))).toMatchObject({ told: { kind: 'returned', type: 'tombstone' }, gone: [key] })
  }
})

test.each([
  ['without a key', null, undefined],
  ['whose key is no UTF-8', Buffer.from([0xff, 0x61]), undefined],
  ['that is a copy whose value did not fit', Buffer.from('a'), { leftOut: 'value of 9 bytes' }],
])('one %s reaches no handler', async (_, key, trail) => {
  expect(await attempted(key, trail)).toMatchObject({ told: { kind: 'undecodable', error: { code: 'E_UNDECODABLE' } }, gone: [] })
})
