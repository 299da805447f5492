/** What every example is asked to show, whatever it is written in. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../../dev/run-tool.ts'
import type { Packed } from '../../dev/pack-packages.ts'

/** What one visitor gets, as an example tells it. */
export interface Seen {
  readonly newCheckout: boolean
  readonly theme: string
}

/** By targeting key. `anna` is in Germany, of the other nothing is known. */
export type Visitors = Readonly<Record<'user-123' | 'anna', Seen>>

/** A local edge with the demo flags, and what an example gets of it. */
export interface Surroundings {
  readonly edge: string
  readonly serverKey: string
  readonly clientKey: string
  /** Made when first asked for, as are the runtimes. */
  readonly packed: () => Promise<Packed>
  /** Empty, and removed at the end. */
  readonly folder: string
  /** The folder with the programs `bun` and `deno`. */
  readonly runtimes: () => Promise<string>
}

export interface InteropCase {
  readonly name: string
  /** Programs of this machine that it needs. */
  readonly needs: readonly string[]
  /** Gets the example going; what it defers is done when it was seen enough. Gives what visitors are shown at a moment. */
  readonly start: (around: Surroundings, stack: AsyncDisposableStack) => Promise<() => Promise<Visitors>>
}

/** Copies an example to where it runs. */
export function copyExample(name: string, folder: string): string {
  const target = join(folder, name)
  const notSource = /\/(node_modules|target|\.venv|\.wrangler)(\/|$)/
  cpSync(join(projectRoot, 'examples', name), target, {
    recursive: true,
    filter: (source) => !notSource.test(source),
  })
  return target
}
