/** The time that handlers took, as a histogram. Counted here: prom-client makes and hashes an object of labels each time. */
import { Histogram, type MetricObjectWithValues, type MetricValueWithName, type Registry } from 'prom-client'

type Labels = 'group' | 'type'
const about = {
  name: 'spillway_handler_duration_seconds',
  help: 'How long handlers ran that returned',
  labelNames: ['group', 'type'] as const,
}

/** Seconds, as OpenTelemetry has them for messaging.process.duration. */
export const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

/** What became of the messages of one type in one group. */
export class TypeCounts {
  /** Of each bucket by itself; the last one is beyond all bounds. */
  readonly buckets = new Array<number>(durationBuckets.length + 1).fill(0)
  handled = 0
  seconds = 0
  skipped = 0

  record(durationMs: number): void {
    const seconds = durationMs / 1_000
    let bucket = 0
    while (bucket < durationBuckets.length && seconds > durationBuckets[bucket]!) bucket++
    this.buckets[bucket]!++
    this.handled++
    this.seconds += seconds
  }
}

export type EachType = (visit: (labels: { group: string; type: string }, counts: TypeCounts) => void) => void

export class HandlerTimes extends Histogram<Labels> {
  readonly #each: EachType

  constructor(registry: Registry, each: EachType) {
    super({ ...about, buckets: durationBuckets, registers: [registry] })
    this.#each = each
  }

  override async get(): Promise<MetricObjectWithValues<MetricValueWithName<Labels>>> {
    const values: MetricValueWithName<Labels>[] = []
    this.#each((labels, counts) => {
      let below = 0
      for (const [i, bound] of [...durationBuckets, '+Inf'].entries()) {
        below += counts.buckets[i]!
        const bucket = { ...labels, le: bound } as MetricValueWithName<Labels>['labels']
        values.push({ labels: bucket, value: below, metricName: `${about.name}_bucket` })
      }
      values.push({ labels, value: counts.seconds, metricName: `${about.name}_sum` })
      values.push({ labels, value: counts.handled, metricName: `${about.name}_count` })
    })
    return { name: about.name, help: about.help, type: 'histogram' as never, aggregator: 'sum', values, collect: () => {} }
  }

  /** What the registry calls, where there is one. */
  getForPromString(): Promise<MetricObjectWithValues<MetricValueWithName<Labels>>> {
    return this.get()
  }
}
