/**
 * T6: requests to write reach the broker, their answers do not come back, until the publisher gives up. Then the network is well
 * again. What the publisher was told is written lies in the log, at the offset it was told, once; what it was refused at most once.
 */
import { expect, test } from 'vitest'
import { typeOf } from '../../src/schema/codec.ts'
import { openScenario } from '../scenarios/harness.ts'
import { stepsOn } from '../scenarios/messages.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { compareWithLog } from './acked-in-log.ts'
import { startOwnKafka } from './own-kafka.ts'
import { startProxy } from './proxy.ts'
import { startPublishing } from './publisher.ts'
import { dice, size } from './sizes.ts'
import { entities } from './stage.ts'

test('the answers to publishes are lost until the publisher gives up', async () => {
  const proxy = await startProxy()
  const [broker] = await startOwnKafka({
    advertised: port => {
      proxy.to(port)
      return proxy.port
    },
  })
  const { prepare, client, records } = await openScenario([broker!.address])
  const { opened, steps } = stepsOn({ name: unique('lost-answers'), partitions: 3 })
  await prepare([], [opened])
  // One batch at a time of one record each now and then: a sequence number used twice then looks like a repetition to the broker.
  const load = startPublishing(
    client.publisher(opened).publish,
    { entities: entities('entity', 30), perSecond: 20 },
    dice('lost-answers'),
  )

  for (let round = 1; round <= size(1, 4); round++) {
    const [acked, refused] = [load.acked.length, load.refused.length]
    await until(() => load.acked.length > acked + 20, { withinMs: 60_000, what: 'publishing to work' })
    proxy.loseAnswers('Produce')
    await until(() => load.refused.length >= refused + 3, { withinMs: 120_000, what: 'the publisher to give up' })
    proxy.loseAnswers()
    const atEnd = load.acked.length
    await until(() => load.acked.length > atEnd + 100, { withinMs: 60_000, what: 'publishing to work again' })
  }
  await load.stop()

  const found = compareWithLog(await records(steps.name), typeOf(opened.schema), load.acked)
  console.log(`lost-answers: ${JSON.stringify({ ...found, refused: load.refused.length, answersLost: proxy.lost })}`)
  expect(found).toMatchObject({ gone: [], doubled: [] })
  expect(proxy.lost).toBeGreaterThan(3)
})
