/** From a name on the command line to what it names. */
import type { Service } from '../config.ts'
import type { Processor } from '../consume/processor.ts'
import { UsageError } from '../errors.ts'
import type { MessageDefinition } from '../message/definition.ts'
import { nearest } from './nearest.ts'

/** The processors of these names, all when there are none. Throws UsageError (E_USAGE) for a name that the service does not have. */
export function chooseProcessors(service: Service, names: readonly string[]): readonly Processor[] {
  if (names.length === 0) return service.processors
  const known = service.processors.map(({ name }) => name)
  const unknown = names.filter(name => !known.includes(name))
  if (unknown.length > 0) throw new UsageError(unknown.map(name => notFound('consumer or worker', name, known)).join('\n'))
  return service.processors.filter(({ name }) => names.includes(name))
}

/** The message of a full (`retail.OrderPlaced`) or simple (`OrderPlaced`) schema name. Throws UsageError (E_USAGE). */
export function chooseMessage(service: Service, name: string): MessageDefinition {
  const full = service.messages.filter(({ type }) => type === name)
  const found = full.length > 0 ? full : service.messages.filter(({ type }) => simple(type) === name)
  if (found.length === 1) return found[0]!
  if (found.length > 1) {
    const each = found.map(({ type, topic }) => `${type} on ${topic.name}`).join(', ')
    throw new UsageError(`'${name}' may mean ${each}: a message must be the only one of its name to be published from here`)
  }
  const known = service.messages.map(({ type }) => (name.includes('.') ? type : simple(type)))
  throw new UsageError(notFound('event or job', name, known))
}

function simple(type: string): string {
  return type.slice(type.lastIndexOf('.') + 1)
}

function notFound(what: string, name: string, known: readonly string[]): string {
  const near = nearest(name, known)
  const hint = near === undefined ? `there are: ${known.join(', ') || 'none'}` : `did you mean '${near}'?`
  return `the service has no ${what} '${name}': ${hint}`
}
