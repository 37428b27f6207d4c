/** The middleware of a processor around one of its handlers, put together once: an attempt only runs it. */
import { MiddlewareMisused } from '../errors.ts'
import type { HandlerContext } from './context.ts'
import type { ContextChanges, Handler, Middleware, Next } from './handler.ts'

export type Run = (payload: unknown, ctx: HandlerContext) => Promise<void>

/**
 * The first middleware outermost. `onLate` is told when a handler settles after a middleware has ended the attempt without it.
 * Async all the way, so that what a handler or a middleware throws before its first await is a rejection like any other.
 */
export function compose(middleware: readonly Middleware[], handler: Handler<never>, onLate: (ctx: HandlerContext) => void): Run {
  const innermost: Run = async (payload, ctx) => {
    await handler(payload as never, ctx)
  }
  return middleware.reduceRight<Run>(
    (inner, one) => (payload, ctx) => new Layer(one, changes => inner(payload, changed(ctx, changes)), ctx, onLate).run(),
    innermost,
  )
}

function changed(ctx: HandlerContext, changes: ContextChanges | undefined): HandlerContext {
  return changes?.signal || changes?.traceparent !== undefined ? ctx.with(changes) : ctx
}

/** One middleware in one attempt: holds it to calling `next` once, and sees to it that nothing which it leaves behind is lost. */
class Layer {
  readonly #middleware: Middleware
  readonly #inner: Next
  readonly #ctx: HandlerContext
  readonly #onLate: (ctx: HandlerContext) => void
  #inside: Promise<void> | undefined
  #hasSettled = false
  #isOver = false
  #misuse: MiddlewareMisused | undefined

  constructor(middleware: Middleware, inner: Next, ctx: HandlerContext, onLate: (ctx: HandlerContext) => void) {
    this.#middleware = middleware
    this.#inner = inner
    this.#ctx = ctx
    this.#onLate = onLate
  }

  async run(): Promise<void> {
    try {
      await this.#middleware(this.#ctx, this.#next)
      if (!this.#inside)
        throw this.#misused('returned without calling next(): throw Skip to finish a message without its handler')
      // Not awaited by the middleware: an attempt must not count as done before its handler is.
      if (!this.#hasSettled) await this.#inside
    } catch (error) {
      // Of an attempt that is over already, the one who has ended it is told by the settling of this.
      if (this.#inside && !this.#hasSettled && !this.#ctx.isOver) this.#inside.then(this.#late, this.#late)
      throw this.#misuse ?? error
    } finally {
      this.#isOver = true
    }
    // A middleware may have caught it and gone on.
    if (this.#misuse) throw this.#misuse
  }

  readonly #next: Next = changes => {
    const refusal = this.#refusal()
    if (refusal !== undefined) return rejected(refusal.reason)
    this.#inside = this.#inner(changes)
    // Also takes care that nobody's rejection becomes one that is not handled, which would end the process.
    this.#inside.then(this.#settled, this.#settled)
    return this.#inside
  }

  #refusal(): { readonly reason: unknown } | undefined {
    if (this.#inside) return { reason: this.#misused('called next() twice') }
    if (this.#isOver) return { reason: this.#misused('called next() after it had settled') }
    // The message may be running elsewhere by now.
    return this.#ctx.isOver ? { reason: this.#ctx.signal.reason } : undefined
  }

  readonly #settled = (): void => {
    this.#hasSettled = true
  }

  readonly #late = (): void => this.#onLate(this.#ctx)

  #misused(what: string): MiddlewareMisused {
    this.#misuse = new MiddlewareMisused(`middleware '${this.#middleware.name || 'without a name'}' ${what}`)
    return this.#misuse
  }
}

function rejected(reason: unknown): Promise<never> {
  const rejection = Promise.reject(reason)
  rejection.catch(() => undefined)
  return rejection
}
