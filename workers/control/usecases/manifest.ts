/** The flags of a project as OpenFeature's CLI reads and writes them. */
import type {
  Manifest,
  ManifestAnswer,
  ManifestCreate,
  ManifestFlag,
  ManifestType,
  ManifestUpdate,
} from '@halyard/shared/contract/manifest-endpoints.ts'
import { FlagCreate, type Flag, type ValueType } from '@halyard/shared/contract/flag.ts'
import { firstState } from '@halyard/shared/checks/first-state.ts'
import { isNull } from 'drizzle-orm'
import { canonicalJson } from '../canonical-json.ts'
import type { Actor, Deps } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import { flags } from '../store/schema.ts'
import { selectFlags, selectProject } from '../store/select.ts'
import { archiveFlag } from './change-flag.ts'
import { commitChange } from './change.ts'
import { createFlag } from './create-flags.ts'
import { definitionOf } from './flag-rules.ts'
import { found } from './find.ts'
import { openFlag, refuseArchived, reviseFlag } from './revise-flag.ts'
import { toFlag } from './views.ts'

const valueTypes = {
  boolean: 'boolean',
  string: 'string',
  integer: 'number',
  float: 'number',
  object: 'json',
} as const satisfies Record<ManifestType, ValueType>

/** All flags that are not archived, but for those of JSON whose default is no object: a manifest has no type for them. */
export async function readManifest(
  { db }: Pick<Deps, 'db'>,
  { orgId }: Actor,
  project: string,
): Promise<Manifest> {
  const [projects, rows] = await db.read(orgId, (read) => [
    selectProject(read, orgId, project),
    selectFlags(read, orgId, project, isNull(flags.archivedAt)),
  ])
  found(projects[0], 'project_not_found')
  return { flags: rows.map((row) => toManifestFlag(toFlag(row))).filter(isOfManifest) }
}

/** Creates a flag that gives its default everywhere until somebody says more. */
export async function createManifestFlag(
  deps: Deps,
  actor: Actor,
  { project, flag }: { readonly project: string; readonly flag: ManifestCreate },
): Promise<ManifestAnswer> {
  const { key, type, name, description, defaultValue } = flag
  refuseOtherType(type, defaultValue)
  const valueType = valueTypes[type]
  const definition = FlagCreate.parse({
    key,
    valueType,
    ...(name !== undefined && { name }),
    ...(typeof description === 'string' && { description }),
    ...(valueType !== 'boolean' && { variants: [{ key: 'default', value: defaultValue }] }),
  })
  const { result } = await createFlag(deps, actor, project, definition)
  return toAnswer(result)
}

/** Changes the name and description of a flag. What it gives is changed where its environments are. */
export async function updateManifestFlag(
  deps: Deps,
  actor: Actor,
  { project, key, flag }: { readonly project: string; readonly key: string; readonly flag: ManifestUpdate },
): Promise<ManifestAnswer> {
  if (flag.key !== key)
    throw new ProblemError('invalid_input', {
      errors: [{ pointer: '/key', detail: `is "${flag.key}", and the address says "${key}"` }],
    })
  const { result } = await commitChange(deps, actor, async (change) => {
    const open = await openFlag(change, { project, key })
    refuseArchived(open)
    refuseOtherValues(toFlag(open.flag), flag)
    const { name, description } = flag
    const patch = definitionOf({ name, ...(description !== undefined && { description: description ?? '' }) })
    const revised = await reviseFlag(change, open, { action: 'flag.update', flag: patch })
    return { result: toAnswer(toFlag(revised.after.flag)) }
  })
  return result
}

/** Archives a flag. */
export async function archiveManifestFlag(
  deps: Deps,
  actor: Actor,
  { project, key }: { readonly project: string; readonly key: string },
) {
  const { result } = await archiveFlag(deps, actor, { project, key })
  return {
    message: `Flag "${key}" is archived: readers no longer find it, and it can be restored.`,
    archivedAt: result.updatedAt, // what is archived is not changed any more
  }
}

/** What a manifest says of a flag: the value that it gives as it was made, switched off, is what code falls back to. */
export function toManifestFlag(flag: Flag): ManifestFlag {
  const { key, name, description, variants } = flag
  const { offVariant } = firstState(variants)
  return {
    key,
    name: name === '' ? key : name,
    type: typeOf(flag),
    ...(description !== '' && { description }),
    defaultValue: variants.find((variant) => variant.key === offVariant)?.value ?? null,
  }
}

function toAnswer(flag: Flag): ManifestAnswer {
  return { flag: toManifestFlag(flag), updatedAt: flag.updatedAt }
}

function typeOf({ valueType, variants }: Flag): ManifestType {
  if (valueType === 'json') return 'object'
  if (valueType !== 'number') return valueType
  return variants.every(({ value }) => Number.isSafeInteger(value)) ? 'integer' : 'float'
}

function isOfManifest({ type, defaultValue }: ManifestFlag): boolean {
  return type !== 'object' || isObject(defaultValue)
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The default of a boolean flag is what it gives while it is off. */
function refuseOtherType(type: ManifestType, value: unknown): void {
  const isOfType = {
    boolean: value === false,
    string: typeof value === 'string',
    integer: Number.isSafeInteger(value),
    float: typeof value === 'number',
    object: isObject(value),
  }[type]
  if (isOfType) return
  const shown = JSON.stringify(value).slice(0, 100)
  const wanted =
    type === 'boolean' ? 'false: a boolean flag that is off gives false' : `a value of type ${type}`
  throw new ProblemError('invalid_input', {
    errors: [{ pointer: '/defaultValue', detail: `is ${shown}, and has to be ${wanted}` }],
  })
}

/** A type is for good, and values are what environments serve: a manifest changes neither. */
function refuseOtherValues(flag: Flag, { type, defaultValue }: ManifestUpdate): void {
  const present = toManifestFlag(flag)
  if (valueTypes[type] !== flag.valueType)
    throw new ProblemError('conflict', {
      detail: `the type of "${flag.key}" is ${present.type} and cannot become ${type}`,
    })
  if (defaultValue === undefined || canonicalJson(defaultValue) === canonicalJson(present.defaultValue))
    return
  const shown = JSON.stringify(present.defaultValue).slice(0, 100)
  throw new ProblemError('conflict', {
    detail: `the default of "${flag.key}" is ${shown}, the value of a variant that environments serve: change it there, and pull`,
  })
}
