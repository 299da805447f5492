/** `npm run drill -- NAME… | --all | --list [--short] [--seed N]`: failures rehearsed on real processes. */
import { parseArgs } from 'node:util'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildWorkers } from '../dev/build-workers.ts'
import { failWith, fault } from '../dev/fault.ts'
import type { Drill, Figures } from './drill.ts'
import { drills } from './drill-list.ts'

await main().then((isPassed) => process.exit(isPassed ? 0 : 1), failWith)

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      list: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      short: { type: 'boolean', default: false },
      seed: { type: 'string' },
    },
  })
  if (values.list || (positionals.length === 0 && !values.all)) return list()
  const chosen = values.all ? drills : positionals.map(find)
  const seed = readSeed(values.seed)
  const folder = mkdtempSync(join(tmpdir(), 'halyard-drill-'))
  try {
    const built = join(folder, 'dist')
    await buildWorkers(built)
    let isPassed = true
    for (const drill of chosen) {
      // One at a time: they would disturb each other.
      // oxlint-disable-next-line no-await-in-loop
      isPassed =
        (await rehearse(drill, { isShort: values.short, seed, built, folder: join(folder, drill.name) })) &&
        isPassed
    }
    return isPassed
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function list(): boolean {
  for (const { name, about } of drills) console.log(`${name.padEnd(16)}${about}`)
  return true
}

function readSeed(text: string | undefined): number {
  if (text === undefined) return Math.floor(Math.random() * 2 ** 31)
  if (!/^\d{1,15}$/.test(text)) throw fault(`--seed ${text} is no seed`, 'It is a whole number, such as 42')
  return Number(text)
}

function find(name: string): Drill {
  const drill = drills.find((each) => each.name === name)
  if (!drill)
    throw fault(`There is no drill ${name}`, `There are ${drills.map((each) => each.name).join(', ')}`)
  return drill
}

interface Setting {
  readonly isShort: boolean
  readonly seed: number
  readonly built: string
  readonly folder: string
}

async function rehearse(drill: Drill, setting: Setting): Promise<boolean> {
  const start = performance.now()
  const failures: string[] = []
  console.log(`\n${drill.name}: ${drill.about}\n  seed ${setting.seed}${setting.isShort ? ', short' : ''}`)
  const figures = await drill
    .run({ ...setting, say, fail: (what) => failures.push(what) })
    .catch(
      (error: unknown): Figures => (failures.push(String(error instanceof Error ? error.stack : error)), {}),
    )
  for (const [name, value] of Object.entries(figures)) say(`${name}: ${value}`)
  const seconds = ((performance.now() - start) / 1_000).toFixed(0)
  for (const what of failures.slice(0, 20)) say(`FAILED: ${what}`)
  if (failures.length > 20) say(`and ${failures.length - 20} more`)
  console.log(`${failures.length === 0 ? 'pass' : 'FAIL'}: ${drill.name}, ${seconds} s`)
  return failures.length === 0
}

function say(line: string): void {
  console.log(`  ${line}`)
}
