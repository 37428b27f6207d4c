/** A registry in memory, for unit tests: same contract, BACKWARD_TRANSITIVE, nothing shared between two of them. */
import { SchemaIncompatible } from '../errors.ts'
import type { MessageSchema } from '../message/schema.ts'
import { checkCompatibility } from './compatibility.ts'
import { notRegistered, type RegisteredVersion, type SchemaRegistry, unknownId } from './registry.ts'

export function memoryRegistry(): SchemaRegistry {
  /** Index + 1 is the id: equal schemas share one, in whatever subject, as in a real registry. */
  const schemas: string[] = []
  const subjects = new Map<string, number[]>()

  function verdict(subject: string, schema: MessageSchema): { compatible: boolean; messages: string[] } {
    const { compatible, problems } = checkCompatibility(
      schema,
      registered(subject).map(one => one.schema),
    )
    return { compatible, messages: problems.map(({ version, path, reason }) => `version ${version}: ${path}: ${reason}`) }
  }

  function registered(subject: string): RegisteredVersion[] {
    return (subjects.get(subject) ?? []).map((id, i) => ({ version: i + 1, id, schema: schemas[id - 1]! }))
  }

  return {
    async idOf(subject, schema) {
      const id = schemas.indexOf(JSON.stringify(schema.avro)) + 1
      if (!subjects.get(subject)?.includes(id)) throw notRegistered(subject, schema)
      return id
    },
    async schemaById(id) {
      const schema = schemas[id - 1]
      if (schema === undefined) throw unknownId(id)
      return schema
    },
    async register(subject, schema) {
      const { compatible, messages } = verdict(subject, schema)
      if (!compatible)
        throw new SchemaIncompatible(`the registry refuses ${schema.name} for subject ${subject}: ${messages.join('; ')}`)
      const json = JSON.stringify(schema.avro)
      const id = schemas.includes(json) ? schemas.indexOf(json) + 1 : schemas.push(json)
      const ids = subjects.get(subject) ?? []
      subjects.set(subject, ids.includes(id) ? ids : [...ids, id])
      return id
    },
    async versions(subject) {
      return registered(subject)
    },
    async isCompatible(subject, schema) {
      return verdict(subject, schema)
    },
    async ping() {},
    async kept() {
      return 0
    },
  }
}
