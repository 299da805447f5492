import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
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

test('lists of segments lie beside it, and those that are not named any more are removed', async () => {
  const store = fileStore(join(await newFolder(), 'flags.json'))
  await store.keepBlobs?.(['aa'])
  await store.saveBlob?.('aa', Uint8Array.of(1, 2))
  await store.saveBlob?.('bb', Uint8Array.of(3))
  await store.keepBlobs?.(['aa'])
  expect([await store.loadBlob?.('aa'), await store.loadBlob?.('bb')]).toEqual([Buffer.from([1, 2]), null])
})

test('a path that is none is refused with what it was', () => {
  expect(() => fileStore('')).toThrow(TypeError)
  expect(() => fileStore(undefined as never)).toThrow('not undefined')
})
