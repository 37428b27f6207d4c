/** Where a process tells how it is, if it does. */
import { ConfigError } from '../errors.ts'

export interface HttpAddress {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

const loopback = '127.0.0.1'

/** From HTTP_HOST and HTTP_PORT, the latter of which turns it on. Adds to `problems` what is wrong with them. */
export function httpAddress(host: string | undefined, port: string | undefined, problems: string[]): HttpAddress | undefined {
  if (port === undefined) return undefined
  const number = portOf(port)
  if (number === undefined) problems.push(`HTTP_PORT is '${port}': it must be a port number`)
  return { host: host ?? loopback, port: number ?? 0 }
}

/** From `--http`: a port, or `host:port`. Throws ConfigError (E_CONFIG). */
export function httpFlag(text: string, host: string = loopback): HttpAddress {
  const [, named, port] = /^(?:(\[[0-9a-fA-F:]+\]|[^\s:/@]+):)?(\d+)$/.exec(text) ?? []
  const number = portOf(port ?? '')
  if (number === undefined) throw new ConfigError([`--http is '${text}': it must be a port, or host:port such as 0.0.0.0:8080`])
  return { host: named?.replace(/^\[|\]$/g, '') ?? host, port: number }
}

function portOf(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined
}
