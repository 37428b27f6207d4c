import { BrokerRefused, BrokerUnavailable } from '../../errors.ts'

export interface TokenRequest {
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: () => string
  readonly scope?: string
}

interface Surroundings {
  readonly fetch?: typeof globalThis.fetch
  readonly now?: () => number
}

const answerWithinMs = 10_000
/** Of a token whose answer does not say how long it lives. */
const unknownLifeMs = 60_000

/**
 * Tokens by the client-credentials flow, one request at a time, each used for 80 % of its life. Rejects with BrokerRefused when the
 * credentials are refused, with BrokerUnavailable when no token could be had.
 */
export function tokenSource(
  request: TokenRequest,
  { fetch = globalThis.fetch, now = Date.now }: Surroundings = {},
): () => Promise<string> {
  let kept: { readonly value: string; readonly freshUntil: number; readonly validUntil: number } | undefined
  let asking: Promise<string> | undefined
  const ask = async (): Promise<string> => {
    const askedAt = now()
    try {
      const { value, lifeMs } = await askFor(request, fetch)
      kept = { value, freshUntil: askedAt + lifeMs * 0.8, validUntil: askedAt + lifeMs }
      return value
    } catch (error) {
      if (kept && now() < kept.validUntil) return kept.value
      throw error
    }
  }
  return async () => {
    if (kept && now() < kept.freshUntil) return kept.value
    asking ??= ask().finally(() => {
      asking = undefined
    })
    return asking
  }
}

async function askFor(request: TokenRequest, fetch: typeof globalThis.fetch): Promise<{ value: string; lifeMs: number }> {
  const { clientId, clientSecret, scope, tokenUrl } = request
  const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret())}`).toString('base64')
  const unavailable = (reason: string, cause?: unknown) =>
    new BrokerUnavailable(`No token from KAFKA_SASL_OAUTHBEARER_TOKEN_URL (${tokenUrl}): ${reason}`, { cause })
  let answer: Response
  let body: { access_token?: unknown; expires_in?: unknown; error?: unknown }
  try {
    answer = await fetch(tokenUrl, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}`, accept: 'application/json' },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope !== undefined && { scope }) }),
      // Followed, it would carry the secret to an address that nobody has named.
      redirect: 'error',
      signal: AbortSignal.timeout(answerWithinMs),
    })
    body = (await answer.json().catch(() => ({}))) as typeof body
  } catch (error) {
    throw unavailable(reasonOf(error), error)
  }
  const value = body?.access_token
  if (answer.ok && typeof value === 'string' && value !== '') return { value, lifeMs: lifeOf(body.expires_in) }
  // Of the answer only its code: the rest may repeat what was sent.
  const said =
    typeof body?.error === 'string' && /^\w{1,60}$/.test(body.error) ? `${answer.status} ${body.error}` : `${answer.status}`
  if (answer.ok || answer.status >= 500 || answer.status === 429) throw unavailable(`it answered ${said}, without a token`)
  throw new BrokerRefused(
    `No token from KAFKA_SASL_OAUTHBEARER_TOKEN_URL (${tokenUrl}): it answered ${said}; look at KAFKA_SASL_OAUTHBEARER_CLIENT_ID, _CLIENT_SECRET and _SCOPE`,
  )
}

function lifeOf(expiresIn: unknown): number {
  const seconds = Number(expiresIn)
  return expiresIn !== undefined && seconds > 0 ? seconds * 1000 : unknownLifeMs
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: { message?: string; code?: string }; message: string }
  return cause?.code ?? cause?.message ?? message
}
