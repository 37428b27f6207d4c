import { randomUUID } from 'node:crypto'

/** A name for a topic or group of one test on the shared broker: `it-<what>-<random>`. */
export function unique(what: string): string {
  return `it-${what}-${randomUUID().slice(0, 8)}`
}
