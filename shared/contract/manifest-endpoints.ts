import * as z from 'zod'
import { endpoint } from './endpoint.ts'
import { FlagKey } from './key.ts'
import { JsonValue } from './json.ts'
import { limits } from './limits.ts'

/**
 * The flags of a project as OpenFeature's CLI reads and writes them: its "Manifest Management API", version 0. Not part of
 * `api`: its paths, and the form of its errors, are not ours.
 */

const ManifestType = z.enum(['boolean', 'string', 'integer', 'float', 'object'])
export type ManifestType = z.infer<typeof ManifestType>

const described = {
  name: z.string().max(limits.nameLength).optional(),
  description: z.string().max(limits.descriptionLength).nullish(),
}

export const ManifestFlag = z.strictObject({
  key: FlagKey,
  name: z.string(),
  type: ManifestType,
  description: z.string().optional(),
  defaultValue: JsonValue,
})
export type ManifestFlag = z.infer<typeof ManifestFlag>

const ManifestCreate = z.strictObject({
  key: FlagKey,
  type: ManifestType,
  ...described,
  defaultValue: JsonValue,
})
export type ManifestCreate = z.infer<typeof ManifestCreate>

const ManifestUpdate = ManifestCreate.partial({ defaultValue: true })
export type ManifestUpdate = z.infer<typeof ManifestUpdate>

export const Manifest = z.strictObject({ flags: z.array(ManifestFlag) })
export type Manifest = z.infer<typeof Manifest>

const Answer = z.strictObject({ flag: ManifestFlag, updatedAt: z.iso.datetime() })
export type ManifestAnswer = z.infer<typeof Answer>

const manifest = '/openfeature/v0/manifest'
const common = { tag: 'Manifest' } as const

/** Under the origin, for a token that is bound to a project, and under the address of a project. */
export const manifestEndpoints = {
  readManifest: endpoint({
    ...common,
    method: 'GET',
    path: manifest,
    summary: 'The flags of a project',
    role: 'viewer',
    result: Manifest,
  }),
  createManifestFlag: endpoint({
    ...common,
    method: 'POST',
    path: `${manifest}/flags`,
    summary: 'Create a flag',
    role: 'editor',
    body: ManifestCreate,
    status: 201,
    result: Answer,
  }),
  updateManifestFlag: endpoint({
    ...common,
    method: 'PUT',
    path: `${manifest}/flags/:key`,
    summary: 'Describe a flag',
    role: 'editor',
    body: ManifestUpdate,
    result: Answer,
  }),
  archiveManifestFlag: endpoint({
    ...common,
    method: 'DELETE',
    path: `${manifest}/flags/:key`,
    summary: 'Archive a flag',
    role: 'editor',
    result: z.strictObject({ message: z.string(), archivedAt: z.iso.datetime().nullable() }),
  }),
} as const
