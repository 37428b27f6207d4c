import type { Admin, BrokerRecord, Reader } from '../broker/port.ts'
import { type ForeignFamily, readForeignTrail } from '../topic/foreign-trail.ts'
import { dlqTopic, movedTopicOf, redriveIdOf } from '../topic/names.ts'
import { type Trail, trailOf } from '../topic/trail.ts'
import type { Letter } from './letter.ts'

/** A DLQ, and the ways to it. */
export interface DlqSource {
  readonly reader: Reader
  readonly admin: Admin
  /** The group whose letters they are; of a foreign DLQ its topic. */
  readonly group: string
  /** The DLQ is a topic that another framework writes. Default false. */
  readonly foreign?: boolean
}

export interface DlqNames {
  readonly topic: string
  /** Tells what was redriven or purged. */
  readonly moved: string
  /** The `transactional.id` of whoever moves its letters: one at a time. */
  readonly transactionalId: string
}

export function namesOf({ group, foreign }: Pick<DlqSource, 'group' | 'foreign'>): DlqNames {
  const topic = foreign ? group : dlqTopic(group)
  return { topic, moved: movedTopicOf(topic), transactionalId: redriveIdOf(topic) }
}

export function letterIn({ foreign }: DlqSource, record: BrokerRecord): Letter {
  return new ReadLetter(record, foreign ? readForeign : readOwn)
}

type Told = Pick<Letter, 'trail' | 'family'>

const readOwn = (record: BrokerRecord): Told => ({ trail: trailOf(record) })
const readForeign = ({ headers, timestampMs }: BrokerRecord): Told =>
  readForeignTrail(headers, timestampMs) ?? { trail: undefined }

/** What its headers tell is read when somebody asks: of a million letters few do. */
class ReadLetter implements Letter {
  readonly record: BrokerRecord
  readonly #tell: (record: BrokerRecord) => Told
  #told: Told | undefined

  constructor(record: BrokerRecord, tell: (record: BrokerRecord) => Told) {
    this.record = record
    this.#tell = tell
  }

  get partition(): number {
    return this.record.partition
  }

  get offset(): bigint {
    return this.record.offset
  }

  get trail(): Trail | undefined {
    this.#told ??= this.#tell(this.record)
    return this.#told.trail
  }

  get family(): ForeignFamily | undefined {
    this.#told ??= this.#tell(this.record)
    return this.#told.family
  }
}
