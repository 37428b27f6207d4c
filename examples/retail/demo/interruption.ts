import { readFileSync } from 'node:fs'

/** npm hands a Ctrl-C on that the terminal has sent to everybody already: one press arrives twice. */
const samePressMs = 1_000
const parentCheckMs = 500

/** Aborted at Ctrl-C, SIGTERM, or when the npm that started the demo has died. What the demo has started ends at a second Ctrl-C. */
export function interruption(): AbortSignal {
  const interrupted = new AbortController()
  let first = Number.POSITIVE_INFINITY
  const interrupt = () => {
    // What the demo has started is on a leash: it ends with this process.
    if (Date.now() - first > samePressMs) process.exit(130)
    first = Math.min(first, Date.now())
    interrupted.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt)
  if (process.env.npm_lifecycle_event === 'demo') whenOrphaned(() => interrupted.abort())
  return interrupted.signal
}

/** For a race with what may be interrupted. */
export function rejectionOf(interrupted: AbortSignal): Promise<never> {
  return new Promise((_, reject) => interrupted.addEventListener('abort', () => reject(interrupted.reason), { once: true }))
}

/** A killed npm tells its script nothing, but somebody in the line above the script gets another parent. */
function whenOrphaned(then: () => void): void {
  const before = lineAbove()
  const timer = setInterval(() => {
    if (lineAbove() === before) return
    clearInterval(timer)
    then()
  }, parentCheckMs)
  timer.unref()
}

/** The parent and its parent: npm puts a shell between itself and the script, which outlives it. Only Linux tells of the second. */
function lineAbove(): string {
  const parent = process.ppid
  try {
    const [, , grandparent] = readFileSync(`/proc/${parent}/stat`, 'utf8').replace(/^.*\)/s, ')').split(' ')
    return `${parent} ${grandparent}`
  } catch {
    return String(parent)
  }
}
