/** Starts a leashed command that ignores SIGTERM when asked to, says its pid, and stays. Run by leash.test.ts, which kills it. */
import { spawnLeashed } from '../../src/dev/leash.ts'

const [graceMs, folder, script] = process.argv.slice(2) as [string, string, string]
const written = Promise.withResolvers<void>()
const child = await spawnLeashed(process.execPath, ['-e', script], {
  orphanGraceMs: Number(graceMs),
  orphanRemoves: folder,
  keepsAlive: true,
  onLine: () => written.resolve(),
})
await written.promise
console.log(JSON.stringify({ pid: child.pid }))
