import type { Mechanism } from 'kafkajs'
import { library } from './library.ts'

/**
 * kafkajs's own takes the answer to a token, whatever it says, for a yes: a broker tells a refusal in the answer's text, waits for
 * a byte that confirms it, and only then fails. What came after would be a connection that is closed without a word, for ever.
 */
export function oauthBearer(token: () => Promise<string>): Mechanism['authenticationProvider'] {
  return ({ saslAuthenticate }) => ({
    async authenticate() {
      const said = await saslAuthenticate({ request: bytes(`n,,\u0001auth=Bearer ${await token()}\u0001\u0001`), response: text })
      if (!said) return
      const { KafkaJSSASLAuthenticationError } = library()
      const refused = (reason: string) => new KafkaJSSASLAuthenticationError(`SASL OAUTHBEARER authentication failed: ${reason}`)
      try {
        await saslAuthenticate({ request: bytes('\u0001'), response: text })
      } catch (error) {
        const { message } = error as Error
        throw refused(message.includes(said) ? message : `${message} (${said})`)
      }
      throw refused(said)
    },
  })
}

function bytes(content: string): { encode(): Buffer } {
  const encoded = Buffer.from(content)
  const size = Buffer.alloc(4)
  size.writeInt32BE(encoded.length)
  return { encode: () => Buffer.concat([size, encoded]) }
}

const text = {
  // Behind its size.
  decode: (raw: Buffer) => raw.subarray(4),
  parse: (content: Buffer) => content.toString('utf8').slice(0, 300),
}
