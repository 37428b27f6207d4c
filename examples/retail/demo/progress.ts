/** What a person sees while waiting, on stderr: steps one under the other, and on a terminal one line that changes. */
export class Progress {
  readonly #start = performance.timeOrigin
  readonly #terminal = process.stderr.isTTY === true
  #shown = false

  say(line: string): void {
    this.#clear()
    process.stderr.write(`${this.seconds().toFixed(1).padStart(5)} s  ${line}\n`)
  }

  /** Only on a terminal: a log has no use for it. */
  show(line: string): void {
    if (!this.#terminal) return
    this.#clear()
    process.stderr.write(`${this.seconds().toFixed(1).padStart(5)} s  ${line}`.slice(0, (process.stderr.columns || 80) - 1))
    this.#shown = true
  }

  /** From the start of the demo to `at`, milliseconds since 1970. */
  seconds(at?: number): number {
    return ((at ?? Date.now()) - this.#start) / 1000
  }

  close(): void {
    this.#clear()
  }

  #clear(): void {
    if (this.#shown) process.stderr.write('\r\x1b[K')
    this.#shown = false
  }
}
