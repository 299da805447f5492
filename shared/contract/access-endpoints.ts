import { endpoint, page, PageQuery } from './endpoint.ts'
import * as z from 'zod'
import { inProject } from './paths.ts'
import { AuditEntry, Key, KeyCreate, ResourceKey } from './resources.ts'
import { written } from './written.ts'

/** API keys and the audit. */
export const accessEndpoints = {
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
} as const
