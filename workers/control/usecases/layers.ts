/** Layers: they belong to a project, and every environment has them as they are. */
import { and, eq, sql } from 'drizzle-orm'
import type { LayerCreate, LayerPatch } from '@halyard/shared/contract/layer.ts'
import type { Warning } from '@halyard/shared/contract/written.ts'
import { makeId, makeSeed } from '@halyard/shared/protocol/ids.ts'
import { canonicalJson } from '../canonical-json.ts'
import type { Actor, Deps } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import type { projects } from '../store/schema.ts'
import { layers } from '../store/segment-schema.ts'
import { selectEnvironments } from '../store/select.ts'
import type { LayerRow } from '../store/select-segments.ts'
import { commitChange, versionsOf, type Change, type EnvironmentRow } from './change.ts'
import { refuseBrokenReferences, refuseInUse } from './check-references.ts'
import { findLayer, findProject } from './find.ts'
import { layerWarnings } from './layer-warnings.ts'
import { checkIfMatch, etagOf } from './precondition.ts'
import { historyOf, toLayerRecord } from './records.ts'
import { mayGrow, refuseOversize, refuseTooMany } from './sizes.ts'
import { toLayer } from './views.ts'

/** Creates a layer. */
export async function createLayer(deps: Deps, actor: Actor, at: string, wanted: LayerCreate) {
  return commitChange(deps, actor, async (change) => {
    const { tx } = change
    const project = await findProject(tx, actor.orgId, at)
    const environments = await selectEnvironments(tx, actor.orgId, project.id)
    const row = newRow(change, project.id, wanted)
    await refuseTaken(change, row)
    await refuseTooMany(tx, 'layers', project, 1)
    await tx.insert(layers).values(row)
    const { comment } = wanted
    const saved = { before: null, after: row, project, environments }
    return save(change, saved, { action: 'layer.create', comment })
  })
}

interface LayerPath {
  readonly project: string
  readonly key: string
}

interface Conditional {
  readonly ifMatch?: string | undefined
  readonly comment?: string | undefined
}

/** Changes a layer in every environment. */
export async function updateLayer(
  deps: Deps,
  actor: Actor,
  command: LayerPath & Conditional & { patch: Omit<LayerPatch, 'comment'> },
) {
  return commitChange(deps, actor, async (change) => {
    const open = await openLayer(change, command)
    if (open.before.archivedAt)
      throw new ProblemError('layer_archived', { detail: `restore "${command.key}" before changing it` })
    const given = Object.fromEntries(Object.entries(command.patch).filter(([, value]) => value !== undefined))
    return revise(change, open, { action: 'layer.update', patch: given, comment: command.comment })
  })
}

/** Archives a layer that nothing uses, or brings it back. */
export async function archiveLayer(
  deps: Deps,
  actor: Actor,
  command: LayerPath & Conditional & { archived: boolean },
) {
  return commitChange(deps, actor, async (change) => {
    const open = await openLayer(change, command)
    const { archived, comment } = command
    const isDone = (open.before.archivedAt !== null) === archived
    if (!isDone && !archived) await refuseTooMany(change.tx, 'layers', open.project, 1)
    const archivedAt = isDone ? open.before.archivedAt : archived ? change.now : null
    const action = archived ? 'layer.archive' : 'layer.restore'
    return revise(change, open, { action, patch: { archivedAt }, comment })
  })
}

interface OpenLayer {
  readonly before: LayerRow
  readonly project: typeof projects.$inferSelect
  readonly environments: readonly EnvironmentRow[]
}

interface Revision {
  readonly action: string
  readonly patch: Partial<LayerRow>
  readonly comment?: string | undefined
}

async function openLayer({ tx, actor }: Change, command: LayerPath & Conditional): Promise<OpenLayer> {
  const before = await findLayer(tx, actor.orgId, command)
  checkIfMatch(command.ifMatch, etagOf(before.revision), toLayer(before))
  const project = await findProject(tx, actor.orgId, command.project)
  return { before, project, environments: await selectEnvironments(tx, actor.orgId, project.id) }
}

