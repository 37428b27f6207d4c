/** What the publisher was told, held against what lies on the topic. */
import type avro from 'avsc'
import type { BrokerRecord } from '../../src/broker/port.ts'
import type { Acked } from './check/events.ts'

export interface LogVerdict {
  readonly acked: number
  readonly inLog: number
  /** Acknowledged, and something else or nothing lies at the offset that was told. */
  readonly gone: readonly string[]
  readonly doubled: readonly string[]
}

export function compareWithLog(records: readonly BrokerRecord[], type: avro.Type, acked: readonly Acked[]): LogVerdict {
  const at = new Map<string, string>()
  const counts = new Map<string, number>()
  for (const { partition, offset, value } of records) {
    const { id, n } = type.fromBuffer(value!.subarray(5)) as { id: string; n: number }
    at.set(`${partition}/${offset}`, `${id} ${n}`)
    counts.set(`${id} ${n}`, (counts.get(`${id} ${n}`) ?? 0) + 1)
  }
  return {
    acked: acked.length,
    inLog: records.length,
    gone: acked
      .filter(({ partition, offset, key, seq }) => at.get(`${partition}/${offset}`) !== `${key} ${seq}`)
      .map(
        ({ partition, offset, key, seq }) => `${key} ${seq}: ${at.get(`${partition}/${offset}`)} is at ${partition}/${offset}`,
      ),
    doubled: [...counts].filter(([, count]) => count > 1).map(([which]) => which),
  }
}
