/** The bench as its child processes see it. */
import type { Message } from './job.ts'

type Values = Message['values']

export class Parent {
  readonly #listeners = new Map<string, (values: Values) => void>()
  /** Said before anybody listened: a library may take its time to load. */
  readonly #early = new Map<string, Values>()
  #startedAt = process.cpuUsage()

  constructor() {
    process.on('message', ({ name, values }: Message) => {
      const listener = this.#listeners.get(name)
      if (listener) listener(values)
      else this.#early.set(name, values)
    })
  }

  tell(name: string, values: Values = {}): void {
    process.send?.({ name, values } satisfies Message)
  }

  /** Calls back whenever the bench says `name`. */
  on(name: string, listener: (values: Values) => void): void {
    this.#listeners.set(name, listener)
    const early = this.#early.get(name)
    if (early && this.#early.delete(name)) listener(early)
  }

  asked(name: string): Promise<Values> {
    return new Promise(resolve => this.on(name, resolve))
  }

  /** From here on the processor time counts. */
  startCounting(): void {
    this.#startedAt = process.cpuUsage()
  }

  /** Seconds of processor time since then, all threads; and the most memory that this process ever took. */
  cost(): { cpuSeconds: number; rssMb: number } {
    const { user, system } = process.cpuUsage(this.#startedAt)
    return { cpuSeconds: (user + system) / 1e6, rssMb: process.resourceUsage().maxRSS / 1024 }
  }

  close(): void {
    process.disconnect()
  }
}
