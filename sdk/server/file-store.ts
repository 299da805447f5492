import type { FlagStore } from './flag-store.ts'

/**
 * Keeps flags in a file that its owner alone may read (mode 0600, in a folder that is made with 0700), replaced as a
 * whole by renaming. Lists of large segments lie in the folder `PATH.blobs` beside it. For Node, Bun and Deno.
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
      const { readdir, rm } = await fileSystem()
      const kept = new Set(hashes)
      const names = await readdir(`${path}.blobs`).catch(noneIfMissing<string[]>([]))
      await Promise.all(names.filter((name) => !kept.has(name)).map((name) => rm(blobPath(name))))
    },
  }
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
  const end = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))
  return end > 0 ? path.slice(0, end) : end === 0 ? '/' : '.'
}

function noneIfMissing<T>(none: T): (cause: unknown) => T {
  return (cause) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return none
    throw cause
  }
}
