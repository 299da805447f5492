import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBareStack, type BareStack } from '../dev/bare-stack.ts'
import { buildWorkers } from '../dev/build-workers.ts'

/** Runs `work` with a folder of built Workers, and a way to start stacks of them. */
export async function withBareStacks<T>(work: (start: () => Promise<BareStack>) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'halyard-bench-'))
  try {
    const built = join(folder, 'dist')
    await buildWorkers(built)
    let started = 0
    return await work(() => startBareStack({ stateDir: join(folder, `state-${(started += 1)}`), built }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Resident memory of a process in KiB (Linux: /proc). */
export function residentKib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

/** As many sockets as a workerd can have here: two descriptors each, and some for itself. */
export function socketsMax(): number {
  const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
  return Math.floor((limit - 600) / 2)
}
