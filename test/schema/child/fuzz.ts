/**
 * The fuzzing of fuzz.test.ts, in a process of its own, so that a hang can be ended. Argument: for how many seconds. Ends with 1 and the
 * counterexample on stderr, or with a JSON line: `{ values, decoded }`.
 */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import { codeOf } from '../../../src/errors.ts'
import { avroSchema, type MessageSchema } from '../../../src/message/schema.ts'
import { codecOf } from '../../../src/schema/codec.ts'
import { createDecoder } from '../../../src/schema/decoder.ts'
import { anySchema } from '../arbitrary.ts'

const seconds = Number(process.argv[2])
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
const mostGrownMb = 64
/** Of one value of some 100 bytes: a machine that is busy with other things is slow, not wrong. */
const mostMs = 5_000

/** Where: a fraction of the bytes that are there. */
type Damage =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'cut' | 'drop'; readonly at: number }
  | { readonly kind: 'insert' | 'overwrite'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'splice'; readonly at: number; readonly from: number }

const at = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
/** Counts and lengths that mean harm, and what a varint does not end with. */
const harmful = fc.constantFrom(
  ...[
    'feffffffffffffffff01',
    'ffffffffffffffffff01',
    '8080808040',
    '01',
    '02',
    '03',
    '7f',
    'ff',
    '8001',
    'eda080',
    'c080',
    'ffff',
  ],
  '80'.repeat(200),
)
const bytes = fc.oneof(
  harmful.map(hex => new Uint8Array(Buffer.from(hex, 'hex'))),
  fc.uint8Array({ minLength: 1, maxLength: 12 }),
)
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at, bit: fc.nat(7) }),
  fc.record({ kind: fc.constantFrom('cut' as const, 'drop' as const), at }),
  fc.record({ kind: fc.constantFrom('insert' as const, 'overwrite' as const), at, bytes }),
  fc.record({ kind: fc.constant('splice' as const), at, from: at }),
)

function damaged(body: Buffer, other: Buffer, one: Damage): Buffer {
  const place = Math.floor(one.at * (body.length + 1))
  const [before, after] = [body.subarray(0, place), body.subarray(place)]
  switch (one.kind) {
    case 'flip': {
      const copy = Buffer.from(body)
      if (place < copy.length) copy[place]! ^= 1 << one.bit
      return copy
    }
    case 'cut':
      return before
    case 'drop':
      return Buffer.concat([before, after.subarray(1)])
    case 'insert':
      return Buffer.concat([before, one.bytes, after])
    case 'overwrite':
      return Buffer.concat([before, one.bytes, after.subarray(one.bytes.length)])
    case 'splice':
      return Buffer.concat([before, other.subarray(Math.floor(one.from * other.length))])
  }
}

interface Fields {
  readonly fields: readonly { readonly name: string }[]
}

/** Ways to read what `writer` wrote: the same, with more, with fewer fields. */
function readersOf(writer: MessageSchema): MessageSchema[] {
  const { fields, ...rest } = writer.avro as Fields
  const more = [...fields, { name: 'added', type: { type: 'array', items: 'string' }, default: [] }]
  // The last of them may hold what the first ones refer to by name.
  const fewer = fields.filter((_, i) => i % 2 === 1)
  const schema = (avro: object): MessageSchema => avroSchema({ name: writer.name, long: writer.long, avro })
  return [writer, schema({ ...rest, fields: more }), schema({ ...rest, fields: fewer })].filter(isWhole)
}

/** A field that is gone may have held what others refer to by name. */
function isWhole(schema: MessageSchema): boolean {
  try {
    codecOf(schema)
    return true
  } catch {
    return false
  }
}

const written = fc
  .constantFrom('bigint' as const, 'number' as const)
  .chain(anySchema)
  .chain(({ schema, payload }) =>
    fc.record({
      schema: fc.constant(schema),
      values: fc.tuple(payload, payload),
      damages: fc.array(fc.array(damage, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 20 }),
      noise: fc.uint8Array({ maxLength: 64 }),
    }),
  )

function framed(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), body])
}

async function answered(decode: () => Promise<void>): Promise<void> {
  const { maxRSS } = process.resourceUsage()
  const startedAt = performance.now()
  try {
    await decode()
  } catch (error) {
    if (codeOf(error) !== 'E_UNDECODABLE') throw error
  }
  ok(performance.now() - startedAt < mostMs, 'it took too long')
  ok((process.resourceUsage().maxRSS - maxRSS) / 1024 < mostGrownMb, 'it took too much memory')
}

// Known when it has to be ended.
process.stderr.write(`seed ${seed}\n`)
const found = { values: 0, decoded: 0 }
await fc.assert(
  fc.asyncProperty(written, async ({ schema, values, damages, noise }) => {
    const [body, other] = values.map(value => codecOf(schema).encode(1, value).subarray(5)) as [Buffer, Buffer]
    const bodies = damages.map(all => all.reduce((made, one) => damaged(made, other, one), body))
    const registry = { schemaById: async () => JSON.stringify(schema.avro) }
    for (const reader of readersOf(schema)) {
      const { check } = codecOf(reader)
      const decoder = createDecoder(registry, [reader])
      const good = await decoder.decode(framed(body))
      strictEqual(good.kind, 'message')
      for (const one of [Buffer.from(noise), ...bodies]) {
        found.values++
        await answered(async () => {
          const decoded = await decoder.decode(framed(one))
          if (decoded.kind !== 'message') throw new Error('a reader was lost')
          check(decoded.payload)
          found.decoded++
        })
        await answered(async () => void (await decoder.decodeAny(framed(one))))
      }
      // What was wrong with these is nothing to the next one.
      deepStrictEqual(await decoder.decode(framed(body)), good)
    }
  }),
  { numRuns: 10_000_000, seed, interruptAfterTimeLimit: seconds * 1_000 },
)
process.stdout.write(`${JSON.stringify(found)}\n`)
