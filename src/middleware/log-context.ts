/** Costs an AsyncLocalStorage scope and one small object an attempt, and a copy of that object a line. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Context, Middleware } from '../consume/handler.ts'

const running = new AsyncLocalStorage<object>()

/**
 * Makes `messageFields()` know the message in everything that runs inside the attempt, however deep: also in code that knows
 * nothing of `ctx`. `fieldsOf` adds fields, such as a tenant; those of the message itself keep their names and values.
 */
export function logContext(fieldsOf?: (ctx: Context) => object): Middleware {
  return async function logContext(ctx, next) {
    const { group, id, type, attempt, correlationId } = ctx
    const { topic, partition, offset } = ctx.origin
    // An offset is a 64-bit number: text. Neither key nor payload, which are anyone's data.
    const fields = { ...fieldsOf?.(ctx), group, id, type, attempt, topic, partition, offset: String(offset), correlationId }
    await running.run(fields, () => next())
  }
}

/**
 * The message that is being handled, as fields for a log line: `group`, `id`, `type`, `attempt`, `topic`, `partition`, `offset` (as
 * text), `correlationId` and what `fieldsOf` adds. `{}` outside of handlers and without `logContext`.
 * For pino: `pino({ mixin: messageFields })`. A new object each time, since pino writes the line's own fields into it.
 */
export function messageFields(): Record<string, unknown> {
  return { ...running.getStore() }
}
