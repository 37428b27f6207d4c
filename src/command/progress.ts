import { clearLine, cursorTo } from 'node:readline'

export interface Progress {
  /** `more` stands behind the rate. */
  show(done: number, total: number, more?: string): void
  /** Takes the line away. */
  end(): void
}

const everyMs = 100

/** A line that is written over, on a terminal; nothing elsewhere. */
export function progressTo(stream: NodeJS.WriteStream, what: string): Progress {
  if (!stream.isTTY) return { show: () => {}, end: () => {} }
  const startedAt = performance.now()
  let shownAt = startedAt
  let shown = false
  const clear = () => {
    cursorTo(stream, 0)
    clearLine(stream, 0)
  }
  return {
    show(done, total, more = '') {
      const now = performance.now()
      // The first one only after a moment: what is over at once needs no line.
      if (now - shownAt < everyMs) return
      shownAt = now
      shown = true
      clear()
      stream.write(`${what}: ${done}/${total}, ${Math.round((done * 1000) / (now - startedAt))}/s${more}`)
    },
    end() {
      if (shown) clear()
    },
  }
}
