/** A peer in a process of its own. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Job, Message } from './job.ts'

type Values = Message['values']

export class Child {
  readonly #process: ChildProcess
  readonly #heard: Message[] = []
  readonly #ended: Promise<never>
  #wake: (() => void) | undefined

  /** `BENCH_NODE_FLAGS` (`--cpu-prof --cpu-prof-dir=/tmp/prof`) goes to the children of `BENCH_NODE_FLAGS_FOR`. */
  constructor(job: Job) {
    const flags = job.peer === process.env.BENCH_NODE_FLAGS_FOR ? (process.env.BENCH_NODE_FLAGS ?? '').split(' ') : []
    const env = {
      ...process.env,
      KAFKA_BROKERS: job.brokers.join(','),
      SCHEMA_REGISTRY_URL: job.registryUrl,
      NODE_ENV: 'production',
      LOG_LEVEL: 'warn',
    }
    this.#process = fork(fileURLToPath(new URL('peer.ts', import.meta.url)), [JSON.stringify(job)], {
      execArgv: [
        '--disable-warning=ExperimentalWarning',
        '--disable-warning=TimeoutNegativeWarning',
        ...flags.filter(flag => flag),
      ],
      env,
      // Each failure is a line of the log: written as ever, read by nobody.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#process.on('message', message => {
      this.#heard.push(message as Message)
      this.#wake?.()
    })
    this.#ended = new Promise((_, reject) => {
      this.#process.once('exit', code => reject(new Error(`${job.peer} ended in ${job.case} with exit code ${code}`)))
    })
    this.#ended.catch(() => {})
  }

  tell(name: string): void {
    this.#process.send({ name, values: {} } satisfies Message)
  }

  /** The next message with this name; those before it are dropped. */
  async heard(name: string): Promise<Values> {
    for (;;) {
      const message = this.#heard.shift()
      if (message?.name === name) return message.values
      if (message !== undefined) continue
      await Promise.race([new Promise<void>(resolve => (this.#wake = resolve)), this.#ended])
    }
  }

  /** Waits a little for it to close by itself. */
  async end(): Promise<void> {
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 15_000)
    await this.#ended.catch(() => {})
    clearTimeout(timer)
  }
}
