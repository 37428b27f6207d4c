/**
 * A redrive is killed at every moment of every request of its first two transactions: before it is written, once it is written,
 * and when its answer arrives. Run again, each letter that was chosen has been moved once, and no other: not to the group,
 * not to another one, not to the source.
 */
import { expect, test } from 'vitest'
import type { Broker } from '../../src/broker/port.ts'
import { readSelection } from '../../src/command/where.ts'
import { letterOf } from '../../src/dlq/letter.ts'
import { countLetters } from '../../src/dlq/read.ts'
import { type DlqSource, namesOf } from '../../src/dlq/source.ts'
import { runRedrive } from '../../src/redrive/run.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import type { RedrivingSettings } from './child/redriving.ts'
import type { Moment } from './child/wire-tap.ts'
import { type Child, redriving, startChild } from './children.ts'
import { openScenario, patienceMs } from './harness.ts'

const partitions = 2
/** Every third of them has the key that is chosen: 3 a partition. */
const letters = 9
const chosen = ['0', '3', '6']
/** Three do not fit into one request. */
const large = 400_000

interface Stand {
  readonly source: DlqSource
  readonly settings: RedrivingSettings
  /** Resolves when a reader of committed records sees each chosen letter once, in order, and nothing else anywhere. */
  seesEachOnce(): Promise<void>
}

async function openStand(): Promise<Stand> {
  const { broker, admin, records } = await openScenario()
  const group = unique('redriven')
  const sourceTopic = unique('source')
  const specs = [`${group}.dlq`, `${group}.retry.0s`, sourceTopic].map(name => ({ name, partitions }))
  const topics = [...specs, { name: `${group}.dlq.moved`, partitions: 1 }]
  await admin.createTopics(topics.map(topic => ({ ...topic, replicationFactor: 1, config: {} })))
  for (let partition = 0; partition < partitions; partition++) await bury(broker, group, sourceTopic, partition)
  const source = { reader: broker.reader(), admin, group }
  const seesEachOnce = async () => {
    const seen = (await records(`${group}.retry.0s`)).map(
      ({ partition, value }) => `${partition}:${value!.toString('latin1', 0, 1)}`,
    )
    expect(seen).toEqual([0, 1].flatMap(partition => chosen.map(letter => `${partition}:${letter}`)))
    expect((await countLetters(source)).left).toBe(partitions * (letters - chosen.length))
    expect(await records(sourceTopic)).toEqual([])
  }
  // What is committed is seen a little later; a letter too many would stay.
  const soon = () => until(() => seesEachOnce().then(() => true), { withinMs: patienceMs, what: 'each letter to be seen once' })
  return { source, settings: { group, key: 'k0', batchLetters: 3 }, seesEachOnce: async () => void (await soon()) }
}

async function bury(broker: Broker, group: string, topic: string, partition: number): Promise<void> {
  const failure = { class: 'TypeError', message: 'a bug', stack: '', fingerprint: 'f' }
  for (let i = 0; i < letters; i++) {
    const value = Buffer.alloc(i % 3 === 0 ? large : 10, `${i} `)
    const origin = { topic, partition, offset: BigInt(i), timestampMs: 1_700_000_000_000 }
    const trail = { origin, group, attempt: 5, hop: 4, redriveCount: 0, disposition: 'exhausted', failure } as const
    const letter = letterOf({ key: Buffer.from(`k${i % 3}`), value, headers: [] }, trail, `${group}.dlq`, partition)
    await broker.producer().sendBatch(letter.topic, partition, [letter])
  }
}

function redriveAgain(broker: Broker, { source, settings }: Stand, runId: string) {
  const selection = readSelection({ where: [`key=${settings.key}`] }, async () => undefined, Date.now())
  const producer = broker.transactionalProducer(namesOf(source).transactionalId)
  return runRedrive(source, producer, { runId, who: 'again', reason: '', batchLetters: settings.batchLetters, selection })
}

const names = ['InitProducerId', 'AddPartitionsToTxn', 'Produce', 'EndTxn']
const moments: readonly Moment[] = ['before', 'written', 'answered']
/** Of a run that nobody kills: the id is taken; then for each partition two topics, two requests of copies, one that records, and the end. */
const requests = 1 + partitions * 6
const killed = new Map<string, number>()

function requestsOf(child: Child): string[] {
  return child.output.flatMap(line => /^request \d+ (\w+)$/.exec(line)?.[1] ?? [])
}

test('a run that nobody kills makes these requests', async () => {
  const stand = await openStand()
  const child = await startChild(redriving, stand.settings)
  expect(await child.exited).toEqual({ code: 0, signal: null })
  expect(child.output).toContain('moved 6')
  // More where the broker wants to be asked again, or was too slow for one transaction.
  expect(requestsOf(child).length).toBeGreaterThanOrEqual(requests)
  expect(new Set(requestsOf(child))).toEqual(new Set(names))
  await stand.seesEachOnce()
})

test.each(Array.from({ length: requests }, (_, i) => i + 1))(
  'killed at request %i and run again: each chosen letter once',
  { timeout: 180_000 },
  async request => {
    const { broker } = await openScenario()
    const killAndRunAgain = async (moment: Moment) => {
      const stand = await openStand()
      const child = await startChild(redriving, { ...stand.settings, killAt: { request, moment } })
      expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' })
      const at = `${requestsOf(child).at(-1)} ${moment}`
      killed.set(at, (killed.get(at) ?? 0) + 1)
      await redriveAgain(broker, stand, 'again')
      await stand.seesEachOnce()
      expect(await redriveAgain(broker, stand, 'once more')).toMatchObject({ moved: 0 })
      await stand.seesEachOnce()
    }
    await Promise.all(moments.map(killAndRunAgain))
  },
)

test('it was killed at every moment of every kind of request', () => {
  console.log(`redrive killed at: ${JSON.stringify(Object.fromEntries(killed))}`)
  expect([...killed.keys()].sort()).toEqual(names.flatMap(name => moments.map(moment => `${name} ${moment}`)).sort())
})
