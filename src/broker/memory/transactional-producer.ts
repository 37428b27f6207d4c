import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { BrokerUnavailable, codeOf, Fenced } from '../../errors.ts'
import { chunksOf } from '../chunks.ts'
import type { OutgoingRecord, TransactionalProducer } from '../port.ts'
import type { Cluster } from './cluster.ts'

/** Nothing is in a log before the commit, so readers meet no open transaction, and an end takes no offset. */
export function memoryTransactionalProducer(cluster: Cluster, id: string): TransactionalProducer {
  let epoch: number | undefined
  let sent: OutgoingRecord[] = []
  let broken: unknown
  const check = (): void => {
    if (broken !== undefined) throw broken
    if (epoch === undefined) throw new BrokerUnavailable(`the producer ${id} is not connected`)
    if (epoch !== cluster.epochs.get(id)) throw new Fenced(`another producer of the same transactional id has begun: ${id}`)
  }
  return {
    async connect() {
      epoch = (cluster.epochs.get(id) ?? 0) + 1
      cluster.epochs.set(id, epoch)
    },
    async send(records) {
      await turnOfTheLoop()
      check()
      try {
        for (const { topic, partition, records: chunk } of chunksOf(records)) cluster.topic(topic).check(partition, chunk)
      } catch (error) {
        if (codeOf(error) !== 'E_RECORD_TOO_LARGE') broken = error
        throw error
      }
      sent.push(...records)
    },
    async commit() {
      await turnOfTheLoop()
      check()
      const committed = sent
      sent = []
      for (const { topic, partition, records } of chunksOf(committed, Number.POSITIVE_INFINITY))
        cluster.topic(topic).partition(partition).append(records, cluster.clock())
    },
    async abort() {
      sent = []
      if (broken === undefined) check()
    },
    async close() {
      epoch = undefined
      sent = []
    },
  }
}
