import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EncodedHeaders, HeaderWriter, headerName } from '../../src/message/encoded-headers.ts'
import { readId } from '../../src/message/envelope.ts'
import { type Header, headerText, textHeader } from '../../src/message/headers.ts'

const name = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('a', 'ce_id', 'größe', 'x'.repeat(200)))
const value = fc.option(
  fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
  { nil: null },
)
const headers: fc.Arbitrary<Header[]> = fc.array(fc.tuple(name, value), { maxLength: 12 })
/** On both sides of what takes one byte to count, and of what is looked at as ASCII; with halves of characters, which UTF-8 cannot hold. */
const text = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    '',
    'x'.repeat(21),
    'x'.repeat(22),
    '€'.repeat(21),
    '\ud800',
    'x'.repeat(63),
    'x'.repeat(64),
    'ü'.repeat(9_000),
  ),
)

test('headers keep their order, names and bytes when they are encoded', () => {
  fc.assert(
    fc.property(headers, all => {
      expect(EncodedHeaders.of(all).pairs()).toEqual(all)
    }),
  )
})

test('what is written as text is what a buffer of it holds, behind the room that was asked for', () => {
  const writer = new HeaderWriter()
  const texts = fc.array(fc.tuple(name, text), { maxLength: 12 })
  fc.assert(
    fc.property(texts, headers, (added, before) => {
      for (const [one, value] of added) writer.add(headerName(one), value)
      const own = EncodedHeaders.of(before)
      const taken = writer.take(own.count, own.bytes.length)
      taken.bytes.set(own.bytes)
      expect(taken.pairs()).toEqual([...before, ...added.map(([one, value]) => textHeader(one, value))])
    }),
  )
})

test('a text is the first one of its name that is not null', () => {
  fc.assert(
    fc.property(headers, name, (all, wanted) => {
      const found = headerText(
        all.filter(([, value]) => value !== null),
        wanted,
      )
      expect(EncodedHeaders.of(all).text(Buffer.from(wanted))).toBe(found)
    }),
  )
})

test('a message without an id is named by where it lies', () => {
  const origin = { topic: 't', partition: 1, offset: 2n, timestampMs: 3 }
  expect(readId({ headers: [['ce_id', null]] }, origin)).toBe('t/1/2')
  expect(readId({ headers: [], encodedHeaders: EncodedHeaders.of([textHeader('ce_id', 'x')]) }, origin)).toBe('x')
})
