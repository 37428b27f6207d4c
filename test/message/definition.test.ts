import { describe, expect, expectTypeOf, test } from 'vitest'
import { consumer, on, worker } from '../../src/consume/processor.ts'
import { type EventDefinition, event, type JobDefinition, job, type KeyOf, topic } from '../../src/message/definition.ts'
import { avroSchema } from '../../src/message/schema.ts'

type In = {
  id: string
  n: number
  note?: string | null
  maybe: string | null
  lines: string[]
  at: Date
  big: bigint
  yes: boolean
}
type Out = {
  id: string
  n: number
  note: string | null
  maybe: string | null
  lines: string[]
  at: Date
  big: bigint
  yes: boolean
}
const fields = ['id', 'n', 'note', 'maybe', 'lines', 'at', 'big', 'yes'].map(name => ({ name, type: 'string' }))
const Placed = avroSchema<'shop.Placed', In, Out>({
  name: 'shop.Placed',
  long: 'bigint',
  avro: { type: 'record', name: 'Placed', fields },
})
const placed = event(Placed, { topic: 'orders', key: 'id' })
const mail = job(Placed, { topic: topic('mails'), key: 'n' })
const refused = expect.objectContaining({ code: 'E_DEFINITION' })

describe('a definition', () => {
  test('is a frozen value', () => {
    expect(placed).toMatchObject({ kind: 'event', type: 'shop.Placed', key: 'id', topic: { name: 'orders', partitions: 6 } })
    expect(mail.kind).toBe('job')
    expect([placed, placed.topic, placed.topic.config].every(Object.isFrozen)).toBe(true)
  })

  test('says how its subject is named: one type for a plain name, several for a topic()', () => {
    expect(placed.topic.subjects).toBe('topic')
    expect(mail.topic.subjects).toBe('topic-record')
    expect(topic('t', { subjects: 'topic' }).subjects).toBe('topic')
  })

  test.each(['', '.', '..', 'a b', 'ü', 'x'.repeat(250)])('refuses the topic name %j', name => {
    expect(() => topic(name)).toThrow(refused)
  })

  test.each([0, -1, 1.5, Number.NaN])('refuses %d partitions', partitions => {
    expect(() => topic('t', { partitions })).toThrow(refused)
  })

  test('refuses a key that the schema does not have, naming those it has', () => {
    expect(() => event(Placed, { topic: 't', key: 'nope' as 'id' })).toThrow(/nope.*id, n, note/)
  })
})

describe('processors', () => {
  test('refuse what cannot work', () => {
    expect(() => consumer('c', [])).toThrow(refused)
    expect(() => consumer('c', [on(placed, () => {}), on(placed, () => {})])).toThrow(refused)
    expect(() => worker('w', mail, () => {}, { concurrency: 0 })).toThrow(refused)
    expect(() => worker('bad name', mail, () => {})).toThrow(refused)
  })
})

test('mistakes are compile errors', () => {
  expect(mistakes).toBeTypeOf('function')
})

/** Never called: the compiler is the test. */
function mistakes() {
  expectTypeOf<KeyOf<In>>().toEqualTypeOf<'id' | 'n' | 'big' | 'yes'>()
  expectTypeOf(placed).toEqualTypeOf<EventDefinition<In, Out>>()
  expectTypeOf(mail).toEqualTypeOf<JobDefinition<In, Out>>()
  on(placed, payload => expectTypeOf(payload).toEqualTypeOf<Out>())

  // @ts-expect-error a list is no key
  event(Placed, { topic: 't', key: 'lines' })
  // @ts-expect-error nor is a date: its text depends on who writes it
  event(Placed, { topic: 't', key: 'at' })
  // @ts-expect-error a key must not be null
  event(Placed, { topic: 't', key: 'maybe' })
  // @ts-expect-error nor be left out
  event(Placed, { topic: 't', key: 'note' })
  // @ts-expect-error no such field
  event(Placed, { topic: 't', key: 'nope' })
  // @ts-expect-error no such field in the payload
  on(placed, payload => payload.nope)
  // @ts-expect-error a number is no string
  on(placed, payload => payload.n.toUpperCase())
  // @ts-expect-error a worker does jobs
  worker('w', placed, () => {})
  // @ts-expect-error a consumer handles events
  on(mail, () => {})
  // @ts-expect-error no duration
  worker('w', mail, () => {}, { handlerTimeout: '15 minutes' })
  // @ts-expect-error no duration
  consumer('c', [on(placed, () => {})], { retry: { tiers: ['soon'] } })
}
