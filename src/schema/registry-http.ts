/** One request to a Confluent-compatible registry: bounded in time, its failures told apart. */
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

export type RegistryCall = (method: 'GET' | 'POST', path: string, body?: object) => Promise<RegistryAnswer>

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
 * answer within `timeoutMs`, 401, 403, 429, 5xx, something that is no registry) or RegistryRefused (the other 4xx).
 */
export function registryCalls(address: RegistryAddress, timeoutMs: number): RegistryCall {
  const headers: Record<string, string> = { accept: 'application/vnd.schemaregistry.v1+json, application/json' }
  if (address.username !== undefined)
    headers.authorization = `Basic ${Buffer.from(`${address.username}:${address.password ?? ''}`).toString('base64')}`

  return async (method, path, body) => {
    const what = `${method} ${path}`
    let status: number
    let text: string
    try {
      const response = await fetch(`${address.url}${path}`, {
        method,
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/vnd.schemaregistry.v1+json' },
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      })
      status = response.status
      text = await response.text()
    } catch (cause) {
      throw unreachable(address, what, timeoutMs, cause)
    }
    return judge(address, what, status, text)
  }
}

function unreachable(address: RegistryAddress, what: string, timeoutMs: number, cause: unknown): RegistryUnavailable {
  return new RegistryUnavailable(`schema registry ${address.url}: ${reasonOf(cause, timeoutMs)} (${what})`, { cause })
}

function refusal(address: RegistryAddress, what: string, status: number, detail: string): RegistryUnavailable | RegistryRefused {
  const message = `schema registry ${address.url} answered ${status} to ${what}${detail === '' ? '' : `: ${detail}`}`
  // 404 without a registry's error code is a wrong path or a proxy: were it "unknown schema", every message would be a dead letter.
  const unavailable = status < 400 || status >= 500 || [401, 403, 404, 408, 429].includes(status)
  return unavailable ? new RegistryUnavailable(message) : new RegistryRefused(message)
}

function judge(address: RegistryAddress, what: string, status: number, text: string): RegistryAnswer {
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
  if ((status === 404 || status === 409) && typeof error?.error_code === 'number') return { status, body, unexpected }
  throw refusal(address, what, status, typeof error?.message === 'string' ? error.message.slice(0, 500) : '')
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
