import { spawn } from 'node:child_process'

// `read` fails when the pipe closes without a line, which is what happens however its writer dies.
const script = 'trap "" HUP INT TERM; read -r _ || kill -s "$1" -- "$2"'

/** @type {import('./guard.d.mts').guardProcess} */
export function guardProcess(target, signal) {
  const guard = spawn('sh', ['-c', script, 'halyard-guard', signal, String(target)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  guard.on('error', () => {}) // without a shell there is no guard: the next start finds what is left
  guard.stdin.on('error', () => {}) // it has ended: nothing is left to tell it
  guard.unref()
  return () => guard.stdin.end('\n')
}
