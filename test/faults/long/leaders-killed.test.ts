/**
 * T5: three brokers, three copies of everything, of which two must be written. Again and again the broker that leads most of the
 * topic is SIGKILLed and started again, while messages are published to all partitions at once. What was acknowledged lies in the
 * log, once, where it was said to be.
 */
import { expect, test } from 'vitest'
import { typeOf } from '../../../src/schema/codec.ts'
import { openScenario } from '../../scenarios/harness.ts'
import { stepsOn } from '../../scenarios/messages.ts'
import { unique } from '../../unique.ts'
import { until } from '../../until.ts'
import { compareWithLog } from '../acked-in-log.ts'
import { startOwnKafka } from '../own-kafka.ts'
import { startPublishing } from '../publisher.ts'
import { dice } from '../sizes.ts'
import { entities } from '../stage.ts'

test('leaders are killed while messages go to many partitions', async () => {
  const brokers = await startOwnKafka({ nodes: 3 })
  const { admin, client, prepare, records } = await openScenario(brokers.map(({ address }) => address))
  const { opened, steps } = stepsOn({ name: unique('leaders-killed'), partitions: 12 })
  const config = { 'min.insync.replicas': '2' }
  await admin.createTopics([{ name: steps.name, partitions: 12, replicationFactor: 3, config }])
  await prepare([], [opened])
  const rolls = dice('leaders-killed')
  const load = startPublishing(client.publisher(opened).publish, { entities: entities('entity', 200), perSecond: 300 }, rolls)

  const recoveries: number[] = []
  let last = -1
  for (let round = 1; round <= 5; round++) {
    const acked = load.acked.length
    await until(() => load.acked.length > acked + 600, { withinMs: 90_000, what: 'publishing to work' })
    // Leadership moves to the two others: the next victim is one of them.
    const victim = rolls.pick([0, 1, 2].filter(i => i !== last))
    last = victim
    await brokers[victim]!.kill()
    const killedAt = performance.now()
    const atKill = load.acked.length
    await until(() => load.acked.length > atKill + 600, { withinMs: 90_000, what: 'publishing to go on with two brokers' })
    recoveries.push(Math.round(performance.now() - killedAt))
    await brokers[victim]!.start()
  }
  await load.stop()
  const found = compareWithLog(await records(steps.name), typeOf(opened.schema), load.acked)
  const answered = { refused: load.refused.length, msFor600AfterKill: recoveries }
  console.log(`leaders-killed: ${JSON.stringify({ ...found, ...answered })}`)
  expect(found).toMatchObject({ gone: [], doubled: [] })
})
