import * as z from 'zod'
import { endpoint, page } from './endpoint.ts'
import { EvaluateRequest, EvaluateResult, Explanation } from './evaluation.ts'
import { FlagCreate, FlagInEnvironment, FlagPatch } from './flag.ts'
import { FlagQuery, Toggle } from './flag-endpoints.ts'
import { limits } from './limits.ts'
import { written } from './written.ts'

const UserQuery = z.strictObject({ user_id: z.string().min(1).max(limits.textLength) })

/** Short forms: the project and environment are those that the token is bound to. */
export const shortEndpoints = {
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
