import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Encoder, withoutCopies } from '../../../src/broker/kafkajs/patch-encoder.ts'

interface Writing extends Encoder {
  writeInt32(value: number): Writing
  writeString(value: string | null): Writing
  writeBytes(value: Buffer | null): Writing
  writeVarInt(value: number): Writing
  writeArray(values: readonly Encoder[]): Writing
}

const require = createRequire(import.meta.url)
// This file never loads the library, so this is kafkajs's own.
const Original = require('kafkajs/src/protocol/encoder.js') as new () => Writing
class Patched extends Original {}
withoutCopies(Patched)

/** What is written to an encoder, encoders inside of it included. */
type Step =
  | { readonly int: number }
  | { readonly text: string | null }
  | { readonly bytes: number | null }
  | { readonly varint: number }
  | { readonly inner: readonly Step[] }
  | { readonly list: readonly (readonly Step[])[] }

const size = fc.oneof(fc.nat(40), fc.integer({ min: 8_000, max: 40_000 }))
const { steps } = fc.letrec<{ steps: Step[]; step: Step }>(tie => ({
  steps: fc.array(tie('step'), { maxLength: 5 }),
  step: fc.oneof(
    { maxDepth: 4 },
    fc.record({ int: fc.integer() }),
    fc.record({ text: fc.option(fc.string()) }),
    fc.record({ bytes: fc.option(size) }),
    fc.record({ varint: fc.nat() }),
    fc.record({ inner: tie('steps') }),
    fc.record({ list: fc.array(tie('steps'), { maxLength: 3 }) }),
  ),
}))

function written(Class: new () => Writing, all: readonly Step[]): Writing {
  const encoder = new Class()
  for (const step of all) {
    if ('int' in step) encoder.writeInt32(step.int)
    else if ('text' in step) encoder.writeString(step.text)
    else if ('bytes' in step) encoder.writeBytes(step.bytes === null ? null : Buffer.alloc(step.bytes, step.bytes))
    else if ('varint' in step) encoder.writeVarInt(step.varint)
    else if ('inner' in step) encoder.writeEncoder(written(Class, step.inner))
    else encoder.writeArray(step.list.map(inner => written(Class, inner)))
  }
  return encoder
}

test('writes what the encoder of kafkajs writes, whatever is inside of what', () => {
  fc.assert(
    fc.property(steps, fc.boolean(), (all, sizeFirst) => {
      const [theirs, ours] = [written(Original, all), written(Patched, all)]
      if (sizeFirst) expect(ours.size()).toBe(theirs.size())
      // Asked for twice, as kafkajs does to log its size.
      for (let i = 0; i < 2; i++) expect(ours.buffer.equals(theirs.buffer)).toBe(true)
      expect(ours.size()).toBe(theirs.size())
      expect(ours.writeInt32(7).buffer.equals(theirs.writeInt32(7).buffer)).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('keeps a large piece as it is, and puts all together once', () => {
  const inner = new Patched()
  inner.writeBytes(Buffer.alloc(1_000_000, 7))
  const outer = new Patched()
  outer.writeInt32(1).writeEncoder(inner)
  expect(inner.pieces?.at(-1)).toBe(outer.pieces?.find(piece => piece.length === 1_000_000))
  const { buffer } = outer
  expect(outer.buffer.buffer).toBe(buffer.buffer)
  expect(() => outer.writeEncoder({} as Encoder)).toThrow('instance of Encoder')
})
