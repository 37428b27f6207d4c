import { expect, test } from 'vitest'
import { type Envelope, readEnvelope, writeEnvelope } from '../../src/message/envelope.ts'
import { type Header, headerNumber, headerText, textHeader } from '../../src/message/headers.ts'

const origin = { topic: 'orders', partition: 3, offset: 42n, timestampMs: 1_700_000_000_000 }
const full: Envelope = {
  id: 'i',
  source: 'shop',
  type: 'retail.OrderPlaced',
  time: new Date('2026-11-22T10:00:00.123Z'),
  correlationId: 'c',
  causationId: 'b',
  traceparent: '00-1-2-01',
}

test('what is written is read', () => {
  expect(readEnvelope(writeEnvelope(full, '7'), origin, full.type)).toEqual(full)
})

test('headers are CloudEvents in binary mode', () => {
  const headers = Object.fromEntries(writeEnvelope(full, '7').map(([name, value]) => [name, String(value)]))
  expect(headers).toMatchObject({
    ce_specversion: '1.0',
    ce_id: 'i',
    ce_source: 'shop',
    ce_type: 'retail.OrderPlaced',
    ce_time: '2026-11-22T10:00:00.123Z',
    ce_dataschema: '7',
    ce_correlationid: 'c',
    ce_causationid: 'b',
    'content-type': 'application/avro',
    traceparent: '00-1-2-01',
  })
})

test('a record of a stranger is named by where it lies', () => {
  expect(readEnvelope([], origin, 'T')).toEqual({
    id: 'orders/3/42',
    source: 'orders',
    type: 'T',
    time: new Date(origin.timestampMs),
  })
})

test('the type is what the writer schema says, whatever the header claims, and a time that is none is the record time', () => {
  const headers: Header[] = [textHeader('ce_type', 'Lie'), textHeader('ce_time', 'yesterday'), ['ce_id', null]]
  expect(readEnvelope(headers, origin, 'T')).toEqual({
    id: 'orders/3/42',
    source: 'orders',
    type: 'T',
    time: new Date(origin.timestampMs),
  })
})

test('headers are read by their first value, numbers only when they are whole and safe', () => {
  const headers: Header[] = [
    textHeader('a', '1'),
    textHeader('a', '2'),
    textHeader('b', '-1'),
    textHeader('c', '9'.repeat(16)),
    ['d', null],
  ]
  expect(headerText(headers, 'a')).toBe('1')
  expect(['a', 'b', 'c', 'd', 'e'].map(name => headerNumber(headers, name))).toEqual([
    1,
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})
