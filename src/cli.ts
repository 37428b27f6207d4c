#!/usr/bin/env node
/** The command line: what it says is in command/, what the process needs of it here. */
import './config/node-version.ts'
import { devCommand } from './command/dev.ts'
import { dlqCommand } from './command/dlq.ts'
import { doctorCommand } from './command/doctor.ts'
import { buildProgram, runProgram } from './command/program.ts'
import { publishCommand } from './command/publish.ts'
import { replayCommand } from './command/replay.ts'
import { runCommand } from './command/run.ts'
import { schemaCommand } from './command/schema.ts'
import { schemaCheckCommand } from './command/schema-check.ts'
import { schemaDiffCommand } from './command/schema-diff.ts'
import { schemaListCommand } from './command/schema-list.ts'
import { schemaRegisterCommand } from './command/schema-register.ts'
import { statusCommand } from './command/status.ts'
import { topicCommand } from './command/topic.ts'
import { secretsIn } from './config.ts'
import { redactor } from './observe/redact.ts'

for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // `spillway publish Order | head`: the reader has gone, but what was begun is finished, and its exit code still tells the truth.
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error
  })

const program = buildProgram([
  devCommand(),
  doctorCommand(),
  topicCommand(),
  schemaCommand()
    .addCommand(schemaCheckCommand())
    .addCommand(schemaDiffCommand())
    .addCommand(schemaListCommand())
    .addCommand(schemaRegisterCommand()),
  runCommand(),
  publishCommand(),
  statusCommand(),
  dlqCommand(),
  replayCommand(),
])
const code = await runProgram(program, process.argv, redactor(secretsIn()), Boolean(process.env.DEBUG))
await new Promise<void>(written => process.stdout.write('', () => written()))
// A configuration may hold timers or sockets of its own, which would keep a finished command alive.
process.exit(code)
