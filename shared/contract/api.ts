import * as z from 'zod'
import { endpoint, page, PageQuery } from './endpoint.ts'
import { EvaluateRequest, EvaluateResult, ExplainRequest, Explanation } from './evaluation.ts'
import {
  EnvironmentStatePatch,
  Flag,
  FlagCreate,
  FlagDefinitionPatch,
  FlagInEnvironment,
  FlagKind,
  FlagPatch,
  FlagState,
} from './flag.ts'
import { limits } from './limits.ts'
import {
  AuditEntry,
  Environment,
  EnvironmentCreate,
  EnvironmentPatch,
  Key,
  KeyCreate,
  Project,
  ProjectCreate,
  ProjectPatch,
  ResourceKey,
  VersionToken,
  Whoami,
} from './resources.ts'

/** The versions a write made, by environment key. */
const versions = z.record(z.string(), VersionToken)
const written = <Shape extends z.core.$ZodLooseShape>(object: z.ZodObject<Shape>) =>
  z.strictObject({ ...object.shape, versions })

const Toggle = z
  .strictObject({
    enabled: z
      .boolean()
      .optional()
      .meta({ description: 'The state to set; the opposite of the present one if left out' }),
    comment: z.string().max(500).optional(),
  })
  .meta({ id: 'Toggle' })
