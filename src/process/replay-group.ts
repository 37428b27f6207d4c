/** The loop of a group, wired for a replay: the same engine, on source topics only, with nothing written to any topic. */
import { randomUUID } from 'node:crypto'
import type { Broker } from '../broker/port.ts'
import { createAttempt } from '../consume/attempt.ts'
import { type Clock, systemClock } from '../consume/clock.ts'
import type { Logger, Outbound } from '../consume/handler.ts'
import type { SessionLimits } from '../consume/limits.ts'
import { GroupLoop } from '../consume/loop.ts'
import { type Processor, sourceTopics } from '../consume/processor.ts'
import type { Letter } from '../dlq/letter.ts'
import type { Signals } from '../observe/signals.ts'
import { type Client, createClient } from '../produce/client.ts'
import { type InLaneCounts, InLaneRetries } from '../retry/in-lane.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { aborted, breakerOf, decoderOf, defaultDrainTimeoutMs, outboundOf, refuseLongDeadlines, supervise } from './process.ts'

/** What `ctx.publish` and `ctx.schedule` of a replayed handler do: nothing but being counted, or what they always do. */
export type Effects = 'suppress' | 'allow'

export interface ReplayGroupOptions {
  /** The service's name: `ce_source` of what handlers send, when they may. */
  readonly name: string
  /** Whose handlers are run. They see it as `ctx.group`. */
  readonly processor: Processor
  /** The group that is joined instead of the processor's own. It must have commits already: it begins nowhere by itself. */
  readonly group: string
  /** Of the processor's source topics. */
  readonly topics: readonly string[]
  readonly broker: Broker
  readonly registry: SchemaRegistry
  readonly signals: Signals
  /** What handlers log to. */
  readonly logger: Logger
  readonly effects: Effects
  /** Keeps a record that was given up; see InLaneOptions. */
  readonly onLetter: (letter: Letter) => Promise<void>
  readonly drainTimeoutMs?: number
  readonly clock?: Clock
  readonly limits?: SessionLimits
  /** Gives a start up that has not succeeded yet: startReplayGroup rejects with its reason. */
  readonly signal?: AbortSignal
}

export interface Suppressed {
  published: number
  scheduled: number
}

export interface RunningReplay {
  readonly counts: Readonly<InLaneCounts>
  readonly suppressed: Readonly<Suppressed>
  /** Resolves with the reason when the group has ended for good (E_DATA_LOST); never rejects. */
  readonly failed: Promise<unknown>
  /** Drains, commits and leaves the group. */
  stop(): Promise<void>
}

/** Where a processor reads from, and where it begins when its group has committed nothing. */
export function sourcesOf(processor: Processor): { topics: string[]; start: Processor['start'] } {
  return { topics: sourceTopics(processor), start: processor.start }
}

/** Resolves when the group has been joined. Rejects, with nothing left running, with ConfigError (E_CONFIG), DataLost (E_DATA_LOST), BrokerUnavailable or BrokerRefused. */
export async function startReplayGroup(options: ReplayGroupOptions): Promise<RunningReplay> {
  const { name, processor, broker, registry, topics, effects, drainTimeoutMs = defaultDrainTimeoutMs } = options
  refuseLongDeadlines({ processors: [processor], drainTimeoutMs })
  const client = effects === 'allow' ? createClient({ producer: broker.producer(), registry, source: name }) : undefined
  const suppressed: Suppressed = { published: 0, scheduled: 0 }
  const retries = new InLaneRetries({ ...options, ladder: processor.ladder, retry: processor.retry })
  const loop = createLoop(options, retries, client ?? suppressed)
  const failed = Promise.withResolvers<unknown>()
  const group = supervise(loop, options, failed.resolve, async () => topics)
  const stop = async (): Promise<void> => {
    await group.stop()
    await client?.close()
  }
  try {
    await Promise.race([group.start(), aborted(options.signal)])
  } catch (error) {
    await stop()
    throw error
  }
  return { counts: retries.counts, suppressed, failed: failed.promise, stop }
}

function createLoop(options: ReplayGroupOptions, retries: InLaneRetries, sendingBy: Client | Suppressed): GroupLoop {
  const { processor, group, signals, logger, clock = systemClock, limits, drainTimeoutMs = defaultDrainTimeoutMs } = options
  const attempt = createAttempt({
    processor,
    decoder: decoderOf(processor, group, options),
    outbound: 'close' in sendingBy ? cause => outboundOf(sendingBy, cause) : () => counting(sendingBy),
    logger: logger.child({ group }),
    signals,
    isReplay: true,
  })
  const aside: Processor = { ...processor, name: group, start: 'earliest' }
  return new GroupLoop({
    processor: aside,
    attempt,
    admission: retries,
    breaker: breakerOf(aside, signals, clock),
    signals,
    drainTimeoutMs,
    clock,
    ...(limits && { limits }),
  })
}

/** Answers as if it had sent: a receipt of no place. */
function counting(suppressed: Suppressed): Outbound {
  const receipt = (topic: string) => ({ id: randomUUID(), topic, partition: -1, offset: -1n })
  return {
    publish: async ({ topic }) => {
      suppressed.published++
      return receipt(topic.name)
    },
    schedule: async ({ topic }) => {
      suppressed.scheduled++
      return receipt(topic.name)
    },
  }
}
