import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { avroSchema } from '../../src/message/schema.ts'
import { connectRegistry, type RegistryOptions } from '../../src/schema/registry.ts'

const schema = avroSchema({ name: 'test.R', long: 'bigint', avro: { type: 'record', name: 'R', namespace: 'test', fields: [] } })
const text = JSON.stringify(schema.avro)
const closers: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

interface Asked {
  what: string
  body: string
  auth: string | undefined
}

/** A registry that answers as told: a value as JSON with its status, or a function for what is no answer. */
async function registryThat(
  answer: (asked: Asked) => [number, unknown] | ((response: ServerResponse) => void),
  options: Partial<RegistryOptions> = {},
) {
  const asked: Asked[] = []
  const server = createServer((request: IncomingMessage, response) => {
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => {
      const one = { what: `${request.method} ${request.url}`, body, auth: request.headers.authorization }
      asked.push(one)
      const reply = answer(one)
      if (typeof reply === 'function') return reply(response)
      response
        .writeHead(reply[0], { 'content-type': 'application/json' })
        .end(typeof reply[1] === 'string' ? reply[1] : JSON.stringify(reply[1]))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  closers.push(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { asked, host, registry: connectRegistry({ url: `http://${host}/ccompat/`, ...options }) }
}

const unavailable = (reason: string) =>
  expect.objectContaining({ code: 'E_REGISTRY_UNAVAILABLE', retryable: true, message: expect.stringContaining(reason) })

describe('faults are the registry’s, never the message’s', () => {
  const faults: [string, Parameters<typeof registryThat>[0], string][] = [
    ...[401, 403, 408, 429, 500, 502, 503].map((status): (typeof faults)[number] => [
      `${status}`,
      () => [status, { message: 'because' }],
      `answered ${status}`,
    ]),
    ['404 of a proxy', () => [404, '<html>not here</html>'], 'answered 404'],
    ['200 that is no JSON', () => [200, '<html>log in</html>'], 'not JSON'],
    ['200 that is other JSON', () => [200, { hello: 1 }], 'not what a schema registry gives'],
    ['reset', () => response => response.destroy(), '127.0.0.1'],
    [
      'cut off in mid-body',
      () => response => void response.writeHead(200, { 'content-length': '100' }).write('{"schema"', () => response.destroy()),
      '127.0.0.1',
    ],
    ['black hole', () => () => {}, 'no answer within 150 ms'],
    ['black hole in mid-body', () => response => void response.writeHead(200).write('{"schema"'), 'no answer within 150 ms'],
  ]
  test.each(faults)('%s', async (_name, answer, reason) => {
    const { registry, host } = await registryThat(answer, {
      username: 'me',
      password: 'hunter2',
      ...(reason.includes('150 ms') ? { timeoutMs: 150 } : {}),
    })
    const calls = [
      () => registry.schemaById(1),
      () => registry.idOf('s', schema),
      () => registry.register('s', schema),
      () => registry.isCompatible('s', schema),
      () => registry.versions('s'),
    ]
    for (const call of calls) {
      const error: Error = await (call() as Promise<unknown>).then(
        () => new Error('it went well'),
        thrown => thrown,
      )
      expect(error).toEqual(unavailable(reason))
      expect(error.message).toContain(host)
      expect(error.message).not.toContain('hunter2')
    }
  })

  test('refused connection', async () => {
    const { registry, host } = await registryThat(() => [200, {}])
    await closers.pop()!()
    await expect(registry.schemaById(1)).rejects.toThrow(unavailable('ECONNREFUSED'))
    await expect(registry.ping()).rejects.toThrow(unavailable(host))
  })

  test('credentials of the URL are used, and shown nowhere', async () => {
    const { host, asked } = await registryThat(() => [500, {}])
    const registry = connectRegistry({ url: `http://me:p%40ss@${host}/ccompat` })
    const error: Error = await registry.schemaById(1).then(
      () => new Error('it went well'),
      thrown => thrown,
    )
    expect(asked[0]!.auth).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`)
    expect(error.message).toContain(`http://${host}/ccompat answered 500`)
    expect(error.message).not.toMatch(/p@ss|p%40ss|me:/)
    expect(() => connectRegistry({ url: 'no url with secret' })).toThrow(/^(?!.*secret)/)
  })

  test('a fault is not remembered', async () => {
    let down = true
    const { registry } = await registryThat(() => (down ? [503, {}] : [200, { schema: text, id: 7 }]))
    await expect(registry.schemaById(1)).rejects.toThrow(unavailable('503'))
    await expect(registry.idOf('s', schema)).rejects.toThrow(unavailable('503'))
    down = false
    expect(await registry.schemaById(1)).toBe(text)
    expect(await registry.idOf('s', schema)).toBe(7)
  })
})

describe('look-ups', () => {
  test('200 at once are one request, and the answer is kept', async () => {
    const { registry, asked } = await registryThat(() => [200, { schema: text, id: 7 }])
    expect(new Set(await Promise.all(Array.from({ length: 200 }, () => registry.schemaById(7))))).toEqual(new Set([text]))
    expect(new Set(await Promise.all(Array.from({ length: 200 }, () => registry.idOf('a/b c', schema))))).toEqual(new Set([7]))
    expect(await registry.idOf('a/b c', schema)).toBe(7)
    expect(asked.map(({ what, body }) => [what, body])).toEqual([
      ['GET /ccompat/schemas/ids/7', ''],
      ['POST /ccompat/subjects/a%2Fb%20c', JSON.stringify({ schema: text })],
    ])
  })

  test('an unknown id is asked for again only after 30 s', async () => {
    let now = 1_000
    let known = false
    const { registry, asked } = await registryThat(
      () => (known ? [200, { schema: text }] : [404, { error_code: 40403, message: 'no' }]),
      { clock: { now: () => now } },
    )
    const unknown = expect.objectContaining({
      code: 'E_UNKNOWN_SCHEMA_ID',
      retryable: true,
      message: expect.stringContaining('4294967295'),
    })
    await expect(registry.schemaById(4_294_967_295)).rejects.toThrow(unknown)
    known = true
    now += 29_999
    await expect(registry.schemaById(4_294_967_295)).rejects.toThrow(unknown)
    expect(asked).toHaveLength(1)
    now += 1
    expect(await registry.schemaById(4_294_967_295)).toBe(text)
  })

  test('a schema that is not registered says what to run, and is found once it is', async () => {
    let registered = false
    const { registry } = await registryThat(() => (registered ? [200, { id: 3 }] : [404, { error_code: 40401 }]))
    await expect(registry.idOf('s', schema)).rejects.toThrow(
      expect.objectContaining({
        code: 'E_SCHEMA_NOT_REGISTERED',
        retryable: false,
        message: expect.stringMatching(/test\.R.*subject s.*spillway schema register/),
      }),
    )
    registered = true
    expect(await registry.idOf('s', schema)).toBe(3)
  })

  test('registering makes the id known', async () => {
    const { registry, asked } = await registryThat(() => [200, { id: 9 }])
    expect(await registry.register('s', schema)).toBe(9)
    expect(await registry.idOf('s', schema)).toBe(9)
    expect(asked.map(({ what }) => what)).toEqual(['POST /ccompat/subjects/s/versions'])
  })

  test('an id that is not Avro', async () => {
    const { registry } = await registryThat(() => [200, { schema: 'syntax = "proto3";', schemaType: 'PROTOBUF' }])
    await expect(registry.schemaById(1)).rejects.toThrow(
      expect.objectContaining({ code: 'E_UNDECODABLE', message: expect.stringContaining('PROTOBUF') }),
    )
  })

  test('a schema with references comes in one piece, its logical types kept', async () => {
    const line = {
      type: 'record',
      name: 'Line',
      namespace: 'test',
      fields: [
        { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
        { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
      ],
    }
    const order = {
      type: 'record',
      name: 'Order',
      namespace: 'test',
      fields: [{ name: 'lines', type: { type: 'array', items: 'test.Line' } }],
    }
    const { registry } = await registryThat(({ what }) =>
      what.includes('/ids/')
        ? [200, { schema: JSON.stringify(order), references: [{ name: 'test.Line', subject: 'line', version: 1 }] }]
        : [200, { subject: 'line', version: 1, id: 1, schema: JSON.stringify(line) }],
    )
    expect(JSON.parse(await registry.schemaById(2))).toEqual({
      type: 'record',
      name: 'test.Order',
      fields: [{ name: 'lines', type: { type: 'array', items: { type: 'record', name: 'test.Line', fields: line.fields } } }],
    })
  })

  test('a schema whose reference cannot be had is the registry’s fault, and tried again', async () => {
    const { registry } = await registryThat(({ what }) =>
      what.includes('/ids/')
        ? [200, { schema: '"test.Line"', references: [{ name: 'test.Line', subject: 'line', version: 1 }] }]
        : [404, {}],
    )
    await expect(registry.schemaById(2)).rejects.toThrow(unavailable('refers to'))
  })

  test('versions oldest first, [] without the subject', async () => {
    const { registry } = await registryThat(({ what }) => {
      if (what.endsWith('/none/versions')) return [404, { error_code: 40401 }]
      return what.endsWith('/versions') ? [200, [10, 9]] : [200, { id: 1, schema: `"${what.split('/').at(-1)}"` }]
    })
    expect(await registry.versions('s')).toEqual(['"9"', '"10"'])
    expect(await registry.versions('none')).toEqual([])
  })

  test('what the registry refuses for good', async () => {
    const { registry } = await registryThat(({ what }) =>
      what.includes('/versions')
        ? [409, { error_code: 409, message: 'reader misses x' }]
        : [422, { error_code: 42201, message: 'bad schema' }],
    )
    await expect(registry.register('s', schema)).rejects.toThrow(
      expect.objectContaining({ code: 'E_SCHEMA_INCOMPATIBLE', message: expect.stringContaining('reader misses x') }),
    )
    await expect(registry.idOf('s', schema)).rejects.toThrow(
      expect.objectContaining({ code: 'E_REGISTRY_REFUSED', retryable: false, message: expect.stringContaining('bad schema') }),
    )
  })

  test('its verdict on compatibility', async () => {
    const { registry } = await registryThat(({ what }) =>
      what.includes('/new/') ? [404, { error_code: 40401 }] : [200, { is_compatible: false, messages: ['x'] }],
    )
    expect(await registry.isCompatible('new', schema)).toEqual({ compatible: true, messages: [] })
    expect(await registry.isCompatible('s', schema)).toEqual({ compatible: false, messages: ['x'] })
  })
})
