/** One broker and one schema registry for the whole run of the project `broker`; tests find them with `inject('brokers')`. */
import type { TestProject } from 'vitest/node'
import { startLocalStack } from '../src/dev/local.ts'

declare module 'vitest' {
  interface ProvidedContext {
    brokers: readonly string[]
    registryUrl: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stack = await startLocalStack({ env: process.env, onProgress: (line: string) => console.error(line) })
  project.provide('brokers', stack.brokers)
  project.provide('registryUrl', stack.registryUrl)
  return () => stack.stop()
}
