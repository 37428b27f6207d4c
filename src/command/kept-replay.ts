/** A replay that keeps what failed in a file. */
import { exportLine } from '../dlq/export.ts'
import type { ReplayPlan } from '../replay/plan.ts'
import { type ReplayResult, type RunOptions, runReplay } from '../replay/run.ts'
import { sideGroupName } from '../replay/side-group.ts'
import { openFailedFile } from './failed-file.ts'

/** `file` is undefined when nothing is in it, of an earlier run neither. */
export type KeptReplayResult = ReplayResult & { readonly file: string | undefined }

/** `path`: a new file, unless the replay goes on. Default `<group>.replay-<id>.failed.jsonl`. Rejects like openFailedFile and runReplay. */
export async function keptReplay(
  plan: ReplayPlan,
  path: string | undefined,
  options: Omit<RunOptions, 'onLetter'>,
): Promise<KeptReplayResult> {
  const name = path ?? `${sideGroupName(plan.group, plan.resumes ?? options.id)}.failed.jsonl`
  const file = await openFailedFile(name, { goesOn: plan.resumes !== undefined })
  let hasFailures = false
  const result = await runReplay(plan, {
    ...options,
    onLetter: letter => file.write(exportLine(plan.group, letter)),
  }).finally(async () => {
    hasFailures = await file.close()
  })
  return { ...result, file: hasFailures ? name : undefined }
}
