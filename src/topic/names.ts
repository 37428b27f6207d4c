/** The topics of a group. Scoped to the group, never to the source: one group's failures must not reach another. */
import { checkName, isLegalName } from '../message/definition.ts'
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
  return movedTopicOf(dlqTopic(group))
}

/** The same for any topic that is a DLQ. */
export function movedTopicOf(dlq: string): string {
  return `${dlq}.moved`
}

/** The `transactional.id` of whoever moves letters of this DLQ; of a group's DLQ `<group>.redrive`. */
export function redriveIdOf(dlq: string): string {
  return `${dlq.replace(/\.dlq$/, '')}.redrive`
}

/** Whether a topic has a name that Spillway gives: a tier, a DLQ, or what was moved out of one. */
export function isDerived(topic: string): boolean {
  return /\.(?:dlq|dlq\.moved|retry\.\d+(?:ms|s|m|h|d))$/.test(topic)
}

/** Whether messages may be published to a topic of this name: it is not Kafka's own, nor one that Spillway writes. */
export function isSourceName(topic: string): boolean {
  return isLegalName(topic) && !topic.startsWith('__') && !isDerived(topic)
}

/** Matches every tier of the group, configured or not: a tier that was taken out of the configuration is still drained. */
export function isTierOf(group: string, topic: string): boolean {
  return topic.startsWith(`${group}.retry.`) && /^\d+(ms|s|m|h|d)$/.test(topic.slice(group.length + '.retry.'.length))
}
