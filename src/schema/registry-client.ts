/**
 * @kafkajs/confluent-schema-registry, for the two things it does well: finding the id of a schema, and putting together a schema
 * that refers to others. What it gets wrong is mended here or not used:
 *
 * - a refused connection is reported as status 400, and a black hole never: an inner middleware gives every request a deadline and
 *   network failures a status of their own;
 * - `register` reads and writes the subject's compatibility level;
 * - `retry` options are merged into a constant of the module, so that one client's reach the next: none are given.
 */
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import avro from 'avsc'
import { RegistryUnavailable, Undecodable } from '../errors.ts'
import { type RegistryAddress, refusal, unreachable } from './registry-http.ts'
import { OTHER_TIMESTAMPS } from './timestamp.ts'

export interface RegistryClient {
  /** undefined: not registered for the subject. Throws RegistryUnavailable, RegistryRefused. */
  findId(subject: string, schema: object): Promise<number | undefined>
  /** Avro JSON of a schema with all that it refers to written into it. Throws RegistryUnavailable, RegistryRefused, Undecodable. */
  assembled(id: number): Promise<string>
}

export function registryClient(address: RegistryAddress, timeoutMs: number): RegistryClient {
  const auth = address.username === undefined ? {} : { auth: { username: address.username, password: address.password ?? '' } }
  const client = new SchemaRegistry(
    { host: address.url, ...auth, middlewares: [honest(timeoutMs)] },
    { [SchemaType.AVRO]: AS_WRITTEN },
  )
  return {
    async findId(subject, schema) {
      try {
        return await within(
          timeoutMs,
          client.getRegistryIdBySchema(subject, { type: SchemaType.AVRO, schema: JSON.stringify(schema) }),
        )
      } catch (error) {
        if (isNotFound(error)) return undefined
        throw translate(error, address, `POST /subjects/${encodeURIComponent(subject)}`, timeoutMs)
      }
    },
    async assembled(id) {
      try {
        const type: unknown = await within(timeoutMs, client.getSchema(id))
        return JSON.stringify((type as avro.Type).schema({ exportAttrs: true }))
      } catch (error) {
        throw translate(error, address, `GET /schemas/ids/${id}`, timeoutMs)
      }
    },
  }
}

type ClientOptions = ConstructorParameters<typeof SchemaRegistry>[0]
type Middleware = NonNullable<ClientOptions['middlewares']>[number]

/** A logical type that changes nothing, so that avsc, which drops those it does not know, writes it out again. */
class Unchanged extends avro.types.LogicalType {
  protected override _fromValue(value: unknown): unknown {
    return value
  }

  protected override _toValue(value: unknown): unknown {
    return value
  }
}

const AS_WRITTEN = {
  wrapUnions: 'auto' as const,
  logicalTypes: Object.fromEntries(['timestamp-millis', ...OTHER_TIMESTAMPS].map(name => [name, Unchanged])),
}

/** Statuses that no registry sends, for what never got an answer and for a 404 that is not the registry's own. */
const NO_ANSWER = 599
const TIMED_OUT = 597
const NO_REGISTRY = 598

function honest(timeoutMs: number): Middleware {
  return () => ({
    async prepareRequest(next) {
      const request = await next()
      return request.enhance({ signal: AbortSignal.timeout(timeoutMs) })
    },
    async response(next) {
      try {
        return await next()
      } catch (failed) {
        const response = failed as Awaited<ReturnType<typeof next>>
        const error = response.error()
        if (error)
          throw response.enhance({ status: error.name === 'AbortError' || error.name === 'TimeoutError' ? TIMED_OUT : NO_ANSWER })
        if (response.status() === 404 && !hasErrorCode(response.rawData())) throw response.enhance({ status: NO_REGISTRY })
        throw response
      }
    },
  })
}

function hasErrorCode(text: string | null): boolean {
  try {
    return typeof (JSON.parse(text ?? '') as { error_code?: unknown }).error_code === 'number'
  } catch {
    return false
  }
}

/** The deadline for the call as a whole: a connection that breaks off in mid-body never settles in the client. */
async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(Object.assign(new Error('timeout'), { status: TIMED_OUT })), timeoutMs)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** The client rethrows the 404 of a schema look-up without its status, under this name. */
function isNotFound(error: unknown): boolean {
  return (error as { name?: unknown } | undefined)?.name === 'ConfluentSchemaRegistryError'
}

function translate(error: unknown, address: RegistryAddress, what: string, timeoutMs: number): Error {
  const { status, message } = error as { status?: unknown; message?: unknown }
  const detail = String(message).replace(/^Confluent_Schema_Registry - /, '')
  if (status === TIMED_OUT) return unreachable(address, what, timeoutMs, { name: 'TimeoutError' })
  if (status === NO_ANSWER) return unreachable(address, what, timeoutMs, { message: detail })
  if (status === NO_REGISTRY)
    return new RegistryUnavailable(
      `schema registry ${address.url} answered 404 to ${what}, without a registry's error code: is the path right?`,
    )
  if (typeof status === 'number') return refusal(address, what, status, detail.slice(0, 500))
  return new Undecodable(`the registered schema cannot be used (${what}): ${detail}`, { cause: error })
}
