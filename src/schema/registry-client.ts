/**
 * @kafkajs/confluent-schema-registry, for what it does well: putting together a schema that refers to schemas of other subjects.
 * The other calls are made in registry-http.ts, as this client
 *
 * - reports a refused connection as status 400, and a 404 of a proxy like one of the registry (its own error middleware runs inside
 *   all others, so that no middleware sees the difference);
 * - has no deadline, and retries by constants that `retry` options change for every client of the process: none are given;
 * - reads and writes the subject's compatibility level in `register`.
 */
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import avro from 'avsc'
import { RegistryUnavailable, Undecodable } from '../errors.ts'
import { LOGICAL_NAMES } from './logical-types.ts'
import type { RegistryAddress } from './registry-http.ts'

/**
 * Avro JSON of an id with all that it refers to written into it. Throws RegistryUnavailable also when a schema that it refers to cannot
 * be found; Undecodable when the parts make no Avro schema.
 */
export type AssembleSchema = (id: number) => Promise<string>

export function schemaAssembler(address: RegistryAddress, timeoutMs: number): AssembleSchema {
  const auth = address.username === undefined ? {} : { auth: { username: address.username, password: address.password ?? '' } }
  const client = new SchemaRegistry(
    { host: address.url, ...auth, middlewares: [deadline(timeoutMs)] },
    { [SchemaType.AVRO]: AS_WRITTEN },
  )
  return async id => {
    try {
      const type: unknown = await within(timeoutMs, client.getSchema(id))
      return JSON.stringify((type as avro.Type).schema({ exportAttrs: true }))
    } catch (cause) {
      const { status, message } = cause as { status?: unknown; message?: unknown }
      const what = `the schemas that schema id ${id} refers to`
      // Without a status the answers have come, and avsc refuses them.
      if (status === undefined) throw new Undecodable(`${what} make no Avro schema: ${message}`, { cause })
      throw new RegistryUnavailable(`schema registry ${address.url}: ${what} cannot be read: ${message}`)
    }
  }
}

type ClientOptions = ConstructorParameters<typeof SchemaRegistry>[0]
type Middleware = NonNullable<ClientOptions['middlewares']>[number]

/** A logical type that changes nothing, so that avsc, which drops those it does not know, writes it out again. */
class Unchanged extends avro.types.LogicalType {
  private readonly attributes: Record<string, unknown>

  constructor(schema: avro.Schema, options?: unknown) {
    super(schema, options)
    const { precision, scale } = schema as unknown as Record<string, unknown>
    this.attributes = { ...(precision !== undefined && { precision }), ...(scale !== undefined && { scale }) }
  }

  protected override _export(schema: avro.Schema): void {
    Object.assign(schema, this.attributes)
  }

  protected override _fromValue(value: unknown): unknown {
    return value
  }

  protected override _toValue(value: unknown): unknown {
    return value
  }
}

const AS_WRITTEN = {
  wrapUnions: 'auto' as const,
  logicalTypes: Object.fromEntries(LOGICAL_NAMES.map(name => [name, Unchanged])),
}

/** Closes the connection of a request that is late; a black hole would else keep its socket, and with it the process. */
function deadline(timeoutMs: number): Middleware {
  return () => ({
    async prepareRequest(next) {
      const request = await next()
      return request.enhance({ signal: AbortSignal.timeout(timeoutMs) })
    },
  })
}

/** The deadline of the whole: a connection that breaks off in mid-body never settles in the client. */
async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(Object.assign(new Error(`no answer within ${timeoutMs} ms`), { status: 408 })), timeoutMs)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
