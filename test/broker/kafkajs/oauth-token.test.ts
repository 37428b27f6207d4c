/** Tokens of the client-credentials flow: how long each is used, and what a refusal or an outage does. */
import { expect, test } from 'vitest'
import { tokenSource } from '../../../src/broker/kafkajs/oauth-token.ts'

const request = { tokenUrl: 'https://login/token', clientId: 'a:b', clientSecret: () => 'canary', scope: 'kafka' }

/** A source whose endpoint gives `answers`, one after the other, and a clock that stands until it is set. */
function tokens(...answers: (object | number | Error)[]) {
  const clock = { now: 0 }
  const asked: { url: string; init: RequestInit }[] = []
  const fetch = (async (url: string, init: RequestInit) => {
    asked.push({ url, init })
    const answer = answers[Math.min(asked.length, answers.length) - 1]!
    if (answer instanceof Error) throw answer
    return typeof answer === 'number'
      ? new Response('{"error":"invalid_client","canary":"canary"}', { status: answer })
      : Response.json(answer)
  }) as typeof globalThis.fetch
  return { clock, asked, token: tokenSource(request, { fetch, now: () => clock.now }) }
}

test('a token is used for 80 % of its life', async () => {
  const { clock, asked, token } = tokens({ access_token: 'one', expires_in: 1000 }, { access_token: 'two', expires_in: 1000 })
  expect(await Promise.all([token(), token()])).toEqual(['one', 'one'])
  clock.now = 799_000
  expect(await token()).toBe('one')
  clock.now = 800_000
  expect(await token()).toBe('two')
  expect(asked).toHaveLength(2)
})

test('it is asked for as RFC 6749 says', async () => {
  const { asked, token } = tokens({ access_token: 'one' })
  await token()
  const { url, init } = asked[0]!
  expect(url).toBe(request.tokenUrl)
  expect(init).toMatchObject({ method: 'POST', redirect: 'error', headers: { authorization: `Basic ${btoa('a%3Ab:canary')}` } })
  expect(String(init.body)).toBe('grant_type=client_credentials&scope=kafka')
})

test.each([
  [401, 'E_BROKER_REFUSED', /401 invalid_client.*CLIENT_SECRET/],
  [400, 'E_BROKER_REFUSED', /400 invalid_client/],
  [503, 'E_BROKER_UNAVAILABLE', /503/],
  [{ expires_in: 1 }, 'E_BROKER_UNAVAILABLE', /without a token/],
  [new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } }), 'E_BROKER_UNAVAILABLE', /ECONNREFUSED/],
])('%o is %s, and repeats nothing that is secret', async (answer, code, message) => {
  const failure = await tokens(answer)
    .token()
    .catch(error => error)
  expect(failure).toMatchObject({ code, message: expect.stringMatching(message) })
  expect(failure.message).not.toContain('canary')
})

test('while the endpoint is down, a token that still lives is used', async () => {
  const { clock, token } = tokens({ access_token: 'one', expires_in: 1000 }, 503)
  await token()
  clock.now = 900_000
  expect(await token()).toBe('one')
  clock.now = 1_000_000
  await expect(token()).rejects.toMatchObject({ code: 'E_BROKER_UNAVAILABLE', retryable: true })
})
