/** Where letters go, and which stay. */
import type { TopicPartition } from '../broker/port.ts'
import type { Letter } from '../dlq/letter.ts'
import { type DlqSource, namesOf } from '../dlq/source.ts'
import { immediateTopic, isSourceName } from '../topic/names.ts'
import { LetterHeaders } from '../topic/redriven-trail.ts'

export type Target =
  /** `<group>.retry.0s`: this group, and no other, handles it again. */
  | { readonly to: 'retry'; readonly group: string }
  /** Where it was published: a message like any other there, without a trail, which all groups of that topic see. */
  | { readonly to: 'source' }
  /** Any topic, trail included. */
  | { readonly to: 'topic'; readonly topic: string }

export interface Rules {
  readonly target: Target
  /** Letters that were redriven so often already stay; Infinity when it does not matter. */
  readonly maxRedrives: number
}

/** Default to the group's own `<group>.retry.0s`; of a foreign DLQ to the source of each letter; however often they were redriven. */
export function rulesOf(
  { group, foreign }: DlqSource,
  asked: { readonly target?: Target; readonly maxRedrives?: number },
): Rules {
  const target: Target = asked.target ?? (foreign ? { to: 'source' } : { to: 'retry', group })
  return { target, maxRedrives: asked.maxRedrives ?? Number.POSITIVE_INFINITY }
}

/** The topic; `source` for that of each letter. */
export function targetText(target: Target): string {
  if (target.to === 'source') return 'source'
  return target.to === 'retry' ? immediateTopic(target.group) : target.topic
}

/** Why a letter stays where it is. */
export type StaysBecause =
  /** Nobody knows where it came from. */
  | 'no-trail'
  /** What it is about was too large for the DLQ, or not readable, and lies only at the source. */
  | 'oversize'
  /** Of a foreign DLQ: headers of no framework that is known here. */
  | 'unknown-headers'
  /** Of a foreign DLQ: they do not say from which topic, partition and offset. */
  | 'no-origin'
  /** They name a topic that no message is published to, such as a DLQ. */
  | 'unfit-origin'
  /** Redriven often enough. */
  | 'max-redrives'

export type Fate = Moves | { readonly stays: StaysBecause }

export interface Moves {
  readonly to: TopicPartition
  readonly headers: LetterHeaders
}

/** A record keeps the number of its partition, and so entities their order. */
export function fateOf(letter: Letter, source: DlqSource, { target, maxRedrives }: Rules): Fate {
  const { record, partition } = letter
  const headers = LetterHeaders.of(record)
  if (record.unreadable || headers.lacksItsValue) return { stays: 'oversize' }
  if (headers.redriveCount >= maxRedrives) return { stays: 'max-redrives' }
  if (target.to === 'topic') return { to: { topic: target.topic, partition }, headers }
  if (target.to === 'retry' && !source.foreign)
    // Without an origin a copy would have no identity in the retry tier, and its group could not tell it from garbage.
    return headers.hasTrail ? { to: { topic: immediateTopic(target.group), partition }, headers } : { stays: 'no-trail' }
  const origin = letter.trail?.origin
  if (!origin) return { stays: source.foreign ? (letter.family === undefined ? 'unknown-headers' : 'no-origin') : 'no-trail' }
  if (target.to === 'retry') return { to: { topic: immediateTopic(target.group), partition: origin.partition }, headers }
  // Headers are anyone's, and whoever redrives may write to more topics than whoever wrote them.
  const { topic } = origin
  const { topic: dlq, moved } = namesOf(source)
  if (!isSourceName(topic) || topic === dlq || topic === moved) return { stays: 'unfit-origin' }
  return { to: { topic, partition: origin.partition }, headers }
}
