import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EncodedHeaders } from '../../src/message/encoded-headers.ts'
import type { Header, Headers } from '../../src/message/headers.ts'
import { LetterHeaders, redrivenBy } from '../../src/topic/redriven-trail.ts'
import { readTrail, type Trail, withTrail } from '../../src/topic/trail.ts'

const bytes: fc.Arbitrary<Buffer> = fc.uint8Array({ maxLength: 200 }).map(array => Buffer.from(array))
const own: fc.Arbitrary<Header> = fc.tuple(
  fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('ce_id', '__proto__', 'größe', 'spillway', 'x'.repeat(200))),
  fc.option(bytes, { nil: null }),
)
const ownHeaders = fc.array(own, { maxLength: 8 }).map(headers => headers.filter(([name]) => !name.startsWith('spillway-')))
const text = fc.string({ maxLength: 60 })
const count = fc.nat(2 ** 40)
/** Whatever a trail may have: what is added to it must be added here, and is compared then. */
const trail: fc.Arbitrary<Trail> = fc.record(
  {
    origin: fc.record({ topic: text, partition: fc.nat(), offset: count.map(BigInt), timestampMs: count }),
    group: text,
    attempt: fc.nat(),
    hop: fc.nat(),
    redriveCount: fc.nat(5),
    firstFailedAtMs: count,
    dueAtMs: count,
    untilMs: count,
    failure: fc.record({ class: text, message: text, stack: fc.string({ maxLength: 9_000 }), fingerprint: text }),
    disposition: fc.constantFrom('exhausted', 'rejected', 'expired'),
    redriveId: text,
    batchLastOffset: count.map(BigInt),
    batchCodec: text,
    leftOut: text,
  } satisfies { [Name in keyof Required<Trail>]: unknown },
  { requiredKeys: ['origin', 'group', 'attempt', 'hop', 'redriveCount'] },
)

function letterHeaders(headers: Headers): LetterHeaders {
  return LetterHeaders.of({ headers, encodedHeaders: EncodedHeaders.of(headers) })
}

test('whatever stands in a trail is read as it was written, beside whatever headers a record has', () => {
  fc.assert(
    fc.property(ownHeaders, trail, fc.boolean(), (headers, written, twice) => {
      const copy = withTrail(headers, written)
      const { failure } = readTrail(copy)!
      expect(readTrail(twice ? withTrail(copy, written) : copy)).toEqual({ ...written, ...(failure && { failure }) })
      expect(failure?.fingerprint).toBe(written.failure?.fingerprint)
      expect(written.failure?.stack.startsWith(failure?.stack ?? '')).toBe(written.failure && true)
    }),
  )
})

test('a copy has the headers that reading the trail and writing another would give it', () => {
  fc.assert(
    fc.property(ownHeaders, trail, fc.boolean(), (headers, before, ownGroup) => {
      const letter = withTrail(headers, before)
      const { disposition: _, dueAtMs: _due, untilMs: _until, ...kept } = readTrail(letter)!
      const group = ownGroup ? kept.group : 'given'
      const redriveCount = before.redriveCount + 1
      const { batchLastOffset: _last, batchCodec: _codec, leftOut: _left, ...whole } = kept
      const expected = withTrail(letter, { ...whole, group, attempt: 0, hop: before.hop + 1, redriveId: 'run', redriveCount })
      const copy = redrivenBy('run', ownGroup ? undefined : 'given')(letterHeaders(letter)).pairs()
      expect(readTrail(copy)).toEqual(readTrail(expected))
      expect(copy.slice(0, headers.length)).toEqual(headers)
      expect(new Set(copy.map(([name]) => name))).toEqual(new Set(expected.map(([name]) => name)))
      expect(copy).toHaveLength(expected.length)
    }),
  )
})

test('it is told of a letter what its trail tells', () => {
  fc.assert(
    fc.property(ownHeaders, trail, fc.nat(20), (headers, before, lost) => {
      // Without one of them there may be no trail.
      const letter = withTrail(headers, before).toSpliced(headers.length + lost, 1)
      const found = readTrail(letter)
      const told = letterHeaders(letter)
      expect(told.hasTrail).toBe(found !== undefined)
      if (!found) return
      const { hop, redriveCount, leftOut, batchLastOffset } = found
      expect(told).toMatchObject({ hop, redriveCount, lacksItsValue: leftOut !== undefined || batchLastOffset !== undefined })
    }),
  )
})

test('headers that are no part of a trail, or its second time, do not reach the copy', () => {
  const odd: Headers = [
    ['spillway-origin-topic', Buffer.from('first')],
    ['own', null],
    ['spillway-', Buffer.from('x')],
    ['spillway-future', Buffer.from('x')],
    ['spillway-origin-partition', Buffer.from('1')],
    ['spillway-origin-topic', Buffer.from('second')],
    ['spillway-origin-offset', Buffer.from('2')],
    ['spillway-disposition', Buffer.from('exhausted')],
    ['own', Buffer.from([255])],
  ]
  const copy = redrivenBy('run', 'g')(letterHeaders(odd)).pairs()
  expect(copy.map(([name, value]) => `${name}=${value?.toString('latin1') ?? null}`)).toEqual([
    'own=null',
    'own=\u00ff',
    'spillway-origin-topic=first',
    'spillway-origin-partition=1',
    'spillway-origin-offset=2',
    'spillway-group=g',
    'spillway-attempt=0',
    'spillway-hop=1',
    'spillway-redrive-id=run',
    'spillway-redrive-count=1',
  ])
})

test.each([
  ['spillway-disposition', 'oversize', true],
  ['spillway-disposition', 'exhausted', false],
  ['spillway-left-out', 'value of 9 bytes', true],
  ['spillway-batch-last-offset', '7', true],
])('%s: %s says whether the letter has what it is about', (name, value, lacksItsValue) => {
  expect(letterHeaders([[name, Buffer.from(value)]])).toMatchObject({ lacksItsValue, hasTrail: false, redriveCount: 0 })
})
