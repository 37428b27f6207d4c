import { expect, test } from 'vitest'
import { registryThat } from './registry-that.ts'

test('a type without a namespace keeps none where it is written into one that has', async () => {
  const bare = { type: 'record', name: 'Bare', fields: [{ name: 'next', type: ['null', 'Bare'] }] }
  const whole = { type: 'record', name: 'Whole', namespace: 'shop', fields: [{ name: 'bare', type: 'Bare' }] }
  const { registry } = await registryThat(({ what }) => {
    if (!what.includes('/ids/')) return [200, { schema: JSON.stringify(bare) }]
    return [200, { schema: JSON.stringify(whole), references: [{ name: 'bare', subject: 'bare', version: 1 }] }]
  })
  expect(JSON.parse(await registry.schemaById(1))).toEqual({
    ...whole,
    fields: [{ name: 'bare', type: { ...bare, namespace: '' } }],
  })
})
