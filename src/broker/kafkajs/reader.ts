import { setTimeout as pause } from 'node:timers/promises'
import { BrokerUnavailable } from '../../errors.ts'
import type { BrokerRecord, Reader } from '../port.ts'
import type { Client } from './client.ts'
import { clusterOf, earliest, latest, listOffsets, openCluster } from './cluster.ts'
import { meansStaleMetadata, protocolType } from './errors.ts'
import type { Cluster, FetchedBatch, FetchedPartition } from './internals.ts'
import { library } from './library.ts'
import { beginsBefore, nextOffset, toRecord } from './records.ts'

type Range = Parameters<Reader['read']>[0]

const mostAnswerBytes = 4 * 1024 * 1024
const waitMs = 250
const attempts = 8

/** A connection of its own: a fetch that waits for data would hold up everything else on a shared one. */
export function partitionReader(client: Client): Reader {
  const connection = openCluster(clusterOf(client.newKafka()))
  let closed = false
  return {
    async read(range, onRecord) {
      const doing = `read ${range.topic}[${range.partition}] from ${range.from} to ${range.to}`
      const source = partitionSource(connection.connected, range)
      let position = range.from
      const guarded = async <Result>(run: () => Promise<Result>): Promise<Result> => {
        if (closed) throw new BrokerUnavailable(`Could not ${doing}: the reader is closed`)
        await client.admitted()
        try {
          return await patiently(source.refresh, run)
        } catch (error) {
          throw client.failure(doing, error)
        }
      }
      const bounds = await guarded(source.bounds)
      if (bounds.low > position) position = bounds.low
      const end = earlier(range.to, bounds.high)
      const ask = (from: bigint) => guarded(() => source.fetch(from, end))
      let asked = position < end ? ask(position) : undefined
      while (asked) {
        const { records, next } = await asked
        // While these are handled the next answer is on its way already.
        asked = next < end ? ask(next) : undefined
        asked?.catch(() => {})
        for (const record of records) {
          const handling = onRecord(record)
          if (handling) await handling
        }
      }
    },
    async close() {
      closed = true
      await connection.close()
    },
  }
}

interface Answer {
  readonly records: readonly BrokerRecord[]
  readonly next: bigint
}

interface Source {
  bounds(): Promise<{ low: bigint; high: bigint }>
  fetch(position: bigint, end: bigint): Promise<Answer>
  refresh(): Promise<void>
}

function partitionSource(connected: () => Promise<Cluster>, range: Range): Source {
  const { topic, partition } = range
  const target = [{ topic, partition }]
  return {
    async bounds() {
      const cluster = await connected()
      await cluster.addMultipleTargetTopics([topic])
      // The high watermark, not the end of what is committed: a range may end beyond a transaction that is still open, which is waited for.
      const [low, high] = await Promise.all([listOffsets(cluster, target, earliest, 1), listOffsets(cluster, target, latest, 0)])
      return { low: low[0]!.offset, high: high[0]!.offset }
    },
    async fetch(position, end) {
      const cluster = await connected()
      try {
        const found = await fetchOnce(cluster, range, position)
        return answerOf(range, position, end, found)
      } catch (error) {
        if (protocolType(error) !== 'OFFSET_OUT_OF_RANGE') throw error
        // Deleted by retention while we read: go on with what is left.
        const [low] = await listOffsets(cluster, target, earliest, 1)
        return { records: [], next: low!.offset > position ? low!.offset : end }
      }
    },
    async refresh() {
      await (await connected()).refreshMetadata()
    },
  }
}

async function fetchOnce(cluster: Cluster, range: Range, position: bigint): Promise<FetchedPartition | undefined> {
  const { topic, partition, answerBytes = mostAnswerBytes } = range
  const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))
  if (nodeId === undefined) throw new Error(`${topic}[${partition}] has no leader in the metadata at hand`)
  const node = await cluster.findBroker({ nodeId })
  const { responses } = await node.fetch({
    maxWaitTime: waitMs,
    minBytes: 1,
    maxBytes: answerBytes,
    isolationLevel: 1,
    topics: [{ topic, partitions: [{ partition, fetchOffset: position.toString(), maxBytes: answerBytes }] }],
  })
  return responses.find(({ topicName }) => topicName === topic)?.partitions.find(one => one.partition === partition)
}

function answerOf({ topic, partition }: Range, position: bigint, end: bigint, found: FetchedPartition | undefined): Answer {
  if (found === undefined) return { records: [], next: position }
  const { Batch } = library()
  const batch: FetchedBatch = new Batch(topic, position.toString(), found)
  const next = nextOffset(batch)
  if (next !== undefined && next > position) {
    const records = batch.messages.map(message => toRecord(topic, partition, message)).filter(record => beginsBefore(record, end))
    return { records, next }
  }
  // Nothing here though everything up to the end is settled: what was there has been compacted away.
  const settled = BigInt(found.lastStableOffset ?? found.highWatermark)
  return { records: [], next: settled >= end ? end : position }
}

function earlier(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

async function patiently<Result>(refresh: () => Promise<void>, run: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      if (attempt === attempts || !meansStaleMetadata(error)) throw error
      await pause(Math.min(100 * 2 ** attempt, 3000))
      await refresh().catch(() => {})
    }
  }
}
