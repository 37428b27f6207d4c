import { expect, test } from 'vitest'
import { event } from '../../src/message/definition.ts'
import { entityKey } from '../../src/message/key.ts'
import { avroSchema } from '../../src/message/schema.ts'

type Payload = { id: string | number | bigint | boolean }
const avro = { type: 'record', name: 'Placed', fields: [{ name: 'id', type: 'string' }] }
const placed = event(avroSchema<'Placed', Payload, Payload>({ name: 'Placed', long: 'bigint', avro }), { topic: 't', key: 'id' })

test.each([
  ['a', 'a'],
  [0, '0'],
  [12n, '12'],
  [false, 'false'],
])('the key of %s is the text %s', (id, key) => {
  expect(entityKey(placed, { id })).toBe(key)
})

test.each([[{}], [{ id: null }], [{ id: '' }], [null], [undefined]])(
  '%j has no key: it is refused, naming field and schema',
  payload => {
    expect(() => entityKey(placed, payload)).toThrow(
      expect.objectContaining({
        code: 'E_KEY_MISSING',
        retryable: false,
        message: expect.stringMatching(/^id: .*schema Placed$/),
      }),
    )
  },
)
