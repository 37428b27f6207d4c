import { EncodedCopy } from '../broker/encoded-copy.ts'
import type { BrokerRecord, OutgoingRecord, TopicPartition } from '../broker/port.ts'
import type { Letter } from '../dlq/letter.ts'
import type { DlqSource } from '../dlq/source.ts'
import { withoutForeignTrail } from '../topic/foreign-trail.ts'
import { redrivenBy } from '../topic/redriven-trail.ts'
import { redriveHeaders, withoutTrail, withTrail } from '../topic/trail.ts'
import type { Moves, Target } from './target.ts'

/** Makes the copy of a letter that moves: key, value and the record's own headers untouched. It is no letter any more, and compressed if it was. */
export type Copy = (letter: Letter, moves: Moves) => OutgoingRecord

type Headers = OutgoingRecord['headers']

export function copyFor({ foreign }: DlqSource, target: Target, runId: string): Copy {
  if (target.to === 'source')
    return ({ record, family }, { to }) => {
      const { headers } = record
      return copyOf(record, to, family === undefined ? withoutTrail(headers) : withoutForeignTrail(headers, family))
    }
  const redriven = redrivenBy(runId, target.to === 'retry' ? target.group : undefined)
  return (letter, { to, headers }) => {
    if (!foreign && headers.hasTrail) return new EncodedCopy(letter.record, to, redriven(headers))
    return copyOf(letter.record, to, redrivenHeaders(letter, target, runId, headers.redriveCount + 1))
  }
}

/** Of a letter that Spillway has not written. */
function redrivenHeaders({ trail, record }: Letter, target: Target, redriveId: string, redriveCount: number): Headers {
  if (!trail) return [...withoutTrail(record.headers), ...redriveHeaders(redriveId, redriveCount)]
  const group = target.to === 'retry' ? target.group : trail.group
  return withTrail(record.headers, { ...trail, group, hop: trail.hop + 1, redriveId, redriveCount })
}

function copyOf(
  { key, value, compressed }: BrokerRecord,
  { topic, partition }: TopicPartition,
  headers: Headers,
): OutgoingRecord {
  return { topic, partition, key, value, headers, compressed }
}
