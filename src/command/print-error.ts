/** One clear message for what went wrong. A stack is for whoever asks: `--verbose`. */
import { codeOf } from '../errors.ts'

/** `error: <message> (<code>)`, at most three causes that say something new, and the stack when it is asked for. */
export function errorText(error: unknown, verbose: boolean): string {
  const code = codeOf(error)
  const lines = [`error: ${messageOf(error)}${code?.startsWith('E') ? ` (${code})` : ''}`]
  let said = lines[0]!
  for (const cause of causesOf(error)) {
    const message = messageOf(cause)
    // `fetch failed` is all that fetch says itself; its cause says why.
    if (said.includes(message) || message === 'fetch failed') continue
    lines.push(`  because: ${message}`)
    said += message
  }
  const stack = verbose && error instanceof Error ? error.stack : undefined
  return [...lines, ...(stack ? [stack] : [])].join('\n')
}

function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = []
  let cause = (error as { cause?: unknown } | null | undefined)?.cause
  while (cause !== undefined && cause !== null && causes.length < 3) {
    causes.push(cause)
    cause = (cause as { cause?: unknown }).cause
  }
  return causes
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Connecting to several addresses at once fails with a list and an empty message.
  const first = (error as { errors?: unknown[] }).errors?.[0]
  return error.message || (first instanceof Error ? first.message : error.name)
}
