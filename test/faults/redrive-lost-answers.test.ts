/**
 * A redrive whose requests reach the broker while the answers to some do not come back: it goes on, or gives its transaction up and
 * is run again. In the end every letter has been moved once, in order.
 */
import { expect, test } from 'vitest'
import { letterOf } from '../../src/dlq/letter.ts'
import { countLetters } from '../../src/dlq/read.ts'
import { namesOf } from '../../src/dlq/source.ts'
import { codeOf } from '../../src/errors.ts'
import { runRedrive } from '../../src/redrive/run.ts'
import { openScenario } from '../scenarios/harness.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { startOwnKafka } from './own-kafka.ts'
import { type RequestName, startProxy } from './proxy.ts'
import { dice, size } from './sizes.ts'

const partitions = 2
const letters = size(3_000, 20_000)

test('answers are lost in the middle of transactions', async () => {
  const proxy = await startProxy()
  const [own] = await startOwnKafka({
    advertised: port => {
      proxy.to(port)
      return proxy.port
    },
  })
  const { broker, admin, records } = await openScenario([own!.address])
  const group = unique('lost')
  const topics = [`${group}.dlq`, `${group}.retry.0s`].map(name => ({ name, partitions }))
  const specs = [...topics, { name: `${group}.dlq.moved`, partitions: 1 }]
  await admin.createTopics(specs.map(spec => ({ ...spec, replicationFactor: 1, config: {} })))
  for (let partition = 0; partition < partitions; partition++) {
    const all = Array.from({ length: letters }, (_, i) => {
      const origin = { topic: 'orders', partition, offset: BigInt(i), timestampMs: 0 }
      const trail = { origin, group, attempt: 5, hop: 4, redriveCount: 0, disposition: 'exhausted' } as const
      const record = { key: Buffer.from('k'), value: Buffer.from(`${partition}:${i}`), headers: [] }
      return letterOf(record, trail, `${group}.dlq`, partition)
    })
    for (let i = 0; i < letters; i += 1_000) await broker.producer().sendBatch(`${group}.dlq`, partition, all.slice(i, i + 1_000))
  }

  const source = { reader: broker.reader(), admin, group }
  const rolls = dice('redrive-lost-answers')
  const ended: Record<string, number> = {}
  const lost: Record<string, number> = {}
  const requests: readonly RequestName[] = ['AddPartitionsToTxn', 'Produce', 'EndTxn']
  let times = 0
  // Now for a moment, so that asking again helps, now until the run gives up.
  const loseSome = (): void => {
    if (rolls.below(8) > 0) return
    const request = requests[times++ % requests.length]!
    lost[request] = (lost[request] ?? 0) + 1
    proxy.loseAnswers(request)
    if (times % 2 === 0) setTimeout(() => proxy.loseAnswers(), rolls.below(150))
  }
  const run = async () => {
    const options = { runId: 'run', who: 'w', reason: '', batchLetters: 50, onProgress: loseSome }
    const result = runRedrive(source, broker.transactionalProducer(namesOf(source).transactionalId), options)
    const end = await result.then(
      () => 'done',
      error => codeOf(error) ?? String(error),
    )
    proxy.loseAnswers()
    ended[end] = (ended[end] ?? 0) + 1
    return (await countLetters(source)).left === 0
  }
  await until(run, { withinMs: size(120_000, 600_000), what: 'every letter to be moved' })

  const copies = (await records(`${group}.retry.0s`)).map(({ value }) => value!.toString())
  console.log(`redrive-lost-answers: ${JSON.stringify({ lost, ended, answersLost: proxy.lost, copies: copies.length })}`)
  expect(copies).toEqual([0, 1].flatMap(partition => Array.from({ length: letters }, (_, i) => `${partition}:${i}`)))
  expect(Object.keys(lost).sort()).toEqual(requests.toSorted())
  expect(Object.keys(ended).filter(end => end !== 'done')).toEqual(['E_BROKER_UNAVAILABLE'])
})
