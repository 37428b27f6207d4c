/** `--keep`: everything stays up until Ctrl-C, and the command line finds it from another terminal. */
import { once } from 'node:events'
import { removeLocalFile, writeLocalFile } from '../../../src/dev/local-file.ts'
import { type DemoOptions, root } from './options.ts'

/** Resolves at Ctrl-C. */
export async function keepUp(
  options: DemoOptions,
  cleanup: (step: () => unknown) => void,
  interrupted: AbortSignal,
): Promise<void> {
  const brokers = process.env.KAFKA_BROKERS!.split(',')
  writeLocalFile(root, { brokers, registryUrl: process.env.SCHEMA_REGISTRY_URL!, pid: process.pid })
  cleanup(() => removeLocalFile(root))
  console.log(hints(options))
  if (!interrupted.aborted) await once(interrupted, 'abort')
}

function hints({ partitions }: DemoOptions): string {
  // The definitions say 6 unless they are told otherwise, and the commands read the definitions.
  const told = partitions === 6 ? '' : `RETAIL_PARTITIONS=${partitions} `
  const commands = [
    ['status', 'lag, what waits in each tier, and dead letters of every group'],
    ['dlq list receipts', 'what failed, by its error'],
    ['dlq show receipts --all', 'the letters themselves, decoded'],
    ['dlq redrive receipts', 'what a redrive would do; --execute does it (the mail server will refuse them again)'],
  ].map(([command, what]) => `  ${told}npx spillway ${command!.padEnd(22)} ${what}`)
  return ['All of it stays up. Try in another terminal, in this folder:', ...commands, '', 'Ctrl-C ends it.'].join('\n')
}
