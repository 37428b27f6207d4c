/** A pair of writer and reader is worked out once, whoever meets it and how often, and told once when it cannot be. */
import { expect, test, vi } from 'vitest'
import { Undecodable } from '../../src/errors.ts'
import { avroSchema, type MessageSchema } from '../../src/message/schema.ts'
import * as avroTypes from '../../src/schema/avro-type.ts'
import * as compatibility from '../../src/schema/compatibility.ts'
import { createDecoder, type Unreadable } from '../../src/schema/decoder.ts'

const record = (fields: unknown[], name = 'R', more: object = {}): MessageSchema =>
  avroSchema({ name: `test.${name}`, long: 'bigint', avro: { type: 'record', name, namespace: 'test', ...more, fields } })
const frame = (body: number[], id = 1) => Buffer.from([0, 0, 0, 0, id, ...body])
const text = record([{ name: 'x', type: 'string' }])
const whole = record([{ name: 'x', type: 'int' }])

function told() {
  const unreadable: Unreadable[] = []
  return { unreadable, tell: (one: Unreadable) => void unreadable.push(one) }
}

test('a hundred records of a new schema: one look-up, one schema compiled, one alarm', async () => {
  const compiled = vi.spyOn(avroTypes, 'writerType')
  const answer = Promise.withResolvers<string>()
  const schemaById = vi.fn(() => answer.promise)
  const { unreadable, tell } = told()
  const decoder = createDecoder({ schemaById }, [whole], tell)
  const decoding = Array.from({ length: 100 }, async () => decoder.decode(frame([0])))
  const outcomes = Promise.allSettled(decoding)
  answer.resolve(JSON.stringify(text.avro))
  expect(new Set((await outcomes).map(({ status }) => status))).toEqual(new Set(['rejected']))
  expect(() => decoder.decode(frame([0]))).toThrow('x: cannot read string as int')
  expect(schemaById).toHaveBeenCalledTimes(1)
  expect(compiled).toHaveBeenCalledTimes(1)
  expect(unreadable).toEqual([{ schemaId: 1, type: 'test.R', reason: expect.stringContaining('x: cannot read string as int') }])
  compiled.mockRestore()
})

test('two groups: one look-up and one resolver for readers that are equal, an alarm each', async () => {
  const schemaById = vi.fn(async () => JSON.stringify(text.avro))
  const registry = { schemaById }
  const explained = vi.spyOn(compatibility, 'resolutionProblems')
  const [one, other, third] = [told(), told(), told()]
  const decoders = [
    createDecoder(registry, [whole], one.tell),
    createDecoder(registry, [record([{ name: 'x', type: 'int' }])], other.tell),
    // Another default is another reader, though Avro's own fingerprint does not see it.
    createDecoder(registry, [record([{ name: 'y', type: 'int', default: 3 }])], third.tell),
  ]
  for (const decoder of decoders.slice(0, 2)) await expect(decoder.decode(frame([2, 97]))).rejects.toThrow('x: cannot read')
  expect(await decoders[2]!.decode(frame([2, 97]))).toMatchObject({ payload: { y: 3 } })
  expect(schemaById).toHaveBeenCalledTimes(1)
  expect(explained).toHaveBeenCalledTimes(1)
  explained.mockRestore()
  expect([one, other, third].map(({ unreadable }) => unreadable.length)).toEqual([1, 1, 0])
})

test('each version of a writer has a resolution of its own: of three, one cannot be read', async () => {
  const versions = [whole, text, record(['y', 'x'].map(name => ({ name, type: 'int' })))]
  const { unreadable, tell } = told()
  const decoder = createDecoder({ schemaById: async id => JSON.stringify(versions[id - 1]!.avro) }, [whole], tell)
  for (const _ of [1, 2]) {
    expect(await decoder.decode(frame([4], 1))).toMatchObject({ payload: { x: 2 } })
    await expect(async () => decoder.decode(frame([2, 97], 2))).rejects.toThrow('with schema id 2')
    expect(await decoder.decode(frame([6, 4], 3))).toMatchObject({ payload: { x: 2 } })
  }
  expect(unreadable.map(({ schemaId }) => schemaId)).toEqual([2])
})

test('a default that differs is a reader of its own', async () => {
  const registry = { schemaById: async () => JSON.stringify(record([]).avro) }
  const reading = (value: number) => createDecoder(registry, [record([{ name: 'y', type: 'int', default: value }])])
  expect(await reading(1).decode(frame([]))).toMatchObject({ payload: { y: 1 } })
  expect(await reading(2).decode(frame([]))).toMatchObject({ payload: { y: 2 } })
})

test('an id that is no Avro is asked for once', async () => {
  const schemaById = vi.fn(() => Promise.reject<string>(new Undecodable('schema id 1 is PROTOBUF, not Avro')))
  const { unreadable, tell } = told()
  const decoder = createDecoder({ schemaById }, [whole], tell)
  await expect(decoder.decode(frame([0]))).rejects.toThrow('PROTOBUF')
  expect(() => decoder.decode(frame([0]))).toThrow('PROTOBUF')
  expect(schemaById).toHaveBeenCalledTimes(1)
  expect(unreadable).toEqual([{ schemaId: 1, type: '', reason: 'schema id 1 is PROTOBUF, not Avro' }])
})

test('what the registry cannot say now is nobody’s alarm', async () => {
  const schemaById = vi.fn(() => Promise.reject<string>(Object.assign(new Error('away'), { code: 'E_REGISTRY_UNAVAILABLE' })))
  const { unreadable, tell } = told()
  const decoder = createDecoder({ schemaById }, [whole], tell)
  for (const _ of [1, 2]) await expect(decoder.decode(frame([0]))).rejects.toThrow('away')
  expect(schemaById).toHaveBeenCalledTimes(2)
  expect(unreadable).toEqual([])
})

test('a record that was renamed is read by its alias, as the type that it is now', async () => {
  const registry = { schemaById: async () => JSON.stringify(record([{ name: 'x', type: 'int' }], 'Old').avro) }
  const renamed = record([{ name: 'x', type: 'long' }], 'New', { aliases: ['Old'] })
  expect(await createDecoder(registry, [renamed]).decode(frame([4]))).toEqual({
    ...{ kind: 'message', schemaId: 1, type: 'test.New', payload: { x: 2n } },
  })
  // Whoever still has the name itself comes first.
  const old = record([{ name: 'x', type: 'int' }], 'Old')
  expect(await createDecoder(registry, [renamed, old]).decode(frame([4]))).toMatchObject({ type: 'test.Old' })
  const another = record([{ name: 'x', type: 'long' }], 'Another', { aliases: ['Old'] })
  expect(() => createDecoder(registry, [renamed, another])).toThrow('two reader schemas are named test.Old')
})

test('there is something to prepare until the schema is known, and never for what has no id', async () => {
  const schemaById = vi.fn(async () => JSON.stringify(whole.avro))
  const decoder = createDecoder({ schemaById }, [whole])
  for (const bytes of [[], [0, 0, 0], [1, 0, 0, 0, 1, 0]]) expect(decoder.preparing(Buffer.from(bytes))).toBeUndefined()
  expect(schemaById).not.toHaveBeenCalled()
  await decoder.preparing(frame([4]))
  expect(decoder.preparing(frame([4]))).toBeUndefined()
  expect(decoder.decode(frame([4]))).toMatchObject({ payload: { x: 2 } })
})
