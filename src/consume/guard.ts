/** What a record may measure. Checked before anything looks into it: its headers and bytes are anyone's. */
import type { BrokerRecord } from '../broker/port.ts'
import { DefinitionError, RecordRefused } from '../errors.ts'
import type { Headers } from '../message/headers.ts'
import { maxTrailHeaders, trailBudgetBytes } from '../topic/trail.ts'

export interface RecordLimits {
  /** Key, value and headers together. */
  readonly maxRecordBytes: number
  readonly maxHeaders: number
  /** Names and values of all headers. */
  readonly maxHeaderBytes: number
}

export const defaultRecordLimits: RecordLimits = {
  maxRecordBytes: 16 * 1024 * 1024,
  maxHeaders: 1_000,
  maxHeaderBytes: 256 * 1024,
}

/** Defaults filled in. Throws DefinitionError (E_DEFINITION) for what is no whole number of 1 or more. */
export function recordLimits(what: string, given: Partial<RecordLimits> = {}): RecordLimits {
  const limits = { ...defaultRecordLimits, ...given }
  for (const [name, limit] of Object.entries(limits)) {
    if (!Number.isInteger(limit) || limit < 1)
      throw new DefinitionError(`${what}: limits.${name} must be a whole number of 1 or more, not ${limit}`)
  }
  return Object.freeze(limits)
}

/** A copy on a tier is its source and our own headers. */
export function withTrailAllowance({ maxRecordBytes, maxHeaders, maxHeaderBytes }: RecordLimits): RecordLimits {
  return {
    maxRecordBytes: maxRecordBytes + trailBudgetBytes,
    maxHeaders: maxHeaders + maxTrailHeaders,
    maxHeaderBytes: maxHeaderBytes + trailBudgetBytes,
  }
}

/** Why the record is not looked into; undefined when it is within its limits. The number of headers comes first: counting bytes takes that long. */
export function refusalOf(record: BrokerRecord, limits: RecordLimits): RecordRefused | undefined {
  const { unreadable, headers } = record
  if (unreadable) {
    const { firstOffset, codec, bytes, reason } = unreadable
    return new RecordRefused(
      `the batch of offsets ${firstOffset} to ${record.offset} (${codec}, ${bytes} bytes) cannot be read: ${reason}`,
    )
  }
  if (headers.length > limits.maxHeaders) return over('maxHeaders', headers.length, 'headers', limits)
  const headerBytes = bytesOf(headers)
  if (headerBytes > limits.maxHeaderBytes) return over('maxHeaderBytes', headerBytes, 'bytes of headers', limits)
  const bytes = headerBytes + (record.key?.length ?? 0) + (record.value?.length ?? 0)
  return bytes > limits.maxRecordBytes ? over('maxRecordBytes', bytes, 'bytes', limits) : undefined
}

function over(guard: keyof RecordLimits, found: number, unit: string, limits: RecordLimits): RecordRefused {
  return new RecordRefused(`${found} ${unit}, of ${limits[guard]} at most (limits.${guard})`)
}

function bytesOf(headers: Headers): number {
  let bytes = 0
  for (const [name, value] of headers) bytes += Buffer.byteLength(name) + (value?.length ?? 0)
  return bytes
}
