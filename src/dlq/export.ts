/** A dead letter as a line of JSON, with every byte of it. */
import type { Letter } from './letter.ts'

/**
 * JSON without line breaks, version 1: docs/redrive.md has the fields. Key, value and header values are base64 or null, headers
 * pairs in their order, offsets strings. `origin` and `trail` repeat what the headers say, for people and jq.
 */
export function exportLine(group: string, { partition, offset, record, trail }: Letter): string {
  const { origin, ...rest } = trail ?? {}
  return JSON.stringify(
    {
      v: 1,
      group,
      partition,
      offset,
      timestampMs: record.timestampMs,
      key: base64(record.key),
      value: base64(record.value),
      headers: record.headers.map(([name, bytes]) => [name, base64(bytes)]),
      origin: origin ?? null,
      trail: trail ? rest : null,
      ...(record.unreadable && { unreadable: record.unreadable }),
    },
    (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
  )
}

function base64(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString('base64')
}
