/** What `spillway schema check --in-flight` prints of a group, in words and as JSON. */
import type { FailingRecord, InFlightResult, Reason } from './in-flight-read.ts'
import { printable } from './printable.ts'
import { pathIn } from './schema-check-words.ts'

export function inFlightLines(result: InFlightResult): string[] {
  const { group, parts, readable, unhandled, failed, reasons, failing } = result
  const records = readable + unhandled + failed
  const others = unhandled > 0 ? `, ${unhandled} of them of no type that it handles` : ''
  const head =
    failed === 0
      ? `✓ ${group}: ${records} records read that wait${others}: this build can read them`
      : `✗ ${group}: ${failed} of ${records} records read that wait would fail with this build${others}`
  return [
    head,
    ...parts
      .filter(({ read, waiting }) => read < waiting)
      .map(
        ({ topic, partition, read, waiting }) => `    read only in part: ${topic}[${partition}], ${read} of ${waiting} offsets`,
      ),
    ...reasons.flatMap(reason => [
      `    ${reason.records} ${reason.records === 1 ? 'record' : 'records'}: ${reasonInWords(reason)}`,
      ...failing.filter(one => isOf(one, reason)).map(addressInWords),
      ...(reason.fix === undefined ? [] : [`      fix: ${reason.fix}`]),
    ]),
    ...(failing.length < failed ? [`    ${failed - failing.length} records that would fail are not named here: see --show`] : []),
  ].map(printable)
}

function isOf(record: FailingRecord, reason: Reason): boolean {
  return record.kind === reason.kind && (reason.kind !== 'schema' || record.schemaId === reason.schemaId)
}

function reasonInWords({ kind, type, path, text, schemaId }: Reason): string {
  return kind === 'schema' ? `${pathIn(type!, path!)} ${text}, written with schema id ${schemaId}` : text
}

function addressInWords({ topic, partition, offset, kind, text }: FailingRecord): string {
  return `      ${topic} ${partition}:${offset}${kind === 'schema' ? '' : `  ${text}`}`
}

/** An item of InFlightCheckList. */
export function inFlightInJson({
  group,
  parts,
  readable,
  unhandled,
  failed,
  reasons,
  failing,
  cutShort,
}: InFlightResult): object {
  return {
    group,
    compatible: failed === 0,
    complete: parts.every(({ read, waiting }) => read === waiting),
    timedOut: cutShort,
    readable,
    unhandled,
    failed,
    parts,
    reasons: reasons.map(({ records, ...reason }) => ({ ...reasonInJson(reason), records })),
    failing: failing.map(({ where, topic, partition, offset, timestampMs, ...reason }) => ({
      where,
      topic,
      partition,
      offset,
      timestamp: new Date(timestampMs).toISOString(),
      ...reasonInJson(reason),
    })),
  }
}

function reasonInJson({ kind, schemaId, type, path, text, fix }: Reason): object {
  return { kind, schemaId: schemaId ?? null, type: type ?? null, path: path ?? null, reason: text, fix: fix ?? null }
}
