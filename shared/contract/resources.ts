import * as z from 'zod'
import { JsonValue } from './json.ts'
import { limits } from './limits.ts'

export const ResourceKey = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, '1 to 64 of a-z 0-9 -, starting with a letter or digit')
  .meta({ id: 'ResourceKey', examples: ['web-shop'] })

const originRule = 'an origin as a browser sends it, such as https://shop.example, without a path'
const name = z.string().min(1).max(limits.nameLength)
const comment = z.string().max(500).optional()

/** `epoch.version` of an environment: ask the edge for at least this to read your own write. */
export const VersionToken = z
  .string()
  .regex(/^\d{1,15}\.\d{1,15}$/, 'epoch.version, such as 1.42')
  .meta({ id: 'VersionToken', examples: ['1.42'] })

export const Role = z.enum(['viewer', 'editor', 'admin'])
export type Role = z.infer<typeof Role>

export const Project = z
  .strictObject({
    id: z.string(),
    key: ResourceKey,
    name,
    archived: z.boolean(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'Project' })
export type Project = z.infer<typeof Project>
export const ProjectCreate = z
  .strictObject({
    key: ResourceKey,
    name: name.optional(),
    environments: z
      .array(z.strictObject({ key: ResourceKey, name: name.optional(), protected: z.boolean().optional() }))
      .max(limits.environmentsPerProject)
      .optional()
      .meta({ description: 'Made with the project; development, staging and production if left out' }),
    comment,
  })
  .meta({ id: 'ProjectCreate' })
export const ProjectPatch = z.strictObject({ name: name.optional(), comment }).meta({ id: 'ProjectPatch' })

export const Environment = z
  .strictObject({
    id: z.string(),
    key: ResourceKey,
    name,
    protected: z.boolean(),
    archived: z.boolean(),
    version: VersionToken,
    publishedVersion: VersionToken.nullable().meta({
      description: 'What readers are given: below `version` while something waits to be published',
    }),
    frozen: z
      .strictObject({
        since: z.iso.datetime(),
        comment: z.string(),
        scope: z.enum(['environment', 'installation']),
      })
      .nullable()
      .meta({
        description: 'Set while nothing is published, key revocations included: edits are kept, and wait',
      }),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'Environment' })
export type Environment = z.infer<typeof Environment>
export const EnvironmentCreate = z
  .strictObject({ key: ResourceKey, name: name.optional(), protected: z.boolean().optional(), comment })
  .meta({
    id: 'EnvironmentCreate',
    description: 'Every flag of the project starts switched off in a new environment',
  })
export const EnvironmentPatch = z
  .strictObject({ name: name.optional(), protected: z.boolean().optional(), comment })
  .meta({ id: 'EnvironmentPatch' })

/** As a browser sends it: lower case, no default port, no path. Any other spelling would never match. */
const Origin = z
  .string()
  .max(253)
  .regex(/^https?:\/\/[a-z0-9.:[\]-]+$/, originRule)
  .refine(isOrigin, originRule)
const keyName = { name, expiresAt: z.iso.datetime().max(40).optional(), comment }

export const KeyCreate = z
  .discriminatedUnion('class', [
    z.strictObject({ class: z.literal('server'), environment: ResourceKey, ...keyName }),
    z.strictObject({
      class: z.literal('client'),
      environment: ResourceKey,
      origins: z.array(Origin).max(limits.originsPerKey).optional(),
      ...keyName,
    }),
    z.strictObject({
      class: z.literal('management'),
      environment: ResourceKey.optional(),
      role: Role,
      ...keyName,
    }),
  ])
  .meta({ id: 'KeyCreate' })
export type KeyCreate = z.infer<typeof KeyCreate>

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text
}

export const Key = z
  .strictObject({
    id: z.string(),
    class: z.enum(['server', 'client', 'management']),
    name,
    environment: z.string().nullable(),
    role: Role.nullable(),
    origins: z.array(z.string()),
    lastFour: z.string(),
    createdAt: z.iso.datetime(),
    createdBy: z.string(),
    expiresAt: z.iso.datetime().nullable(),
    revokedAt: z.iso.datetime().nullable(),
    lastUsedOn: z.iso.date().nullable(),
  })
  .meta({ id: 'Key', description: 'An API key, without its secret' })
export type Key = z.infer<typeof Key>

export const AuditEntry = z
  .strictObject({
    id: z.string(),
    sequence: z.int(),
    time: z.iso.datetime(),
    actor: z.string(),
    action: z.string(),
    resource: z.string(),
    project: z.string().nullable(),
    environment: z.string().nullable(),
    versions: z.record(z.string(), VersionToken),
    before: JsonValue,
    after: JsonValue,
    comment: z.string().nullable(),
    requestId: z.string(),
    previousHash: z.string(),
    hash: z.string(),
  })
  .meta({
    id: 'AuditEntry',
    description: 'One change. `hash` covers the entry and the hash of the one before it',
  })
export type AuditEntry = z.infer<typeof AuditEntry>

export const Whoami = z
  .strictObject({
    key: z.string(),
    organization: z.string(),
    project: z.string().nullable(),
    environment: z.string().nullable(),
    role: Role,
  })
  .meta({ id: 'Whoami', description: 'What the token of this request may reach' })
