import * as z from 'zod'
import { endpoint, page, PageQuery } from './endpoint.ts'
import { EvaluateRequest, EvaluateResult } from './evaluation.ts'
import {
  EnvironmentStatePatch,
  Flag,
  FlagCreate,
  FlagDefinitionPatch,
  FlagInEnvironment,
  FlagKind,
  FlagRestore,
  FlagState,
} from './flag.ts'
import { limits } from './limits.ts'
import { inEnvironment, inProject } from './paths.ts'
import { Versions, Warnings, written } from './written.ts'

export const Toggle = z
  .strictObject({
    enabled: z
      .boolean()
      .optional()
      .meta({ description: 'The state to set; the opposite of the present one if left out' }),
    comment: z.string().max(500).optional(),
  })
  .meta({ id: 'Toggle' })
export const FlagQuery = PageQuery.extend({
  tag: z.string().max(limits.tagLength).optional(),
  kind: FlagKind.optional(),
  archived: z.enum(['true', 'false']).default('false'),
  text: z.string().max(200).optional().meta({ description: 'Found in the key, name or description' }),
})
const FlagImport = z
  .strictObject({
    flags: z.array(FlagCreate).min(1).max(limits.importFlags),
    comment: z.string().max(500).optional(),
  })
  .meta({ id: 'FlagImport' })
export const FlagStateIn = z.strictObject({
  key: z.string(),
  environment: z.string(),
  ...FlagState.shape,
  updatedAt: z.iso.datetime(),
})

/** Flags, their states in environments, and decisions on committed state. */
export const flagEndpoints = {
  listFlags: endpoint({
    method: 'GET',
    path: `${inProject}/flags`,
    tag: 'Flags',
    summary: 'List flags',
    role: 'viewer',
    query: FlagQuery,
    result: page(Flag),
  }),
  createFlag: endpoint({
    method: 'POST',
    path: `${inProject}/flags`,
    tag: 'Flags',
    summary: 'Create a flag',
    role: 'editor',
    body: FlagCreate,
    status: 201,
    result: written(Flag),
    etag: true,
  }),
  importFlags: endpoint({
    method: 'POST',
    path: `${inProject}/flags/import`,
    tag: 'Flags',
    summary: 'Create many flags, all or none',
    role: 'editor',
    body: FlagImport,
    status: 201,
    result: z.strictObject({ flags: z.array(Flag), versions: Versions, warnings: Warnings }),
  }),
  getFlag: endpoint({
    method: 'GET',
    path: `${inProject}/flags/:key`,
    tag: 'Flags',
    summary: 'Read the definition of a flag',
    role: 'viewer',
    result: Flag,
    etag: true,
  }),
  updateFlag: endpoint({
    method: 'PATCH',
    path: `${inProject}/flags/:key`,
    tag: 'Flags',
    summary: 'Change the definition of a flag',
    role: 'editor',
    body: FlagDefinitionPatch,
    result: written(Flag),
    etag: true,
  }),
  archiveFlag: endpoint({
    method: 'DELETE',
    path: `${inProject}/flags/:key`,
    tag: 'Flags',
    summary: 'Archive a flag: readers no longer find it; its key, seed and state are kept',
    role: 'editor',
    result: written(Flag),
    etag: true,
  }),
  restoreFlag: endpoint({
    method: 'POST',
    path: `${inProject}/flags/:key/restore`,
    tag: 'Flags',
    summary: 'Restore an archived flag, as it was or as the body says, in one change',
    role: 'editor',
    body: FlagRestore,
    result: written(Flag),
    etag: true,
  }),

  listFlagStates: endpoint({
    method: 'GET',
    path: `${inEnvironment}/flags`,
    tag: 'Flag states',
    summary: 'List flags with their state in an environment',
    role: 'viewer',
    query: FlagQuery,
    result: page(FlagInEnvironment),
  }),
  getFlagState: endpoint({
    method: 'GET',
    path: `${inEnvironment}/flags/:key`,
    tag: 'Flag states',
    summary: 'Read the state of a flag in an environment',
    role: 'viewer',
    result: FlagStateIn,
    etag: true,
  }),
  updateFlagState: endpoint({
    method: 'PATCH',
    path: `${inEnvironment}/flags/:key`,
    tag: 'Flag states',
    summary: 'Change the state of a flag in an environment',
    role: 'editor',
    body: EnvironmentStatePatch,
    result: written(FlagStateIn),
    etag: true,
  }),
  toggleFlag: endpoint({
    method: 'POST',
    path: `${inEnvironment}/flags/:key/toggle`,
    tag: 'Flag states',
    summary: 'Switch a flag on or off',
    role: 'editor',
    body: Toggle,
    result: written(FlagStateIn),
    etag: true,
  }),
  evaluate: endpoint({
    method: 'POST',
    path: `${inEnvironment}/evaluate`,
    tag: 'Evaluation',
    summary: 'Evaluate on committed state',
    role: 'viewer',
    body: EvaluateRequest,
    result: EvaluateResult,
  }),
} as const
