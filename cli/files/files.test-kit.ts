/** For tests: the CLI in a folder, on projects of its own. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { useApi } from '../api.test-kit.ts'
import type { Ran } from '../test-kit.ts'

export const shop = '/orgs/acme/projects/shop'

export function useFiles() {
  const api = useApi()
  vi.setConfig({ testTimeout: 120_000 }) // many processes are started, perhaps on a busy machine
  const run = async (args: readonly string[], folder: string, project = 'shop'): Promise<Ran> =>
    await api.cli(args, { HALYARD_PROJECT: project }, folder)
  /** Must end well; what people are shown. */
  const ok = async (args: readonly string[], folder: string, project = 'shop'): Promise<string> => {
    const { code, stdout, stderr } = await run(args, folder, project)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout
  }
  /** Three environments, of which none is protected. */
  const makeProject = async (key: string): Promise<string> => {
    const environments = ['development', 'staging', 'production'].map((name) => ({ key: name }))
    await api.kit.ok('POST', '/orgs/acme/projects', { body: { key, environments } })
    return `/orgs/acme/projects/${key}`
  }
  return { api, run, ok, makeProject }
}

export function writeJson(folder: string, name: string, value: object): void {
  writeFileSync(join(folder, name), JSON.stringify(value))
}
