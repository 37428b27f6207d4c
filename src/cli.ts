#!/usr/bin/env node
/** The command line: what it says is in command/, what the process needs of it here. */
import { buildProgram, runProgram } from './command/program.ts'
import { secretsIn } from './config.ts'
import { redactor } from './observe/redact.ts'

for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // `spillway status | head`: the reader has seen enough, which is no failure.
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })

const program = buildProgram([])
const code = await runProgram(program, process.argv, redactor(secretsIn()), Boolean(process.env.DEBUG))
await new Promise<void>(written => process.stdout.write('', () => written()))
// A configuration may hold timers or sockets of its own, which would keep a finished command alive.
process.exit(code)
