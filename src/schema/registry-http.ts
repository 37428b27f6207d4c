/** One request to a Confluent-compatible registry: bounded in time and size, its failures told apart. */
import { RegistryRefused, RegistryUnavailable } from '../errors.ts'

export interface RegistryAddress {
  /** Without credentials, query or trailing slash. */
  readonly url: string
  readonly username?: string
  readonly password?: string
}

export interface RegistryAnswer {
  readonly status: number
  readonly body: unknown
  /** For an answer that is not what it should be. */
  unexpected(): RegistryUnavailable
}

export interface CallOptions {
  readonly body?: object
  /** Of a look-up that takes several calls. Default: one of its own. */
  readonly deadline?: AbortSignal
}

export type RegistryCall = (method: 'GET' | 'POST', path: string, options?: CallOptions) => Promise<RegistryAnswer>

/** A registry keeps schemas as records of a topic, of 1 MB unless somebody allows more. Lists of names and versions are longer. */
export const longestAnswerBytes = 16 * 1024 * 1024
/** Whatever a registry asks for, it is asked again after this time. */
const longestSilenceMs = 30_000

/** Takes credentials out of the URL: fetch refuses them there, and messages show the URL. Throws RegistryRefused on what is no URL. */
export function parseAddress(options: {
  url: string
  username?: string | undefined
  password?: string | undefined
}): RegistryAddress {
  let url: URL
  try {
    url = new URL(options.url)
  } catch {
    // Not the text itself: it may hold a password.
    throw new RegistryRefused('the address of the schema registry is not a URL')
  }
  const username = options.username ?? decodeURIComponent(url.username)
  const password = options.password ?? decodeURIComponent(url.password)
  const plain = `${url.origin}${url.pathname}`.replace(/\/+$/, '')
  return username === '' ? { url: plain } : { url: plain, username, password }
}

/**
 * Calls that resolve with 2xx, 404 and 409 as the registry gave them. Anything else throws: RegistryUnavailable (refused, reset, no
 * answer within `timeoutMs`, an answer that does not end, 401, 403, 429, 5xx, a redirect, something that is no registry) or
 * RegistryRefused (the other 4xx). After a 429 or 503 that says for how long (`Retry-After`), nothing is sent for so long, 30 s at most.
 */
export function registryCalls(address: RegistryAddress, timeoutMs: number, clock: { now(): number }): RegistryCall {
  const headers: Record<string, string> = { accept: 'application/vnd.schemaregistry.v1+json, application/json' }
  if (address.username !== undefined)
    headers.authorization = `Basic ${Buffer.from(`${address.username}:${address.password ?? ''}`).toString('base64')}`
  const silence = { untilMs: Number.NEGATIVE_INFINITY, status: 0 }

  return async (method, path, { body, deadline = AbortSignal.timeout(timeoutMs) } = {}) => {
    const what = `${method} ${path}`
    const leftMs = silence.untilMs - clock.now()
    if (leftMs > 0)
      throw new RegistryUnavailable(
        `schema registry ${address.url} answered ${silence.status} and is to be asked again in ${Math.ceil(leftMs / 1_000)} s (${what})`,
      )
    let response: Response
    let text: string
    try {
      response = await fetch(`${address.url}${path}`, {
        method,
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/vnd.schemaregistry.v1+json' },
        body: body === undefined ? null : JSON.stringify(body),
        // Not followed: what is sent, credentials above all, is for this address alone.
        redirect: 'manual',
        signal: deadline,
      })
      text = await bodyOf(response)
    } catch (cause) {
      throw unreachable(address, what, timeoutMs, cause)
    }
    const silenceMs = response.status === 429 || response.status === 503 ? retryAfterMs(response) : 0
    if (silenceMs > 0) Object.assign(silence, { untilMs: clock.now() + silenceMs, status: response.status })
    return judge(address, what, response, text)
  }
}

async function bodyOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    // Leaving the loop ends the connection.
    if (bytes > longestAnswerBytes) throw new Error(`the answer is longer than ${longestAnswerBytes} bytes`)
    chunks.push(chunk)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}

/** `Retry-After` is seconds, or a date. */
function retryAfterMs({ headers }: Response): number {
  const text = headers.get('retry-after') ?? ''
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? 0 : Math.min(ms, longestSilenceMs)
}

function unreachable(address: RegistryAddress, what: string, timeoutMs: number, cause: unknown): RegistryUnavailable {
  return new RegistryUnavailable(`schema registry ${address.url}: ${reasonOf(cause, timeoutMs)} (${what})`, { cause })
}

function refusal(
  address: RegistryAddress,
  what: string,
  { status, headers }: Response,
  detail: string,
): RegistryUnavailable | RegistryRefused {
  const redirect = status >= 300 && status < 400 ? redirectTo(address, headers.get('location')) : ''
  const message = `schema registry ${address.url} answered ${status} to ${what}${redirect}${detail === '' ? '' : `: ${detail}`}`
  // 404 without a registry's error code is a wrong path or a proxy: were it "unknown schema", every message would be a dead letter.
  const unavailable = status < 400 || status >= 500 || [401, 403, 404, 408, 429].includes(status)
  return unavailable ? new RegistryUnavailable(message) : new RegistryRefused(message)
}

/** Its origin only: a path may hold a session or a token. */
function redirectTo({ url }: RegistryAddress, location: string | null): string {
  const target = URL.parse(location ?? '', url)
  return target ? ` and points to ${target.origin}: redirects are not followed, give that address if it is right` : ''
}

function judge(address: RegistryAddress, what: string, response: Response, text: string): RegistryAnswer {
  const { status } = response
  const body = parse(text)
  const unexpected = () =>
    new RegistryUnavailable(
      `schema registry ${address.url} answered ${what} with something that is not what a schema registry gives`,
    )
  const error = body as { error_code?: unknown; message?: unknown } | undefined
  if (status >= 200 && status < 300) {
    if (body === undefined)
      throw new RegistryUnavailable(
        `schema registry ${address.url} answered ${what} with something that is not JSON: is it a registry?`,
      )
    return { status, body, unexpected }
  }
  if (status === 404 && saysMissing(error?.error_code)) return { status, body, unexpected }
  if (status === 409 && typeof error?.error_code === 'number') return { status, body, unexpected }
  throw refusal(address, what, response, typeof error?.message === 'string' ? error.message.slice(0, 500) : '')
}

/** 40401 no subject, 40402 no version, 40403 no schema. A plain 404 is what Confluent's registry says of a path that it does not have. */
function saysMissing(code: unknown): boolean {
  return typeof code === 'number' && code >= 40_400 && code < 40_500
}

function parse(text: string): unknown {
  try {
    const body: unknown = JSON.parse(text)
    return body ?? undefined
  } catch {
    return undefined
  }
}

function reasonOf(cause: unknown, timeoutMs: number): string {
  const error = cause as { name?: unknown; message?: unknown; cause?: { code?: unknown; message?: unknown } } | undefined
  if (error?.name === 'TimeoutError' || error?.name === 'AbortError') return `no answer within ${timeoutMs} ms`
  // fetch hides why behind 'fetch failed'.
  return String(error?.cause?.message || error?.cause?.code || error?.message)
}
