/** TLS to the brokers: KAFKA_SSL*. */
import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { Reading, Rotating } from './reading.ts'

/** PEM texts; `true` trusts the system's authorities. */
export type Tls = true | { readonly ca?: Rotating; readonly cert?: Rotating; readonly key?: Rotating }

export function readTls(read: Reading): Tls | undefined {
  const wanted = read.flag('KAFKA_SSL')
  const ca = pem(read.rotating('KAFKA_SSL_CA', '_PATH'))
  const cert = pem(read.rotating('KAFKA_SSL_CERT', '_PATH'))
  const key = pem(read.rotating('KAFKA_SSL_KEY', '_PATH'))
  const [hasCa, hasCert, hasKey] = ['CA', 'CERT', 'KEY'].map(name => read.has(`KAFKA_SSL_${name}`, '_PATH'))
  if (hasCert !== hasKey)
    read.problems.push(
      `KAFKA_SSL_${hasCert ? 'CERT' : 'KEY'} is set, KAFKA_SSL_${hasCert ? 'KEY' : 'CERT'} is not: set both, or neither`,
    )
  const any = hasCa || hasCert || hasKey
  if (wanted === false && any) read.problems.push('KAFKA_SSL is false, but certificates are given: leave out one of them')
  read.problems.push(...flawsOf(ca, cert, key))
  if (!any) return wanted ? true : undefined
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
}

/** A variable that holds one line often has its line breaks written as `\n`. */
function pem(text: Rotating | undefined): Rotating | undefined {
  return text && (() => (text().includes('\n') ? text() : text().replaceAll('\\n', '\n')))
}

/** What Node would take without a word, or refuse with one of OpenSSL's at every connection. */
function flawsOf(ca: Rotating | undefined, cert: Rotating | undefined, key: Rotating | undefined): string[] {
  const flaws = [
    ...(ca && !isCertificates(ca()) ? ['KAFKA_SSL_CA holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)'] : []),
    ...(cert && !isCertificates(cert()) ? ['KAFKA_SSL_CERT holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)'] : []),
    ...(key ? keyFlaws(key()) : []),
  ]
  if (flaws.length > 0 || !cert || !key) return flaws
  return isContext({ cert: cert(), key: key() }) ? [] : ['KAFKA_SSL_KEY is not the key of KAFKA_SSL_CERT']
}

function keyFlaws(key: string): string[] {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key))
    return ['KAFKA_SSL_KEY holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)']
  if (/ENCRYPTED/.test(key))
    return ['KAFKA_SSL_KEY is encrypted: give it without a passphrase, in a file that only this process reads']
  return isContext({ key }) ? [] : ['KAFKA_SSL_KEY holds no private key that can be read']
}

function isCertificates(text: string): boolean {
  const blocks = text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END (?:TRUSTED )?CERTIFICATE-----/g) ?? []
  try {
    for (const block of blocks) new X509Certificate(block)
    return blocks.length > 0
  } catch {
    return false
  }
}

function isContext(options: { cert?: string; key: string }): boolean {
  try {
    createSecureContext(options)
    return true
  } catch {
    return false
  }
}
