/** What a redrive would move, found out without moving it. */
import type { TopicPartition } from '../broker/port.ts'
import type { Letter } from '../dlq/letter.ts'
import { readLetters, type Taken } from '../dlq/read.ts'
import type { Selection } from '../dlq/selection.ts'
import { type DlqSource, namesOf } from '../dlq/source.ts'
import { codeOf } from '../errors.ts'
import type { ForeignFamily } from '../topic/foreign-trail.ts'
import { fateOf, type Moves, rulesOf, type StaysBecause, type Target, targetText } from './target.ts'
import { checkMovedTopic, TargetTopics } from './target-topics.ts'

/** What the service knows about a letter's bytes. Passed in: redrive itself never decodes. */
export interface Judge {
  /** The type of a value that can be decoded now; why it cannot; or why that could not be found out. */
  decode(letter: Letter): Promise<{ type: string } | { problem: string } | { unknown: string }>
  /** Whether the group has a handler for this type of this source topic. */
  handles(sourceTopic: string, type: string): boolean
}

/** Letters that would fare alike. */
export interface PlanKind {
  /** Full schema name; '' when it cannot be decoded. */
  readonly type: string
  /** Whether a handler exists for it. */
  readonly handled: boolean
  readonly letters: number
}

export interface RedrivePlan {
  /** The group, or the topic of a foreign DLQ. */
  readonly group: string
  /** The topic that they would go to, or `source` for that of each letter. */
  readonly target: string
  /** Letters that would be moved. */
  readonly letters: number
  /** By partition of the DLQ. */
  readonly partitions: readonly { readonly partition: number; readonly letters: number }[]
  /** By the topic that they would go to. */
  readonly topics: readonly { readonly topic: string; readonly letters: number }[]
  readonly kinds: readonly PlanKind[]
  /** Why values cannot be decoded now, at most 20 different reasons. */
  readonly problems: readonly { readonly problem: string; readonly letters: number }[]
  /** Of how many letters it could not be found out whether they decode, and why. */
  readonly unknown: readonly { readonly problem: string; readonly letters: number }[]
  /** How many letters were redriven how often before; those never redriven too. */
  readonly redrivenBefore: readonly { readonly times: number; readonly letters: number }[]
  /** Of a foreign DLQ: by the framework whose headers they have. */
  readonly families: readonly { readonly family: ForeignFamily; readonly letters: number }[]
  /** Letters that would be left where they are. */
  readonly stays: readonly { readonly because: StaysBecause; readonly letters: number }[]
  /** Of a foreign DLQ: the topic that must be created before a run; null when it is there. */
  readonly lacks: string | null
  /** Records of `<dlq>.moved` that could not be understood. */
  readonly unreadableMoves: number
}

export interface PlanOptions {
  readonly signal?: AbortSignal
  /** Which letters. Its limit counts those that would be moved. Default all. */
  readonly selection?: Selection
  /** As of RedriveOptions. */
  readonly target?: Target
  readonly maxRedrives?: number
  /** Called for every letter read. */
  readonly onProgress?: (done: number, total: number) => void
}

/**
 * Reads all letters left and judges those that are selected; without a judge nobody says whether they decode. Moves nothing. Rejects
 * with DlqMissing (E_NO_DLQ), or RedriveTargetUnfit (E_REDRIVE_TARGET) when a run could not write its copies.
 */
export async function planRedrive(source: DlqSource, judge: Judge | undefined, options: PlanOptions = {}): Promise<RedrivePlan> {
  const rules = rulesOf(source, options)
  const lacks = await lackingTopic(source)
  const plan = new PlanSums()
  const targets = new Map<string, TopicPartition>()
  const onLetter = async (letter: Letter): Promise<Taken> => {
    const fate = fateOf(letter, source, rules)
    if ('stays' in fate) {
      add(plan.stays, fate.stays)
      return 'left'
    }
    targets.set(`${fate.to.topic}/${fate.to.partition}`, fate.to)
    await plan.add(letter, fate, judge)
  }
  const { unreadableMoves } = await readLetters(source, onLetter, options)
  await new TargetTopics(source).check(targets.values())
  return { group: source.group, target: targetText(rules.target), ...plan.sums(), lacks, unreadableMoves }
}

/** A foreign DLQ has none before its first redrive, and to say so is the plan's business; a group's is created with its DLQ. */
async function lackingTopic(source: DlqSource): Promise<string | null> {
  try {
    await checkMovedTopic(source)
    return null
  } catch (error) {
    if (!source.foreign || codeOf(error) !== 'E_REDRIVE_TARGET') throw error
    return namesOf(source).moved
  }
}

const maxProblems = 20

class PlanSums {
  #letters = 0
  readonly stays = new Map<StaysBecause, number>()
  readonly #partitions = new Map<number, number>()
  readonly #topics = new Map<string, number>()
  readonly #kinds = new Map<string, { type: string; handled: boolean; letters: number }>()
  readonly #problems = new Map<string, number>()
  readonly #unknown = new Map<string, number>()
  readonly #times = new Map<number, number>()
  readonly #families = new Map<ForeignFamily, number>()

  async add(letter: Letter, { to, headers }: Moves, judge: Judge | undefined): Promise<void> {
    this.#letters++
    add(this.#partitions, letter.partition)
    add(this.#topics, to.topic)
    add(this.#times, headers.redriveCount)
    if (letter.family !== undefined) add(this.#families, letter.family)
    if (judge) await this.#judge(letter, judge)
  }

  sums(): Omit<RedrivePlan, 'group' | 'target' | 'lacks' | 'unreadableMoves'> {
    return {
      letters: this.#letters,
      partitions: [...this.#partitions].map(([partition, letters]) => ({ partition, letters })),
      topics: byCount(this.#topics).map(([topic, letters]) => ({ topic, letters })),
      kinds: [...this.#kinds.values()].sort((a, b) => b.letters - a.letters),
      problems: byCount(this.#problems).map(([problem, letters]) => ({ problem, letters })),
      unknown: byCount(this.#unknown).map(([problem, letters]) => ({ problem, letters })),
      redrivenBefore: [...this.#times].sort((a, b) => a[0] - b[0]).map(([times, letters]) => ({ times, letters })),
      families: byCount(this.#families).map(([family, letters]) => ({ family, letters })),
      stays: byCount(this.stays).map(([because, letters]) => ({ because, letters })),
    }
  }

  async #judge(letter: Letter, judge: Judge): Promise<void> {
    const decoded = await judge.decode(letter)
    if ('unknown' in decoded) {
      addFew(this.#unknown, decoded.unknown)
    } else if ('type' in decoded) {
      this.#addKind(decoded.type, judge.handles(letter.trail?.origin.topic ?? '', decoded.type))
    } else {
      this.#addKind('', false)
      addFew(this.#problems, decoded.problem)
    }
  }

  #addKind(type: string, handled: boolean): void {
    const name = `${handled} ${type}`
    const kind = this.#kinds.get(name) ?? { type, handled, letters: 0 }
    kind.letters++
    this.#kinds.set(name, kind)
  }
}

function add<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function addFew(counts: Map<string, number>, problem: string): void {
  if (counts.has(problem) || counts.size < maxProblems) add(counts, problem)
}

function byCount<K>(counts: Map<K, number>): [K, number][] {
  return [...counts].sort((a, b) => b[1] - a[1])
}
