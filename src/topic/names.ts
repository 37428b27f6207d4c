/** The topics of a group. Scoped to the group, never to the source: one group's failures must not reach another. */
import { checkName } from '../message/definition.ts'
import type { Duration } from '../message/duration.ts'

/** Throws DefinitionError (E_DEFINITION) when the group's name, or a topic name made from it, is illegal in Kafka. */
export function checkGroupName(group: string, longestDelay: Duration): void {
  checkName(group, 'group')
  checkName(tierTopic(group, longestDelay), 'topic')
  checkName(movedTopic(group), 'topic')
}

export function tierTopic(group: string, delay: Duration): string {
  return `${group}.retry.${delay}`
}

/** Where redriven letters arrive: a tier without a wait. */
export function immediateTopic(group: string): string {
  return tierTopic(group, '0s')
}

export function dlqTopic(group: string): string {
  return `${group}.dlq`
}

/** Tells which letters were redriven or purged, by whom and why. */
export function movedTopic(group: string): string {
  return `${group}.dlq.moved`
}

/** Matches every tier of the group, configured or not: a tier that was taken out of the configuration is still drained. */
export function isTierOf(group: string, topic: string): boolean {
  return topic.startsWith(`${group}.retry.`) && /^\d+(ms|s|m|h|d)$/.test(topic.slice(group.length + '.retry.'.length))
}
