/**
 * Fetches of a consumer within a session of the broker (KIP-227): once it knows which partitions are read and from where, it is told
 * what has changed, and answers for partitions that have something new. kafkajs names all of them with every fetch, and reads an answer for
 * each: what a group costs that has nothing to do, and each message that comes alone, grew with every tier.
 * https://cwiki.apache.org/confluence/display/KAFKA/KIP-227
 */
import type { Cluster, FetchedTopic, FetchingNode, FetchRequest } from './internals.ts'
import type { FetchProtocol, Forgotten } from './patch-fetch.ts'

interface FetchAnswer {
  readonly errorCode: number
  readonly sessionId: number
  readonly responses: readonly FetchedTopic[]
}

const fetchKey = 1
/** The version of the request that is spoken here. Older brokers are asked as kafkajs does. */
const fetchVersion = 11
/** An answer may take that much longer than the broker is to wait. As in kafkajs. */
const networkMs = 100
const firstEpoch = 0
const lastEpoch = 2 ** 31 - 1

/** `onAnswer`: the broker has answered a fetch, with news or without. */
export function withFetchSessions(cluster: Cluster, protocol: FetchProtocol, onAnswer: () => void): void {
  const find = cluster.findBroker.bind(cluster)
  const known = new WeakSet<object>()
  cluster.findBroker = async target => {
    const node = (await find(target)) as FetchingNode
    if (known.has(node) || (node.versions?.[fetchKey]?.maxVersion ?? 0) < fetchVersion) return node
    known.add(node)
    const session = new FetchSession(node, protocol, onAnswer)
    node.fetch = request => session.fetch(request)
    return node
  }
}

/** With one node. One fetch at a time: what comes beside it is told that the epoch is not the next one, and begins anew. */
export class FetchSession {
  readonly #node: FetchingNode
  readonly #protocol: FetchProtocol
  readonly #onAnswer: () => void
  #id = 0
  #epoch = firstEpoch
  /** By topic and partition the offset that the broker has been told. */
  readonly #told = new Map<string, Map<number, string>>()

  constructor(node: FetchingNode, protocol: FetchProtocol, onAnswer: () => void) {
    this.#node = node
    this.#protocol = protocol
    this.#onAnswer = onAnswer
  }

  async fetch(given: FetchRequest): Promise<{ readonly responses: readonly FetchedTopic[] }> {
    const topics = this.#changed(given.topics)
    const session = { id: this.#id, epoch: this.#epoch, forgotten: this.#forgotten(given.topics) }
    try {
      const answer = (await this.#node.connectionPool.send({
        request: this.#protocol.request({ ...given, topics, session }),
        response: this.#protocol.response,
        requestTimeout: given.maxWaitTime + networkMs,
      })) as FetchAnswer
      this.#onAnswer()
      this.#goOn(answer)
      return answer
    } catch (error) {
      this.#beginAnew()
      if ((error as Error).name === 'KafkaJSConnectionClosedError') await this.#node.disconnect()
      throw error
    }
  }

  #goOn({ errorCode, sessionId }: FetchAnswer): void {
    // The broker has forgotten the session, or has no room for one. Nothing was read, or all will be named again.
    if (errorCode !== 0 || sessionId === 0) this.#beginAnew()
    else {
      this.#id = sessionId
      this.#epoch = this.#epoch === lastEpoch ? firstEpoch + 1 : this.#epoch + 1
    }
  }

  /** Under the id there was, so that the broker gives up the old one. */
  #beginAnew(): void {
    this.#epoch = firstEpoch
    this.#told.clear()
  }

  #changed(wanted: FetchRequest['topics']): FetchRequest['topics'] {
    return wanted.flatMap(({ topic, partitions }) => {
      const told = this.#told.get(topic) ?? new Map<number, string>()
      this.#told.set(topic, told)
      const changed = partitions.filter(({ partition, fetchOffset }) => told.get(partition) !== fetchOffset)
      for (const { partition, fetchOffset } of changed) told.set(partition, fetchOffset)
      return changed.length > 0 ? [{ topic, partitions: changed }] : []
    })
  }

  /** What is not wanted any more: paused, given up, or led by another node. */
  #forgotten(wanted: FetchRequest['topics']): Forgotten[] {
    const byTopic = new Map(wanted.map(({ topic, partitions }) => [topic, partitions]))
    return [...this.#told].flatMap(([topic, told]) => {
      const still = new Set(byTopic.get(topic)?.map(({ partition }) => partition))
      const partitions = [...told.keys()].filter(partition => !still.has(partition))
      for (const partition of partitions) told.delete(partition)
      return partitions.length > 0 ? [{ topic, partitions }] : []
    })
  }
}
