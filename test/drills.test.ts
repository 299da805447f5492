import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { drills } from '../drills/drill-list.ts'
import { buildWorkersOnce } from './run-once.ts'

const folder = mkdtempSync(join(tmpdir(), 'halyard-drills-'))
let built: string
/** The bounds of a drill are its own; this one only ends what hangs. */
const hangsMs = 600_000

beforeAll(async () => {
  built = await buildWorkersOnce()
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

for (const drill of drills) {
  test(
    `drill ${drill.name}: ${drill.about}`,
    async () => {
      const failures: string[] = []
      const seed = Math.floor(Math.random() * 2 ** 31)
      const fail = (what: string) => failures.push(`${what} (seed ${seed})`)
      const own = join(folder, drill.name)
      await drill.run({ isShort: true, seed, built, folder: own, say: () => {}, fail })
      expect(failures).toEqual([])
    },
    hangsMs,
  )
}
