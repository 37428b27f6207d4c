/** Ours, as built: the public client, and the process that `spillway run` starts. */
import { type Context, connect, consumer, on } from 'spillway'
import type { Signals } from '../../src/observe/signals.ts'
import { built } from '../built.ts'
import type { Job } from '../job.ts'
import { type OrderPlaced, orderPlaced, payloads } from '../records.ts'
import type { Consuming, Peer } from './peers.ts'

/** `listen` hears of what is told from the start on. */
export async function running(
  job: Job,
  handler: (payload: OrderPlaced, ctx: Context) => Promise<unknown>,
  listen: (signals: Signals) => void = () => {},
): Promise<Consuming> {
  const { connectKafka } = await built<typeof import('../../src/broker/kafkajs/connect.ts')>('broker/kafkajs/connect.js')
  const { connectRegistry } = await built<typeof import('../../src/schema/registry.ts')>('schema/registry.js')
  const observe = await built<typeof import('../../src/observe/signals.ts')>('observe/signals.js')
  const { createLogger, logSignals } = await built<typeof import('../../src/observe/log.ts')>('observe/log.js')
  const { startProcess } = await built<typeof import('../../src/process/process.ts')>('process/process.js')
  const broker = connectKafka({ brokers: job.brokers, clientId: 'bench' })
  const processor = consumer(job.group, [on(orderPlaced(job.topic), handler)], {
    concurrency: job.concurrency ?? 64,
    ...(job.tiers && { retry: { tiers: job.tiers } }),
  })
  const [signals, logger] = [new observe.Signals(), createLogger({ level: 'warn' })]
  logSignals(signals, logger)
  listen(signals)
  const started = await startProcess({
    name: 'bench',
    processors: [processor],
    broker,
    registry: connectRegistry({ url: job.registryUrl }),
    signals,
    logger,
  })
  return {
    async stop() {
      await started.stop()
      await broker.close()
    },
  }
}

export const peer: Peer = {
  consume: (job, handle) => running(job, async (_, ctx) => handle(() => ctx.id, ctx.origin.partition)),
  async produce(job: Job) {
    const client = await connect({ source: 'bench' })
    const publisher = client.publisher(orderPlaced(job.topic))
    const ring = payloads()
    const at = (index: number) => ring[index % ring.length]!
    return {
      send: (index, id) => (id === undefined ? publisher.publish(at(index)) : publisher.publish(at(index), { id })),
      sendBatch: (index, count) => Promise.all(Array.from({ length: count }, (_, i) => publisher.publish(at(index + i)))),
      close: () => client.close(),
    }
  },
  async redrive(job, onMoved) {
    const { connectKafka } = await built<typeof import('../../src/broker/kafkajs/connect.ts')>('broker/kafkajs/connect.js')
    const { namesOf } = await built<typeof import('../../src/dlq/source.ts')>('dlq/source.js')
    const { runRedrive } = await built<typeof import('../../src/redrive/run.ts')>('redrive/run.js')
    const broker = connectKafka({ brokers: job.brokers, clientId: 'bench' })
    const source = { reader: broker.reader(), admin: broker.admin(), group: job.group }
    const producer = broker.transactionalProducer(namesOf(source).transactionalId)
    const stop = new AbortController()
    let told = 0
    const onProgress = (moved: number): void => {
      onMoved(moved - told)
      told = moved
    }
    const options = { runId: 'bench', who: 'bench', reason: '', signal: stop.signal, onProgress }
    const running = runRedrive(source, producer, { ...options, ...(job.rate && { rate: job.rate }) })
    running.catch(error => {
      throw error
    })
    return {
      async stop() {
        stop.abort()
        await running
        await broker.close()
      },
    }
  },
  async codec({ registryUrl }, { schema, older, olderPayloads }) {
    const { codecOf } = await built<typeof import('../../src/schema/codec.ts')>('schema/codec.js')
    const { createDecoder } = await built<typeof import('../../src/schema/decoder.ts')>('schema/decoder.js')
    const { connectRegistry } = await built<typeof import('../../src/schema/registry.ts')>('schema/registry.js')
    const registry = connectRegistry({ url: registryUrl })
    const register = (one: typeof schema) => registry.register(`${schema.name}-codec`, one)
    const [olderId, id] = [await register(older), await register(schema)]
    const decoder = createDecoder(registry, [schema])
    // Kept, as a publisher keeps it.
    const codec = codecOf(schema)
    return {
      encode: payload => codec.encode(id, payload),
      decode: bytes => decoder.decode(bytes),
      written: olderPayloads.map(payload => codecOf(older).encode(olderId, payload)),
    }
  },
}
