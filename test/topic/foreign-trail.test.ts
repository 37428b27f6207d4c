import { expect, test } from 'vitest'
import { foreignFamilies, readForeignTrail, withoutForeignTrail } from '../../src/topic/foreign-trail.ts'
import { withTrail } from '../../src/topic/trail.ts'
import { type ForeignLetter, foreignLetters, ownHeaders } from './foreign/letters.ts'

const letter = (name: string): ForeignLetter => foreignLetters[name]!
const read = ({ headers, timestampMs }: ForeignLetter) => readForeignTrail(headers, timestampMs)

const origin = { topic: 'orders', partition: 2, offset: 5_000_000_000n, timestampMs: 1_700_000_000_123 }
const springFailure = {
  class: 'org.springframework.kafka.listener.ListenerExecutionFailedException',
  message: 'Listener failed; no such order',
}
const failures = {
  'Spring Kafka': springFailure,
  'Spring Kafka, retry topics': springFailure,
  'Kafka Streams': { class: 'java.lang.IllegalStateException', message: 'no such order' },
  'Kafka Connect': { class: 'org.apache.kafka.connect.errors.DataException', message: 'no such order' },
  SmallRye: { class: 'java.lang.IllegalStateException', message: 'still no such order' },
  'SmallRye, delayed retries': { class: 'java.lang.IllegalStateException', message: 'still no such order' },
  Karafka: undefined,
  'Karafka, before 2.5': undefined,
}

test('there is a fixture of every family', () => {
  expect(Object.keys(foreignLetters).sort()).toEqual(Object.keys(failures).sort())
  const families = Object.values(foreignLetters).map(one => read(one)?.family)
  expect(new Set(families)).toEqual(new Set(foreignFamilies))
})

test.each(Object.entries(failures))('%s: origin, failure and own headers', (name, failure) => {
  const found = read(letter(name))!
  expect(name.startsWith(found.family)).toBe(true)
  // The one of Kafka Streams comes from a test driver, which has one partition.
  expect(found.trail?.origin).toEqual(name === 'Kafka Streams' ? { ...origin, partition: 0, offset: 0n } : origin)
  if (failure) expect(found.trail).toMatchObject({ failure, attempt: 0, hop: 0, redriveCount: 0 })
  else expect(found.trail).not.toHaveProperty('failure')
  expect(withoutForeignTrail(letter(name).headers, found.family)).toEqual(ownHeaders)
})

test('an error with its class only, as Kafka Streams 4.2 writes it', () => {
  const exception = ['__streams.errors.exception', Buffer.from('java.lang.IllegalStateException: no such order')] as const
  const headers = letter('Kafka Streams').headers.map(one => (one[0] === exception[0] ? exception : one))
  expect(readForeignTrail(headers, 0)?.trail?.failure?.class).toBe('java.lang.IllegalStateException')
})

test('headers of nobody known, and of Spillway, are no foreign ones', () => {
  expect(readForeignTrail(ownHeaders, 0)).toBeUndefined()
  const trail = { origin, group: 'g', attempt: 1, hop: 1, redriveCount: 0 }
  expect(readForeignTrail(withTrail(ownHeaders, trail), 0)).toBeUndefined()
})

const changed = (name: string, header: string, value: Buffer | null) =>
  read({ ...letter(name), headers: letter(name).headers.map(one => (one[0] === header ? [header, value] : one)) })

test.each([
  ['Spring Kafka', 'kafka_dlt-original-offset', Buffer.from('5000000000')],
  ['Spring Kafka', 'kafka_dlt-original-offset', Buffer.alloc(8, 255)],
  ['Spring Kafka', 'kafka_dlt-original-partition', Buffer.alloc(3)],
  ['Spring Kafka', 'kafka_dlt-original-topic', Buffer.alloc(0)],
  ['Kafka Connect', '__connect.errors.partition', Buffer.from('-1')],
  ['Kafka Connect', '__connect.errors.partition', Buffer.from('4294967296')],
  ['Kafka Connect', '__connect.errors.offset', Buffer.from('99999999999999999999')],
  ['Kafka Streams', '__streams.errors.offset', null],
  ['Karafka', 'source_topic', null],
])('%s without a readable %s: the family is known, the origin is not', (name, header, value) => {
  expect(changed(name, header, value)).toEqual({ family: name, trail: undefined })
})

test('how often it was redriven is read from the header of a redrive', () => {
  const { headers } = letter('Karafka')
  expect(readForeignTrail([...headers, ['spillway-redrive-count', Buffer.from('2')]], 0)?.trail?.redriveCount).toBe(2)
})
