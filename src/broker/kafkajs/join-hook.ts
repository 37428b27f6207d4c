/**
 * kafkajs tells nobody before it joins a group again, and there is no way to await anything there. So three methods of its
 * ConsumerGroup go through us. Which consumer of ours is meant is found by the cluster object, which our assigner is given.
 */
import type { Cluster, ConsumerGroup, FetchedBatch } from './internals.ts'
import { library } from './library.ts'

export interface GroupHook {
  /** Around every join: the first, those after a rebalance, and those that kafkajs starts from a failed fetch without any event. */
  join(group: ConsumerGroup, join: () => Promise<void>): Promise<void>
  fetch(group: ConsumerGroup, fetch: () => Promise<FetchedBatch[]>): Promise<FetchedBatch[]>
  leave(group: ConsumerGroup, leave: () => Promise<void>): Promise<void>
}

export function hookGroup(cluster: Cluster, hook: GroupHook): void {
  install()
  hooks.set(cluster, hook)
}

const hooks = new WeakMap<Cluster, GroupHook>()
let installed = false

function install(): void {
  if (installed) return
  installed = true
  const { prototype } = library().ConsumerGroup
  const { joinAndSync, fetch, leave } = prototype
  prototype.joinAndSync = function (this: ConsumerGroup) {
    const join = (): Promise<void> => joinAndSync.call(this)
    return hooks.get(this.cluster)?.join(this, join) ?? join()
  }
  prototype.fetch = function (this: ConsumerGroup, nodeId: string) {
    const run = (): Promise<FetchedBatch[]> => fetch.call(this, nodeId)
    return hooks.get(this.cluster)?.fetch(this, run) ?? run()
  }
  prototype.leave = function (this: ConsumerGroup) {
    const run = (): Promise<void> => leave.call(this)
    return hooks.get(this.cluster)?.leave(this, run) ?? run()
  }
}
