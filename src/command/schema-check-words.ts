/** What `spillway schema check` prints of a subject, in words and as JSON. */
import type { Line } from '../schema/avsc-lines.ts'
import type { Earlier, GateProblem, SubjectVerdict } from '../schema/gate.ts'
import { printable } from './printable.ts'

export interface Located {
  readonly verdict: SubjectVerdict
  readonly lineOf: (problem: GateProblem) => Line | undefined
}

export function linesOfVerdict({ verdict, lineOf }: Located): string[] {
  const { subject, compatible, problems, warnings, type } = verdict
  const lines = [`${compatible ? '✓' : '✗'} ${subject}: ${compatible ? compatibleInWords(verdict) : 'not compatible'}`]
  for (const same of alike(problems)) {
    const [problem] = same
    const line = lineOf(problem!)
    lines.push(`    ${pathIn(type, problem!.path)}: ${problem!.reason}`)
    lines.push(`      ${sidesInWords(same)}${line === undefined ? '' : `; ${line.file}:${line.line}`}`)
    lines.push(`      fix: ${problem!.fix}`)
  }
  for (const { path, text, earlier } of warnings) lines.push(`    warning: ${pathIn(type, path)}: ${text} (${earlier.label})`)
  return lines.map(printable)
}

export function pathIn(type: string, path: string): string {
  return path === '' ? type : `${type}.${path}`
}

/** Problems that only differ in the version. */
export function alike(problems: readonly GateProblem[]): readonly GateProblem[][] {
  return [...Map.groupBy(problems, ({ direction, path, reason }) => JSON.stringify([direction, path, reason])).values()]
}

function compatibleInWords({ state, earlier }: SubjectVerdict): string {
  if (state === 'new') return 'new'
  if (state === 'unchanged') return 'unchanged'
  return earlier.length === 0 ? 'not compared' : `compatible with ${labels(earlier)}`
}

function sidesInWords(problems: readonly GateProblem[]): string {
  const earlier = problems.flatMap(one => one.earlier ?? [])
  if (earlier.length === 0) return 'this build'
  return problems[0]!.direction === 'backward'
    ? `reader: this build; writer: ${labels(earlier)}`
    : `reader: ${labels(earlier)}; writer: this build`
}

/** The first three, and how many more. */
function labels(earlier: readonly Earlier[]): string {
  const first = earlier.slice(0, 3).map(({ label }) => label)
  return earlier.length > 3 ? `${first.join(', ')} and ${earlier.length - 3} more` : first.join(', ')
}

/** An item of SchemaCheckList. */
export function verdictInJson({ verdict, lineOf }: Located, asked: { readonly against: string; readonly level: string }): object {
  const { subject, type, state, compatible, earlier, problems, warnings } = verdict
  return {
    subject,
    type,
    against: asked.against,
    level: asked.level,
    state,
    compatible,
    comparedWith: earlier.map(({ label }) => label),
    problems: problems.map(problem => problemInJson(problem, lineOf(problem))),
    warnings: warnings.map(({ path, text, earlier: { label, version = null } }) => ({ path, text, version, earlier: label })),
  }
}

function problemInJson({ kind, direction, path, reason, fix, earlier }: GateProblem, line: Line | undefined): object {
  const other = earlier?.label ?? null
  return {
    kind,
    direction,
    path,
    reason,
    fix,
    reader: direction === 'backward' ? 'this build' : other,
    writer: direction === 'backward' ? other : 'this build',
    version: earlier?.version ?? null,
    id: earlier?.id ?? null,
    file: line?.file ?? null,
    line: line?.line ?? null,
  }
}
