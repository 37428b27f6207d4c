import { expect, test } from 'vitest'
import { fromKafkaJs, toKafkaJs } from '../../../src/broker/kafkajs/headers.ts'

const a = Buffer.from('a')
const b = Buffer.from('b')

test('an object of kafkajs becomes pairs', () => {
  expect(fromKafkaJs({ one: a, two: [a, 'b'], none: undefined, empty: null })).toEqual([
    ['one', a],
    ['two', a],
    ['two', b],
    ['none', null],
    ['empty', null],
  ])
  expect(fromKafkaJs(undefined)).toEqual([])
})

test('pairs become an object, duplicates an array', () => {
  expect({
    ...toKafkaJs([
      ['one', a],
      ['two', a],
      ['two', null],
      ['two', b],
    ]),
  }).toEqual({ one: a, two: [a, null, b] })
})

test('a header without a value counts as the first of two', () => {
  expect({
    ...toKafkaJs([
      ['one', null],
      ['one', a],
    ]),
  }).toEqual({ one: [null, a] })
})

test('names of Object.prototype are ordinary names', () => {
  const headers = toKafkaJs([
    ['__proto__', a],
    ['constructor', b],
  ])
  expect(Object.keys(headers)).toEqual(['__proto__', 'constructor'])
  expect(fromKafkaJs(headers)).toEqual([
    ['__proto__', a],
    ['constructor', b],
  ])
  expect(({} as Record<string, unknown>).a).toBeUndefined()
})
