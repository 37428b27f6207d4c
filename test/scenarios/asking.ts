/** Asks the health endpoints of a process. */
import { until } from '../until.ts'
import type { Child } from './children.ts'
import { patienceMs } from './harness.ts'

export interface Asked {
  readonly status: number
  readonly body: { readonly problems: readonly string[]; readonly notes: readonly string[] }
}

export interface Asking {
  readonly url: string
  verdict(path: '/livez' | '/readyz'): Promise<Asked>
  /** Of the lines of one metric: the value of the first that has all these parts; 0 when there is none. */
  metric(name: string, ...parts: readonly string[]): Promise<number>
  ready(): Promise<unknown>
}

export function asking(url: string): Asking {
  const verdict: Asking['verdict'] = async path => {
    const answer = await fetch(url + path, { signal: AbortSignal.timeout(2_000) })
    return { status: answer.status, body: (await answer.json()) as Asked['body'] }
  }
  return {
    url,
    verdict,
    async metric(name, ...parts) {
      const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n')
      const line = lines.find(one => one.startsWith(`${name}{`) && parts.every(part => one.includes(part)))
      return line === undefined ? 0 : Number(line.split(' ').at(-1))
    },
    ready: () => until(async () => (await verdict('/readyz')).status === 200, { withinMs: patienceMs, what: 'it to be ready' }),
  }
}

/** A child that tells in its log where it listens. */
export async function askingChild({ output }: Child): Promise<Asking> {
  const line = await until(() => output.find(one => one.includes('health and metrics')), {
    withinMs: patienceMs,
    what: 'the line that says where it listens',
  })
  const { host, port } = JSON.parse(line) as { host: string; port: number }
  return asking(`http://${host}:${port}`)
}
