/** Calls `send` with 0, 1, 2 and so on, whatever is due at each millisecond: a late timer does not change the rate. */
export function paced(perSecond: number, send: (index: number) => void, count = Number.POSITIVE_INFINITY) {
  const startedAt = performance.now()
  const ended = Promise.withResolvers<void>()
  let next = 0
  const stop = (): void => {
    clearInterval(timer)
    ended.resolve()
  }
  const timer = setInterval(() => {
    const due = Math.min(count, Math.floor(((performance.now() - startedAt) / 1_000) * perSecond))
    while (next < due) send(next++)
    if (next >= count) stop()
  }, 1)
  return { ended: ended.promise, stop }
}
