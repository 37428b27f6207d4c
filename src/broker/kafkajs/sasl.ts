import type { KafkaConfig, SASLOptions } from 'kafkajs'
import { oauthBearer } from './oauth-bearer.ts'
import { tokenSource } from './oauth-token.ts'

export type Sasl =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
      readonly username: string
      /** Asked at every login. */
      readonly password: () => string
    }
  | { readonly mechanism: 'oauthbearer'; readonly token: () => string }
  | {
      readonly mechanism: 'oauthbearer'
      readonly tokenUrl: string
      readonly clientId: string
      readonly clientSecret: () => string
      readonly scope?: string
    }

export interface Login {
  /** As SaslHandshake names it. */
  readonly mechanism: string
  /** For one kafkajs instance: it writes into what it is given. */
  options(): NonNullable<KafkaConfig['sasl']>
  /** Finds out whether there is anything to log in with. */
  ready(): Promise<void>
}

export function loginOf(sasl: Sasl): Login {
  const { mechanism } = sasl
  if (mechanism !== 'oauthbearer') {
    const { username, password } = sasl
    return {
      mechanism: mechanism.toUpperCase(),
      options: () =>
        ({
          mechanism,
          username,
          get password() {
            return password()
          },
        }) as SASLOptions,
      ready: async () => {},
    }
  }
  const token = 'tokenUrl' in sasl ? tokenSource(sasl) : async () => sasl.token().trim()
  return {
    mechanism: 'OAUTHBEARER',
    options: () => ({ mechanism, authenticationProvider: oauthBearer(token) }),
    ready: async () => void (await token()),
  }
}
