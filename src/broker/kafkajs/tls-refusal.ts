/** Codes of a TLS handshake that would fail again, and what to do about each. */

const untrusted = 'set KAFKA_SSL_CA or KAFKA_SSL_CA_PATH to the certificate of the authority that signed it'
const outdated = 'the broker needs a new certificate, or this machine the right time'
const broken = 'the broker needs another certificate'

/** Of Node, about the broker's certificate. */
const verdicts: Readonly<Record<string, readonly [reason: string, advice: string]>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ["the broker's certificate is signed by an authority that is not trusted here", untrusted],
  UNABLE_TO_GET_ISSUER_CERT: ["the broker's certificate is signed by an authority that is not trusted here", untrusted],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ["the broker's certificate is signed by an authority that is not trusted here", untrusted],
  SELF_SIGNED_CERT_IN_CHAIN: ["the broker's certificate is signed by an authority that is not trusted here", untrusted],
  DEPTH_ZERO_SELF_SIGNED_CERT: ["the broker's certificate is signed by itself and not trusted here", untrusted],
  CERT_UNTRUSTED: ["the broker's certificate is not trusted here", untrusted],
  CERT_SIGNATURE_FAILURE: ["the broker's certificate is not signed by the authority that it names", untrusted],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    "the broker's certificate is for other host names than this one",
    'name the broker in KAFKA_BROKERS, and in its own advertised.listeners, as its certificate does',
  ],
  HOSTNAME_MISMATCH: ["the broker's certificate is for other host names than this one", 'see KAFKA_BROKERS'],
  CERT_HAS_EXPIRED: ["the broker's certificate, or that of its authority, has expired", outdated],
  CERT_NOT_YET_VALID: ["the broker's certificate, or that of its authority, is not valid yet", outdated],
  CERT_REVOKED: ["the broker's certificate has been revoked", broken],
  CERT_REJECTED: ["the broker's certificate is not made for this", broken],
  INVALID_PURPOSE: ["the broker's certificate is not made for this", broken],
  INVALID_CA: ["the broker's certificate is signed by one that is no authority's", broken],
  PATH_LENGTH_EXCEEDED: ["the broker's certificate has too long a chain", broken],
  CERT_CHAIN_TOO_LONG: ["the broker's certificate has too long a chain", broken],
}

/** Of OpenSSL: alerts of the broker, and answers that are no TLS. */
const answers: readonly (readonly [code: RegExp, reason: string, advice: string])[] = [
  [
    /ALERT.*(?:CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/,
    'the broker wants a client certificate, or does not accept this one',
    'set KAFKA_SSL_CERT and KAFKA_SSL_KEY (or their _PATH) to one that the broker trusts',
  ],
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/,
    'the broker does not speak TLS on this port',
    'see KAFKA_BROKERS, or take KAFKA_SSL* away',
  ],
  [
    /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|HANDSHAKE_FAILURE|NO_SHARED_CIPHER|INSUFFICIENT_SECURITY/,
    'this client and the broker have no version or cipher of TLS in common',
    'the broker must take TLS 1.2 or newer',
  ],
]

export function isTlsRefusal(code: unknown): boolean {
  return tlsRefusal(code) !== undefined
}

/** `<reason>: <advice>`; undefined for a code that may be gone at the next attempt. */
export function tlsRefusal(code: unknown): string | undefined {
  if (typeof code !== 'string') return undefined
  const verdict = Object.hasOwn(verdicts, code) ? verdicts[code] : undefined
  if (verdict) return `${verdict.join(': ')} (${code})`
  const answer = code.startsWith('ERR_SSL_') ? answers.find(([pattern]) => pattern.test(code)) : undefined
  return answer && `${answer[1]}: ${answer[2]} (${code})`
}
