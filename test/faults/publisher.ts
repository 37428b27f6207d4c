/** Publishes at a steady pace, and notes what the broker acknowledged. */
import { until } from '../until.ts'
import type { Acked } from './check/events.ts'
import type { Dice } from './sizes.ts'

export interface Pace {
  readonly entities: readonly string[]
  readonly perSecond: number
  /** Ends by itself after so many; without it, when it is stopped. */
  readonly count?: number
  /** Each message carries a text of so many bytes. */
  readonly noteBytes?: number
}

export interface Publishing {
  readonly acked: readonly Acked[]
  /** Rejections: whether these were written is not known. */
  readonly refused: readonly { readonly key: string; readonly seq: number; readonly error: unknown }[]
  /** Settles when all `count` were published and answered for. */
  readonly finished: Promise<void>
  /** No further ones; resolves when all are answered for. */
  stop(): Promise<void>
}

type Publish = (step: { id: string; n: number; note: string }) => Promise<{ topic: string; partition: number; offset: bigint }>

/** Each entity's messages are numbered from 1, rejected ones included. */
export function startPublishing(
  publish: Publish,
  { entities, perSecond, count = Number.POSITIVE_INFINITY, noteBytes = 0 }: Pace,
  dice: Dice,
): Publishing {
  const acked: Acked[] = []
  const refused: { key: string; seq: number; error: unknown }[] = []
  const numbers = new Map<string, number>()
  const open = new Set<Promise<void>>()
  const note = 'x'.repeat(noteBytes)
  let published = 0
  let stopping = false
  const publishOne = () => {
    const key = dice.pick(entities)
    const seq = (numbers.get(key) ?? 0) + 1
    numbers.set(key, seq)
    published++
    const answered = publish({ id: key, n: seq, note }).then(
      ({ topic, partition, offset }) => void acked.push({ topic, partition, offset: String(offset), key, seq }),
      error => void refused.push({ key, seq, error }),
    )
    open.add(answered)
    void answered.then(() => open.delete(answered))
  }
  const publishing = async () => {
    const begun = performance.now()
    while (!stopping && published < count) {
      const due = Math.min(count, Math.ceil(((performance.now() - begun) / 1_000) * perSecond))
      // Not ever more while the broker is away: memory is not what is tested.
      while (published < due && open.size < 2_000) publishOne()
      const at = performance.now() + 10
      await until(() => stopping || performance.now() >= at, { withinMs: 60_000, what: 'the time of the next message' })
    }
    await Promise.all(open)
  }
  const finished = publishing()
  finished.catch(() => {})
  return {
    acked,
    refused,
    finished,
    stop: async () => {
      stopping = true
      await finished
    },
  }
}