const Comment = z.strictObject({ comment: z.string().max(500).optional() })
const FlagQuery = PageQuery.extend({
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
const ExplainQuery = z.strictObject({ targetingKey: z.string().max(limits.textLength).optional() })
const UserQuery = z.strictObject({ user_id: z.string().min(1).max(limits.textLength) })

const flagState = z.strictObject({
  key: z.string(),
  environment: z.string(),
  ...FlagState.shape,
  updatedAt: z.iso.datetime(),
})
const inProject = '/orgs/:org/projects/:project'
const inEnvironment = `${inProject}/environments/:environment` as const

/** The management API, by operation id. */
export const api = {
  whoami: endpoint({
    method: 'GET',
    path: '/whoami',
    tag: 'Access',
    summary: 'What this token may reach',
    role: 'viewer',
    result: Whoami,
  }),

  listProjects: endpoint({
    method: 'GET',
    path: '/orgs/:org/projects',
    tag: 'Projects',
    summary: 'List projects',
    role: 'viewer',
    query: PageQuery,
    result: page(Project),
  }),
  createProject: endpoint({
    method: 'POST',
    path: '/orgs/:org/projects',
    tag: 'Projects',
    summary: 'Create a project with its environments',
    role: 'admin',
    body: ProjectCreate,
    status: 201,
    result: written(Project),
    etag: true,
  }),
  getProject: endpoint({
    method: 'GET',
    path: inProject,
    tag: 'Projects',
    summary: 'Read a project',
    role: 'viewer',
    result: Project,
    etag: true,
  }),
  updateProject: endpoint({
    method: 'PATCH',
    path: inProject,
    tag: 'Projects',
    summary: 'Rename a project',
    role: 'admin',
    body: ProjectPatch,
    result: written(Project),
    etag: true,
  }),

  listEnvironments: endpoint({
    method: 'GET',
    path: `${inProject}/environments`,
    tag: 'Environments',
    summary: 'List environments',
    role: 'viewer',
    query: PageQuery,
    result: page(Environment),
  }),
  createEnvironment: endpoint({
    method: 'POST',
    path: `${inProject}/environments`,
    tag: 'Environments',
    summary: 'Create an environment',
    role: 'admin',
    body: EnvironmentCreate,
    status: 201,
    result: written(Environment),
    etag: true,
  }),
  getEnvironment: endpoint({
    method: 'GET',
    path: inEnvironment,
    tag: 'Environments',
    summary: 'Read an environment',
    role: 'viewer',
    result: Environment,
    etag: true,
  }),
  updateEnvironment: endpoint({
    method: 'PATCH',
    path: inEnvironment,
    tag: 'Environments',
    summary: 'Rename or protect an environment',
    role: 'admin',
    body: EnvironmentPatch,
    result: written(Environment),
    etag: true,
  }),

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
    result: z.strictObject({ flags: z.array(Flag), versions }),
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
    summary: 'Restore an archived flag',
    role: 'editor',
    body: Comment,
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
    result: flagState,
    etag: true,
  }),
  updateFlagState: endpoint({
    method: 'PATCH',
    path: `${inEnvironment}/flags/:key`,
    tag: 'Flag states',
    summary: 'Change the state of a flag in an environment',
    role: 'editor',
    body: EnvironmentStatePatch,
    result: written(flagState),
    etag: true,
  }),
  toggleFlag: endpoint({
    method: 'POST',
    path: `${inEnvironment}/flags/:key/toggle`,
    tag: 'Flag states',
    summary: 'Switch a flag on or off',
    role: 'editor',
    body: Toggle,
    result: written(flagState),
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
  explainFlag: endpoint({
    method: 'GET',
    path: `${inEnvironment}/flags/:key/explain`,
    tag: 'Evaluation',
    summary: 'Why a user gets what it gets',
    role: 'viewer',
    query: ExplainQuery,
    result: Explanation,
  }),
  explainFlagFor: endpoint({
    method: 'POST',
    path: `${inEnvironment}/flags/:key/explain`,
    tag: 'Evaluation',
    summary: 'Why a context gets what it gets',
    role: 'viewer',
    body: ExplainRequest,
    result: Explanation,
  }),

  listKeys: endpoint({
    method: 'GET',
    path: `${inProject}/keys`,
    tag: 'Keys',
    summary: 'List API keys, without their secrets',
    role: 'admin',
    query: PageQuery,
    result: page(Key),
  }),
  createKey: endpoint({
    method: 'POST',
    path: `${inProject}/keys`,
    tag: 'Keys',
    summary: 'Create an API key; the answer alone shows its secret',
    role: 'admin',
    body: KeyCreate,
    status: 201,
    result: written(Key.extend({ secret: z.string() })),
  }),
  revokeKey: endpoint({
    method: 'DELETE',
    path: `${inProject}/keys/:id`,
    tag: 'Keys',
    summary: 'Revoke an API key',
    role: 'admin',
    result: written(Key),
  }),

  listAudit: endpoint({
    method: 'GET',
    path: '/orgs/:org/audit',
    tag: 'Audit',
    summary: 'List changes, newest first',
    role: 'viewer',
    query: PageQuery.extend({ project: ResourceKey.optional(), flag: z.string().max(100).optional() }),
    result: page(AuditEntry),
  }),

  // Short forms: the project and environment are those the token is bound to.
  shortListFlags: endpoint({
    method: 'GET',
    path: '/flags',
    tag: 'Short forms',
    summary: 'List flags',
    role: 'viewer',
    query: FlagQuery,
    result: page(FlagInEnvironment),
  }),
  shortCreateFlag: endpoint({
    method: 'POST',
    path: '/flags',
    tag: 'Short forms',
    summary: 'Create a flag',
    role: 'editor',
    body: FlagCreate,
    status: 201,
    result: written(FlagInEnvironment),
    etag: true,
  }),
  shortGetFlag: endpoint({
    method: 'GET',
    path: '/flags/:key',
    tag: 'Short forms',
    summary: 'Read a flag with its state',
    role: 'viewer',
    result: FlagInEnvironment,
    etag: true,
  }),
  shortUpdateFlag: endpoint({
    method: 'PATCH',
    path: '/flags/:key',
    tag: 'Short forms',
    summary: 'Change a flag and its state',
    role: 'editor',
    body: FlagPatch,
    result: written(FlagInEnvironment),
    etag: true,
  }),
  shortArchiveFlag: endpoint({
    method: 'DELETE',
    path: '/flags/:key',
    tag: 'Short forms',
    summary: 'Archive a flag',
    role: 'editor',
    result: written(FlagInEnvironment),
    etag: true,
  }),
  shortToggleFlag: endpoint({
    method: 'POST',
    path: '/flags/:key/toggle',
    tag: 'Short forms',
    summary: 'Switch a flag on or off',
    role: 'editor',
    body: Toggle,
    result: written(FlagInEnvironment),
    etag: true,
  }),
  shortEvaluate: endpoint({
    method: 'POST',
    path: '/evaluate',
    tag: 'Short forms',
    summary: 'Evaluate on committed state',
    role: 'viewer',
    body: EvaluateRequest,
    result: EvaluateResult,
  }),
  shortExplain: endpoint({
    method: 'GET',
    path: '/flags/:key/audit',
    tag: 'Short forms',
    summary: 'What the engine decides for a user, and why',
    role: 'viewer',
    query: UserQuery,
    result: Explanation,
  }),
} as const

export type Api = typeof api
export type Operation = keyof Api

/** The typed input and result of an operation. */
export type BodyOf<E> = E extends { body: infer B extends z.ZodType } ? z.input<B> : undefined
export type ResultOf<E> = E extends { result: infer R extends z.ZodType } ? z.output<R> : never
