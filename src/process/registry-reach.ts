/** Whether the registry answers when a process starts, and what is done when it does not. */
import { type Clock, pause } from '../consume/clock.ts'
import { codeOf } from '../errors.ts'
import type { SchemaRegistry } from '../schema/registry.ts'

const askAgainMs = 5_000

/**
 * `kept`: it does not answer, and there are schemas of it on disk. Rejects with RegistryUnavailable when there are none: at a first
 * start it is a wrong address more often than an outage.
 */
export async function reachRegistry(registry: SchemaRegistry): Promise<'answers' | { kept: number; error: unknown }> {
  try {
    await registry.ping()
    return 'answers'
  } catch (error) {
    const kept = codeOf(error) === 'E_REGISTRY_UNAVAILABLE' ? await registry.kept() : 0
    if (kept === 0) throw error
    return { kept, error }
  }
}

/** Resolves when it answers; rejects when `signal` aborts before. */
export async function untilReached(registry: SchemaRegistry, clock: Clock, signal: AbortSignal): Promise<void> {
  for (;;) {
    await pause(clock, askAgainMs, signal)
    signal.throwIfAborted()
    const answers = await registry.ping().then(
      () => true,
      () => false,
    )
    if (answers) return
  }
}
