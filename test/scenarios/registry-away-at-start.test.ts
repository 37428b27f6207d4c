/** A process that starts while the registry is away works with what it said to earlier ones, and says so; what is not on disk waits. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'spillway'
import { expect, inject, onTestFinished, test, vi } from 'vitest'
import { until } from '../until.ts'
import { askingChild } from './asking.ts'
import { journalling } from './child/journalling.ts'
import { openJournal, spillwayRun, startChild } from './children.ts'
import { openScenario, patienceMs } from './harness.ts'
import { startRegistryProxy } from './registry-proxy.ts'

const within = { withinMs: patienceMs }

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'it-schemas-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

async function onStage() {
  const scenario = await openScenario()
  const proxy = await startRegistryProxy()
  const journal = openJournal()
  const { consumer, opened, closed } = journalling(journal.settings)
  await scenario.prepare([consumer])
  const env = { SCHEMA_REGISTRY_URL: proxy.url, SCHEMA_REGISTRY_CACHE: newFolder(), LOG_FORMAT: 'json' }
  const start = (more: Record<string, string> = {}) =>
    startChild([...spillwayRun, '--http', '0'], journal.settings, { ...env, ...more })
  return { ...scenario, proxy, journal, consumer, opened, closed, env, start }
}

test('spillway run: known messages are handled, new ones wait for the registry, and nothing is given up', async () => {
  const { client, proxy, journal, consumer, opened, closed, env, start, drained, records } = await onStage()
  const done = (step: string) => journal.finished().some(one => one.step === step)
  const first = await start()
  await client.publisher(opened).publish({ id: 'a', n: 1 })
  await until(() => done('a 1'), { ...within, what: 'the first message' })
  first.kill('SIGTERM')
  expect(await first.exited).toMatchObject({ code: 0 })
  expect(readdirSync(env.SCHEMA_REGISTRY_CACHE, { recursive: true })).toContainEqual(expect.stringMatching(/schemas.\d+\.json$/))

  await proxy.break('refused')
  const without = await start({ SCHEMA_REGISTRY_CACHE: newFolder() })
  expect(await without.exited).toMatchObject({ code: 3 })
  expect(without.output.join('\n')).toContain('E_REGISTRY_UNAVAILABLE')

  const second = await start()
  const { ready, verdict } = await askingChild(second)
  await ready()
  await client.publisher(closed).publish({ id: 'b', n: 1 })
  await client.publisher(opened).publish({ id: 'a', n: 2 })
  await until(() => done('a 2'), { ...within, what: 'a message of a known schema' })
  const waits = expect.stringMatching(/waits for the registry for/)
  await until(async () => (await verdict('/readyz')).body.notes.length === 2, { ...within, what: 'the new one to wait' })
  expect(await verdict('/readyz')).toMatchObject({
    status: 200,
    body: { problems: [], notes: ['the registry has not answered yet: schemas come from disk', waits] },
  })
  const log = second.output.join('\n')
  expect(log).toContain('the registry does not answer: starting with the schemas on disk')
  expect(log).toContain('schema.fromDisk')
  expect(log).not.toMatch(/message\.(retried|deadLettered)/)
  expect(await records(consumer.ladder.dlq)).toEqual([])

  await proxy.mend()
  await until(async () => (await verdict('/readyz')).body.notes.length === 0, { ...within, what: 'it to be noticed' })
  await drained(consumer)
  // Its handler fails by its own words, so it has reached it.
  expect(second.output.join('\n')).toContain('the bank refused')
  second.kill('SIGTERM')
  expect(await second.exited).toMatchObject({ code: 0 })
})

test('connect(): what was published before can be published, what is new says that the registry is away', async () => {
  const { proxy, opened, closed, env, drained, consumer, run } = await onStage()
  vi.stubEnv('KAFKA_BROKERS', inject('brokers').join(','))
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  const warnings: string[] = []
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(warning => void warnings.push(String(warning)))
  onTestFinished(() => warned.mockRestore())
  const publishing = async <T>(work: (client: Awaited<ReturnType<typeof connect>>) => Promise<T>) => {
    const client = await connect()
    return work(client).finally(() => client.close())
  }
  await publishing(client => client.publisher(opened).publish({ id: 'a', n: 1 }))
  const kept = () => readdirSync(env.SCHEMA_REGISTRY_CACHE, { recursive: true }).filter(name => String(name).endsWith('.json'))
  await until(() => kept().length === 1, { ...within, what: 'the id to be kept' })
  await proxy.break('500')
  await publishing(async client => {
    await client.publisher(opened).publish({ id: 'a', n: 2 })
    await expect(client.publisher(closed).publish({ id: 'a', n: 3 })).rejects.toMatchObject({
      code: 'E_REGISTRY_UNAVAILABLE',
      retryable: true,
    })
  })
  expect(warnings).toEqual(['the schema registry does not answer: going on with what is on disk (1 files)'])
  await run([consumer])
  await drained(consumer)
})
