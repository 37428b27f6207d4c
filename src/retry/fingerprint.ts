import { createHash } from 'node:crypto'
import { foldMessage } from './fold-message.ts'
import { placeOf } from './frame.ts'

/**
 * 12 hex digits, equal for failures that look like one bug, in every process and build: class, message without what differs from
 * record to record, and the first frame of the application without folder, line and hash. A cause does not count: it is often
 * another on every day of one outage. Of a build that renames functions the file's name is what is left, unless Node maps its
 * stacks (`--enable-source-maps`).
 */
export function fingerprintOf(name: string, message: string, stack: string): string {
  const known = recent.get(stack)
  if (known?.name === name && known.message === message) return known.fingerprint
  const fingerprint = computed(name, message, stack)
  if (recent.size >= mostRecent) recent.clear()
  if (message.length + stack.length <= longestRecent) recent.set(stack, { name, message, fingerprint })
  return fingerprint
}

/** What fails, fails often, and a fingerprint costs as much as the rest of a failure. */
const recent = new Map<string, { readonly name: string; readonly message: string; readonly fingerprint: string }>()
const mostRecent = 200
/** Characters of one. */
const longestRecent = 16_000

function computed(name: string, message: string, stack: string): string {
  return createHash('sha256')
    .update(`${name}\n${foldMessage(message)}\n${placeOf(message, stack)}`)
    .digest('hex')
    .slice(0, 12)
}
