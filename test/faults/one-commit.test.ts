/**
 * The broker is SIGKILLed while members commit several topics in one request over and over. Started again on its data, it has of
 * each group's last request all or nothing, and nothing older than what it acknowledged.
 */
import { expect, test } from 'vitest'
import { committedAtOnce, startCommitting } from '../scenarios/committing.ts'
import { openScenario } from '../scenarios/harness.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { startOwnKafka } from './own-kafka.ts'
import { size } from './sizes.ts'

const topics = ['source', 'tier', 'later-tier'].map(unique)
/** At a kill some of them are in the middle of a request. */
const groups = 12

test('a commit of several topics survives a kill of the broker whole or not at all', async () => {
  const [broker] = await startOwnKafka()
  const scenario = await openScenario([broker!.address])
  await scenario.admin.createTopics(topics.map(name => ({ name, partitions: 2, replicationFactor: 1, config: {} })))
  for (let round = 1; round <= size(1, 6); round++) {
    const { broker: members } = await openScenario([broker!.address])
    const all = await Promise.all(
      Array.from({ length: groups }, () => startCommitting(members, topics, unique(`committing-${round}`))),
    )
    await until(() => all.every(one => one.acknowledged() > 30), { withinMs: 60_000, what: 'all groups to commit' })
    await broker!.kill()
    const acknowledged = all.map(one => one.acknowledged())
    for (const one of all) one.stop()
    await broker!.start()

    const found = await until(() => Promise.all(all.map(({ group }) => committedAtOnce(scenario.admin, group, topics))), {
      withinMs: 60_000,
      what: 'the commits to be read',
    })
    const under = found.filter(([one], i) => one !== `${acknowledged[i]} ${acknowledged[i]}`).length
    console.log(`one-commit: of ${groups} requests under way at the kill ${under} are there, the others are not`)
    expect(found.filter(one => one.length > 1)).toEqual([])
    for (const [i, [one]] of found.entries()) expect(Number(one!.split(' ')[0])).toBeGreaterThanOrEqual(acknowledged[i]!)
  }
})
