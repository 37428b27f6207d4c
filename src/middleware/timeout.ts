/** Costs a timer and an AbortController an attempt that it applies to, and a set look-up for any other. */
import type { Middleware } from '../consume/handler.ts'
import { DefinitionError, HandlerTimeout } from '../errors.ts'
import { type Duration, durationMs } from '../message/duration.ts'

export interface TimeoutOptions {
  /** Full names of the message types that it applies to (`ctx.type`). Default: all. */
  readonly types?: readonly string[]
}

/** A process refuses a handlerTimeout that is longer, so a deadline beyond it would never come. */
const longestMs = 45_000

/**
 * A deadline for everything inside it that is shorter than the processor's `handlerTimeout`, of which it knows nothing: where it is
 * not shorter, the processor's comes first and this does nothing.
 *
 * When it passes, `ctx.signal` is aborted and the attempt fails with HandlerTimeout (E_HANDLER_TIMEOUT), counted and retried as at
 * the processor's deadline. What the handler still does or returns is ignored, and counted as late.
 *
 * Throws DefinitionError (E_DEFINITION) for a deadline of 0 or over 45s, and for an empty list of types.
 */
export function timeout(deadline: Duration, options: TimeoutOptions = {}): Middleware {
  const timeoutMs = durationMs(deadline)
  if (timeoutMs < 1) throw new DefinitionError('a timeout must be longer than 0')
  if (timeoutMs > longestMs)
    throw new DefinitionError(`a timeout of ${deadline} never passes: handlerTimeout is ${longestMs / 1_000}s at most`)
  if (options.types?.length === 0) throw new DefinitionError('a timeout of no types applies to nothing: leave types out for all')
  const types = options.types && new Set(options.types)
  return async function timeout(ctx, next) {
    if (types && !types.has(ctx.type)) return next()
    const controller = new AbortController()
    const passed = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      // Whoever has ended the attempt already has told so; the handler's late result is all that is still to come.
      if (ctx.signal.aborted) return
      const error = new HandlerTimeout(timeoutMs)
      passed.reject(error)
      controller.abort(error)
    }, timeoutMs)
    try {
      await Promise.race([next({ signal: controller.signal }), passed.promise])
    } finally {
      clearTimeout(timer)
    }
  }
}
