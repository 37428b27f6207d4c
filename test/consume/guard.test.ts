import { describe, expect, it } from 'vitest'
import type { BrokerRecord } from '../../src/broker/port.ts'
import { deliveries } from '../../src/consume/delivery.ts'
import { recordLimits, refusalOf } from '../../src/consume/guard.ts'
import type { Headers } from '../../src/message/headers.ts'
import { type Trail, withTrail } from '../../src/topic/trail.ts'

const limits = recordLimits('it', { maxRecordBytes: 1_000, maxHeaders: 10, maxHeaderBytes: 100 })

function record(rest: Partial<BrokerRecord> = {}): BrokerRecord {
  return { topic: 'source', partition: 1, offset: 7n, timestampMs: 5, key: null, value: null, headers: [], ...rest }
}

const headers = (count: number, value: Buffer | null = null, name = 'h'): Headers =>
  Array.from({ length: count }, () => [name, value] as const)
const refusal = (rest: Partial<BrokerRecord>) => refusalOf(record(rest), limits)?.message

describe('a guard', () => {
  it.each([
    ['headers', { headers: headers(10) }, { headers: headers(11) }, '11 headers, of 10 at most (limits.maxHeaders)'],
    [
      'bytes of headers, names by their bytes',
      { headers: headers(1, Buffer.alloc(98), 'ü') },
      { headers: headers(1, Buffer.alloc(99), 'ü') },
      '101 bytes of headers, of 100 at most (limits.maxHeaderBytes)',
    ],
    [
      'bytes of key, value and headers together',
      { key: Buffer.alloc(500), value: Buffer.alloc(499), headers: headers(1) },
      { key: Buffer.alloc(500), value: Buffer.alloc(500), headers: headers(1) },
      '1001 bytes, of 1000 at most (limits.maxRecordBytes)',
    ],
  ])('counts %s', (_, within, over, message) => {
    expect(refusal(within)).toBeUndefined()
    expect(refusal(over)).toBe(message)
  })

  it('looks at no header when there are too many', () => {
    const many = new Proxy(headers(11), {
      get: (target, name) => {
        if (name !== 'length') throw new Error(`it looked at ${String(name)}`)
        return target.length
      },
    })
    expect(refusal({ headers: many })).toMatch('11 headers')
  })

  it('names what an unreadable batch is', () => {
    const unreadable = { firstOffset: 3n, codec: 'lz4', bytes: 99, reason: 'no LZ4 frame' }
    expect(refusal({ unreadable })).toBe('the batch of offsets 3 to 7 (lz4, 99 bytes) cannot be read: no LZ4 frame')
  })

  it.each([0, -1, 1.5, Number.NaN])('cannot be %s', value => {
    expect(() => recordLimits('consumer c', { maxHeaders: value })).toThrow(/consumer c: limits.maxHeaders/)
  })
})

describe('a delivery', () => {
  const deliver = deliveries(new Set(['source']), limits)
  const trail: Trail = {
    origin: { topic: 'source', partition: 1, offset: 2n, timestampMs: 4 },
    group: 'g',
    attempt: 2,
    hop: 2,
    redriveCount: 0,
  }

  it('of a tier may have our own headers beside as many as a source may', () => {
    const full = headers(10, Buffer.alloc(9))
    expect(deliver(record({ topic: 'g.retry.1s', headers: withTrail(full, trail) }))).toMatchObject({ attempt: 3, trail })
    expect(deliver(record({ headers: withTrail(full, trail) })).refusal).toBeDefined()
  })

  it('of a refused copy still knows its origin', () => {
    const delivery = deliver(record({ topic: 'g.retry.1s', headers: withTrail(headers(20_000), trail) }))
    expect(delivery).toMatchObject({ origin: trail.origin, attempt: 3 })
    expect(delivery.refusal?.code).toBe('E_RECORD_REFUSED')
  })

  it('of a batch begins where the batch does', () => {
    const unreadable = { firstOffset: 3n, codec: 'gzip', bytes: 9, reason: 'x' }
    expect(deliver(record({ unreadable }))).toMatchObject({ attempt: 1, origin: { topic: 'source', partition: 1, offset: 3n } })
  })
})
