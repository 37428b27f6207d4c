/**
 * kafkajs looks after its queue of held-back requests even when nothing is held back, with a negative delay: one timer of 1 ms
 * after the other for each connection, 3 % of a core, and a TimeoutNegativeWarning on Node 24.
 */
export interface RequestQueue {
  throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  pending: readonly unknown[]
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}

export function withoutIdleTimer(queue: { readonly prototype: RequestQueue }): void {
  queue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return
    // 10 ms is their own interval for a queue that waits for answers.
    const delay = Math.max(10, this.throttledUntil - Date.now())
    this.throttleCheckTimeoutId = setTimeout(() => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    }, delay)
  }
}
