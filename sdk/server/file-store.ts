import type { FlagStore } from './flag-store.ts'

/**
 * Keeps flags in a file that its owner alone may read (mode 0600, in a folder that is made with 0700), replaced as a
 * whole by renaming. Lists of large segments lie in the folder `PATH.blobs` beside it. Processes may share a path. For
 * Node, Bun and Deno.
 */
export function fileStore(path: string): FlagStore {
  if (typeof path !== 'string' || path === '')
    throw new TypeError(`fileStore: the path must be a text that is not empty, not ${String(path)}`)
  const blobPath = (hash: string) => `${path}.blobs/${hash}`
  return {
    load: async () => {
      const bytes = await readIfThere(path)
      return bytes && new TextDecoder().decode(bytes)
    },
    save: (text) => replace(path, text),
    loadBlob: (hash) => readIfThere(blobPath(hash)),
    saveBlob: (hash, bytes) => replace(blobPath(hash), bytes),
    keepBlobs: async (hashes) => {
      const kept = new Set(hashes)
      await removeOld(`${path}.blobs`, (name) => (isDraft(name) ? draftMs : kept.has(name) ? null : listMs))
      await removeOld(folderOf(path), (name) =>
        isDraft(name) && name.startsWith(`${nameOf(path)}.`) ? draftMs : null,
      )
    },
  }
}

/** Another process may have written a list a moment ago, and name it in what it is about to save. */
const listMs = 3_600_000
/** Of a process that ended while it wrote. */
const draftMs = 24 * 3_600_000

function isDraft(name: string): boolean {
  return name.endsWith('.tmp')
}

/** Removes the files that are older than what is said of their name; null: never. */
async function removeOld(folder: string, olderThanMs: (name: string) => number | null): Promise<void> {
  const { readdir, rm, stat } = await fileSystem()
  const names = await readdir(folder).catch(noneIfMissing<string[]>([]))
  const removeIfOld = async (name: string) => {
    const ageMaxMs = olderThanMs(name)
    if (ageMaxMs === null) return
    const file = await stat(`${folder}/${name}`).catch(noneIfMissing(null))
    // Another process may have been faster.
    if (file && Date.now() - file.mtimeMs > ageMaxMs) await rm(`${folder}/${name}`, { force: true })
  }
  await Promise.all(names.map(removeIfOld))
}

/** Not at the top: where there are no files, the rest of the SDK loads. */
function fileSystem() {
  return import('node:fs/promises')
}

async function readIfThere(path: string): Promise<Uint8Array | null> {
  const { readFile } = await fileSystem()
  return await readFile(path).catch(noneIfMissing(null))
}

async function replace(path: string, content: string | Uint8Array): Promise<void> {
  const { mkdir, open, rename, rm } = await fileSystem()
  await mkdir(folderOf(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${crypto.randomUUID()}.tmp`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(content)
      await file.sync() // else a machine that loses power may keep the new name and no bytes
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (cause) {
    await rm(draft, { force: true })
    throw cause
  }
}

function folderOf(path: string): string {
  const end = endOfFolder(path)
  return end > 0 ? path.slice(0, end) : end === 0 ? '/' : '.'
}

function nameOf(path: string): string {
  return path.slice(endOfFolder(path) + 1)
}

function endOfFolder(path: string): number {
  return Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))
}

function noneIfMissing<T>(none: T): (cause: unknown) => T {
  return (cause) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return none
    throw cause
  }
}
