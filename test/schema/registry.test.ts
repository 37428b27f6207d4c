import type { ServerResponse } from 'node:http'
import { describe, expect, test, vi } from 'vitest'
import { avroSchema } from '../../src/message/schema.ts'
import { connectRegistry } from '../../src/schema/registry.ts'
import { type Answer, registryThat, unavailable } from './registry-that.ts'

const schema = avroSchema({ name: 'test.R', long: 'bigint', avro: { type: 'record', name: 'R', namespace: 'test', fields: [] } })
const text = JSON.stringify(schema.avro)
const elsewhere = 'points to http://elsewhere.test: redirects are not followed'

/** Something comes all the time, and there is no end of it. */
function dripping(response: ServerResponse): void {
  response.writeHead(200)
  const timer = setInterval(() => response.write(' '), 20)
  response.on('close', () => clearInterval(timer))
}

describe('faults are the registry’s, never the message’s', () => {
  const faults: [string, Answer, string][] = [
    ...[401, 403, 408, 429, 500, 502, 503].map((status): (typeof faults)[number] => [
      `${status}`,
      () => [status, { message: 'because' }],
      `answered ${status}`,
    ]),
    ['404 of a proxy', () => [404, '<html>not here</html>'], 'answered 404'],
    ['404 of a registry for a path it has not', () => [404, { error_code: 404, message: 'HTTP 404 Not Found' }], 'answered 404'],
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
    ['a body that never ends', () => dripping, 'no answer within 150 ms'],
    ['a body of 20 MiB', () => response => void response.writeHead(200).end(Buffer.alloc(20 << 20, 32)), 'longer than 16777216'],
    [
      'a redirect',
      () => response => void response.writeHead(302, { location: 'http://elsewhere.test/x?token=1' }).end(),
      elsewhere,
    ],
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
    const { registry, host, end } = await registryThat(() => [200, {}])
    await end()
    await expect(registry.schemaById(1)).rejects.toThrow(unavailable('ECONNREFUSED'))
    await expect(registry.ping()).rejects.toThrow(unavailable(host))
  })

  test('credentials of the URL are used, and shown nowhere', async () => {
    const { host, asked } = await registryThat(() => [500, {}])
    const registry = connectRegistry({ url: `http://me:p%40ss@${host}/ccompat?token=hunter2` })
    const error: Error = await registry.schemaById(1).then(
      () => new Error('it went well'),
      thrown => thrown,
    )
    expect(asked[0]!.auth).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`)
    expect(error.message).toContain(`http://${host}/ccompat answered 500`)
    expect(error.message).not.toMatch(/p@ss|p%40ss|me:|hunter2/)
    expect(() => connectRegistry({ url: 'no url with secret' })).toThrow(/^(?!.*secret)/)
  })

  test('a fault is believed for a second, whoever asks meanwhile', async () => {
    let down = true
    let now = 0
    const { registry, asked } = await registryThat(() => (down ? [503, {}] : [200, { schema: text, id: 7 }]), {
      clock: { now: () => now },
    })
    await expect(registry.schemaById(1)).rejects.toThrow(unavailable('503'))
    await expect(registry.idOf('s', schema)).rejects.toThrow(unavailable('503'))
    down = false
    now = 999
    await expect(registry.schemaById(1)).rejects.toThrow(unavailable('503'))
    await expect(registry.idOf('s', schema)).rejects.toThrow(unavailable('503'))
    expect(asked).toHaveLength(2)
    now = 1_000
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

  test('each has 5 s, unless it is told otherwise', async () => {
    const timeout = vi.spyOn(AbortSignal, 'timeout')
    const { registry, connect } = await registryThat(() => [200, { schema: text, id: 7 }])
    await registry.schemaById(7)
    await registry.idOf('s', schema)
    expect(new Set(timeout.mock.calls.flat())).toEqual(new Set([5_000]))
    timeout.mockClear()
    await connect({ timeoutMs: 150 }).schemaById(7)
    expect(new Set(timeout.mock.calls.flat())).toEqual(new Set([150]))
    timeout.mockRestore()
  })

  test.each([-1, 1.5, 2 ** 32, '7'])('an id that no value can be framed with: %j', async id => {
    const { registry } = await registryThat(() => [200, { id }])
    await expect(registry.idOf('s', schema)).rejects.toThrow(unavailable('not what a schema registry gives'))
    await expect(registry.register('s', schema)).rejects.toThrow(unavailable('not what a schema registry gives'))
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
      name: 'Order',
      namespace: 'test',
      fields: [{ name: 'lines', type: { type: 'array', items: line } }],
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
    expect(await registry.versions('s')).toEqual([
      { version: 9, id: 1, schema: '"9"' },
      { version: 10, id: 1, schema: '"10"' },
    ])
    expect(await registry.versions('none')).toEqual([])
  })

  test('what the registry refuses for good', async () => {
    const { registry } = await registryThat(({ what }) =>
      what.includes('/versions')
        ? [409, { error_code: 409, message: 'reader misses x' }]
        : [422, { error_code: 42201, message: `bad schema${' and more'.repeat(1_000)}` }],
    )
    await expect(registry.register('s', schema)).rejects.toThrow(
      expect.objectContaining({ code: 'E_SCHEMA_INCOMPATIBLE', message: expect.stringContaining('reader misses x') }),
    )
    // Not all of what it says: it is logged.
    await expect(registry.idOf('s', schema)).rejects.toThrow(
      expect.objectContaining({
        code: 'E_REGISTRY_REFUSED',
        retryable: false,
        message: expect.stringMatching(/: bad schema.{490}$/),
      }),
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
