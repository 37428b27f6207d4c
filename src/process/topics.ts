/** What a group subscribes to, and whether it may: topics are created by `spillway topic apply`, never by a running process. */
import type { Admin, Broker, TopicState } from '../broker/port.ts'
import { type Processor, sourceTopics, tierTopics } from '../consume/processor.ts'
import { TopicsMissing } from '../errors.ts'
import { isTierOf } from '../topic/names.ts'

/**
 * The sources and every tier that exists, configured or not: a tier that was taken out of the configuration is still drained.
 * Rejects with TopicsMissing (E_TOPICS_MISSING) when one that is needed does not exist or has too few partitions.
 */
export async function topicsToConsume(broker: Broker, processor: Processor): Promise<string[]> {
  const admin = broker.admin()
  try {
    return await existingTopics(admin, processor)
  } finally {
    await admin.close()
  }
}

/** The tiers of the group that exist, configured or not, and how many partitions each has. */
export async function tiersOf(broker: Broker, group: string): Promise<ReadonlyMap<string, number>> {
  const admin = broker.admin()
  try {
    const names = (await admin.topicNames()).filter(topic => isTierOf(group, topic))
    return new Map((await admin.topics(names, { config: false })).map(({ name, partitions }) => [name, partitions]))
  } finally {
    await admin.close()
  }
}

async function existingTopics(admin: Admin, processor: Processor): Promise<string[]> {
  const { ladder, name } = processor
  const sources = sourceTopics(processor)
  const needed = [...tierTopics(processor), ladder.dlq]
  const consumed = [...new Set([...sources, ...tierTopics(processor, await admin.topicNames())])]
  const states = new Map((await admin.topics([...consumed, ladder.dlq], { config: false })).map(state => [state.name, state]))
  const problems = [
    ...[...sources, ...needed].filter(topic => !states.has(topic)).map(topic => `topic ${topic} does not exist`),
    ...twinless(sources, needed, states),
  ]
  if (problems.length > 0) {
    throw new TopicsMissing(`${name} cannot start: ${problems.join('; ')}. Create what is missing with \`spillway topic apply\``)
  }
  return consumed
}

/** A copy keeps its partition number, so every partition of a source needs its twin in each tier and the DLQ. */
function twinless(sources: readonly string[], own: readonly string[], states: ReadonlyMap<string, TopicState>): string[] {
  const needed = Math.max(0, ...sources.map(topic => states.get(topic)?.partitions ?? 0))
  return own.flatMap(topic => {
    const partitions = states.get(topic)?.partitions ?? needed
    return partitions < needed
      ? [`topic ${topic} has ${partitions} partitions and needs ${needed}, as many as its largest source`]
      : []
  })
}
