/**
 * kafkajs asks who coordinates a transactional id before each of the three requests of a transaction that go there: a third of what a
 * redrive waits for. The answer is taken for good for a moment, so that one question does for most of a transaction. A coordinator that
 * moved in between refuses, as it may anyhow between question and request.
 */
export interface Cluster {
  findGroupCoordinatorMetadata(which: Which): Promise<unknown>
  /** What kafkajs does before it tries again. */
  refreshMetadata(): Promise<void>
}

interface Which {
  readonly groupId: string
  readonly coordinatorType: number
}

/** As the protocol numbers them. */
const ofTransactions = 1
/** Shorter than the retries of whoever meets a coordinator that moved. */
const rememberMs = 100

export function rememberCoordinators({ prototype }: { readonly prototype: Cluster }, clock = () => performance.now()): void {
  const { findGroupCoordinatorMetadata, refreshMetadata } = prototype
  const found = new WeakMap<Cluster, { readonly groupId: string; readonly metadata: unknown; readonly untilMs: number }>()
  prototype.findGroupCoordinatorMetadata = async function (which) {
    const { groupId, coordinatorType } = which
    const known = found.get(this)
    if (coordinatorType === ofTransactions && known?.groupId === groupId && clock() < known.untilMs) return known.metadata
    const metadata = await findGroupCoordinatorMetadata.call(this, which)
    if (coordinatorType === ofTransactions) found.set(this, { groupId, metadata, untilMs: clock() + rememberMs })
    return metadata
  }
  prototype.refreshMetadata = function () {
    found.delete(this)
    return refreshMetadata.call(this)
  }
}
