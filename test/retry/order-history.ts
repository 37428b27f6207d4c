/** What happened to every message, and what of it must not have. */
import type { Delivery } from '../../src/consume/admission.ts'
import type { Origin } from '../../src/message/envelope.ts'
import type { Trail } from '../../src/topic/trail.ts'

interface Message {
  readonly topic: string
  readonly offset: bigint
  readonly key: string
  succeeded: boolean
  buried: boolean
  skipped: boolean
  redriven: boolean
  /** Where its last success was read. */
  place: { topic: string; offset: bigint } | undefined
  /** A success of it was not committed when a process died. */
  mayDouble: boolean
  failures: number
  moves: number
  followed: number
}

type At = Pick<Origin, 'topic' | 'offset'>

export class History {
  readonly violations: string[] = []
  crashes = 0
  /** A copy may have landed whose answer was still waited for. */
  rebalances = 0
  readonly #messages = new Map<string, Message>()
  readonly #running = new Set<string>()
  /** Of each entity, in the order of their last successes. */
  readonly #last = new Map<string, bigint[]>()

  published(topic: string, offset: bigint, key: string): void {
    const fresh = { succeeded: false, buried: false, skipped: false, redriven: false, mayDouble: false }
    this.#messages.set(`${topic}/${offset}`, {
      topic,
      offset,
      key,
      ...fresh,
      place: undefined,
      failures: 0,
      moves: 0,
      followed: 0,
    })
  }

  began({ origin, trail }: Delivery, nowMs: number): void {
    const message = this.#of(origin)
    const entity = `${message.topic}/${message.key}`
    if (this.#running.has(entity)) this.#violated('overlap', message, 'runs beside another of its entity')
    this.#running.add(entity)
    const dueAtMs = trail?.untilMs ?? trail?.dueAtMs ?? 0
    if (dueAtMs > nowMs) this.#violated('early', message, `runs ${dueAtMs - nowMs} ms early`)
  }

  succeeded(delivery: Delivery): void {
    const message = this.#ended(delivery)
    const isRedriven = delivery.trail?.redriveId !== undefined
    if (message.succeeded && !message.mayDouble && !message.buried)
      this.#violated('I4', message, 'doubled though its success was committed at every crash')
    if (!message.succeeded && !isRedriven && !message.buried)
      for (const before of this.#before(message))
        if (!hasEnded(before)) this.#violated('I2', message, `first success before that of ${before.offset}`)
    message.succeeded = true
    message.mayDouble = false
    message.place = { topic: delivery.record.topic, offset: delivery.record.offset }
    const entity = `${message.topic}/${message.key}`
    this.#last.set(entity, [...(this.#last.get(entity) ?? []).filter(offset => offset !== message.offset), message.offset])
  }

  failed(delivery: Delivery): void {
    this.#ended(delivery).failures++
  }

  /** A copy of it was written because it failed, or because its wait goes on. */
  moved(origin: At): void {
    this.#of(origin).moves++
  }

  skipped(origin: At): void {
    this.#of(origin).skipped = true
  }

  buried({ origin, redriveId }: Trail): void {
    const message = this.#of(origin)
    if (!message.buried && redriveId === undefined && !message.succeeded)
      for (const before of this.#before(message))
        if (!hasEnded(before)) this.#violated('I7', message, `dead-lettered while ${before.offset} is outstanding`)
    message.buried = true
  }

  redriven(origin: At): void {
    this.#of(origin).redriven = true
  }

  followed(origin: At): void {
    const message = this.#of(origin)
    message.followed++
    if (this.rebalances + this.crashes > 0 || message.redriven) return
    const moves = [...this.#before(message)].reduce((sum, one) => sum + one.moves, 0)
    if (message.followed > moves) this.#violated('I5', message, `moved on ${message.followed} times for ${moves} moves before it`)
  }

  crashed(isCommitted: (place: { topic: string; offset: bigint }) => boolean): void {
    this.crashes++
    this.#running.clear()
    for (const message of this.#messages.values())
      if (message.succeeded && message.place && !isCommitted(message.place)) message.mayDouble = true
  }

  /** When all is finished. */
  completed(): string[] {
    for (const message of this.#messages.values()) if (!hasEnded(message)) this.#violated('I1', message, 'lost')
    for (const [entity, offsets] of this.#last) {
      let highest = -1n
      for (const offset of offsets) {
        const message = this.#messages.get(`${entity.slice(0, entity.indexOf('/'))}/${offset}`)!
        if (message.buried) continue
        if (offset < highest) this.#violated('I6', message, `its last success came after that of ${highest}`)
        if (offset > highest) highest = offset
      }
    }
    return this.violations
  }

  get counts(): { failures: number; followed: number } {
    const all = [...this.#messages.values()]
    const sum = (of: (message: Message) => number) => all.reduce((total, message) => total + of(message), 0)
    return { failures: sum(({ failures }) => failures), followed: sum(({ followed }) => followed) }
  }

  #ended({ origin }: Delivery): Message {
    const message = this.#of(origin)
    this.#running.delete(`${message.topic}/${message.key}`)
    return message
  }

  *#before({ topic, key, offset }: Message): Generator<Message> {
    for (const one of this.#messages.values()) if (one.topic === topic && one.key === key && one.offset < offset) yield one
  }

  #of({ topic, offset }: At): Message {
    return this.#messages.get(`${topic}/${offset}`)!
  }

  #violated(rule: string, { topic, offset, key }: Message, what: string): void {
    this.violations.push(`${rule}: ${topic}@${offset} (${key}) ${what}`)
  }
}

function hasEnded({ succeeded, buried, skipped }: Message): boolean {
  return succeeded || buried || skipped
}
