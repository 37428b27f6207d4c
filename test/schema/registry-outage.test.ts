/** What a registry that is away, slow or wrong may cost: requests, time, and secrets that go to somebody else. */
import { expect, test } from 'vitest'
import { UnknownSchemaId } from '../../src/errors.ts'
import { avroSchema } from '../../src/message/schema.ts'
import { Lookups } from '../../src/schema/registry-lookups.ts'
import { registryThat, unavailable } from './registry-that.ts'

const schema = avroSchema({ name: 'test.R', long: 'bigint', avro: { type: 'record', name: 'R', namespace: 'test', fields: [] } })
const text = JSON.stringify(schema.avro)

test('whatever it refuses for good, a look-up by id takes for an outage: an id cannot be asked for wrongly', async () => {
  const { registry } = await registryThat(() => [400, { error_code: 400, message: 'what?' }])
  await expect(registry.schemaById(1)).rejects.toThrow(unavailable('answered 400'))
  await expect(registry.idOf('s', schema)).rejects.toThrow(expect.objectContaining({ code: 'E_REGISTRY_REFUSED' }))
})

test('a redirect is not followed: neither credentials nor schemas reach another host', async () => {
  const other = await registryThat(() => [200, { schema: text, id: 1 }])
  const { registry } = await registryThat(
    () => response => void response.writeHead(307, { location: `http://${other.host}/` }).end(),
    { username: 'me', password: 'hunter2' },
  )
  await expect(registry.schemaById(1)).rejects.toThrow(unavailable(`points to http://${other.host}`))
  await expect(registry.register('s', schema)).rejects.toThrow(unavailable('redirects are not followed'))
  expect(other.asked).toEqual([])
})

test.each([
  [429, 'seconds', () => '7', 7_000],
  [503, 'seconds', () => '7', 7_000],
  [429, 'a date', () => new Date(Date.now() + 8_500).toUTCString(), 8_500],
  [429, 'more than is sensible', () => '86400', 30_000],
])('after a %i with Retry-After, %s, nothing is sent until then', async (status, _name, retryAfter, silentMs) => {
  let now = 0
  let busy = true
  const { registry, asked } = await registryThat(
    () =>
      busy ? response => void response.writeHead(status, { 'retry-after': retryAfter() }).end('{}') : [200, { schema: text }],
    { clock: { now: () => now } },
  )
  await expect(registry.schemaById(1)).rejects.toThrow(unavailable(`answered ${status}`))
  busy = false
  // A date is in whole seconds, and time passes.
  now = silentMs - 2_000
  await expect(registry.schemaById(2)).rejects.toThrow(unavailable(`answered ${status} and is to be asked again in`))
  await expect(registry.ping()).rejects.toThrow(unavailable(`answered ${status}`))
  expect(asked).toHaveLength(1)
  now = silentMs
  expect(await registry.schemaById(1)).toBe(text)
})

test('a Retry-After that says nothing is passed over', async () => {
  let busy = true
  const { registry } = await registryThat(() =>
    busy ? response => void response.writeHead(429, { 'retry-after': 'soon' }).end('{}') : [200, { schema: text }],
  )
  await expect(registry.schemaById(1)).rejects.toThrow(unavailable('429'))
  busy = false
  expect(await registry.schemaById(2)).toBe(text)
})

test('of unknown ids the last ten thousand are remembered', async () => {
  const lookups = new Lookups<number, string>({ now: () => 0 }, 30_000)
  const asked: number[] = []
  const ask = (id: number) =>
    lookups
      .get(id, async () => {
        asked.push(id)
        throw new UnknownSchemaId('no such id')
      })
      .catch(() => {})
  for (let id = 0; id <= 10_000; id++) await ask(id)
  asked.length = 0
  for (const id of [10_000, 5_000, 1, 0]) await ask(id)
  expect(asked).toEqual([0])
})

test('a schema and all that it refers to have one deadline', async () => {
  // Each answer in time by itself.
  const { registry } = await registryThat(
    ({ what }) =>
      response => {
        const n = Number(what.split('/').at(-1))
        const references = n < 8 ? [{ name: 'x', subject: 's', version: n + 1 }] : []
        setTimeout(() => response.writeHead(200).end(JSON.stringify({ schema: '"int"', references })), 100)
      },
    { timeoutMs: 350 },
  )
  const began = performance.now()
  await expect(registry.schemaById(1)).rejects.toThrow(unavailable('no answer within 350 ms'))
  expect(performance.now() - began).toBeLessThan(1_000)
})

test('what refers to a thousand others is no schema', async () => {
  const { registry } = await registryThat(({ what }) => {
    const n = Number(what.split('/').at(-1))
    // The first to 501 others, each of them to one more.
    const versions = what.includes('/ids/') ? [...Array(501).keys()] : n < 501 ? [n + 501] : []
    return [200, { schema: '"int"', references: versions.map(version => ({ subject: 's', version })) }]
  })
  await expect(registry.schemaById(1)).rejects.toThrow(expect.objectContaining({ code: 'E_UNDECODABLE' }))
})

test('references: each name once, wherever it is defined, with all that stands in it', async () => {
  const money = {
    type: 'record',
    name: 'Money',
    namespace: 'shop.money',
    aliases: ['Amount'],
    fields: [
      { name: 'value', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }, default: ' ' },
      { name: 'currency', type: { type: 'enum', name: 'Currency', symbols: ['EUR', 'GBP'], default: 'EUR' } },
    ],
  }
  const line = {
    type: 'record',
    name: 'Line',
    namespace: 'shop',
    fields: [
      { name: 'price', type: 'shop.money.Money' },
      { name: 'next', type: ['null', 'Line'], default: null },
    ],
  }
  const order = {
    type: 'record',
    name: 'shop.Order',
    fields: [
      { name: 'lines', type: { type: 'map', values: 'Line' } },
      { name: 'currency', type: 'shop.money.Currency' },
      { name: 'local', type: { type: 'fixed', name: 'Local', size: 4 } },
      { name: 'again', type: 'Local' },
    ],
  }
  const { registry, asked } = await registryThat(({ what }) => {
    const reference = (subject: string) => ({ name: subject, subject, version: 1 })
    if (what.includes('/ids/')) return [200, { schema: JSON.stringify(order), references: ['line', 'money'].map(reference) }]
    if (what.includes('/line/')) return [200, { schema: JSON.stringify(line), references: [reference('money')] }]
    return [200, { schema: JSON.stringify(money) }]
  })
  const [price, next] = line.fields
  const currency = { ...money.fields[1]!, type: { ...(money.fields[1]!.type as object), namespace: 'shop.money' } }
  const whole = { ...line, fields: [{ ...price, type: { ...money, fields: [money.fields[0], currency] } }, { ...next }] }
  ;(whole.fields[1] as { type: unknown }).type = ['null', 'shop.Line']
  expect(JSON.parse(await registry.schemaById(9))).toEqual({
    ...{ type: 'record', name: 'Order', namespace: 'shop' },
    fields: [
      { name: 'lines', type: { type: 'map', values: whole } },
      order.fields[1],
      { name: 'local', type: { type: 'fixed', name: 'Local', namespace: 'shop', size: 4 } },
      { name: 'again', type: 'shop.Local' },
    ],
  })
  expect(asked).toHaveLength(3)
})
