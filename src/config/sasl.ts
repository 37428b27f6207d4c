/** How to log in to the brokers: KAFKA_SASL_*. */
import type { Reading, Rotating } from './reading.ts'

export type Sasl = PasswordLogin | TokenLogin | ClientCredentials

export interface PasswordLogin {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: Rotating
}

/** OAUTHBEARER with a token that somebody else keeps fresh. */
export interface TokenLogin {
  readonly mechanism: 'oauthbearer'
  readonly token: Rotating
}

/** OAUTHBEARER with tokens that are asked for: the client-credentials flow of OAuth 2. */
export interface ClientCredentials {
  readonly mechanism: 'oauthbearer'
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: Rotating
  readonly scope?: string
}

const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const
const bearer = 'KAFKA_SASL_OAUTHBEARER'

export function readSasl(read: Reading, encrypted: boolean): { sasl?: Sasl; warnings: string[] } {
  const mechanism = read.choice('KAFKA_SASL_MECHANISM', mechanisms)
  const named = read.text('KAFKA_SASL_MECHANISM') !== undefined
  const sasl = mechanism === 'oauthbearer' ? readBearer(read) : readPassword(read, mechanism, named)
  if (mechanism !== 'oauthbearer') refuseOthers(read, mechanism)
  return sasl ? { sasl, warnings: warningsOf(sasl, encrypted) } : { warnings: [] }
}

/** With the names that go with them. */
export function saslSecrets(read: Reading): (readonly [username: string | undefined, secret: string | undefined])[] {
  return [
    [read.text('KAFKA_SASL_USERNAME'), read.secret('KAFKA_SASL_PASSWORD')],
    [undefined, read.secret(`${bearer}_TOKEN`)],
    [read.text(`${bearer}_CLIENT_ID`), read.secret(`${bearer}_CLIENT_SECRET`)],
  ]
}

function readPassword(read: Reading, mechanism: PasswordLogin['mechanism'] | undefined, named: boolean): Sasl | undefined {
  const username = read.text('KAFKA_SASL_USERNAME')
  const password = read.rotating('KAFKA_SASL_PASSWORD', '_FILE')
  const hasPassword = read.has('KAFKA_SASL_PASSWORD', '_FILE')
  if (!named && username === undefined && !hasPassword) return undefined
  askFor(read, [
    !named && `KAFKA_SASL_MECHANISM (${mechanisms.join(', ')})`,
    username === undefined && 'KAFKA_SASL_USERNAME',
    !hasPassword && 'KAFKA_SASL_PASSWORD or KAFKA_SASL_PASSWORD_FILE',
  ])
  return mechanism && username && password ? { mechanism, username, password } : undefined
}

function readBearer(read: Reading): Sasl | undefined {
  const token = read.rotating(`${bearer}_TOKEN`, '_FILE')
  const tokenUrl = read.text(`${bearer}_TOKEN_URL`)
  const clientId = read.text(`${bearer}_CLIENT_ID`)
  const clientSecret = read.rotating(`${bearer}_CLIENT_SECRET`, '_FILE')
  const scope = read.text(`${bearer}_SCOPE`)
  const [hasToken, hasSecret] = ['TOKEN', 'CLIENT_SECRET'].map(name => read.has(`${bearer}_${name}`, '_FILE'))
  if (tokenUrl === undefined && clientId === undefined && !hasSecret) {
    askFor(read, [!hasToken && `${bearer}_TOKEN, ${bearer}_TOKEN_FILE or ${bearer}_TOKEN_URL`])
    return token && { mechanism: 'oauthbearer', token }
  }
  if (hasToken) read.problems.push(`${bearer}_TOKEN and ${bearer}_TOKEN_URL are both set: keep one`)
  askFor(read, [
    tokenUrl === undefined && `${bearer}_TOKEN_URL`,
    clientId === undefined && `${bearer}_CLIENT_ID`,
    !hasSecret && `${bearer}_CLIENT_SECRET or ${bearer}_CLIENT_SECRET_FILE`,
  ])
  const url = tokenUrl === undefined ? null : URL.parse(tokenUrl)
  // Not shown as it is: someone may have put credentials into it.
  if (tokenUrl !== undefined && (!url || !/^https?:$/.test(url.protocol) || url.username || url.password))
    read.problems.push(
      `${bearer}_TOKEN_URL is no http or https address without credentials, such as https://login.example.com/token`,
    )
  if (!tokenUrl || !clientId || !clientSecret) return undefined
  return { mechanism: 'oauthbearer', tokenUrl, clientId, clientSecret, ...(scope !== undefined && { scope }) }
}

/** What belongs to a mechanism that was not chosen is a mistake rather than spare. */
function refuseOthers(read: Reading, mechanism: string | undefined): void {
  const names = ['TOKEN', 'TOKEN_FILE', 'TOKEN_URL', 'CLIENT_ID', 'CLIENT_SECRET', 'CLIENT_SECRET_FILE', 'SCOPE'].map(
    name => `${bearer}_${name}`,
  )
  const found = names.filter(name => read.text(name) !== undefined)
  if (found.length > 0)
    read.problems.push(`${found.join(' and ')} is set, but KAFKA_SASL_MECHANISM is ${mechanism ?? 'not'}: it must be oauthbearer`)
}

function askFor(read: Reading, missing: readonly (string | false)[]): void {
  const names = missing.filter(one => one !== false)
  if (names.length > 0) read.problems.push(`to log in with SASL, set ${names.join(' and ')} too`)
}

function warningsOf(sasl: Sasl, encrypted: boolean): string[] {
  const secret = sasl.mechanism === 'plain' ? 'password' : sasl.mechanism === 'oauthbearer' ? 'token' : undefined
  const open = 'tokenUrl' in sasl && sasl.tokenUrl.startsWith('http:')
  return [
    ...(secret && !encrypted
      ? [`KAFKA_SASL_MECHANISM is ${sasl.mechanism} without TLS: the ${secret} crosses the network readable. Set KAFKA_SSL=true`]
      : []),
    ...(open ? [`${bearer}_TOKEN_URL is http: the client secret and the token cross the network readable. Use https`] : []),
  ]
}
