/**
 * No log line carries a payload or a secret, at the lowest level either, whether messages succeed, fail or cannot be read, and
 * whether broker and registry are reached or not.
 */
import { createServer } from 'node:net'
import { expect, inject, test } from 'vitest'
import { until } from '../until.ts'
import { journalling } from './child/journalling.ts'
import { openJournal, spillwayRun, startChild } from './children.ts'
import { openScenario, patienceMs } from './harness.ts'

const canary = (what: string) => `canary-${what}-4711`
const inAnyForm = (text: string) => [text, Buffer.from(text).toString('base64'), encodeURIComponent(text)]

test('what a running process logs has no payload and no password in it', async () => {
  const { client, prepare, put, encode } = await openScenario()
  const journal = openJournal()
  const { consumer, opened, closed } = journalling(journal.settings)
  await prepare([consumer])
  const registry = new URL(inject('registryUrl'))
  registry.username = 'reader'
  registry.password = canary('registry')
  const child = await startChild(spillwayRun, journal.settings, { LOG_LEVEL: 'trace', SCHEMA_REGISTRY_URL: registry.href })

  await client.publisher(opened).publish({ id: canary('key'), n: 1, note: canary('done') })
  await client.publisher(closed).publish({ id: canary('key'), n: 2, note: canary('failing') })
  const whole = await encode(opened, { id: 'a', n: 1, note: canary('undecodable') })
  await put(opened.topic.name, { key: canary('key'), value: whole.subarray(0, whole.length - 1) })
  await put(opened.topic.name, { value: Buffer.from(canary('garbage')), headers: [['token', Buffer.from(canary('header'))]] })
  const logged = (text: string) => child.output.filter(line => line.includes(text)).length
  await until(() => logged('message.deadLettered') >= 3, { withinMs: patienceMs, what: 'three dead letters in the log' })
  child.kill('SIGTERM')
  expect(await child.exited).toMatchObject({ code: 0 })

  for (const event of ['message.done', 'message.retried', 'it will fail', 'the bank refused'])
    expect(logged(event)).toBeGreaterThan(0)
  const output = child.output.join('\n')
  for (const what of ['registry', 'key', 'done', 'failing', 'undecodable', 'garbage', 'header'])
    for (const form of inAnyForm(canary(what))) expect(output).not.toContain(form)
})

test.each([
  ['doctor', 'a broker that nobody runs', 3, 'E_BROKER_UNAVAILABLE'],
  ['run', 'a broker without SASL', 1, 'E_BROKER_REFUSED'],
  ['doctor', 'a registry that nobody runs', 3, 'E_REGISTRY_UNAVAILABLE'],
])('%s reports %s without a password', async (command, unreachable, code, reported) => {
  const sasl = { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'reader', KAFKA_SASL_PASSWORD: canary('sasl') }
  const nowhere = `127.0.0.1:${await freePort()}`
  const [cli, , ...config] = spillwayRun
  const child = await startChild([cli!, command, ...config, '--verbose'], openJournal().settings, {
    LOG_LEVEL: 'trace',
    ...(unreachable.includes('registry') ? { SCHEMA_REGISTRY_URL: `http://reader:${canary('registry')}@${nowhere}` } : sasl),
    ...(unreachable === 'a broker that nobody runs' && { KAFKA_BROKERS: nowhere }),
  })
  expect(await child.exited).toEqual({ code, signal: null })
  const output = child.output.join('\n')
  expect(output).toContain(reported)
  for (const what of ['sasl', 'registry'])
    for (const form of [
      ...inAnyForm(canary(what)),
      ...inAnyForm(`reader:${canary(what)}`),
      ...inAnyForm(`\0reader\0${canary(what)}`),
    ])
      expect(output).not.toContain(form)
})

/** Nobody listens there. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as { port: number }
  await new Promise(closed => server.close(closed))
  return port
}
