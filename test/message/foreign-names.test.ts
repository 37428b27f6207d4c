/** Names that come from outside are data, also those that every JavaScript object has. */
import { expect, test } from 'vitest'
import { fromKafkaJs, toKafkaJs } from '../../src/broker/kafkajs/headers.ts'
import { keyOf } from '../../src/broker/kafkajs/positions.ts'
import { memoryBroker } from '../../src/broker/memory/broker.ts'
import { topic } from '../../src/message/definition.ts'
import { readEnvelope } from '../../src/message/envelope.ts'
import { type Headers, headerText } from '../../src/message/headers.ts'
import { readTrail, withTrail } from '../../src/topic/trail.ts'

const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__']
const headers: Headers = names.flatMap(name => [[name, Buffer.from('{"polluted":true}')] as const, [name, null] as const])
const origin = { topic: 'of-a-test', partition: 0, offset: 1n, timestampMs: 0 }

test('header names change no prototype, and come out as they went in', () => {
  const envelope = readEnvelope(headers, origin, 'T')
  const copy = withTrail(headers, { origin, group: 'g', attempt: 1, hop: 1, redriveCount: 0 })
  const object = toKafkaJs(headers)
  expect(copy.slice(0, headers.length)).toEqual(headers)
  expect(fromKafkaJs(object)).toEqual(headers)
  expect(Object.getPrototypeOf(object)).toBeNull()
  expect(headerText(headers, '__proto__')).toBe('{"polluted":true}')
  for (const made of [envelope, readTrail(copy)!, {}])
    expect([Object.getPrototypeOf(made), (made as { polluted?: unknown }).polluted]).toEqual([Object.prototype, undefined])
})

test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('%s names no topic and no group', name => {
  expect(() => topic(name)).toThrow(expect.objectContaining({ code: 'E_DEFINITION' }))
})

test('a foreign topic of such a name is one among others', async () => {
  const broker = memoryBroker()
  const admin = broker.admin()
  for (const name of names) await admin.createTopics([{ name, partitions: 1, replicationFactor: 1, config: {} }])
  expect(await admin.topicNames()).toEqual(names)
  expect(new Set(names.map(name => keyOf({ topic: name, partition: 0 }))).size).toBe(names.length)
})
