/** A broker and a schema registry that can be used now. */
export interface LocalStack {
  readonly brokers: readonly string[]
  /** Base address of the registry's Confluent-compatible API, without a slash at the end. */
  readonly registryUrl: string
  readonly kind: 'given' | 'docker' | 'java'
  /** Ends what was started; may be called more than once. Does nothing for kind 'given'. */
  stop(): Promise<void>
}

/** What a way of starting a stack gets to know. */
export interface StackRequest {
  readonly env: NodeJS.ProcessEnv
  /** Undefined: data lives in a temp folder and goes with the stack. */
  readonly dataDir: string | undefined
  readonly onProgress: (line: string) => void
  /** Told the pids that use `dataDir`, so that a later start can wait for their end after this process was killed. */
  readonly onPids: (pids: readonly number[]) => void
}

/** One way of starting a stack. */
export interface Way {
  /** What this machine lacks for it ('java 11 found, 17 needed'); undefined when it can be tried. Quick and quiet. */
  lacking(env: NodeJS.ProcessEnv): Promise<string | undefined>
  start(request: StackRequest): Promise<LocalStack>
}

/** The registry's rule for every subject that sets none. Apicurio enforces nothing at all until one is set. */
const compatibility = 'BACKWARD_TRANSITIVE'

/**
 * Sets the registry's global compatibility unless somebody has set one before; `unset` is what this registry answers when nobody has.
 * Errors: what fetch throws (each request has 5 s), or the answer that was not 2xx.
 */
export async function ensureCompatibility(registryUrl: string, unset: 'NONE' | 'BACKWARD'): Promise<void> {
  const current = await fetch(`${registryUrl}/config`, { signal: AbortSignal.timeout(5_000) })
  const level = ((await current.json()) as { compatibilityLevel?: string }).compatibilityLevel
  if (level !== undefined && level !== unset) return
  const answer = await fetch(`${registryUrl}/config`, {
    method: 'PUT',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ compatibility }),
    signal: AbortSignal.timeout(5_000),
  })
  if (!answer.ok) throw new Error(`the registry answered ${answer.status} to PUT /config: ${(await answer.text()).slice(0, 200)}`)
}
