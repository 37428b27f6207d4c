/**
 * Dead letters of other frameworks. Those of Spring Kafka 3.3.5, Kafka Streams and Kafka Connect 4.3.1 were made by their own classes
 * (ForeignLetters.java); those of SmallRye 4 and Karafka 2.5 are written down from what their sources do.
 */
import { readFileSync } from 'node:fs'
import type { Header, Headers } from '../../../src/message/headers.ts'

export interface ForeignLetter {
  readonly key: Buffer
  readonly value: Buffer
  readonly timestampMs: number
  readonly headers: Headers
}

interface Written {
  readonly timestampMs: number | null
  readonly key: string
  readonly value: string
  readonly headers: readonly [name: string, value: string | null][]
}

const written = JSON.parse(readFileSync(new URL('letters.json', import.meta.url), 'utf8')) as Record<string, Written>
const bytes = (text: string) => Buffer.from(text, 'base64')
const made = ({ timestampMs, key, value, headers }: Written): ForeignLetter => ({
  timestampMs: timestampMs ?? 1_700_000_099_000,
  key: bytes(key),
  value: bytes(value),
  headers: headers.map(([name, of]) => [name, of === null ? null : bytes(of)]),
})

/** The record's own headers in all of them. */
export const ownHeaders: Headers = [
  ['ce_id', Buffer.from('m1')],
  ['odd', null],
  ['odd', Buffer.from([255])],
]
const text = (values: Readonly<Record<string, string>>): Header[] =>
  Object.entries(values).map(([name, value]) => [name, Buffer.from(value)])
const put = (headers: Headers): ForeignLetter => ({ ...made(written['Kafka Connect']!), headers })

const smallRye = (prefix: string, topic: string, offset: string, reason: string) =>
  text({
    [`${prefix}-exception-class-name`]: 'java.lang.IllegalStateException',
    [`${prefix}-reason`]: reason,
    [`${prefix}-topic`]: topic,
    [`${prefix}-partition`]: '2',
    [`${prefix}-offset`]: offset,
  })
const karafka = (prefix: string) =>
  text({
    [`${prefix}_topic`]: 'orders',
    [`${prefix}_partition`]: '2',
    [`${prefix}_offset`]: '5000000000',
    [`${prefix}_consumer_group`]: 'billing',
    [`${prefix}_attempts`]: '3',
  })

export const foreignLetters: Readonly<Record<string, ForeignLetter>> = {
  ...Object.fromEntries(Object.entries(written).map(([name, letter]) => [name, made(letter)])),
  // What it adds it puts before what it found, so a letter of a letter has two of each, the latest first.
  SmallRye: put([
    ...smallRye('dead-letter', 'orders-again', '7', 'still no such order'),
    ...smallRye('dead-letter', 'orders', '5000000000', 'no such order'),
    ...ownHeaders,
  ]),
  'SmallRye, delayed retries': put([
    ...smallRye('dead-letter', 'orders_retry_10000', '9', 'still no such order'),
    ...smallRye('delayed-retry', 'orders_retry_5000', '8', 'still no such order'),
    ...smallRye('delayed-retry', 'orders', '5000000000', 'no such order'),
    ...ownHeaders,
  ]),
  Karafka: put([...ownHeaders, ...karafka('source'), ...text({ source_trace_id: 'f00' })]),
  'Karafka, before 2.5': put([...ownHeaders, ...karafka('original')]),
}
