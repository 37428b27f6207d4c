/**
 * What the types of a folder are called in TypeScript. A record or enum has its simple name, unless another type has the same one, or
 * TypeScript does not allow it: then its namespace is put before it, `acme.billing.Card` -> `AcmeBillingCard`, for each of those that
 * share the name. So no name changes its meaning when a file is added.
 */
import { simpleName } from './avsc-names.ts'
import type { Model, NamedModel } from './avsc-shape.ts'

export interface TypeNames {
  /** Of a record or enum, by full name: what a handler gets. */
  out(fullName: string): string
  /** Of a record: what may be published. `CardIn`, or `CardInput` where a type is named CardIn. */
  in(fullName: string): string
}

export function typeNames(model: Model): TypeNames {
  // A fixed is written out where it stands, so it needs no name.
  const types = [...model.named.values()].filter(named => named.kind !== 'fixed')
  const outs = outNames(types)
  const ins = inNames(types, outs)
  return { out: name => outs.get(name)!, in: name => ins.get(name)! }
}

function outNames(types: readonly NamedModel[]): ReadonlyMap<string, string> {
  const counts = new Map<string, number>()
  for (const { name } of types) counts.set(simpleName(name), (counts.get(simpleName(name)) ?? 0) + 1)
  const isFree = (simple: string) => counts.get(simple) === 1 && !TAKEN.has(simple)
  const names = new Map(types.map(({ name }) => [name, simpleName(name)] as const).filter(([, simple]) => isFree(simple)))
  const used = new Set(names.values())
  // In the order of their names, so that the order of the files does not matter.
  for (const name of types.map(type => type.name).toSorted()) {
    if (names.has(name)) continue
    names.set(name, unused(withNamespace(name), used))
    used.add(names.get(name)!)
  }
  return names
}

function inNames(types: readonly NamedModel[], outs: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const used = new Set(outs.values())
  const names = new Map<string, string>()
  for (const { name } of types.filter(type => type.kind === 'record').toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const out = outs.get(name)!
    const free = used.has(`${out}In`) ? unused(`${out}Input`, used) : `${out}In`
    used.add(free)
    names.set(name, free)
  }
  return names
}

function withNamespace(fullName: string): string {
  return fullName
    .split('.')
    .map(part => part.charAt(0).toUpperCase() + part.slice(1))
    .join('')
}

function unused(name: string, used: ReadonlySet<string>): string {
  return used.has(name) || TAKEN.has(name) ? unused(`${name}_`, used) : name
}

/** What nothing generated may be called: it would not compile, or would hide what generated code uses. */
const TAKEN = new Set(
  (
    'avroSchema Buffer Date Record any bigint boolean never null number object string symbol undefined unknown void intrinsic globalThis ' +
    'abstract accessor arguments as asserts async await break case catch class const constructor continue debugger declare default delete do ' +
    'else enum eval export extends false finally for from function get global if implements import in infer instanceof interface is keyof ' +
    'let module namespace new of out override package private protected public readonly require return satisfies set static super switch ' +
    'this throw true try type typeof unique using var while with yield'
  ).split(' '),
)
