/** What the `dlq` commands share. */
import { hostname, userInfo } from 'node:os'
import type { Broker } from '../broker/port.ts'
import type { DlqSource } from '../dlq/source.ts'

export function sourceOf(broker: Broker, group: string): DlqSource {
  return { reader: broker.reader(), admin: broker.admin(), group }
}

export function lettersText(count: number): string {
  return `${count} ${count === 1 ? 'letter' : 'letters'}`
}

export function addressText({ partition, offset }: { partition: number; offset: bigint }): string {
  return `${partition}:${offset}`
}

/** A timestamp is anyone's: beyond what a Date can hold it stays a number. */
export function timeText(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString()
}

export function unreadableNote(group: string, count: number): string {
  return `${count} records of ${group}.dlq.moved cannot be understood and were passed over: letters may be shown that were moved`
}

/** Who is at it, for the record of what was moved: `ann@host`. */
export function whoami(): string {
  try {
    return `${userInfo().username}@${hostname()}`
  } catch {
    // A container's user need not have a name.
    return `unknown@${hostname()}`
  }
}
