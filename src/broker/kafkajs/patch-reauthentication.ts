/**
 * kafkajs logs in again 10 s before a session ends: with sessions of 10 s or less before every request, which brokers refuse within a
 * second of the last one (ILLEGAL_SASL_STATE). Short sessions are those of a token that is old already.
 */
export interface SaslAuthenticator {
  /** Milliseconds, as text; '0' is unlimited. */
  readonly sessionLifetime: string
  readonly connection: { reauthenticationThreshold: number }
  authenticate(): Promise<void>
}

const longestThresholdMs = 10_000

export function withShortSessions(authenticator: { readonly prototype: SaslAuthenticator }): void {
  const { authenticate } = authenticator.prototype
  authenticator.prototype.authenticate = async function (this: SaslAuthenticator): Promise<void> {
    await authenticate.call(this)
    this.connection.reauthenticationThreshold = Math.min(longestThresholdMs, Number(this.sessionLifetime) * 0.2)
  }
}
