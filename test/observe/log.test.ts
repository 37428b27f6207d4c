import { describe, expect, test } from 'vitest'
import { readConnection, secretsIn } from '../../src/config.ts'
import { createLogger, logSignals } from '../../src/observe/log.ts'
import { redactor } from '../../src/observe/redact.ts'
import { Signals } from '../../src/observe/signals.ts'

const origin = { topic: 'orders', partition: 3, offset: 9_007_199_254_740_993n, timestampMs: 0 }
const about = { group: 'spend', type: 'shop.Placed', id: 'i', origin, attempt: 2 }
const failure = { class: 'TypeError', message: 'no price', stack: 'TypeError: no price\n    at a.ts:1', fingerprint: 'f00' }

describe('a log line', () => {
  test('is one JSON line with flat fields, the offset as text', () => {
    const { lines, signals } = logged()
    signals.emit('message.retried', { ...about, tier: 'spend.retry.5s', blocked: false, failure })
    expect(lines).toHaveLength(1)
    expect(lines[0]!.endsWith('\n')).toBe(true)
    expect(JSON.parse(lines[0]!)).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      event: 'message.retried',
      msg: 'message.retried',
      group: 'spend',
      type: 'shop.Placed',
      id: 'i',
      topic: 'orders',
      partition: 3,
      offset: '9007199254740993',
      attempt: 2,
      tier: 'spend.retry.5s',
      errorClass: 'TypeError',
      errorMessage: 'no price',
      errorFingerprint: 'f00',
      errorStack: '    at a.ts:1',
    })
  })

  test('has the frames of its own error, whatever failed before', () => {
    const { lines, signals } = logged()
    for (const stack of ['Error: a\n    at a.ts:1', 'Error: a\n    at a.ts:1', 'Error: b\n    at b.ts:2\nsecret', 'no frames'])
      signals.emit('message.deadLettered', { ...about, disposition: 'exhausted', failure: { ...failure, stack } })
    const written = lines.map(line => JSON.parse(line).errorStack)
    expect(written).toEqual(['    at a.ts:1', '    at a.ts:1', '    at b.ts:2', undefined])
  })

  test('has the level that its event deserves', () => {
    const { levels, signals } = logged('debug')
    signals.emit('message.done', { ...about, durationMs: 1 })
    signals.emit('message.skipped', { ...about, reason: 'unhandled', detail: 'no handler' })
    signals.emit('message.deadLettered', { ...about, disposition: 'exhausted', failure })
    signals.emit('consumer.drained', { group: 'g', unfinished: 0, durationMs: 1 })
    signals.emit('consumer.drained', { group: 'g', unfinished: 2, durationMs: 1 })
    signals.emit('partition.blocked', {
      group: 'g',
      topic: 't',
      partition: 0,
      reason: 'registry',
      error: new Error('down'),
      retryInMs: 1,
    })
    signals.emit('message.followed', { ...about, tier: 't', untilMs: 0 })
    signals.emit('retry.started', { group: 'g', tier: 't', lateMs: 1 })
    signals.emit('route.failed', { group: 'g', error: new TypeError('a bug of the route') })
    expect(levels()).toEqual(['debug', 'debug', 'error', 'info', 'warn', 'warn', 'debug', 'debug', 'error'])
  })

  test('says of a retry how late it was, of a follower until when it waits, and of a failure that its entity is blocked', () => {
    const { lines, signals } = logged('debug')
    signals.emit('retry.started', { group: 'spend', tier: 'spend.retry.5s', lateMs: 12 })
    signals.emit('message.followed', { ...about, tier: 'spend.retry.5s', untilMs: 1_000 })
    signals.emit('message.retried', { ...about, tier: 'spend.retry.5s', blocked: true, failure })
    signals.emit('route.failed', { group: 'spend', error: new TypeError('a bug of the route') })
    const [started, followed, retried, failed] = lines.map(line => JSON.parse(line))
    expect(started).toMatchObject({ group: 'spend', tier: 'spend.retry.5s', lateMs: 12 })
    expect(followed).toMatchObject({ tier: 'spend.retry.5s', offset: '9007199254740993', until: '1970-01-01T00:00:01.000Z' })
    expect(retried).toMatchObject({ tier: 'spend.retry.5s', blocked: true })
    expect(failed).toMatchObject({ group: 'spend', errorClass: 'TypeError', errorMessage: 'a bug of the route' })
  })

  test('of a message that went well is not written at info', () => {
    const { lines, signals } = logged('info')
    signals.emit('message.done', { ...about, durationMs: 1 })
    expect(lines).toEqual([])
  })

  test('of a breaker says why, and by which error', () => {
    const { lines, levels, signals } = logged()
    signals.emit('breaker.opened', { group: 'spend', failure, failed: 20, tried: 31, windowMs: 10_000 })
    signals.emit('breaker.probed', { group: 'spend', origin, failure, openForMs: 5_000 })
    signals.emit('breaker.closed', { group: 'spend', fingerprint: 'f00', reason: 'success', openForMs: 9_000 })
    expect(levels()).toEqual(['error', 'warn', 'info'])
    const by = { group: 'spend', errorFingerprint: 'f00' }
    expect(lines.map(line => JSON.parse(line))).toMatchObject([
      {
        ...by,
        event: 'breaker.opened',
        errorClass: 'TypeError',
        errorMessage: 'no price',
        failed: 20,
        tried: 31,
        windowMs: 10_000,
      },
      { ...by, event: 'breaker.probed', topic: 'orders', offset: '9007199254740993', openForMs: 5_000 },
      { ...by, event: 'breaker.closed', reason: 'success', openForMs: 9_000 },
    ])
  })

  test('of a schema says which, and why', () => {
    const { lines, levels, signals } = logged()
    const reason = `x: cannot read string as int${' '.repeat(900)}`
    signals.emit('schema.unreadable', { group: 'spend', type: 'shop.Placed', schemaId: 12, reason })
    signals.emit('schema.fromDisk', { schemaId: 13, error: new Error('away') })
    signals.emit('schemaFolder.failed', { what: 'write', path: '/schemas', error: new Error('EROFS') })
    expect(levels()).toEqual(['error', 'warn', 'warn'])
    const [unreadable, ...others] = lines.map(line => JSON.parse(line))
    expect(unreadable).toMatchObject({ group: 'spend', type: 'shop.Placed', schemaId: 12 })
    expect(unreadable.reason).toMatch(/^x: cannot read string as int/)
    expect(unreadable.reason).toHaveLength(500)
    expect(others).toMatchObject([
      { schemaId: 13, errorMessage: 'away' },
      { what: 'write', path: '/schemas', errorMessage: 'EROFS' },
    ])
  })

  test('ends when it is taken away', () => {
    const { lines, signals, end } = logged()
    end()
    signals.emit('consumer.stopped', { group: 'g' })
    expect(lines).toEqual([])
  })

  test('cuts long messages', () => {
    const { lines, signals } = logged()
    signals.emit('message.retried', { ...about, tier: 't', blocked: false, failure: { ...failure, message: 'x'.repeat(9_000) } })
    expect(JSON.parse(lines[0]!).errorMessage).toHaveLength(500)
  })

  test('can be read by a person', () => {
    const { lines, signals } = logged('info', 'pretty')
    signals.emit('consumer.joined', { group: 'spend', partitions: 6 })
    expect(lines.join('')).toMatch(/INFO.*consumer\.joined.*"group":"spend"/)
  })
})

