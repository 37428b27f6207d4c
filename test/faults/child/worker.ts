/**
 * A worker that can be verified: it runs one consumer and writes down everything that it does, before or as it does it. How often a
 * message fails is in failing.ts, what else handlers may do in poison.ts.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { consumer, on } from 'spillway'
import { connectKafka } from '../../../src/broker/kafkajs/connect.ts'
import type { Context } from '../../../src/consume/handler.ts'
import { defaultLimits } from '../../../src/consume/limits.ts'
import { createLogger } from '../../../src/observe/logger.ts'
import { Signals } from '../../../src/observe/signals.ts'
import { startProcess } from '../../../src/process/process.ts'
import { stopOnSignals, surviveStrayRejections } from '../../../src/process/shutdown.ts'
import { connectRegistry } from '../../../src/schema/registry.ts'
import { stepsOn } from '../../scenarios/messages.ts'
import { until } from '../../until.ts'
import { failuresOf } from './failing.ts'
import { openJournal, writesDown } from './journal.ts'
import { poison } from './poison.ts'
import type { WorkerSettings } from './settings.ts'

const settings = JSON.parse(process.env.IT_WORKER!) as WorkerSettings
const write = openJournal(settings.journal, process.env.IT_WHO!)
const sources = settings.topics.map(name => stepsOn({ name, partitions: settings.partitions }).opened)

async function step({ id: key, n: seq }: { id: string; n: number }, { origin, attempt, signal }: Context): Promise<void> {
  const about = { topic: origin.topic, partition: origin.partition, offset: String(origin.offset), key, seq, attempt }
  write({ what: 'received', ...about })
  const giveUp = (): void => write({ what: 'failed', ...about })
  // The only one that tells of a handler that never settles.
  signal.addEventListener('abort', giveUp)
  try {
    await poison[key.split(':')[0]!]?.()
    const endsAt = performance.now() + ((seq * 7 + key.length * 3) % (settings.workMs + 1))
    await until(() => signal.aborted || performance.now() >= endsAt, { withinMs: 60_000, what: 'the work to be done' })
    if (signal.aborted || attempt <= failuresOf(key, seq)) throw new Error('on purpose')
  } catch (error) {
    if (!signal.aborted) giveUp()
    throw error
  }
  write({ what: 'effect', ...about })
}

function listen(): Signals {
  const signals = new Signals()
  const at = ({ origin: { topic, partition, offset }, attempt }: { origin: Context['origin']; attempt: number }) => ({
    topic,
    partition,
    offset: String(offset),
    attempt,
  })
  signals.on('consumer.joined', ({ partitions }) => write({ what: 'joined', partitions }))
  signals.on('consumer.drained', ({ unfinished }) => write({ what: 'drained', unfinished }))
  signals.on('consumer.crashed', ({ error }) => write({ what: 'crashed', error: String(error) }))
  signals.on('message.retried', signal => write({ what: 'retried', ...at(signal) }))
  signals.on('message.followed', signal => write({ what: 'followed', ...at(signal) }))
  signals.on('message.deadLettered', signal =>
    write({ what: 'dead-lettered', ...at(signal), disposition: signal.disposition, reason: signal.failure.class }),
  )
  return signals
}

function watchStalls(): void {
  const delays = monitorEventLoopDelay({ resolution: 10 })
  delays.enable()
  setInterval(() => {
    write({ what: 'stalled', longestMs: Math.round(delays.max / 1e6) })
    delays.reset()
  }, 500).unref()
}

// As `spillway run` does.
surviveStrayRejections(() => {})
const broker = connectKafka({ brokers: settings.brokers, clientId: process.env.IT_WHO! })
const start = new AbortController()
const starting = startProcess({
  name: 'worker',
  processors: [
    consumer(
      settings.group,
      sources.map(opened => on(opened, step)),
      {
        retry: { tiers: settings.tiers, onExhausted: settings.onExhausted },
        handlerTimeout: `${settings.handlerTimeoutMs}ms`,
        // In a process that has just begun, copies that fail again look like an outage, and what it holds runs again: outage.test.ts is about that.
        breaker: false,
      },
    ),
  ],
  broker: writesDown(broker, write),
  registry: connectRegistry({ url: settings.registryUrl }),
  signals: listen(),
  logger: createLogger({ level: 'silent' }),
  sessionTimeoutMs: settings.sessionTimeoutMs,
  limits: { ...defaultLimits, partitionWindow: { ...defaultLimits.partitionWindow, records: settings.windowRecords } },
  signal: start.signal,
})
const failed = starting.then(
  () => new Promise<never>(() => {}),
  error => {
    if (!start.signal.aborted) console.error(error)
    return 1
  },
)
const stop = async () => {
  start.abort(new Error('stopped before the group was joined'))
  await (await starting.catch(() => undefined))?.stop()
  await broker.close()
}
const stopped = stopOnSignals({ stop, until: failed, timeoutMs: 25_000 })
watchStalls()
write({ what: 'started' })
const code = await stopped
write({ what: 'stopped', code })
process.exit(code)
