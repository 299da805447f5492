/** What is made once for all files of a run, by the first that asks: they go one after another. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { buildWorkers } from '../dev/build-workers.ts'
import { packPackages, type Packed } from '../dev/pack-packages.ts'

/** The folder of the built Workers. */
export async function buildWorkersOnce(): Promise<string> {
  return await once('workers', async (folder) => {
    await buildWorkers(folder)
    return folder
  })
}

/** The archives of the packages. */
export async function packOnce(): Promise<Packed> {
  return await once('npm', packPackages)
}

/** Noted when it is done: what failed is made again. */
async function once<T>(name: string, make: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(inject('runFolder'), name)
  const note = `${folder}.json`
  if (existsSync(note)) return JSON.parse(readFileSync(note, 'utf8'))
  const made = await make(folder)
  writeFileSync(note, JSON.stringify(made))
  return made
}
