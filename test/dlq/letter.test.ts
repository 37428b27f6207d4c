import { expect, test } from 'vitest'
import { letterOf } from '../../src/dlq/letter.ts'
import { readTrail } from '../../src/topic/trail.ts'

const trail = {
  origin: { topic: 'orders', partition: 3, offset: 42n, timestampMs: 1_700_000_000_000 },
  group: 'spend',
  attempt: 5,
  hop: 4,
  redriveCount: 0,
  disposition: 'exhausted',
} as const

test('a letter keeps the bytes and the own headers of its record, in order', () => {
  const key = Buffer.from([0xff, 0x00])
  const value = Buffer.from([0, 0, 0, 0, 1, 0xfe])
  const own = [
    ['b', Buffer.from('1')],
    ['a', null],
    ['b', Buffer.from([0xff])],
    ['__proto__', Buffer.from('x')],
  ] as const
  const letter = letterOf({ key, value, headers: own }, trail, 'spend.dlq', 3)
  expect(letter).toMatchObject({ topic: 'spend.dlq', partition: 3 })
  expect(letter.key).toBe(key)
  expect(letter.value).toBe(value)
  expect(letter.headers.slice(0, own.length)).toEqual(own)
  expect(readTrail(letter.headers)).toEqual(trail)
})

test('the trail of an earlier hop is replaced, not repeated', () => {
  const once = letterOf({ key: null, value: null, headers: [['x', null]] }, { ...trail, attempt: 1 }, 'spend.dlq', 3)
  const twice = letterOf({ key: null, value: null, headers: once.headers }, trail, 'spend.dlq', 3)
  expect(twice.headers.filter(([name]) => name === 'spillway-attempt')).toHaveLength(1)
  expect(readTrail(twice.headers)?.attempt).toBe(5)
})
