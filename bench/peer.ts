/** The child process of one peer in one case: `node bench/peer.ts <job as JSON>`, started by children.ts. */
import { cases } from './cases/cases.ts'
import type { Job } from './job.ts'
import { Parent } from './parent.ts'
import { peerOf } from './peers/peers.ts'

const job = JSON.parse(process.argv[2]!) as Job
const parent = new Parent()
await cases[job.case](await peerOf(job.peer), job, parent)
parent.close()
