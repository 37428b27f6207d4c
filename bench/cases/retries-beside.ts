/** Every message fails once; how late its retry after a second begins. What is redriven succeeds at once, and what others have published. */
import { built } from '../built.ts'
import { orderPlaced } from '../records.ts'
import type { Case } from './cases.ts'

const delayMs = 1_000

export const retriesBeside: Case = async (_peer, job, parent) => {
  const { consumer, on } = await import('spillway')
  const { connectKafka } = await built<typeof import('../../src/broker/kafkajs/connect.ts')>('broker/kafkajs/connect.js')
  const { connectRegistry } = await built<typeof import('../../src/schema/registry.ts')>('schema/registry.js')
  const { Signals } = await built<typeof import('../../src/observe/signals.ts')>('observe/signals.js')
  const { createLogger } = await built<typeof import('../../src/observe/logger.ts')>('observe/logger.js')
  const { startProcess } = await built<typeof import('../../src/process/process.ts')>('process/process.js')
  const failedAt = new Map<string, number>()
  let late: number[] = []
  const handler = on(orderPlaced(job.topic), async (_, { id, attempt, redriveCount, source }) => {
    if (redriveCount > 0 || source === 'others') return
    if (attempt === 1) {
      failedAt.set(id, performance.now())
      throw new Error('it works the second time')
    }
    late.push(performance.now() - failedAt.get(id)! - delayMs)
    failedAt.delete(id)
    if (late.length === 1) parent.tell('retried')
  })
  const broker = connectKafka({ brokers: job.brokers, clientId: 'bench' })
  const running = await startProcess({
    name: 'bench',
    // All fail at first, which a breaker would take for an outage.
    processors: [consumer(job.group, [handler], { breaker: false })],
    broker,
    registry: connectRegistry({ url: job.registryUrl }),
    signals: new Signals(),
    logger: createLogger({ level: 'silent' }),
  })
  parent.on('percentiles', () => {
    const sorted = late.sort((a, b) => a - b)
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0
    parent.tell('percentiles', { p50Ms: at(0.5), p99Ms: at(0.99), records: sorted.length })
    late = []
  })
  await parent.asked('stop')
  await running.stop()
  await broker.close()
}
