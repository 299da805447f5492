import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { fileStore } from './file-store.ts'

const folders: string[] = []

afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
})

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'halyard-store-'))
  folders.push(folder)
  return folder
}

test('what was saved is loaded; before, there is nothing', async () => {
  const store = fileStore(join(await newFolder(), 'flags.json'))
  expect(await store.load()).toBe(null)
  await store.save('one')
  await store.save('zwölf')
  expect(await store.load()).toBe('zwölf')
})

test('the file and its folder are for their owner alone, and no draft is left', async () => {
  const folder = await newFolder()
  await fileStore(join(folder, 'a', 'flags.json')).save('text')
  expect((await stat(join(folder, 'a', 'flags.json'))).mode & 0o777).toBe(0o600)
  expect((await stat(join(folder, 'a'))).mode & 0o777).toBe(0o700)
  expect(await readdir(join(folder, 'a'))).toEqual(['flags.json'])
})

test('a save takes the place of the file, it does not write into it: what a link points to stays', async () => {
  const folder = await newFolder()
  await writeFile(join(folder, 'other'), 'of somebody else')
  await symlink(join(folder, 'other'), join(folder, 'flags.json'))
  await fileStore(join(folder, 'flags.json')).save('text')
  expect(await readFile(join(folder, 'other'), 'utf8')).toBe('of somebody else')
})

test('a save that fails rejects, and leaves what was there and no draft', async () => {
  const folder = await newFolder()
  await writeFile(join(folder, 'no-folder'), '')
  await expect(fileStore(join(folder, 'no-folder', 'flags.json')).save('text')).rejects.toThrow('no-folder')
  expect(await readdir(folder)).toEqual(['no-folder'])
})

/** As if it had been written so many hours ago. */
async function age(path: string, hours: number): Promise<void> {
  const at = Date.now() / 1_000 - hours * 3_600
  await utimes(path, at, at)
}

test('lists of segments lie beside it, and those that were not named for an hour are removed', async () => {
  const path = join(await newFolder(), 'flags.json')
  const store = fileStore(path)
  await store.keepBlobs?.(['aa'])
  for (const hash of ['aa', 'bb']) {
    await store.saveBlob?.(hash, Uint8Array.of(1, 2)) // oxlint-disable-line no-await-in-loop -- one after the other
    await age(`${path}.blobs/${hash}`, 1.1) // oxlint-disable-line no-await-in-loop
  }
  await store.saveBlob?.('young', Uint8Array.of(3)) // perhaps of another process, which is about to name it
  await store.keepBlobs?.(['aa'])
  expect(await Promise.all(['aa', 'bb', 'young'].map((hash) => store.loadBlob?.(hash)))).toEqual([
    Buffer.from([1, 2]),
    null,
    Buffer.from([3]),
  ])
})

test('drafts that a process left behind are removed after a day, and no file of others', async () => {
  const folder = await newFolder()
  const path = join(folder, 'flags.json')
  await mkdir(`${path}.blobs`)
  const names = ['flags.json.1.tmp', 'flags.json.blobs/aa.1.tmp', 'other.json.1.tmp', 'other']
  for (const name of names) {
    await writeFile(join(folder, name), '') // oxlint-disable-line no-await-in-loop -- one after the other
    await age(join(folder, name), 25) // oxlint-disable-line no-await-in-loop
  }
  await writeFile(`${path}.2.tmp`, '')
  await Promise.all([fileStore(path).keepBlobs?.([]), fileStore(path).keepBlobs?.([])])
  expect((await readdir(folder, { recursive: true })).toSorted()).toEqual([
    'flags.json.2.tmp',
    'flags.json.blobs',
    'other',
    'other.json.1.tmp',
  ])
})

test('a path that is none is refused with what it was', () => {
  expect(() => fileStore('')).toThrow(TypeError)
  expect(() => fileStore(undefined as never)).toThrow('not undefined')
})
