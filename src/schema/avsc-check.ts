/** What can only be said of a whole model: of defaults, of records without end, of items that take no bytes. */
import { defaultProblem } from './avsc-default.ts'
import { refuse, simpleName } from './avsc-names.ts'
import type { FieldModel, NamedModel, RecordModel, Shape } from './avsc-shape.ts'
import { at } from './words.ts'

type Named = ReadonlyMap<string, NamedModel>

/** Throws SchemaUnsupported. */
export function checkModel(named: Named): void {
  refuseEndless(named)
  for (const model of named.values()) {
    if (model.kind !== 'record') continue
    for (const field of model.fields) checkField(field, model, named)
  }
}

function checkField(field: FieldModel, model: RecordModel, named: Named): void {
  const where = `${simpleName(model.name)}.${field.name}`
  refuseEmptyItems(field.shape, named, model.file, where)
  if (!field.hasDefault) return
  const problem = defaultProblem(field.shape, field.raw.default, named)
  if (problem !== undefined) throw refuse(model.file, where, `its default ${problem}`)
}

/** Nobody could check how many there are before making them: a few bytes may claim billions. */
function refuseEmptyItems(shape: Shape, named: Named, file: string, path: string): void {
  if (shape.kind === 'array') {
    if (takesNoBytes(shape.items, named)) throw refuse(file, path, 'an array of items that take no bytes is not supported')
    refuseEmptyItems(shape.items, named, file, at(path, '[]'))
  }
  if (shape.kind === 'map') refuseEmptyItems(shape.values, named, file, at(path, '{}'))
  if (shape.kind === 'union') for (const branch of shape.branches) refuseEmptyItems(branch, named, file, path)
}

/** Ends, as a record that holds nothing but itself is refused before. */
function takesNoBytes(shape: Shape, named: Named): boolean {
  if (shape.kind === 'primitive') return shape.name === 'null'
  if (shape.kind !== 'named') return false
  const model = named.get(shape.name)!
  if (model.kind === 'fixed') return model.size === 0
  return model.kind === 'record' && model.fields.every(field => takesNoBytes(field.shape, named))
}

/** A record that must contain itself has no finite value. */
function refuseEndless(named: Named): void {
  const finite = finiteRecords(named)
  for (const model of named.values()) {
    if (model.kind === 'record' && !finite.has(model.name)) {
      const way = wayBack(model, named, finite)
      throw refuse(model.file, simpleName(model.name), `contains itself (${way.join(' > ')}): make a field on the way nullable`)
    }
  }
}

function finiteRecords(named: Named): ReadonlySet<string> {
  const finite = new Set<string>()
  for (let before = -1; finite.size > before; ) {
    before = finite.size
    for (const model of named.values())
      if (model.kind === 'record' && model.fields.every(field => hasEnd(field.shape, named, finite))) finite.add(model.name)
  }
  return finite
}

function hasEnd(shape: Shape, named: Named, finite: ReadonlySet<string>): boolean {
  if (shape.kind === 'union') return shape.branches.some(branch => hasEnd(branch, named, finite))
  return shape.kind !== 'named' || named.get(shape.name)!.kind !== 'record' || finite.has(shape.name)
}

/** From the record to the first one that comes again, by fields that have no finite value. */
function wayBack(from: RecordModel, named: Named, finite: ReadonlySet<string>): string[] {
  const way = [from.name]
  for (;;) {
    const model = named.get(way.at(-1)!) as RecordModel
    const field = model.fields.find(candidate => !hasEnd(candidate.shape, named, finite))!
    const shape = field.shape.kind === 'union' ? field.shape.branches[0]! : field.shape
    const next = (shape as Extract<Shape, { kind: 'named' }>).name
    if (way.includes(next)) return [...way, next]
    way.push(next)
  }
}
