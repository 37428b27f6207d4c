/** Builds `dist/` from `src/` with tsc: a clean folder each time, put in place whole, since something may be running from the old one. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, renameSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const [fresh, old] = [`${root}dist.${process.pid}`, `${root}dist.old.${process.pid}`]
const tsc = spawnSync('tsc', ['-p', 'tsconfig.build.json', '--outDir', fresh], {
  cwd: root,
  stdio: 'inherit',
  shell: process.platform === 'win32',
})
if (tsc.status !== 0) {
  rmSync(fresh, { recursive: true, force: true })
  process.exit(tsc.status ?? 1)
}
chmodSync(`${fresh}/cli.js`, 0o755)
if (existsSync(`${root}dist`)) renameSync(`${root}dist`, old)
renameSync(fresh, `${root}dist`)
rmSync(old, { recursive: true, force: true })