describe('no canary shows in a log:', () => {
  const env = {
    KAFKA_BROKERS: 'a:1',
    SCHEMA_REGISTRY_URL: 'http://reg:canary-in%2Furl@registry',
    KAFKA_SASL_MECHANISM: 'plain',
    KAFKA_SASL_USERNAME: 'me',
    KAFKA_SASL_PASSWORD: 'canary"sasl\\',
    SCHEMA_REGISTRY_USERNAME: 'reg',
    SCHEMA_REGISTRY_PASSWORD: 'canary-registry',
  }
  const payload = { customer: 'canary-payload', nested: { iban: 'canary-payload' } }
  const secretForms = [
    ...['canary"sasl\\', 'canary-registry', 'canary-in/url', 'canary-in%2Furl'],
    ...[`http://reg:${encodeURIComponent('canary-registry')}@registry/subjects`, 'https://someone:canary-else@elsewhere/'],
    `Basic ${Buffer.from('reg:canary-registry').toString('base64')}`,
    JSON.stringify({ password: 'canary"sasl\\' }),
  ]

  test.each(['json', 'pretty'] as const)('payload fields, %s', format => {
    const { lines, signals } = logged('trace', format)
    // As clients do: the request, and with it the record, hangs on the error.
    const error = Object.assign(new Error('send failed', { cause: Object.assign(new Error('socket'), { payload }) }), {
      payload,
      config: { data: payload },
    })
    const careless = { ...about, payload, value: payload, record: { value: payload } }
    signals.emit('message.done', { ...careless, durationMs: 1 })
    signals.emit('message.retried', { ...careless, tier: 't', blocked: false, failure: { ...failure, ...{ payload } } })
    signals.emit('message.deadLettered', { ...careless, disposition: 'rejected', failure })
    signals.emit('consumer.crashed', { group: 'g', error, retryInMs: 1 })
    signals.emit('commit.failed', { group: 'g', error: payload })
    expect(lines.length).toBeGreaterThanOrEqual(5)
    expect(lines.join('')).not.toContain('canary')
  })

  test.each(['json', 'pretty'] as const)('secrets in messages, causes, fields and URLs, %s', format => {
    const { lines, signals, logger } = logged('trace', format, env)
    for (const text of secretForms) {
      const error = new Error(`refused: ${text}`, { cause: new Error(`because ${text}`, { cause: new Error(text) }) })
      error.stack = `Error: ${text}\n    at ${text}`
      signals.emit('consumer.crashed', { group: 'g', error, retryInMs: 1 })
      signals.emit('commit.failed', { group: 'g', error: text })
      signals.emit('message.retried', {
        ...about,
        tier: 't',
        blocked: false,
        failure: { ...failure, message: text, stack: error.stack },
      })
      logger.error({ err: error, error, deep: { list: [text] } }, text)
      logger.child({ text }).info({}, 'from a handler')
    }
    logger.info({ connection: readConnection(env), password: 'canary-x', sasl: { password: 'canary-y' } }, 'started')
    logger.info({ list: [{ a: { b: { token: { text: 'canary-z' } } } }] }, 'at any depth')
    expect(lines.join('')).not.toMatch(/canary|cmVnOmNhbmFyeS1yZWdpc3RyeQ/)
    expect(lines.length).toBeGreaterThan(secretForms.length * 5)
  })

  test('a secret that looks like a part of the line does not break it', () => {
    const { lines, signals } = logged('info', 'json', { KAFKA_SASL_PASSWORD: 'event' })
    signals.emit('commit.failed', { group: 'g', error: new Error('an event was lost') })
    expect(JSON.parse(lines[0]!)).toMatchObject({ event: 'commit.failed', errorMessage: 'an [hidden] was lost' })
  })
})

test('a redactor leaves what is no secret', () => {
  const clean = redactor([{ value: 'abc' }, { value: 'long-enough' }])
  expect(clean('abc http://host:8081/path long-enough user@host')).toBe('abc http://host:8081/path [hidden] user@host')
})

function logged(level = 'info', format: 'json' | 'pretty' = 'json', env: Record<string, string> = {}) {
  const lines: string[] = []
  const logger = createLogger({ level, format, secrets: secretsIn(env), destination: { write: text => lines.push(text) } })
  const signals = new Signals()
  const end = logSignals(signals, logger)
  return { lines, logger, signals, end, levels: () => lines.map(line => JSON.parse(line).level) }
}