/** A revision that changes nothing writes nothing. */
async function revise(change: Change, open: OpenLayer, { action, patch, comment }: Revision) {
  const { before } = open
  const patched = { ...before, ...patch }
  if (isEqual(patched, before)) return answer(before, versionsOf(open.environments))
  const after = { ...patched, revision: before.revision + 1, updatedAt: change.now }
  await change.tx
    .update(layers)
    .set(after)
    .where(and(eq(layers.orgId, before.orgId), eq(layers.id, before.id)))
  await checkUses(change, open, after)
  return save(change, { ...open, after }, { action, comment })
}

async function checkUses(change: Change, { before, project, environments }: OpenLayer, after: LayerRow) {
  const target = { kind: 'layer', key: after.key } as const
  const at = { projectId: project.id, environments }
  if (after.archivedAt && !before.archivedAt) await refuseInUse(change, { ...at, target })
  if (after.archivedAt || isEqual(slotNames(before), slotNames(after))) return
  await refuseBrokenReferences(change, {
    ...at,
    changed: [target],
    own: (fault) => fault, // a layer refers to nothing
    lost: '/slots',
  })
}

interface Saved {
  readonly before: LayerRow | null
  readonly after: LayerRow
  readonly project: typeof projects.$inferSelect
  readonly environments: readonly EnvironmentRow[]
}

/** Raises the environments if their readers see a difference, and audits. */
async function save(
  change: Change,
  { before, after, project, environments }: Saved,
  { action, comment }: Pick<Revision, 'action' | 'comment'>,
) {
  const record = toLayerRecord(after)
  const earlier = before && toLayerRecord(before)
  const raised = earlier && isEqual(earlier, record) ? [] : environments
  if (mayGrow(earlier, record)) await refuseOversize(change.tx, after.orgId, raised)
  const history = historyOf('layer', after.id, record)
  const versions = { ...versionsOf(environments), ...(await change.raise(raised, () => [history])) }
  await change.audit({
    action,
    resource: `layer/${after.key}`,
    project: project.key,
    versions,
    before: before && toLayer(before),
    after: toLayer(after),
    comment,
  })
  return answer(after, versions, earlier ? layerWarnings(earlier, record) : [])
}

function answer(row: LayerRow, versions: Record<string, string>, warnings: readonly Warning[] = []) {
  return { result: { ...toLayer(row), versions, warnings }, etag: etagOf(row.revision) }
}

function newRow({ actor, now }: Change, projectId: string, wanted: LayerCreate): LayerRow {
  return {
    orgId: actor.orgId,
    id: makeId('lyr', now.getTime()),
    projectId,
    key: wanted.key,
    name: wanted.name ?? wanted.key,
    description: wanted.description ?? '',
    by: wanted.by ?? 'targetingKey',
    seed: wanted.seed ?? makeSeed(),
    slots: wanted.slots ?? [],
    revision: 1,
    archivedAt: null,
    createdAt: now,
    updatedAt: now,
  }
}

async function refuseTaken({ tx }: Change, { orgId, projectId, key }: LayerRow) {
  const [taken] = await tx
    .select({ key: layers.key })
    .from(layers)
    .where(
      and(
        eq(layers.orgId, orgId),
        eq(layers.projectId, projectId),
        eq(sql`lower(${layers.key})`, key.toLowerCase()),
      ),
    )
  if (taken) {
    throw new ProblemError('layer_exists', {
      detail: `exists already, perhaps archived or written in another case: "${taken.key}"`,
    })
  }
}

function slotNames({ slots }: LayerRow): string[] {
  return slots.map(({ name }) => name)
}

function isEqual(a: object, b: object): boolean {
  return canonicalJson(a as never) === canonicalJson(b as never) // rows and records serialise as JSON
}
