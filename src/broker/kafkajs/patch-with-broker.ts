/**
 * kafkajs asks one broker after the other who coordinates a group, forgets what each answered, and then says only that none was
 * found. An answer that the user may not know is the answer.
 */
export interface BrokerPool {
  withBroker<Result>(ask: (via: { nodeId: string; broker: unknown }) => Promise<Result>): Promise<Result | null>
}

export function withoutSwallowingAnswers(pool: { readonly prototype: BrokerPool }): void {
  const { withBroker } = pool.prototype
  pool.prototype.withBroker = async function <Result>(
    this: BrokerPool,
    ask: (via: { nodeId: string; broker: unknown }) => Promise<Result>,
  ): Promise<Result | null> {
    let forbidden: unknown
    const found = await withBroker.call(this, via =>
      ask(via).catch(error => {
        if (String(error?.type).endsWith('_AUTHORIZATION_FAILED')) forbidden = error
        throw error
      }),
    )
    if (found === null && forbidden !== undefined) throw forbidden
    return found as Result | null
  }
}
