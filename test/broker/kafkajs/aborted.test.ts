import { expect, test } from 'vitest'
import type { RawMessage } from '../../../src/broker/kafkajs/internals.ts'
import { withoutAborted } from '../../../src/broker/kafkajs/patch-aborted.ts'

const zeroKey = Buffer.from([0, 0, 0, 0])
const commitKey = Buffer.from([0, 0, 0, 1])

function record(
  offset: number,
  producerId: string,
  extra: { key?: Buffer; control?: boolean; plain?: boolean } = {},
): RawMessage {
  const batchContext = { producerId, inTransaction: !extra.plain }
  return {
    offset: String(offset),
    key: extra.key ?? null,
    isControlRecord: extra.control ?? false,
    batchContext,
  } as unknown as RawMessage
}

function left(messages: RawMessage[], aborted: [producerId: string, firstOffset: number][]): number[] {
  const abortedTransactions = aborted.map(([producerId, firstOffset]) => ({ producerId, firstOffset: String(firstOffset) }))
  return withoutAborted({ messages, abortedTransactions })
    .filter(message => !message.isControlRecord)
    .map(message => Number(message.offset))
}

test('a record with four zero bytes as key does not end an aborted transaction', () => {
  const messages = [
    record(0, 'A'),
    record(1, 'A', { key: zeroKey }),
    record(2, 'A'),
    record(3, 'A', { key: zeroKey, control: true }),
    record(4, 'A'),
  ]
  expect(left(messages, [['A', 0]])).toEqual([4])
})

test('two aborted transactions that both began before the first record', () => {
  expect(left([record(10, 'B'), record(11, 'A'), record(12, 'C')], [['A', 1], ['B', 2]])).toEqual([12]) // biome-ignore format: one line
})

test('records outside transactions and of committed ones stay', () => {
  const messages = [
    record(0, 'A'),
    record(1, 'A', { plain: true }),
    record(2, 'B'),
    record(3, 'B', { key: commitKey, control: true }),
  ]
  expect(left(messages, [['A', 0]])).toEqual([1, 2])
})
