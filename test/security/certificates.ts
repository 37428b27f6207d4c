/** A small certificate authority, and what it and another one have signed, as PEM files of one folder. Made with openssl. */
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Signed {
  readonly cert: string
  readonly key: string
}

export interface Certificates {
  /** The path of a file: `ca.pem`. */
  path(name: string): string
  /** The authority that broker and clients trust. */
  readonly ca: string
  /** Another one, that nobody trusts. */
  readonly otherCa: string
  /** For 127.0.0.1, not for localhost. */
  readonly broker: Signed
  readonly expired: Signed
  /** CN=service */
  readonly client: Signed
}

export async function makeCertificates(folder: string): Promise<Certificates> {
  const path = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const authority = (name: string, subject: string) =>
    openssl('req', '-x509', ...newKey, '-days', '30', '-subj', subject, '-keyout', `${name}.key`, '-out', `${name}.pem`)
  const sign = async (name: string, subject: string, days: number): Promise<void> => {
    await openssl('req', ...newKey, '-subj', subject, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-set_serial', `0x${Buffer.from(name).toString('hex')}`]
    await openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-days', `${days}`, '-extfile', 'san.cnf', '-out', `${name}.pem`)
  }
  writeFileSync(path('san.cnf'), 'subjectAltName=IP:127.0.0.1\n')
  await Promise.all([authority('ca', '/CN=it authority'), authority('other', '/CN=it stranger')])
  await Promise.all([
    sign('broker', '/CN=it broker', 30),
    sign('expired', '/CN=it old broker', -1),
    sign('client', '/CN=service', 30),
  ])
  const text = (name: string) => readFileSync(path(name), 'utf8')
  const signed = (name: string): Signed => ({ cert: text(`${name}.pem`), key: text(`${name}.key`) })
  return {
    path,
    ca: text('ca.pem'),
    otherCa: text('other.pem'),
    broker: signed('broker'),
    expired: signed('expired'),
    client: signed('client'),
  }
}
